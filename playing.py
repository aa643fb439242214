"""A story, played on real parts: something breaks, alerts fire, people answer, it is healed or not.

It talks to the gateway over HTTP as Alertmanager and people do; nothing here reaches inside, and
nothing here knows how a story should end: that is for `rehearsal` to judge.
"""

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import httpx
from kubernetes.client import ApiClient
from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape

from contracts.case import OutcomeStatus
from contracts.errors import Stop, Unavailable
from contracts.policy import Policy
from sandbox.ground import Ground, Grounds, sandbox
from sandbox.holding import temporary_folder
from sandbox.kubeconfig import CONTEXT
from sandbox.notifications import firing_notifications, resolved
from sandbox.props import ends_well, happen, is_mended
from sandbox.scenario import read_deployment
from sandbox.scenario_file import Plot, Scenario
from settings import configure_logging
from stack import Stack, leave_client_file, listening, running, until_stopped, write_private
from toil.ledger import Ledger

T = TypeVar("T")
POLICY_FILE = Path(__file__).parent / "deploy" / "demo.toml"
PORT = 8080
TEMPORARY = "firebreak-demo-"
PLAYED_FILE = "played.json"
ALERTS_TOKEN = "demo-alerts"  # noqa: S105 - public on purpose; the demo is loopback only
RESPONDER_TOKEN = "demo-ana"  # noqa: S105
ADMIN_TOKEN = "demo-admin"  # noqa: S105
USER_AGENT = "firebreak"
STORY_SECONDS_MAX = 60.0
# An incident that escalates before a runbook ran may yet find one when a later alert comes in.
LONELY_SECONDS = 5.0
_POLL_SECONDS = 0.1

Json = dict[str, Any]
Alerts = Callable[[list[Json], datetime], list[Json]]
Ending = Literal["approve", "deny", "expire"]


class Choice(NamedTuple):
    """How the story goes without a person."""

    ending: Ending
    reason: str = ""


class Place(NamedTuple):
    """Where it is played: the gateway's port, the folder that keeps everything, the folders of a
    team's own runbooks, and a cluster if it is not a sandbox; None and nothing leave it to the demo
    and the environment.
    """

    port: int | None = None
    state: Path | None = None
    folders: tuple[Path, ...] = ()
    grounds: Grounds | None = None


class Story(BaseModel):
    """What came of it: the one object of `firebreak demo --once --json`. The effective writes are
    null where the cluster does not tell them.
    """

    ok: bool
    incident: str
    outcome: OutcomeStatus | None
    target: str
    receipts: int
    effective_writes: int | None
    observations: int
    entries: int
    seconds_to_heal: float | None


class Ended(NamedTuple):
    """The story, and what else there is to judge it by. `answers` are those that people gave."""

    story: Story
    runbook: str | None
    summary: str
    healthy: bool
    answers: int
    timeline: tuple[Json, ...]


class Demo:
    """One playing of a plot, against a gateway and a cluster that run already.

    `alerts` makes the notifications of the sick pods and the time.
    """

    def __init__(self, stack: Stack, ground: Ground, plot: Plot, alerts: Alerts) -> None:
        self._http = httpx.AsyncClient(base_url=stack.ready.url, timeout=10)
        self._cluster: ApiClient = ground.connect()
        self._ground = ground
        self._ledger = Ledger(stack.engine)
        self._plot = plot
        self._alerts = alerts
        self._sent: list[Json] = []
        self._fingerprints: set[str] = set()
        self._began = datetime.now(UTC)
        self._healed: datetime | None = None
        self._broken: Json = {}
        self._answered: set[str] = set()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
        self._cluster.close()  # type: ignore[no-untyped-call]

    async def begin(self) -> None:
        """Break something, or not, and send the alerts that follow."""
        try:
            pods = await asyncio.to_thread(happen, self._cluster, self._plot)
        except TimeoutError as err:
            raise Unavailable(f"the cluster does not break as it should: {err}") from err
        self._broken = await self._deployment()
        self._began = datetime.now(UTC)
        self._sent = self._alerts(pods, self._began)
        await self._notify(self._sent)

    async def _deployment(self) -> Json:
        return await asyncio.to_thread(read_deployment, self._cluster, self._plot.workload)

    async def _notify(self, bodies: list[Json]) -> None:
        for body in bodies:
            answer = await self._call("POST", "/alerts/alertmanager", ALERTS_TOKEN, json=body)
            self._fingerprints |= {item["fingerprint"] for item in answer["accepted"]}

    async def _call(self, method: str, path: str, token: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        response = await self._http.request(method, path, headers=headers, **more)
        if response.is_error:
            raise Unavailable(f"{method} {path}: {response.status_code} {response.text[:300]}")
        return response.json()

    async def heal(self) -> None:
        """Wait until somebody has mended what broke; then resolve the alerts."""
        while self._healed is None:
            await self._resolve_if_healed()
            await asyncio.sleep(_POLL_SECONDS)

    async def _resolve_if_healed(self) -> None:
        if self._healed is not None:
            return
        if await asyncio.to_thread(is_mended, self._cluster, self._plot, self._broken):
            self._healed = datetime.now(UTC)
            await self._notify([resolved(body, self._healed) for body in self._sent])

    async def play(self, choice: Choice, within_seconds: float = STORY_SECONDS_MAX) -> Ended:
        """Play it to its end without a person, or until that many seconds have passed.

        Raises:
            Unavailable: a part does not answer, or no incident was opened.

        """
        await self.begin()
        incident: Json = {}
        try:
            async with asyncio.timeout(within_seconds):
                async with aclosing(self._incidents()) as looks:
                    async for incident in looks:
                        await self._answer(incident["id"], choice)
                        await self._resolve_if_healed()
        except TimeoutError:
            if not incident:
                raise Unavailable(f"no incident in {within_seconds:.0f} s") from None
        return await self._ended(incident["id"])

    async def _incidents(self) -> AsyncGenerator[Json, None]:
        """The incident of these alerts, each time it is looked at, until it is over."""
        moved, since = "", datetime.now(UTC)
        while True:
            page = await self._call("GET", "/incidents?limit=20", ADMIN_TOKEN)
            incident = next((item for item in page["items"] if self._is_mine(item)), None)
            if incident is not None:
                yield incident
                now = datetime.now(UTC)
                stand = f"{incident['status']} {incident['outcome']}"
                moved, since = stand, since if stand == moved else now
                if _is_over(incident, (now - since).total_seconds()):
                    return
            await asyncio.sleep(_POLL_SECONDS)

    def _is_mine(self, incident: Json) -> bool:
        """By its alerts: a state folder that was kept holds the incidents of earlier stories."""
        began = self._began.replace(microsecond=0)
        return any(
            alert["fingerprint"] in self._fingerprints
            and datetime.fromisoformat(alert["starts_at"]) >= began
            for alert in incident["alerts"]
        )

    async def _answer(self, incident: str, choice: Choice) -> None:
        """Decide what is asked and was not answered."""
        if choice.ending == "expire":
            return
        page = await self._call("GET", "/approvals?state=open", ADMIN_TOKEN)
        for asked in page["items"]:
            if asked["incident"] == incident and asked["id"] not in self._answered:
                said = {"decision": choice.ending, "reason": choice.reason}
                said["digest"] = asked["plan"]["digest"]
                path = f"/approvals/{asked['id']}/decision"
                await self._call("POST", path, RESPONDER_TOKEN, json=said)
                self._answered.add(asked["id"])

    async def _ended(self, number: str) -> Ended:
        incident = await self._call("GET", f"/incidents/{number}", ADMIN_TOKEN)
        deployment = await self._deployment()
        observations = await asyncio.to_thread(self._ledger.observations, incident=number)
        entries = await asyncio.to_thread(self._ledger.entries, incident=number)
        healed = (self._healed - self._began).total_seconds() if self._healed else None
        story = Story(
            ok=False,
            incident=number,
            outcome=incident["outcome"],
            target=_target(incident["target"]),
            receipts=[item["type"] for item in incident["timeline"]].count("written"),
            effective_writes=self._ground.writes(USER_AGENT, self._broken, deployment),
            observations=len(observations),
            entries=len(entries),
            seconds_to_heal=None if healed is None else round(healed, 1),
        )
        return Ended(
            story,
            runbook=next(iter(reversed(incident["runbooks"])), None),
            summary=_why(incident),
            healthy=await asyncio.to_thread(ends_well, self._cluster, self._plot),
            answers=len(self._answered),
            timeline=tuple(incident["timeline"]),
        )


def _target(target: dict[str, str] | None) -> str:
    return f"{target['namespace']}/{target['kind'].lower()}/{target['name']}" if target else ""


def _why(incident: Json) -> str:
    """The runbook's own sentence, or what the incident said last when none ran."""
    return str(incident["summary"] or incident["timeline"][-1]["text"])


def _is_over(incident: Json, unchanged_seconds: float) -> bool:
    if incident["outcome"] == "resolved":
        return bool(incident["status"] == "closed")
    lonely = incident["status"] == "escalated" and unchanged_seconds >= LONELY_SECONDS
    return incident["outcome"] is not None or lonely


def stopped() -> Stop:
    """What to say when a story without people was interrupted."""
    return Stop("stopped before the story ended", "Start it again.")


async def to_its_end(work: Coroutine[Any, Any, T]) -> T | None:
    """The work's result, without chatter; None when SIGTERM or Ctrl-C ended it."""
    configure_logging("text", logging.WARNING)
    # An activity that ends because the demo ends is no news, and its traceback would look like it.
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)
    return await until_stopped(work)


async def tell(
    scenario: Scenario, policy: Policy, place: Place, greeting: str, *, as_json: bool
) -> None:
    """Let the story run for people, until it is cancelled or a part dies."""
    alerts = partial(firing_notifications, scenario=scenario)
    async with staged(policy, place) as stage:
        stage.say(greeting, as_json=as_json)
        async with stage.playing(scenario, alerts) as demo:
            await stage.stack.unless_failed(_until_healed(demo))
            raise await stage.stack.failed()


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
        given: Json = {"state": folder, "kubeconfig": ground.kubeconfig}
        if place.folders:
            given["runbooks"] = os.pathsep.join(map(str, place.folders))
        stack = await parts.enter_async_context(running(policy, bound, free_ports=True, **given))
        leave_client_file(folder, stack.ready.url, RESPONDER_TOKEN)
        _leave_played_file(folder, given, policy)
        yield Stage(stack, ground)


def _leave_played_file(folder: Path, given: Json, policy: Policy) -> None:
    """Let `firebreak doctor --state` look at this one: its policy stands in no file."""
    settings = {name: str(value) for name, value in given.items() if name != "state"}
    played = {"settings": settings, "policy": policy.model_dump(mode="json")}
    write_private(folder / PLAYED_FILE, json.dumps(played))


class Stage(NamedTuple):
    """Where a plot can be played."""

    stack: Stack
    ground: Ground

    @asynccontextmanager
    async def playing(self, plot: Plot, alerts: Alerts) -> AsyncIterator[Demo]:
        """One playing, whose connections end with the block."""
        demo = Demo(self.stack, self.ground, plot, alerts)
        try:
            yield demo
        finally:
            await demo.close()

    def say(self, greeting: str, *, as_json: bool) -> None:
        """Tell a script, or people, where everything is."""
        ready = self.stack.ready
        if as_json:
            sys.stdout.write(f"{ready.model_dump_json()}\n")
            sys.stdout.flush()
            return
        Console(highlight=False).print(
            f"""
[bold]Firebreak runs.[/bold] {escape(greeting)}

  Page          {ready.url}/incidents      sign in with the token [bold]{RESPONDER_TOKEN}[/bold]
  Temporal UI   {ready.temporal_ui}

Try:
  1. Sign in, open the incident, then its approval: see what would be done, approve or deny it.
  2. Follow the incident until it closes; then look at {ready.url}/reports/toil
  3. From another terminal:
       export FIREBREAK_URL={ready.url} FIREBREAK_TOKEN={RESPONDER_TOKEN}
       .venv/bin/firebreak approvals
       .venv/bin/firebreak toil log 25m "restarted user-auth by hand" --service user-auth
       .venv/bin/firebreak doctor --state {ready.state}

     Who asked for a run may not approve it: Ben's token is demo-ben, the manager's demo-mia.

Ctrl-C ends it.{_keeps(ready.state)}
""",
            soft_wrap=True,
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
