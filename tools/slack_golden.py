"""Writes the golden JSON of everything that people see in Slack: each message in each state, each
window, the Home page.

    python tools/slack_golden.py            write all of them
    python tools/slack_golden.py --check    say which differ, and write nothing

A golden file is what a reviewer reads when words or buttons change; it is never edited by hand.
"""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from contracts.approval import ApprovalState, Vote  # noqa: E402 - the path comes first
from contracts.message import Asked, Call, TrackRecord  # noqa: E402
from contracts.slack.approval_card import approval_card  # noqa: E402
from contracts.slack.call_card import call_card  # noqa: E402
from contracts.slack.home import Home, home_view  # noqa: E402
from contracts.slack.incident_card import incident_card  # noqa: E402
from contracts.slack.need_card import need_card  # noqa: E402
from contracts.slack.side_cards import dm_card, late_card, reminder_card  # noqa: E402
from contracts.slack.views import (  # noqa: E402
    deny_view,
    details_view,
    loading_view,
    page_view,
    refusal_view,
    take_over_view,
    toil_view,
)
from contracts.standing import needs  # noqa: E402
from contracts.views import IncidentDetail  # noqa: E402
from tools.slack_story import (  # noqa: E402
    ABOUT_TO,
    ANA,
    BEN,
    CYN,
    DECIDED,
    FAILED,
    FROZEN,
    GRAVE,
    HEALED,
    INCIDENT,
    NOW,
    OPEN,
    OUTCOME,
    PAGED,
    PLAN,
    TAKEN,
    TARGET,
    UNANSWERED,
    URL,
    VERIFIED,
    WAITING,
    WRITTEN,
    Line,
    alert,
    asked,
    incident,
    view,
    vote,
)

GOLDEN = ROOT / "tests" / "contracts_slack" / "golden"


def incidents() -> dict[str, Any]:
    """The message of an incident through its life."""
    matched: Line = ("matched", "rollback_deployment starts: KubePodCrashLooping", {})
    expired: Line = ("escalated", "nobody decided within 15 min; nothing was written", {})
    lost = {"outcome": "escalated", "summary": "closed by ana: fixed by hand", "alerts": ()}
    many = tuple(alert(f"Alert{n}", "firing" if n % 3 else "resolved", n + 1) for n in range(9))
    pods = tuple(
        alert(at=n).model_copy(update={"labels": {"pod": f"user-auth-7d4f9-{n}"}})
        for n in range(1, 5)
    )
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
        "many_pods": view(incident("open", matched, alerts=(alert("HighErrorRate"), *pods))),
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
    withdrawn = {"state": "denied", "votes": (vote("cyn", "deny", "it is the wrong workload"),)}
    done = incident("closed", DECIDED, WRITTEN, VERIFIED, OUTCOME, **HEALED)
    why = "the alerts have resolved by themselves"
    moved = f"{TARGET} is no longer what was planned: revision 3, user-auth:2.0.1"
    newer = PLAN.model_copy(update={"before": "revision 3, user-auth:2.0.1"})
    instead = asked(id="apr-4f7k2m9q3x1z-2-1", plan=newer)
    scenes: dict[str, tuple[IncidentDetail, Asked]] = {
        "low": (OPEN, asked(record=TrackRecord())),
        "medium": (OPEN, asked(**FROZEN)),
        "high": (OPEN, asked(**GRAVE)),
        "one_of_two": (OPEN, asked(**GRAVE, votes=(vote("ana", reason="users are out anyway"),))),
        "reminded": (OPEN, asked(stage="reminded")),
        "paged": (incident("waiting", UNANSWERED), asked(stage="paged", page=("ben",))),
        "paged_nobody": (OPEN, asked(stage="paged")),
        "approved": (incident("acting", DECIDED), asked(**granted)),
        "approved_done": (done, asked(**granted)),
        "denied": (incident("escalated"), asked(**denied)),
        "withdrawn": (incident("open", alerts=()), asked(**{**GRAVE, **withdrawn})),
        "expired": (incident("escalated"), asked(state="expired")),
        "expired_closed": (incident("closed", **HEALED), asked(state="expired")),
        "void": (incident("verifying"), asked(state="void", ended=why)),
        "void_asked_instead": (OPEN, asked(state="void", ended=moved)),
    }
    return {
        f"approval_{name}": approval_card(
            view(what, question, *([instead] if name.endswith("instead") else [])), question
        )
        for name, (what, question) in scenes.items()
    }


def sides() -> dict[str, Any]:
    """The short messages."""
    open_one, paged = asked(stage="reminded"), asked(stage="paged", page=("ben",))
    states: tuple[ApprovalState, ...] = ("approved", "denied", "expired", "void")
    votes: dict[str, tuple[Vote, ...]] = {
        "approved": (vote("ana"),),
        "denied": (vote("ben", "deny", "not now"),),
    }
    over = {state: asked(state=state, votes=votes.get(state, ())) for state in states}
    link = "https://example.slack.com/archives/C0SHOP111/p1795250000000100"
    cards: dict[str, Any] = {
        "reminder_open": reminder_card(view(OPEN, open_one), open_one),
        "reminder_paged": reminder_card(view(incident("waiting", UNANSWERED), paged), paged),
        "dm_open": dm_card(view(OPEN, open_one), open_one, "ana", link),
        "dm_called": dm_card(view(OPEN, paged), paged, "dan", link),
    }
    for state, question in over.items():
        cards[f"reminder_{state}"] = reminder_card(view(OPEN, question), question)
        cards[f"dm_{state}"] = dm_card(view(OPEN, question), question, "ana", link)
    return cards


def calls() -> dict[str, Any]:
    """The message in person to whom somebody calls to the incident."""
    link = "https://example.slack.com/archives/C0SHOP111/p1795250000000100"
    question = asked(**GRAVE)
    waiting = view(incident("waiting", PAGED), question)
    over = view(incident("closed", PAGED, **HEALED))
    call = Call(seq=1, people=("ben", "cyn"))
    return {
        "call_may_answer": call_card(waiting, call, "ben", link),
        "call_may_not": call_card(waiting, call, "dan", link),
        "call_nothing_asked": call_card(view(incident("escalated", PAGED, FAILED)), call, "ben"),
        "call_over": call_card(over, call, "ben"),
    }


def needed() -> dict[str, Any]:
    """The message that calls people to what needs them, and what becomes of it."""
    no: Line = ("decided", "ana denied: not during the sale", {"actor": "ana"})
    declined: Line = ("outcome", "declined: ana declined: not during the sale", {})
    expired: Line = ("outcome", "expired: nobody decided within 15 min; nothing was written", {})
    back: Line = ("handed_back", "ben hands back after 240 s", {"actor": "ben", "seconds": 240})
    answer = ("usergroup:S0SRE3333", "ana", "ben", "oncall:secondary")
    scenes = {
        "declined": incident("escalated", no, declined),
        "expired": incident("escalated", expired),
        "handed_back": incident("escalated", TAKEN, back),
        "no_target": incident("escalated", expired, target=None, service="", alerts=()),
        "taken_over": incident("taken_over", expired, TAKEN),
        "resolved": incident("closed", expired, **HEALED),
        "goes_on": incident("waiting", expired),
        "again": incident("escalated", expired, TAKEN, back),
    }
    found = {name: view(what) for name, what in scenes.items()}
    called = {n: v.model_copy(update={"responders": answer}) for n, v in found.items()}
    return {
        f"needed_{n}": need_card(v, needs(v.incident)[0 if n == "again" else -1])
        for n, v in called.items()
    }


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
        "view_take_over": take_over_view(INCIDENT),
        "view_toil": toil_view("restarted web by hand", ("user-auth", "web"), "kept"),
        "view_toil_empty": toil_view(),
        "home_full": home_view(home),
        "home_empty": home_view(Home()),
    }


def scenes() -> dict[str, Any]:
    """Everything, by name, as JSON."""
    parts: tuple[Callable[[], dict[str, Any]], ...] = (
        incidents,
        approvals,
        sides,
        calls,
        needed,
        windows,
    )
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
