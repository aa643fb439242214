"""`/firebreak approve` and `deny` of a question that is over, or while everything is paused: what
became of it is said, and "Recorded" never stands for what does not count.
"""

import asyncio
from datetime import timedelta

import pytest
from gateway_fakes import APPROVAL, INCIDENT, NOW, approval
from gateway_slack.slack_door import ANA, BEN, DAN, OPS, Door, words

from contracts.approval import Answer, Approval, ApprovalState, Vote
from contracts.journal import Event, Record
from contracts.slack import ids

pytestmark = pytest.mark.asyncio(loop_scope="session")

LATER = timedelta(minutes=1).total_seconds()


async def _answer(at: Door, text: str, who: str = ANA) -> str:
    before = sum(at.results().values())
    await asyncio.to_thread(at.slack.command, who, OPS, "/firebreak", text)
    await at.ended(before + 1)
    return " ".join((await at.whispered(who)).split())


def _ended(at: Door, state: ApprovalState, *votes: Vote) -> Approval:
    """Let the journal have how the question ended."""
    over = approval(state, *votes)
    at.here.journal.record(Record(incident=INCIDENT, approval=over))
    return over


def _vote(person: str, decision: Answer, reason: str = "") -> Vote:
    return Vote(person=person, decision=decision, reason=reason, at=NOW)


async def test_a_yes_to_what_the_same_person_has_approved_says_when(at: Door) -> None:
    """The workflow would give the answer of back then once more."""
    await at.ask()
    assert (await _answer(at, f"approve {APPROVAL}")).startswith("Recorded:")
    at.clock.move(LATER)
    told = await _answer(at, f"approve {APPROVAL}")
    assert told.startswith("Approved by Ana at 2026-11-21 08:30 UTC .")
    assert "Recorded" not in told


@pytest.mark.parametrize("word", ["approve", "deny"])
async def test_an_answer_to_a_void_question_says_that_it_no_longer_stands(
    at: Door, word: str
) -> None:
    """Also to the one whose yes was counted before it became void, and with the reason."""
    workflow, _ = await at.ask()
    assert "Recorded" in await _answer(at, f"approve {APPROVAL}")
    at.clock.move(LATER)
    _ended(at, "void", *workflow.gate.approval.votes)
    line = Event(
        key="void-1", at=at.clock(), actor="firebreak", type="void", text="the image has changed",
        data={"approval": APPROVAL},
    )  # fmt: skip
    at.here.journal.record(Record(incident=INCIDENT, events=(line,)))
    told = await _answer(at, f"{word} {APPROVAL} because")
    assert "Recorded" not in told
    assert "no longer stands since 2026-11-21 08:31 UTC : the image has changed." in told
    assert len(workflow.counted) == 1


async def test_an_answer_to_a_denied_question_says_who_denied_it_and_why(at: Door) -> None:
    """By name: nobody should have to look up an id."""
    await at.ask()
    _ended(at, "denied", _vote("ben", "deny", "not before lunch"))
    at.clock.move(LATER)
    told = await _answer(at, f"approve {APPROVAL}")
    assert told.startswith("Denied by Ben at 2026-11-21 08:30 UTC : not before lunch.")


async def test_a_refusal_leads_to_the_question_in_the_browser(at: Door) -> None:
    """What came of it stands there."""
    await at.ask()
    _ended(at, "expired")
    await _answer(at, f"approve {APPROVAL}")
    shown = str([e["blocks"] for e in at.slack.ephemerals if e["to"] == ANA][-1])
    assert f"'url': 'http://firebreak.test/approvals/{APPROVAL}'" in shown


async def test_who_is_not_asked_reads_the_names_of_those_who_are(at: Door) -> None:
    """And that nobody who asked for the run may agree to it."""
    await at.ask()
    assert "Only Ana or Ben may decide this" in await _answer(at, f"approve {APPROVAL}", DAN)


async def test_who_asked_for_the_run_reads_whom_to_ask(at: Door) -> None:
    """Without their own name among them."""
    await at.ask(approval().model_copy(update={"requester": "ana"}))
    told = await _answer(at, f"approve {APPROVAL}")
    assert told.startswith("Who asked for a run may not approve it. Ask Ben.")


@pytest.mark.parametrize("scope", ["all", "namespace:shop", "cluster:default"])
async def test_a_yes_while_it_is_paused_says_who_paused_it(at: Door, scope: str) -> None:
    """It would be spent for nothing, so it is not counted."""
    workflow, _ = await at.ask()
    at.here.pauses.put(scope, "database migration", "ben", at.clock())
    told = await _answer(at, f"approve {APPROVAL}")
    named = "everything" if scope == "all" else scope
    assert f"Paused: {named}, by Ben: database migration" in told
    assert "the question stays open" in told
    assert workflow.counted == []


async def test_a_click_while_it_is_paused_says_so_to_the_one_who_clicked(at: Door) -> None:
    """The question and its buttons stay; a yes counts once it is resumed, and a no at any time."""
    workflow, ts = await at.ask()
    at.here.pauses.put("all", "database migration", "ben", at.clock())
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    await at.ended(1)
    assert "Paused: everything, by Ben: database migration" in words(at.slack.views_of(ANA)[-1])
    assert workflow.counted == []
    at.here.pauses.clear("all")
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    await at.ended(2)
    assert [vote.decision for vote in workflow.counted] == ["approve"]


async def test_a_pause_elsewhere_is_not_spoken_of(at: Door) -> None:
    """It does not keep this from being written."""
    await at.ask()
    at.here.pauses.put("namespace:other", "a freeze", "ben", at.clock())
    assert "aused" not in await _answer(at, f"approve {APPROVAL}")


async def test_status_and_resume_name_who_paused(at: Door) -> None:
    """Somebody else sees what somebody paused."""
    await _answer(at, "pause all database migration", BEN)
    await _answer(at, "pause namespace:shop deploys", BEN)
    told = await _answer(at, "status")
    assert "Paused: everything, by Ben: database migration" in told
    told = await _answer(at, "resume namespace:shop")
    assert told == "Resumed: namespace:shop. Still paused: everything, by Ben: database migration"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("pause nonsense:shop because", "'nonsense:shop' is nothing that can be paused"),
        ("pause namespace:shpo typo", "Firebreak writes in no namespace that is called 'shpo'"),
        ("pause namespace:shpo typo", "Name shop, or write all."),
        ("pause cluster:prod typo", "Cluster prod is not configured"),
        ("pause namespace shop x", "'namespace' is nothing that can be paused"),
    ],
)
async def test_a_scope_with_a_typing_error_pauses_nothing(at: Door, text: str, part: str) -> None:
    """Neither everything, nor what does not exist: both would be believed."""
    told = await _answer(at, text)
    assert part in told
    assert "Nothing was paused" in told
    assert at.here.pauses.all() == ()


async def test_what_was_logged_is_repeated_with_its_service(at: Door) -> None:
    """So that a wrong one is seen at once; and the words stay as they were typed."""
    text = "25m read <script> of &lt;b&gt; with <@U0BEN|ben> again @user-auth"
    await asyncio.to_thread(at.slack.command, ANA, OPS, "/toil", text)
    told = await at.whispered(ANA)
    assert told == "Logged: 25 min, read <script> of <b> with @ben again, for user-auth"
