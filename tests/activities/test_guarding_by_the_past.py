"""What the books remember of a target: failed and repeated healing, and what may be taken back."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from sqlalchemy import Engine

from activities.guard import GuardActivities
from contracts.approval import Approval, Vote
from contracts.calls import JudgeCall, ReserveCall, SettleCall
from contracts.errors import Paused, Refused
from contracts.journal import Event, IncidentChange, Record
from contracts.kubernetes import Restore, Scale
from contracts.model import canonical_json
from contracts.plan import CHANGES, BlastRadius, Plan, Verdict
from contracts.policy import Autonomy, Limits, Person, Policy, RunbookPolicy, Service
from contracts.step import Changed, Receipt
from contracts.target import Target
from toil.journal import Journal
from toil.pauses import Pauses
from toil.reservations import Reservations
from toil.storms import Storms

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TARGET = Target(cluster="default", namespace="shop", kind="Deployment", name="user-auth")
State = Literal["done", "released", "unknown"]


@dataclass
class Desk:
    """The guard over one set of books, and days that pass."""

    engine: Engine
    now: datetime = NOON
    autonomy: Autonomy = "auto"

    @property
    def guard(self) -> GuardActivities:
        """The activities under a policy with one service."""
        policy = Policy(
            people=(Person(id="ana", name="Ana"), Person(id="ben", name="Ben")),
            services=(Service(name="auth", target=TARGET, upstream="identity-platform"),),
            runbooks={"Scale": RunbookPolicy(autonomy=self.autonomy)},
            limits=Limits(namespaces=("shop",), cooldown_seconds=60),
        )
        books = (Reservations(self.engine), Pauses(self.engine), Storms(self.engine))
        return GuardActivities(*books, policy, lambda: self.now)

    def run(self, day: int, *checks: bool, approved: bool = False) -> None:
        """One run on that day: a look before, a write, what was verified after, and some rest."""
        self.now = NOON + timedelta(days=day)
        incident = f"inc-{day}"
        opened = IncidentChange(workflow="w", opened_at=self.now, target=TARGET)
        told = [("verified", False), ("written", None), *(("verified", ok) for ok in checks)]
        events = tuple(
            Event(
                key=f"{incident}/1#{n}", at=self.now, actor="firebreak", type=kind, text="t",
                data={"ok": ok},
            )
            for n, (kind, ok) in enumerate(told)
        )  # fmt: skip
        call = wanted(incident, approval=approval(incident, self.now) if approved else None)
        Reservations(self.engine).reserve(call, self.now)
        self.settle(incident, "done")
        Journal(self.engine).record(Record(incident=incident, change=opened, events=events))
        self.now += timedelta(hours=2)

    def settle(
        self, incident: str, state: State, step: int = 2, receipt: Receipt | None = None
    ) -> None:
        """Close a lock."""
        self.guard.settle(
            SettleCall(
                key=f"{incident}/1/{step}", incident=incident, runbook="Scale", state=state,
                at=self.now, target=TARGET, action=Scale.activity, receipt=receipt,
            )
        )  # fmt: skip

    def asked(self) -> set[str]:
        """Which rules ask now."""
        verdict = self.guard.judge(wanted("inc-last").judge)
        assert verdict.ruling != "deny", verdict
        return {reason.rule for reason in verdict.reasons if reason.ruling == "ask"}


def wanted(
    incident: str, step: int = 2, approval: Approval | None = None, **changes: Any
) -> ReserveCall:
    """Ask to scale, or for what `changes` say of the plan."""
    plan = Plan(
        action=Scale.activity, target=TARGET, uid="u", generation=1, before="3", after="4",
        summary="scale", kubectl="kubectl scale", at=NOON, blast=BlastRadius(ready=3, lost=0),
    ).model_copy(update=changes)  # fmt: skip
    judged = JudgeCall(
        key=f"{incident}/1/{step}", incident=incident, runbook="Scale", service="auth",
        actor="firebreak", plan=plan,
    )  # fmt: skip
    return ReserveCall(judge=judged, approval=approval, expires_seconds=600)


def approval(incident: str, at: datetime) -> Approval:
    """Ana's yes."""
    return Approval(
        id=f"apr-{incident}", incident=incident, workflow="w", runbook="Scale", target=TARGET,
        plan=wanted(incident).judge.plan, verdict=Verdict(ruling="ask"), needed=1,
        approvers=("ana",), opened_at=at, expires_at=at, state="approved",
        votes=(Vote(person="ana", decision="approve", at=at),),
    )  # fmt: skip


@pytest.fixture
def desk(engine: Engine) -> Desk:
    """A desk over empty books."""
    return Desk(engine)


def test_a_failed_verification_makes_the_next_run_ask(desk: Desk) -> None:
    """What was looked at before the write is no verification of it."""
    desk.run(1, True)
    assert desk.asked() == set()
    desk.run(2, True, False)
    assert desk.asked() == {"failed_verification"}


def test_only_a_run_that_a_person_agreed_to_earns_the_trust_back(desk: Desk) -> None:
    """Success by itself does not; nor does the approval of a run that failed again."""
    desk.run(1, False)
    desk.run(2, True)
    assert desk.asked() == {"failed_verification"}
    desk.run(3, False, approved=True)
    assert desk.asked() == {"failed_verification"}
    desk.run(4, True, approved=True)
    assert desk.asked() == set()


def test_a_failure_is_forgotten_after_a_week_and_is_its_targets_own(desk: Desk) -> None:
    """Another runbook on the target, or this one elsewhere, is not blamed for it."""
    desk.run(1, False)
    call = wanted("inc-last").judge
    elsewhere = call.plan.model_copy(update={"target": TARGET.model_copy(update={"name": "cart"})})
    assert desk.guard.judge(call.model_copy(update={"plan": elsewhere})).ruling == "allow"
    desk.now = NOON + timedelta(days=8, seconds=1)
    assert desk.asked() == set()


def test_chronic_healing_asks_and_the_timeline_names_the_owner_upstream_once(desk: Desk) -> None:
    """Three times in a week; the line is in the incident that is asked about."""
    desk.run(1, True)
    desk.run(2, True)
    assert desk.asked() == set()
    desk.run(3, True)
    opened = IncidentChange(workflow="w", opened_at=desk.now, target=TARGET)
    Journal(desk.engine).record(Record(incident="inc-last", change=opened))
    assert desk.asked() == {"chronic"}
    assert desk.asked() == {"chronic"}
    found = Journal(desk.engine).incident("inc-last")
    assert found is not None
    (line,) = [line for line in found.timeline if line.type == "chronic"]
    assert "healed deployment shop/user-auth 3 times in 7 days" in line.text
    assert line.text.endswith("Tell identity-platform: healing is not fixing.")


def taking_back(step: int = 3, of: str = "inc-1/1/2", incident: str = "inc-1") -> ReserveCall:
    """Ask to restore what `of` changed."""
    return wanted(incident, step, action=Restore.activity, restores=of)


@pytest.mark.parametrize("state", ["done", "unknown"])
def test_a_write_of_the_same_incident_may_be_taken_back_at_once(desk: Desk, state: State) -> None:
    """In its own cooldown, with nobody asked, though the runbook only asks."""
    desk.guard.reserve(wanted("inc-1"))
    desk.settle("inc-1", state)
    desk.autonomy = "ask"
    assert desk.guard.reserve(taking_back()).state == "open"


def test_what_takes_back_is_no_attempt_of_its_own(desk: Desk) -> None:
    """Two attempts an hour are two scales, each with its restore."""
    for number in (1, 2):
        incident = f"inc-{number}"
        desk.guard.reserve(wanted(incident))
        desk.settle(incident, "done")
        desk.now += timedelta(seconds=61)
        desk.guard.reserve(taking_back(of=f"{incident}/1/2", incident=incident))
        desk.settle(incident, "done", step=3)
        if number == 1:
            assert desk.guard.judge(wanted("inc-9").judge).ruling == "allow"
    denials = desk.guard.judge(wanted("inc-9").judge).denials
    assert [reason.rule for reason in denials] == ["attempts"]
    assert "had 2 attempts" in denials[0].text


@pytest.mark.parametrize("of", ["inc-1/1/9", "inc-2/1/2", "inc-3/1/2"])
def test_nothing_is_taken_back_that_was_not_written_here(desk: Desk, of: str) -> None:
    """Nobody reserved it, another incident did, or it was released."""
    desk.guard.reserve(wanted("inc-2"))
    desk.settle("inc-2", "done")
    desk.now += timedelta(seconds=61)
    desk.guard.reserve(wanted("inc-3"))
    desk.settle("inc-3", "released")
    incident = "inc-3" if of.startswith("inc-3") else "inc-1"
    with pytest.raises(Refused, match=r"nothing proves that .* was written .*\[restores\]"):
        desk.guard.reserve(taking_back(of=of, incident=incident))


def test_the_kill_switch_holds_against_taking_back(desk: Desk) -> None:
    """Stop means stop; the restore is tried again by its runbook or by hand."""
    desk.guard.reserve(wanted("inc-1"))
    desk.settle("inc-1", "done")
    Pauses(desk.engine).put("all", "migration", "ben", NOON)
    with pytest.raises(Paused, match="by ben: migration"):
        desk.guard.reserve(taking_back())


def test_undoing_what_undid_a_write_is_no_free_redo(desk: Desk) -> None:
    """It would be the write once more, uncounted and unasked."""
    desk.guard.reserve(wanted("inc-1"))
    desk.settle("inc-1", "done")
    desk.guard.reserve(taking_back())
    desk.settle("inc-1", "done", step=3)
    with pytest.raises(Refused, match=r"took no other write back \[restores\]"):
        desk.guard.reserve(taking_back(step=4, of="inc-1/1/3"))


@pytest.mark.parametrize(("name", "allowed"), [("user-auth", True), ("cart", False)])
def test_what_is_taken_back_is_what_the_books_say_was_changed(
    desk: Desk, name: str, *, allowed: bool
) -> None:
    """A receipt that a runbook has altered plans a write that the stored one does not know."""
    did = Changed(kind="Deployment", name="user-auth", uid="u", path="/p", before=3, after=4)
    back = did.model_copy(update={"name": name, "before": 4, "after": 3})
    booked = Receipt(
        key="inc-1/1/2", action=Scale.activity, target=TARGET, did="written", summary="s",
        written_at=NOON, changed=(did,),
    )  # fmt: skip
    desk.guard.reserve(wanted("inc-1"))
    desk.settle("inc-1", "done", receipt=booked)
    pins = {CHANGES: canonical_json([back.model_dump(mode="json")])}
    call = wanted("inc-1", 3, action=Restore.activity, restores="inc-1/1/2", pins=pins)
    assert (desk.guard.judge(call.judge).ruling == "allow") is allowed
    if allowed:
        assert desk.guard.reserve(call).state == "open"
    else:
        with pytest.raises(Refused, match=r"changed just these fields.*\[restores\]"):
            desk.guard.reserve(call)


def test_a_drain_is_held_to_the_service_whose_pods_it_moves(desk: Desk) -> None:
    """Whatever service the node itself belongs to; also in the transaction that takes the lock."""
    desk.guard.reserve(wanted("inc-1"))
    node = Target(cluster="default", namespace="", kind="Node", name="n1")
    drain = wanted("inc-2", target=node, also_locks=(TARGET.key,)).judge
    denials = desk.guard.judge(drain.model_copy(update={"service": "nodes"})).denials
    (full,) = [reason for reason in denials if reason.rule == "service_open"]
    assert full.text.startswith("service auth has 1 write under way (inc-1/1/2)")
