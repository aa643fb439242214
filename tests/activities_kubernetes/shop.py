"""The seed story on a sandbox whose time stands still until a test moves it."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient
from temporalio.testing import ActivityEnvironment

from activities.kubernetes import Cluster, open_cluster
from activities.kubernetes.ensure import Brakes, Ensurer
from activities.kubernetes.health import RolloutHealthyCheck
from activities.kubernetes.restart import RolloutRestartAction
from activities.kubernetes.rollback import RollbackDeploymentAction
from contracts.calls import EnsureCall
from contracts.kubernetes import RollbackDeployment, RolloutHealthy, RolloutRestart
from contracts.plan import Plan
from contracts.step import CheckCall, Receipt, Step, StepCall
from contracts.target import Target
from guardrails import Storm
from sandbox import SandboxServer, Timing
from sandbox.scenario import break_shop, connect, create_shop, read_deployment
from toil.views import Pause

TARGET = Target(cluster="lab", namespace="shop", kind="Deployment", name="user-auth")
KEY = "inc-1/1/1"
# A lock that no test outlives.
LATE = datetime(2100, 1, 1, tzinfo=UTC)
TICK_SECONDS = 0.5
FAULT = "sandbox.firebreak/fault"
LOG = "sandbox.firebreak/log"
READY_SECONDS = "sandbox.firebreak/ready-seconds"


class WorkerKilled(BaseException):
    """Nothing in an activity catches it."""


class Clock:
    """A clock that moves only when it is told to. `on_move` hears of every tick."""

    def __init__(self, at: datetime) -> None:
        self.now = at
        self.on_move: list[Any] = []

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on, tick by tick."""
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.now = min(end, self.now + timedelta(seconds=TICK_SECONDS))
            for hear in self.on_move:
                hear()


class Shelf:
    """Evidence bodies in memory, by key."""

    def __init__(self) -> None:
        self.bodies: dict[str, str] = {}

    def keep_evidence(
        self,
        key: str,
        incident: str,
        *,
        kind: str,
        title: str,
        body: str,
        digest: str,
        at: datetime,
    ) -> None:
        """A known key changes nothing."""
        assert incident
        assert kind
        assert title
        assert digest
        assert at.tzinfo
        self.bodies.setdefault(key, body)

    @property
    def body(self) -> str:
        """The one body that was kept."""
        (only,) = self.bodies.values()
        return only


@dataclass
class Switches:
    """Kill switches in memory; `asked` are the scopes of every question."""

    on: list[Pause] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def blocking(self, scopes: tuple[str, ...]) -> tuple[Pause, ...]:
        """Those that are on."""
        self.asked.append(scopes)
        return tuple(pause for pause in self.on if pause.scope in scopes)


@dataclass
class Sky:
    """The weather, in memory: the storm that is on, if one is."""

    on: Storm | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def storm(self, cluster: str, incident: str, now: datetime) -> Storm | None:
        """What is on."""
        assert now.tzinfo is not None
        self.asked.append((cluster, incident))
        return self.on


class Shop:
    """One sandbox with the shop in it, the activities under test, and how to run them."""

    def __init__(self, server: SandboxServer, clock: Clock, folder: Path) -> None:
        kubeconfig = self.kubeconfig = server.write_kubeconfig(folder / "kubeconfig")
        self.server = server
        self.clock = clock
        self.pipeline: ApiClient = connect(kubeconfig)
        self.cluster: Cluster = open_cluster(kubeconfig, "sandbox")
        self.clusters = {"lab": self.cluster}
        self.switches, self.sky = Switches(), Sky()
        self.shelf = Shelf()
        self.environment = ActivityEnvironment()
        self.heartbeats: list[Any] = []
        self.environment.on_heartbeat = lambda *details: self.heartbeats.append(details)
        brakes = Brakes(self.switches, self.sky)
        ensurer = Ensurer(self.clusters, brakes, clock, clock.advance)
        self.rollback = RollbackDeploymentAction(self.clusters, ensurer)
        self.restart = RolloutRestartAction(self.clusters, ensurer)
        self.health = RolloutHealthyCheck(self.clusters, clock, clock.advance)

    def close(self) -> None:
        """Close both clients' connections."""
        self.cluster.close()
        self.pipeline.close()  # type: ignore[no-untyped-call]

    def use_token(self, token: str) -> None:
        """From now on the activities come with this token."""
        text = self.kubeconfig.read_text()
        self.kubeconfig.write_text(text.replace(next(iter(self.server.tokens)), token))
        self.cluster.close()
        self.cluster = self.clusters["lab"] = open_cluster(self.kubeconfig, "sandbox")

    def open(self) -> None:
        """Revision 1, healthy."""
        create_shop(self.pipeline)
        self.clock.advance(10)

    def spoil(self) -> None:
        """Revision 2, crash-looping."""
        break_shop(self.pipeline)
        self.clock.advance(40)

    def deployment(self) -> dict[str, Any]:
        """As it is now."""
        return read_deployment(self.pipeline)

    def image(self) -> str:
        """The image that the deployment asks for."""
        container = self.deployment()["spec"]["template"]["spec"]["containers"][0]
        return str(container["image"])

    def call(self, step: Step) -> StepCall[Any]:
        """The argument of a look or a plan, now."""
        return StepCall(key=KEY, incident="inc-1", at=self.clock.now, step=step)

    def run(self, activity: Any, call: Any) -> Any:
        """Run one activity as a worker would."""
        return self.environment.run(activity, call)

    def retry(self, attempt: int = 2) -> None:
        """From now on activities run as this attempt of theirs."""
        self.environment.info = replace(self.environment.info, attempt=attempt)

    def plan_rollback(self, to_revision: int | None = None) -> Plan:
        """Plan a rollback now."""
        step = RollbackDeployment(target=TARGET, to_revision=to_revision)
        plan: Plan = self.run(self.rollback.plan, self.call(step))
        return plan

    def plan_restart(self) -> Plan:
        """Plan a restart now."""
        plan: Plan = self.run(self.restart.plan, self.call(RolloutRestart(target=TARGET)))
        return plan

    def ensure_rollback(self, plan: Plan, expires_at: datetime | None = LATE) -> Receipt:
        """Execute it."""
        step = RollbackDeployment(target=TARGET)
        return self._ensure(self.rollback.ensure, step, plan, expires_at)

    def ensure_restart(self, plan: Plan, expires_at: datetime | None = LATE) -> Receipt:
        """Execute it."""
        return self._ensure(self.restart.ensure, RolloutRestart(target=TARGET), plan, expires_at)

    def _ensure(
        self, activity: Any, step: Step, plan: Plan, expires_at: datetime | None
    ) -> Receipt:
        call = EnsureCall[Any](
            key=KEY, incident="inc-1", runbook="Any", step=step, plan=plan, expires_at=expires_at
        )
        receipt: Receipt = self.run(activity, call)
        return receipt

    def check(
        self, after: Receipt | None, within_seconds: int = 120, steady_seconds: int = 10
    ) -> CheckCall[Any]:
        """The argument of the health check, now."""
        step = RolloutHealthy(target=TARGET, steady_seconds=steady_seconds)
        return CheckCall(
            key=KEY,
            incident="inc-1",
            at=self.clock.now,
            within_seconds=within_seconds,
            step=step,
            after=after,
        )

    def check_until_killed(self, call: CheckCall[Any], heartbeats: int) -> None:
        """Run the check in a worker that dies after so many heartbeats."""

        def beat(*details: Any) -> None:
            self.heartbeats.append(details)
            if len(self.heartbeats) == heartbeats:
                raise WorkerKilled

        self.environment.on_heartbeat = beat
        with pytest.raises(WorkerKilled):
            self.run(self.health.check, call)
        self.environment = ActivityEnvironment()
        self.environment.on_heartbeat = lambda *details: self.heartbeats.append(details)
        info = self.environment.info
        self.environment.info = replace(info, heartbeat_details=self.heartbeats[-1])

    def writes(self) -> int:
        """Effective writes by Firebreak's own user agent."""
        counted = self.server.effective_writes()
        return sum(n for agent, n in counted.items() if agent.startswith("firebreak/"))

    def asked(self, verb: str, path_ends: str) -> int:
        """How many requests Firebreak sent with this verb to such a path, rehearsals aside."""
        return sum(
            record.verb == verb
            and not record.dry_run
            and record.path.endswith(path_ends)
            and record.user_agent.startswith("firebreak/")
            for record in self.server.requests()
        )


def start_of_story() -> datetime:
    """A whole second a day ago, because the sandbox's Date header tells the real time."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)


def sandbox_with(clock: Clock) -> SandboxServer:
    """A server on that clock; it ticks whenever the clock moves."""
    server = SandboxServer(timing=Timing(clock=clock, tick_seconds=None))
    clock.on_move.append(server.tick)
    return server
