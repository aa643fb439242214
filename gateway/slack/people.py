"""Who clicked: a member of our own workspace, and which person of the policy that is.

Whoever cannot be told for sure is refused. An identity is the user's id and never a name; an
e-mail address proves one only where the policy says so. A "yes" is remembered for a minute, a
"no" never, so that somebody who was just added need not wait.
"""

import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from slack_sdk.web.async_client import AsyncWebClient

from contracts.errors import NotAllowed, Unavailable
from contracts.policy import Person, Policy
from contracts.slack.fates import Fate
from gateway.slack.api import SlackRefusal, call
from gateway.slack.clicks import Click

KNOWN_SECONDS = 60
KNOWN_MAX = 1_000
_APP_OF_TOKEN = re.compile(r"xapp-[0-9]+-(A[A-Z0-9]+)-")
_USER_ID = re.compile(r"[UW][A-Z0-9]{2,40}")
# What users.info says of somebody who may look at a channel, and never decide.
_OUTSIDE = {
    "deleted": "is deactivated",
    "is_bot": "is a bot",
    "is_workflow_bot": "is a bot",
    "is_restricted": "is a guest",
    "is_ultra_restricted": "is a guest",
    "is_stranger": "is of another organisation",
}
UNKNOWN = "is not known to Slack"
_ASK = "Use the browser or `firebreak approve`, or have your Slack id put into [[people]]."


class Ours(NamedTuple):
    """Our workspace: its id, and its address for links to messages, empty where unknown."""

    team: str
    url: str


class People:
    """Reads who a Slack user is; `app` is our app's id, empty where only its secret is known,
    which proves as much.
    """

    def __init__(
        self,
        policy: Policy,
        client: AsyncWebClient,
        app: str = "",
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy
        self._client = client
        self._app = app
        self._seconds = seconds
        self._known: dict[str, tuple[float, Person]] = {}
        self._ours: Ours | None = None

    async def ours(self) -> Ours:
        """Our workspace, asked for once; the policy's word for it counts more than the token's.

        Raises:
            Unavailable, SlackRefusal: Slack does not say.

        """
        if self._ours is None:
            told = await call(self._client.auth_test())
            team = self._policy.slack.team or str(told.get("team_id", ""))
            self._ours = Ours(team, str(told.get("url", "")))
        return self._ours

    async def person(self, click: Click) -> Person:
        """The person who clicked.

        Raises:
            NotAllowed: nobody who may act, with the reason.
            Unavailable: Slack does not say who it is; then it is nobody.

        """
        await self._check_home(click)
        at, person = self._known.get(click.user, (float("-inf"), None))
        if person is not None and self._seconds() - at < KNOWN_SECONDS:
            return person
        self._known.pop(click.user, None)
        person = self._person_of(await self._user(click.user))
        self._remember(click.user, person)
        return person

    async def account_fault(self, user: str) -> str:
        """Why nobody who could act has this account; empty where Slack does not say so."""
        try:
            return fault_of(await call(self._client.users_info(user=user)))
        except SlackRefusal as err:
            return UNKNOWN if err.fate is Fate.FALL_BACK else ""
        except Unavailable:
            return ""

    async def _check_home(self, click: Click) -> None:
        if self._app and click.app and click.app != self._app:
            raise NotAllowed("this was sent by another app", "Use the buttons of Firebreak.")
        team = self._policy.slack.team or (await self.ours()).team
        if click.team != team or click.home not in ("", team):
            raise NotAllowed("only members of our own workspace may do this", _ASK)

    async def _user(self, user: str) -> dict[str, Any]:
        if not _USER_ID.fullmatch(user):
            raise NotAllowed("Slack does not say who clicked", _ASK)
        try:
            told = await call(self._client.users_info(user=user))
        except SlackRefusal as err:
            if err.reason in ("user_not_found", "user_not_visible"):
                raise NotAllowed("Slack does not know who clicked", _ASK) from err
            fix = "Tell who runs Firebreak: `firebreak doctor` says what is missing."
            raise NotAllowed(f"who you are cannot be read from Slack ({err.reason})", fix) from err
        found = told.get("user")
        if not isinstance(found, dict) or found.get("id") != user:
            raise Unavailable("Slack does not say who clicked")
        return found

    def _person_of(self, user: dict[str, Any]) -> Person:
        if why := fault_of({"user": user}):
            raise NotAllowed(f"this Slack account {why}, and may not act", _ASK)
        team = self._policy.slack.team or (self._ours.team if self._ours else "")
        if user.get("team_id") not in (None, team):
            raise NotAllowed("this Slack account is of another workspace", _ASK)
        found = [p for p in self._policy.people if p.slack == user["id"]]
        if not found and self._policy.slack.match_email:
            found = self._by_email(user)
        if len(found) != 1:
            how = "stands for several people" if found else "belongs to nobody"
            raise NotAllowed(f"the Slack account {user['id']} {how} in firebreak.toml", _ASK)
        return found[0]

    def _by_email(self, user: dict[str, Any]) -> list[Person]:
        """Whoever has this address, once Slack has verified it, and no other Slack id."""
        email = str((user.get("profile") or {}).get("email") or "").casefold()
        if not email or user.get("is_email_confirmed") is not True:
            return []
        same = [p for p in self._policy.people if p.email.casefold() == email]
        return [p for p in same if not p.slack] if len(same) == 1 else same

    def _remember(self, user: str, person: Person) -> None:
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[user] = (self._seconds(), person)


def fault_of(told: dict[str, Any]) -> str:
    """What an answer of users.info says against the account: that it may look, and never decide."""
    user = told.get("user") or {}
    return next((words for key, words in _OUTSIDE.items() if user.get(key)), "")


def app_of(token: str) -> str:
    """The id of the app whose app-level token this is; empty for any other token."""
    found = _APP_OF_TOKEN.match(token)
    return found[1] if found else ""
