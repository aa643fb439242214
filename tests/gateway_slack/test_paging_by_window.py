"""Page someone else: only those who could act when they come, and once for one window."""

import asyncio
from typing import Any

import pytest
from gateway_fakes import INCIDENT, WORKFLOW, FakeTemporal
from gateway_slack.slack_door import ANA, BEN, OPS, Clock, Door, door, policy
from sqlalchemy import Engine

from contracts.calls import PageRequest
from contracts.errors import InvalidInput
from contracts.policy import OnCall, Policy
from contracts.slack import ids
from gateway.paging import check_whom
from gateway.temporal import Update
from sandbox.slack import SlackServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRIMARY = OnCall(name="primary", kind="static", people=("dan",))


async def _opened(at: Door) -> str:
    """The window, opened by Ana; all its words."""
    _, ts = await at.ask()
    await asyncio.to_thread(at.slack.choose, ANA, OPS, ts, ids.MORE, f"{ids.PAGE}|{INCIDENT}")
    return await at.shown(ANA)


async def _sent(at: Door, whom: str, reason: str = "") -> None:
    entered = {ids.PERSON: whom, ids.REASON: reason}
    await asyncio.to_thread(at.slack.submit, ANA, entered)


async def test_a_person_is_called_with_the_reason(at: Door) -> None:
    """The one who asks is not offered, and nobody who may not act."""
    told = await _opened(at)
    assert "Ben" in told
    assert "Ana" not in told
    assert "Mia" not in told
    await _sent(at, "ben", "it is yours")
    await at.ended(2)
    assert "Called: Ben" in str(await at.whispered(ANA))
    workflow, update = at.fake.updates[-1]
    assert (workflow, update.name) == (WORKFLOW, "page")
    assert update.argument == PageRequest(
        person="ana", incident=INCIDENT, whom=("ben",), reason="it is yours"
    )


async def test_a_window_that_is_sent_twice_calls_once(at: Door) -> None:
    """Temporal knows the second update by its id; a window opened anew is a call of its own."""
    await _opened(at)
    await _sent(at, "ben")
    await asyncio.to_thread(at.slack.deliver_again)
    await at.ended(3)
    assert len({update.id for update in _updates(at)}) == 1
    await _again(at)
    await at.ended(5)
    assert len({update.id for update in _updates(at)}) == 2


async def test_who_is_on_call_can_be_called(
    engine: Engine, slack: SlackServer, fake: FakeTemporal, clock: Clock
) -> None:
    """By the name of the schedule, with whom it stands for at this moment."""
    given = policy(oncall=(PRIMARY,))
    async with door(engine, slack, fake, clock, policy=given) as at:
        at.here.memberships.keep("oncall:primary", ["dan"], at.clock())
        assert "On-call primary" in await _opened(at)
        await _sent(at, "oncall:primary")
        await at.ended(2)
        asked = _updates(at)[-1].argument
        assert isinstance(asked, PageRequest)
        assert asked.whom == ("oncall:primary",)
        assert asked.members == {"oncall:primary": ("dan",)}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"is_restricted": True}, "of ben is a guest"),
        ({"deleted": True}, "of ben is deactivated"),
        ({"id": "U0GONE"}, "of ben is not known to Slack"),
    ],
)
async def test_somebody_who_could_not_act_is_not_called(
    at: Door, change: dict[str, Any], why: str
) -> None:
    """Whoever waits for help must not wait for nobody."""
    await _opened(at)
    ben = at.slack.workspace.user(BEN)
    assert ben is not None
    for name, value in change.items():
        setattr(ben, name, value)
    await _sent(at, "ben")
    assert why in await at.shown(ANA)
    assert _updates(at) == []


async def test_when_slack_does_not_say_the_call_is_made(at: Door) -> None:
    """Calling is no permission, and better one call too many."""
    await _opened(at)
    await at.ended(1)
    at.slack.fail("users.info", None, "502")
    await _sent(at, "ben")
    await at.ended(2)
    assert len(_updates(at)) == 1


@pytest.mark.parametrize(
    ("whom", "why"),
    [
        ("bne", "there is no person 'bne'; write ben"),
        ("mia", "mia is no responder"),
        ("oncall:night", "there is no schedule 'oncall:night'"),
        ("usergroup:ops", "no user group of Slack"),
    ],
)
async def test_a_window_of_an_older_policy_is_refused(whom: str, why: str) -> None:
    """It may have stood open while the file was changed."""
    given: Policy = policy(oncall=(PRIMARY,))
    check_whom(["ben", "oncall:primary"], given)
    with pytest.raises(InvalidInput, match=why):
        check_whom(["ben", whom], given)


def _updates(at: Door) -> list[Update]:
    return [update for _, update in at.fake.updates]


async def _again(at: Door) -> None:
    ts = at.slack.messages(OPS)[-1]["ts"]
    await asyncio.to_thread(at.slack.choose, ANA, OPS, ts, ids.MORE, f"{ids.PAGE}|{INCIDENT}")
    await at.shown(ANA)
    await _sent(at, "ben")
