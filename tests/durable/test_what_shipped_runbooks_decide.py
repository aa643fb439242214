"""What the shipped runbooks do not ask for, because a person would shake their head."""

import pytest

from durable.conftest import Bench
from runbooks.restart_crash_loop import RestartCrashLoop
from runbooks.rollback_deployment import RollbackBadRollout

pytestmark = pytest.mark.asyncio(loop_scope="session")

YOUNG = {"current_age_seconds": 40, "pods_ready": 3, "pods_total": 3}


@pytest.mark.parametrize("reason", ["OOMKilled", "ImagePullBackOff"])
async def test_a_restart_is_not_asked_for_when_it_cannot_help(bench: Bench, reason: str) -> None:
    """The evidence is kept all the same, and the sentence says why."""
    bench.world.facts = {"beyond_restart": [reason]}

    outcome = await (await bench.start(RestartCrashLoop)).result()

    assert outcome.status == "escalated"
    assert f"a restart does not cure {reason}" in outcome.summary
    assert "the same image, limits and configuration; nothing was written" in outcome.summary
    assert bench.world.types == ["evidence", "evidence", "evidence"]


async def test_a_restart_is_asked_for_when_nothing_speaks_against_it(bench: Bench) -> None:
    """A crash loop whose cause the evidence does not tell."""
    bench.world.facts = {"beyond_restart": []}
    await bench.start(RestartCrashLoop)

    assert (await bench.asked()).plan.action == "kubernetes.rollout_restart"


async def test_a_healthy_service_with_one_revision_is_left_alone(bench: Bench) -> None:
    """Nothing to return to is a reason for people, not a refused plan."""
    bench.world.facts = YOUNG | {"older_revisions": []}

    outcome = await (await bench.start(RollbackBadRollout)).result()

    assert outcome.status == "escalated"
    assert "has no older revision to return to; 3 of 3 pods are ready" in outcome.summary
    assert outcome.summary.endswith("nothing was written")
    assert bench.world.types == ["evidence", "evidence"]


async def test_ready_pods_do_not_acquit_a_young_release(bench: Bench) -> None:
    """A slow release is ready, and slow."""
    bench.world.facts = YOUNG | {"older_revisions": [1]}
    await bench.start(RollbackBadRollout)

    assert (await bench.asked()).plan.action == "kubernetes.rollback_deployment"


async def test_an_old_release_is_not_blamed(bench: Bench) -> None:
    """It ran well for more than a day; what could not be read is said, too."""
    bench.world.facts = {"current_age_seconds": 90_000, "older_revisions": [1]}

    outcome = await (await bench.start(RollbackBadRollout)).result()

    assert outcome.summary == (
        "no rollout of the last day to blame; its pods could not be read; nothing was written"
    )
