"""What the tests of the doors share: a fake Temporal, a policy, alerts, and an approval.

The fake keeps the port's promises: a signal reaches only a workflow that runs, an update answers,
refuses, or is not there. It is told what to do by setting its fields.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from sqlalchemy import Engine

from contracts.alert import AlertEnvelope
from contracts.approval import Approval, ApprovalState, Decision, Vote
from contracts.errors import FirebreakError, NotFound, Unavailable
from contracts.journal import Event, IncidentChange, Record
from contracts.model import Contract
from contracts.plan import BlastRadius, Plan, Reason, Verdict
from contracts.policy import Person, Policy, Service, Source
from contracts.target import Target
from gateway.doors import Doors
from gateway.metrics import Metrics
from gateway.temporal import A, Start, Update
from toil.catalogue import Catalogue
from toil.database import ping
from toil.deliveries import Deliveries
from toil.journal import Journal
from toil.ledger import Ledger
from toil.memberships import Memberships
from toil.pauses import Pauses
from toil.storms import Storms

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
TARGET = Target(cluster="default", namespace="shop", kind="Deployment", name="user-auth")
INCIDENT = "inc-000000000001"
APPROVAL = "apr-000000000001-1-1"
WORKFLOW = TARGET.workflow_id
RUN = f"runbook/{INCIDENT}/1"


def hashed(token: str) -> tuple[str, ...]:
    """What the policy keeps of a token."""
    return (hashlib.sha256(token.encode()).hexdigest(),)


POLICY = Policy(
    people=(
        Person(id="ana", name="Ana", teams=("shop",), token_sha256=hashed("token-ana")),
        Person(id="ben", name="Ben", teams=("shop",), token_sha256=hashed("token-ben")),
        Person(
            id="mia",
            name="Mia",
            roles=("manager",),
            teams=("shop",),
            token_sha256=hashed("token-mia"),
        ),
    ),
    services=(
        Service.model_validate(
            {
                "name": "user-auth",
                "matchers": ['service="user-auth"'],
                "target": TARGET.model_dump(),
                "team": "shop",
            }
        ),
    ),
    sources=(
        Source(name="alerts", kind="alertmanager", token_sha256=hashed("token-alerts")),
        Source(name="duty", kind="pagerduty", token_sha256=hashed("token-duty")),
    ),
)


def bearer(token: str) -> dict[str, str]:
    """The header of a token."""
    return {"Authorization": f"Bearer {token}"}


def basic(token: str) -> dict[str, str]:
    """The same token as a password."""
    pair = base64.b64encode(f"alertmanager:{token}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


class FakeTemporal:
    """`running` are the workflows that take signals and updates; `failure` is raised by every
    call; `answers` are what updates answer or raise, by name.
    """

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.started: list[Start] = []
        self.signals: list[tuple[str, AlertEnvelope]] = []
        self.updates: list[tuple[str, Update]] = []
        self.answers: dict[str, Contract | FirebreakError | Callable[[Update], Contract]] = {}
        self.failure: FirebreakError | None = None

    async def signal_with_start(self, start: Start, signal: str, argument: Contract) -> None:
        """Keep the signal; a workflow that did not run does now."""
        self._fail()
        self._start(start)
        self._keep(start.id, signal, argument)

    async def signal(self, workflow: str, signal: str, argument: Contract) -> bool:
        """Keep the signal if the workflow runs."""
        self._fail()
        if workflow in self.running:
            self._keep(workflow, signal, argument)
        return workflow in self.running

    async def update(self, workflow: str, update: Update, answer: type[A]) -> A:
        """Answer if the workflow runs."""
        self._fail()
        if workflow not in self.running:
            raise NotFound("no such workflow runs")
        self.updates.append((workflow, update))
        return self._answer(update, answer)

    async def update_with_start(self, start: Start, update: Update, answer: type[A]) -> A:
        """Answer."""
        self._fail()
        self._start(start)
        self.updates.append((start.id, update))
        return self._answer(update, answer)

    async def ping(self) -> None:
        """Answer."""
        self._fail()

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _start(self, start: Start) -> None:
        if start.id not in self.running:
            self.running.add(start.id)
            self.started.append(start)

    def _keep(self, workflow: str, signal: str, argument: Contract) -> None:
        assert signal == "alert"
        assert isinstance(argument, AlertEnvelope)
        self.signals.append((workflow, argument))

    def _answer(self, update: Update, answer: type[A]) -> A:
        told = self.answers[update.name]
        if isinstance(told, FirebreakError):
            raise told
        given = told if isinstance(told, Contract) else told(update)
        return answer.model_validate(given.model_dump())


def make_doors(engine: Engine, temporal: FakeTemporal, **changed: Any) -> Doors:
    """Doors over a real database and the fake, at a standing clock."""
    values: dict[str, Any] = {
        "policy": POLICY,
        "journal": Journal(engine),
        "pauses": Pauses(engine),
        "storms": Storms(engine),
        "ledger": Ledger(engine),
        "catalogue": Catalogue(engine),
        "memberships": Memberships(engine),
        "deliveries": Deliveries(engine),
        "temporal": temporal,
        "ping_database": lambda: ping(engine),
        "clock": lambda: NOW,
        "session_secret": SecretStr("a-secret-of-the-tests-that-is-long-enough"),
        "public_url": "http://firebreak.test",
        "metrics": Metrics(CollectorRegistry()),
    }
    return Doors(**(values | changed))


def down() -> None:
    """A database that is away."""
    raise Unavailable("the database cannot be reached")


def alert(**changed: Any) -> dict[str, Any]:
    """One alert as Alertmanager sends it."""
    labels = {"alertname": "KubePodCrashLooping", "namespace": "shop", "deployment": "user-auth"}
    return {
        "status": "firing",
        "labels": labels | changed.pop("labels", {}),
        "annotations": {"summary": "user-auth crash-loops"},
        "startsAt": "2026-11-21T08:25:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
        "fingerprint": "57c6d9296de2ad39",
    } | changed


def notification(*alerts: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A whole message of version 4."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="KubePodCrashLooping"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "firebreak",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": list(alerts),
    } | changed


def raw(*alerts: dict[str, Any], **changed: Any) -> bytes:
    """The same as bytes."""
    return json.dumps(notification(*alerts, **changed)).encode()


def plan() -> Plan:
    """A rollback, as people would see it."""
    return Plan(
        action="kubernetes.rollback_deployment",
        target=TARGET,
        uid="6a1f",
        generation=2,
        before="revision 2, user-auth-67cd7f4c4 (registry.test/user-auth:2.0.0)",
        after="revision 1, user-auth-5d8f6b7c9 (registry.test/user-auth:1.9.3)",
        summary="Roll user-auth back to revision 1",
        kubectl="kubectl --namespace shop rollout undo deployment/user-auth --to-revision=1",
        at=NOW - timedelta(minutes=3),
        pins={"replica_set": "user-auth-5d8f6b7c9"},
        blast=BlastRadius(pods=3, ready=0, desired=3),
        findings=("revision 2 is 6 minutes old and none of its pods was ever ready",),
    )


def approval(state: ApprovalState = "open", *votes: Vote) -> Approval:
    """The question about that plan."""
    reasons = (
        Reason(rule="autonomy", ruling="ask", text="rollback_deployment may act when people agree"),
        Reason(rule="namespace", ruling="allow", text="shop is on the allow-list"),
    )
    return Approval(
        id=APPROVAL,
        incident=INCIDENT,
        workflow=RUN,
        runbook="RollbackDeployment",
        target=TARGET,
        plan=plan(),
        verdict=Verdict(ruling="ask", reasons=reasons, needed=1, approvers=("ana", "ben")),
        needed=1,
        approvers=("ana", "ben"),
        requester="firebreak",
        opened_at=NOW - timedelta(minutes=2),
        expires_at=NOW + timedelta(minutes=13),
        state=state,
        votes=votes,
    )


def agreed(update: Update) -> Approval:
    """What the workflow answers to a decision that counts."""
    decision = update.argument
    assert isinstance(decision, Decision)
    vote = Vote(person=decision.person, decision=decision.decision, reason=decision.reason, at=NOW)
    return approval("approved" if decision.decision == "approve" else "denied", vote)


def open_incident(journal: Journal, *, asked: Approval | None = None) -> None:
    """Write an incident with evidence, and a question about it, into the journal."""
    change = IncidentChange(
        workflow=WORKFLOW,
        status="waiting" if asked else "open",
        target=TARGET,
        service="user-auth",
        team="shop",
        opened_at=NOW - timedelta(minutes=5),
        runbook="RollbackDeployment",
    )
    excerpt = "panic: <script>alert('x')</script> cannot reach the session store"
    data = {"kind": "kubernetes.pod_logs", "digest": "sha256:1", "excerpt": excerpt}
    events = (
        _event("opened", "opened for deployment shop/user-auth", 1),
        _event("evidence", "last lines of 3 pods of deployment shop/user-auth", 2, data),
    )
    journal.record(Record(incident=INCIDENT, change=change, events=events, approval=asked))


def _event(kind: str, text: str, number: int, data: dict[str, Any] | None = None) -> Event:
    at = NOW - timedelta(minutes=5) + timedelta(seconds=20 * number)
    key = f"{INCIDENT}#{number}"
    return Event(key=key, at=at, actor="firebreak", type=kind, text=text, data=data or {})
