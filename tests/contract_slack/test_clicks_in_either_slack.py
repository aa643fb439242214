"""What people do in either Slack reaches our door, and what the door answers reaches them.

The door is the real one of the gateway, over Socket Mode, with its real handlers.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest
import pytest_asyncio
from contract_slack.either_slack import ANA, BEN, CLEO, OPS, EitherSlack
from gateway_fakes import APPROVAL, INCIDENT, FakeTemporal, approval
from gateway_slack.slack_door import Clock, Door, door, until, words
from sqlalchemy import Engine

from contracts.slack import ids
from sandbox.slack import SlackServer

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", name="at")
async def _at(engine: Engine, slack: EitherSlack) -> AsyncIterator[Door]:
    """A gateway at its socket; of Slack it uses nothing but what both have."""
    server = cast(SlackServer, slack)
    async with door(engine, server, FakeTemporal(), Clock()) as made:
        yield made


async def test_a_click_on_approve_is_one_decision(at: Door) -> None:
    """It is acknowledged at once, and the message stays as it is: the messenger repaints."""
    workflow, ts = await at.ask()
    before = at.slack.messages(OPS)
    heard = await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    await at.ended(1)
    assert heard.acked
    assert heard.seconds < 3
    assert [(d.person, d.decision) for d in workflow.counted] == [("ana", "approve")]
    assert at.results() == {"ok": 1}
    assert at.slack.messages(OPS) == before


async def test_a_click_names_the_message_the_person_and_the_button(at: Door) -> None:
    """What our handlers read of a payload, in the same places."""
    _, ts = await at.ask()
    heard = await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    await at.ended(1)
    told, (action,) = heard.payload, heard.payload["actions"]
    assert (told["type"], told["api_app_id"]) == ("block_actions", "A0FIREBREAK")
    assert (told["user"]["id"], told["user"]["team_id"], told["team"]["id"]) == (
        ANA,
        "T0MAIN",
        "T0MAIN",
    )
    assert (told["channel"]["id"], told["message"]["ts"]) == (OPS, ts)
    assert (action["action_id"], action["value"]) == (ids.APPROVE, APPROVAL)
    assert told["container"]["message_ts"] == ts
    assert told["trigger_id"]
    assert told["response_url"]


async def test_somebody_who_may_not_is_told_in_a_window(at: Door) -> None:
    """And nothing is counted."""
    workflow, ts = await at.ask()
    await asyncio.to_thread(at.slack.click, CLEO, OPS, ts, ids.APPROVE)
    assert "belongs to nobody" in await at.shown(CLEO)
    assert workflow.counted == []


async def test_the_second_of_two_people_is_told_who_was_first(at: Door) -> None:
    """One decision, one execution."""
    workflow, ts = await at.ask()
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    await at.ended(1)
    await asyncio.to_thread(at.slack.click, BEN, OPS, ts, ids.APPROVE)
    assert " by Ana" in await at.shown(BEN)
    assert [d.person for d in workflow.counted] == ["ana"]


async def test_a_denial_wants_a_reason_and_then_counts(at: Door) -> None:
    """The fault stands beside the input, and the window stays open until it is mended."""
    workflow, ts = await at.ask()
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.DENY)
    await until(lambda: bool(at.slack.views_of(ANA)))
    refused = await asyncio.to_thread(at.slack.submit, ANA, {ids.REASON: " "})
    (window,) = at.slack.views_of(ANA)
    assert refused.body["response_action"] == "errors"
    assert "Say in a few words" in window["errors"][ids.REASON]
    await asyncio.to_thread(at.slack.submit, ANA, {ids.REASON: "not before lunch"})
    await at.ended(2)
    assert [(d.decision, d.reason) for d in workflow.counted] == [("deny", "not before lunch")]
    assert at.slack.views_of(ANA) == []


async def test_details_open_at_once_and_are_filled(at: Door) -> None:
    """A window that says that it loads, and then the whole question in its place."""
    await at.ask()
    (message,) = at.slack.messages(OPS)
    await asyncio.to_thread(at.slack.click, ANA, OPS, message["ts"], ids.DETAILS)
    assert approval().plan.kubectl in await at.shown(ANA)
    assert len(at.slack.views_of(ANA)) == 1


async def test_the_menu_takes_the_incident_over(at: Door) -> None:
    """The chosen option names what, and of which incident."""
    _, ts = await at.ask()
    value = f"{ids.TAKE_OVER}|{INCIDENT}"
    heard = await asyncio.to_thread(at.slack.choose, ANA, OPS, ts, ids.MORE, value)
    assert heard.acked
    assert f"firebreak hand-back {INCIDENT}" in await at.shown(ANA)
    await asyncio.to_thread(at.slack.submit, ANA, {})
    await at.ended(2)
    assert [update.name for _, update in at.fake.updates] == ["take_over"]


async def test_a_command_is_answered_to_the_one_who_typed(at: Door) -> None:
    """Over its own address, for their eyes only."""
    await at.ask()
    heard = await asyncio.to_thread(
        at.slack.command, ANA, OPS, ids.FIREBREAK_COMMAND, f"approve {APPROVAL}"
    )
    await at.ended(1)
    assert heard.acked
    assert at.results() == {"ok": 1}
    assert await at.whispered(ANA)
    assert len(at.slack.messages(OPS)) == 1


async def test_home_shows_what_waits_when_it_is_opened(at: Door) -> None:
    """An event, answered with a published view."""
    await at.ask()
    heard = await asyncio.to_thread(at.slack.open_home, ANA)
    await until(lambda: at.slack.home_of(ANA) is not None)
    assert heard.acked
    assert approval().plan.summary in words(at.slack.home_of(ANA))


async def test_a_button_of_another_version_says_so(at: Door) -> None:
    """An old message must not lead to silence."""
    await at.ask()
    old = {"type": "button", "action_id": "ap.gone", "text": {"type": "plain_text", "text": "Go"}}
    blocks = [{"type": "actions", "block_id": "old", "elements": [old]}]
    told = await at.client.chat_postMessage(channel=OPS, text="old", blocks=blocks)
    await asyncio.to_thread(at.slack.click, ANA, OPS, str(told["ts"]), "ap.gone")
    assert "older version" in await at.shown(ANA)
