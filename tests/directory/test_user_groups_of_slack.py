"""A user group of Slack, in the shape of `usergroups.users.list`."""

from typing import Any

import pytest
from directory.conftest import ANA, BEN, CHO
from slack_sdk import WebClient
from upstreams import Upstream

from activities.directory.people import Roster
from activities.directory.usergroups import UserGroups
from contracts.errors import Rejected, Unavailable

ROSTER = Roster([ANA, BEN, CHO])


def members(upstream: Upstream) -> set[str]:
    """Who is in the group."""
    client = WebClient("xoxb-s3cr3t", f"{upstream.url}/api/", timeout=3, retry_handlers=[])
    return set(UserGroups(client).members("S0123", ROSTER))


def test_the_members_are_those_of_the_policy(upstream: Upstream) -> None:
    """Found by their user ids; others are nobody."""
    upstream.says({"ok": True, "users": ["U01", "U03", "U99"]})
    assert members(upstream) == {"ana", "cho"}
    (asked,) = upstream.asked
    assert asked.path == "/api/usergroups.users.list"
    assert asked.form["usergroup"] == ["S0123"]


def test_an_empty_group_is_an_answer(upstream: Upstream) -> None:
    """Nobody is in it."""
    upstream.says({"ok": True, "users": []})
    assert members(upstream) == set()


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("no_such_subteam", 200, Rejected),
        ("missing_scope", 200, Rejected),
        ("invalid_auth", 200, Rejected),
        ("a_new_one", 200, Rejected),
        ("ratelimited", 429, Unavailable),
        ("internal_error", 200, Unavailable),
        ("fatal_error", 500, Unavailable),
    ],
)
def test_a_refusal_is_told_by_its_code(
    upstream: Upstream, code: str, status: int, kind: type[Rejected | Unavailable]
) -> None:
    """What may pass is told apart from what a person must mend."""
    upstream.says({"ok": False, "error": code}, status)
    with pytest.raises(kind, match=f"Slack answered {code}") as caught:
        members(upstream)
    assert "s3cr3t" not in caught.value.message


def test_a_plan_without_groups_says_what_to_do(upstream: Upstream) -> None:
    """People stand in for them."""
    upstream.says({"ok": False, "error": "plan_upgrade_required"})
    with pytest.raises(Rejected) as caught:
        members(upstream)
    assert "name the approvers by id" in caught.value.fix


@pytest.mark.parametrize(
    "body", [{"ok": True}, {"ok": True, "users": 3}, {"ok": True, "users": None}]
)
def test_an_answer_without_users_is_refused(upstream: Upstream, body: Any) -> None:
    """It is not read as nobody."""
    upstream.says(body)
    with pytest.raises(Rejected, match="did not answer with users"):
        members(upstream)


def test_a_proxys_page_may_pass(upstream: Upstream) -> None:
    """A bad gateway is not Slack's word."""
    upstream.says(b"<html>bad gateway</html>", 502)
    with pytest.raises(Unavailable, match="Slack answered 502"):
        members(upstream)


def test_a_page_that_is_no_answer_is_refused(upstream: Upstream) -> None:
    """A sign-in of somebody's network; nothing of it stands in the reason."""
    upstream.says(b"<html>sign in</html>")
    with pytest.raises(Rejected, match="Slack answered 200"):
        members(upstream)


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"7", b"null", b"\xff", b""])
def test_an_answer_that_is_no_object_is_refused(upstream: Upstream, body: bytes) -> None:
    """Whatever the library makes of it."""
    upstream.says(body)
    with pytest.raises(Rejected):
        members(upstream)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7),
        ({}, 30),
        ({"Retry_After": "soon"}, 30),
        ({"Retry_After": "9" * 9}, 300),
    ],
    ids=["told", "not told", "nonsense", "for ever"],
)
def test_slack_is_left_alone_as_long_as_it_asks(
    upstream: Upstream, headers: dict[str, str], seconds: int
) -> None:
    """No group is asked about meanwhile, for each call would lengthen the wait of all."""
    client = WebClient("xoxb-s3cr3t", f"{upstream.url}/api/", timeout=3, retry_handlers=[])
    now = [100.0]
    groups = UserGroups(client, lambda: now[0])
    upstream.says({"ok": False, "error": "ratelimited"}, 429, **headers)
    with pytest.raises(Unavailable, match="Slack answered ratelimited"):
        groups.members("S0123", ROSTER)
    upstream.says({"ok": True, "users": ["U01"]})
    now[0] += seconds - 1
    with pytest.raises(Unavailable, match="to be left alone for 1 s"):
        groups.members("S0999", ROSTER)
    assert len(upstream.asked) == 1
    now[0] += 1
    assert groups.members("S0999", ROSTER) == {"ana"}


def test_slack_may_be_away(upstream: Upstream) -> None:
    """No answer is no member."""
    upstream.server_close()
    with pytest.raises(Unavailable, match="no answer"):
        members(upstream)
