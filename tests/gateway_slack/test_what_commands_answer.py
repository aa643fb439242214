"""What `/firebreak` and `/toil` answer: always what to do next, in words that work in Slack."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from gateway_fakes import APPROVAL, INCIDENT, FakeTemporal, approval, open_incident, plan
from gateway_slack.slack_door import ANA, BEN, OPS, Clock, Door, door, policy
from sqlalchemy import Engine

from contracts.journal import IncidentChange, Record
from contracts.policy import OnCall
from sandbox.slack import SlackServer

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _answer(at: Door, command: str, text: str, who: str = ANA) -> str:
    before = sum(at.results().values())
    heard = await asyncio.to_thread(at.slack.command, who, OPS, command, text)
    assert heard.acked
    await at.ended(before + 1)
    return await at.whispered(who)


@pytest.mark.parametrize("text", ["", "help", " HELP "])
@pytest.mark.parametrize("command", ["/firebreak", "/toil"])
async def test_help_lists_what_may_be_typed(at: Door, command: str, text: str) -> None:
    """Each as it has to be typed."""
    told = await _answer(at, command, text)
    rows = [row for row in told.splitlines() if row.strip()]
    assert len(rows) > 3
    assert all(row.strip().startswith(f"{command} ") for row in rows)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("25m", "what you did is missing"),
        ("25 restarted it", "Write 25m for minutes."),
        ("2 restarted it", "2m for minutes or 2h for hours"),
        ("900 restarted it", "12 h at most"),
        ("0 restarted it", "12 h at most"),
        ("0m restarted it", "no time at all"),
        ("13h restarted it", "at most 12 h"),
        ("-5m restarted it", "is not a duration"),
        ("25m restarted it @nope", "Known are: user-auth"),
        ("25m restarted it @ben", "There is no service 'ben'. Known are: user-auth"),
        ("25m " + "x" * 501, "in 500 characters"),
        ("start", "what you did is missing"),
        ("stop", "no stopwatch of yours runs"),
        ("stop now", "alone"),
        ("undo", "start, stop or me"),
    ],
)
async def test_bad_toil_posts_nothing_and_says_what_to_write(
    at: Door, text: str, part: str
) -> None:
    """A number of minutes that was guessed would stand in the ledger for ever."""
    told = " ".join((await _answer(at, "/toil", text)).split())
    assert part.lower() in told.lower()
    assert at.here.ledger.entries(person="ana") == ()


async def test_a_reason_that_is_typed_with_a_yes_is_kept(at: Door) -> None:
    """It was dropped without a word once."""
    workflow, _ = await at.ask(approval().model_copy(update={"needed": 2}))
    told = await _answer(at, "/firebreak", f"approve {APPROVAL} the canary is fine")
    assert workflow.counted[0].reason == "the canary is fine"
    what = "Roll user-auth back to revision 1 (🟠 medium risk)."
    assert told == f"Recorded: you approve {APPROVAL}: {what} 1 more must agree."
    told = await _answer(at, "/firebreak", f"approve {APPROVAL}", BEN)
    assert told == f"Recorded: you approve {APPROVAL}: {what}"


async def test_a_wrong_id_leads_to_those_there_are(at: Door) -> None:
    """By a command, because a path would be one that Slack does not know."""
    told = await _answer(at, "/firebreak", "approve apr-nope")
    assert "No such approval" in told
    assert "/firebreak status" in told


async def test_what_is_not_paused_is_answered_with_what_is(at: Door) -> None:
    """Somebody in a hurry forgets the scope."""
    assert "Nothing is paused" in await _answer(at, "/firebreak", "resume")
    told = await _answer(at, "/firebreak", "pause namespace:shop deploys")
    assert told.endswith("written there until /firebreak resume namespace:shop.")
    assert "namespace:shop" in await _answer(at, "/firebreak", "resume")
    assert at.here.pauses.all() != ()
    told = await _answer(at, "/firebreak", "pause stop it all")
    assert told == "Paused: everything. Nothing is written until /firebreak resume."


async def test_status_says_until_when_and_who_is_on_call(
    engine: Engine, slack: SlackServer, fake: FakeTemporal, clock: Clock
) -> None:
    """Who cannot be known is said to be unknown."""
    kinds: dict[str, Any] = {"kind": "static", "people": ("dan",)}
    names = ("primary", "night", "empty")
    given = policy(oncall=tuple(OnCall(name=name, **kinds) for name in names))
    async with door(engine, slack, fake, clock, policy=given) as at:
        await at.ask()
        at.here.memberships.keep("oncall:primary", ["dan", "ben"], clock())
        at.here.memberships.keep("oncall:night", ["ana"], clock() - timedelta(minutes=6))
        at.here.memberships.keep("oncall:empty", [], clock())
        told = await _answer(at, "/firebreak", "status")
    assert f"{APPROVAL} waits until  2026-11-21 08:43 UTC : Roll user-auth back" in told
    assert "On-call primary: Ben and Dan" in told
    assert "On-call night: unknown" in told
    assert "On-call empty: nobody" in told


async def test_status_finds_an_open_incident_behind_many_closed_ones(at: Door) -> None:
    """A busy week must not hide what still waits."""
    open_incident(at.here.journal)
    for number in range(60):
        change = IncidentChange(
            workflow=f"incident/{number}",
            status="closed",
            opened_at=at.clock() + timedelta(seconds=number),
            closed_at=at.clock() + timedelta(hours=1),
        )
        at.here.journal.record(Record(incident=f"inc-9{number:011}", change=change))
    told = await _answer(at, "/firebreak", "status")
    assert INCIDENT in told
    assert "inc-9" not in told


async def test_a_long_plan_does_not_break_the_status(at: Door) -> None:
    """Slack refuses a message that is too long, and then nobody would read anything."""
    long = plan().model_copy(update={"summary": "s" * 5_000})
    await at.ask(approval().model_copy(update={"plan": long}))
    told = await _answer(at, "/firebreak", "status")
    assert INCIDENT in told
    assert len(told) < 1_000
