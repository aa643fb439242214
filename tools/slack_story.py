"""The story that the golden messages tell: a bad release of user-auth, its incident, its
question, and the people of both. Tests tell their own parts of it with the same words.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.approval import Approval, Vote
from contracts.message import Asked, Finding, MessageView, TrackRecord, Who
from contracts.plan import BlastRadius, Plan, Reason, Verdict
from contracts.target import Target
from contracts.views import AlertView, IncidentDetail, TimelineItem, view_of

Line = tuple[str, str, dict[str, Any]]
"""The type of a line of the timeline, its text, and its data."""

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
INCIDENT = "inc-4f7k2m9q3x1z"
APPROVAL = "apr-4f7k2m9q3x1z-1-1"
URL = "https://firebreak.example.com"
TARGET = Target(cluster="prod-eu", namespace="shop", kind="Deployment", name="user-auth")
ANA = Who(id="ana", name="Ana Ruiz", slack="U0ANA1111")
BEN = Who(id="ben", name="Ben Okafor", slack="U0BEN2222")
CYN = Who(id="cyn", name="Cyn Walther")
LOG = """2026-11-21T08:24:41Z INFO  user-auth 2.0.0 starting
2026-11-21T08:24:42Z FATAL cannot reach the session store: dial tcp 10.0.0.7:6379: refused
panic: session store <nil>
goroutine 1 [running]: main.main() /src/main.go:41 +0x1d"""
USUAL = Reason(rule="autonomy", ruling="ask", text="rollback_deployment asks before it writes")
OUTAGE = Reason(
    rule="blast_radius",
    ruling="ask",
    text="3 of 3 ready pods of deployment shop/user-auth would go away at once, 100%; "
    "at most 50% do without a question",
    fix="Agree if the rest can carry the load.",
)
FREEZE = Reason(
    rule="freeze",
    ruling="ask",
    text="change freeze: black-friday until 2026-12-01 00:00 UTC",
    fix="Wait for its end if the harm can wait.",
)
PLAN = Plan(
    action="kubernetes.rollback_deployment",
    target=TARGET,
    uid="6a3b",
    generation=7,
    before="revision 2, user-auth:2.0.0",
    after="revision 1, user-auth:1.9.4",
    summary="Roll deployment shop/user-auth back from revision 2 to 1",
    kubectl="kubectl --context prod-eu -n shop rollout undo deployment/user-auth --to-revision=1",
    at=NOW,
    blast=BlastRadius(pods=3, ready=0, desired=3, lost=0),
    findings=(
        "3 of 3 pods crash: CrashLoopBackOff, 14 restarts, last exit 2",
        "revision 2 is 9 min old",
        "the templates differ in image",
    ),
)
EVIDENCE = (
    Finding(title="The last lines of 3 crashing pods", excerpt=LOG, digest="sha256:1"),
    Finding(title="12 events, newest: Back-off restarting failed container", digest="sha256:2"),
)
RECORD = TrackRecord(runs=16, healed=14, heal_seconds_median=190, days=90)


def approval(**changes: Any) -> Approval:
    """The question of the story, with changes."""
    known = {
        "id": APPROVAL,
        "incident": INCIDENT,
        "workflow": f"runbook/{INCIDENT}/1",
        "runbook": "rollback_deployment",
        "target": TARGET,
        "plan": PLAN,
        "verdict": Verdict(ruling="ask", reasons=(USUAL,), people=("ana", "ben", "cyn")),
        "needed": 1,
        "approvers": ("oncall:primary", "ana", "ben"),
        "requester": "firebreak",
        "opened_at": NOW,
        "expires_at": NOW + timedelta(minutes=15),
    }
    return Approval.model_validate(known | changes)


def vote(person: str, decision: str = "approve", reason: str = "") -> Vote:
    """An answer, at the moment of the first line of a timeline."""
    facts = {"person": person, "decision": decision, "reason": reason}
    return Vote.model_validate(facts | {"at": NOW + timedelta(seconds=20)})


def asked(**changes: Any) -> Asked:
    """The question with what is known about it; what is no field of an approval is its own."""
    named = ("ended", "record", "evidence", "page")
    own = {key: changes.pop(key) for key in named if key in changes}
    facts = {"evidence": EVIDENCE, "record": RECORD} | own
    return Asked(approval=view_of(approval(**changes)), **facts)


def lines(*told: Line) -> tuple[TimelineItem, ...]:
    """A timeline; Firebreak says all of it but what people did."""
    return tuple(
        TimelineItem(
            seq=seq,
            at=NOW + timedelta(seconds=20 * seq),
            actor=str(data.get("actor", "firebreak")),
            type=kind,
            text=text,
            data=data,
        )
        for seq, (kind, text, data) in enumerate(told, 1)
    )


ALERTS = {
    "KubePodCrashLooping": "user-auth is crash looping: 14 restarts in 10 min",
    "HighErrorRate": "31 % of the requests to user-auth fail",
}


def alert(name: str = "KubePodCrashLooping", status: str = "firing", at: int = 6) -> AlertView:
    """An alert that began so many minutes ago."""
    ended = NOW + timedelta(minutes=3) if status == "resolved" else None
    return AlertView(
        source="alerts",
        ends_at=ended,
        fingerprint=f"{name}{at}",
        name=name,
        status=status,
        summary=ALERTS.get(name, "something is wrong here"),
        starts_at=NOW - timedelta(minutes=at),
        labels={"pod": "user-auth-7d4f9-abcde"},
    )


def incident(status: str, *told: Line, **changes: Any) -> IncidentDetail:
    """The incident of the story in one state."""
    known = {
        "id": INCIDENT,
        "workflow": TARGET.workflow_id,
        "status": status,
        "target": TARGET,
        "service": "user-auth",
        "team": "identity",
        "alerts": (alert(), alert("HighErrorRate", at=4)),
        "runbooks": ("rollback_deployment",),
        "opened_at": NOW - timedelta(minutes=5),
        "timeline": lines(*told),
    }
    return IncidentDetail.model_validate(known | changes)


def view(what: IncidentDetail, *questions: Asked) -> MessageView:
    """The incident as a channel gets it."""
    return MessageView(
        incident=what,
        approvals=tuple(one.approval for one in questions if one.approval.state == "open"),
        asked=questions,
        url=f"{URL}/incidents/{INCIDENT}",
        people=(ANA, BEN, CYN),
    )


DECIDED: Line = ("decided", "ana approved", {"approval": APPROVAL, "actor": "ana"})
WRITTEN: Line = ("written", "deployment shop/user-auth: revision 2 to 1, generation 8", {})
VERIFIED: Line = ("verified", "3 of 3 pods ready for 10 s, no restart", {"ok": True})
OUTCOME: Line = ("outcome", "resolved: user-auth runs revision 1 again and is healthy", {})
TAKEN: Line = ("taken_over", "ana takes over: I know this one", {"actor": "ana"})
PAGED: Line = ("paged", "ana pages ben, cyn: you know the session store", {"actor": "ana"})
FAILED: Line = ("escalated", "the rollback did not help: 3 of 3 pods still crash", {})
PAGES = {"people": ["oncall:secondary"], "pagerduty": True}
UNANSWERED: Line = ("paged", "nobody has decided", {"approval": APPROVAL, "pages": PAGES})
ABOUT_TO: Line = ("note", f"about to write: {PLAN.kubectl}", {})
WAITING: Line = ("note", "waiting for rollout healthy, 600 s at most", {})
HEALED = {
    "outcome": "resolved",
    "summary": "user-auth runs revision 1 again and is healthy",
    "closed_at": NOW + timedelta(minutes=4),
    "alerts": (alert(status="resolved"), alert("HighErrorRate", "resolved", 4)),
}
RESTART = PLAN.model_copy(
    update={
        "action": "kubernetes.rollout_restart",
        "summary": "Restart deployment shop/user-auth: 3 pods, all at once",
        "kubectl": "kubectl --context prod-eu -n shop rollout restart deployment/user-auth",
        "before": "revision 2, user-auth:2.0.0, never restarted",
        "after": "the same template, every pod new",
        "blast": BlastRadius(pods=3, ready=3, desired=3, lost=3),
        "findings": ("revision 2 is 9 min old",),
    }
)
GRAVE = {
    "plan": RESTART,
    "verdict": Verdict(ruling="ask", reasons=(OUTAGE, FREEZE, USUAL), needed=2),
    "needed": 2,
    "approvers": ("usergroup:S0SRE3333", "ana", "ben"),
    "requester": "cyn",
    "runbook": "restart_deployment",
}
FROZEN = {"verdict": Verdict(ruling="ask", reasons=(FREEZE, USUAL), people=("ana", "ben", "cyn"))}
OPEN = incident("waiting")
