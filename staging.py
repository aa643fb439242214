"""Sets the stage for a story: a cluster, all of Firebreak's parts, a stand-in for Slack if wanted.

Everything ends with the block that it was made for, and what lay in a temporary folder is gone.
Nothing here breaks or answers anything: that is for `playing`.
"""

import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from rich.console import Console
from rich.markup import escape

from contracts.errors import Stop
from contracts.policy import Policy, SlackPolicy
from demoslack import DemoSlack
from playing import RESPONDER_TOKEN, Alerts, Choice, Demo, Ended, Json
from sandbox.ground import Ground, Grounds, sandbox
from sandbox.holding import temporary_folder
from sandbox.kubeconfig import CONTEXT
from sandbox.notifications import firing_notifications
from sandbox.scenario_file import Plot, Scenario
from settings import configure_logging
from stack import (
    Ready,
    Stack,
    leave_client_file,
    listening,
    running,
    until_stopped,
    write_private,
)

T = TypeVar("T")

POLICY_FILE = Path(__file__).parent / "deploy" / "demo.toml"
PORT = 8080
TEMPORARY = "firebreak-demo-"
PLAYED_FILE = "played.json"
FORGOT = "it forgets at each end: what is open is posted anew"
# What the demo cannot be talked out of: it never speaks to somebody's own workspace.
_NO_SLACK: Json = {
    "slack_bot_token": None,
    "slack_app_token": None,
    "slack_signing_secret": None,
}


class Slacks(Protocol):
    """Opens a stand-in for Slack, with its page on one channel of the policy."""

    def __call__(self, policy: Policy, *, first: str = "") -> AbstractContextManager[DemoSlack]:
        """Until the block ends; `first` is the channel's id, or nothing for any."""


class Place(NamedTuple):
    """Where it is played: the gateway's port, the folder that keeps everything, the folders of a
    team's own runbooks, a cluster if it is not a sandbox, and a stand-in for Slack with the channel
    that is shown. None and nothing leave it to the demo and the environment.
    """

    port: int | None = None
    state: Path | None = None
    folders: tuple[Path, ...] = ()
    grounds: Grounds | None = None
    slack: Slacks | None = None
    channel: str = ""


def stopped() -> Stop:
    """What to say when a story without people was interrupted."""
    return Stop("stopped before the story ended", "Start it again.")


async def to_its_end(work: Coroutine[Any, Any, T]) -> T | None:
    """The work's result, without chatter; None when SIGTERM or Ctrl-C ended it."""
    configure_logging("text", logging.WARNING)
    # An activity that ends because the demo ends is no news, and its traceback would look like it.
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)
    # The stand-in forgets, so that messages of an earlier start are lost and posted anew.
    for teller in ("activities.slack", "activities.messages"):
        logging.getLogger(teller).setLevel(logging.ERROR)
    return await until_stopped(work)


async def tell(
    scenario: Scenario, policy: Policy, place: Place, greeting: str, *, as_json: bool
) -> None:
    """Let the story run for people, until it is cancelled or a part dies."""
    alerts = partial(firing_notifications, scenario=scenario)
    place = place._replace(channel=channel_of(scenario, policy))
    async with staged(policy, place) as stage:
        stage.say(greeting, as_json=as_json)
        async with stage.playing(scenario, alerts) as demo:
            await stage.stack.unless_failed(_until_healed(demo))
            raise await stage.stack.failed()


def channel_of(scenario: Scenario, policy: Policy) -> str:
    """The channel that its incident is posted to: what is about a node is no service's."""
    where = scenario.workload
    labels = {"namespace": where.namespace, "service": where.name}
    about = {} if all(rule.per == "node" for rule in scenario.alerts) else labels
    service = policy.service_of(None, about)
    return (service.channel if service else "") or policy.slack.channel


async def _until_healed(demo: Demo) -> None:
    await demo.begin()
    await demo.heal()


async def play_once(
    scenario: Scenario, policy: Policy, place: Place, choice: Choice, *, quiet: bool
) -> Ended:
    """Play the story without people."""
    alerts = partial(firing_notifications, scenario=scenario)
    async with (
        staged(policy, place._replace(port=place.port or 0)) as stage,
        stage.playing(scenario, alerts) as demo,
    ):
        with progress("playing the story", quiet=quiet):
            return await stage.stack.unless_failed(demo.play(choice))


@asynccontextmanager
async def staged(policy: Policy, place: Place) -> AsyncIterator["Stage"]:
    """All parts, and the place's cluster as the policy's only one, until the block ends."""
    (cluster,) = policy.clusters
    context = CONTEXT if cluster == "default" else cluster
    grounds = place.grounds or partial(sandbox, cluster=cluster, context=context)
    async with AsyncExitStack() as parts:
        folder = place.state or parts.enter_context(temporary_folder(TEMPORARY))
        folder.mkdir(parents=True, exist_ok=True)
        port = PORT if place.port is None else place.port
        bound = parts.enter_context(listening("127.0.0.1", port))
        ground = parts.enter_context(grounds(folder))
        policy = policy.model_copy(update={"clusters": (ground.cluster,)})
        if place.slack is None:
            policy = _without_slack(policy)
        given: Json = {"state": folder, "kubeconfig": ground.kubeconfig}
        if place.folders:
            given["runbooks"] = os.pathsep.join(map(str, place.folders))
        slack = None
        if place.slack:
            slack = parts.enter_context(place.slack(policy, first=place.channel))
        given |= slack.settings if slack else _NO_SLACK
        stack = await parts.enter_async_context(running(policy, bound, free_ports=True, **given))
        if slack:
            await stack.unless_failed(slack.heard())
        leave_client_file(folder, stack.ready.url, RESPONDER_TOKEN)
        again = (folder / PLAYED_FILE).exists()
        _leave_played_file(folder, given, policy)
        yield Stage(stack, ground, slack and slack.noting(FORGOT if again else ""))


def _without_slack(policy: Policy) -> Policy:
    """The same where nothing is posted: a channel to which nothing goes is a fault elsewhere."""
    services = tuple(one.model_copy(update={"channel": ""}) for one in policy.services)
    return policy.model_copy(update={"services": services, "slack": SlackPolicy()})


def _leave_played_file(folder: Path, given: Json, policy: Policy) -> None:
    """Let `firebreak doctor --state` look at this one: its policy stands in no file."""
    told = {name: value for name, value in given.items() if name != "state"}
    settings = {name: None if value is None else str(value) for name, value in told.items()}
    played = {"settings": settings, "policy": policy.model_dump(mode="json")}
    write_private(folder / PLAYED_FILE, json.dumps(played))


class Stage(NamedTuple):
    """Where a plot can be played."""

    stack: Stack
    ground: Ground
    slack: DemoSlack | None = None

    @asynccontextmanager
    async def playing(self, plot: Plot, alerts: Alerts) -> AsyncIterator[Demo]:
        """One playing, whose connections end with the block."""
        demo = Demo(self.stack, self.ground, plot, alerts)
        try:
            yield demo
        finally:
            await demo.close()

    @property
    def ready(self) -> Ready:
        """Where everything is."""
        page = self.slack.page if self.slack else None
        return self.stack.ready.model_copy(update={"slack": page})

    def say(self, greeting: str, *, as_json: bool) -> None:
        """Tell a script, or people, where everything is."""
        if as_json:
            sys.stdout.write(f"{self.ready.model_dump_json()}\n")
            sys.stdout.flush()
            return
        told = _greeting(self.stack.ready, self.slack)
        head = f"[bold]Firebreak runs.[/bold] {escape(greeting)}"
        Console(highlight=False).print(f"\n{head}\n{told}", soft_wrap=True)


def _greeting(ready: Ready, slack: DemoSlack | None) -> str:
    """Where everything is, and what to try, in rich's markup."""
    return f"""
  Page          {ready.url}/incidents      sign in with the token [bold]{RESPONDER_TOKEN}[/bold]
  Temporal UI   {ready.temporal_ui}{_slack_line(slack)}

Try:
  1. {_first_try(slack)}
  2. Follow the incident until it closes; then look at {ready.url}/reports/toil
  3. From another terminal:
       export FIREBREAK_URL={ready.url} FIREBREAK_TOKEN={RESPONDER_TOKEN}
       .venv/bin/firebreak approvals
       .venv/bin/firebreak toil log 25m "restarted user-auth by hand" --service user-auth
       .venv/bin/firebreak doctor --state {ready.state}

     Who asked for a run may not approve it: Ben's token is demo-ben, the manager's demo-mia.

Ctrl-C ends it.{_keeps(ready.state)}
"""


def _slack_line(slack: DemoSlack | None) -> str:
    if slack is None:
        return ""
    note = f" ({slack.note})" if slack.note else ""
    return f"\n  Slack         {slack.page}      a stand-in; you are {escape(slack.reader)}{note}"


def _first_try(slack: DemoSlack | None) -> str:
    if slack is None:
        return (
            "Sign in, open the incident, then its approval: see what would be done, approve or "
            "deny it."
        )
    return (
        "Open Slack: in the thread of the incident, see what would be done, approve or deny it. "
        "Or do it on the page."
    )


def _keeps(state: str) -> str:
    temporary = Path(state).name.startswith(TEMPORARY)
    return " Nothing is left behind." if temporary else f" {state} is kept."


@contextmanager
def progress(text: str, *, quiet: bool) -> Iterator[None]:
    """A sign of life for people."""
    console = Console(stderr=True, quiet=quiet)
    with console.status(text):
        yield
