"""A door of Slack that runs against the strict stand-in, and the workflow behind it.

The workflow is the real gate, which drops a repeated update as Temporal does; what it counts is in
the journal at once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from gateway_fakes import (
    INCIDENT,
    NOW,
    POLICY,
    RUN,
    WORKFLOW,
    FakeTemporal,
    approval,
    make_doors,
    open_incident,
)
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from contracts.approval import Approval, Decision
from contracts.calls import IncidentRef
from contracts.journal import Record
from contracts.message import Asked, MessageView
from contracts.policy import Person, Policy, SlackPolicy
from contracts.slack.approval_card import approval_card
from contracts.slack.card import Card
from contracts.views import view_of
from gateway.doors import Doors
from gateway.slack.line import Line, SlackKeys
from gateway.slack.running import slack_running
from gateway.temporal import Update
from sandbox.slack import SlackServer, User, Workspace
from toil.journal import Journal
from workflows.gate import Gate

OPS = "C0OPS"
ANA, BEN, CLEO, DAN = "U0ANA", "U0BEN", "U0CLEO", "U0DAN"
PING_SECONDS = 1.0
WAIT_SECONDS = 10.0


def policy(**changed: Any) -> Policy:
    """Ana and Ben by their Slack ids, Dan as a responder too, and Cleo who is nobody here."""
    known = {"ana": ANA, "ben": BEN}
    people = [
        p.model_copy(update={"slack": known.get(p.id, ""), "email": f"{p.id}@example.com"})
        for p in POLICY.people
    ]
    people.append(Person(id="dan", name="Dan", slack=DAN, email="dan@example.com"))
    values = {"people": tuple(people), "slack": SlackPolicy(channel=OPS)}
    return POLICY.model_copy(update=values | changed)


def workspace() -> Workspace:
    """The stand-in's people, Dan among them."""
    made = Workspace()
    made.users.append(User(DAN, "dan", "dan@example.com"))
    made.channels[0].members.add(DAN)
    return made


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class Workflow:
    """The run that owns the question. `counted` are the decisions that made a difference."""

    def __init__(self, journal: Journal, asked: Approval, clock: Clock) -> None:
        self.gate = Gate(asked)
        self.counted: list[Decision] = []
        self._answers: dict[str, Approval] = {}
        self._journal = journal
        self._clock = clock

    def decide(self, update: Update) -> Approval:
        """Count it, refuse it, or give the answer of the same update again."""
        if update.id not in self._answers:
            decision = update.argument
            assert isinstance(decision, Decision)
            self.gate.check(decision, self._clock())
            self._answers[update.id] = self.gate.add(decision, self._clock())
            self.counted.append(decision)
            self._journal.record(Record(incident=INCIDENT, approval=self.gate.approval))
        return self._answers[update.id]


class Door:
    """One gateway that hears Slack, with the incident that asks and its message."""

    def __init__(self, here: Doors, slack: SlackServer, fake: FakeTemporal, clock: Clock) -> None:
        self.here = here
        self.slack = slack
        self.fake = fake
        self.clock = clock
        self.client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)

    async def ask(self, asked: Approval | None = None) -> tuple[Workflow, str]:
        """Ask the question, and post its message; the workflow, and the message's ts."""
        question = asked or approval()
        open_incident(self.here.journal, asked=question)
        workflow = Workflow(self.here.journal, question, self.clock)
        self.fake.running |= {WORKFLOW, RUN}
        self.fake.answers["decide"] = workflow.decide
        said = IncidentRef(incident=INCIDENT, status="waiting")
        self.fake.answers |= dict.fromkeys(("take_over", "page", "run"), said)
        return workflow, await self.post(question)

    async def post(self, question: Approval) -> str:
        """The message of a question, as it is shown; its ts."""
        incident = self.here.journal.incident(INCIDENT)
        assert incident is not None
        asked = Asked(approval=view_of(question))
        return await self.show(approval_card(MessageView(incident=incident, asked=(asked,)), asked))

    async def show(self, card: Card) -> str:
        """Post a message as the worker would; its ts."""
        told = await self.client.chat_postMessage(channel=OPS, text=card.text, blocks=card.blocks)
        return str(told["ts"])

    def results(self) -> dict[str, int]:
        """How often what people did ended in which way."""
        found = [*self.here.metrics.slack_actions.collect()]
        samples = (s for metric in found for s in metric.samples if s.name.endswith("_total"))
        return {s.labels["result"]: int(s.value) for s in samples if s.value}

    async def ended(self, number: int) -> None:
        """Wait until so many acts have come to their end."""
        await until(lambda: sum(self.results().values()) >= number)

    async def shown(self, user: str) -> str:
        """All the words of the topmost window of a person, once there is one that has loaded."""
        await until(lambda: bool(self.slack.views_of(user)))
        await until(lambda: "Loading…" not in words(self.slack.views_of(user)[-1]))
        return words(self.slack.views_of(user)[-1])

    async def whispered(self, user: str) -> str:
        """All the words of the newest message that only they see."""
        await until(lambda: any(e["to"] == user for e in self.slack.ephemerals))
        return words([e for e in self.slack.ephemerals if e["to"] == user][-1]["blocks"])


def words(told: Any) -> str:
    """Every text in a piece of Block Kit, in its order; of a time what a client without zones
    shows.
    """
    if isinstance(told, list):
        return " ".join(filter(None, map(words, told)))
    if not isinstance(told, dict):
        return ""
    shown = (told.get("text"), told.get("fallback"))
    own = [text for text in shown if isinstance(text, str)]
    return " ".join(filter(None, [*own, *map(words, told.values())]))


async def until(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    """Wait for the condition itself, so long at most."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def door(
    engine: Engine, slack: SlackServer, fake: FakeTemporal, clock: Clock, **changed: Any
) -> AsyncIterator[Door]:
    """A gateway with a socket, once it is connected."""
    keys = SlackKeys(SecretStr(slack.bot_token), SecretStr(slack.app_token), None, slack.api_url)
    values: dict[str, Any] = {
        "policy": policy(),
        "clock": clock,
        "slack": Line(keys),
    }
    here = make_doors(engine, fake, **(values | changed))
    async with slack_running(here, PING_SECONDS):
        await until(lambda: here.slack.is_connected)
        yield Door(here, slack, fake, clock)
