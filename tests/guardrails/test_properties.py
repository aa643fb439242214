"""What holds for every plan and all facts, tried by hypothesis."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.calls import JudgeCall, ReservationState
from contracts.plan import BlastRadius, Plan, Ruling
from contracts.policy import Autonomy, Freeze, Limits
from contracts.target import KINDS, Target
from guardrails import Attempt, Facts, Switch, judge
from guardrails.rules import RULES

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
STRICTNESS: dict[Ruling, int] = {"allow": 0, "ask": 1, "deny": 2}
PEOPLE = ("ana", "ben", "cia")
NAMESPACES = ("shop", "bank", "kube-system", "")
KEYS = ("inc-1/1/1", "inc-1/1/2", "inc-2/1/1")

moments = st.integers(-8000, 100).map(lambda seconds: NOW + timedelta(seconds=seconds))
some_people = st.lists(st.sampled_from(PEOPLE), unique=True).map(tuple)
some_namespaces = st.lists(st.sampled_from(NAMESPACES), unique=True).map(tuple)

attempts = st.builds(
    Attempt,
    key=st.sampled_from(KEYS),
    state=st.sampled_from(get_args(ReservationState)),
    at=moments,
)
freezes = st.builds(
    Freeze, name=st.just("f"), begins=moments, ends=moments, namespaces=some_namespaces
)
limits = st.builds(
    Limits,
    namespaces=some_namespaces,
    cooldown_seconds=st.integers(0, 4000),
    attempts_max=st.integers(1, 4),
    attempts_window_seconds=st.integers(1, 8000),
    approvals_needed=st.integers(1, 3),
)
facts_of_any_kind = st.builds(
    Facts,
    now=st.just(NOW),
    limits=limits,
    autonomy=st.sampled_from(get_args(Autonomy)),
    approvers=some_people,
    freezes=st.lists(freezes, max_size=3).map(tuple),
    switches=st.lists(st.just(Switch("all", "ana", "stop")), max_size=1).map(tuple),
    attempts=st.lists(attempts, max_size=4).map(tuple),
)
targets = st.builds(
    Target,
    cluster=st.just("default"),
    namespace=st.sampled_from(NAMESPACES),
    kind=st.sampled_from((*KINDS, "Gateway")),
    name=st.just("user-auth"),
)
plans = st.builds(
    Plan,
    action=st.just("a.b"),
    target=targets,
    uid=st.sampled_from(("", "u-1")),
    generation=st.integers(0, 3),
    before=st.just("2"),
    after=st.just("1"),
    summary=st.just("do it"),
    kubectl=st.just("kubectl"),
    at=st.just(NOW),
    blast=st.just(BlastRadius()),
    opted_out=st.booleans(),
)
calls = st.builds(
    JudgeCall,
    key=st.sampled_from(KEYS),
    incident=st.just("inc-1"),
    runbook=st.just("Restart"),
    actor=st.sampled_from((*PEOPLE, "firebreak")),
    dry_run=st.booleans(),
    plan=plans,
)
many = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@many
@given(calls, facts_of_any_kind)
def test_no_verdict_is_looser_than_any_of_its_rules(call: JudgeCall, facts: Facts) -> None:
    """Deny beats Ask beats Allow, whatever the order of the rules."""
    said = [reason.ruling for rule in RULES if (reason := rule(call, facts))]
    strictest = max(said, key=STRICTNESS.__getitem__)
    assert STRICTNESS[judge(call, facts).ruling] >= STRICTNESS[strictest]


@many
@given(calls, facts_of_any_kind, attempts)
def test_one_more_attempt_never_loosens_a_verdict(
    call: JudgeCall, facts: Facts, one_more: Attempt
) -> None:
    """More history is never less caution."""
    fuller = Facts(**{**vars(facts), "attempts": (*facts.attempts, one_more)})
    assert STRICTNESS[judge(call, fuller).ruling] >= STRICTNESS[judge(call, facts).ruling]


@many
@given(calls, facts_of_any_kind)
def test_judging_is_pure(call: JudgeCall, facts: Facts) -> None:
    """The same call and facts give the same verdict, and neither is touched."""
    before = deepcopy((call, facts))
    assert judge(call, facts) == judge(call, facts)
    assert (call, facts) == before


@many
@given(calls, facts_of_any_kind)
def test_a_question_can_always_be_answered(call: JudgeCall, facts: Facts) -> None:
    """Ask is said only when enough people other than the requester may agree."""
    verdict = judge(call, facts)
    if verdict.ruling == "ask":
        assert len(set(verdict.approvers) - {call.actor}) >= verdict.needed


@many
@given(calls, facts_of_any_kind)
def test_only_a_listed_unprotected_namespace_is_ever_written_to(
    call: JudgeCall, facts: Facts
) -> None:
    """Whatever else holds, nothing outside the allow-list gets past."""
    if judge(call, facts).ruling != "deny":
        namespace = call.plan.target.namespace
        assert namespace in facts.limits.namespaces
        assert namespace not in facts.limits.protected_namespaces
