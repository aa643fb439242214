"""The facts by which a runbook tells what a restart or a rollback cannot mend."""

from typing import Any

import pytest
from kubernetes.client import AppsV1Api

from activities.kubernetes.history import RolloutHistoryLook
from activities.kubernetes.logs import PodLogsLook
from activities_kubernetes.shop import FAULT, TARGET, Shop
from contracts.kubernetes import PodLogs, RolloutHistory


def logs_facts(shop: Shop) -> dict[str, Any]:
    """The facts of a look at the logs."""
    call = shop.call(PodLogs(target=TARGET))
    facts: dict[str, Any] = shop.run(PodLogsLook(shop.clusters, shop.shelf).look, call).facts
    return facts


def older_revisions(shop: Shop) -> list[int]:
    """What a look at the history says of them."""
    call = shop.call(RolloutHistory(target=TARGET))
    look = RolloutHistoryLook(shop.clusters, shop.shelf).look
    found: list[int] = shop.run(look, call).facts["older_revisions"]
    return found


def release(shop: Shop, annotations: dict[str, str | None], seconds: float = 12) -> None:
    """Patch the template's annotations, and let time pass."""
    template = {"metadata": {"annotations": annotations}}
    write = AppsV1Api(shop.pipeline).patch_namespaced_deployment
    write("user-auth", "shop", {"spec": {"template": template}}, _preload_content=False)
    shop.clock.advance(seconds)


@pytest.mark.parametrize(
    ("fault", "reasons"),
    [
        ("oom", ["OOMKilled"]),
        ("wrong-image", ["ImagePullBackOff"]),
        ("crash-loop", []),
        ("crash-loop-until-restarted", []),
        ("never-ready", []),
    ],
)
def test_what_a_restart_cannot_mend_is_a_fact(shop: Shop, fault: str, reasons: list[str]) -> None:
    """A new pod of the same template has the same image, limits and configuration."""
    shop.open()
    release(shop, {FAULT: fault})

    assert logs_facts(shop)["beyond_restart"] == reasons
    findings = [f"a restart does not repair {reason}" for reason in reasons]
    assert [text for text in shop.plan_restart().findings if "repair" in text] == findings


def test_a_pod_tells_how_it_ended_last(shop: Shop) -> None:
    """By the reason: exit code 137 is also that of a pod that was stopped."""
    shop.open()
    release(shop, {FAULT: "oom"})

    worst = logs_facts(shop)["pods"][0]

    assert (worst["last_reason"], worst["last_exit"]) == ("OOMKilled", "OOMKilled (exit code 137)")


def test_a_pod_that_came_back_needs_no_cure(shop: Shop) -> None:
    """It was killed once, and is ready now."""
    shop.open()
    release(shop, {FAULT: "oom"})
    release(shop, {FAULT: None})

    assert logs_facts(shop)["beyond_restart"] == []


def test_a_first_revision_has_nothing_to_return_to(shop: Shop) -> None:
    """And a restart of it is a second revision that runs the same."""
    shop.open()
    assert older_revisions(shop) == []

    shop.ensure_restart(shop.plan_restart())
    shop.clock.advance(10)

    assert older_revisions(shop) == []


def test_older_revisions_that_run_something_else_are_named(broken: Shop) -> None:
    """Newest first; the first one is what a rollback would return to."""
    assert older_revisions(broken) == [1]

    release(broken, {"example/flag": "on"})

    assert older_revisions(broken) == [2, 1]
    assert broken.plan_rollback().summary.endswith("from revision 3 to 2")
