"""An incident in real books, a strict fake Slack, and the activity between them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Engine

from activities.messages import MessageActivities
from activities.slack.channel import SlackChannel
from activities.slack.client import SlackApi, open_bot
from contracts.approval import Answer, Approval, Vote
from contracts.calls import DeliverCall, Delivered
from contracts.journal import Event, IncidentChange, Record
from contracts.plan import BlastRadius, Plan, Reason, Verdict
from contracts.policy import Person, Policy, Service, SlackPolicy
from contracts.slack.ids import METADATA_EVENT
from contracts.target import Target
from sandbox.slack.server import SlackServer
from toil.journal import Journal
from toil.messages import Messages
from toil.views import MessageState

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TARGET = Target(cluster="default", namespace="shop", kind="Deployment", name="user-auth")
CALL = DeliverCall(incident="inc-1")
OPS, SHOP = "C0OPS", "C0SHOP"
POLICY = Policy(
    people=(
        Person(id="ana", name="Ana Ops", slack="U0ANA"),
        Person(id="ben", name="Ben Ops", slack="U0BEN"),
        Person(id="cleo", name="Cleo Lead", slack="U0CLEO"),
        Person(id="dan", name="Dan Silent"),
    ),
    services=(Service(name="shop", target=TARGET, channel=SHOP),),
    slack=SlackPolicy(channel=OPS, pages=("cleo",)),
)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        """Now."""
        return self.now

    def passes(self, seconds: float) -> None:
        """Later."""
        self.now += timedelta(seconds=seconds)


class Desk:
    """One incident, what happens to it, and Slack."""

    def __init__(self, engine: Engine, slack: SlackServer, clock: Clock) -> None:
        self.engine = engine
        self.slack = slack
        self.clock = clock
        self.policy = POLICY
        self.groups: dict[str, frozenset[str]] = {}
        self.channel = self.worker()
        self._lines = 0
        self.happens("opened", workflow="incident/x", opened_at=NOON, target=TARGET)

    def worker(self) -> SlackChannel:
        """Another worker's channel: it shares the books and nothing else."""
        client = open_bot(SecretStr(self.slack.bot_token), self.slack.api_url)
        journal = Journal(self.engine)
        return SlackChannel(
            SlackApi(client, lambda: self.clock().timestamp()),
            Messages(self.engine),
            journal.evidence_body,
            self.clock,
        )

    def happens(self, kind: str = "note", data: dict[str, Any] | None = None, **change: Any) -> int:
        """One more line of the story; returns its revision."""
        return self._record(kind, data or {}, IncidentChange.model_validate(change), None)

    def asks(self, number: int = 1, **facts: Any) -> Approval:
        """The runbook asks a person."""
        plan = Plan(
            action="kubernetes.restart",
            target=TARGET,
            uid="u",
            generation=1,
            before="2 replicas",
            after="2 replicas, restarted",
            summary="restart user-auth",
            kubectl="kubectl -n shop rollout restart deployment/user-auth",
            at=NOON,
            blast=BlastRadius(pods=2, ready=0, desired=2, lost=0),
        )
        reasons = (Reason(rule="autonomy", ruling="ask", text="this runbook asks"),)
        known: dict[str, Any] = {
            "id": f"apr-1-{number}",
            "incident": "inc-1",
            "workflow": "w",
            "runbook": "restart_service",
            "target": TARGET,
            "plan": plan,
            "verdict": Verdict(ruling="ask", reasons=reasons, approvers=("ana", "ben")),
            "needed": 1,
            "approvers": ("ana", "ben"),
            "opened_at": self.clock.now,
            "expires_at": self.clock.now + timedelta(minutes=15),
        }
        approval = Approval.model_validate(known | facts)
        self._record(
            "asked",
            {"approval": approval.id},
            IncidentChange(status="waiting", service="shop"),
            approval,
        )
        return approval

    def answered(self, approval: Approval, person: str = "ana", word: Answer = "approve") -> int:
        """A person has decided, and the workflow has counted it."""
        vote = Vote(person=person, decision=word, at=self.clock.now)
        state = "approved" if word == "approve" else "denied"
        return self.becomes(approval, "decided", state=state, votes=(vote,))

    def becomes(self, approval: Approval, kind: str, **facts: Any) -> int:
        """The question changes."""
        changed = approval.model_copy(update=facts)
        return self._record(kind, {"approval": approval.id}, IncidentChange(), changed)

    def _record(
        self, kind: str, data: dict[str, Any], change: IncidentChange, approval: Approval | None
    ) -> int:
        self._lines += 1
        line = Event(
            key=f"k{self._lines}",
            at=self.clock.now,
            actor="firebreak",
            type=kind,
            text=f"{kind}.",
            data=data,
        )
        record = Record(incident="inc-1", change=change, events=(line,), approval=approval)
        return Journal(self.engine).record(record).revision

    def deliver(self, channel: SlackChannel | None = None) -> Delivered:
        """Run the activity."""
        made = MessageActivities(
            Journal(self.engine),
            Messages(self.engine),
            {"slack": channel or self.channel},
            "https://firebreak.test",
            self.clock,
            policy=self.policy,
            members=lambda group, _: self.groups.get(group),
        )
        return made.deliver(CALL)

    def row(self, part: str = "slack") -> MessageState | None:
        """What the books say of one message."""
        return Messages(self.engine).state("inc-1", part)

    def keys(self, channel: str = SHOP) -> list[str]:
        """What the messages of a channel stand for, oldest first."""
        return [key_of(message) for message in self.slack.messages(channel)]

    def sent(self) -> list[str]:
        """The names of the calls that were made, in order."""
        return [call.method for call in self.slack.calls()]


def key_of(message: dict[str, Any]) -> str:
    """The object that a message stands for, from its metadata."""
    metadata = message.get("metadata", {})
    if metadata.get("event_type") != METADATA_EVENT:
        return "?"
    return str(metadata["event_payload"]["key"]).removeprefix("inc-1/")
