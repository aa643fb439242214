"""Two must agree: each person has one vote, and who asked for a run has none."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from contracts.slack import ids
from endtoend.slack_house import ANA, BEN, CLEO, Asked, SlackHouse, slack_house, slack_policy

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="house")
async def _house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SlackHouse]:
    async with slack_house(
        tmp_path_factory.mktemp("slack-house"), slack_policy(approvals_needed=2), gateways=2
    ) as house:
        yield house


async def people(house: SlackHouse, asked: Asked) -> list[str]:
    """Who has voted, in order."""
    return [vote["person"] for vote in (await house.approval(asked))["votes"]]


async def test_two_clicks_of_one_person_are_one_of_two_votes(house: SlackHouse) -> None:
    """The message counts, its buttons stay for the other person, and nothing is written."""
    asked = await house.ask("row-0")
    await asyncio.gather(house.click(ANA, asked), house.click(ANA, asked))
    await house.says(asked, "Votes", "1 of 2", f"@{ANA}  approved at")
    assert await people(house, asked) == ["ana"]
    assert ids.APPROVE in house.buttons(asked)
    assert house.writes("row-0") == 0

    await house.click(BEN, asked)
    await house.healed("row-0")
    await house.says(asked, "Approved", f"@{ANA}  approved at", f"@{BEN}  approved at")
    assert await people(house, asked) == ["ana", "ben"]
    assert house.writes("row-0") == 1
    assert sorted(str(one.person) for one in house.books(asked.incident)[1]) == ["ana", "ben"]
    assert not house.slack.views_of(ANA)


async def test_two_people_at_once_are_two_votes_and_one_write(house: SlackHouse) -> None:
    """Each at a gateway of their own, in the same moment."""
    asked = await house.ask("row-1")
    await asyncio.gather(house.click(ANA, asked), house.click(BEN, asked))
    await house.healed("row-1")
    await house.says(asked, "Approved")
    assert sorted(await people(house, asked)) == ["ana", "ben"]
    assert house.writes("row-1") == 1
    assert not house.slack.views_of(ANA)
    assert not house.slack.views_of(BEN)


async def test_who_asked_for_a_run_has_no_vote(house: SlackHouse) -> None:
    """Told so in a window of their own; the message and its buttons stay for two others."""
    await house.break_deployment("row-29")
    target = {"cluster": "default", "namespace": "row-29", "kind": "Deployment", "name": "web"}
    body = {"runbook": "rollback_deployment", "target": target, "params": {}}
    await house.api("POST", "/incidents", json=body)
    asked = await house.asked("row-29")
    before = house.only(asked.incident, asked.id)

    await house.click(ANA, asked)
    assert "Who asked for a run may not approve it" in await house.told(ANA)
    assert house.only(asked.incident, asked.id) == before
    assert await people(house, asked) == []
    await house.click(BEN, asked)
    await house.click(CLEO, asked)
    await house.healed("row-29")
    await house.says(asked, "Approved")
    assert await people(house, asked) == ["ben", "cleo"]
    assert house.writes("row-29") == 1
