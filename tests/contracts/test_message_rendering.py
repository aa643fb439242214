"""A message is a projection of the journal: the same view gives the same words."""

from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.approval import Approval
from contracts.message import TIMELINE_LINES_MAX, MessageView, headline, render_webhook
from contracts.plan import BlastRadius, Plan, Verdict
from contracts.target import Target
from contracts.views import AlertView, IncidentDetail, TimelineItem, view_of

OPENED = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
WEB = Target(cluster="default", namespace="shop", kind="Deployment", name="user-auth")
SLOW = AlertView(
    source="alertmanager",
    fingerprint="57c6d9296de2ad39",
    name="HighUserAuthLatency",
    status="firing",
    summary="p99 above 2 s",
    starts_at=OPENED,
)


def incident(**changes: Any) -> IncidentDetail:
    """An open incident of user-auth with one alert."""
    values: dict[str, Any] = {
        "id": "inc-1",
        "workflow": WEB.workflow_id,
        "status": "waiting",
        "target": WEB,
        "alerts": (SLOW,),
        "opened_at": OPENED,
        "revision": 7,
    }
    return IncidentDetail.model_validate(values | changes)


def approval() -> Approval:
    """The question whether to roll user-auth back."""
    plan = Plan(
        action="kubernetes.rollback_deployment",
        target=WEB,
        uid="u-1",
        generation=2,
        before="revision 2",
        after="revision 1",
        summary="Roll user-auth back",
        kubectl="kubectl rollout undo deployment/user-auth",
        at=OPENED,
        blast=BlastRadius(pods=3, ready=0, desired=3),
        pins={"template": "sha256:aa"},
    )
    return Approval(
        id="apr-1",
        incident="inc-1",
        workflow="runbook/inc-1/1",
        runbook="rollback_deployment",
        target=WEB,
        plan=plan,
        verdict=Verdict(ruling="ask"),
        needed=1,
        approvers=("ana",),
        requester="firebreak",
        opened_at=OPENED,
        expires_at=OPENED + timedelta(minutes=15),
    )


def lines(count: int) -> tuple[TimelineItem, ...]:
    """A timeline of so many lines."""
    return tuple(
        TimelineItem(seq=n, at=OPENED, actor="firebreak", type="note", text=f"line {n}")
        for n in range(1, count + 1)
    )


def test_the_headline_says_what_where_and_how_it_stands() -> None:
    """In one sentence, because a phone's lock screen shows no more."""
    said = headline(MessageView(incident=incident()))
    assert said == "inc-1 waiting: p99 above 2 s (deployment shop/user-auth)"


def test_an_ended_incident_is_told_by_its_outcome() -> None:
    """Resolved says more than closed."""
    ended = incident(status="closed", outcome="resolved")
    assert headline(MessageView(incident=ended)).startswith("inc-1 resolved: ")


def test_the_headline_stands_without_alerts_and_without_a_target() -> None:
    """An incident that a person opened has no alert; some alerts name no workload."""
    bare = incident(alerts=(), target=None, summary="somebody must look")
    assert headline(MessageView(incident=bare)) == "inc-1 waiting: somebody must look (no target)"


def test_the_webhook_carries_its_revision_and_its_version() -> None:
    """Receivers keep the highest revision, whatever the order of delivery."""
    body = render_webhook(MessageView(incident=incident(), url="https://firebreak.example/i"))
    assert (body["version"], body["revision"], body["url"]) == (
        1,
        7,
        "https://firebreak.example/i",
    )
    assert body["incident"]["id"] == "inc-1"
    assert body["text"] == headline(MessageView(incident=incident()))


def test_the_webhook_shows_the_newest_lines_only() -> None:
    """A long night does not make a long message."""
    count = TIMELINE_LINES_MAX + 5
    body = render_webhook(MessageView(incident=incident(timeline=lines(count))))
    assert [line["seq"] for line in body["timeline"]] == list(range(6, count + 1))
    assert "timeline" not in body["incident"]


def test_an_approval_is_shown_with_the_fixed_names() -> None:
    """`from` and `to`, the command and the digest: what a person must see to decide."""
    view = MessageView(incident=incident(), approvals=(view_of(approval()),))
    plan = render_webhook(view)["approvals"][0]["plan"]
    assert (plan["from"], plan["to"]) == ("revision 2", "revision 1")
    assert plan["kubectl"] == "kubectl rollout undo deployment/user-auth"
    assert plan["digest"] == approval().plan.digest
    assert plan["blast"] == {"pods": 3, "ready": 0, "desired": 3}


def test_an_approval_shows_neither_its_workflow_nor_what_the_plan_pins() -> None:
    """Those are for the machine; a reader cannot do anything with them."""
    shown = view_of(approval()).model_dump(by_alias=True)
    assert "workflow" not in shown
    assert shown["requester"] == "firebreak"
    assert {"uid", "pins", "generation", "from_"} & shown["plan"].keys() == set()


def test_rendering_twice_gives_the_same() -> None:
    """No clock and no counter: a second delivery is the same message."""
    view = MessageView(incident=incident(timeline=lines(3)), approvals=(view_of(approval()),))
    assert render_webhook(view) == render_webhook(view)
