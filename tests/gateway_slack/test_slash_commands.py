"""`/firebreak` and `/toil`: what may be typed, what it does, and what it answers."""

import asyncio
from typing import Any

import pytest
from gateway_fakes import APPROVAL, INCIDENT
from gateway_slack.slack_door import ANA, CLEO, DAN, OPS, Door

from contracts.errors import InvalidInput
from contracts.slack import ids
from gateway.slack.clicks import click_of, plain_of
from gateway.slack.typed import Command, parse

asynchronous = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Command("help")),
        ("HELP", Command("help")),
        ("status", Command("status")),
        (" Approve  apr-1 ", Command("approve", "apr-1")),
        ("approve `apr-1`, looks right", Command("approve", "apr-1", "looks right")),
        ("deny apr-1 the canary is ill", Command("deny", "apr-1", "the canary is ill")),
        ("pause deploy is broken", Command("pause", "all", "deploy is broken")),
        ("pause all stop", Command("pause", "all", "stop")),
        ("pause namespace:shop a freeze", Command("pause", "namespace:shop", "a freeze")),
        ("pause Namespace:shop a freeze", Command("pause", "namespace:shop", "a freeze")),
        ("pause ALL stop", Command("pause", "all", "stop")),
        ("pause shop is down", Command("pause", "all", "shop is down")),
        ("pause at 10:30", Command("pause", "all", "at 10:30")),
        ("pause all at:once", Command("pause", "all", "at:once")),
        ("resume", Command("resume", "all")),
        ("resume cluster:default", Command("resume", "cluster:default")),
        ("resume Cluster:Blue", Command("resume", "cluster:Blue")),
    ],
)
def test_a_command_is_read(text: str, expected: Command) -> None:
    """In any case, with any blanks."""
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("aprove apr-1", "approve"),
        ("status now", "/firebreak status"),
        ("approve", "/firebreak approve APPROVAL"),
        ("approve inc-1", "/firebreak approve APPROVAL"),
        ("deny apr-1", "/firebreak deny APPROVAL REASON"),
        ("deny apr-1 " + "x" * 501, "500 characters"),
        ("pause", "/firebreak pause"),
        ("pause namespace:shop", "/firebreak pause"),
        ("resume all now", "/firebreak resume"),
        ("pause nonsense:shop because", "/firebreak pause all nonsense:shop because"),
        ("pause namespace shop x", "namespace:NAME"),
        ("pause Runbook is wrong", "runbook:NAME"),
        ("pause cluster", "cluster:NAME"),
        ("pause all: stop", "Nothing was paused"),
    ],
)
def test_a_bad_command_says_what_to_write(text: str, fix: str) -> None:
    """Never only that it is wrong."""
    with pytest.raises(InvalidInput) as refusal:
        parse(text)
    assert fix in refusal.value.fix


def test_what_slack_wrote_for_people_and_links_reads_as_it_was_typed() -> None:
    """Slack escapes three characters, and writes ids for names."""
    text = "<@U01|ana> &amp; <#C01|ops> &lt;b&gt; <https://x.test/a|x.test/a> <@U02>"
    assert plain_of(text) == "@ana & #ops <b> x.test/a @U02"
    text = "<!subteam^S01|@sre> <!here> <https://x.test/b> <script> 1<2 <mailto:a@x.test|a@x.test>"
    assert plain_of(text) == "@sre @here https://x.test/b <script> 1<2 a@x.test"


@asynchronous
async def test_approving_by_command_counts_like_the_button(at: Door) -> None:
    """The same person, the same plan, the same update."""
    workflow, _ = await at.ask()
    heard = await _type(at, ANA, f"approve {APPROVAL}")
    assert heard.acked
    assert "you approve" in await at.whispered(ANA)
    assert [(d.person, d.decision) for d in workflow.counted] == [("ana", "approve")]


@asynchronous
async def test_denying_by_command_counts_with_its_reason(at: Door) -> None:
    """Everything after the id is the reason."""
    workflow, _ = await at.ask()
    await _type(at, ANA, f"deny {APPROVAL} the canary &amp; more")
    await at.ended(1)
    assert workflow.counted[0].reason == "the canary & more"


@asynchronous
async def test_a_refusal_is_the_answer_to_the_command(at: Door) -> None:
    """Seen by the one who typed alone."""
    await at.ask()
    await _type(at, DAN, f"approve {APPROVAL}")
    assert "may decide this" in await at.whispered(DAN)
    assert all(e["to"] == DAN for e in at.slack.ephemerals)


@asynchronous
async def test_a_stranger_learns_nothing(at: Door) -> None:
    """Not even what goes on."""
    await at.ask()
    await _type(at, CLEO, "status")
    told = await at.whispered(CLEO)
    assert "belongs to nobody" in told
    assert INCIDENT not in told


@asynchronous
async def test_status_lists_what_waits_and_what_is_paused(at: Door) -> None:
    """The three things that somebody who comes in the night wants to know."""
    await at.ask()
    at.here.pauses.put("namespace:shop", "a <!channel> freeze", "ben", at.clock())
    await _type(at, ANA, "status")
    told = await at.whispered(ANA)
    for part in (APPROVAL, INCIDENT, "namespace:shop", "a <!channel> freeze"):
        assert part in told
    assert "<!channel>" not in at.slack.ephemerals[-1]["text"]


@asynchronous
async def test_writes_are_paused_and_resumed(at: Door) -> None:
    """By the same switch as in the browser."""
    await _type(at, ANA, "pause namespace:shop deploys are broken")
    await at.ended(1)
    assert [(p.scope, p.reason, p.person) for p in at.here.pauses.all()] == [
        ("namespace:shop", "deploys are broken", "ana")
    ]
    await _type(at, ANA, "resume namespace:shop")
    await at.ended(2)
    assert at.here.pauses.all() == ()


@asynchronous
async def test_toil_is_logged_once_for_one_act(at: Door) -> None:
    """Slack may bring the same command to two gateways."""
    await asyncio.to_thread(at.slack.command, ANA, OPS, "/toil", "25m restarted it @user-auth")
    await asyncio.to_thread(at.slack.deliver_again)
    await at.ended(2)
    [entry] = at.here.ledger.entries(person="ana")
    assert (entry.seconds, entry.text, entry.service) == (1500, "restarted it", "user-auth")
    assert (entry.team, entry.confidence) == ("shop", "confirmed")


@asynchronous
async def test_a_stopwatch_is_started_shown_and_stopped(at: Door) -> None:
    """What it measured is posted once."""
    await _toil(at, "start restarting it @user-auth")
    assert "Your stopwatch runs: restarting it" in await at.whispered(ANA)
    at.clock.move(600)
    await _toil(at, "me")
    await at.ended(2)
    assert "runs for 10 min" in await at.whispered(ANA)
    await _toil(at, "stop")
    await asyncio.to_thread(at.slack.deliver_again)
    await at.ended(4)
    [entry] = at.here.ledger.entries(person="ana")
    assert (entry.seconds, entry.service, entry.confidence) == (600, "user-auth", "measured")


@asynchronous
async def test_bad_toil_is_answered_with_what_to_write(at: Door) -> None:
    """And posts nothing."""
    await _toil(at, "25 restarted it")
    assert "25m" in await at.whispered(ANA)
    assert at.here.ledger.entries(person="ana") == ()


@asynchronous
async def test_a_message_is_logged_as_toil_with_its_address(at: Door) -> None:
    """The words fill the field, and the address stays with the entry."""
    said = at.slack.say(ANA, OPS, "I restarted user-auth by hand")
    heard = await asyncio.to_thread(at.slack.shortcut, ANA, ids.LOG_SHORTCUT, OPS, said["ts"])
    assert heard.acked
    assert "How many minutes?" in await at.shown(ANA)
    await asyncio.to_thread(at.slack.submit, ANA, {ids.MINUTES: "15"})
    assert "Logged: 15 min" in await at.whispered(ANA)
    [entry] = at.here.ledger.entries(person="ana")
    assert entry.seconds == 900
    assert "I restarted user-auth by hand" in entry.text
    assert f"/archives/{OPS}/p{said['ts'].replace('.', '')}" in entry.text


@asynchronous
async def test_a_command_of_an_older_version_is_heard(at: Door) -> None:
    """An app's settings may name a command that is gone."""
    heard = await asyncio.to_thread(at.slack.command, ANA, OPS, "/water", "now")
    assert heard.acked
    assert "older version" in await at.shown(ANA)


def test_a_click_without_anything_is_nobodys() -> None:
    """What Slack sends is looked at, never trusted to be whole."""
    bodies: list[dict[str, Any]] = [
        {},
        {"actions": []},
        {"view": {"private_metadata": "{"}},
        {"user": "x"},
    ]
    for body in bodies:
        assert click_of(body).user == ""


async def _type(at: Door, who: str, text: str) -> Any:
    return await asyncio.to_thread(at.slack.command, who, OPS, "/firebreak", text)


async def _toil(at: Door, text: str) -> None:
    await asyncio.to_thread(at.slack.command, ANA, OPS, "/toil", text)
