"""One incident in the real books, its real delivery, and a server in PagerDuty's place."""

import json
from collections.abc import Iterator
from functools import partial
from itertools import repeat
from typing import Any

import httpx
from pydantic import SecretStr
from rollback_plan import NOON, TARGET, question
from sqlalchemy import Engine
from upstreams import Asked, Said, Upstream

from activities.messages import MessageActivities
from activities.pagerduty import PagerDutyChannel
from contracts.approval import Approval
from contracts.calls import DeliverCall
from contracts.journal import Event, IncidentChange, Record
from toil.journal import Journal
from toil.messages import Messages

KEY = "r0uting-s3cr3t"
QUESTION = question(runbook="rollback", approvers=("ana",))


class Events:
    """The enqueue endpoint of a server: takes an event, unless it is told to refuse the next."""

    def __init__(self, server: Upstream) -> None:
        server.answer = self._answer
        self.close = server.server_close
        self.url = f"{server.url}/v2/enqueue"
        self.statuses: list[int] = []
        self.asked = 0
        self.headers: dict[str, str] = {}
        self.received: list[dict[str, Any]] = []

    @property
    def actions(self) -> list[str]:
        """What was asked for, in order."""
        return [event["event_action"] for event in self.received]

    @property
    def ringing(self) -> list[str]:
        """The alerts that ring, as PagerDuty has it: a trigger of an acknowledged one is silent."""
        standing: dict[str, str] = {}
        for event in self.received:
            key, action = event["dedup_key"], event["event_action"]
            if action != "trigger" or standing.get(key) != "acknowledge":
                standing[key] = action
        return sorted(key for key, action in standing.items() if action == "trigger")

    @property
    def standing(self) -> list[str]:
        """The alerts that were not resolved."""
        last = {event["dedup_key"]: event["event_action"] for event in self.received}
        return sorted(key for key, action in last.items() if action != "resolve")

    def _answer(self, asked: Asked) -> Said:
        self.asked += 1
        status = self.statuses.pop(0) if self.statuses else 202
        if status == httpx.codes.ACCEPTED:
            self.received.append(asked.json)
        told = {"status": "success", "message": "Event processed", "dedup_key": "x"}
        return Said(json.dumps(told).encode(), status, self.headers)


class Story:
    """One incident in the real books, and the real delivery of each of its revisions."""

    def __init__(self, engine: Engine, events: Events) -> None:
        self._engine = engine
        self._events = events
        self._lines = 0
        self.now = NOON
        self.rows = Messages(engine)
        self.seconds: Iterator[float] = repeat(0.0)
        opened: dict[str, Any] = {
            "workflow": "w",
            "opened_at": NOON,
            "target": TARGET,
            "service": "user-auth",
        }
        self.tell("opened", "opened for user-auth", status="open", **opened)

    def tell(
        self, kind: str, text: str = "why", *, data: dict[str, Any] | None = None, **change: Any
    ) -> None:
        """One more line, with what changes; an `approval` is recorded with it."""
        self._lines += 1
        approval = change.pop("approval", None)
        event = Event(
            key=f"k{self._lines}", at=NOON, actor="x", type=kind, text=text, data=data or {}
        )
        alerts = change.pop("alerts", ())
        Journal(self._engine).record(
            Record(
                incident="inc-1",
                change=IncidentChange.model_validate(change),
                events=(event,),
                alerts=alerts,
                approval=approval,
            )
        )

    def deliver(self) -> None:
        """Bring the newest revision."""
        books = Journal(self._engine), Messages(self._engine)
        clock = partial(next, self.seconds)
        with httpx.Client(trust_env=False) as client:
            channel = PagerDutyChannel(
                self._events.url, SecretStr(KEY), client, self.rows, clock=clock
            )
            made = MessageActivities(
                *books, {"pagerduty": channel}, "https://firebreak.test", lambda: self.now
            )
            made.deliver(DeliverCall(incident="inc-1"))

    def told(self, kind: str, text: str = "why", **more: Any) -> list[str]:
        """Tell a line, deliver, and give back all that PagerDuty was asked."""
        self.tell(kind, text, **more)
        self.deliver()
        return self._events.actions


def paged(state: str = "open") -> Approval:
    """The question at its last rung."""
    return QUESTION.model_copy(update={"stage": "paged", "state": state})
