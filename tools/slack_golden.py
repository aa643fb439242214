"""Writes the golden JSON of everything that people see in Slack: each message in each state, each
window, the Home page.

    python tools/slack_golden.py            write all of them
    python tools/slack_golden.py --check    say which differ, and write nothing

A golden file is what a reviewer reads when words or buttons change; it is never edited by hand.
"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from contracts.approval import Approval, ApprovalState, Vote  # noqa: E402 - the path comes first
from contracts.message import Asked, Finding, MessageView, TrackRecord, Who  # noqa: E402
from contracts.plan import BlastRadius, Plan, Reason, Verdict  # noqa: E402
from contracts.slack.approval_card import approval_card  # noqa: E402
from contracts.slack.home import Home, home_view  # noqa: E402
from contracts.slack.incident_card import incident_card  # noqa: E402
from contracts.slack.side_cards import dm_card, late_card, reminder_card  # noqa: E402
from contracts.slack.views import (  # noqa: E402
    deny_view,
    details_view,
    loading_view,
    page_view,
    refusal_view,
    toil_view,
)
from contracts.target import Target  # noqa: E402
from contracts.views import AlertView, IncidentDetail, TimelineItem, view_of  # noqa: E402

Line = tuple[str, str, dict[str, Any]]
"""The type of a line of the timeline, its text, and its data."""

GOLDEN = ROOT / "tests" / "contracts_slack" / "golden"
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
    """An answer two minutes later."""
    facts = {"person": person, "decision": decision, "reason": reason}
    return Vote.model_validate(facts | {"at": NOW + timedelta(minutes=2)})


def asked(**changes: Any) -> Asked:
    """The question with what is known about it; `ended` and `record` are its own fields."""
    own = {key: changes.pop(key) for key in ("ended", "record", "evidence") if key in changes}
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


def incidents() -> dict[str, Any]:
    """The message of an incident through its life."""
    matched: Line = ("matched", "rollback_deployment starts: KubePodCrashLooping", {})
    expired: Line = ("escalated", "nobody decided within 15 min; nothing was written", {})
    lost = {"outcome": "escalated", "summary": "closed by ana: fixed by hand", "alerts": ()}
    many = tuple(alert(f"Alert{n}", "firing" if n % 3 else "resolved", n + 1) for n in range(9))
    views = {
        "open": view(incident("open", matched)),
        "waiting": view(OPEN, asked()),
        "acting": view(incident("acting", DECIDED, ABOUT_TO), asked(state="approved")),
        "verifying": view(incident("verifying", DECIDED, WRITTEN, WAITING)),
        "escalated": view(incident("escalated", expired), asked(state="expired")),
        "called": view(incident("escalated", expired, PAGED)).model_copy(
            update={"called": ("ben", "cyn")}
        ),
        "taken_over": view(incident("taken_over", TAKEN)),
        "resolved": view(incident("closed", DECIDED, WRITTEN, VERIFIED, OUTCOME, **HEALED)),
        "closed": view(incident("closed", **lost, closed_at=NOW + timedelta(hours=1, minutes=7))),
        "no_target": view(incident("escalated", target=None, service="", team="", runbooks=())),
        "many_alerts": view(incident("open", matched, alerts=many)),
    }
    cards: dict[str, Any] = {f"incident_{name}": incident_card(v) for name, v in views.items()}
    return cards | {"late_resolved": late_card(views["resolved"])}


def approvals() -> dict[str, Any]:
    """The message that asks, in every state."""
    granted: dict[str, Any] = {"state": "approved", "votes": (vote("ana", reason="go"),)}
    denied: dict[str, Any] = {
        "state": "denied",
        "votes": (vote("ben", "deny", "the new release is needed; the store is being fixed"),),
    }
    done = incident("closed", DECIDED, WRITTEN, VERIFIED, OUTCOME, **HEALED)
    why = "the alerts have resolved by themselves"
    scenes: dict[str, tuple[IncidentDetail, Asked]] = {
        "low": (OPEN, asked(record=TrackRecord())),
        "medium": (OPEN, asked(**FROZEN)),
        "high": (OPEN, asked(**GRAVE)),
        "one_of_two": (OPEN, asked(**GRAVE, votes=(vote("ana", reason="users are out anyway"),))),
        "reminded": (OPEN, asked(stage="reminded")),
        "paged": (OPEN, asked(stage="paged")),
        "approved": (incident("acting", DECIDED), asked(**granted)),
        "approved_done": (done, asked(**granted)),
        "denied": (incident("escalated"), asked(**denied)),
        "expired": (incident("escalated"), asked(state="expired")),
        "expired_closed": (incident("closed", **HEALED), asked(state="expired")),
        "void": (incident("verifying"), asked(state="void", ended=why)),
    }
    return {
        f"approval_{name}": approval_card(view(what, question), question)
        for name, (what, question) in scenes.items()
    }


def sides() -> dict[str, Any]:
    """The short messages."""
    open_one, paged = asked(stage="reminded"), asked(stage="paged")
    states: tuple[ApprovalState, ...] = ("approved", "denied", "expired", "void")
    over = {state: asked(state=state) for state in states}
    link = "https://example.slack.com/archives/C0SHOP111/p1795250000000100"
    cards: dict[str, Any] = {
        "reminder_open": reminder_card(view(OPEN, open_one), open_one),
        "reminder_paged": reminder_card(view(OPEN, paged), paged),
        "dm_open": dm_card(view(OPEN, open_one), open_one, "ana", link),
        "dm_called": dm_card(view(OPEN, paged), paged, "dan", link),
    }
    for state, question in over.items():
        cards[f"reminder_{state}"] = reminder_card(view(OPEN, question), question)
        cards[f"dm_{state}"] = dm_card(view(OPEN, question), question, "ana", link)
    return cards


def windows() -> dict[str, Any]:
    """The modals and the Home page."""
    grave = asked(**GRAVE, votes=(vote("ana"),))
    home = Home(
        pending=(grave.approval, asked(id="apr-4f7k2m9q3x1z-2-1").approval),
        taken=(incident("taken_over", TAKEN, summary="user-auth is crash looping"),),
        week_seconds={"firefighting": 5400, "other_toil": 1500, "engineering": 72_000},
        running_since=NOW - timedelta(minutes=25),
        running_text="rotate the certificates by hand",
        url=URL,
    )
    return {
        "view_deny": deny_view(grave.approval),
        "view_details": details_view(view(OPEN, grave), grave),
        "view_loading": loading_view(),
        "view_refusal": refusal_view(
            "you have approved already; 1 more must agree", "Ask Ben Okafor."
        ),
        "view_page": page_view(INCIDENT, (ANA, BEN, CYN)),
        "view_page_nobody": page_view(INCIDENT, ()),
        "view_toil": toil_view("restarted web by hand", ("user-auth", "web"), "kept"),
        "view_toil_empty": toil_view(),
        "home_full": home_view(home),
        "home_empty": home_view(Home()),
    }


def scenes() -> dict[str, Any]:
    """Everything, by name, as JSON."""
    parts: tuple[Callable[[], dict[str, Any]], ...] = (incidents, approvals, sides, windows)
    found = {name: shown for part in parts for name, shown in part().items()}
    return {
        name: shown if isinstance(shown, dict) else shown.model_dump(mode="json")
        for name, shown in found.items()
    }


def text_of(shown: Any) -> str:
    """The content of a golden file."""
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def differing(folder: Path) -> dict[str, str]:
    """The files that would change, with what they would hold: nothing, where no scene is left."""
    texts = {f"{name}.json": text_of(shown) for name, shown in scenes().items()}
    have = {path.name: path.read_text() for path in folder.glob("*.json")}
    changed = {name: text for name, text in texts.items() if have.get(name) != text}
    return changed | dict.fromkeys(have.keys() - texts.keys(), "")


def write(folder: Path) -> list[str]:
    """Write what differs, and delete what no scene makes any more; the names."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = differing(folder)
    for name, text in changed.items():
        if text:
            (folder / name).write_text(text)
        else:
            (folder / name).unlink()
    return sorted(changed)


if __name__ == "__main__":
    only_check = "--check" in sys.argv[1:]
    names = sorted(differing(GOLDEN)) if only_check else write(GOLDEN)
    print("\n".join(names) or "nothing differs")
    sys.exit(1 if only_check and names else 0)
