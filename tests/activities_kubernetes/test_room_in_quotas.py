"""Whether a namespace's quotas leave room for more pods."""

from decimal import Decimal
from typing import Any

import pytest

from activities.kubernetes.quota import lacking, needed_of

Json = dict[str, Any]


def _container(**resources: Any) -> Json:
    return {"name": "main", "resources": resources}


def _template(containers: list[Json], before: list[Json] | None = None) -> Json:
    return {"spec": {"containers": containers, "initContainers": before or []}}


def _quota(hard: Json, used: Json, **spec: Any) -> Json:
    status = {"hard": hard, "used": used}
    return {"metadata": {"name": "team"}, "spec": {"hard": hard} | spec, "status": status}


def test_a_pod_counts_what_its_containers_ask_for_together() -> None:
    """An init container counts only where it asks for more than they do."""
    main = _container(requests={"cpu": "250m", "memory": "1Gi"}, limits={"memory": "2Gi"})
    side = _container(requests={"cpu": "50m"})
    before = _container(requests={"cpu": "100m", "memory": "4Gi"})
    need = needed_of(_template([main, side], [before]))
    assert need["pods"] == 1
    assert need["requests.cpu"] == Decimal("0.3")
    assert need["requests.memory"] == 4 * 1024**3
    assert need["limits.memory"] == 2 * 1024**3


def test_a_request_that_is_left_out_is_its_limit() -> None:
    """As the API server fills it in."""
    assert needed_of(_template([_container(limits={"cpu": "2"})]))["requests.cpu"] == 2


@pytest.mark.parametrize(
    ("hard", "used", "said"),
    [
        ({"pods": "10"}, {"pods": "8"}, []),
        ({"pods": "10"}, {"pods": "9"}, ["quota team: pods 9 of 10 used, 2 more needed"]),
        ({"count/pods": "1"}, {}, ["quota team: count/pods 0 of 1 used, 2 more needed"]),
        ({"cpu": "1"}, {"cpu": "600m"}, ["quota team: cpu 600m of 1 used, 0.5 more needed"]),
        ({"requests.cpu": "2"}, {"requests.cpu": "1500m"}, []),
        ({"requests.storage": "1Gi"}, {"requests.storage": "1Gi"}, []),
    ],
)
def test_what_is_lacking_is_told_with_its_figures(hard: Json, used: Json, said: list[str]) -> None:
    """What nobody needs here is not counted."""
    need = {"pods": Decimal(2), "requests.cpu": Decimal("0.5")}
    assert lacking(_quota(hard, used), need) == said


@pytest.mark.parametrize(
    ("spec", "counts"),
    [
        ({"scopes": ["NotTerminating"]}, True),
        ({"scopes": ["Terminating"]}, False),
        ({"scopes": ["BestEffort"]}, False),
        ({"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass"}]}}, False),
    ],
)
def test_a_quota_of_another_scope_is_not_counted(spec: Json, *, counts: bool) -> None:
    """It is about other pods."""
    quota = _quota({"pods": "1"}, {"pods": "1"}, **spec)
    assert bool(lacking(quota, {"pods": Decimal(1)})) == counts
