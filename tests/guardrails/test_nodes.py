"""What the guardrails make of giving a node back, and of a drain that nobody can look after."""

from collections.abc import Callable

import pytest

from contracts.calls import JudgeCall
from contracts.kubernetes import Cordon, Drain, Uncordon
from contracts.plan import Surroundings
from contracts.policy import Limits
from contracts.target import Target
from guardrails import Facts, judge

NODE = Target(cluster="default", namespace="", kind="Node", name="n1")
FINE = Surroundings(pool="blue", nodes=20, control_plane=False)
DRAIN = Drain.activity

CallWith = Callable[..., JudgeCall]
FactsWith = Callable[..., Facts]


def ruled(call: JudgeCall, facts: Facts) -> dict[str, str]:
    """The rulings of the rules that did not allow."""
    return {r.rule: r.ruling for r in judge(call, facts).reasons if r.ruling != "allow"}


def test_a_node_may_be_given_back_however_many_others_are_out(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """An uncordon takes nothing away; a cordon of the same node would be denied."""
    around = FINE.model_copy(update={"nodes": 20, "unhealthy_nodes": 9})
    limits = facts_with(limits=Limits(nodes=True))
    assert ruled(call_with(action=Uncordon.activity, target=NODE, around=around), limits) == {}
    cordon = call_with(action=Cordon.activity, target=NODE, around=around)
    assert ruled(cordon, limits) == {"unhealthy_nodes": "deny"}


@pytest.mark.parametrize(
    ("kinds", "asked"),
    [
        (["Deployment"] * 20, False),
        (["Deployment"] * 20 + ["StatefulSet"], True),
        (["Deployment"] * 20 + ["Job", "DaemonSet"], False),
    ],
)
def test_a_drain_of_more_than_is_looked_at_afterwards_asks(
    call_with: CallWith, facts_with: FactsWith, kinds: list[str], asked: bool
) -> None:
    """Also one that may go alone; Jobs are not waited for. Other actions move nothing."""
    locks = tuple(f"default/shop/{kind}/w{number}" for number, kind in enumerate(kinds))
    facts = facts_with(limits=Limits(nodes=True, namespaces=("shop",)))
    drain = call_with(action=DRAIN, target=NODE, around=FINE, also_locks=locks)
    wanted = {"drained_workloads": "ask"} if asked else {}
    assert ruled(drain, facts) == wanted
    cordon = call_with(action=Cordon.activity, target=NODE, around=FINE, also_locks=locks)
    assert ruled(cordon, facts) == {}
