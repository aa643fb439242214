"""The seed story, played on real parts: a bad release, alerts, an approval, a healed service.

It talks to the gateway over HTTP as Alertmanager and people do; nothing here reaches inside.
"""

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import httpx
from kubernetes.client import ApiClient
from pydantic import BaseModel
from rich.console import Console

from contracts.errors import InvalidInput, Stop, Unavailable
from contracts.policy import Policy
from sandbox.notifications import firing_notifications, resolved_notifications
from sandbox.scenario import (
    break_shop,
    connect,
    create_shop,
    is_healthy,
    read_deployment,
    wait_until_crashing,
    wait_until_healthy,
)
from sandbox.server import SandboxServer
from settings import configure_logging, read_policy
from stack import Stack, leave_client_file, listening, running, until_stopped
from toil.ledger import Ledger

POLICY_FILE = Path(__file__).parent / "deploy" / "demo.toml"
ALERTS_TOKEN = "demo-alerts"  # noqa: S105 - public on purpose; the demo is loopback only
RESPONDER_TOKEN = "demo-ana"  # noqa: S105
ADMIN_TOKEN = "demo-admin"  # noqa: S105
USER_AGENT = "firebreak"
STEP_SECONDS_MAX = 60.0
EXPIRY_SECONDS = 3
_POLL_SECONDS = 0.1

Ending = Literal["approve", "deny", "expire"]


class Choice(NamedTuple):
    """How the story goes without a person."""

    ending: Ending
    reason: str = ""


class Story(BaseModel):
    """What came of it: the one object of `firebreak demo --once --json`."""

    ok: bool
    incident: str
    outcome: str | None
    target: str
    receipts: int
    effective_writes: int
    observations: int
    entries: int
    seconds_to_heal: float | None


def demo_policy(choice: Choice | None) -> Policy:
    """The policy of the demo; a story that expires does not wait 15 minutes for it."""
    policy = read_policy(POLICY_FILE)
    if choice is None or choice.ending != "expire":
        return policy
    rules = policy.incident.model_copy(update={"approval_seconds": EXPIRY_SECONDS})
    return policy.model_copy(update={"incident": rules})


class Demo:
    """One playing of the story, against a gateway and a sandbox that run already."""

    def __init__(self, stack: Stack, sandbox: SandboxServer) -> None:
        self._http = httpx.AsyncClient(base_url=stack.ready.url, timeout=10)
        self._cluster: ApiClient = connect(stack.ready.kubeconfig)
        self._sandbox = sandbox
        self._ledger = Ledger(stack.engine)
        self._pods: list[dict[str, Any]] = []
        self._began = datetime.now(UTC)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
        self._cluster.close()  # type: ignore[no-untyped-call]

    async def begin(self) -> None:
        """A healthy revision 1, a bad revision 2, and the alerts that follow."""
        await asyncio.to_thread(create_shop, self._cluster)
        await asyncio.to_thread(wait_until_healthy, self._cluster)
        await asyncio.to_thread(break_shop, self._cluster)
        self._pods = await asyncio.to_thread(wait_until_crashing, self._cluster)
        self._began = datetime.now(UTC)
        await self._notify(firing_notifications(self._pods, self._began))

    async def _notify(self, bodies: list[dict[str, Any]]) -> None:
        for body in bodies:
            await self._call("POST", "/alerts/alertmanager", ALERTS_TOKEN, json=body)

    async def _call(self, method: str, path: str, token: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        response = await self._http.request(method, path, headers=headers, **more)
        if response.is_error:
            raise Unavailable(f"{method} {path}: {response.status_code} {response.text[:300]}")
        return response.json()

    async def heal(self) -> float:
        """Wait until the deployment is healthy again, then resolve the alerts; the seconds."""
        while not is_healthy(await asyncio.to_thread(read_deployment, self._cluster)):
            await asyncio.sleep(_POLL_SECONDS)
        healed = datetime.now(UTC)
        await self._notify(resolved_notifications(self._pods, self._began, healed))
        return round((healed - self._began).total_seconds(), 1)

    async def play(self, choice: Choice) -> Story:
        """Play it to its end without a person."""
        await self.begin()
        approval = await self._wait("/approvals?state=open", lambda found: bool(found["items"]))
        asked = approval["items"][0]
        if choice.ending != "expire":
            said = {"decision": choice.ending, "reason": choice.reason}
            said["digest"] = asked["plan"]["digest"]
            await self._call(
                "POST", f"/approvals/{asked['id']}/decision", RESPONDER_TOKEN, json=said
            )
        healed: float | None = None
        if choice.ending == "approve":
            async with asyncio.timeout(STEP_SECONDS_MAX):
                healed = await self.heal()
        want = "closed" if choice.ending == "approve" else None
        incident = await self._wait(
            f"/incidents/{asked['incident']}",
            lambda i: i["outcome"] is not None and want in (None, i["status"]),
        )
        return await self._told(choice, incident, healed)

    async def _wait(self, path: str, holds: Callable[[Any], bool]) -> Any:
        try:
            async with asyncio.timeout(STEP_SECONDS_MAX):
                while not holds(found := await self._call("GET", path, ADMIN_TOKEN)):
                    await asyncio.sleep(_POLL_SECONDS)
                return found
        except TimeoutError:
            raise Unavailable(f"{path} did not come to be in {STEP_SECONDS_MAX:.0f} s") from None

    async def _told(self, choice: Choice, incident: Any, healed: float | None) -> Story:
        writes = self._sandbox.effective_writes().items()
        number = incident["id"]
        observations = await asyncio.to_thread(self._ledger.observations, incident=number)
        entries = await asyncio.to_thread(self._ledger.entries, incident=number)
        story = Story(
            ok=False,
            incident=number,
            outcome=incident["outcome"],
            target=_target(incident["target"]),
            receipts=[item["type"] for item in incident["timeline"]].count("written"),
            effective_writes=sum(n for agent, n in writes if agent.startswith(USER_AGENT)),
            observations=len(observations),
            entries=len(entries),
            seconds_to_heal=healed,
        )
        return story.model_copy(update={"ok": _as_it_should(choice, story)})


def _target(target: dict[str, str]) -> str:
    return f"{target['namespace']}/{target['kind'].lower()}/{target['name']}"


def _as_it_should(choice: Choice, story: Story) -> bool:
    expected = {
        "approve": ("resolved", 1, 1, 1, 1),
        "deny": ("declined", 0, 0, 1, 0),
        "expire": ("expired", 0, 0, 0, 0),
    }
    books = (story.observations, story.entries)
    return (story.outcome, story.receipts, story.effective_writes, *books) == expected[
        choice.ending
    ]


def choice_of(*, once: bool, approve: bool, deny: str | None, expire: bool) -> Choice | None:
    """Read the flags of `firebreak demo`.

    Raises:
        InvalidInput: `--once` without exactly one ending, or an ending without `--once`.

    """
    chosen = [
        choice
        for choice, wanted in (
            (Choice("approve"), approve),
            (Choice("deny", deny or ""), deny is not None),
            (Choice("expire"), expire),
        )
        if wanted
    ]
    if len(chosen) != int(once):
        fix = "Write `firebreak demo`, or --once with one of --approve, --deny REASON, --expire."
        raise InvalidInput("--once goes with exactly one ending", fix)
    return chosen[0] if chosen else None


async def run_demo(
    choice: Choice | None, *, port: int | None, state: Path | None, as_json: bool
) -> bool:
    """Start everything, play the story, and leave nothing behind; whether it went as it should.

    Without `--state` everything lies in a temporary folder, which is deleted. SIGTERM and Ctrl-C
    end it; for people that is the end that it should have.

    Raises:
        FirebreakError: it could not go on, or was stopped before a story without people ended.

    """
    configure_logging("text", logging.WARNING)
    # An activity that ends because the demo ends is no news, and its traceback would look like it.
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)
    went_well = await until_stopped(_run(choice, port=port, state=state, as_json=as_json))
    if went_well is None and choice is not None:
        raise Stop("stopped before the story ended", "Start it again.")
    return went_well is not False


async def _run(
    choice: Choice | None, *, port: int | None, state: Path | None, as_json: bool
) -> bool:
    wanted = (0 if choice else 8080) if port is None else port
    async with AsyncExitStack() as parts:
        folder = state or Path(parts.enter_context(TemporaryDirectory(prefix="firebreak-demo-")))
        folder.mkdir(parents=True, exist_ok=True)
        bound = parts.enter_context(listening("127.0.0.1", wanted))
        sandbox = parts.enter_context(SandboxServer(tokens={"sandbox": "sandbox-admin"}))
        kubeconfig = sandbox.write_kubeconfig(folder / "kubeconfig")
        given = {"state": folder, "kubeconfig": kubeconfig}
        stack = await parts.enter_async_context(
            running(demo_policy(choice), bound, free_ports=True, **given)
        )
        leave_client_file(folder, stack.ready.url, RESPONDER_TOKEN)
        demo = Demo(stack, sandbox)
        parts.push_async_callback(demo.close)
        if choice is not None:
            return await _play_once(demo, stack, choice, as_json=as_json)
        _say(stack, as_json=as_json)
        await stack.unless_failed(_tell(demo))
        raise await stack.failed()


async def _play_once(demo: Demo, stack: Stack, choice: Choice, *, as_json: bool) -> bool:
    with _progress("playing the story", quiet=as_json):
        story = await stack.unless_failed(demo.play(choice))
    text = story.model_dump_json() if as_json else story.model_dump_json(indent=2)
    sys.stdout.write(f"{text}\n")
    return story.ok


async def _tell(demo: Demo) -> None:
    await demo.begin()
    await demo.heal()


def _say(stack: Stack, *, as_json: bool) -> None:
    ready = stack.ready
    if as_json:
        sys.stdout.write(f"{ready.model_dump_json()}\n")
        sys.stdout.flush()
        return
    Console(highlight=False).print(
        f"""
[bold]Firebreak runs.[/bold] A bad release of shop/user-auth is under way; alerts follow.

  Page          {ready.url}/incidents      sign in with the token [bold]{RESPONDER_TOKEN}[/bold]
  Temporal UI   {ready.temporal_ui}

Try:
  1. Sign in, open the incident, then its approval: see what would be done, approve or deny it.
  2. Follow the incident until it closes; then look at {ready.url}/reports/toil
  3. From another terminal:
       export FIREBREAK_URL={ready.url} FIREBREAK_TOKEN={RESPONDER_TOKEN}
       .venv/bin/firebreak approvals
       .venv/bin/firebreak toil log 25m "restarted user-auth by hand" --service user-auth

     Who asked for a run may not approve it: Ben's token is demo-ben, the manager's demo-mia.

Ctrl-C ends it.{_keeps(ready.state)}
""",
        soft_wrap=True,
    )


def _keeps(state: str) -> str:
    temporary = Path(state).name.startswith("firebreak-demo-")
    return " Nothing is left behind." if temporary else f" {state} is kept."


@contextmanager
def _progress(text: str, *, quiet: bool) -> Iterator[None]:
    console = Console(stderr=True, quiet=quiet)
    with console.status(text):
        yield
