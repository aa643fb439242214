"""Approve and Deny… by button: one decision, told privately when it did not count."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest
from gateway_fakes import APPROVAL, FakeTemporal, approval
from gateway_slack.slack_door import ANA, BEN, CLEO, DAN, OPS, Clock, Door, door, words
from sqlalchemy import Engine

from contracts.approval import REASON_CHARS_MAX
from contracts.errors import Unavailable
from contracts.slack import ids
from gateway.slack.approving import reason_faults
from sandbox.slack import SlackServer

asynchronous = pytest.mark.asyncio(loop_scope="session")


@asynchronous
async def test_a_click_on_approve_is_one_decision(at: Door) -> None:
    """It names the person and the plan, and the door says nothing: the messenger repaints."""
    workflow, ts = await at.ask()
    heard = await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    await at.ended(1)
    assert heard.acked
    assert [(d.person, d.decision) for d in workflow.counted] == [("ana", "approve")]
    assert workflow.counted[0].digest == approval().plan.digest
    assert at.results() == {"ok": 1}
    assert not at.slack.views_of(ANA)
    assert not at.slack.calls("chat.update")


@asynchronous
async def test_a_slow_workflow_delays_no_answer_to_slack(at: Door) -> None:
    """Slack waits three seconds; the decision may take five."""
    _, ts = await at.ask()
    held, count = asyncio.Event(), at.fake.update

    async def slow(*args: object) -> object:
        await held.wait()
        return await count(*args)  # type: ignore[arg-type] # handed on as it came

    at.fake.update = slow  # type: ignore[assignment,method-assign] # a fake may be slow
    heard = await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    assert heard.acked
    assert heard.seconds < 1
    assert at.results() == {}
    held.set()
    await at.ended(1)
    assert at.results() == {"ok": 1}


@asynchronous
async def test_a_double_click_is_one_decision(at: Door) -> None:
    """Neither of them is told anything odd."""
    workflow, ts = await at.ask()
    click = partial(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    await asyncio.gather(asyncio.to_thread(click), asyncio.to_thread(click))
    await at.ended(2)
    assert len(workflow.counted) == 1
    assert at.results() == {"ok": 2}
    assert not at.slack.views_of(ANA)


@asynchronous
async def test_a_second_yes_much_later_says_that_one_was_counted(at: Door) -> None:
    """Of two that are needed; the person is told who else it takes."""
    workflow, ts = await at.ask(approval().model_copy(update={"needed": 2}))
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    await at.ended(1)
    at.clock.move(60)
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    assert "have approved already; 1 more must agree" in await at.shown(ANA)
    assert len(workflow.counted) == 1


@asynchronous
async def test_of_two_people_at_once_the_second_is_told(at: Door) -> None:
    """One decision, one execution; who came second reads who was first."""
    workflow, ts = await at.ask()
    await asyncio.gather(
        asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE),
        asyncio.to_thread(at.slack.click, BEN, OPS, ts, ids.APPROVE),
    )
    await at.ended(2)
    first = workflow.counted[0].person
    assert len(workflow.counted) == 1
    second = BEN if first == "ana" else ANA
    assert f"Approved by {first.capitalize()} at" in await at.shown(second)
    assert at.results() == {"ok": 1, "decided": 1}


@asynchronous
async def test_one_payload_at_two_gateways_is_one_decision(
    at: Door, engine: Engine, slack: SlackServer, fake: FakeTemporal, clock: Clock
) -> None:
    """Temporal knows the second update by its id; both gateways are content."""
    workflow, ts = await at.ask()
    async with door(engine, slack, fake, clock) as other:
        one = await asyncio.to_thread(slack.click, ANA, OPS, ts, ids.APPROVE)
        again = await asyncio.to_thread(slack.deliver_again)
        await at.ended(1)
        await other.ended(1)
        assert {one.socket, again.socket} == set(slack.sockets)
        assert (at.results(), other.results()) == ({"ok": 1}, {"ok": 1})
    assert len(workflow.counted) == 1


@asynchronous
async def test_a_click_after_the_time_has_ended_changes_nothing(at: Door) -> None:
    """Not even before anybody has noticed that it ended."""
    workflow, ts = await at.ask()
    at.clock.move(timedelta(minutes=14).total_seconds())
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    told = await at.shown(ANA)
    assert "The time to answer ended at" in told
    assert "2026-11-21 08:43 UTC" in told
    assert workflow.counted == []


@asynchronous
async def test_while_temporal_is_away_nothing_is_recorded_and_the_buttons_stay(at: Door) -> None:
    """The person is told to try again, and the same click then counts."""
    workflow, ts = await at.ask()
    before = at.slack.message(OPS, ts)
    at.fake.failure = Unavailable("Temporal cannot be reached")
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    assert "recorded: Temporal cannot be reached" in await at.shown(ANA)
    assert at.slack.message(OPS, ts) == before
    at.fake.failure = None
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    await at.ended(2)
    assert len(workflow.counted) == 1


@asynchronous
async def test_nobody_approves_what_they_asked_for(at: Door) -> None:
    """Also from Slack."""
    workflow, ts = await at.ask(approval().model_copy(update={"requester": "ana"}))
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    assert "asked for a run may not approve it" in await at.shown(ANA)
    assert workflow.counted == []


@asynchronous
async def test_who_asked_for_a_run_withdraws_it(at: Door) -> None:
    """Their no only prevents; the button asks them why, like everybody."""
    workflow, ts = await at.ask(approval().model_copy(update={"requester": "ana"}))
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.DENY)
    assert "Why not?" in await at.shown(ANA)
    await asyncio.to_thread(at.slack.submit, ANA, {ids.REASON: "wrong workload"})
    await at.ended(2)
    assert [(d.person, d.decision) for d in workflow.counted] == [("ana", "deny")]
    assert workflow.gate.approval.state == "denied"


@asynchronous
async def test_somebody_who_is_not_asked_is_told_who_is(at: Door) -> None:
    """In a window of their own; the others see nothing of it."""
    workflow, ts = await at.ask()
    await asyncio.to_thread(at.slack.click, DAN, OPS, ts, ids.APPROVE)
    assert "may decide this" in await at.shown(DAN)
    assert workflow.counted == []
    assert not at.slack.ephemerals


@asynchronous
async def test_the_groups_of_a_person_go_with_the_decision(at: Door) -> None:
    """As the books have them at the click, and only those among the approvers."""
    _, ts = await at.ask(approval().model_copy(update={"approvers": ("oncall:primary",)}))
    at.here.memberships.keep("oncall:primary", ["dan"], at.clock())
    at.here.memberships.keep("oncall:other", ["dan"], at.clock())
    await asyncio.to_thread(at.slack.click, DAN, OPS, ts, ids.APPROVE)
    await at.ended(1)
    sent = at.fake.updates[-1][1].argument
    assert sent.model_dump()["groups"] == ("oncall:primary",)


@asynchronous
async def test_a_group_that_was_read_too_long_ago_is_nobodys(at: Door) -> None:
    """It fails closed."""
    _, ts = await at.ask(approval().model_copy(update={"approvers": ("oncall:primary",)}))
    at.here.memberships.keep("oncall:primary", ["dan"], at.clock())
    at.clock.move(400)
    await asyncio.to_thread(at.slack.click, DAN, OPS, ts, ids.APPROVE)
    assert "may decide this" in await at.shown(DAN)


@asynchronous
async def test_a_denial_asks_why_and_counts_with_its_reason(at: Door) -> None:
    """The window opens at once and closes when it is sent."""
    workflow, ts = await at.ask()
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.DENY)
    assert "Why not?" in await at.shown(ANA)
    sent = await asyncio.to_thread(at.slack.submit, ANA, {ids.REASON: "the canary is ill"})
    await at.ended(2)
    assert sent.acked
    assert [(d.decision, d.reason) for d in workflow.counted] == [("deny", "the canary is ill")]
    assert not at.slack.views_of(ANA)


@asynchronous
async def test_a_denial_without_a_reason_says_so_beside_the_field(at: Door) -> None:
    """In the answer that Slack waits for, so the window stays open."""
    workflow, ts = await at.ask()
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.DENY)
    await at.shown(ANA)
    sent = await asyncio.to_thread(at.slack.submit, ANA, {ids.REASON: "   "})
    assert sent.body["response_action"] == "errors"
    assert ids.REASON in at.slack.views_of(ANA)[-1]["errors"]
    assert workflow.counted == []


@asynchronous
@pytest.mark.parametrize(("who", "why"), [(DAN, "may decide this"), (CLEO, "belongs to nobody")])
async def test_nobody_writes_a_reason_that_could_not_count(at: Door, who: str, why: str) -> None:
    """Who is not asked is told so before the window for it opens."""
    _, ts = await at.ask()
    await asyncio.to_thread(at.slack.click, who, OPS, ts, ids.DENY)
    told = await at.shown(who)
    assert why in told
    assert "Why not?" not in told


@asynchronous
async def test_when_slack_does_not_say_who_it_is_a_denial_is_still_written(at: Door) -> None:
    """The trigger lives three seconds; who it was is looked at when the reason is sent."""
    workflow, ts = await at.ask()
    at.slack.fail("users.info", 1, "502")
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.DENY)
    assert "Why not?" in await at.shown(ANA)
    await asyncio.to_thread(at.slack.submit, ANA, {ids.REASON: "the canary is ill"})
    await at.ended(2)
    assert [d.person for d in workflow.counted] == ["ana"]


def test_a_reason_is_no_essay() -> None:
    """Slack's own limit of the field is not the only one."""
    assert reason_faults({ids.REASON: "x" * REASON_CHARS_MAX}) == {}
    for reason in ("x" * (REASON_CHARS_MAX + 1), "x" * 3_001, "", " \n "):
        assert reason_faults({ids.REASON: reason}).keys() == {ids.REASON}


@asynchronous
async def test_a_denial_that_comes_too_late_is_told_in_a_window(at: Door) -> None:
    """Somebody approved while the reason was typed."""
    _, ts = await at.ask()
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.DENY)
    await at.shown(ANA)
    await asyncio.to_thread(at.slack.click, BEN, OPS, ts, ids.APPROVE)
    await at.ended(2)
    await asyncio.to_thread(at.slack.submit, ANA, {ids.REASON: "no"})
    await at.ended(3)
    assert "Approved by Ben at" in await at.shown(ANA)


@asynchronous
async def test_a_trigger_that_has_expired_falls_back_to_a_private_message(at: Door) -> None:
    """The refusal came after three seconds, when Slack opens no window any more."""
    _, ts = await at.ask()
    at.slack.fail("views.open", None, "expired_trigger_id")
    await asyncio.to_thread(at.slack.click, DAN, OPS, ts, ids.APPROVE)
    assert "may decide this" in await at.whispered(DAN)
    assert not at.slack.views_of(DAN)


@asynchronous
async def test_details_load_first_and_then_show_the_plan(at: Door) -> None:
    """A click waits three seconds for its window, and the books may be slower."""
    _, ts = await at.ask()
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.DETAILS)
    told = await at.shown(ANA)
    assert approval().plan.kubectl in told
    assert "cannot reach the session store" in told
    opened = at.slack.calls("views.open")[0]
    assert "Loading" in str(opened.args["view"])


@asynchronous
async def test_details_are_not_for_strangers(at: Door) -> None:
    """Evidence is of our own systems; the window that opened says no."""
    _, ts = await at.ask()
    await asyncio.to_thread(at.slack.click, "U0CLEO", OPS, ts, ids.DETAILS)
    await at.ended(1)
    told = words(at.slack.views_of("U0CLEO")[-1])
    assert "belongs to nobody" in told
    assert "kubectl" not in told
    assert APPROVAL not in told
