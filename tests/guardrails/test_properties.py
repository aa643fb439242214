"""What holds for every plan and all facts, tried by hypothesis."""

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.calls import JudgeCall, ReservationState
from contracts.kubernetes import Drain, EvictPod, Restore, RolloutRestart, Scale
from contracts.plan import BlastRadius, Budget, Manager, Plan, Ruling, Surroundings
from contracts.policy import Autonomy, Freeze, Limits
from contracts.target import KINDS, Target
from guardrails import Attempt, Facts, Storm, Switch, Verified, Write, judge, over_the_limits
from guardrails.rules import ALWAYS, NAMES, RULES
from guardrails.rules.consent import takes_back

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
locks = st.builds(
    "default/{}/Deployment/{}".format, st.sampled_from(("shop", "bank")), st.sampled_from("abc")
)
few, shares = st.integers(1, 3), st.sampled_from((0.0, 0.1, 0.5, 1.0))
# Each figure with the strategy of its values and the direction in which it gets stricter.
FIGURES: dict[str, tuple[st.SearchStrategy[object], int]] = {
    "nodes": (st.booleans(), -1),
    "require_opt_in": (st.booleans(), 1),
    "cooldown_seconds": (st.integers(0, 4000), 1),
    "attempts_max": (few, -1),
    "attempts_window_seconds": (st.integers(1, 8000), 1),
    "approvals_needed": (few, 1),
    "runbook_writes_per_hour": (few, -1),
    "namespace_writes_per_hour": (few, -1),
    "cluster_writes_per_hour": (few, -1),
    "cluster_open_writes_max": (few, -1),
    "service_open_writes_max": (few, -1),
    "pool_open_writes_max": (few, -1),
    "unhealthy_nodes_share_max": (shares, -1),
    "blast_share_max": (shares, -1),
    "ready_left_min": (st.integers(0, 3), 1),
    "failed_verification_days": (st.integers(1, 9), 1),
    "chronic_heals_max": (few, -1),
    "chronic_days": (st.integers(1, 9), 1),
}
limits = st.builds(
    Limits,
    namespaces=some_namespaces,
    **{name: values for name, (values, _) in FIGURES.items()},
)
writes = st.builds(
    Write,
    key=st.sampled_from(KEYS),
    incident=st.sampled_from(("inc-1", "inc-2")),
    runbook=st.sampled_from(("Restart", "Other")),
    lock_keys=st.lists(locks, min_size=1, max_size=2).map(tuple),
    state=st.sampled_from(get_args(ReservationState)),
    at=moments,
    open=st.booleans(),
    service=st.sampled_from(("", "auth")),
    pool=st.sampled_from(("", "default/", "default/blue")),
    restores=st.sampled_from(("", "inc-1/1/1")),
)
verified = st.builds(
    Verified,
    run=st.sampled_from(("inc-1/1", "inc-2/1", "inc-3/1")),
    at=st.integers(-10, 0).map(lambda days: NOW + timedelta(days=days)),
    ok=st.booleans(),
    approved=st.booleans(),
)
storms = st.just(Storm("default", 99, NOW, NOW))
facts_of_any_kind = st.builds(
    Facts,
    now=st.just(NOW),
    limits=limits,
    autonomy=st.sampled_from(get_args(Autonomy)),
    approvers=some_people,
    freezes=st.lists(freezes, max_size=3).map(tuple),
    switches=st.lists(st.just(Switch("all", "ana", "stop")), max_size=1).map(tuple),
    attempts=st.lists(attempts, max_size=4).map(tuple),
    writes=st.lists(writes, max_size=5).map(tuple),
    verified=st.lists(verified, max_size=4).map(tuple),
    storm=st.none() | storms,
    undoes=st.none() | writes,
)
around = st.builds(
    Surroundings,
    managed_by=st.sampled_from(get_args(Manager)),
    autoscaler=st.sampled_from(("", "HorizontalPodAutoscaler/web")),
    budgets=st.lists(
        st.builds(Budget, name=st.just("pdb"), allowed=st.integers(0, 2)), max_size=2
    ).map(tuple),
    paused=st.booleans(),
    outage=st.sampled_from(("", "Recreate")),
    short_of=st.sampled_from(("", "cpu")),
    nodes=st.integers(0, 20),
    unhealthy_nodes=st.integers(0, 4),
    pool=st.sampled_from(("", "blue")),
    control_plane=st.sampled_from((None, True, False)),
)
blasts = st.builds(
    BlastRadius,
    pods=st.integers(0, 5),
    ready=st.integers(0, 5),
    lost=st.none() | st.integers(0, 5),
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
    action=st.sampled_from(
        [kind.activity for kind in (RolloutRestart, EvictPod, Drain, Scale, Restore)] + ["a.b"]
    ),
    target=targets,
    uid=st.sampled_from(("", "u-1")),
    generation=st.integers(0, 3),
    before=st.just("2"),
    after=st.just("1"),
    summary=st.just("do it"),
    kubectl=st.just("kubectl"),
    at=st.just(NOW),
    blast=blasts,
    opted_out=st.booleans(),
    opted_in=st.booleans(),
    around=around,
    also_locks=st.lists(locks, max_size=2).map(tuple),
    restores=st.sampled_from(("", "", "", "inc-1/1/1")),
)
calls = st.builds(
    JudgeCall,
    key=st.sampled_from(KEYS),
    incident=st.just("inc-1"),
    runbook=st.just("Restart"),
    service=st.sampled_from(("", "auth")),
    actor=st.sampled_from((*PEOPLE, "firebreak")),
    dry_run=st.booleans(),
    plan=plans,
)
many = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@many
@given(calls, facts_of_any_kind)
def test_no_verdict_is_looser_than_any_of_its_rules(call: JudgeCall, facts: Facts) -> None:
    """Deny beats Ask beats Allow, whatever the order of the rules."""
    rules = ALWAYS if takes_back(call, facts) else RULES
    said = [reason.ruling for rule in rules if (reason := rule(call, facts))]
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
@given(calls, facts_of_any_kind, st.data())
def test_a_stricter_limit_never_loosens_a_verdict(
    call: JudgeCall, facts: Facts, data: st.DataObject
) -> None:
    """Whoever tightens one figure gets no verdict that is more lenient than before."""
    name = data.draw(st.sampled_from(sorted(FIGURES)))
    values, direction = FIGURES[name]
    given_value, other = getattr(facts.limits, name), data.draw(values)
    strict = max(given_value, other) if direction > 0 else min(given_value, other)
    tighter = facts.limits.model_copy(update={name: strict})
    before, after = judge(call, facts), judge(call, replace(facts, limits=tighter))
    assert STRICTNESS[after.ruling] >= STRICTNESS[before.ruling]


@many
@given(calls, facts_of_any_kind, writes)
def test_one_more_write_never_makes_room(call: JudgeCall, facts: Facts, one_more: Write) -> None:
    """What is counted in the transaction only grows with what is there."""
    fuller = replace(facts, writes=(*facts.writes, one_more))
    before = {reason.rule for reason in over_the_limits(call, facts)}
    assert before <= {reason.rule for reason in over_the_limits(call, fuller)}


@many
@given(calls, facts_of_any_kind)
def test_every_reason_names_its_rule_and_says_what_to_do(call: JudgeCall, facts: Facts) -> None:
    """A person at night reads which rule it was, and what they may do about it."""
    for rule in RULES:
        reason = rule(call, facts)
        assert reason is None or reason.rule == rule.__name__
    for reason in judge(call, facts).reasons:
        assert reason.rule in NAMES
        assert reason.text
        assert reason.fix or reason.ruling == "allow"


@many
@given(calls, facts_of_any_kind)
def test_in_a_storm_nothing_is_ever_permitted(call: JudgeCall, facts: Facts) -> None:
    """Not even to take something back."""
    if facts.storm is not None:
        assert judge(call, facts).ruling == "deny"


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
        locked = {key.split("/")[1] for key in call.plan.also_locks}
        touched = locked if call.plan.target.kind == "Node" else locked | {namespace}
        assert touched <= set(facts.limits.namespaces)
        assert not touched & set(facts.limits.protected_namespaces)
