"""A `Stop` of ensure books the lock as released, so it must never follow a write that landed."""

from datetime import timedelta
from typing import Any

import pytest
from kubernetes.client import AppsV1Api

from activities.kubernetes import client
from activities.kubernetes.ensure import LOCK_LEFT_SECONDS_MIN
from activities_kubernetes.shop import Shop
from contracts.errors import (
    Expired,
    InvalidInput,
    OutcomeUnknown,
    Paused,
    PlanChanged,
    Refused,
    Unavailable,
)
from sandbox import Fault
from sandbox.scenario import BAD_IMAGE, GOOD_IMAGE
from toil.views import Pause

PATCH = "deployments/user-auth"
ACTIONS = ("rollback", "restart")


def _fault(kind: Any, verb: str = "patch", **more: Any) -> Fault:
    return Fault(verb=verb, path_regex=PATCH, times=1, kind=kind, **more)


def _plan_and_ensure(shop: Shop, action: str) -> tuple[Any, Any]:
    if action == "rollback":
        return shop.plan_rollback(), shop.ensure_rollback
    return shop.plan_restart(), shop.ensure_restart


def _lose_the_answer(shop: Shop, then: Any) -> None:
    """The next write lands and is not answered; right after it landed, `then` happens."""

    def landed(_: Any) -> None:
        shop.server.after_commit = None
        then()

    shop.server.faults.add(_fault("reset_after_commit"))
    shop.server.after_commit = landed


def _die_after_the_write(shop: Shop, plan: Any, ensure: Any) -> None:
    """The first attempt writes, hears nothing and cannot read; the next attempt begins."""
    unread = _fault("status", verb="get", status=503)
    _lose_the_answer(shop, lambda: shop.server.faults.add(unread))
    with pytest.raises(OutcomeUnknown):
        ensure(plan)
    assert shop.writes() == 1
    shop.retry()


def _delete(shop: Shop) -> None:
    AppsV1Api(shop.pipeline).delete_namespaced_deployment("user-auth", "shop")
    shop.clock.advance(5)


def _pause(shop: Shop) -> None:
    shop.switches.on.append(Pause(scope="all", reason="drill", person="ana", at=shop.clock.now))


def _scale(shop: Shop) -> None:
    write = AppsV1Api(shop.pipeline).patch_namespaced_deployment
    write("user-auth", "shop", {"spec": {"replicas": 5}}, _preload_content=False)
    shop.clock.advance(1)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_release_over_our_unanswered_write_leaves_the_outcome_unknown(
    broken: Shop, action: str
) -> None:
    """Ours landed, then a pipeline released again: the plan does not hold, and ours was made."""
    plan, ensure = _plan_and_ensure(broken, action)
    _lose_the_answer(broken, lambda: _release(broken, "registry.example/user-auth:1.6.0"))
    with pytest.raises(
        OutcomeUnknown, match=r"sent and not answered; then .* changed since"
    ) as err:
        ensure(plan)
    assert "nothing was written" not in err.value.message
    assert broken.writes() == 1


def test_a_deployment_deleted_over_our_unanswered_write_leaves_the_outcome_unknown(
    broken: Shop,
) -> None:
    """`NotFound` would release the lock."""
    plan = broken.plan_rollback()
    _lose_the_answer(broken, lambda: _delete(broken))
    with pytest.raises(OutcomeUnknown, match=r"sent and not answered; then .* not found"):
        broken.ensure_rollback(plan)
    assert broken.writes() == 1


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    ("meanwhile", "said"), [(_delete, "not found"), (_scale, "changed since the plan")]
)
def test_a_later_attempt_does_not_deny_what_an_earlier_one_may_have_done(
    broken: Shop, action: str, meanwhile: Any, said: str
) -> None:
    """The worker was killed after its write; before the retry somebody undid and changed it."""
    plan, ensure = _plan_and_ensure(broken, action)
    _die_after_the_write(broken, plan, ensure)
    _release(broken, BAD_IMAGE, restarted_at="by hand")
    meanwhile(broken)
    with pytest.raises(OutcomeUnknown, match=f"an earlier attempt may have written; then .*{said}"):
        ensure(plan)
    assert broken.writes() == 1


def test_a_later_attempt_on_a_worker_without_the_cluster_is_unknown(broken: Shop) -> None:
    """It cannot even look; the first attempt of such a worker refuses for good."""
    plan = broken.plan_rollback()
    del broken.clusters["lab"]
    with pytest.raises(InvalidInput, match=r"not served"):
        broken.ensure_rollback(plan)
    broken.retry()
    with pytest.raises(OutcomeUnknown, match=r"an earlier attempt may have written; then .*served"):
        broken.ensure_rollback(plan)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_later_attempt_that_finds_the_planned_state_may_say_paused(
    broken: Shop, action: str
) -> None:
    """Same uid, generation and template: no earlier write landed, so the lock may be released."""
    plan, ensure = _plan_and_ensure(broken, action)
    broken.retry()
    _pause(broken)
    with pytest.raises(Paused, match=r"all is paused by ana: drill; nothing was written"):
        ensure(plan)
    assert broken.asked("patch", PATCH) == 0


def test_a_later_attempt_that_finds_the_planned_state_may_say_that_its_replica_set_is_gone(
    broken: Shop,
) -> None:
    """Also what is refused after the reading keeps its name."""
    plan = broken.plan_rollback()
    broken.retry()
    forged = plan.model_copy(update={"pins": plan.pins | {"replica_set": "other"}})
    with pytest.raises(PlanChanged, match=r"replicaset other of the plan is gone"):
        broken.ensure_rollback(forged)


def test_a_later_attempt_reports_its_earlier_write_even_when_paused(broken: Shop) -> None:
    """What is found done is a receipt, never a doubt."""
    plan = broken.plan_rollback()
    _die_after_the_write(broken, plan, broken.ensure_rollback)
    _pause(broken)
    assert broken.ensure_rollback(plan).did == "already_done"


def test_a_cluster_that_is_away_stays_unavailable_in_a_later_attempt(broken: Shop) -> None:
    """That promises nothing, and names the pause that the server asked for."""
    plan = broken.plan_rollback()
    broken.retry()
    broken.server.faults.add(_fault("status", verb="get", status=503, retry_after_seconds=7))
    with pytest.raises(Unavailable) as unavailable:
        broken.ensure_rollback(plan)
    assert unavailable.value.after_seconds == 7


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("left_seconds", [LOCK_LEFT_SECONDS_MIN - 1, -600])
def test_nothing_is_sent_when_the_lock_is_about_to_end(
    broken: Shop, action: str, left_seconds: int
) -> None:
    """Who takes the lock over next must not meet a write of ours."""
    plan, ensure = _plan_and_ensure(broken, action)
    with pytest.raises(Expired, match=r"^the write lock has expired; nothing was written$"):
        ensure(plan, broken.clock.now + timedelta(seconds=left_seconds))
    assert broken.asked("patch", PATCH) == 0


def test_a_lock_with_time_for_one_request_is_enough(broken: Shop) -> None:
    """The bound itself still writes, and covers a request's timeouts."""
    until = broken.clock.now + timedelta(seconds=LOCK_LEFT_SECONDS_MIN)
    assert broken.ensure_rollback(broken.plan_rollback(), until).did == "written"
    assert sum(client.TIMEOUTS_SECONDS) <= LOCK_LEFT_SECONDS_MIN


@pytest.mark.parametrize("action", ACTIONS)
def test_a_write_that_nobody_holds_a_lock_for_is_refused(broken: Shop, action: str) -> None:
    """Whoever calls it: guardrails, approval and ledger come with the lock."""
    plan, ensure = _plan_and_ensure(broken, action)
    with pytest.raises(Refused, match="nobody holds the write lock"):
        ensure(plan, None)
    assert broken.asked("patch", PATCH) == 0


def test_a_write_found_done_is_told_after_the_lock_has_expired(broken: Shop) -> None:
    """Only sending is refused."""
    plan = broken.plan_rollback()
    broken.ensure_rollback(plan)
    assert broken.ensure_rollback(plan, broken.clock.now - timedelta(hours=1)).did == "already_done"


def test_a_lock_that_ends_after_an_unanswered_try_leaves_the_outcome_unknown(broken: Shop) -> None:
    """The first try may still be on its way."""
    plan = broken.plan_rollback()
    broken.server.faults.add(_fault("reset_before_commit"))
    until = broken.clock.now + timedelta(seconds=LOCK_LEFT_SECONDS_MIN)
    with pytest.raises(OutcomeUnknown, match=r"not answered; then the write lock has expired$"):
        broken.ensure_rollback(plan, until)
    assert broken.asked("patch", PATCH) == 1


def test_a_lock_that_ended_before_a_later_attempt_is_expired_when_nothing_landed(
    broken: Shop,
) -> None:
    """The planned state is still there."""
    plan = broken.plan_rollback()
    broken.retry()
    with pytest.raises(Expired, match=r"nothing was written"):
        broken.ensure_rollback(plan, broken.clock.now)
    assert broken.image() == BAD_IMAGE != GOOD_IMAGE


def _release(shop: Shop, image: str, restarted_at: str = "") -> None:
    key = "kubectl.kubernetes.io/restartedAt"
    annotations = {key: restarted_at} if restarted_at else {key: "2026-01-01T00:00:00Z"}
    template = {
        "metadata": {"annotations": annotations},
        "spec": {"containers": [{"name": "user-auth", "image": image}]},
    }
    write = AppsV1Api(shop.pipeline).patch_namespaced_deployment
    write("user-auth", "shop", {"spec": {"template": template}}, _preload_content=False)
    shop.clock.advance(1)
