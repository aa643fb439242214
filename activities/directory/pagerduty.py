"""Who is on call by a schedule of PagerDuty, over its REST API.

PagerDuty answers by escalation policies: a schedule that stands in none has nobody on call.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from activities.directory.http import Asked, fetch_json
from activities.directory.people import Roster
from contracts.errors import Rejected

FIX = "Check FIREBREAK_PAGERDUTY_TOKEN and the schedule's id; a read-only REST API key is enough."
PAGE_ITEMS = 100
PAGES_MAX = 5
_MOMENT = timedelta(seconds=1)


class Schedules:
    """The schedules of one account. `url` is the API's, without a last slash; without a token
    nothing is asked.
    """

    def __init__(self, url: str, token: SecretStr | None, client: httpx.Client) -> None:
        self._url = url
        self._token = token
        self._client = client

    def members(self, schedule: str, now: datetime, roster: Roster) -> frozenset[str]:
        """The ids of the people on call at `now`; raises Rejected or Unavailable."""
        if self._token is None:
            fix = "Set FIREBREAK_PAGERDUTY_TOKEN; a read-only REST API key is enough."
            raise Rejected("there is no token for PagerDuty's REST API", fix)
        shifts = (shift for shift in self._shifts(schedule, now) if _covers(shift, now))
        return frozenset(filter(None, (_person(shift.get("user"), roster) for shift in shifts)))

    def _shifts(self, schedule: str, now: datetime) -> Iterator[dict[str, Any]]:
        for page in range(PAGES_MAX):
            answer = self._page(schedule, now, page * PAGE_ITEMS)
            yield from _shifts_of(answer.get("oncalls"))
            if not answer.get("more"):
                return
        raise Rejected(f"more than {PAGES_MAX * PAGE_ITEMS} people on call in {schedule}", FIX)

    def _page(self, schedule: str, now: datetime, offset: int) -> dict[str, Any]:
        token = self._token.get_secret_value() if self._token else ""
        asked = Asked(
            f"{self._url}/oncalls",
            FIX,
            {
                "Accept": "application/vnd.pagerduty+json;version=2",
                "Authorization": f"Token token={token}",
            },
            (
                ("schedule_ids[]", schedule),
                ("include[]", "users"),
                ("since", now.isoformat()),
                ("until", (now + _MOMENT).isoformat()),
                ("limit", str(PAGE_ITEMS)),
                ("offset", str(offset)),
            ),
        )
        return fetch_json(self._client, asked)


def _shifts_of(oncalls: object) -> Iterable[dict[str, Any]]:
    if not isinstance(oncalls, list) or not all(isinstance(one, dict) for one in oncalls):
        raise Rejected("PagerDuty did not answer with on-calls", FIX)
    return oncalls


def _covers(shift: dict[str, Any], now: datetime) -> bool:
    """Whether it holds now; one without an end is for good."""
    start, end = _time(shift.get("start")), _time(shift.get("end"))
    return (start is None or start <= now) and (end is None or now < end)


def _time(text: object) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        raise Rejected("PagerDuty gave a time that is none", FIX) from None
    if at.tzinfo is None:
        raise Rejected("PagerDuty gave a time without a zone", FIX)
    return at


def _person(user: object, roster: Roster) -> str | None:
    if not isinstance(user, dict):
        raise Rejected("PagerDuty did not say who is on call", FIX)
    known = roster.by_pagerduty(str(user.get("id") or ""))
    return known or roster.by_email(str(user.get("email") or ""))
