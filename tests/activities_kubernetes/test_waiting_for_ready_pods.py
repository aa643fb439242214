"""The check that enough pods are ready: never by a status that is older than the spec."""

from datetime import timedelta

from activities.kubernetes.readiness import ReplicasReadyCheck
from activities_kubernetes.shop import KEY, TARGET, Shop
from contracts.kubernetes import ReplicasReady
from contracts.step import CheckCall, CheckResult


def _check(shop: Shop, *, controllers_run: bool = True, within_seconds: int = 30) -> CheckResult:
    def stand_still(seconds: float) -> None:
        shop.clock.now += timedelta(seconds=seconds)

    sleep = shop.clock.advance if controllers_run else stand_still
    check = ReplicasReadyCheck(shop.clusters, shop.clock, sleep)
    call: CheckCall[ReplicasReady] = CheckCall(
        key=KEY,
        incident="inc-1",
        at=shop.clock.now,
        within_seconds=within_seconds,
        step=ReplicasReady(target=TARGET),
    )
    result: CheckResult = shop.run(check.check, call)
    return result


def test_as_many_as_are_wanted_are_enough(shop: Shop) -> None:
    """At once, where they are there."""
    shop.open()
    result = _check(shop)
    assert (result.ok, result.detail, result.waited_seconds) == (True, "3 of 3 pods ready", 0)


def test_an_old_status_counts_for_nothing(shop: Shop) -> None:
    """The pods that it counts may be on their way out."""
    shop.open()
    shop.ensure_restart(shop.plan_restart())
    result = _check(shop, controllers_run=False, within_seconds=4)
    assert not result.ok
    assert "has not seen the newest spec" in result.detail


def test_sick_pods_are_told(broken: Shop) -> None:
    """At the deadline."""
    result = _check(broken, within_seconds=6)
    assert not result.ok
    assert "CrashLoopBackOff" in result.detail
    assert result.waited_seconds == 6
