"""Who has a say in a drain: the node, every workload that loses a pod, and their namespaces."""

from contracts.kubernetes import Drain
from contracts.plan import Plan
from contracts.target import Target
from live.hands import Hands, hands_fixture, real_hands_fixture

__all__ = ["hands_fixture", "real_hands_fixture"]


def _planned(hands: Hands, node: str) -> Plan:
    return hands.plan(hands.drain, Drain(target=hands.target(node, "Node")))


def _annotated(hands: Hands, target: Target, note: str) -> None:
    annotations = {f"firebreak.dev/{note}": "true"}
    hands.team.patch(target.kind, target.name, {"metadata": {"annotations": annotations}})


def test_a_nodes_own_opt_out_counts_with_pods_and_without(hands: Hands) -> None:
    """Whatever the workloads on it say."""
    node = hands.live.add_node()
    target = hands.target(node, "Node")
    _annotated(hands, target, "opt-out")
    assert _planned(hands, node).opted_out
    hands.workload("web", replicas=1, node=node)
    assert _planned(hands, node).opted_out


def test_one_workload_keeps_a_drain_away(hands: Hands) -> None:
    """The node itself, or another workload, does not agree in its stead."""
    node = hands.live.add_node()
    hands.workload("web", replicas=1, node=node)
    db = hands.workload("db", "StatefulSet", replicas=1, node=node)
    assert not _planned(hands, node).opted_out
    _annotated(hands, db, "opt-out")
    assert _planned(hands, node).opted_out


def test_a_drain_is_let_in_by_the_node_and_by_all_of_its_workloads(hands: Hands) -> None:
    """One that says nothing is missing."""
    node = hands.live.add_node()
    web = hands.workload("web", replicas=1, node=node)
    db = hands.workload("db", "StatefulSet", replicas=1, node=node)
    said = [_planned(hands, node).opted_in]
    for target in (web, db, hands.target(node, "Node")):
        _annotated(hands, target, "opt-in")
        said.append(_planned(hands, node).opted_in)
    assert said == [False, False, False, True]


def test_of_an_owner_of_an_unknown_kind_only_its_namespace_is_asked(real_hands: Hands) -> None:
    """The plan says so, and locks it all the same. The sandbox knows no other kinds, and collects
    the pod as garbage.
    """
    hands = real_hands
    node = hands.live.add_node()
    pod = hands.pod("canary", node=node)
    owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "canary", "uid": "u"}
    owners = [owner | {"controller": True}]
    hands.team.patch("Pod", pod, {"metadata": {"ownerReferences": owners}})
    hands.workload("web", replicas=1, node=node)
    plan = _planned(hands, node)
    (told,) = [said for said in plan.findings if "only its namespace's annotations count" in said]
    rollout = hands.target("canary", "Rollout")
    assert told.endswith(f": {rollout}")
    assert rollout.key in plan.also_locks
    assert not plan.opted_out
    notes = {"firebreak.dev/opt-out": "yes"}
    hands.team.patch("Namespace", hands.namespace, {"metadata": {"annotations": notes}})
    assert _planned(hands, node).opted_out
