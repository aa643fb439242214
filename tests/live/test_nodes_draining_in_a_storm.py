"""A storm that begins while a node is drained stops the drain between two evictions."""

from datetime import timedelta

import pytest

from activities.kubernetes.waiting import utc_now
from contracts.errors import OutcomeUnknown, Refused
from contracts.kubernetes import Drain
from contracts.plan import Plan
from guardrails import Storm
from live.hands import Hands, hands_fixture

__all__ = ["hands_fixture"]
EVICTED, CLOSED = "create pods/eviction", "patch nodes"


def _planned(hands: Hands, node: str) -> tuple[Drain, Plan]:
    step = Drain(target=hands.target(node, "Node"))
    return step, hands.plan(hands.drain, step)


def _storm() -> Storm:
    now = utc_now()
    return Storm("lab", 30, now, now + timedelta(minutes=15))


def test_a_storm_that_begins_meanwhile_stops_a_drain(hands: Hands) -> None:
    """It says what is gone, what is not, and that the node was cordoned; later it goes on."""
    node = hands.live.add_node()
    hands.workload("web", replicas=3, node=node)
    step, plan = _planned(hands, node)

    def break_out() -> None:
        if EVICTED in hands.written():
            hands.sky.on = _storm()

    hands.sky.on_ask = break_out
    said = r"node \S+ was cordoned, and 1 of 3 pods evicted \(.*/web-.*\); not yet: .*/web-.*/web-"
    with pytest.raises(OutcomeUnknown, match=said) as some:
        hands.ensure(hands.drain, step, plan)
    assert "storm in cluster lab: 30 targets alerted" in some.value.message
    assert "nothing was written" not in some.value.message
    assert plan.kubectl in some.value.fix
    assert f"uncordon {node}" in some.value.fix
    assert hands.written() == [CLOSED, EVICTED]
    hands.sky.on_ask, hands.sky.on = lambda: None, None
    hands.retry()
    hands.ensure(hands.drain, step, plan)
    assert hands.written() == [CLOSED, *[EVICTED] * 3]


def test_a_storm_before_the_first_write_is_a_refusal(hands: Hands) -> None:
    """The lock may be given back."""
    node = hands.live.add_node()
    hands.workload("web", replicas=1, node=node)
    step, plan = _planned(hands, node)
    hands.sky.on = _storm()
    with pytest.raises(Refused, match=r"storm in cluster lab.*; nothing was written") as refused:
        hands.ensure(hands.drain, step, plan)
    assert "Look for the one cause" in refused.value.fix
    assert hands.written() == []
