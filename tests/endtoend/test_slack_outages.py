"""Slack away, or a line that breaks: nobody is answered for, the browser works, and afterwards
there is one true message of each kind.
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from contracts.slack import ids
from endtoend.slack_house import ANA, BEN, Asked, SlackHouse, slack_house

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

CONNECTED = "firebreak_slack_connected"


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="house")
async def _house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SlackHouse]:
    async with slack_house(tmp_path_factory.mktemp("slack-house")) as house:
        yield house


async def leaves(house: SlackHouse) -> None:
    """Slack goes away, and the gateway says so."""
    await house.act(house.slack.go_away)
    await house.until(lambda: hears(house, heard=False))
    assert await house.figure(CONNECTED) == 0


async def returns(house: SlackHouse) -> None:
    """Slack comes back, and the gateway says so."""
    await house.act(house.slack.come_back)
    await house.until(lambda: hears(house, heard=True))
    assert await house.figure(CONNECTED) == 1


async def hears(house: SlackHouse, *, heard: bool) -> bool:
    """Whether the gateway, which serves all the while, says that of Slack."""
    told = await house.ready()
    assert told["ready"] is True
    return (told["slack"] == "ok") is heard


async def test_while_slack_is_away_nobody_is_answered_for(house: SlackHouse) -> None:
    """A click is lost and nothing is decided; the browser decides, and the message catches up."""
    asked = await house.ask("row-0")
    await leaves(house)
    assert not (await house.click(ANA, asked)).acked
    assert await house.state(asked, "open")
    assert house.writes("row-0") == 0

    await house.approve(await house.approval(asked))
    await house.healed("row-0")
    assert ids.APPROVE in house.buttons(asked)
    await returns(house)
    await house.says(asked, "Approved", f"@{ANA}")
    assert not house.buttons(asked) & {ids.APPROVE, ids.DENY}
    assert house.writes("row-0") == 1
    await house.resolved("row-0", asked)
    await house.says(asked, "Resolved", part="card")
    assert house.posted(asked.incident) == [
        f"{asked.incident}/slack/card",
        f"{asked.incident}/slack/{asked.id}",
    ]


async def test_what_was_over_before_slack_came_back_is_one_message(house: SlackHouse) -> None:
    """Not the whole history: how it ended, once, and no question that nobody need answer."""
    await leaves(house)
    await house.break_deployment("row-1")
    await house.alert("row-1")
    approval = await house.open_approval("row-1")
    await deny(house, approval, "it heals by itself")
    await house.alert("row-1", "resolved")
    await house.incident(approval["incident"], "closed")
    assert house.writes("row-1") == 0

    await returns(house)
    asked = Asked(approval["id"], approval["incident"], "")
    await house.says(asked, "Closed", part="card")
    assert house.posted(asked.incident) == [f"{asked.incident}/slack/card"]
    assert house.only(asked.incident, asked.id) is None


async def deny(house: SlackHouse, approval: dict[str, Any], reason: str) -> None:
    """As Ana does in the browser."""
    said = {"decision": "deny", "reason": reason, "digest": approval["plan"]["digest"]}
    answer = await house.http.post(
        f"/approvals/{approval['id']}/decision", json=said, headers=house.as_ana
    )
    assert answer.status_code == httpx.codes.OK


async def test_a_question_whose_post_broke_after_acceptance_is_there_once(
    house: SlackHouse,
) -> None:
    """Its buttons work at once; later it is found by its metadata, and edited."""
    house.slack.fail("chat.postMessage", 1, "accepted_then_reset", after=1)
    asked = await house.ask("row-2")
    await house.click(BEN, asked)
    await house.healed("row-2")
    await house.says(asked, "Approved", f"@{BEN}")
    assert house.posted(asked.incident) == [
        f"{asked.incident}/slack/card",
        f"{asked.incident}/slack/{asked.id}",
    ]
    assert house.writes("row-2") == 1


async def test_a_long_pause_that_slack_wants_is_kept_and_delays_nothing_else(
    house: SlackHouse,
) -> None:
    """Nothing is edited meanwhile, by whichever incident, and other methods go on."""
    asked = await house.ask("row-3")
    edits = len(house.slack.calls("chat.update"))
    house.slack.fail("chat.update", 1, "429", seconds=8)
    await house.click(ANA, asked)
    await house.until(lambda: len(house.slack.calls("chat.update")) > edits)
    other = await house.ask("row-4")
    assert house.only(other.incident, "card") is not None
    assert len(house.slack.calls("chat.update")) == edits + 1

    await house.says(asked, "Approved", f"@{ANA}")
    refused, after = house.slack.calls("chat.update")[edits : edits + 2]
    assert (after.at - refused.at).total_seconds() >= 8
    assert house.writes("row-3") == 1
