"""Who is in a user group of Slack.

Slack gives user ids; only those that stand in `people.slack` are anybody here.
"""

from collections.abc import Callable, Iterable, Mapping
from http.client import HTTPException
from time import monotonic

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from activities.directory.people import Roster
from contracts.errors import Rejected, Unavailable
from contracts.slack.fates import Fate, fate_of

FIX = "Check the user group's id, and that the app has the scope usergroups:read."
# Less than `groups.WITHIN_SECONDS`, so that a reader's thread is free again when it is given up.
ANSWER_SECONDS = 4
PLAN_FIX = "User groups need a paid plan of Slack: name the approvers by id, or use [[oncall]]."
# Longer than this Slack asks nobody to wait; a header that says so is not believed.
PAUSE_SECONDS_MAX = 300.0
_PAUSE_SECONDS = 30.0
_TOO_MANY = 429
_SERVER = 500
# The library looks into an answer before it knows what it is.
_NO_OBJECT = (AttributeError, TypeError, ValueError)
_METHOD = "usergroups.users.list"


class UserGroups:
    """Asks with a client whose timeout is seconds; whoever made it closes it. `seconds` is a clock
    that only goes on.
    """

    def __init__(self, client: WebClient, seconds: Callable[[], float] = monotonic) -> None:
        self._client = client
        self._seconds = seconds
        self._not_before = seconds()

    def members(self, group: str, roster: Roster) -> frozenset[str]:
        """The ids of the people in the group `S…`; raises Rejected or Unavailable."""
        left = self._not_before - self._seconds()
        if left > 0:
            # Whoever asks meanwhile is made to wait even longer.
            raise Unavailable(f"Slack asks to be left alone for {left:.0f} s")
        try:
            answer = self._client.usergroups_users_list(usergroup=group)
        except SlackApiError as err:
            if err.response.status_code == _TOO_MANY:
                self._not_before = self._seconds() + _pause(err.response.headers)
            raise _translated(err) from None
        except (SlackClientError, HTTPException, OSError) as err:
            raise Unavailable(f"Slack: no answer ({type(err).__name__})") from None
        except _NO_OBJECT:
            raise Rejected("Slack did not answer with an object", FIX) from None
        return _people(answer.get("users"), roster)


def _pause(headers: Mapping[str, str]) -> float:
    said = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
    return min(float(said), PAUSE_SECONDS_MAX) if said.isdecimal() else _PAUSE_SECONDS


def _people(users: object, roster: Roster) -> frozenset[str]:
    if not isinstance(users, Iterable):
        raise Rejected("Slack did not answer with users", FIX)
    return frozenset(filter(None, (roster.by_slack(str(user)) for user in users)))


def _translated(err: SlackApiError) -> Rejected | Unavailable:
    # A page instead of an answer comes as a code too, with all of the page in it.
    answer = err.response.data
    said = str(answer.get("error") or "") if isinstance(answer, dict) else ""
    code, status = said if said.isidentifier() else "", int(err.response.status_code)
    later = status == _TOO_MANY or status >= _SERVER
    if later or fate_of(_METHOD, code) is Fate.RETRY:
        return Unavailable(f"Slack answered {code or status}")
    return Rejected(f"Slack answered {code or status}", PLAN_FIX if "plan" in code else FIX)
