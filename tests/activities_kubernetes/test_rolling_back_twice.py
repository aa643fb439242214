"""After a return, "the revision before" is the one that was fled from: nobody guesses again."""

from datetime import timedelta
from typing import Any

import pytest
from kubernetes.client import AppsV1Api

from activities.kubernetes.history import RolloutHistoryLook
from activities_kubernetes.shop import KEY, TARGET, Shop
from contracts.case import Case
from contracts.errors import Refused
from contracts.kubernetes import RolloutHistory
from contracts.step import Action, Evidence, Look
from runbooks.rollback_deployment import RollbackBadRollout
from sandbox.scenario import GOOD_IMAGE

THREE_HOURS = timedelta(hours=3)


@pytest.fixture(name="returned")
def _returned(broken: Shop) -> Shop:
    """Bad release, rollback, three hours: revision 1 has become revision 3."""
    broken.ensure_rollback(broken.plan_rollback())
    broken.clock.advance(20)
    broken.clock.now += THREE_HOURS
    return broken


def _history(shop: Shop) -> dict[str, Any]:
    call = shop.call(RolloutHistory(target=TARGET))
    evidence: Evidence = shop.run(RolloutHistoryLook(shop.clusters, shop.shelf).look, call)
    return evidence.facts


def test_a_second_rollback_is_refused_with_the_way_out(returned: Shop) -> None:
    """It would restore the crash-looping revision 2."""
    said = "revision 3 is itself a return to revision 1; name the revision to go to"
    with pytest.raises(Refused, match=said) as refused:
        returned.plan_rollback()
    assert "rollout undo deployment/user-auth --to-revision=N" in refused.value.fix
    assert returned.image() == GOOD_IMAGE
    assert returned.writes() == 1


def test_a_named_revision_may_still_be_gone_to(returned: Shop) -> None:
    """Whoever names it has looked."""
    assert returned.plan_rollback(to_revision=2).pins["revision"] == "2"


def test_a_release_that_comes_again_is_a_return_too(returned: Shop) -> None:
    """The pipeline released 1.5.0 once more: its ReplicaSet is taken again as revision 4."""
    returned.spoil()
    with pytest.raises(Refused, match="revision 4 is itself a return to revision 2"):
        returned.plan_rollback()


def test_a_new_bad_release_is_rolled_back_to_the_returned_revision(returned: Shop) -> None:
    """Only the current revision matters; an older one may have returned."""
    containers = [{"name": "user-auth", "image": "registry.example/user-auth:1.6.0"}]
    write = AppsV1Api(returned.pipeline).patch_namespaced_deployment
    body = {"spec": {"template": {"spec": {"containers": containers}}}}
    write("user-auth", "shop", body, _preload_content=False)
    returned.clock.advance(5)
    assert returned.plan_rollback().after == f"revision 3, image {GOOD_IMAGE}"


def test_a_restart_of_the_bad_release_is_not_what_one_goes_back_to(broken: Shop) -> None:
    """Revision 3 is revision 2 restarted, and as sick: the way back leads to revision 1."""
    broken.ensure_restart(broken.plan_restart())
    broken.clock.advance(20)

    assert broken.plan_rollback().pins["revision"] == "1"


def test_the_history_says_whether_the_current_revision_is_a_return(broken: Shop) -> None:
    """False for a first release and for a new one."""
    assert _history(broken)["current_reused"] is False
    broken.ensure_rollback(broken.plan_rollback())
    broken.clock.advance(20)
    assert (_history(broken)["current"], _history(broken)["current_reused"]) == (3, True)


def test_a_restart_makes_an_old_release_no_younger(shop: Shop) -> None:
    """A day after its release a restart is no reason to blame it."""
    shop.open()
    shop.spoil()
    shop.clock.advance(3600)
    shop.ensure_restart(shop.plan_restart())
    shop.clock.advance(20)
    facts = _history(shop)
    assert facts["current"] == 3
    assert facts["current_age_seconds"] >= 3600
    findings = shop.plan_rollback().findings
    assert "revision 3 is 1 h old (without its restarts)" in findings


def test_a_restart_after_a_return_is_still_a_return(returned: Shop) -> None:
    """Else the way back would lead to the revision that was fled from."""
    returned.ensure_restart(returned.plan_restart())
    returned.clock.advance(20)
    assert _history(returned)["current_reused"] is True
    said = "revision 3, restarted as 4, is itself a return to revision 1"
    with pytest.raises(Refused, match=said):
        returned.plan_rollback()


@pytest.mark.asyncio(loop_scope="session")
async def test_the_runbook_escalates_a_return_before_it_asks(
    returned: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is woken for a question that can only be refused."""
    runbook = RollbackBadRollout(
        Case(incident="inc-1", attempt=1, runbook="rollback_deployment", target=TARGET)
    )

    async def look(look: Look) -> Evidence:
        # The runbook blames young rollouts only, whatever the sandbox's clock says of this one.
        facts = _history(returned) | {"current_age_seconds": 40}
        return Evidence(key=KEY, kind=look.activity, target=TARGET, title="", facts=facts)

    async def approve(action: Action, within: timedelta) -> None:
        raise AssertionError(f"asked about {action} within {within}")

    monkeypatch.setattr(runbook, "look", look)
    monkeypatch.setattr(runbook, "approve", approve)
    outcome = await runbook.run(runbook.case)
    assert outcome.status == "escalated"
    assert "revision 3 of deployment shop/user-auth is itself a return" in outcome.summary
    assert "a person must name the one to go to" in outcome.summary
