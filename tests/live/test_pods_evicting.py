"""Evicting a pod: within its budget, bound to its uid, and never the replacement."""

import re
from pathlib import Path

import pytest

from activities.kubernetes.ensure import SPENT_SECONDS
from activities.kubernetes.failures import BudgetSpent
from activities.kubernetes.patience import ASK_AGAIN_SECONDS, BUDGET_WAIT_SECONDS
from activities.kubernetes.waiting import utc_now
from contracts.errors import NotFound, Paused, PlanChanged, Refused
from contracts.kubernetes import EvictPod, PodReplaced
from contracts.plan import Plan
from contracts.target import Target
from live.hands import BUDGET, Hands, hands_fixture, name_of, real_hands_fixture
from toil.views import Pause

__all__ = ["hands_fixture", "real_hands_fixture"]
EVICTED = ["create pods/eviction"]


def _planned(hands: Hands, target: Target) -> tuple[EvictPod, Plan]:
    step = EvictPod(target=target, pod=name_of(hands.pod_of(target)))
    return step, hands.plan(hands.evict, step)


def test_a_plan_pins_the_pod_and_asks_the_server(hands: Hands) -> None:
    """The rehearsal is a true one, and spends nothing of the budget."""
    target = hands.workload("web", replicas=3)
    hands.budget("web", minAvailable=2)
    hands.live.wait(lambda: hands.allowed("web") == 1)
    step, plan = _planned(hands, target)
    assert plan.pins["pod_uid"] == hands.pod_of(target)["metadata"]["uid"]
    assert plan.before.startswith(f"pod {step.pod}, uid ")
    assert plan.around.dry_run == "accepted"
    assert [(b.name, b.allowed) for b in plan.around.budgets] == [("web", 1)]
    assert (plan.blast.pods, plan.blast.ready, plan.blast.lost) == (1, 3, 1)
    assert hands.allowed("web") == 1
    assert hands.written() == []


def test_an_evicted_pod_is_replaced(hands: Hands) -> None:
    """One effective write; the check waits for the replacement."""
    target = hands.workload("web")
    step, plan = _planned(hands, target)
    before = hands.uids(target)
    receipt = hands.ensure(hands.evict, step, plan)
    assert receipt.did == "written"
    assert receipt.generation == plan.generation
    assert [(c.kind, c.uid) for c in receipt.changed] == [("Pod", plan.pins["pod_uid"])]
    result = hands.check(hands.replaced, PodReplaced(target=target), receipt)
    assert result.ok, result.detail
    assert hands.uids(target) - before
    assert hands.written() == EVICTED


def test_a_replayed_eviction_never_hits_the_replacement(hands: Hands) -> None:
    """A StatefulSet's replacement has the very name of the pod that went."""
    target = hands.workload("db", "StatefulSet")
    step, plan = _planned(hands, target)
    receipt = hands.ensure(hands.evict, step, plan)
    assert hands.check(hands.replaced, PodReplaced(target=target), receipt).ok
    after = hands.uids(target)
    assert name_of(hands.pod_of(target)) == step.pod
    hands.retry()
    assert hands.ensure(hands.evict, step, plan).did == "already_done"
    assert hands.uids(target) == after
    assert hands.written() == EVICTED


@pytest.mark.parametrize("kind", ["reset_after_commit", "status_after_commit"])
def test_a_lost_answer_is_not_answered_by_a_second_eviction(hands: Hands, kind: str) -> None:
    """The pod is looked for; it is on its way out."""
    target = hands.workload("web")
    step, plan = _planned(hands, target)
    hands.fail("/eviction", kind, status=504)
    hands.ensure(hands.evict, step, plan)
    assert hands.written() == EVICTED


def test_an_eviction_that_never_arrived_is_sent_again(hands: Hands) -> None:
    """The connection broke before the server did anything."""
    target = hands.workload("web")
    step, plan = _planned(hands, target)
    hands.fail("/eviction", "reset_before_commit", times=2)
    assert hands.ensure(hands.evict, step, plan).did == "written"
    assert hands.written() == EVICTED


def test_a_spent_budget_is_waited_for_and_then_refuses(hands: Hands) -> None:
    """Slowly, with heartbeats, and for a bounded time; nothing is written."""
    target = hands.workload("web")
    step, plan = _planned(hands, target)
    hands.budget("web", minAvailable=2)
    with pytest.raises(Refused, match=r"disruption budget.*nothing was written") as refused:
        hands.ensure(hands.evict, step, plan)
    assert "get pdb" in refused.value.fix
    assert hands.naps == [ASK_AGAIN_SECONDS] * int(BUDGET_WAIT_SECONDS / ASK_AGAIN_SECONDS)
    assert len(hands.heartbeats) == len(hands.naps)
    assert hands.written() == []


def test_a_plan_under_a_spent_budget_says_so(hands: Hands) -> None:
    """The guardrails judge it by the budget and by what was not accepted."""
    target = hands.workload("web")
    hands.budget("web", minAvailable=2)
    _, plan = _planned(hands, target)
    assert plan.around.dry_run == ""
    assert [b.allowed for b in plan.around.budgets] == [0]
    assert any("disruption budget" in said for said in plan.findings)


def test_a_pod_under_two_budgets_is_refused_when_planned(hands: Hands) -> None:
    """The server answers 500, and means it for good."""
    target = hands.workload("web")
    hands.budget("web", minAvailable=1)
    spec = {"selector": {"matchLabels": {"app": "web"}}, "maxUnavailable": 1}
    hands.team.create({"kind": BUDGET, "metadata": {"name": "second"}, "spec": spec})
    with pytest.raises(Refused, match="more than one PodDisruptionBudget"):
        _planned(hands, target)


def test_an_eviction_with_another_uid_ends_with_one_request(hands: Hands) -> None:
    """The pod is replaced between the reading and the eviction: the server answers 409, and has
    spent the budget. Nothing else is sent, and the replacement lives.
    """
    target = hands.workload("db", "StatefulSet", replicas=3)
    hands.budget("db", minAvailable=1)
    step, plan = _planned(hands, target)

    def swap() -> None:
        hands.remove_pod(step.pod)
        hands.live.wait(lambda: len(hands.settled("db")) == 3)

    hands.switches.on_ask = swap
    receipt = hands.ensure(hands.evict, step, plan)
    assert receipt.did == "already_done"
    sent = [w for w in hands.live.writes() if w.subresource == "eviction" and not w.dry_run]
    assert len(sent) <= 1
    assert hands.written() == []
    assert len(hands.settled("db")) == 3


def test_a_conflict_about_the_same_pod_is_left_alone_for_two_minutes(hands: Hands) -> None:
    """The error asks for that pause, and only one request was sent."""
    target = hands.workload("web")
    step, plan = _planned(hands, target)
    told = hands.cluster.evict
    asked: list[str] = []

    def conflicting(namespace: str, pod: str, _: object, **more: bool) -> object:
        asked.append(pod)
        wrong = {"preconditions": {"uid": "somebody-else"}}
        return told(namespace, pod, wrong, **more)

    hands.cluster.evict = conflicting  # type: ignore[assignment,method-assign]  # a wrong uid
    with pytest.raises(BudgetSpent) as spent:
        hands.ensure(hands.evict, step, plan)
    assert spent.value.after_seconds == SPENT_SECONDS
    assert len(asked) == 1
    assert hands.naps == [pytest.approx(0.2)]
    assert hands.written() == []


def test_somebody_elses_pod_is_refused(hands: Hands) -> None:
    """Also where the labels fit: only a controller's uid tells."""
    web, other = hands.workload("web"), hands.workload("other")
    step = EvictPod(target=web, pod=name_of(hands.pod_of(other)))
    with pytest.raises(Refused, match="not controlled by"):
        hands.plan(hands.evict, step)
    with pytest.raises(NotFound):
        hands.plan(hands.evict, EvictPod(target=web, pod="web-none"))


def test_another_generation_voids_the_plan(hands: Hands) -> None:
    """What was approved was an eviction among so many pods."""
    target = hands.workload("web")
    step, plan = _planned(hands, target)
    hands.team.patch("Deployment", target.name, {"spec": {"minReadySeconds": 1}})
    with pytest.raises(PlanChanged, match="generation"):
        hands.ensure(hands.evict, step, plan)
    assert hands.written() == []


def test_the_kill_switch_stops_it(hands: Hands) -> None:
    """It is asked right before the write."""
    target = hands.workload("web")
    step, plan = _planned(hands, target)
    scope = f"namespace:{hands.namespace}"
    hands.switches.on.append(_pause(scope))
    with pytest.raises(Paused, match="nothing was written"):
        hands.ensure(hands.evict, step, plan)
    assert hands.written() == []


def test_the_command_of_the_plan_does_the_same(real_hands: Hands, tmp_path: Path) -> None:
    """People copy it; it posts the very object, bound to the same uid."""
    hands = real_hands
    target = hands.workload("web")
    _, plan = _planned(hands, target)
    found = re.match(r"echo '(.*)' \| kubectl .*--raw (\S+) -f -$", plan.kubectl)
    assert found is not None
    (tmp_path / "eviction.json").write_text(found[1])
    done = hands.live.kubectl("create", "--raw", found[2], "-f", str(tmp_path / "eviction.json"))
    assert done.returncode == 0, done.stderr
    assert plan.pins["pod_uid"] not in hands.uids(target)


def _pause(scope: str) -> Pause:
    return Pause(scope=scope, reason="night", person="ana", at=utc_now())
