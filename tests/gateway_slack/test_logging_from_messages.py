"""Log as toil: on any message of any channel, and from the person's own page."""

import asyncio

import pytest
from gateway_slack.slack_door import ANA, BEN, OPS, Door, until, words

from contracts.slack import ids
from contracts.toil import Entry
from gateway.slack.toil import log_faults
from sandbox.slack import Channel

pytestmark = pytest.mark.asyncio(loop_scope="session")

ELSE = "C0ELSE"


async def _open(at: Door, channel: str, ts: str) -> str:
    heard = await asyncio.to_thread(at.slack.shortcut, ANA, ids.LOG_SHORTCUT, channel, ts)
    assert heard.acked
    await at.shown(ANA)
    [field] = [b for b in at.slack.views_of(ANA)[-1]["blocks"] if b["block_id"] == ids.TEXT]
    return str(field["element"].get("initial_value", ""))


async def _log(at: Door, minutes: str = "15") -> Entry:
    await asyncio.to_thread(at.slack.submit, ANA, {ids.MINUTES: minutes})
    await until(lambda: bool(at.here.ledger.entries(person="ana")))
    return at.here.ledger.entries(person="ana")[-1]


async def test_a_message_of_a_channel_without_the_app_is_logged(at: Door) -> None:
    """The answer comes in private, because the app cannot whisper there."""
    at.slack.workspace.channels.append(Channel(ELSE, "else", {ANA, BEN}))
    said = at.slack.say(BEN, ELSE, "please restart it")
    assert await _open(at, ELSE, said["ts"]) == "please restart it"
    entry = await _log(at)
    assert f"/archives/{ELSE}/p{said['ts'].replace('.', '')}" in entry.text
    await until(lambda: bool(at.slack.dms.get(ANA)))
    assert "Logged: 15 min, please restart it" in words(at.slack.dms[ANA][-1]["blocks"])


async def test_an_answer_in_a_thread_keeps_its_thread(at: Door) -> None:
    """The address opens the thread, and the answer is whispered into it."""
    first = at.slack.say(BEN, OPS, "it hangs")
    answer = at.slack.say(BEN, OPS, "I drained the node", first["ts"])
    await _open(at, OPS, answer["ts"])
    entry = await _log(at)
    assert f"?thread_ts={first['ts']}&cid={OPS}" in entry.text
    await at.whispered(ANA)
    assert at.slack.ephemerals[-1]["thread_ts"] == first["ts"]


async def test_a_message_of_the_app_itself_is_logged(at: Door) -> None:
    """Its plain words fill the field."""
    _, ts = await at.ask()
    assert "Roll user-auth back to revision 1" in await _open(at, OPS, ts)
    assert (await _log(at)).seconds == 900


async def test_a_long_message_is_cut_where_one_sees_it(at: Door) -> None:
    """What was done is a sentence, and not a log."""
    said = at.slack.say(BEN, OPS, "x" * 2_000)
    told = await _open(at, OPS, said["ts"])
    assert told.endswith("x…")
    assert len(told) < 300


async def test_one_window_that_is_sent_twice_is_one_entry(at: Door) -> None:
    """Whichever gateway the second delivery reaches."""
    said = at.slack.say(BEN, OPS, "please restart it")
    await _open(at, OPS, said["ts"])
    await _log(at)
    await asyncio.to_thread(at.slack.deliver_again)
    await at.ended(3)
    assert len(at.here.ledger.entries(person="ana")) == 1


async def test_the_own_page_shows_at_once_what_was_logged_on_it(at: Door) -> None:
    """Or one would log it again."""
    await asyncio.to_thread(at.slack.open_home, ANA)
    await until(lambda: at.slack.home_of(ANA) is not None)
    assert "15 min" not in words(at.slack.home_of(ANA))
    await asyncio.to_thread(at.slack.click_home, ANA, ids.HOME_LOG)
    await at.shown(ANA)
    entered = {ids.TEXT: "restarted it", ids.MINUTES: "15"}
    await asyncio.to_thread(at.slack.submit, ANA, entered)
    await until(lambda: "15 min" in words(at.slack.home_of(ANA)))


async def test_the_own_page_opens_the_details_of_a_question(at: Door) -> None:
    """Its buttons work where there is no channel, too."""
    await at.ask()
    await asyncio.to_thread(at.slack.open_home, ANA)
    await until(lambda: at.slack.home_of(ANA) is not None)
    await asyncio.to_thread(at.slack.click_home, ANA, ids.DETAILS)
    assert "rollout undo deployment/user-auth" in await at.shown(ANA)


@pytest.mark.parametrize("minutes", ["", "0", "721", "1.5", "-3", "²", "1e2"])
async def test_minutes_that_are_none_are_refused_beside_the_field(minutes: str) -> None:
    """Slack's own check is not the only one."""
    told = log_faults({ids.TEXT: "x", ids.MINUTES: minutes})
    assert told.keys() == {ids.MINUTES}
    assert log_faults({ids.TEXT: " ", ids.MINUTES: "5"}).keys() == {ids.TEXT}
