"""A process killed in the middle of something in Slack: one message each, and one decision."""

from collections.abc import AsyncIterator
from subprocess import Popen

import pytest
import pytest_asyncio

from contracts.slack import ids
from devserver import free_port
from endtoend.slack_house import ANA, SHOP, Asked, SlackHouse

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

# Longer than a killed worker's lease on an incident's messages.
LEASE_SECONDS = 31
PARTS = ("card", "question")


class KillHouse(SlackHouse):
    """With one worker at work; who kills it puts another one there."""

    working: "Popen[bytes]"


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="house")
async def _house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[KillHouse]:
    """Its first gateway does not hear Slack, so that a test decides which one does."""
    house = KillHouse(tmp_path_factory.mktemp("slack-house"), deaf=True)
    await house.start()
    try:
        house.working = house.worker()
        yield house
    finally:
        await house.stop()


@pytest.mark.parametrize("part", PARTS)
async def test_a_worker_killed_between_a_post_and_its_note_posts_it_once(
    house: KillHouse, part: str
) -> None:
    """Slack has it, the books do not know: the next worker finds it, and edits that one."""
    after = PARTS.index(part)
    namespace = f"row-{after}"
    await house.break_deployment(namespace)
    house.slack.fail("chat.postMessage", 1, "slow", seconds=8, after=after)
    before = len(house.slack.messages(SHOP))
    await house.alert(namespace)
    await house.until(lambda: len(house.slack.messages(SHOP)) > before + after)
    house.kill(house.working)
    approval = await house.open_approval(namespace)
    assert len(house.posted(approval["incident"])) == after + 1

    house.pass_time(approval["incident"], LEASE_SECONDS)
    house.working = house.worker()
    asked = await house.shown(approval)
    await house.approve(approval)
    await house.healed(namespace)
    await house.says(asked, "Approved", f"@{ANA}")
    assert sorted(house.posted(asked.incident)) == sorted(
        [f"{asked.incident}/slack/card", f"{asked.incident}/slack/{asked.id}"]
    )
    assert house.only(asked.incident, "card") is not None
    assert house.writes(namespace) == 1


async def test_a_worker_killed_while_it_calls_for_a_person_calls_once(house: KillHouse) -> None:
    """Somebody said no, so what fires is a person's; the next worker finds the call."""
    asked = await house.ask("row-3")
    house.slack.fail("chat.postMessage", 1, "slow", seconds=8)
    said = {"decision": "deny", "reason": "not during the sale"}
    await house.api("POST", f"/approvals/{asked.id}/decision", json=said)
    await house.until(lambda: calls_of(house, asked))
    house.kill(house.working)
    house.pass_time(asked.incident, LEASE_SECONDS)
    house.working = house.worker()
    # Ana takes it, and the call says so.
    await house.api("POST", f"/incidents/{asked.incident}/take-over", json={})
    await house.until(lambda: "Ana has it" in house.text(asked, calls_of(house, asked)[0]))

    (call,) = calls_of(house, asked)
    assert house.only(asked.incident, call)["subtype"] == "thread_broadcast"  # type: ignore[index]
    assert len(house.posted(f"{asked.incident}/slack/needed/")) == 1
    assert house.writes("row-3") == 0


def calls_of(house: SlackHouse, asked: Asked) -> list[str]:
    """The messages that call people to the incident."""
    return [part for part in house.messages(asked.incident) if part.startswith("needed/")]


async def test_a_gateway_killed_before_it_asked_the_workflow_loses_only_the_click(
    house: KillHouse,
) -> None:
    """Nothing was decided and the buttons stay; the same click then counts, once."""
    asked = await house.ask("row-4")
    doomed = await doomed_gateway(house, "before")
    assert (await house.click(ANA, asked)).acked
    await house.died(doomed)
    assert (await house.approval(asked))["votes"] == []
    assert ids.APPROVE in house.buttons(asked)

    heir = await house.gateway()
    await house.click(ANA, asked)
    await house.healed("row-4")
    await house.says(asked, "Approved", f"@{ANA}")
    assert await one_decision(house, asked) == ("ana", 1)
    house.end(heir)


async def test_a_gateway_killed_after_the_workflow_counted_changes_nothing(
    house: KillHouse,
) -> None:
    """The decision stands, the message says so, and the same click at the next gateway is the same
    decision.
    """
    asked = await house.ask("row-5")
    doomed = await doomed_gateway(house, "after")
    assert (await house.click(ANA, asked)).acked
    await house.died(doomed)
    heir = await house.gateway()
    assert (await house.act(house.slack.deliver_again)).acked

    await house.healed("row-5")
    await house.says(asked, "Approved", f"@{ANA}")
    assert await one_decision(house, asked) == ("ana", 1)
    assert not house.slack.views_of(ANA)
    house.end(heir)


async def doomed_gateway(house: SlackHouse, phase: str) -> "Popen[bytes]":
    """A gateway that hears Slack, and dies at the first decision."""
    return await house.gateway("endtoend.crashing_gateway", str(free_port()), phase)


async def one_decision(house: SlackHouse, asked: Asked) -> tuple[str, int]:
    """Who decided, and how often that was written."""
    (vote,) = (await house.approval(asked))["votes"]
    (seen,) = house.books(asked.incident)[1]
    assert seen.person == vote["person"]
    return vote["person"], house.writes((await house.approval(asked))["target"]["namespace"])
