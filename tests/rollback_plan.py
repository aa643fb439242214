"""One plan, and the question about it: what the tests of the guard and of messages begin with."""

from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.approval import Approval, Vote
from contracts.plan import Plan, Verdict
from contracts.target import Target

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TARGET = Target(cluster="default", namespace="shop", kind="Deployment", name="user-auth")
PLAN = Plan(
    action="kubernetes.rollback_deployment",
    target=TARGET,
    uid="u-1",
    generation=2,
    before="revision 2",
    after="revision 1",
    summary="roll user-auth back to revision 1",
    kubectl="kubectl rollout undo deployment/user-auth",
    at=NOON,
)


def question(**changes: Any) -> Approval:
    """The open question, asked five minutes before noon for a quarter of an hour."""
    given: dict[str, Any] = {
        "id": "apr-1",
        "incident": "inc-1",
        "workflow": "w",
        "runbook": "Rollback",
        "target": TARGET,
        "plan": PLAN,
        "verdict": Verdict(ruling="ask"),
        "needed": 1,
        "approvers": ("ana", "ben"),
        "opened_at": NOON - timedelta(minutes=5),
        "expires_at": NOON + timedelta(minutes=10),
    }
    return Approval.model_validate(given | changes)


def approved(*people: str, **changes: Any) -> Approval:
    """The same with votes of these people, a minute before noon."""
    at = NOON - timedelta(minutes=1)
    votes = tuple(Vote(person=person, decision="approve", at=at) for person in people)
    return question(**({"state": "approved", "votes": votes} | changes))
