"""Draining a node: pod by pod, resumed where it was, and only what was planned."""

from datetime import timedelta

import pytest

from activities.kubernetes.draining import UNTIL_LOCK_SECONDS
from activities.kubernetes.waiting import utc_now
from contracts.errors import OutcomeUnknown, Paused, PlanChanged, Refused
from contracts.kubernetes import Cordon, Drain, Restore
from contracts.plan import Plan
from live.hands import Hands, WorkerKilled, hands_fixture, name_of, real_hands_fixture
from toil.views import Pause

__all__ = ["hands_fixture", "real_hands_fixture"]
EVICTED, CLOSED = "create pods/eviction", "patch nodes"


def _planned(hands: Hands, node: str, **more: bool) -> tuple[Drain, Plan]:
    step = Drain(target=hands.target(node, "Node"), **more)
    return step, hands.plan(hands.drain, step)


def _paused(scope: str) -> Pause:
    return Pause(scope=scope, reason="night", person="ana", at=utc_now())


def _running_on(hands: Hands, node: str) -> list[str]:
    return sorted(
        name_of(pod)
        for pod in hands.team.items("Pod", fieldSelector=f"spec.nodeName={node}")
        if "deletionTimestamp" not in pod["metadata"]
    )


def _closed(hands: Hands, node: str) -> bool:
    return bool(hands.team.read("Node", node)["spec"].get("unschedulable"))


def test_a_plan_pins_the_pods_and_locks_their_workloads(hands: Hands) -> None:
    """The rehearsal is a true one: nothing is written."""
    node = hands.live.add_node()
    web = hands.workload("web", replicas=2, node=node)
    db = hands.workload("db", "StatefulSet", replicas=1, node=node)
    _, plan = _planned(hands, node)
    pinned = {uid for name, uid in plan.pins.items() if name.startswith("pod/")}
    assert pinned == hands.uids(web) | hands.uids(db)
    assert set(plan.also_locks) == {web.key, db.key}
    assert plan.lock_keys[0] == plan.target.key
    assert plan.around.dry_run == "accepted"
    assert plan.around.control_plane is False
    assert (plan.blast.pods, plan.blast.lost) == (3, 2)
    assert plan.kubectl.endswith(f"drain {node} --ignore-daemonsets")
    assert hands.written() == []
    assert not _closed(hands, node)


def test_a_drain_closes_the_node_and_evicts_each_pod_once(hands: Hands) -> None:
    """One pod of a controller at a time; the receipt takes back the cordon and nothing else."""
    node = hands.live.add_node()
    hands.workload("web", replicas=3, node=node)
    step, plan = _planned(hands, node)
    receipt = hands.ensure(hands.drain, step, plan)
    assert receipt.did == "written"
    assert "3 pods evicted" in receipt.summary
    assert {change.kind for change in receipt.changed} == {"Node"}
    assert _running_on(hands, node) == []
    assert hands.written() == [CLOSED, *[EVICTED] * 3]
    hands.retry()
    assert hands.ensure(hands.drain, step, plan).did == "already_done"
    assert hands.written() == [CLOSED, *[EVICTED] * 3]


def test_a_controller_loses_one_pod_at_a_time(hands: Hands) -> None:
    """The next one goes when the last one is gone, also without a budget."""
    node = hands.live.add_node()
    hands.workload("web", replicas=3, node=node)
    step, plan = _planned(hands, node)
    left: list[int] = []

    def count() -> None:
        pods = hands.team.items("Pod", fieldSelector=f"spec.nodeName={node}")
        left.append(len(pods))

    hands.switches.on_ask = count
    hands.ensure(hands.drain, step, plan)
    assert left == [3, 3, 2, 1]


@pytest.mark.parametrize("beat", [1, 2, 3])
def test_a_drain_whose_worker_is_killed_goes_on_where_it_was(hands: Hands, beat: int) -> None:
    """Before the first eviction, or between two of them: each pod goes once."""
    node = hands.live.add_node()
    hands.workload("web", replicas=3, node=node)
    step, plan = _planned(hands, node)
    hands.die_at_heartbeat(beat)
    with pytest.raises(WorkerKilled):
        hands.ensure(hands.drain, step, plan)
    done = len(hands.written())
    assert 0 < done < 4
    hands.retry()
    receipt = hands.ensure(hands.drain, step, plan)
    assert receipt.did == "written"
    assert receipt.changed
    assert _running_on(hands, node) == []
    assert hands.written() == [CLOSED, *[EVICTED] * 3]


@pytest.mark.parametrize("kind", ["reset_after_commit", "reset_before_commit"])
def test_a_lost_answer_costs_no_second_eviction(hands: Hands, kind: str) -> None:
    """The pod is looked for before anything is sent again."""
    node = hands.live.add_node()
    hands.workload("web", replicas=2, node=node)
    step, plan = _planned(hands, node)
    hands.fail("/eviction", kind)
    hands.ensure(hands.drain, step, plan)
    assert hands.written() == [CLOSED, *[EVICTED] * 2]


def test_the_pods_of_daemon_sets_stay(hands: Hands) -> None:
    """They would come right back."""
    node = hands.live.add_node()
    hands.workload("agent", "DaemonSet", replicas=1, node=node)
    hands.workload("web", replicas=1, node=node)
    step, plan = _planned(hands, node)
    assert len([name for name in plan.pins if name.startswith("pod/")]) == 1
    hands.ensure(hands.drain, step, plan)
    assert [name.partition("-")[0] for name in _running_on(hands, node)] == ["agent"]


def test_a_pod_without_a_controller_forbids_it(hands: Hands) -> None:
    """Nothing would start it elsewhere."""
    node = hands.live.add_node()
    hands.pod("lonely", node=node)
    with pytest.raises(Refused, match=r"nothing would start these pods elsewhere: .*/lonely"):
        _planned(hands, node)


def test_data_of_pods_forbids_it_unless_it_may_be_lost(hands: Hands) -> None:
    """Somebody has to say that it is worth nothing."""
    node = hands.live.add_node()
    hands.workload("cache", replicas=1, node=node, volumes=True)
    with pytest.raises(Refused, match="emptyDir") as refused:
        _planned(hands, node)
    assert "lose_empty_dirs" in refused.value.fix
    _, plan = _planned(hands, node, lose_empty_dirs=True)
    assert plan.kubectl.endswith("--delete-emptydir-data")


def test_a_node_of_the_control_plane_is_refused(hands: Hands) -> None:
    """By the labels that installers set."""
    node = hands.live.add_node()
    label = {"node-role.kubernetes.io/control-plane": ""}
    hands.team.patch("Node", node, {"metadata": {"labels": label}})
    with pytest.raises(Refused, match="control plane"):
        _planned(hands, node)


def test_a_pod_that_came_since_the_plan_voids_it(hands: Hands) -> None:
    """Nobody judged what its going costs."""
    node = hands.live.add_node()
    hands.workload("web", replicas=1, node=node)
    step, plan = _planned(hands, node)
    hands.workload("late", replicas=1, node=node)
    with pytest.raises(PlanChanged, match=r"pods came since the plan: .*/late-"):
        hands.ensure(hands.drain, step, plan)
    assert hands.written() == []


def test_a_budget_is_waited_for(hands: Hands) -> None:
    """The first pod goes; the second as soon as the budget allows it again."""
    node = hands.live.add_node()
    hands.workload("web", replicas=2, node=node)
    hands.budget("web", minAvailable=1)
    hands.live.wait(lambda: hands.allowed("web") == 1)
    step, plan = _planned(hands, node)
    hands.die_at_heartbeat(4)
    with pytest.raises(WorkerKilled):
        hands.ensure(hands.drain, step, plan)
    assert hands.written() == [CLOSED, EVICTED]
    assert len(_running_on(hands, node)) == 1
    hands.team.patch("PodDisruptionBudget", "web", {"spec": {"minAvailable": 0}})
    hands.live.wait(lambda: hands.allowed("web") == 1)
    hands.retry()
    hands.ensure(hands.drain, step, plan)
    assert hands.written() == [CLOSED, EVICTED, EVICTED]


def test_a_drain_that_ends_in_part_never_says_that_nothing_was_written(hands: Hands) -> None:
    """The kill switch of a pod's own namespace stops it; the reservation must say unknown."""
    node = hands.live.add_node()
    hands.workload("web", replicas=2, node=node)
    step, plan = _planned(hands, node)

    def pause_once_closed() -> None:
        if hands.written():
            hands.switches.on.append(_paused(f"namespace:{hands.namespace}"))

    hands.switches.on_ask = pause_once_closed
    with pytest.raises(OutcomeUnknown, match=r"a part of the drain is done.*paused by ana") as some:
        hands.ensure(hands.drain, step, plan)
    assert "nothing was written" not in some.value.message
    assert hands.written() == [CLOSED]
    hands.switches.on_ask = lambda: None
    hands.switches.on.clear()
    hands.retry()
    hands.ensure(hands.drain, step, plan)
    assert hands.written() == [CLOSED, EVICTED, EVICTED]


@pytest.mark.parametrize("scope", ["all", "namespace:{namespace}"])
def test_a_kill_switch_before_the_first_write_is_a_refusal(hands: Hands, scope: str) -> None:
    """Also that of a pod's namespace: the cordon would be the first part of what is stopped. Then
    nothing was written, and the lock may be given back.
    """
    node = hands.live.add_node()
    hands.workload("web", replicas=1, node=node)
    step, plan = _planned(hands, node)
    hands.switches.on.append(_paused(scope.format(namespace=hands.namespace)))
    with pytest.raises(Paused, match="nothing was written"):
        hands.ensure(hands.drain, step, plan)
    assert hands.written() == []


def test_a_node_that_somebody_opens_again_is_left_alone(hands: Hands) -> None:
    """No further pod is evicted, and it is not closed again."""
    node = hands.live.add_node()
    hands.workload("web", replicas=3, node=node)
    step, plan = _planned(hands, node)
    hands.die_at_heartbeat(2)
    with pytest.raises(WorkerKilled):
        hands.ensure(hands.drain, step, plan)
    done = hands.written()
    hands.team.patch("Node", node, {"spec": {"unschedulable": None}})
    hands.retry()
    with pytest.raises(OutcomeUnknown, match="somebody uncordoned it"):
        hands.ensure(hands.drain, step, plan)
    assert hands.written() == done
    assert not _closed(hands, node)


def test_a_drain_ends_before_its_lock_does(hands: Hands) -> None:
    """It says which pods are left, and why."""
    node = hands.live.add_node()
    hands.workload("web", replicas=2, node=node)
    step, plan = _planned(hands, node)
    hands.budget("web", minAvailable=2)
    until = utc_now() + timedelta(seconds=UNTIL_LOCK_SECONDS + 2)
    with pytest.raises(
        OutcomeUnknown, match=r"0 of 2 pods are gone; still there: .*budget"
    ) as some:
        hands.ensure(hands.drain, step, plan, until=until)
    assert plan.kubectl in some.value.fix
    assert hands.written() == [CLOSED]


def test_a_node_that_was_cordoned_before_stays_so(hands: Hands) -> None:
    """The receipt has nothing to take back."""
    node = hands.live.add_node()
    hands.workload("web", replicas=1, node=node)
    hands.team.patch("Node", node, {"spec": {"unschedulable": True}})
    step, plan = _planned(hands, node)
    receipt = hands.ensure(hands.drain, step, plan)
    assert receipt.changed == ()
    assert hands.written() == [EVICTED]


def test_pods_that_a_dead_node_does_not_end_are_not_waited_for(
    real_hands: Hands,
) -> None:
    """They were told to go, and the receipt says that they are still there."""
    hands = real_hands
    node = hands.live.add_node()
    web = hands.workload("web", replicas=1, node=node)
    pod = name_of(hands.pod_of(web))
    hands.team.patch("Pod", pod, {"metadata": {"finalizers": ["example.com/hold"]}})
    hands.fail_node(node)
    step, plan = _planned(hands, node)
    assert any("kubelet" in said for said in plan.findings)
    receipt = hands.ensure(hands.drain, step, plan)
    assert "1 of them still ending on a node that is not ready" in receipt.summary
    assert hands.written() == [CLOSED, EVICTED]
    hands.team.patch("Pod", pod, {"metadata": {"finalizers": None}})


def test_a_restore_opens_the_node_after_its_drain(hands: Hands) -> None:
    """The pods do not come back by it; their controllers have made others."""
    node = hands.live.add_node()
    hands.workload("web", replicas=1, node=node)
    target = hands.target(node, "Node")
    receipt = hands.act(hands.drain, Drain(target=target))
    assert hands.act(hands.restore, Restore(target=target, receipt=receipt)).did == "written"
    assert not _closed(hands, node)
    assert hands.written() == [CLOSED, EVICTED, CLOSED]


def test_a_drain_does_not_take_a_cordon_of_ours_for_its_own(hands: Hands) -> None:
    """Another write of ours closed the node before."""
    node = hands.live.add_node()
    hands.workload("web", replicas=1, node=node)
    cordon = Cordon(target=hands.target(node, "Node"))
    hands.ensure(
        hands.cordon, cordon, hands.plan(hands.cordon, cordon, "inc-0/1/1"), key="inc-0/1/1"
    )
    receipt = hands.act(hands.drain, Drain(target=hands.target(node, "Node")))
    assert receipt.changed == ()


def test_a_pod_that_went_by_itself_is_no_part_of_the_drain(hands: Hands) -> None:
    """Nothing of ours is written yet, so a refusal may promise it."""
    node = hands.live.add_node()
    hands.workload("web", replicas=2, node=node)
    step, plan = _planned(hands, node)
    hands.workload("late", replicas=1, node=node)
    hands.team.patch("Deployment", "web", {"spec": {"replicas": 1}})
    hands.live.wait(lambda: len(hands.team.items("Pod", labelSelector="app=web")) == 1)
    for _ in range(2):
        with pytest.raises(PlanChanged, match="pods came since the plan"):
            hands.ensure(hands.drain, step, plan)
        hands.retry()
    hands.switches.on.append(_paused("all"))
    hands.team.patch("Deployment", "late", {"spec": {"replicas": 0}})
    hands.live.wait(lambda: not hands.pods("late"))
    with pytest.raises(Paused, match="nothing was written"):
        hands.ensure(hands.drain, step, plan)
    assert hands.written() == []


def test_on_a_closed_node_nobody_knows_who_took_a_missing_pod_away(hands: Hands) -> None:
    """There is no cordon of ours that a later attempt could find."""
    node = hands.live.add_node()
    hands.workload("web", replicas=3, node=node)
    hands.team.patch("Node", node, {"spec": {"unschedulable": True}})
    step, plan = _planned(hands, node)
    hands.die_at_heartbeat(2)
    with pytest.raises(WorkerKilled):
        hands.ensure(hands.drain, step, plan)
    assert hands.written() == [EVICTED]
    hands.retry()
    hands.switches.on.append(_paused("all"))
    with pytest.raises(OutcomeUnknown, match="a part of the drain is done"):
        hands.ensure(hands.drain, step, plan)


def test_a_pod_that_goes_right_before_its_eviction_is_gone(hands: Hands) -> None:
    """The answer is 404: the drain goes on with the rest."""
    node = hands.live.add_node()
    hands.workload("web", replicas=2, node=node)
    step, plan = _planned(hands, node)
    first = _running_on(hands, node)[0]
    asked: list[str] = []

    def remove() -> None:
        asked.append(first)
        if len(asked) == 2:
            hands.remove_pod(first)

    hands.switches.on_ask = remove
    receipt = hands.ensure(hands.drain, step, plan)
    assert receipt.did == "written"
    assert _running_on(hands, node) == []
    assert hands.written().count(EVICTED) == 1
