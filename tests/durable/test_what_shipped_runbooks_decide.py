"""What the shipped runbooks do not ask for, because a person would shake their head."""

import pytest

from contracts.kubernetes import PodStates, Restore, Scale
from durable.conftest import Bench
from durable.shipped_shapes import shape_of
from runbooks.restart_crash_loop import RestartCrashLoop
from runbooks.rollback_deployment import RollbackBadRollout

pytestmark = pytest.mark.asyncio(loop_scope="session")

YOUNG = {"current_age_seconds": 40, "pods_ready": 3, "pods_total": 3}


@pytest.mark.parametrize("reason", ["OOMKilled", "ImagePullBackOff"])
async def test_a_restart_is_not_asked_for_when_it_cannot_help(bench: Bench, reason: str) -> None:
    """The evidence is kept all the same, and the sentence says why."""
    bench.world.facts = {"beyond_restart": [reason]}
    sick = {"pods_total": 3, "pods_ready": 1, "causes": {"oom": 2}, "remedy": "rollback"}
    bench.world.facts_of = {PodStates.activity: sick}

    outcome = await (await bench.start(RestartCrashLoop)).result()

    assert outcome.status == "escalated"
    assert f"a restart does not cure {reason}" in outcome.summary
    assert "1 of 3 pods are ready (oom 2); nothing was written" in outcome.summary
    assert bench.world.types == ["evidence"] * 4


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


async def test_people_hear_at_once_that_lent_pods_do_not_help(bench: Bench) -> None:
    """Hours before the run ends, the incident counts as escalated, and the pods are still lent."""
    handle = await shape_of("hpa_raised_in_vain")(bench)

    outcome = await handle.result()

    told = next(text for kind, text in bench.world.events if kind == "escalated")
    assert "what was raised stays so until" in told
    assert "escalated" in bench.world.statuses
    assert [type(step) for step in bench.world.acted] == [Scale, Restore]
    assert outcome.status == "escalated"
