"""One question in Slack, whoever answers it where: one decision, one write, a truthful message.

Two gateways hear Slack, and every act of a person reaches one of them.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from kubernetes.client import AppsV1Api

from contracts.slack import ids
from devserver import free_port
from endtoend.house import BEN_TOKEN
from endtoend.slack_house import (
    ANA,
    BEN,
    DAN,
    GUS,
    QUICK_SECONDS,
    SHOP,
    Asked,
    SlackHouse,
    slack_house,
    words,
)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

OPEN = {ids.APPROVE, ids.DENY, ids.DETAILS, ids.MORE}


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="house")
async def _house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SlackHouse]:
    async with slack_house(tmp_path_factory.mktemp("slack-house"), gateways=2) as house:
        yield house


async def test_an_alert_is_approved_in_slack_and_healed(house: SlackHouse) -> None:
    """A card and a question in the service's channel; a click heals, and both say so."""
    asked = await house.ask("row-0")
    card = house.only(asked.incident, "card")
    assert card is not None
    assert house.buttons(asked) == OPEN
    assert house.only(asked.incident, asked.id)["thread_ts"] == card["ts"]  # type: ignore[index]
    assert "Waiting" in house.text(asked, "card")

    assert (await house.click(BEN, asked)).acked
    await house.healed("row-0")
    await house.says(asked, "Approved", f"@{BEN}  approved at", "What came of it:")
    closed = await house.resolved("row-0", asked)
    await house.says(asked, "Resolved", part="card")

    assert closed["outcome"] == "resolved"
    assert house.writes("row-0") == 1
    assert not house.buttons(asked) & {ids.APPROVE, ids.DENY}
    assert await house.votes(asked) == [("ben", "approve", "slack")]
    entries, seen = house.books(asked.incident)
    assert [(one.method, one.seconds) for one in entries] == [("automatic", 0)]
    assert [(one.person, one.source, one.action) for one in seen] == [
        ("ben", "approval", "approve")
    ]
    assert house.posted(asked.incident) == [
        f"{asked.incident}/slack/card",
        f"{asked.incident}/slack/{asked.id}",
    ]
    assert house.slack.messages("C0OPS") == []


async def test_a_denial_with_its_reason_writes_nothing(house: SlackHouse) -> None:
    """The window asks why; the message says who denied it and why, and what was done: nothing."""
    asked = await house.ask("row-1")
    await house.deny(ANA, asked, "the canary is still warm")
    await house.says(
        asked, "Denied", f"@{ANA}", ": the canary is still warm", "Nothing was written"
    )

    assert (await house.approval(asked))["state"] == "denied"
    assert house.writes("row-1") == 0
    assert not house.buttons(asked) & {ids.APPROVE, ids.DENY}
    assert [one.action for one in house.books(asked.incident)[1]] == ["deny"]
    assert house.image("row-1").endswith(":2.0")


async def test_a_double_click_is_one_vote(house: SlackHouse) -> None:
    """One reaches each gateway, at the same time, and nobody is told anything odd."""
    asked = await house.ask("row-2")
    one, other = await asyncio.gather(house.click(BEN, asked), house.click(BEN, asked))
    assert {one.socket, other.socket} == set(house.slack.sockets)
    await house.healed("row-2")
    await house.says(asked, "Approved")

    assert await house.votes(asked) == [("ben", "approve", "slack")]
    assert house.writes("row-2") == 1
    assert len(house.books(asked.incident)[1]) == 1
    assert not house.slack.views_of(BEN)


async def test_of_two_people_at_once_one_decides(house: SlackHouse) -> None:
    """One yes and one no in the same moment: whoever was first, and the other is told who."""
    asked = await house.ask("row-3")
    await house.click(ANA, asked, ids.DENY)
    await house.until(lambda: house.slack.views_of(ANA))
    await asyncio.gather(
        house.act(house.slack.submit, ANA, {ids.REASON: "not now"}), house.click(BEN, asked)
    )
    late, first = await second_of(house, asked)
    assert f" by {first.capitalize()} at" in await house.told(late)
    said = "Approved" if first == "ben" else "Denied"
    await house.says(asked, said)
    if first == "ben":
        await house.healed("row-3")
    assert house.writes("row-3") == (first == "ben")
    assert len(house.books(asked.incident)[1]) == 1


async def second_of(house: SlackHouse, asked: Asked) -> tuple[str, str]:
    """The Slack id of who came second, and who was first."""

    async def votes() -> list[str]:
        found = await house.approval(asked)
        return [vote["person"] for vote in found["votes"]]

    (first,) = await house.until(votes)
    return (ANA if first == "ben" else BEN), first


async def test_who_may_not_decide_is_told_alone_and_the_buttons_stay(house: SlackHouse) -> None:
    """A guest who is named, a person who is not: refused in a window of their own."""
    asked = await house.ask("row-4")
    before = house.only(asked.incident, asked.id)
    for user, why in ((GUS, "is a guest"), (DAN, "may decide this")):
        await house.click(user, asked)
        assert why in await house.told(user)
    assert house.only(asked.incident, asked.id) == before
    assert house.buttons(asked) == OPEN
    assert not house.slack.ephemerals
    assert await house.votes(asked) == []
    await house.click(ANA, asked)
    await house.healed("row-4")
    assert house.writes("row-4") == 1


async def test_one_click_that_reaches_both_gateways_is_one_decision(house: SlackHouse) -> None:
    """Slack delivers a payload again where it is not sure that it arrived."""
    asked = await house.ask("row-5")
    first = await house.click(BEN, asked)
    again = await house.act(house.slack.deliver_again)
    later = await house.act(house.slack.deliver_again)
    assert {first.socket, again.socket} == set(house.slack.sockets)
    assert (first.acked, again.acked, later.acked) == (True, True, True)
    await house.healed("row-5")
    await house.says(asked, "Approved")

    assert await house.votes(asked) == [("ben", "approve", "slack")]
    assert house.writes("row-5") == 1
    assert len(house.books(asked.incident)[1]) == 1
    assert not house.slack.views_of(BEN)


async def test_a_decision_in_the_browser_repaints_the_message(house: SlackHouse) -> None:
    """Until Slack takes the new picture, a click on the old one is told who decided."""
    asked = await house.ask("row-6")
    house.slack.fail("chat.update", None, "429", seconds=1)
    await house.approve(await house.approval(asked), BEN_TOKEN)
    await house.healed("row-6")
    assert (await house.click(ANA, asked)).acked
    assert "Approved by Ben" in await house.told(ANA)

    house.slack.mend("chat.update")
    await house.says(asked, "Approved", f"@{BEN}")
    assert not house.buttons(asked) & {ids.APPROVE, ids.DENY}
    assert house.writes("row-6") == 1
    assert await house.votes(asked) == [("ben", "approve", "http")]


async def test_a_click_never_writes_another_plan(house: SlackHouse) -> None:
    """Scaled while people thought: the message says that it stands no longer, and another asks."""
    asked = await house.ask("row-7")
    apps: Any = AppsV1Api(house.cluster)
    apps.patch_namespaced_deployment(
        "web", "row-7", {"spec": {"replicas": 3}}, _preload_content=False
    )
    await house.click(ANA, asked)
    await house.says(asked, "No longer asked")
    assert house.writes("row-7") == 0
    assert not house.buttons(asked) & {ids.APPROVE, ids.DENY, ids.AGAIN}

    second = await house.asked("row-7")
    assert second.ts != asked.ts
    await house.click(ANA, second)
    await house.healed("row-7")
    await house.says(second, "Approved", f"@{ANA}")
    assert house.writes("row-7") == 1
    assert house.read("row-7")["spec"]["replicas"] == 3


async def test_an_alert_that_resolves_by_itself_takes_the_question_back(house: SlackHouse) -> None:
    """Nobody is left with a question that needs no answer."""
    asked = await house.ask("row-8")
    await house.resolved("row-8", asked)
    await house.says(asked, "No longer asked")
    await house.until(lambda: house.buttons(asked) == {ids.DETAILS}, QUICK_SECONDS)
    await house.says(asked, "Resolved", "resolved by themselves", part="card")
    assert house.writes("row-8") == 0
    assert await house.votes(asked) == []


async def test_who_takes_over_or_is_called_is_told_in_slack(house: SlackHouse) -> None:
    """By the menu: another person gets the incident's message, and the question stands no more."""
    asked = await house.ask("row-9")
    await house.act(house.slack.choose, ANA, SHOP, asked.ts, ids.MORE, f"page|{asked.incident}")
    await house.until(lambda: "Loading" not in words(house.slack.views_of(ANA)))
    await house.act(house.slack.submit, ANA, {ids.PERSON: "dan", ids.REASON: "knows this one"})
    await house.until(lambda: len(house.called(DAN, asked)) == 1)
    assert house.buttons(asked) == OPEN

    menu = f"take_over|{asked.incident}"
    await house.act(house.slack.choose, BEN, SHOP, asked.ts, ids.MORE, menu)
    await house.until(lambda: "firebreak hand-back" in words(house.slack.views_of(BEN)))
    await house.act(house.slack.submit, BEN, {})
    await house.says(asked, "Taken over", f"@{BEN}", part="card")
    await house.says(asked, "No longer asked")
    await house.until(lambda: "Taken over" in words(house.called(DAN, asked)))
    assert house.writes("row-9") == 0
    assert len(house.called(DAN, asked)) == 1


async def test_over_http_it_is_the_same(house: SlackHouse) -> None:
    """A gateway that has Slack's secret and no socket takes the same click, signed, once."""
    port = str(free_port())
    secret = house.slack.signing_secret
    over_http = house.spawn(
        *("cli", "gateway", "--port", port),
        FIREBREAK_SLACK_APP_TOKEN="",
        FIREBREAK_SLACK_SIGNING_SECRET=secret,
    )
    asked = await house.ask("row-10")
    house.slack.deliver_to(f"http://127.0.0.1:{port}/slack/events")
    try:
        await house.until(lambda: house.answers(port))
        clicked = await house.click(ANA, asked)
        again = await house.act(house.slack.deliver_again)
    finally:
        house.slack.deliver_to(None)
    assert (clicked.socket, clicked.status, again.status) == ("http", 200, 200)
    await house.healed("row-10")
    await house.says(asked, "Approved", f"@{ANA}")
    assert house.writes("row-10") == 1
    assert not house.slack.views_of(ANA)
    house.end(over_http)
