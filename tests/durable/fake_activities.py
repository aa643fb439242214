"""Fake activities that keep what they were told, for workflows on a real Temporal server.

Each has the name and the types of the real one; a test scripts the answers by attributes.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.permits import check_permitted
from contracts import kubernetes, signals
from contracts.approval import Approval, Pages
from contracts.calls import (
    DELIVER,
    JUDGE,
    LOCATE,
    MATCH,
    OWNER,
    RECORD,
    RESERVE,
    ROUTE,
    SETTLE,
    DeliverCall,
    Delivered,
    EnsureCall,
    JudgeCall,
    LocateCall,
    Located,
    Match,
    MatchCall,
    Owner,
    OwnerCall,
    Reservation,
    ReserveCall,
    RouteCall,
    Routed,
    SettleCall,
)
from contracts.errors import Stop
from contracts.journal import Record, Recorded
from contracts.plan import Plan, Verdict
from contracts.policy import IncidentRules
from contracts.step import (
    Action,
    Changed,
    Check,
    CheckCall,
    CheckResult,
    Evidence,
    Look,
    Receipt,
    Step,
    StepCall,
)

# The modules whose steps ship.
STEPS = (kubernetes.__name__, signals.__name__)
# What a restart is asked for.
CRASHING = {kubernetes.PodStates.activity: {"cause": "crash_loop", "remedy": "restart"}}
QUICK_RULES = IncidentRules(gather_seconds=0, quiet_seconds=30)
ASK = Verdict(ruling="ask", needed=1, approvers=("ana", "ben"))


def _open_gate() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate


@dataclass
class FakeWorld:
    """Everything outside the workflows, in memory. Lists grow in the order of the calls."""

    records: list[Record] = field(default_factory=list)
    matches: list[MatchCall] = field(default_factory=list)
    ensured: list[str] = field(default_factory=list)
    acted: list[Action] = field(default_factory=list)
    settled: list[SettleCall] = field(default_factory=list)
    routed: list[RouteCall] = field(default_factory=list)
    planned: list[datetime] = field(default_factory=list)
    runbook: str | None = "rollback_deployment"
    runbook_of: dict[str, str | None] = field(default_factory=dict)
    known: tuple[str, ...] = ("rollback_deployment", "restart_crash_loop", "key_error")
    outages: int = 0
    verdict: Verdict = ASK
    on_judged: Callable[[], object] = lambda: None
    healthy: bool = True
    generations: list[int] = field(default_factory=lambda: [2])
    rules: IncidentRules = field(default_factory=lambda: QUICK_RULES)
    pages: Pages | None = None
    facts: dict[str, Any] = field(default_factory=lambda: {"current_age_seconds": 40})
    facts_of: dict[str, dict[str, Any]] = field(default_factory=lambda: dict(CRASHING))
    holds: dict[str, bool | list[bool]] = field(default_factory=dict)
    changed: tuple[Changed, ...] = ()
    owner: Owner = field(default_factory=Owner)
    located: str | None = None
    ensure_fails: Exception | None = None
    look_fails: Exception | None = None
    look_gate: asyncio.Event = field(default_factory=_open_gate)
    looking: bool = False
    ensure_gate: asyncio.Event | None = None
    reserve_gate: asyncio.Event | None = None
    ensuring: bool = False
    reserving: bool = False

    @property
    def events(self) -> list[tuple[str, str]]:
        """The timeline as (type, text)."""
        return [(e.type, e.text) for record in self.records for e in record.events]

    @property
    def types(self) -> list[str]:
        """The types of the timeline, in order."""
        return [kind for kind, _ in self.events]

    @property
    def approvals(self) -> list[Approval]:
        """The newest state of each approval."""
        newest = {r.approval.id: r.approval for r in self.records if r.approval}
        return list(newest.values())

    @property
    def statuses(self) -> list[str]:
        """The incident's statuses, in order."""
        return [r.change.status for r in self.records if r.change and r.change.status]

    @property
    def status(self) -> str:
        """The newest status, or an empty one before the incident is open."""
        return self.statuses[-1] if self.statuses else ""

    @activity.defn(name=RECORD)
    async def record(self, call: Record) -> Recorded:
        """Keep the record."""
        self._outage()
        self.records.append(call)
        return Recorded(revision=len(self.records))

    @activity.defn(name=MATCH)
    async def match(self, call: MatchCall) -> Match:
        """Answer the scripted runbook: by name, by the first alert, or the one for all."""
        self.matches.append(call)
        first = call.alerts[0].fingerprint if call.alerts else ""
        found = self.runbook_of.get(first, self.runbook)
        if call.runbook is not None:
            found = call.runbook if call.runbook in self.known else None
        return Match(
            runbook=found,
            reason="scripted",
            service="user-auth",
            team="identity",
            rules=self.rules,
            pages=self.pages,
        )

    @activity.defn(name=JUDGE)
    async def judge(self, call: JudgeCall) -> Verdict:
        """Answer the scripted verdict."""
        assert call.plan.digest
        said = self.verdict
        self.on_judged()
        return said

    @activity.defn(name=RESERVE)
    async def reserve(self, call: ReserveCall) -> Reservation:
        """Grant the lock, once the gate is open, if the verdict of now and the answers permit."""
        self.reserving = True
        await _through(self.reserve_gate)
        try:
            check_permitted(call, self.verdict, datetime.now(UTC))
        except Stop as err:
            raise ApplicationError(
                err.message, type=type(err).__name__, non_retryable=True
            ) from err
        return Reservation(
            key=call.judge.key,
            lock_keys=call.judge.plan.lock_keys,
            state="open",
            expires_at=datetime.now(UTC) + timedelta(seconds=call.expires_seconds),
        )

    @activity.defn(name=SETTLE)
    async def settle(self, call: SettleCall) -> Reservation:
        """Keep how it was settled."""
        self.settled.append(call)
        return Reservation(
            key=call.key, lock_keys=(), state=call.state, expires_at=datetime.now(UTC)
        )

    @activity.defn(name=LOCATE)
    async def locate(self, call: LocateCall) -> Located:
        """Answer the scripted incident."""
        assert call.identity
        self._outage()
        return Located(workflow=self.located)

    @activity.defn(name=OWNER)
    async def find_owner(self, call: OwnerCall) -> Owner:
        """Answer the scripted owner."""
        assert call.name
        return self.owner

    @activity.defn(name=ROUTE)
    async def route(self, call: RouteCall) -> Routed:
        """Keep where the alert went."""
        self.routed.append(call)
        return Routed(taken=True)

    @activity.defn(name=DELIVER)
    async def deliver(self, call: DeliverCall) -> Delivered:
        """Say that everything is delivered."""
        assert call.incident
        return Delivered(revision=len(self.records), final=True)

    def _outage(self) -> None:
        """Be away as often as scripted; each time costs a whole round of tries."""
        if self.outages > 0:
            self.outages -= 1
            raise ApplicationError("the books are away", type="Unavailable", non_retryable=True)

    async def _look(self, call: StepCall[Any]) -> Evidence:
        self.looking = True
        await _through(self.look_gate)
        if self.look_fails is not None:
            raise self.look_fails
        step: Look = call.step
        return Evidence(
            key=call.key,
            kind=step.activity,
            target=step.target,
            title=step.label,
            facts=self.facts_of.get(step.activity, self.facts),
        )

    async def _check(self, call: CheckCall[Any]) -> CheckResult:
        said = self.holds.get(call.step.activity, self.healthy)
        holds = said.pop(0) if isinstance(said, list) and len(said) > 1 else said
        holds = holds[0] if isinstance(holds, list) else holds
        return CheckResult(ok=holds, detail=f"{call.step.target}: {holds}")

    async def planned_for(self, call: StepCall[Any]) -> Plan:
        """The plan of a step."""
        self.planned.append(call.at)
        generation = self.generations[0]
        if len(self.generations) > 1:
            generation = self.generations.pop(0)
        return Plan(
            action=call.step.activity,
            target=call.step.target,
            uid="uid-1",
            generation=generation,
            before="revision 2",
            after="revision 1",
            summary=f"{call.step.activity} of {call.step.target}",
            kubectl="kubectl -n shop rollout undo deployment/user-auth --to-revision=1",
            at=call.at,
        )

    async def _ensure(self, call: EnsureCall[Any]) -> Receipt:
        self.ensuring = True
        await _through(self.ensure_gate)
        if self.ensure_fails is not None:
            failure, self.ensure_fails = self.ensure_fails, None
            raise failure
        self.ensured.append(call.key)
        self.acted.append(call.step)
        return Receipt(
            key=call.key,
            action=call.plan.action,
            target=call.plan.target,
            did="written",
            summary=f"did {call.plan.summary}",
            written_at=datetime.now(UTC),
            generation=call.plan.generation + 1,
            changed=self.changed,
        )

    def _steps(self) -> Iterator[Callable[..., Any]]:
        """An activity for each look and check, and two for each action, of all that ship."""
        for step in _below(Look):
            yield _named(step.activity, StepCall[step], self._look)  # type: ignore[valid-type]  # a class at run time
        for step in _below(Action):
            yield _named(f"{step.activity}.plan", StepCall[step], self.planned_for)  # type: ignore[valid-type]
            yield _named(f"{step.activity}.ensure", EnsureCall[step], self._ensure)  # type: ignore[valid-type]
        for step in _below(Check):
            yield _named(step.activity, CheckCall[step], self._check)  # type: ignore[valid-type]

    def all(self, instead: Sequence[Callable[..., Any]] = ()) -> list[Callable[..., Any]]:
        """Every activity, for a worker; `instead` takes the place of those of its names."""
        members = (getattr(self, name) for name in vars(type(self)))
        fakes = [m for m in members if hasattr(m, "__temporal_activity_definition")]
        fakes += self._steps()
        taken = {_name(item) for item in instead}
        return [*instead, *(fake for fake in fakes if _name(fake) not in taken)]


async def _through(gate: asyncio.Event | None) -> None:
    """Wait for the gate even when cancelled, as a request that was sent is waited for."""
    if gate is None:
        return
    try:
        await gate.wait()
    except asyncio.CancelledError:
        await gate.wait()


def _named(name: str, argument: Any, answer: Callable[..., Any]) -> Callable[..., Any]:
    """An activity of that name that takes that type."""

    async def fake(call: Any) -> Any:
        return await answer(call)

    fake.__annotations__["call"] = argument
    return activity.defn(name=name)(fake)


def _below(root: type[Step]) -> Iterator[type[Any]]:
    """Every step of that kind that the contracts have."""
    for step in root.__subclasses__():
        if step.__module__ in STEPS:
            yield step


def _name(item: Callable[..., Any]) -> str:
    return activity._Definition.must_from_callable(item).name or ""
