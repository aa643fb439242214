"""A plan that everything allows, to be spoiled one way at a time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.calls import JudgeCall
from contracts.plan import Plan
from contracts.policy import Limits
from contracts.target import Target
from guardrails import Facts

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)

OUTER = ("key", "incident", "runbook", "service", "actor", "dry_run")

CallWith = Callable[..., JudgeCall]
FactsWith = Callable[..., Facts]


@pytest.fixture
def call_with() -> CallWith:
    """Build a call; keywords change the plan, except those of the call itself."""

    def build(**changes: Any) -> JudgeCall:
        outer = {name: changes.pop(name) for name in OUTER if name in changes}
        plan: dict[str, Any] = {
            "action": "kubernetes.rollback_deployment",
            "target": Target(
                cluster="default", namespace="shop", kind="Deployment", name="user-auth"
            ),
            "uid": "u-1",
            "generation": 2,
            "before": "revision 2",
            "after": "revision 1",
            "summary": "roll user-auth back to revision 1",
            "kubectl": "kubectl rollout undo deployment/user-auth",
            "at": NOW,
        }
        return JudgeCall.model_validate(
            {
                "key": "inc-1/1/2",
                "incident": "inc-1",
                "runbook": "RollbackDeployment",
                "actor": "firebreak",
                "plan": Plan.model_validate(plan | changes),
            }
            | outer
        )

    return build


@pytest.fixture
def facts_with() -> FactsWith:
    """Build facts under which the plan is allowed; keywords change them."""
    easy = Facts(
        now=NOW, limits=Limits(namespaces=("shop",)), autonomy="auto", approvers=("ana", "ben")
    )

    def build(**changes: Any) -> Facts:
        return replace(easy, **changes)

    return build
