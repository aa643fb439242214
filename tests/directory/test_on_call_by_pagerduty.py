"""A schedule of PagerDuty says who is on call, in the shape of `GET /oncalls`."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from directory.conftest import ANA, BEN, CHO
from pydantic import SecretStr
from upstreams import Asked, Said, Upstream

from activities.directory.http import WHOLE_SECONDS
from activities.directory.pagerduty import PAGE_ITEMS, PAGES_MAX, Schedules
from activities.directory.people import Roster
from contracts.errors import Rejected, Unavailable

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROSTER = Roster([ANA, BEN, CHO])
TOKEN = "pd-s3cr3t"


def shift(user: str, email: str | None = None, **more: Any) -> dict[str, Any]:
    """One on-call entry of the API."""
    about = {"id": user, "type": "user_reference", "summary": "Somebody", "self": None}
    return {
        "user": about | ({"email": email} if email else {}),
        "schedule": {"id": "PSCHED1", "type": "schedule_reference", "summary": "Primary"},
        "escalation_policy": {"id": "PPOL1", "type": "escalation_policy_reference"},
        "escalation_level": 1,
        "start": "2026-11-21T08:00:00Z",
        "end": "2026-11-22T08:00:00Z",
        **more,
    }


def page(*shifts: dict[str, Any], more: bool = False) -> dict[str, Any]:
    """One page of the API's answer."""
    return {"oncalls": list(shifts), "limit": PAGE_ITEMS, "offset": 0, "more": more, "total": None}


def members(upstream: Upstream, client: httpx.Client, token: str | None = TOKEN) -> set[str]:
    """Who is on call by the schedule now."""
    secret = SecretStr(token) if token else None
    return set(Schedules(upstream.url, secret, client).members("PSCHED1", NOW, ROSTER))


def test_the_schedule_is_asked_about_this_moment(upstream: Upstream, client: httpx.Client) -> None:
    """With the token, the version of the API, and a range that holds now."""
    upstream.says(page(shift("PANA1")))
    assert members(upstream, client) == {"ana"}
    (asked,) = upstream.asked
    assert asked.path == "/oncalls"
    assert asked.headers["Authorization"] == f"Token token={TOKEN}"
    assert asked.headers["Accept"] == "application/vnd.pagerduty+json;version=2"
    assert asked.query["schedule_ids[]"] == ["PSCHED1"]
    assert asked.query["since"] == ["2026-11-21T12:00:00+00:00"]
    assert asked.query["until"] == ["2026-11-21T12:00:01+00:00"]


def test_people_are_known_by_id_or_else_by_address(
    upstream: Upstream, client: httpx.Client
) -> None:
    """A person of several policies is one person; a stranger is nobody."""
    upstream.says(
        page(
            shift("PANA1"),
            shift("PANA1", escalation_level=2),
            shift("PXXXX", "cho@EXAMPLE.com"),
            shift("PYYYY", "stranger@example.com"),
        )
    )
    assert members(upstream, client) == {"ana", "cho"}


def test_only_who_is_on_call_at_this_moment_counts(
    upstream: Upstream, client: httpx.Client
) -> None:
    """The API answers for a range; a hand-over at its end is not yet. Without times: for good."""
    upstream.says(
        page(
            shift("PANA1", end="2026-11-21T12:00:00Z"),
            shift("PBEN1", start="2026-11-21T12:00:01Z"),
            shift("PXXXX", "cho@example.com", start=None, end=None),
        )
    )
    assert members(upstream, client) == {"cho"}


def test_further_pages_are_read(upstream: Upstream, client: httpx.Client) -> None:
    """Each once, by its offset."""
    pages = {"0": page(shift("PANA1"), more=True), "100": page(shift("PBEN1"))}

    def answer(asked: Asked) -> Said:
        return Said(httpx.Response(200, json=pages[asked.query["offset"][0]]).content)

    upstream.answer = answer
    assert members(upstream, client) == {"ana", "ben"}
    assert [asked.query["offset"] for asked in upstream.asked] == [["0"], ["100"]]


def test_pages_without_an_end_are_given_up(upstream: Upstream, client: httpx.Client) -> None:
    """Half of a list is no list."""
    upstream.says(page(shift("PANA1"), more=True))
    with pytest.raises(Rejected, match="more than 500"):
        members(upstream, client)
    assert len(upstream.asked) == PAGES_MAX


def test_nobody_on_call_is_an_answer(upstream: Upstream, client: httpx.Client) -> None:
    """A gap in the schedule."""
    upstream.says(page())
    assert members(upstream, client) == set()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (401, Rejected),
        (403, Rejected),
        (404, Rejected),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_a_refusal_is_told_without_the_token(
    upstream: Upstream, client: httpx.Client, status: int, kind: type[Rejected | Unavailable]
) -> None:
    """What may pass is told apart from what a person must mend."""
    upstream.says({"error": {"message": TOKEN}}, status)
    with pytest.raises(kind, match=f"answered {status}") as caught:
        members(upstream, client)
    assert TOKEN not in caught.value.message + caught.value.fix


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        {"oncalls": None},
        {"oncalls": ["PANA1"]},
        page(shift("PANA1", start="yesterday")),
        page(shift("PANA1", start="2026-11-21T08:00:00")),
        page(shift("PANA1") | {"user": "PANA1"}),
    ],
)
def test_an_answer_of_another_shape_is_refused(
    upstream: Upstream, client: httpx.Client, body: object
) -> None:
    """It is never read as nobody, nor as somebody."""
    upstream.says(body)
    with pytest.raises(Rejected):
        members(upstream, client)


def test_without_a_token_nothing_is_asked(upstream: Upstream, client: httpx.Client) -> None:
    """The reason names the setting."""
    with pytest.raises(Rejected) as caught:
        members(upstream, client, token=None)
    assert "FIREBREAK_PAGERDUTY_TOKEN" in caught.value.fix
    assert upstream.asked == []


def test_a_server_that_does_not_answer_is_given_up(
    upstream: Upstream, client: httpx.Client
) -> None:
    """After seconds: somebody waits for the judgement."""
    upstream.gate.clear()
    began = datetime.now(UTC)
    with pytest.raises(Unavailable, match="ReadTimeout"):
        members(upstream, client)
    assert (datetime.now(UTC) - began).total_seconds() < WHOLE_SECONDS + 2
