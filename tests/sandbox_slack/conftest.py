"""The fake Slack on a clock of our own."""

from collections.abc import Iterator

import httpx
import pytest
from sandbox_slack.calling import Caller, Clock

from sandbox.slack import Channel, SlackServer, User, Workspace
from sandbox.slack.workspace import BOT_USER


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="slack")
def _slack(clock: Clock) -> Iterator[SlackServer]:
    """The default workspace, with people and channels of every odd kind added."""
    workspace = Workspace()
    workspace.users += [User("U0GONE", "gone", "gone@example.com", deleted=True)]
    workspace.channels += [
        Channel("C0OLD", "old", {BOT_USER, "U0ANA"}, archived=True),
        Channel("C0ELSE", "elsewhere", {"U0ANA"}),
        Channel("C0SECRET", "secret", {"U0ANA"}, private=True),
    ]
    with SlackServer(workspace, clock=clock) as server:
        yield server


@pytest.fixture(name="call")
def _call(slack: SlackServer) -> Iterator[Caller]:
    with httpx.Client(timeout=10) as http:
        yield Caller(slack, http)
