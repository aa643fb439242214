"""What is counted over all targets: the edge of each limit, and what does not count."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.calls import JudgeCall
from contracts.plan import Reason, Surroundings
from contracts.policy import Limits
from contracts.target import Target
from guardrails import Facts, Write, judge, over_the_limits

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
NODE = Target(cluster="default", namespace="", kind="Node", name="n1")
POOL = Surroundings(pool="blue", nodes=10, control_plane=False)

CallWith = Callable[..., JudgeCall]
FactsWith = Callable[..., Facts]


def write(number: int, ago_seconds: int = 60, **changes: Any) -> Write:
    """A write of another run, to another workload of the namespace, so long ago."""
    values: dict[str, Any] = {
        "key": f"inc-9/{number}/2",
        "incident": "inc-9",
        "runbook": "Other",
        "lock_keys": (f"default/shop/Deployment/w{number}",),
        "state": "done",
        "at": NOW - timedelta(seconds=ago_seconds),
    }
    return Write(**values | changes)


def limits(**figures: Any) -> Limits:
    """Limits that nothing reaches, but for these."""
    easy = {f"{name}_writes_per_hour": 99 for name in ("runbook", "namespace", "cluster")}
    return Limits(namespaces=("shop",), nodes=True, **easy | figures)


def said(call: JudgeCall, facts: Facts) -> dict[str, Reason]:
    """What each counted rule said, by its name."""
    counted = {reason.rule: reason for reason in over_the_limits(call, facts)}
    denied = {reason.rule for reason in judge(call, facts).denials}
    assert set(counted) <= denied, "the judge says the same before the lock is taken"
    return counted


@pytest.mark.parametrize(
    ("rule", "figure", "others"),
    [
        (
            "runbook_rate",
            "runbook_writes_per_hour",
            ({"runbook": "RollbackDeployment"}, {"runbook": "Restart"}),
        ),
        (
            "namespace_rate",
            "namespace_writes_per_hour",
            ({}, {"lock_keys": ("other/shop/Deployment/w",)}),
        ),
        (
            "cluster_rate",
            "cluster_writes_per_hour",
            (
                {"lock_keys": ("default/bank/Deployment/w",)},
                {"lock_keys": ("other/shop/Deployment/w",)},
            ),
        ),
    ],
)
def test_a_rate_is_full_at_its_figure_and_counts_only_its_own(
    call_with: CallWith,
    facts_with: FactsWith,
    rule: str,
    figure: str,
    others: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    """The last slot may be taken; the next write is denied, with the figures and a time."""
    like, unlike = others
    tight = limits(**{figure: 2})
    one, two = write(1, 3599, **like), write(2, 60, **like)
    assert rule not in said(call_with(), facts_with(limits=tight, writes=(two,)))
    assert rule not in said(call_with(), facts_with(limits=tight, writes=(two, write(3, **unlike))))
    reason = said(call_with(), facts_with(limits=tight, writes=(one, two)))[rule]
    assert "2" in reason.text
    assert "at most 2" in reason.text
    assert reason.fix == "Wait until 2026-11-20 03:00:01 UTC, or do it by hand."


def test_a_rate_forgets_after_an_hour(call_with: CallWith, facts_with: FactsWith) -> None:
    """A write of an hour ago no longer counts, but one that is still under way does."""
    tight = limits(cluster_writes_per_hour=1)
    old = write(1, 3600)
    assert said(call_with(), facts_with(limits=tight, writes=(old,))) == {}
    going_on = write(1, 3600, state="open", open=True)
    assert "cluster_rate" in said(call_with(), facts_with(limits=tight, writes=(going_on,)))


def test_an_unknown_write_counts_and_one_that_takes_another_back_does_not(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """It may have been made; what undoes a write was counted with it."""
    tight = limits(cluster_writes_per_hour=1)
    unknown, undoing = write(1, state="unknown"), write(1, restores="inc-9/1/1")
    assert "cluster_rate" in said(call_with(), facts_with(limits=tight, writes=(unknown,)))
    assert said(call_with(), facts_with(limits=tight, writes=(undoing,))) == {}


def test_a_calls_own_reservation_takes_no_slot_of_its_own(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """Judged once more under its lock, a write is not in its own way."""
    mine = write(1, key="inc-1/1/2", runbook="RollbackDeployment", state="open", open=True)
    tight = limits(
        runbook_writes_per_hour=1,
        namespace_writes_per_hour=1,
        cluster_writes_per_hour=1,
        cluster_open_writes_max=1,
    )
    assert said(call_with(key="inc-1/1/2"), facts_with(limits=tight, writes=(mine,))) == {}


def test_a_drain_counts_in_every_namespace_that_it_touches(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """And is itself held to the limit of each."""
    drained = write(1, lock_keys=("default//Node/n1", "default/shop/Deployment/web"))
    tight = limits(namespace_writes_per_hour=1)
    assert "namespace_rate" in said(call_with(), facts_with(limits=tight, writes=(drained,)))
    drain = call_with(target=NODE, also_locks=("default/shop/Deployment/cart",), around=POOL)
    reason = said(drain, facts_with(limits=tight, writes=(write(2),)))["namespace_rate"]
    assert "namespace 'shop' had 1 write" in reason.text


def test_only_so_many_writes_are_under_way_in_a_cluster(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """Three by default; settled ones make room, and the holders are named."""
    going_on = [write(n, state="open", open=True) for n in range(3)]
    reason = said(call_with(), facts_with(limits=limits(), writes=tuple(going_on)))["cluster_open"]
    assert "3 writes under way (inc-9/0/2, inc-9/1/2, inc-9/2/2); at most 3" in reason.text
    settled = (*going_on[:2], write(2))
    assert said(call_with(), facts_with(limits=limits(), writes=settled)) == {}


def test_one_write_at_a_time_to_a_service(call_with: CallWith, facts_with: FactsWith) -> None:
    """Wherever it is; a workload of no known service is held to the cluster's limit only."""
    other = write(1, state="open", open=True, service="auth", lock_keys=("eu/x/Deployment/y",))
    facts = facts_with(limits=limits(), writes=(other,))
    assert "service auth has 1 write" in said(call_with(service="auth"), facts)["service_open"].text
    assert said(call_with(service="shop"), facts) == {}
    nameless = facts_with(limits=limits(), writes=(write(1, state="open", open=True),))
    assert said(call_with(service=""), nameless) == {}


@pytest.mark.parametrize(
    ("mine", "theirs", "denied"),
    [
        ("blue", "default/blue", True),
        ("blue", "default/green", False),
        ("blue", "other/blue", False),
        ("", "default/", True),
    ],
)
def test_one_write_at_a_time_to_a_node_pool(
    call_with: CallWith, facts_with: FactsWith, mine: str, theirs: str, denied: bool
) -> None:
    """Nodes without a pool are all one pool: nobody can tell which carry each other's load."""
    other = write(1, state="open", open=True, pool=theirs, lock_keys=("default//Node/n2",))
    call = call_with(target=NODE, around=POOL.model_copy(update={"pool": mine}))
    answers = said(call, facts_with(limits=limits(), writes=(other,)))
    assert ("pool_open" in answers) is denied


def test_a_drain_is_a_write_to_every_service_that_it_moves(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """It waits for a write to one of them, and a write to one of them waits for it."""
    key = "default/shop/Deployment/cart"
    drain = call_with(target=NODE, service="nodes", also_locks=(key,), around=POOL)
    theirs = write(1, state="open", open=True, service="cart")
    facts = facts_with(limits=limits(), writes=(theirs,), services=(("cart", key),))
    assert "service cart has 1 write" in said(drain, facts)["service_open"].text
    assert said(drain, facts_with(limits=limits(), writes=(theirs,))) == {}
    going_on = write(
        2, state="open", open=True, service="nodes", lock_keys=(NODE.key, key), pool="default/blue"
    )
    facts = facts_with(limits=limits(), writes=(going_on,), services=(("cart", key),))
    assert "service cart has 1" in said(call_with(service="cart"), facts)["service_open"].text
