"""The check after a write: complete, ready, steady, and still ours."""

from datetime import timedelta
from typing import Any

import pytest
from kubernetes.client import AppsV1Api, CoreV1Api

from activities.kubernetes.health import RolloutHealthyCheck
from activities.kubernetes.waiting import sleep_unless_stopping
from activities_kubernetes.shop import FAULT, Shop
from contracts.errors import Unavailable
from contracts.step import CheckResult, Receipt
from sandbox import Fault


def _rolled_back(shop: Shop) -> Receipt:
    return shop.ensure_rollback(shop.plan_rollback())


def _check(shop: Shop, after: Receipt | None, **options: int) -> CheckResult:
    result: CheckResult = shop.run(shop.health.check, shop.check(after, **options))
    return result


def _patch(shop: Shop, body: dict[str, Any]) -> None:
    write = AppsV1Api(shop.pipeline).patch_namespaced_deployment
    write("user-auth", "shop", body, _preload_content=False)


def _crash_loop() -> dict[str, Any]:
    return {"spec": {"template": {"metadata": {"annotations": {FAULT: "crash-loop"}}}}}


def test_a_rollback_is_healthy_once_it_stayed_so(broken: Shop) -> None:
    """The steady window is waited for, and no longer."""
    result = _check(broken, _rolled_back(broken), steady_seconds=10)
    assert result.ok
    assert result.detail.startswith("3 of 3 pods ready")
    assert 10 <= result.waited_seconds <= 20


def test_a_bad_rollout_is_not_healthy_and_says_what_it_saw(broken: Shop) -> None:
    """At the deadline, not later."""
    result = _check(broken, None, within_seconds=30)
    assert not result.ok
    assert "3 of 3 pods are in CrashLoopBackOff" in result.detail
    assert result.waited_seconds == 30


def test_each_poll_is_told_to_temporal(broken: Shop) -> None:
    """Progress with every heartbeat."""
    _check(broken, _rolled_back(broken))
    assert len(broken.heartbeats) >= 5
    assert "pods" in broken.heartbeats[-1][0]["detail"]


def test_a_retried_check_keeps_its_deadline(broken: Shop) -> None:
    """The time of the call counts, not the start of the attempt."""
    call = broken.check(None, within_seconds=30)
    broken.clock.advance(25)
    result = broken.run(broken.health.check, call)
    assert not result.ok
    assert result.waited_seconds == 30


def test_a_retry_after_the_deadline_looks_once(broken: Shop) -> None:
    """And does not wait again."""
    call = broken.check(_rolled_back(broken), within_seconds=30, steady_seconds=0)
    broken.clock.advance(500)
    assert broken.run(broken.health.check, call).ok
    assert len(broken.heartbeats) == 1


def test_a_retry_continues_the_steady_window(broken: Shop) -> None:
    """What the killed attempt saw came with its heartbeat."""
    call = broken.check(_rolled_back(broken), within_seconds=60, steady_seconds=20)
    broken.check_until_killed(call, heartbeats=4)
    broken.clock.advance(20)
    broken.heartbeats.clear()
    assert broken.run(broken.health.check, call).ok
    assert len(broken.heartbeats) == 1


def test_a_restart_within_the_window_starts_it_again(shop: Shop) -> None:
    """Ready at every look, and yet not the same pods: that is not steady."""
    shop.open()
    call = shop.check(None, within_seconds=40, steady_seconds=30)
    shop.clock.on_move.insert(0, _at(shop, 20.5, lambda: _replace_a_pod(shop)))
    result = shop.run(shop.health.check, call)
    assert not result.ok
    assert "steady for" in result.detail


def _at(shop: Shop, seconds: float, act: Any) -> Any:
    due, pending = shop.clock.now + timedelta(seconds=seconds), [act]
    return lambda: pending.pop()() if pending and shop.clock.now >= due else None


def _replace_a_pod(shop: Shop) -> None:
    name = shop.cluster.list_all("Pod", "shop")[0]["metadata"]["name"]
    CoreV1Api(shop.pipeline).delete_namespaced_pod(name, "shop", _preload_content=False)


def test_a_deployment_that_somebody_changed_again_is_superseded(broken: Shop) -> None:
    """Whatever becomes of it, it is not the rollout we caused."""
    receipt = _rolled_back(broken)
    _patch(broken, _crash_loop())
    result = _check(broken, receipt)
    assert not result.ok
    assert "superseded" in result.detail
    assert f"ours was {receipt.generation}" in result.detail


def test_scaling_does_not_supersede(broken: Shop) -> None:
    """An autoscaler may move while we watch; the template is still ours."""
    receipt = _rolled_back(broken)
    broken.clock.on_move.append(_at(broken, 3, lambda: _patch(broken, {"spec": {"replicas": 4}})))
    result = _check(broken, receipt)
    assert result.ok
    assert result.detail.startswith("4 of 4 pods ready")


def test_a_deleted_deployment_is_not_healthy(broken: Shop) -> None:
    """At once."""
    receipt = _rolled_back(broken)
    delete = AppsV1Api(broken.pipeline).delete_namespaced_deployment
    delete("user-auth", "shop", _preload_content=False)
    result = _check(broken, receipt)
    assert (result.ok, result.detail, result.waited_seconds) == (False, "it was deleted", 0)


def test_a_server_that_is_away_for_a_while_only_delays_the_answer(broken: Shop) -> None:
    """The check outlives an API server's restart."""
    receipt = _rolled_back(broken)
    broken.server.faults.add(Fault(verb="get", path_regex="deployments", times=3, status=503))
    assert _check(broken, receipt).ok


def test_what_could_not_be_seen_is_not_healthy(broken: Shop) -> None:
    """No answer until the deadline is no health."""
    receipt = _rolled_back(broken)
    broken.server.faults.add(Fault(verb="get", path_regex="deployments", times=99, status=503))
    result = _check(broken, receipt, within_seconds=20)
    assert not result.ok
    assert "did not answer" in result.detail


def test_a_stopping_worker_hands_the_check_on(broken: Shop) -> None:
    """It neither claims a result nor holds the worker up."""
    health = RolloutHealthyCheck(broken.clusters, broken.clock, sleep_unless_stopping)
    broken.environment.worker_shutdown()
    with pytest.raises(Unavailable, match="worker is stopping"):
        broken.run(health.check, broken.check(None))


def test_the_passed_deadline_of_the_bad_rollout_does_not_fail_the_rollback(shop: Shop) -> None:
    """Its condition is still there when our rollout begins."""
    shop.open()
    _patch(shop, {"spec": {"progressDeadlineSeconds": 10}})
    shop.spoil()
    conditions = shop.deployment()["status"]["conditions"]
    assert "ProgressDeadlineExceeded" in {condition["reason"] for condition in conditions}
    assert _check(shop, _rolled_back(shop)).ok


def test_without_a_write_that_condition_is_a_failure_at_once(shop: Shop) -> None:
    """Nobody has to wait for the deadline of the check."""
    shop.open()
    _patch(shop, {"spec": {"progressDeadlineSeconds": 10}})
    shop.spoil()
    result = _check(shop, None)
    assert not result.ok
    assert "progress deadline has passed" in result.detail
    assert result.waited_seconds == 0
