"""What happens in a scenario beside a bad release, and that it is told from what mends it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient, CoreV1Api
from pydantic import ValidationError

from sandbox.ground import sandbox
from sandbox.notifications import firing_notifications
from sandbox.props import happen, is_mended, is_well
from sandbox.scenario import raw, read_deployment, wait_for
from sandbox.scenario_file import SHIPPED, Scenario, read_scenario

AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
MENDED_SECONDS_MAX = 20.0
PLAIN: dict[str, Any] = {
    "title": "t",
    "story": "s",
    "good": {"image": "web:1"},
    "alerts": [{"name": "A"}],
    "expect": {"effective_writes": 0, "healthy": True},
}


@pytest.fixture(name="api")
def _api(tmp_path: Path) -> Iterator[ApiClient]:
    """The pipeline on a fresh sandbox."""
    with sandbox(tmp_path, "default", "sandbox") as ground:
        api = ground.connect()
        yield api
        api.close()  # type: ignore[no-untyped-call]


def shipped(name: str) -> Scenario:
    """A scenario that ships."""
    return read_scenario(SHIPPED / f"{name}.toml")


@pytest.mark.parametrize(
    ("name", "label", "value", "well"),
    [
        ("hpa_maxed_out", "horizontalpodautoscaler", "user-auth", True),
        ("failed_job", "job_name", "nightly-report-1", False),
        ("replicas_mismatch", "deployment", "user-auth", False),
        ("node_down", "node", "sandbox-node", False),
    ],
)
def test_what_happens_is_named_by_its_alert(
    api: ApiClient, name: str, label: str, value: str, *, well: bool
) -> None:
    """And nothing is mended by nobody."""
    plot = shipped(name)
    pods = happen(api, plot)
    (body,) = firing_notifications(pods, AT, plot)

    assert body["alerts"][0]["labels"][label].startswith(value)
    assert is_well(api, plot) is well
    assert is_mended(api, plot, read_deployment(api, plot.workload)) is False


def test_a_pod_that_was_replaced_is_mended(api: ApiClient) -> None:
    """The new one has no fault, because the template has none."""
    plot = shipped("replicas_mismatch")
    (pod,) = happen(api, plot)
    broken = read_deployment(api, plot.workload)
    raw(CoreV1Api(api).delete_namespaced_pod, pod["metadata"]["name"], "shop")

    wait_for(
        lambda: {"mended": is_mended(api, plot, broken)},
        lambda seen: bool(seen["mended"]),
        MENDED_SECONDS_MAX,
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"alerts": [{"name": "A", "per": "job"}]}, r"A is about the job; write \[job\]"),
        ({"alerts": [{"name": "A", "per": "node"}]}, r"A is about the node; write \[node\]"),
        (
            {"bad": {"image": "web:2", "fault": "oom"}, "pod": {}},
            "happen to a workload whose releases are well",
        ),
        ({"pod": {"fault": "nonsense"}}, "the sandbox has no fault 'nonsense'"),
    ],
)
def test_a_scenario_that_cannot_happen_is_refused(change: dict[str, Any], said: str) -> None:
    """Before anything starts."""
    with pytest.raises(ValidationError, match=said):
        Scenario.model_validate(PLAIN | change)
