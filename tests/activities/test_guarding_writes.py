"""Judge, reserve and settle over the real books: what gets the write lock and what does not."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any, Literal

import pytest
from rollback_plan import NOON, PLAN, TARGET, approved
from sqlalchemy import Engine

from activities.guard import GuardActivities
from activities.permits import APPROVAL_LATE_SECONDS_MAX
from contracts.approval import Approval
from contracts.calls import JudgeCall, ReserveCall, SettleCall
from contracts.errors import Busy, FirebreakError, Paused, PlanChanged, Refused
from contracts.plan import Plan
from contracts.policy import Autonomy, Limits, Person, Policy, RunbookPolicy
from contracts.step import Receipt
from toil.ledger import Ledger
from toil.pauses import Pauses
from toil.reservations import Reservations
from toil.storms import Storms

OTHER_PLAN = PLAN.model_copy(update={"generation": 3})


def policy(autonomy: Autonomy = "ask", people: str = "ana ben", **limits: Any) -> Policy:
    """A policy in which these people may approve."""
    return Policy(
        people=tuple(Person(id=person, name=person) for person in people.split()),
        runbooks={"Rollback": RunbookPolicy(autonomy=autonomy)},
        limits=Limits(namespaces=("shop",), **limits),
    )


@dataclass
class Desk:
    """The activities over one database; `now` is what their clock says."""

    engine: Engine
    now: datetime = NOON
    policy: Policy = field(default_factory=policy)

    @property
    def guard(self) -> GuardActivities:
        """The activities, with the policy as it is now."""
        return GuardActivities(
            self.reservations, self.pauses, Storms(self.engine), self.policy, lambda: self.now
        )

    @property
    def reservations(self) -> Reservations:
        """The real reservations."""
        return Reservations(self.engine)

    @property
    def pauses(self) -> Pauses:
        """The real kill switches."""
        return Pauses(self.engine)


@pytest.fixture
def desk(engine: Engine) -> Desk:
    """A desk over empty books."""
    return Desk(engine)


def judged(key: str = "inc-1/1/2", plan: Plan = PLAN, actor: str = "firebreak") -> JudgeCall:
    """Ask about a plan."""
    return JudgeCall(key=key, incident="inc-1", runbook="Rollback", actor=actor, plan=plan)


def wanted(
    approval: Approval | None = None, key: str = "inc-1/1/2", plan: Plan = PLAN
) -> ReserveCall:
    """Ask for the lock."""
    return ReserveCall(judge=judged(key, plan), approval=approval, expires_seconds=600)


def settlement(
    state: Literal["done", "released", "unknown"], key: str = "inc-1/1/2", at: datetime = NOON
) -> SettleCall:
    """Close the lock."""
    receipt = Receipt(
        key=key, action=PLAN.action, target=TARGET, did="written", summary="rolled back to 1",
        written_at=at,
    )  # fmt: skip
    return SettleCall(
        key=key, incident="inc-1", runbook="Rollback", state=state, at=at, target=TARGET,
        action=PLAN.action, service="user-auth", team="identity", receipt=receipt,
    )  # fmt: skip


def test_an_asking_runbook_gets_a_question_with_its_answerers(desk: Desk) -> None:
    """The requester is not among them."""
    verdict = desk.guard.judge(judged(actor="ana"))
    assert (verdict.ruling, verdict.approvers) == ("ask", ("ben",))


def test_a_valid_approval_gets_the_lock(desk: Desk) -> None:
    """One vote of one who may, for this very plan."""
    reservation = desk.guard.reserve(wanted(approved("ana")))
    assert (reservation.state, reservation.lock_keys) == ("open", (TARGET.key,))


def test_an_auto_runbook_needs_no_approval(desk: Desk) -> None:
    """Allow is enough."""
    desk.policy = policy("auto")
    assert desk.guard.reserve(wanted()).state == "open"


def test_without_an_approval_nothing_is_reserved(desk: Desk) -> None:
    """What was allowed when it was planned, and must be asked now, lets people be asked: it is no
    refusal. No row is left.
    """
    with pytest.raises(PlanChanged, match="a person must agree by now: Rollback asks"):
        desk.guard.reserve(wanted())
    assert desk.reservations.history([TARGET.key], NOON - timedelta(days=1)) == ()


def test_an_approval_of_another_plan_gets_nothing(desk: Desk) -> None:
    """What was approved is the very value that runs."""
    with pytest.raises(PlanChanged):
        desk.guard.reserve(wanted(approved("ana"), plan=OTHER_PLAN))


@pytest.mark.parametrize(
    ("approval", "words"),
    [
        (approved("ana", state="open"), "is open"),
        (approved("ana", state="void"), "is void"),
        (approved(), "nobody did"),
        (approved("cia"), "nobody did"),
        (approved("ana", requester="ana"), "nobody did"),
        (approved("ana", expires_at=NOON - timedelta(minutes=2)), "nobody did"),
        (approved("ana", incident="inc-2"), "was given to Rollback in inc-2"),
        (approved("ana", runbook="Restart"), "was given to Restart"),
    ],
)
def test_an_approval_that_does_not_count_gets_nothing(
    desk: Desk, approval: Approval, words: str
) -> None:
    """Not granted, by nobody, by a stranger, by the requester, too late, or for something else."""
    with pytest.raises(Refused, match=words):
        desk.guard.reserve(wanted(approval))


def test_an_approval_that_is_too_old_is_asked_for_again(desk: Desk) -> None:
    """The books were away for long after the answer; `PlanChanged` lets people be asked anew."""
    approval = approved("ana")
    desk.now = approval.expires_at + timedelta(seconds=APPROVAL_LATE_SECONDS_MAX + 1)
    with pytest.raises(PlanChanged, match="the approval is too old to act on"):
        desk.guard.reserve(wanted(approval))
    assert desk.reservations.history([TARGET.key], NOON - timedelta(days=1)) == ()
    desk.now = approval.expires_at + timedelta(seconds=APPROVAL_LATE_SECONDS_MAX)
    assert desk.guard.reserve(wanted(approval)).state == "open"


def test_a_late_approval_still_meets_every_rule(desk: Desk) -> None:
    """A write settled since the answer makes the target rest, in time or not."""
    desk.guard.reserve(wanted(approved("ana"), key="inc-0/1/2"))
    desk.guard.settle(settlement("done", key="inc-0/1/2", at=NOON + timedelta(minutes=9)))
    desk.now = NOON + timedelta(minutes=12)
    with pytest.raises(Refused, match="it rests 900 s"):
        desk.guard.reserve(wanted(approved("ana")))


def test_a_voter_who_lost_the_right_meanwhile_does_not_count(desk: Desk) -> None:
    """Approvers are checked once more against today's policy."""
    desk.policy = policy(people="ben")
    with pytest.raises(Refused, match="1 must agree; of those who may, nobody did"):
        desk.guard.reserve(wanted(approved("ana")))


def test_two_votes_of_one_person_are_one(desk: Desk) -> None:
    """Where two must agree, two people must."""
    desk.policy = policy(approvals_needed=2)
    with pytest.raises(Refused, match="2 must agree; of those who may, ana did"):
        desk.guard.reserve(wanted(approved("ana", "ana")))
    assert desk.guard.reserve(wanted(approved("ana", "ben"))).state == "open"


@pytest.mark.parametrize("scope", ["all", "cluster:default", "namespace:shop", "runbook:Rollback"])
def test_the_kill_switch_beats_an_approval(desk: Desk, scope: str) -> None:
    """It is read when the lock is asked for, so a pause after the approval still holds."""
    approval = approved("ana")
    desk.pauses.put(scope, "migration", "ben", NOON)
    with pytest.raises(Paused, match="by ben: migration"):
        desk.guard.reserve(wanted(approval))
    desk.pauses.clear(scope)
    assert desk.guard.reserve(wanted(approval)).state == "open"


def test_a_pause_beside_another_denial_is_a_refusal(desk: Desk) -> None:
    """Resuming would not help: `Paused` is said only when nothing but the switch denies."""
    desk.pauses.put("all", "migration", "ben", NOON)
    desk.policy = policy("observe")
    with pytest.raises(Refused, match=r"by ben: migration.*only observes") as refused:
        desk.guard.reserve(wanted(approved("ana")))
    assert not isinstance(refused.value, Paused)


def test_a_pause_of_something_else_blocks_nothing(desk: Desk) -> None:
    """Scopes are exact."""
    desk.pauses.put("namespace:bank", "x", "ben", NOON)
    assert desk.guard.reserve(wanted(approved("ana"))).state == "open"


def test_a_pause_of_what_is_also_locked_holds(desk: Desk) -> None:
    """A drain has pods in namespaces that are not its target's."""
    plan = PLAN.model_copy(update={"also_locks": ("default/bank/Deployment/ledger",)})
    desk.policy = desk.policy.model_copy(
        update={"limits": desk.policy.limits.model_copy(update={"namespaces": ("shop", "bank")})}
    )
    desk.pauses.put("namespace:bank", "migration", "ben", NOON)
    with pytest.raises(Paused, match="by ben: migration"):
        desk.guard.reserve(wanted(approved("ana", plan=plan), plan=plan))
    desk.pauses.clear("namespace:bank")
    assert desk.guard.reserve(wanted(approved("ana", plan=plan), plan=plan)).state == "open"


def test_a_held_lock_is_busy(desk: Desk) -> None:
    """Somebody else is writing; that may pass by itself."""
    desk.guard.reserve(wanted(approved("ana")))
    with pytest.raises(Busy):
        desk.guard.reserve(wanted(approved("ana"), key="inc-1/2/2"))


def test_a_repeated_call_gets_the_same_lock(desk: Desk) -> None:
    """A retried activity is not a second attempt, not even against its own cooldown."""
    call = wanted(approved("ana"))
    first = desk.guard.reserve(call)
    assert desk.guard.reserve(call) == first
    desk.guard.settle(settlement("done"))
    again = desk.guard.reserve(call)
    assert again.state == "done"
    assert again.receipt is not None


def test_what_was_done_is_told_even_when_paused(desk: Desk) -> None:
    """Refusing a write that has been made would be a lie."""
    desk.guard.reserve(wanted(approved("ana")))
    desk.guard.settle(settlement("done"))
    desk.pauses.put("all", "stop", "ben", NOON)
    assert desk.guard.reserve(wanted(approved("ana"))).state == "done"


def test_a_write_makes_its_target_rest(desk: Desk) -> None:
    """The cooldown counts from the settlement and is over when it is over."""
    desk.guard.reserve(wanted(approved("ana")))
    desk.guard.settle(settlement("done"))
    desk.now = NOON + timedelta(seconds=899)
    later = approved("ana", expires_at=NOON + timedelta(minutes=20))
    second = wanted(later, key="inc-1/2/2")
    with pytest.raises(Refused, match="it rests 900 s"):
        desk.guard.reserve(second)
    desk.now = NOON + timedelta(seconds=901)
    assert desk.guard.reserve(second).state == "open"


def test_a_long_write_still_makes_its_target_rest(desk: Desk) -> None:
    """A lock taken before the window began counts by when it was settled."""
    desk.policy = policy(cooldown_seconds=60, attempts_window_seconds=60)
    desk.guard.reserve(wanted(approved("ana")))
    settled_at = NOON + timedelta(seconds=500)
    desk.guard.settle(settlement("done", at=settled_at))
    desk.now = settled_at + timedelta(seconds=30)
    with pytest.raises(Refused, match="it rests 60 s"):
        desk.guard.reserve(wanted(approved("ana"), key="inc-1/2/2"))


def test_a_released_lock_costs_nothing(desk: Desk) -> None:
    """Nothing was written, so nothing has to rest."""
    desk.guard.reserve(wanted(approved("ana")))
    desk.guard.settle(settlement("released"))
    assert desk.guard.reserve(wanted(approved("ana"), key="inc-1/2/2")).state == "open"


def test_an_orphan_that_expired_counts_as_an_unknown_write(desk: Desk) -> None:
    """Its worker died and nobody knows what it wrote: the target rests, and the lock that showed
    it is given back.
    """
    desk.guard.reserve(wanted(approved("ana")))
    desk.now = NOON + timedelta(seconds=700)
    with pytest.raises(Refused, match="it rests"):
        desk.guard.reserve(wanted(approved("ana"), key="inc-1/2/2"))
    past = desk.reservations.history([TARGET.key], NOON - timedelta(days=1))
    assert [(attempt.key, attempt.state) for attempt in past] == [("inc-1/1/2", "unknown")]


def test_of_many_at_once_one_writes_and_the_others_do_not(desk: Desk) -> None:
    """Judged together, locked one by one: a second write cannot slip in after the first."""
    desk.policy = policy("auto")
    barrier = Barrier(8)

    def attempt(number: int) -> str:
        key = f"inc-{number}/1/2"
        barrier.wait(30)
        try:
            desk.guard.reserve(wanted(key=key))
        except FirebreakError as err:
            return type(err).__name__
        desk.guard.settle(settlement("done", key=key))
        return "done"

    with ThreadPoolExecutor(8) as threads:
        ends = list(threads.map(attempt, range(8)))
    assert ends.count("done") == 1
    assert set(ends) <= {"done", "Busy", "Refused"}


def test_a_done_write_is_an_entry_without_human_seconds(desk: Desk) -> None:
    """One entry a key, whoever settles it again."""
    desk.guard.reserve(wanted(approved("ana")))
    desk.guard.settle(settlement("done"))
    desk.guard.settle(settlement("done"))
    (entry,) = Ledger(desk.engine).entries()
    assert (entry.key, entry.method, entry.seconds) == ("inc-1/1/2", "automatic", 0)
    assert entry.confidence == "measured"
    assert (entry.team, entry.service, entry.action) == ("identity", "user-auth", PLAN.action)
    assert (entry.person, entry.text) == (None, "rolled back to 1")


def test_what_was_found_done_is_only_inferred_to_be_ours(desk: Desk) -> None:
    """A person may have done it between the plan and the write; nothing on the object tells."""
    desk.guard.reserve(wanted(approved("ana")))
    done = settlement("done")
    assert done.receipt is not None
    found = done.receipt.model_copy(update={"did": "already_done"})
    desk.guard.settle(done.model_copy(update={"receipt": found}))
    (entry,) = Ledger(desk.engine).entries()
    assert (entry.key, entry.method, entry.confidence) == ("inc-1/1/2", "automatic", "inferred")
    assert entry.text == f"found already done: {PLAN.action} on {TARGET}"


@pytest.mark.parametrize("state", ["released", "unknown"])
def test_what_was_not_done_is_no_entry(desk: Desk, state: Literal["released", "unknown"]) -> None:
    """The ledger holds what happened."""
    desk.guard.reserve(wanted(approved("ana")))
    assert desk.guard.settle(settlement(state)).state == state
    assert Ledger(desk.engine).entries() == ()


def test_a_pause_between_judgement_and_lock_gives_the_lock_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second judgement, under the lock, sees it; nobody has to wait for an expiry."""
    real = Reservations.reserve

    def pause_meanwhile(books: Reservations, call: ReserveCall, *rest: Any) -> Any:
        desk.pauses.put("all", "stop", "ben", NOON)
        return real(books, call, *rest)

    monkeypatch.setattr(Reservations, "reserve", pause_meanwhile)
    with pytest.raises(Paused):
        desk.guard.reserve(wanted(approved("ana")))
    assert desk.reservations.history([TARGET.key], NOON - timedelta(days=1)) == ()
