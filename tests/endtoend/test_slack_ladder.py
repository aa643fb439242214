"""Nobody answers in Slack: people are called louder in one message, and the question expires
truthfully and may be asked again.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from contracts.slack import ids
from endtoend.slack_house import (
    ANA,
    BEN,
    CLEO,
    DAN,
    Asked,
    SlackHouse,
    slack_house,
    slack_policy,
    words,
)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

# Reminded after 2 s, paged after 5 s, expired after 8 s.
LADDER = "approval_seconds = 8\nremind_percent = 25\npage_percent = 62\n"


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="house")
async def _house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SlackHouse]:
    async with slack_house(tmp_path_factory.mktemp("slack-house"), slack_policy(LADDER)) as house:
        yield house


def told_in_person(house: SlackHouse, asked: Asked) -> dict[str, str]:
    """What each person's own conversation says of the question; one message each."""
    parts = ((user, house.own(user, asked)) for user in (ANA, BEN, CLEO, DAN))
    return {user: words(found["blocks"]) for user, found in parts if found}


async def test_people_are_called_louder_in_one_message(house: SlackHouse) -> None:
    """One reminder, edited; those who may answer are told in person, then those who are paged."""
    asked = await house.ask("row-0")
    reminder = f"{asked.id}/reminder"
    assert told_in_person(house, asked) == {}

    await house.says(asked, "Still no answer", part=reminder)
    first = house.only(asked.incident, reminder)
    assert first is not None
    assert first["thread_ts"] == house.only(asked.incident, "card")["ts"]  # type: ignore[index]
    await house.until(lambda: set(told_in_person(house, asked)) >= {ANA, BEN, CLEO})
    assert DAN not in told_in_person(house, asked)

    await house.says(asked, "calling Dan", part=reminder)
    await house.until(lambda: DAN in told_in_person(house, asked))
    assert "calling Dan" in house.text(asked)
    await house.says(asked, "Too late: nobody answered in time", part=reminder)
    assert house.only(asked.incident, reminder)["ts"] == first["ts"]  # type: ignore[index]
    await house.until(
        lambda: all("Too late" in told for told in told_in_person(house, asked).values())
    )
    posted = house.posted(asked.incident)
    assert len(posted) == len(set(posted))


async def test_a_click_after_expiry_counts_nothing_and_it_is_asked_again(house: SlackHouse) -> None:
    """Told so privately; the message says so, and a button on it asks the same once more."""
    asked = await house.ask("row-1")
    house.slack.fail("chat.update", None, "429", seconds=1)
    await house.until(lambda: house.state(asked, "expired"))
    await house.click(BEN, asked)
    assert "time to answer ended" in await house.told(BEN)
    house.slack.mend("chat.update")
    await house.says(asked, "Expired", "Nobody answered in time, and nothing was written")
    assert house.writes("row-1") == 0
    assert (await house.approval(asked))["votes"] == []
    assert house.buttons(asked) == {ids.AGAIN, ids.DETAILS, ids.MORE}

    await house.click(BEN, asked, ids.AGAIN)
    again = await house.asked("row-1")
    assert again.id != asked.id
    await house.click(BEN, again)
    await house.healed("row-1")
    await house.says(again, "Approved", f"@{BEN}")
    assert house.writes("row-1") == 1
    assert "Expired" in house.text(asked)


async def test_ask_again_by_two_people_asks_once(house: SlackHouse) -> None:
    """The second is told that it is asked already, or that nothing waits; nothing runs twice."""
    asked = await house.ask("row-2")
    await house.says(asked, "Expired")
    await house.click(ANA, asked, ids.AGAIN)
    await house.click(BEN, asked, ids.AGAIN)
    again = await house.asked("row-2")
    await house.click(CLEO, again)
    await house.healed("row-2")
    await house.says(again, "Approved")
    items = (await house.api("GET", "/approvals?limit=200"))["items"]
    assert sum(item["incident"] == asked.incident for item in items) == 2
    assert house.writes("row-2") == 1


async def test_an_outage_over_the_whole_time_decides_nothing(house: SlackHouse) -> None:
    """Slack away when it expires: nothing is approved or denied, and no call comes late."""
    asked = await house.ask("row-3")
    await house.act(house.slack.go_away)
    await house.until(lambda: house.state(asked, "expired"))
    assert (await house.approval(asked))["votes"] == []
    assert house.writes("row-3") == 0
    assert ids.APPROVE in house.buttons(asked)

    await house.act(house.slack.come_back)
    await house.says(asked, "Expired", "Nobody answered in time")
    await house.says(asked, "A person is needed", part="card")
    card, question, call = house.posted(asked.incident)
    assert card == f"{asked.incident}/slack/card"
    assert question == f"{asked.incident}/slack/{asked.id}"
    # Slack is back, and nobody has it still.
    assert call.startswith(f"{asked.incident}/slack/needed/")
    assert told_in_person(house, asked) == {}
