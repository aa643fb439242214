"""PagerDuty is called when people are needed, once for each reason, and told when they are not."""

from collections.abc import Iterator

import pytest
from pagerduty_desk import KEY, QUESTION, Events, Story, paged
from rollback_plan import NOON, PLAN, TARGET
from sqlalchemy import Engine
from upstreams import serving

from activities.alarms import PAGES_MAX
from activities.pagerduty import SUMMARY_CHARS_MAX
from contracts.alert import Alert


@pytest.fixture
def events() -> Iterator[Events]:
    """An endpoint that runs until the test is over."""
    with serving() as server:
        yield Events(server)


@pytest.fixture
def story(engine: Engine, events: Events) -> Story:
    """An open incident."""
    return Story(engine, events)


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
    assert events.ringing == ["inc-1/escalated-2"]


def test_what_escalates_on_and_on_is_one_alert(story: Story, events: Events) -> None:
    """While nobody has had it meanwhile, PagerDuty adds each line to it: a flood is not a flood."""
    story.told("escalated", "no runbook for A", status="escalated")
    assert story.told("escalated", "no runbook for B") == ["trigger", "trigger"]
    story.told("matched", data={"dry_run": True})
    assert story.told("escalated", "no runbook for C") == ["trigger", "trigger", "trigger"]
    assert {event["dedup_key"] for event in events.received} == {"inc-1/escalated-2"}


def test_a_no_rings_nobody(story: Story, events: Events) -> None:
    """Who said it is awake; what comes later rings, and what rang before goes on."""
    no = {"status": "declined", "dry_run": False}
    assert story.told("outcome", "declined: ana declined", status="escalated", data=no) == []
    assert story.told("note") == []
    assert story.told("escalated", "no runbook for B") == ["trigger"]
    story.told("matched", data={"dry_run": False}, status="open")
    story.told("outcome", "declined: ana declined", status="escalated", data=no)
    assert len(events.received) == 1
    assert len(events.ringing) == 1


def test_what_escalates_after_another_runbook_rings_anew(story: Story, events: Events) -> None:
    """Somebody may have acknowledged the first by phone; it is over when the second comes."""
    story.told("escalated", "the workload is sick", status="escalated")
    story.told("matched", data={"dry_run": False}, status="open")
    assert events.standing == ["inc-1/escalated-2"]
    story.told("outcome", "failed: still sick", status="escalated")
    assert events.actions == ["trigger", "trigger", "resolve"]
    assert events.ringing == events.standing == ["inc-1/escalated-4"]


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
    assert {event["dedup_key"] for event in events.received} == {"inc-1/escalated-2"}
    assert "payload" not in events.received[1]


def test_a_take_over_of_what_nobody_was_called_to_is_no_event(story: Story) -> None:
    """There is nothing to acknowledge."""
    assert story.told("taken_over", status="taken_over") == []


def test_what_fires_on_after_a_hand_back_rings_anew(story: Story, events: Events) -> None:
    """PagerDuty rings nobody for an alert that somebody has acknowledged, so it is another one."""
    story.told("escalated", status="escalated")
    story.told("taken_over", status="taken_over")
    assert events.ringing == []
    story.told("handed_back", status="escalated")
    assert events.ringing == events.standing == ["inc-1/escalated-4"]


def test_a_hand_back_that_was_missed_rings_anew_too(story: Story, events: Events) -> None:
    """PagerDuty was away in between; somebody may have acknowledged the first one there."""
    story.told("escalated", status="escalated")
    story.tell("taken_over", status="taken_over")
    story.told("handed_back", status="escalated")
    assert events.ringing == events.standing == ["inc-1/escalated-4"]


def test_each_page_by_a_person_rings(story: Story, events: Events) -> None:
    """Also a second one to the same person, and one from whoever has the incident."""
    story.told("paged", "ana pages ben", data={"whom": ["ben"]})
    story.told("paged", "ana pages ben", data={"whom": ["ben"]})
    assert events.ringing == ["inc-1/page-2", "inc-1/page-3"]
    story.told("taken_over", status="taken_over")
    assert events.ringing == []
    story.told("paged", "ana pages cyn", data={"whom": ["cyn"]})
    story.told("note")
    assert events.ringing == ["inc-1/page-5"]
    story.told("closed", status="closed", closed_at=NOON)
    assert events.standing == []


def test_a_page_that_was_overtaken_by_a_take_over_rings_nobody(story: Story) -> None:
    """PagerDuty was away when it was said; somebody has come by now."""
    story.tell("paged", "ana pages ben", data={"whom": ["ben"]})
    assert story.told("taken_over", status="taken_over") == []


def test_no_more_than_the_newest_pages_ring_after_an_outage(story: Story, events: Events) -> None:
    """A bounded number."""
    for _ in range(PAGES_MAX + 2):
        story.tell("paged", "ana pages ben", data={"whom": ["ben"]})
    story.deliver()
    assert events.actions == ["trigger"] * PAGES_MAX
    assert "inc-1/page-8" in events.ringing


@pytest.mark.parametrize("state", ["approved", "denied", "expired", "void"])
def test_a_question_that_is_over_rings_no_more(story: Story, events: Events, state: str) -> None:
    """At once: nobody climbs out of bed for what was answered."""
    story.told("asked", status="waiting", approval=QUESTION)
    story.told("paged", approval=paged(), data={"approval": "apr-1"})
    assert events.ringing == ["inc-1/apr-1"]
    assert story.told("decided", approval=paged(state))[-1] == "resolve"
    assert story.told("closed", status="closed", closed_at=NOON) == ["trigger", "resolve"]


def test_the_second_question_of_an_incident_rings(story: Story, events: Events) -> None:
    """Whatever became of the first."""
    for name in ("apr-1", "apr-2"):
        asked = paged().model_copy(update={"id": name})
        story.told("asked", status="waiting", approval=asked)
        story.told("paged", approval=asked, data={"approval": name})
        assert events.ringing == [f"inc-1/{name}"]
        story.told("decided", approval=asked.model_copy(update={"state": "denied"}))
        assert events.standing == []


def test_a_question_and_an_escalation_are_two_alerts(story: Story, events: Events) -> None:
    """The answer to one is not the end of the other; a close is the end of both."""
    story.told("escalated", status="escalated")
    story.told("paged", approval=paged(), data={"approval": "apr-1"})
    assert events.ringing == ["inc-1/apr-1", "inc-1/escalated-2"]
    story.told("decided", approval=paged("denied"))
    assert events.ringing == ["inc-1/escalated-2"]
    story.told("paged", "ana pages ben", data={"whom": ["ben"]})
    story.told("closed", status="closed", closed_at=NOON)
    assert events.standing == []


def test_a_page_that_was_overtaken_by_a_close_rings_nobody(story: Story) -> None:
    """PagerDuty was away from the page to the re-opening; what was wanted then is over."""
    story.tell("paged", "ana pages ben", data={"whom": ["ben"]})
    story.tell("closed", status="closed", closed_at=NOON)
    assert story.told("reopened", status="open", reopen=True) == []
    assert story.told("paged", "ana pages ben", data={"whom": ["ben"]}) == ["trigger"]


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
