"""What the guardrails make of what else has a say: pods, budgets, GitOps, nodes, storms."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.calls import JudgeCall
from contracts.kubernetes import (
    Cordon,
    DeletePod,
    Drain,
    EvictPod,
    PauseRollout,
    Restore,
    ResumeRollout,
    RollbackDeployment,
    RolloutRestart,
    Scale,
)
from contracts.plan import BlastRadius, Budget, Reason, Surroundings
from contracts.policy import Limits
from contracts.target import Target
from guardrails import Facts, Storm, Verified, Write, judge

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
NODE = Target(cluster="default", namespace="", kind="Node", name="n1")
FINE = Surroundings(pool="blue", nodes=20, control_plane=False)
EVICT, DELETE, DRAIN = EvictPod.activity, DeletePod.activity, Drain.activity
RESTART, ROLLBACK, SCALE = RolloutRestart.activity, RollbackDeployment.activity, Scale.activity
PAUSE, RESUME = PauseRollout.activity, ResumeRollout.activity

CallWith = Callable[..., JudgeCall]
FactsWith = Callable[..., Facts]


def said(call: JudgeCall, facts: Facts) -> dict[str, Reason]:
    """What each rule said, by its name, leaving out what allows."""
    return {r.rule: r for r in judge(call, facts).reasons if r.ruling != "allow"}


def ruled(call: JudgeCall, facts: Facts) -> dict[str, str]:
    """The rulings of the rules that did not allow."""
    return {rule: reason.ruling for rule, reason in said(call, facts).items()}


def budget(allowed: int = 0, healthy: int = 2, desired: int = 2) -> Budget:
    """A disruption budget of three pods."""
    return Budget(name="web-pdb", allowed=allowed, healthy=healthy, desired=desired)


@pytest.mark.parametrize(
    ("ready", "lost", "denied"), [(3, 1, False), (2, 1, True), (1, 0, False), (2, None, True)]
)
def test_enough_ready_pods_are_left_after_one_goes(
    call_with: CallWith, facts_with: FactsWith, ready: int, lost: int | None, denied: bool
) -> None:
    """Two by default. A pod that is not ready leaves as many as there were; a pod of which
    nobody says whether it is ready counts as one that is.
    """
    blast = BlastRadius(pods=1, ready=ready, desired=3, lost=lost)
    answers = said(call_with(action=EVICT, blast=blast), facts_with())
    assert ("ready_left" in answers) is denied
    if denied:
        assert answers["ready_left"].text.startswith("1 of 2 ready pods")


@pytest.mark.parametrize(
    ("action", "lost", "asked"),
    [
        (SCALE, 5, False),
        (SCALE, 6, True),
        (SCALE, 0, False),
        (SCALE, None, True),
        (RESTART, 9, False),
    ],
)
def test_a_large_share_of_the_ready_pods_needs_a_person(
    call_with: CallWith, facts_with: FactsWith, action: str, lost: int | None, asked: bool
) -> None:
    """Half by default; a rollout leaves availability to its strategy."""
    blast = BlastRadius(pods=10, ready=10, desired=10, lost=lost)
    answers = ruled(call_with(action=action, blast=blast), facts_with())
    assert answers == ({"blast_radius": "ask"} if asked else {})


def test_an_outage_asks_with_its_reason(call_with: CallWith, facts_with: FactsWith) -> None:
    """Also of a runbook that may write by itself."""
    reason = said(call_with(around=Surroundings(outage="strategy Recreate")), facts_with())[
        "outage"
    ]
    assert (reason.ruling, "strategy Recreate" in reason.text) == ("ask", True)


@pytest.mark.parametrize(
    ("action", "state", "ruling"),
    [
        (EVICT, (1, (budget(allowed=0),)), "deny"),
        (EVICT, (1, (budget(allowed=1),)), None),
        (EVICT, (0, (budget(allowed=0),)), None),
        (EVICT, (0, (budget(allowed=0, healthy=1),)), "deny"),
        (EVICT, (1, (budget(allowed=1), budget(allowed=1))), "deny"),
        (DRAIN, (1, (budget(allowed=0),)), "deny"),
        (DRAIN, (1, (budget(allowed=1), budget(allowed=1))), None),
        (DELETE, (0, (budget(allowed=0),)), None),
        (SCALE, (2, (budget(allowed=1),)), "ask"),
        (RESTART, (3, (budget(allowed=0),)), None),
    ],
)
def test_disruption_budgets_are_kept(
    call_with: CallWith,
    facts_with: FactsWith,
    action: str,
    state: tuple[int, tuple[Budget, ...]],
    ruling: str | None,
) -> None:
    """As the API server keeps them: a sick pod may go while the others hold the budget, and a pod
    that two budgets select can never be evicted.
    """
    lost, given = state
    blast = BlastRadius(pods=1, ready=9, desired=9, lost=lost)
    call = call_with(action=action, blast=blast, around=Surroundings(budgets=given))
    reason = said(call, facts_with()).get("disruption_budget")
    assert (reason.ruling if reason else None) == ruling
    if reason:
        assert "web-pdb" in reason.text


def test_an_eviction_that_the_server_accepted_as_a_dry_run_is_not_denied(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """It knows its budgets better than our arithmetic."""
    around = Surroundings(budgets=(budget(),), dry_run="accepted")
    blast = BlastRadius(pods=1, ready=9, desired=9, lost=1)
    assert said(call_with(action=EVICT, blast=blast, around=around), facts_with()) == {}


@pytest.mark.parametrize(("action", "ruling"), [(SCALE, "deny"), (ROLLBACK, "ask")])
def test_a_lack_of_room_is_told(
    call_with: CallWith, facts_with: FactsWith, action: str, ruling: str
) -> None:
    """More pods than a quota has room for are denied; a new template may still need a person."""
    around = Surroundings(short_of="quota compute: cpu 2 more, 1 left")
    call = call_with(action=action, around=around, blast=BlastRadius(lost=0))
    assert ruled(call, facts_with()) == {"capacity": ruling}
    assert "cpu 2 more, 1 left" in said(call, facts_with())["capacity"].text


@pytest.mark.parametrize(
    ("action", "ruling"),
    [(RESTART, "deny"), (ROLLBACK, "deny"), ("x.new", "deny"), (RESUME, "ask"), (SCALE, None)],
)
def test_a_paused_workload_rolls_nothing_out(
    call_with: CallWith, facts_with: FactsWith, action: str, ruling: str | None
) -> None:
    """It still scales, and whoever resumes it must know that somebody stopped it."""
    call = call_with(action=action, around=Surroundings(paused=True), blast=BlastRadius(lost=0))
    reason = said(call, facts_with()).get("paused")
    assert (reason.ruling if reason else None) == ruling


@pytest.mark.parametrize(("action", "asked"), [(SCALE, True), (RESTART, False)])
def test_an_autoscalers_number_is_not_moved_without_a_person(
    call_with: CallWith, facts_with: FactsWith, action: str, asked: bool
) -> None:
    """Its bounds are somebody's decision; a restart leaves them alone."""
    around = Surroundings(autoscaler="HorizontalPodAutoscaler/web")
    call = call_with(action=action, around=around, blast=BlastRadius(lost=0))
    assert ("autoscaler" in said(call, facts_with())) is asked


@pytest.mark.parametrize(
    ("by", "action", "answer"),
    [
        ("argocd", ROLLBACK, ("deny", "argocd app rollback")),
        ("flux", ROLLBACK, ("deny", "git")),
        ("helm", ROLLBACK, ("deny", "helm rollback")),
        ("argocd", RESTART, (None, "")),
        ("helm", RESTART, (None, "")),
        ("flux", RESTART, ("ask", "")),
        ("argocd", SCALE, ("ask", "")),
        ("argocd", PAUSE, ("ask", "")),
        ("argocd", "x.new", ("ask", "")),
        ("flux", EVICT, (None, "")),
        ("operator", RESTART, ("deny", "the resource that owns it")),
        ("operator", EVICT, ("deny", "the resource that owns it")),
        ("", ROLLBACK, (None, "")),
    ],
)
def test_what_is_declared_elsewhere_is_changed_there(
    call_with: CallWith,
    facts_with: FactsWith,
    by: str,
    action: str,
    answer: tuple[str | None, str],
) -> None:
    """A denial says where; what changes no declaration may be done."""
    ruling, words = answer
    around = Surroundings.model_validate({"managed_by": by, "manager": "application shop"})
    blast = BlastRadius(pods=1, ready=9, desired=9, lost=0)
    reason = said(call_with(action=action, around=around, blast=blast), facts_with()).get("managed")
    assert (reason.ruling if reason else None) == ruling
    if reason:
        assert words in reason.fix
        assert "application shop" in reason.text


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({}, set()),
        ({"control_plane": True}, {"control_plane"}),
        ({"control_plane": None}, {"control_plane"}),
        ({"nodes": 0}, {"unhealthy_nodes"}),
        ({"unhealthy_nodes": 2}, set()),
        ({"unhealthy_nodes": 3}, {"unhealthy_nodes"}),
        ({"nodes": 3, "unhealthy_nodes": 1}, set()),
        ({"nodes": 3, "unhealthy_nodes": 2}, {"unhealthy_nodes"}),
    ],
)
def test_a_node_is_touched_only_where_the_others_are_well(
    call_with: CallWith, facts_with: FactsWith, changes: dict[str, Any], rules: set[str]
) -> None:
    """Never one of the control plane, and never one that nobody looked at; a tenth of the nodes
    may be unhealthy, or one.
    """
    call = call_with(action=Cordon.activity, target=NODE, around=FINE.model_copy(update=changes))
    assert set(said(call, facts_with(limits=Limits(nodes=True)))) == rules


def test_nodes_are_denied_unless_they_are_allowed(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """No namespace speaks for a node."""
    call = call_with(action=Cordon.activity, target=NODE, around=FINE)
    reason = said(call, facts_with())["nodes"]
    assert (reason.ruling, "`nodes = true`" in reason.fix) == ("deny", True)


@pytest.mark.parametrize(
    ("lock", "rules"),
    [
        ("default/shop/Deployment/web", set()),
        ("default/bank/Deployment/web", {"namespaces"}),
        ("default/kube-system/DaemonSet/dns", {"namespaces", "protected_namespaces"}),
        ("web", {"explicit_target"}),
    ],
)
def test_a_drain_may_only_touch_namespaces_that_are_allowed(
    call_with: CallWith, facts_with: FactsWith, lock: str, rules: set[str]
) -> None:
    """Each workload with a pod on the node is written to as well."""
    call = call_with(action=DRAIN, target=NODE, around=FINE, also_locks=(lock,))
    limits = Limits(nodes=True, namespaces=("shop",))
    assert set(said(call, facts_with(limits=limits))) == rules


@pytest.mark.parametrize(
    ("wanted", "given", "denied"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_where_owners_must_opt_in_silence_is_a_no(
    call_with: CallWith, facts_with: FactsWith, wanted: bool, given: bool, denied: bool
) -> None:
    """Off by default, because the allow-list is an opt-in of its own."""
    facts = facts_with(limits=Limits(namespaces=("shop",), require_opt_in=wanted))
    assert ("opt_in" in said(call_with(opted_in=given), facts)) is denied


def test_in_a_storm_nothing_is_written_and_the_plan_is_still_told(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """Observe only: the reason says what would have been done, how many alert, and until when."""
    storm = Storm("default", 200, NOW - timedelta(seconds=50), NOW + timedelta(minutes=15))
    reason = said(call_with(), facts_with(storm=storm))["storm"]
    assert reason.ruling == "deny"
    for figure in ("200 targets", "more than 20 in 5 min", "roll user-auth back"):
        assert figure in reason.text
    assert "03:15:00" in reason.fix


def verified(*answers: tuple[int, bool, bool]) -> tuple[Verified, ...]:
    """What verifying found: (days ago, ok, approved), each in a run of its own."""
    return tuple(
        Verified(f"inc-{n}/1", NOW - timedelta(days=days), ok=ok, approved=approved)
        for n, (days, ok, approved) in enumerate(answers)
    )


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ((), False),
        (((1, False, False),), True),
        (((8, False, False),), False),
        (((2, False, False), (1, True, True)), False),
        (((2, False, False), (1, True, False)), True),
        (((2, True, True), (1, False, True)), True),
    ],
)
def test_one_failed_verification_takes_auto_back_to_ask(
    call_with: CallWith, facts_with: FactsWith, answers: tuple[Any, ...], asked: bool
) -> None:
    """Until a run that a person agreed to helps, or a week has passed."""
    answers_said = ruled(call_with(), facts_with(verified=verified(*answers)))
    assert answers_said == ({"failed_verification": "ask"} if asked else {})


def test_what_heals_again_and_again_asks_and_names_the_owner_upstream(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """Three runs in a week, not three checks of one run."""
    healed = verified((3, True, False), (2, True, False), (1, True, False))
    assert said(call_with(), facts_with(verified=healed[:2])) == {}
    one_run = tuple(Verified("inc-0/1", v.at, ok=True, approved=False) for v in healed)
    assert said(call_with(), facts_with(verified=one_run)) == {}
    reason = said(call_with(), facts_with(verified=healed, upstream="identity-platform"))["chronic"]
    assert (reason.ruling, "healed" in reason.text, "3 times in 7 days" in reason.text) == (
        "ask", True, True,
    )  # fmt: skip
    assert reason.fix == "Tell identity-platform: healing is not fixing."


UNDONE = Write(
    key="inc-1/1/2",
    incident="inc-1",
    runbook="Scale",
    lock_keys=("default/shop/Deployment/user-auth",),
    state="done",
    at=NOW,
)
RESTORES = {"action": Restore.activity, "restores": "inc-1/1/2", "key": "inc-1/1/5"}


def strict(facts_with: FactsWith, **changes: Any) -> Facts:
    """Facts in which every rule for a new write has something to say."""
    limits = Limits(namespaces=("shop",), cluster_writes_per_hour=1, blast_share_max=0)
    verdicts = verified((1, False, False))
    writes = (Write("k", "i", "r", ("default/shop/Deployment/x",), "done", NOW),)
    return facts_with(
        limits=limits, autonomy="ask", approvers=(), writes=writes, verified=verdicts, **changes
    )


def test_what_provably_takes_a_write_back_needs_nobody(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """It was agreed to with the write: no cooldown, no rate, no question."""
    around = Surroundings(paused=True, managed_by="flux", outage="one replica")
    blast = BlastRadius(pods=9, ready=9, desired=9)
    call = call_with(**RESTORES, around=around, blast=blast)
    verdict = judge(call, strict(facts_with, undoes=UNDONE))
    assert [(r.rule, r.ruling) for r in verdict.reasons] == [("restores", "allow")]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"opted_out": True}, "opt_out"),
        ({"dry_run": True}, "dry_run"),
        ({"uid": ""}, "explicit_target"),
    ],
)
def test_taking_back_is_still_held_to_what_holds_for_every_write(
    call_with: CallWith, facts_with: FactsWith, changes: dict[str, Any], rule: str
) -> None:
    """The owners' no, and the rest that never yields."""
    assert rule in said(call_with(**RESTORES, **changes), strict(facts_with, undoes=UNDONE))


@pytest.mark.parametrize(
    ("proof", "action"),
    [
        (None, Restore.activity),
        ({"state": "released"}, Restore.activity),
        ({"state": "open"}, Restore.activity),
        ({"incident": "inc-2"}, Restore.activity),
        ({"lock_keys": ("default/shop/Deployment/cart",)}, Restore.activity),
        ({"key": "inc-1/1/3"}, Restore.activity),
        ({"action": Restore.activity}, Restore.activity),
        ({"restores": "inc-1/1/1"}, Restore.activity),
        ({}, ROLLBACK),
    ],
)
def test_taking_back_without_proof_is_denied(
    call_with: CallWith, facts_with: FactsWith, proof: dict[str, Any] | None, action: str
) -> None:
    """Nothing was written, to another object, by another incident, it was itself a restore (whose
    undoing is the write once more), or it is another action.
    """
    undone = None if proof is None else Write(**vars(UNDONE) | proof)
    call = call_with(**RESTORES | {"action": action})
    assert ruled(call, facts_with(undoes=undone))["restores"] == "deny"
