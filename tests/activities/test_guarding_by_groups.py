"""Who is in a group counts when people are asked, and again when what they agreed to is written."""

from collections.abc import Iterable
from datetime import datetime

import pytest
import rollback_plan
from rollback_plan import NOON, PLAN, TARGET
from sqlalchemy import Engine

from activities.directory.groups import Read
from activities.guard import GuardActivities
from contracts.calls import JudgeCall, ReserveCall
from contracts.errors import Refused
from contracts.policy import Autonomy, Limits, Person, Policy, RunbookPolicy, Service
from toil.pauses import Pauses
from toil.reservations import Reservations
from toil.storms import Storms

PRIMARY = "oncall:primary"


class Rota:
    """Who is on call, as a reader of groups; None for a calendar that does not answer."""

    def __init__(self, *people: str) -> None:
        self.people: frozenset[str] | None = frozenset(people)
        self.reads = 0

    def read(self, names: Iterable[str], now: datetime) -> Read:
        """The scripted people in every group."""
        assert now == NOON
        self.reads += 1
        if self.people is None:
            return Read({}, dict.fromkeys(names, "calendar.test answered 503"))
        return Read(dict.fromkeys(names, self.people), {})


def guard(engine: Engine, rota: Rota | None, autonomy: Autonomy = "ask") -> GuardActivities:
    """The activities over real books; Ana is named, and whoever is on call."""
    web = Service(name="web", target=TARGET, approvers=("ana", PRIMARY))
    policy = Policy(
        people=tuple(Person(id=name, name=name) for name in ("ana", "ben", "cho")),
        services=(web,),
        runbooks={"Rollback": RunbookPolicy(autonomy=autonomy)},
        limits=Limits(namespaces=("shop",)),
    )
    books = Reservations(engine), Pauses(engine), Storms(engine)
    return GuardActivities(*books, policy, lambda: NOON, groups=rota)


def judged(actor: str = "firebreak") -> JudgeCall:
    """Ask about the plan."""
    return JudgeCall(
        key="inc-1/1/2", incident="inc-1", runbook="Rollback", service="web", actor=actor, plan=PLAN
    )


def approved(*people: str) -> ReserveCall:
    """Ask for the lock, with approvals of these people a minute ago."""
    approval = rollback_plan.approved(*people, approvers=("ana", PRIMARY))
    return ReserveCall(judge=judged(), approval=approval, expires_seconds=600)


def test_people_and_their_groups_are_asked(engine: Engine) -> None:
    """With who that is right now."""
    verdict = guard(engine, Rota("ben")).judge(judged())
    assert (verdict.ruling, verdict.approvers) == ("ask", ("ana", PRIMARY))
    assert verdict.people == ("ana", "ben")


def test_a_vote_of_whoever_is_on_call_gets_the_lock(engine: Engine) -> None:
    """It counts as one of somebody who is named does."""
    assert guard(engine, Rota("ben")).reserve(approved("ben")).state == "open"


def test_who_left_the_group_since_the_vote_does_not_count(engine: Engine) -> None:
    """Right before the write it is read once more; no row is left."""
    rota = Rota("ben")
    guarding = guard(engine, rota)
    assert "ben" in guarding.judge(judged()).people
    rota.people = frozenset({"cho"})
    with pytest.raises(Refused, match="1 must agree; of those who may, nobody did") as caught:
        guarding.reserve(approved("ben"))
    assert "who is on call" in caught.value.fix
    assert Reservations(engine).attempt("inc-1/1/2") is None


def test_a_calendar_that_does_not_answer_leaves_those_who_are_named(engine: Engine) -> None:
    """Ben was on call a minute ago; nobody knows now."""
    rota = Rota()
    rota.people = None
    guarding = guard(engine, rota)
    verdict = guarding.judge(judged())
    assert (verdict.ruling, verdict.approvers) == ("ask", ("ana",))
    assert any("calendar.test answered 503" in reason.text for reason in verdict.reasons)
    with pytest.raises(Refused, match="nobody did"):
        guarding.reserve(approved("ben"))
    assert guarding.reserve(approved("ana")).state == "open"


def test_what_needs_no_consent_waits_for_no_calendar(engine: Engine) -> None:
    """An auto runbook is judged without a look at who is on call."""
    rota = Rota("ben")
    assert guard(engine, rota, "auto").judge(judged()).ruling == "allow"
    assert rota.reads == 0


def test_a_worker_that_reads_no_groups_says_so(engine: Engine) -> None:
    """The policy speaks of one, and nobody is in it."""
    verdict = guard(engine, None).judge(judged(actor="ana"))
    assert verdict.ruling == "deny"
    assert any("no schedule is read here" in reason.text for reason in verdict.reasons)
