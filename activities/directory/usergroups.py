"""Who is in a user group of Slack.

Slack gives user ids; only those that stand in `people.slack` are anybody here.
"""

from collections.abc import Iterable
from http.client import HTTPException

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from activities.directory.people import Roster
from contracts.errors import Rejected, Unavailable
from contracts.slack.fates import Fate, fate_of

FIX = "Check the user group's id, and that the app has the scope usergroups:read."
# Less than `groups.WITHIN_SECONDS`, so that a reader's thread is free again when it is given up.
ANSWER_SECONDS = 4
PLAN_FIX = "User groups need a paid plan of Slack: name the approvers by id, or use [[oncall]]."
_TOO_MANY = 429
_SERVER = 500
_METHOD = "usergroups.users.list"


class UserGroups:
    """Asks with a client whose timeout is seconds; whoever made it closes it."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def members(self, group: str, roster: Roster) -> frozenset[str]:
        """The ids of the people in the group `S…`; raises Rejected or Unavailable."""
        try:
            answer = self._client.usergroups_users_list(usergroup=group)
        except SlackApiError as err:
            raise _translated(err) from None
        except (SlackClientError, HTTPException, OSError) as err:
            raise Unavailable(f"Slack: no answer ({type(err).__name__})") from None
        return _people(answer.get("users"), roster)


def _people(users: object, roster: Roster) -> frozenset[str]:
    if not isinstance(users, Iterable):
        raise Rejected("Slack did not answer with users", FIX)
    return frozenset(filter(None, (roster.by_slack(str(user)) for user in users)))


def _translated(err: SlackApiError) -> Rejected | Unavailable:
    # A page instead of an answer comes as a code too, with all of the page in it.
    said = str(err.response.get("error") or "")
    code, status = said if said.isidentifier() else "", int(err.response.status_code)
    later = status == _TOO_MANY or status >= _SERVER
    if later or fate_of(_METHOD, code) is Fate.RETRY:
        return Unavailable(f"Slack answered {code or status}")
    return Rejected(f"Slack answered {code or status}", PLAN_FIX if "plan" in code else FIX)
