"""PagerDuty is called when people are needed, once for each reason, and told when they are not."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from rollback_plan import NOON, PLAN, TARGET, question
from sqlalchemy import Engine
from upstreams import Asked, Said, Upstream, serving

from activities.messages import MessageActivities
from activities.pagerduty import SUMMARY_CHARS_MAX, PagerDutyChannel
from contracts.alert import Alert
from contracts.approval import Approval
from contracts.calls import DeliverCall
from contracts.errors import Unavailable
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
        self.headers: dict[str, str] = {}
        self.received: list[dict[str, Any]] = []

    @property
    def actions(self) -> list[str]:
        """What was asked for, in order."""
        return [event["event_action"] for event in self.received]

    def _answer(self, asked: Asked) -> Said:
        status = self.statuses.pop(0) if self.statuses else 202
        if status == httpx.codes.ACCEPTED:
            self.received.append(asked.json)
        told = {"status": "success", "message": "Event processed", "dedup_key": "x"}
        return Said(json.dumps(told).encode(), status, self.headers)


@pytest.fixture
def events() -> Iterator[Events]:
    """An endpoint that runs until the test is over."""
    with serving() as server:
        yield Events(server)


class Story:
    """One incident in the real books, and the real delivery of each of its revisions."""

    def __init__(self, engine: Engine, events: Events) -> None:
        self._engine = engine
        self._events = events
        self._lines = 0
        self.now = NOON
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
        with httpx.Client(trust_env=False) as client:
            channel = PagerDutyChannel(self._events.url, SecretStr(KEY), client, books[1])
            made = MessageActivities(
                *books, {"pagerduty": channel}, "https://firebreak.test", lambda: self.now
            )
            made.deliver(DeliverCall(incident="inc-1"))

    def told(self, kind: str, text: str = "why", **more: Any) -> list[str]:
        """Tell a line, deliver, and give back all that PagerDuty was asked."""
        self.tell(kind, text, **more)
        self.deliver()
        return self._events.actions


@pytest.fixture
def story(engine: Engine, events: Events) -> Story:
    """An open incident."""
    return Story(engine, events)


def paged(state: str = "open") -> Approval:
    """The question at its last rung."""
    return QUESTION.model_copy(update={"stage": "paged", "state": state})


def test_what_heals_by_itself_calls_nobody(story: Story) -> None:
    """Not when it opens, asks, reminds, is answered, nor when it closes."""
    assert story.told("asked", status="waiting", approval=QUESTION) == []
    reminded = QUESTION.model_copy(update={"stage": "reminded"})
    assert story.told("reminded", approval=reminded, data={"approval": "apr-1"}) == []
    assert story.told("written", status="acting") == []
    assert story.told("outcome", "resolved: healed", status="open") == []
    assert story.told("closed", status="closed", closed_at=NOON) == []


def test_an_escalated_incident_calls_people_once(story: Story, events: Events) -> None:
    """However often it is delivered, and whatever else is written down meanwhile."""
    assert story.told("outcome", "refused: not on the list", status="escalated") == ["trigger"]
    assert story.told("note") == ["trigger"]
    assert story.told("outcome", "refused: a dry run", data={"dry_run": True}) == ["trigger"]
    assert events.received[0]["dedup_key"] == "inc-1"


def test_a_new_reason_calls_again(story: Story) -> None:
    """The alert is the same; PagerDuty adds the line to it."""
    story.told("escalated", "the workload is sick", status="escalated")
    assert story.told("escalated", "it is still sick") == ["trigger", "trigger"]


def test_a_question_that_nobody_answers_calls_people(story: Story, events: Events) -> None:
    """With what it would do, and until when it can be answered."""
    story.told("asked", status="waiting", approval=QUESTION)
    line = {"approval": "apr-1"}
    assert story.told("paged", "nobody has decided", approval=paged(), data=line) == ["trigger"]
    (question,) = events.received[0]["payload"]["custom_details"]["questions"]
    assert question["command"] == PLAN.kubectl
    assert question["until"] == "2026-11-21T12:10:00+00:00"


def test_a_question_that_was_answered_meanwhile_calls_nobody(story: Story) -> None:
    """PagerDuty was away when it was paged; what is true now is sent."""
    story.tell("paged", "nobody has decided", approval=paged(), data={"approval": "apr-1"})
    assert story.told("decided", approval=paged("approved")) == []


def test_a_person_who_pages_is_heard(story: Story, events: Events) -> None:
    """Whatever the incident does; whom they want is told."""
    assert story.told("paged", "ana pages ben", data={"whom": ["ben"]}) == ["trigger"]
    assert events.received[0]["payload"]["custom_details"]["whom"] == ["ben"]


def test_a_take_over_acknowledges_and_a_close_resolves(story: Story, events: Events) -> None:
    """Once each, under the key of the trigger."""
    story.told("escalated", status="escalated")
    story.told("taken_over", status="taken_over")
    story.told("note")
    story.told("handed_back", status="open")
    story.told("closed", status="closed", closed_at=NOON)
    assert story.told("note") == ["trigger", "acknowledge", "resolve"]
    assert {event["dedup_key"] for event in events.received} == {"inc-1"}
    assert "payload" not in events.received[1]


def test_a_take_over_of_what_nobody_was_called_to_is_no_event(story: Story) -> None:
    """There is nothing to acknowledge."""
    assert story.told("taken_over", status="taken_over") == []


def test_what_fires_on_after_a_hand_back_calls_again(story: Story) -> None:
    """People have it, and nobody is at it."""
    story.told("escalated", status="escalated")
    story.told("taken_over", status="taken_over")
    assert story.told("handed_back", status="escalated")[-1] == "trigger"


def test_a_reopened_incident_calls_for_new_reasons_only(story: Story) -> None:
    """What was paged for before it closed is over."""
    story.told("paged", data={"whom": ["ben"]})
    story.told("closed", status="closed", closed_at=NOON)
    assert story.told("reopened", status="open", reopen=True) == ["trigger", "resolve"]
    assert story.told("escalated", status="escalated")[-1] == "trigger"


def test_the_event_says_what_a_woken_person_needs(story: Story, events: Events) -> None:
    """What is wrong where, why they are called, how bad it is, and the link; no key in it twice."""
    alert = Alert.model_validate(
        {
            "source": "am",
            "fingerprint": "aa",
            "status": "firing",
            "name": "HighLatency",
            "labels": {"severity": "warning"},
            "annotations": {"summary": "p99 is 3 s " + "x" * 2000},
            "starts_at": NOON,
            "target": TARGET,
        }
    )
    story.told("escalated", "no runbook applies", status="escalated", alerts=(alert,))
    (event,) = events.received
    assert event["routing_key"] == KEY
    payload = event["payload"]
    assert payload["summary"].startswith("inc-1 escalated: p99 is 3 s")
    assert len(payload["summary"]) == SUMMARY_CHARS_MAX
    assert payload["source"] == str(TARGET)
    assert (payload["severity"], payload["component"]) == ("warning", "user-auth")
    assert payload["custom_details"]["why"] == "no runbook applies"
    assert event["links"][0]["href"] == "https://firebreak.test/incidents/inc-1"


def test_without_a_severity_it_is_an_error(story: Story, events: Events) -> None:
    """PagerDuty takes four words, and needs one."""
    story.told("escalated", status="escalated")
    assert events.received[0]["payload"]["severity"] == "error"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_what_may_pass_is_sent_again(story: Story, events: Events, status: int) -> None:
    """After the pause that is asked for; the key shows nowhere."""
    story.tell("escalated", status="escalated")
    events.statuses, events.headers = [status], {"Retry-After": "7"}
    with pytest.raises(Unavailable, match=f"answered {status}") as caught:
        story.deliver()
    assert caught.value.after_seconds == 7.0
    assert KEY not in caught.value.message
    story.deliver()
    assert events.actions == ["trigger"]


@pytest.mark.parametrize("status", [400, 401, 403, 413, 302])
def test_a_refusal_delays_nothing_and_is_tried_with_the_next_revision(
    story: Story, events: Events, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong key is said in the log; once it is right, people are called."""
    story.tell("escalated", status="escalated")
    events.statuses = [status]
    story.deliver()
    assert "channel refused" in caplog.text
    assert KEY not in caplog.text
    assert story.told("note") == ["trigger"]


def test_a_refused_close_is_not_forgotten(story: Story, events: Events) -> None:
    """Nobody knows by then whether there is an alert, so it is resolved with the next revision."""
    story.told("escalated", status="escalated")
    story.tell("closed", status="closed", closed_at=NOON)
    events.statuses = [400]
    story.deliver()
    assert story.told("note") == ["trigger", "resolve"]


def test_pagerduty_may_be_away(story: Story, events: Events) -> None:
    """What is undelivered is tried again."""
    story.tell("escalated", status="escalated")
    events.close()
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1: "):
        story.deliver()
