"""App Home: what waits for the person who looks, and what they have taken over."""

import asyncio
from datetime import timedelta

import pytest
from gateway_fakes import INCIDENT, approval
from gateway_slack.slack_door import ANA, CLEO, DAN, Door, until, words

from contracts.journal import Event, IncidentChange, Record
from contracts.slack import ids

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _home(at: Door, who: str) -> str:
    calls = len(at.slack.calls("views.publish"))
    heard = await asyncio.to_thread(at.slack.open_home, who)
    assert heard.acked
    await until(lambda: len(at.slack.calls("views.publish")) > calls)
    return words(at.slack.home_of(who))


async def test_home_shows_the_questions_that_wait_for_this_person(at: Door) -> None:
    """Ana may answer, and Dan may not."""
    await at.ask()
    assert approval().plan.summary in await _home(at, ANA)
    assert approval().plan.summary not in await _home(at, DAN)


async def test_home_knows_the_groups_of_a_person(at: Door) -> None:
    """Who is on call is asked, too."""
    await at.ask(approval().model_copy(update={"approvers": ("oncall:primary",)}))
    at.here.memberships.keep("oncall:primary", ["dan"], at.clock())
    assert approval().plan.summary in await _home(at, DAN)
    assert approval().plan.summary not in await _home(at, ANA)


async def test_a_question_whose_time_has_ended_waits_for_nobody(at: Door) -> None:
    """Even where nobody has noticed yet."""
    await at.ask()
    at.clock.move(timedelta(minutes=14).total_seconds())
    assert approval().plan.summary not in await _home(at, ANA)


async def test_home_shows_what_the_person_has_taken_over(at: Door) -> None:
    """So that it is not forgotten."""
    await at.ask()
    change = IncidentChange(status="taken_over")
    event = Event(key="t", at=at.clock(), actor="ana", type="taken_over", text="taken over by ana")
    at.here.journal.record(Record(incident=INCIDENT, change=change, events=(event,)))
    assert "You have taken over" in await _home(at, ANA)
    assert "You have taken over" not in await _home(at, DAN)


async def test_a_stranger_sees_an_empty_home(at: Door) -> None:
    """With the reason, and nothing of what goes on."""
    await at.ask()
    told = await _home(at, CLEO)
    assert "belongs to nobody" in told
    assert approval().plan.summary not in told


async def test_toil_is_logged_from_home(at: Door) -> None:
    """Told in the person's own conversation, since there is no channel."""
    await _home(at, ANA)
    await asyncio.to_thread(at.slack.click_home, ANA, ids.HOME_LOG)
    await at.shown(ANA)
    entered = {ids.TEXT: "restarted it", ids.MINUTES: "5", ids.SERVICE: "user-auth"}
    await asyncio.to_thread(at.slack.submit, ANA, entered)
    await until(lambda: bool(at.slack.dms.get(ANA)))
    assert "Logged: 5 min" in words(at.slack.dms[ANA][-1]["blocks"])
    assert [e.seconds for e in at.here.ledger.entries(person="ana")] == [300]
