"""The write protocol under faults: at most one effective write, and true errors."""

from datetime import datetime
from threading import Event
from time import monotonic
from typing import Any

import pytest
from kubernetes.client import AppsV1Api
from temporalio.exceptions import CancelledError

from activities.kubernetes.ensure import ATTEMPTS_MAX
from activities_kubernetes.shop import Shop
from contracts.errors import (
    OutcomeUnknown,
    Paused,
    Rejected,
    Unavailable,
)
from sandbox import Fault, Request
from sandbox.scenario import BAD_IMAGE, GOOD_IMAGE
from toil.views import Pause

PATCH = "deployments/user-auth"
ACTIONS = ("rollback", "restart")


def _fault(kind: Any, times: int = 1, verb: str = "patch", **more: Any) -> Fault:
    return Fault(verb=verb, path_regex=PATCH, times=times, kind=kind, **more)


def _plan_and_ensure(shop: Shop, action: str) -> tuple[Any, Any]:
    if action == "rollback":
        return shop.plan_rollback(), shop.ensure_rollback
    return shop.plan_restart(), shop.ensure_restart


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("kind", ["reset_after_commit", "status_after_commit"])
def test_a_lost_answer_is_looked_for_and_not_sent_again(
    broken: Shop, action: str, kind: str
) -> None:
    """The write landed, the answer did not: one effective write, one patch request, a receipt."""
    plan, ensure = _plan_and_ensure(broken, action)
    broken.server.faults.add(_fault(kind, status=504))
    receipt = ensure(plan)
    assert receipt.did == "written"
    assert receipt.generation == plan.generation + 1
    assert broken.writes() == 1
    assert broken.asked("patch", PATCH) == 1


@pytest.mark.parametrize("action", ACTIONS)
def test_a_write_that_never_arrived_is_sent_again(broken: Shop, action: str) -> None:
    """The connection broke before the server did anything."""
    plan, ensure = _plan_and_ensure(broken, action)
    broken.server.faults.add(_fault("reset_before_commit", times=2))
    assert ensure(plan).did == "written"
    assert broken.writes() == 1
    assert broken.asked("patch", PATCH) == 3


@pytest.mark.parametrize("status", [500, 503, 504])
def test_a_server_that_keeps_failing_leaves_the_outcome_unknown(broken: Shop, status: int) -> None:
    """The tries are bounded, and the error does not claim that nothing was written."""
    plan = broken.plan_rollback()
    broken.server.faults.add(_fault("status", times=50, status=status))
    with pytest.raises(OutcomeUnknown):
        broken.ensure_rollback(plan)
    assert broken.asked("patch", PATCH) == ATTEMPTS_MAX
    assert broken.writes() == 0


@pytest.mark.parametrize("action", ACTIONS)
def test_a_write_that_arrives_after_we_gave_up_on_it_cannot_land_twice(
    broken: Shop, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The late one carries an old resourceVersion."""
    plan, ensure = _plan_and_ensure(broken, action)
    monkeypatch.setattr("activities.kubernetes.client.TIMEOUTS_SECONDS", (1, 0.2))
    broken.server.faults.add(_fault("delay", delay_seconds=0.6))
    assert ensure(plan).did == "written"
    _wait_for(lambda: broken.asked("patch", PATCH) == 2)
    assert broken.writes() == 1


def _wait_for(holds: Any, timeout_seconds: float = 10) -> None:
    deadline = monotonic() + timeout_seconds
    while not holds():
        assert monotonic() < deadline, "not so in time"
        Event().wait(0.02)


def test_a_server_that_is_too_busy_names_its_pause(broken: Shop) -> None:
    """429: nothing was written; Temporal waits as long as the server asked."""
    plan = broken.plan_rollback()
    broken.server.faults.add(_fault("status", status=429, retry_after_seconds=7))
    with pytest.raises(Unavailable) as unavailable:
        broken.ensure_rollback(plan)
    assert unavailable.value.after_seconds == 7
    assert broken.asked("patch", PATCH) == 1
    assert broken.writes() == 0


def test_a_read_that_fails_after_a_lost_answer_leaves_the_outcome_unknown(broken: Shop) -> None:
    """`Unavailable` would say that nothing was written; here nobody knows."""
    plan = broken.plan_rollback()
    broken.server.faults.add(_fault("reset_after_commit"))
    broken.server.after_commit = lambda _: broken.server.faults.add(
        _fault("status", verb="get", status=503)
    )
    with pytest.raises(OutcomeUnknown, match=r"a write was sent and not answered"):
        broken.ensure_rollback(plan)
    broken.server.after_commit = None
    assert broken.ensure_rollback(plan).did == "already_done"
    assert broken.writes() == 1


def test_a_server_that_cannot_be_read_is_unavailable(broken: Shop) -> None:
    """The read before the write fails: nothing was written."""
    plan = broken.plan_rollback()
    broken.server.faults.add(_fault("status", verb="get", status=500))
    with pytest.raises(Unavailable, match=r"500"):
        broken.ensure_rollback(plan)
    assert broken.writes() == 0


def test_a_cluster_that_is_gone_is_unavailable(broken: Shop) -> None:
    """Connection refused: nothing was sent, and no traceback of a foreign library leaves."""
    plan = broken.plan_rollback()
    broken.server.stop()
    with pytest.raises(Unavailable, match=r"no (connection|usable answer)"):
        broken.ensure_rollback(plan)


def test_a_conflict_is_read_again(broken: Shop) -> None:
    """A status write between our read and our write moves only the resourceVersion."""
    plan = broken.plan_rollback()
    stale = _stale_once(broken)
    broken.cluster.get = stale  # type: ignore[method-assign]  # a reader that lags behind once
    assert broken.ensure_rollback(plan).did == "written"
    assert broken.asked("patch", PATCH) == 2
    assert broken.writes() == 1


def _stale_once(shop: Shop) -> Any:
    """A reader whose first deployment carries an old resourceVersion."""
    read, state = shop.cluster.get, {"stale": True}

    def get(kind: str, namespace: str, name: str) -> Any:
        answer = read(kind, namespace, name)
        if kind == "Deployment" and state.pop("stale", False):
            answer.body["metadata"]["resourceVersion"] = "1"
        return answer

    return get


def test_a_change_between_the_tries_leaves_the_outcome_unknown(broken: Shop) -> None:
    """Our first try broke off; before the second, somebody released another version. `PlanChanged`
    would promise that the first did not land.
    """
    plan = broken.plan_rollback()
    broken.server.faults.add(_fault("reset_before_commit"))
    containers = [{"name": "user-auth", "image": "registry.example/user-auth:1.6.0"}]
    body = {"spec": {"template": {"spec": {"containers": containers}}}}
    broken.clock.on_move.append(_once(lambda: _release(broken, body)))
    with pytest.raises(OutcomeUnknown, match=r"not answered; then .* changed since the plan"):
        broken.ensure_rollback(plan)
    assert broken.asked("patch", PATCH) == 1


def _once(act: Any) -> Any:
    pending = [act]
    return lambda: pending.pop()() if pending else None


def _release(shop: Shop, body: dict[str, Any]) -> None:
    write = AppsV1Api(shop.pipeline).patch_namespaced_deployment
    write("user-auth", "shop", body, _preload_content=False)


@pytest.mark.parametrize("scope", ["all", "cluster:lab", "namespace:shop", "runbook:Any"])
def test_the_kill_switch_stops_the_write(
    broken: Shop,
    scope: str,
) -> None:
    """It is read right before the write, in each of its scopes."""
    plan = broken.plan_rollback()
    broken.switches.on.append(_pause(scope, broken.clock.now))
    with pytest.raises(Paused, match=f"{scope} is paused by ana: drill"):
        broken.ensure_rollback(plan)
    assert broken.image() == BAD_IMAGE
    assert broken.asked("patch", PATCH) == 0


def test_the_kill_switch_is_read_again_before_the_second_try(broken: Shop) -> None:
    """It was pulled while the first try hung."""
    plan = broken.plan_rollback()
    broken.server.faults.add(_fault("reset_before_commit"))
    broken.clock.on_move.append(
        _once(lambda: broken.switches.on.append(_pause("all", broken.clock.now)))
    )
    with pytest.raises(OutcomeUnknown, match=r"not answered; then .* all is paused by ana"):
        broken.ensure_rollback(plan)
    assert broken.asked("patch", PATCH) == 1


def test_the_kill_switch_does_not_hide_what_was_done(broken: Shop) -> None:
    """A retry that finds its own write reports it; nothing is written any more."""
    plan = broken.plan_rollback()
    broken.ensure_rollback(plan)
    broken.switches.on.append(_pause("all", broken.clock.now))
    assert broken.ensure_rollback(plan).did == "already_done"


def test_a_cancelled_call_writes_nothing(broken: Shop) -> None:
    """Somebody took over before the write."""
    plan = broken.plan_rollback()
    broken.environment.cancel()
    with pytest.raises(CancelledError):
        broken.ensure_rollback(plan)
    assert broken.asked("patch", PATCH) == 0


def test_a_cancellation_during_the_write_does_not_lose_the_receipt(broken: Shop) -> None:
    """The write landed; the books must hear of it."""
    plan = broken.plan_rollback()

    def cancel(_: Request) -> None:
        broken.environment.cancel()

    broken.server.after_commit = cancel
    assert broken.ensure_rollback(plan).did == "written"
    assert broken.image() == GOOD_IMAGE


def test_a_refusal_is_final_and_says_what_the_server_said(broken: Shop) -> None:
    """A wrong token: permanent, with the way out."""
    plan = broken.plan_rollback()
    broken.use_token("wrong")
    with pytest.raises(Rejected, match=r"401 Unauthorized") as rejected:
        broken.ensure_rollback(plan)
    assert "token" in rejected.value.fix


def _pause(scope: str, at: datetime) -> Pause:
    return Pause(scope=scope, reason="drill", person="ana", at=at)
