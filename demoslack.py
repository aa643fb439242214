"""The demo's own Slack: a stand-in whose people are the policy's, and whose channel is read and
clicked in the browser.

It listens on loopback only and forgets everything at its end. Firebreak is given its address as it
would be given Slack's, and must not know that it is none.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from contracts.errors import InvalidInput, Unavailable
from contracts.policy import Person, Policy
from sandbox.slack import Channel, SlackServer, User, Workspace

TEAM = "Firebreak demo"
PORT = 8090
HEARD_SECONDS_MAX = 20.0
_POLL_SECONDS = 0.05
# The channel of whatever has none of its own.
_COMMON = "incidents"


class DemoSlack(NamedTuple):
    """A stand-in that runs. `page` is its channel in the browser, as `reader`; `note` says what is
    unexpected about it, if anything is.
    """

    server: SlackServer
    page: str
    reader: str
    note: str = ""

    @property
    def settings(self) -> dict[str, Any]:
        """What Firebreak has to be told: over a socket, whatever the environment says."""
        return {
            "slack_api_url": self.server.api_url,
            "slack_bot_token": self.server.bot_token,
            "slack_app_token": self.server.app_token,
            "slack_signing_secret": None,
        }

    def noting(self, text: str) -> "DemoSlack":
        """The same, with one thing more that is unexpected, if there is one."""
        return self._replace(note="; ".join(filter(None, (self.note, text))))

    async def heard(self) -> None:
        """Wait until the gateway listens to it, so that the first click is not lost.

        Raises:
            Unavailable: it does not within `HEARD_SECONDS_MAX`.

        """
        try:
            async with asyncio.timeout(HEARD_SECONDS_MAX):
                while not self.server.sockets:
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            text = f"the gateway does not listen to Slack's stand-in in {HEARD_SECONDS_MAX:.0f} s"
            raise Unavailable(text) from None


@contextmanager
def open_slack(policy: Policy, port: int | None = None, *, first: str = "") -> Iterator[DemoSlack]:
    """A stand-in for the policy's people until the block ends, whose page shows the channel `first`
    or else that of the first service. Without a port it has `PORT`, so that its page can be
    bookmarked, or a free one where somebody has that.

    Raises:
        InvalidInput: somebody listens on the port that was asked for, or the policy has no channel
            or no responder in Slack.

    """
    reader, channels = _reader(policy), _channels(policy)
    server = _started(_workspace(policy, channels), port)
    elsewhere = port is None and not server.url.endswith(f":{PORT}")
    note = f"port {PORT} is taken, so it has another" if elsewhere else ""
    try:
        page = f"{server.url}/?as={reader.slack}&in={first or channels[0].id}"
        yield DemoSlack(server, page, reader.name, note)
    finally:
        server.stop()


def _reader(policy: Policy) -> Person:
    """Who reads the page at first: a responder, because those are asked."""
    for person in policy.people:
        if person.slack and "responder" in person.roles:
            return person
    fix = "Give a responder under [[people]] a `slack`, such as U0ANA."
    raise InvalidInput("nobody of the policy who may answer is in Slack", fix)


def _channels(policy: Policy) -> list[Channel]:
    """Those that the policy names, a service's own first; everybody is in them."""
    names = {service.channel: service.name for service in policy.services if service.channel}
    if policy.slack.channel:
        names.setdefault(policy.slack.channel, _COMMON)
    if not names:
        raise InvalidInput("the policy names no Slack channel", "Set `channel` under [slack].")
    return [Channel(channel, name) for channel, name in names.items()]


def _workspace(policy: Policy, channels: list[Channel]) -> Workspace:
    people = [
        User(person.slack, person.id, person.email, tz=person.timezone)
        for person in policy.people
        if person.slack
    ]
    workspace = Workspace(users=people, channels=channels, usergroups=[], team_name=TEAM)
    for channel in channels:
        channel.members |= {user.id for user in workspace.users}
    return workspace


def _started(workspace: Workspace, port: int | None) -> SlackServer:
    server = SlackServer(workspace, PORT if port is None else port)
    try:
        server.start()
    except OSError as err:
        if port is not None:
            fix = "Use --slack-port N, or --slack-port 0 for a free one."
            why = os.strerror(err.errno or 0)
            raise InvalidInput(f"port {port} of 127.0.0.1: {why}", fix) from err
        return _started(workspace, 0)
    return server
