"""A restore writes what the receipt's write wrote: no other object, and nobody else's change."""

import pytest

from contracts.errors import InvalidInput, Refused
from contracts.kubernetes import Restore, Scale
from contracts.step import Receipt
from contracts.target import Target
from live.workload_hands import HPA, WorkloadHands, hands_fixture

__all__ = ["hands_fixture"]


def _scaled(hands: WorkloadHands, target: Target, replicas: int = 3) -> Receipt:
    return hands.act(hands.scale, Scale(target=target, replicas=replicas))


def _naming(receipt: Receipt, like: Receipt) -> Receipt:
    """A receipt of the one target that names what the other one changed."""
    return receipt.model_copy(update={"changed": like.changed})


def test_a_receipt_that_names_another_workload_is_refused(hands: WorkloadHands) -> None:
    """It would be written under the wrong lock; nothing is."""
    web, other = hands.fit("Deployment"), hands.fit("Deployment", "other")
    forged = _naming(_scaled(hands, web), _scaled(hands, other))
    with pytest.raises(InvalidInput, match="names Deployment/other, not deployment"):
        hands.plan(hands.restore, Restore(target=web, receipt=forged))
    assert hands.replicas(other) == 3


def test_a_receipt_that_names_the_autoscaler_of_another_workload_is_refused(
    hands: WorkloadHands,
) -> None:
    """The target's own may be written for its sake, and no other."""
    web, other = hands.fit("Deployment"), hands.fit("Deployment", "other")
    hands.autoscaler(other, 1, 5)
    real = _scaled(hands, other)
    forged = _naming(_scaled(hands, web), real)
    with pytest.raises(Refused, match=f"{HPA}/other does not scale deployment"):
        hands.plan(hands.restore, Restore(target=web, receipt=forged))
    assert hands.team.read(HPA, "other")["spec"]["minReplicas"] == 3
    assert hands.take_back(real).did == "written"
    assert hands.team.read(HPA, "other")["spec"]["minReplicas"] == 1


def test_a_number_that_somebody_else_set_meanwhile_is_not_ours_to_take_back(
    hands: WorkloadHands,
) -> None:
    """They wanted the same; the first look of the first attempt finds it."""
    target = hands.fit("Deployment")
    step = Scale(target=target, replicas=3)
    plan = hands.plan(hands.scale, step)
    hands.change(target, {"replicas": 3})
    receipt = hands.ensure(hands.scale, step, plan)
    assert (receipt.did, receipt.changed) == ("already_done", ())
    assert hands.take_back(receipt).did == "already_done"
    assert hands.replicas(target) == 3
    assert hands.written() == []


def test_a_number_that_an_earlier_attempt_may_have_set_is_taken_back(hands: WorkloadHands) -> None:
    """Its worker was killed after the write: the next attempt finds its own work."""
    target = hands.fit("Deployment")
    step = Scale(target=target, replicas=3)
    plan = hands.plan(hands.scale, step)
    hands.ensure(hands.scale, step, plan)
    hands.retry()
    receipt = hands.ensure(hands.scale, step, plan)
    assert (receipt.did, len(receipt.changed)) == ("already_done", 1)
    assert hands.take_back(receipt).did == "written"
    assert hands.replicas(target) == 2
