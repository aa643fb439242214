"""What people and programs do with incidents and approvals."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from gateway_fakes import (
    APPROVAL,
    INCIDENT,
    NOW,
    POLICY,
    RUN,
    WORKFLOW,
    FakeTemporal,
    agreed,
    approval,
    bearer,
    make_doors,
    open_incident,
)
from sqlalchemy import Engine

from contracts.approval import ApprovalState, Decision
from contracts.calls import IncidentRef, PageRequest, PersonRequest, RunRequest
from contracts.errors import (
    AlreadyDecided,
    Expired,
    FirebreakError,
    NotAllowed,
    PlanChanged,
    ReasonMissing,
    Unavailable,
)
from contracts.journal import IncidentChange, Record
from contracts.policy import OnCall
from gateway.app import build_app
from gateway.doors import Doors

pytestmark = pytest.mark.asyncio(loop_scope="session")
Client = httpx.AsyncClient
DECISION = f"/approvals/{APPROVAL}/decision"
MIA = bearer("token-mia")


@pytest.fixture(name="asked")
def _asked(here: Doors, fake: FakeTemporal) -> FakeTemporal:
    """An incident that waits for a decision, and its workflows."""
    open_incident(here.journal, asked=approval())
    fake.running |= {WORKFLOW, RUN}
    fake.answers["decide"] = agreed
    return fake


@pytest.mark.usefixtures("asked")
async def test_incidents_are_listed_with_their_fixed_fields(ana: Client) -> None:
    """The names that scripts rely on."""
    page = (await ana.get("/incidents", params={"status": "waiting", "team": "shop"})).json()
    assert page["next"] is None
    wanted = "id workflow status outcome target service team alerts runbooks approvals opened_at"
    assert set(wanted.split()) <= page["items"][0].keys()
    assert page["items"][0]["opened_at"] == "2026-11-21T08:25:00Z"
    none = await ana.get("/incidents", params={"status": "closed"})
    assert none.json() == {"items": [], "next": None}


@pytest.mark.parametrize("query", ["status=odd", "limit=0", "limit=999", "cursor=zz", "since=x"])
async def test_a_bad_filter_is_named(ana: Client, query: str) -> None:
    """422 with what to write."""
    answer = await ana.get(f"/incidents?{query}")
    assert answer.status_code == 422
    assert answer.json()["error"]["fix"]


@pytest.mark.usefixtures("asked")
async def test_an_incident_has_its_timeline(ana: Client) -> None:
    """And 404 has the one shape."""
    found = (await ana.get(f"/incidents/{INCIDENT}")).json()
    assert set(found["timeline"][0]) == {"seq", "at", "actor", "type", "text", "data"}
    missing = await ana.get("/incidents/inc-none")
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("action", ["take-over", "hand-back", "close"])
async def test_a_person_acts_on_an_incident(ana: Client, asked: FakeTemporal, action: str) -> None:
    """One update each, in the person's name."""
    name = action.replace("-", "_")
    asked.answers[name] = IncidentRef(incident=INCIDENT, status="taken_over")
    answer = await ana.post(f"/incidents/{INCIDENT}/{action}", json={"reason": "by hand"})
    assert answer.status_code == 200
    assert answer.json() == {"incident": INCIDENT, "status": "taken_over"}
    workflow, update = asked.updates[0]
    assert (workflow, update.name) == (WORKFLOW, name)
    expected = PersonRequest(person="ana", reason="by hand", incident=INCIDENT)
    assert update.argument == expected


async def test_somebody_else_is_called_without_slack(ana: Client, asked: FakeTemporal) -> None:
    """The same request, sent twice, calls once."""
    asked.answers["page"] = IncidentRef(incident=INCIDENT, status="waiting")
    body = {"whom": ["ben"], "reason": "it is yours"}
    for _ in range(2):
        where, key = f"/incidents/{INCIDENT}/page", {"Idempotency-Key": "k1"}
        assert (await ana.post(where, json=body, headers=key)).status_code == 200
    assert {update.id for _, update in asked.updates} == {f"{INCIDENT}:ana:page:k1"}
    expected = PageRequest(person="ana", incident=INCIDENT, whom=("ben",), reason="it is yours")
    assert asked.updates[0][1].argument == expected


async def test_whom_a_schedule_stands_for_is_told_with_the_call(
    engine: Engine, fake: FakeTemporal, asked: FakeTemporal
) -> None:
    """As it is known at that moment; whoever is on call tomorrow was not called."""
    asked.answers["page"] = IncidentRef(incident=INCIDENT, status="waiting")
    names = ("primary", "night")
    schedules = tuple(OnCall(name=n, kind="static", people=("ben",)) for n in names)
    doors = make_doors(engine, fake, policy=POLICY.model_copy(update={"oncall": schedules}))
    doors.memberships.keep("oncall:primary", ["cyn", "ben"], doors.clock())
    body = {"whom": ["oncall:primary", "oncall:night", "ben"]}
    transport = httpx.ASGITransport(build_app(doors))
    async with Client(transport=transport, base_url="http://firebreak.test") as http:
        where, headers = f"/incidents/{INCIDENT}/page", bearer("token-ana")
        assert (await http.post(where, json=body, headers=headers)).status_code == 200
    told = asked.updates[0][1].argument
    assert isinstance(told, PageRequest)
    assert told.members == {"oncall:primary": ("ben", "cyn")}


@pytest.mark.parametrize("whom", [[], ["mia"], ["bne"], ["oncall:night"], [""], ["ben"] * 11])
async def test_nobody_is_called_who_could_not_come(
    ana: Client, asked: FakeTemporal, whom: list[str]
) -> None:
    """422 before the incident is asked."""
    answer = await ana.post(f"/incidents/{INCIDENT}/page", json={"whom": whom})
    assert answer.status_code == 422
    assert asked.updates == []


async def test_a_manager_reads_and_does_not_act(http: Client, asked: FakeTemporal) -> None:
    """403 names the role that is missing."""
    assert (await http.get(f"/incidents/{INCIDENT}", headers=MIA)).status_code == 200
    answer = await http.post(f"/incidents/{INCIDENT}/take-over", headers=MIA)
    assert answer.status_code == 403
    assert "responder" in answer.json()["error"]["message"]
    assert asked.updates == []


async def test_a_closed_incident_is_left_alone(
    ana: Client, here: Doors, asked: FakeTemporal
) -> None:
    """Its workflow's id may belong to a newer incident of the same target."""
    closed = IncidentChange(status="closed", closed_at=NOW)
    here.journal.record(Record(incident=INCIDENT, change=closed))
    answer = await ana.post(f"/incidents/{INCIDENT}/close")
    assert answer.status_code == 409
    assert asked.updates == []


async def test_a_runbook_is_started_by_hand(ana: Client, fake: FakeTemporal) -> None:
    """The caller's key makes a second request the same one."""
    fake.answers["run"] = IncidentRef(incident=INCIDENT, status="open")
    body = {"runbook": "RestartCrashLoop", "target": "shop/deployment/user-auth", "dry_run": True}
    for _ in range(2):
        answer = await ana.post("/incidents", json=body, headers={"Idempotency-Key": "k1"})
        assert answer.status_code == 201
        assert answer.headers["location"] == f"/incidents/{INCIDENT}"
    (workflow, first), (_, second) = fake.updates
    assert workflow == WORKFLOW
    assert first.id == second.id == "run:ana:k1"
    wanted = RunRequest(request="k1", runbook="RestartCrashLoop", person="ana", dry_run=True)
    assert first.argument == wanted


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"runbook": "R", "target": "user-auth"},
        {"runbook": "R", "target": "shop/secret/user-auth"},
        {"runbook": "R", "target": "../deployment/x"},
        {"runbook": "R R", "target": "shop/deployment/a"},
        {"runbook": "R", "target": "shop/deployment/a", "cluster": "elsewhere"},
        {"runbook": "R", "target": {"kind": "Deployment", "name": "a"}},
        {"runbook": "R", "target": "shop/deployment/a", "force": True},
        # Asked for again as Firebreak's own, who asks could approve it: only Slack's button may.
        {"runbook": "R", "target": "shop/deployment/a", "again": True},
        [1],
        "x",
    ],
)
async def test_a_bad_request_to_run_is_refused(ana: Client, body: Any) -> None:
    """422, and what to correct."""
    answer = await ana.post("/incidents", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"]


async def test_a_body_that_is_no_json_is_refused_at_every_route(ana: Client) -> None:
    """400 for broken JSON, 415 for another type, 413 for too much."""
    kind = {"Content-Type": "application/json"}
    assert (await ana.post("/incidents", content=b"{", headers=kind)).status_code == 400
    assert (await ana.post("/incidents", content=b"{}")).status_code == 415
    large = b'"' + b"x" * 70_000 + b'"'
    assert (await ana.post("/incidents", content=large, headers=kind)).status_code == 413


@pytest.mark.usefixtures("asked")
async def test_an_approval_shows_what_will_be_done(ana: Client) -> None:
    """The plan as people see it, by its fixed names."""
    found = (await ana.get(f"/approvals/{APPROVAL}")).json()
    assert {"summary", "kubectl", "from", "to", "digest"} <= found["plan"].keys()
    assert "workflow" not in found
    assert (await ana.get("/approvals?state=open")).json()["items"] == [found]
    assert (await ana.get("/approvals?state=denied")).json()["items"] == []


async def test_a_decision_reaches_the_workflow_once_by_id(ana: Client, asked: FakeTemporal) -> None:
    """A double click carries the same update id."""
    digest = approval().plan.digest
    body = {"decision": "approve", "reason": "looks right", "digest": digest}
    answer = await ana.post(DECISION, json=body)
    assert answer.status_code == 200
    assert answer.json()["state"] == "approved"
    workflow, update = asked.updates[0]
    assert workflow == RUN
    assert update.id == f"{APPROVAL}:ana:approve"
    assert isinstance(update.argument, Decision)
    assert update.argument.digest == digest


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (NotAllowed("only ben may decide this"), 403, "not_allowed"),
        (AlreadyDecided("denied by ben"), 409, "decided"),
        (PlanChanged("the target changed"), 409, "plan_changed"),
        (Expired("too late"), 410, "expired"),
        (ReasonMissing("why?"), 422, "reason_missing"),
        (Unavailable("no answer within 5 s"), 503, "not_recorded"),
    ],
)
async def test_the_workflows_refusal_is_the_answer(
    ana: Client, asked: FakeTemporal, refusal: FirebreakError, status: int, code: str
) -> None:
    """Typed, with what to do next."""
    asked.answers["decide"] = refusal
    answer = await ana.post(DECISION, json={"decision": "approve"})
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["fix"]


async def test_a_denial_without_a_reason_never_leaves_the_door(
    ana: Client, asked: FakeTemporal
) -> None:
    """The next person reads it."""
    for reason in ("", "   "):
        answer = await ana.post(DECISION, json={"decision": "deny", "reason": reason})
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "reason_missing"
    assert asked.updates == []


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [
        ("approved", 409, "decided"),
        ("denied", 409, "decided"),
        ("void", 409, "plan_changed"),
        ("expired", 410, "expired"),
        ("open", 409, "decided"),
    ],
)
async def test_a_run_that_has_ended_answers_from_the_journal(
    ana: Client, here: Doors, state: ApprovalState, status: int, code: str
) -> None:
    """Temporal forgets; the journal does not."""
    open_incident(here.journal, asked=approval(state))
    answer = await ana.post(DECISION, json={"decision": "approve"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_a_question_past_its_time_is_expired_though_the_journal_says_open(
    ana: Client, here: Doors
) -> None:
    """The run ended before it could write so."""
    late = approval().model_copy(update={"expires_at": NOW - timedelta(seconds=1)})
    open_incident(here.journal, asked=late)
    answer = await ana.post(DECISION, json={"decision": "approve"})
    assert answer.json()["error"]["code"] == "expired"


@pytest.mark.parametrize("body", [{}, {"decision": "maybe"}, {"decision": "deny", "reason": 7}])
@pytest.mark.usefixtures("asked")
async def test_a_decision_that_is_none_is_refused(ana: Client, body: dict[str, object]) -> None:
    """422 names the field."""
    answer = await ana.post(DECISION, json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid"


@pytest.mark.usefixtures("asked")
async def test_decisions_are_counted_by_result(ana: Client) -> None:
    """Refusals too."""
    await ana.post(DECISION, json={"decision": "deny"})
    await ana.post(DECISION, json={"decision": "approve"})
    text = (await ana.get("/metrics")).text
    assert 'firebreak_decisions_total{result="reason_missing"} 1.0' in text
    assert 'firebreak_decisions_total{result="approve"} 1.0' in text
    assert "firebreak_open_incidents 1.0" in text
