"""Take over, Ask again, links, and what an older version has left behind."""

import asyncio

import pytest
from gateway_fakes import APPROVAL, INCIDENT, WORKFLOW, approval
from gateway_slack.slack_door import ANA, BEN, CLEO, OPS, Door

from contracts.calls import PersonRequest, RunRequest
from contracts.journal import Event, IncidentChange, Record
from contracts.message import MessageView
from contracts.slack import ids
from contracts.slack.need_card import need_card
from contracts.standing import needs

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_taking_over_asks_once_more_and_then_the_incident(at: Door) -> None:
    """With the incident that the person looked at, so that a later one of the target refuses; the
    window says how to hand it back.
    """
    _, ts = await at.ask()
    value = f"{ids.TAKE_OVER}|{INCIDENT}"
    await asyncio.to_thread(at.slack.choose, ANA, OPS, ts, ids.MORE, value)
    assert f"firebreak hand-back {INCIDENT}" in await at.shown(ANA)
    assert at.fake.updates == []
    await asyncio.to_thread(at.slack.submit, ANA, {ids.REASON: " I know this one "})
    await at.ended(2)
    workflow, update = at.fake.updates[-1]
    assert (workflow, update.name) == (WORKFLOW, "take_over")
    wanted = PersonRequest(person="ana", incident=INCIDENT, reason="I know this one")
    assert update.argument == wanted
    assert not at.slack.views_of(ANA)


async def test_the_call_for_a_person_has_a_button_to_take_over(at: Door) -> None:
    """It opens the same window as the menu."""
    await at.ask()
    line = Event(key="k", at=at.clock(), type="escalated", text="still sick", actor="firebreak")
    change = IncidentChange(status="escalated")
    at.here.journal.record(Record(incident=INCIDENT, change=change, events=(line,)))
    incident = at.here.journal.incident(INCIDENT)
    assert incident is not None
    ts = await at.show(need_card(MessageView(incident=incident), needs(incident)[-1]))
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.TAKE)
    assert f"firebreak hand-back {INCIDENT}" in await at.shown(ANA)
    await asyncio.to_thread(at.slack.submit, ANA, {})
    await at.ended(2)
    assert [update.name for _, update in at.fake.updates] == ["take_over"]


async def test_what_ended_while_the_window_was_open_is_not_taken_over(at: Door) -> None:
    """It is looked at again when it is sent."""
    _, ts = await at.ask()
    value = f"{ids.TAKE_OVER}|{INCIDENT}"
    await asyncio.to_thread(at.slack.choose, ANA, OPS, ts, ids.MORE, value)
    await at.shown(ANA)
    change = IncidentChange(status="closed", closed_at=at.clock())
    at.here.journal.record(Record(incident=INCIDENT, change=change))
    await asyncio.to_thread(at.slack.submit, ANA, {})
    await at.ended(2)
    assert at.fake.updates == []


async def test_nobody_takes_over_a_closed_incident(at: Door) -> None:
    """Its workflow may be another incident's by now."""
    _, ts = await at.ask()
    change = IncidentChange(status="closed", closed_at=at.clock())
    at.here.journal.record(Record(incident=INCIDENT, change=change))
    value = f"{ids.TAKE_OVER}|{INCIDENT}"
    await asyncio.to_thread(at.slack.choose, ANA, OPS, ts, ids.MORE, value)
    assert "incident is closed" in await at.shown(ANA)
    assert at.fake.updates == []


async def test_a_stranger_reads_no_names(at: Door) -> None:
    """The window that would list people says no."""
    _, ts = await at.ask()
    await asyncio.to_thread(at.slack.choose, CLEO, OPS, ts, ids.MORE, f"{ids.PAGE}|{INCIDENT}")
    told = await at.shown(CLEO)
    assert "belongs to nobody" in told
    assert "Ben" not in told


async def test_asking_again_runs_once_whoever_clicks(at: Door) -> None:
    """The key is the question's, not the person's."""
    _, _ = await at.ask()
    expired = approval("expired")
    at.here.journal.record(Record(incident=INCIDENT, approval=expired))
    ts = await at.post(expired)
    for who in (ANA, BEN):
        await asyncio.to_thread(at.slack.click, who, OPS, ts, ids.AGAIN)
    await at.ended(2)
    asked = [update for _, update in at.fake.updates]
    assert {update.id for update in asked} == {f"again:{APPROVAL}"}
    wanted = asked[0].argument
    assert isinstance(wanted, RunRequest)
    assert (wanted.runbook, wanted.person, wanted.again) == ("RollbackDeployment", "ana", True)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": "denied"}, "this question is denied"),
        ({"requester": "ben"}, "Ask ben to start RollbackDeployment anew"),
    ],
)
async def test_only_what_firebreak_asked_in_vain_is_asked_again(
    at: Door, change: dict[str, str], why: str
) -> None:
    """A message that is older than what happened since has that button, too."""
    _, _ = await at.ask()
    expired = approval("expired")
    at.here.journal.record(Record(incident=INCIDENT, approval=expired))
    ts = await at.post(expired)
    changed = expired.model_copy(update=change)
    at.here.journal.record(Record(incident=INCIDENT, approval=changed))
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.AGAIN)
    assert why.lower() in (await at.shown(ANA)).lower()
    assert at.fake.updates == []


async def test_links_are_heard_and_nothing_more(at: Door) -> None:
    """Slack sends a click for them too, and warns who clicked when nobody answers."""
    blocks = [{"type": "actions", "elements": [_button(f"{ids.OPEN_PREFIX}incident")]}]
    ts = (await at.client.chat_postMessage(channel=OPS, text="x", blocks=blocks))["ts"]
    heard = await asyncio.to_thread(at.slack.click, ANA, OPS, ts, f"{ids.OPEN_PREFIX}incident")
    assert heard.acked
    assert at.results() == {}


async def test_a_button_of_an_older_version_says_so(at: Door) -> None:
    """Messages live for years; the newest one works."""
    blocks = [{"type": "actions", "elements": [_button("ap.forgotten")]}]
    ts = (await at.client.chat_postMessage(channel=OPS, text="x", blocks=blocks))["ts"]
    heard = await asyncio.to_thread(at.slack.click, ANA, OPS, ts, "ap.forgotten")
    assert heard.acked
    assert "older version" in await at.shown(ANA)
    assert at.results() == {"invalid": 1}


def _button(action: str) -> dict[str, object]:
    words = {"type": "plain_text", "text": "Look"}
    return {"type": "button", "action_id": action, "text": words, "value": "x"}
