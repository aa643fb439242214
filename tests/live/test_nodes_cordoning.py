"""Cordon and uncordon: one boolean, and whose it is."""

import pytest

from contracts.errors import InvalidInput, PlanChanged
from contracts.kubernetes import Cordon, NodeReady, Restore, Uncordon
from live.hands import KEY, Hands, hands_fixture

__all__ = ["hands_fixture"]
CLOSED = {"spec": {"unschedulable": True}}
OPEN = {"spec": {"unschedulable": None}}
PATCHED = ["patch nodes"]
SIGNED = "firebreak.dev/cordoned-by"


def _closed(hands: Hands, name: str) -> bool:
    return bool(hands.team.read("Node", name)["spec"].get("unschedulable"))


def _signature(hands: Hands, name: str) -> str | None:
    annotations = hands.team.read("Node", name)["metadata"].get("annotations") or {}
    return annotations.get(SIGNED)


def test_a_cordon_closes_the_node_and_signs_it(hands: Hands) -> None:
    """The receipt says what to take back; repeated, nothing is written."""
    name = hands.live.add_node()
    step = Cordon(target=hands.target(name, "Node"))
    plan = hands.plan(hands.cordon, step)
    assert plan.before == "open for new pods"
    assert plan.around.control_plane is False
    assert plan.around.dry_run == "accepted"
    assert plan.around.nodes >= 1
    assert not _closed(hands, name)
    receipt = hands.ensure(hands.cordon, step, plan)
    assert receipt.did == "written"
    assert _closed(hands, name)
    assert _signature(hands, name) == KEY
    assert [(c.path, c.before, c.after) for c in receipt.changed] == [
        ("/spec/unschedulable", None, True),
        ("/metadata/annotations/firebreak.dev~1cordoned-by", None, KEY),
    ]
    hands.retry()
    assert hands.ensure(hands.cordon, step, plan).did == "already_done"
    assert hands.written() == PATCHED


@pytest.mark.parametrize("kind", ["reset_after_commit", "reset_before_commit"])
def test_a_lost_answer_is_looked_for(hands: Hands, kind: str) -> None:
    """One effective write, whichever way it was lost."""
    name = hands.live.add_node()
    hands.live.faults.clear()
    step = Cordon(target=hands.target(name, "Node"))
    plan = hands.plan(hands.cordon, step)
    hands.fail(f"/nodes/{name}$", kind, verb="patch")
    receipt = hands.ensure(hands.cordon, step, plan)
    assert receipt.did == "written"
    assert receipt.changed
    assert hands.written() == PATCHED


def test_a_node_that_was_cordoned_before_is_not_ours_to_open(hands: Hands) -> None:
    """Nothing is written, and the receipt has nothing to take back."""
    name = hands.live.add_node()
    hands.team.patch("Node", name, CLOSED)
    step = Cordon(target=hands.target(name, "Node"))
    plan = hands.plan(hands.cordon, step)
    assert plan.noop
    receipt = hands.ensure(hands.cordon, step, plan)
    assert receipt.did == "already_done"
    assert receipt.changed == ()
    assert hands.written() == []


def test_somebody_elses_cordon_voids_the_plan(hands: Hands) -> None:
    """Otherwise it would be called ours, and taken back some day."""
    name = hands.live.add_node()
    step = Cordon(target=hands.target(name, "Node"))
    plan = hands.plan(hands.cordon, step)
    hands.team.patch("Node", name, CLOSED)
    with pytest.raises(PlanChanged, match="somebody else cordoned it"):
        hands.ensure(hands.cordon, step, plan)
    assert hands.written() == []


def test_a_cordon_that_a_person_took_back_is_not_set_again(hands: Hands) -> None:
    """A replay finds its own signature on an open node."""
    name = hands.live.add_node()
    step = Cordon(target=hands.target(name, "Node"))
    plan = hands.plan(hands.cordon, step)
    hands.ensure(hands.cordon, step, plan)
    hands.team.patch("Node", name, OPEN)
    with pytest.raises(PlanChanged, match="somebody uncordoned it"):
        hands.ensure(hands.cordon, step, plan)
    assert not _closed(hands, name)


def test_a_restore_takes_our_cordon_back(hands: Hands) -> None:
    """The signature goes with it."""
    name = hands.live.add_node()
    target = hands.target(name, "Node")
    receipt = hands.act(hands.cordon, Cordon(target=target))
    back = hands.act(hands.restore, Restore(target=target, receipt=receipt))
    assert back.did == "written"
    assert not _closed(hands, name)
    assert _signature(hands, name) is None
    assert hands.written() == PATCHED * 2


def test_a_restore_leaves_a_cordon_alone_that_is_no_longer_ours(hands: Hands) -> None:
    """Another write of ours has closed it since."""
    name = hands.live.add_node()
    target = hands.target(name, "Node")
    receipt = hands.act(hands.cordon, Cordon(target=target))
    hands.team.patch("Node", name, {"metadata": {"annotations": {SIGNED: "inc-2/1/1"}}})
    assert hands.plan(hands.restore, Restore(target=target, receipt=receipt)).noop


def test_an_uncordon_opens_the_node_and_takes_the_signature_off(hands: Hands) -> None:
    """Repeated, nothing is written."""
    name = hands.live.add_node()
    target = hands.target(name, "Node")
    hands.act(hands.cordon, Cordon(target=target))
    step = Uncordon(target=target)
    plan = hands.plan(hands.uncordon, step)
    assert plan.before == f"cordoned by {KEY}"
    receipt = hands.ensure(hands.uncordon, step, plan)
    assert receipt.did == "written"
    assert not _closed(hands, name)
    assert _signature(hands, name) is None
    assert next((c.path, c.after) for c in receipt.changed) == ("/spec/unschedulable", None)
    assert hands.ensure(hands.uncordon, step, plan).did == "already_done"
    assert hands.written() == PATCHED * 2


def test_an_uncordon_of_somebody_elses_cordon_says_so(hands: Hands) -> None:
    """A person who is asked should know it."""
    name = hands.live.add_node()
    hands.team.patch("Node", name, CLOSED)
    plan = hands.plan(hands.uncordon, Uncordon(target=hands.target(name, "Node")))
    assert "it was not Firebreak that cordoned it" in plan.findings


def test_a_new_cordon_voids_the_plan_of_an_uncordon(hands: Hands) -> None:
    """It was opened, and closed again by another write of ours."""
    name = hands.live.add_node()
    target = hands.target(name, "Node")
    hands.act(hands.cordon, Cordon(target=target))
    step = Uncordon(target=target)
    plan = hands.plan(hands.uncordon, step)
    hands.team.patch("Node", name, {"metadata": {"annotations": {SIGNED: "inc-2/1/1"}}})
    with pytest.raises(PlanChanged, match="cordoned once more"):
        hands.ensure(hands.uncordon, step, plan)
    assert _closed(hands, name)


def test_only_nodes_are_cordoned(hands: Hands) -> None:
    """A workload has no such thing."""
    with pytest.raises(InvalidInput, match="not to a Deployment"):
        hands.plan(hands.cordon, Cordon(target=hands.target("web")))


def test_a_node_that_stays_ready_passes_the_check(hands: Hands) -> None:
    """It has to stay so for a while."""
    name = hands.live.add_node()
    step = NodeReady(target=hands.target(name, "Node"), steady_seconds=1)
    result = hands.check(hands.node_ready, step)
    assert result.ok
    assert result.detail.startswith("ready, steady for 1 s")


def test_a_node_that_is_not_ready_does_not_pass_the_check(hands: Hands) -> None:
    """It says what its kubelet says."""
    name = hands.live.add_node()
    hands.fail_node(name)
    step = NodeReady(target=hands.target(name, "Node"), steady_seconds=0)
    result = hands.check(hands.node_ready, step, within_seconds=1)
    assert not result.ok
    assert "not ready (Ready is False" in result.detail


def test_a_node_that_is_gone_fails_the_check(hands: Hands) -> None:
    """Waiting longer cannot help."""
    result = hands.check(hands.node_ready, NodeReady(target=hands.target("gone", "Node")))
    assert not result.ok
    assert result.waited_seconds < 5
