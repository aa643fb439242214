"""The message that asks holds all that a decision needs, and its buttons fit its state."""

from datetime import UTC, datetime
from typing import Any

import pytest
from contracts_slack.card_lint import nodes, words

from contracts.message import Asked, TrackRecord, Who
from contracts.plan import Verdict
from contracts.slack import ids
from contracts.slack.approval_card import approval_card
from contracts.slack.side_cards import dm_card, late_card, reminder_card
from tools.slack_story import (
    APPROVAL,
    DECIDED,
    FROZEN,
    GRAVE,
    HEALED,
    INCIDENT,
    NOW,
    OPEN,
    OUTCOME,
    PLAN,
    VERIFIED,
    WRITTEN,
    Line,
    asked,
    incident,
    view,
    vote,
)


def shown(question: Asked, status: str = "waiting") -> dict[str, Any]:
    """The message as JSON."""
    return approval_card(view(incident(status), question), question).model_dump()


def buttons(card: dict[str, Any]) -> list[str]:
    """The actions that can be clicked, in their order."""
    return [node["action_id"] for node in nodes(card["blocks"]) if "action_id" in node]


def element(card: dict[str, Any], action: str) -> dict[str, Any]:
    """The element of an action."""
    return next(node for node in nodes(card["blocks"]) if node.get("action_id") == action)


def users(card: dict[str, Any]) -> list[str]:
    """Who is mentioned."""
    return [node["user_id"] for node in nodes(card["blocks"]) if "user_id" in node]


def test_all_that_a_decision_needs_is_there() -> None:
    """Target, command, change, why, evidence, risk, way back, record, who, until, and else."""
    card = shown(asked())
    told = words(card)
    for needed in (
        "Deployment",
        "shop/user-auth",
        "in cluster prod-eu",
        "3 of the 3 pods wanted; 0 ready now",
        "kubectl --context prod-eu -n shop rollout undo deployment/user-auth --to-revision=1",
        "revision 2, user-auth:2.0.0 → revision 1, user-auth:1.9.4",
        "KubePodCrashLooping",
        "14 restarts in 10 min",
        "3 of 3 pods crash",
        "FATAL cannot reach the session store",
        "no ready pod goes away",
        "kubectl rollout undo --to-revision=2",
        "fixed this 14 of 16 times in 90 days, median 3 min",
        "Firebreak, for the alert, with runbook rollback_deployment",
        "on-call primary",
        "If nobody answers, nothing is written.",
        APPROVAL,
    ):
        assert needed in told, needed
    ends = [node["timestamp"] for node in nodes(card["blocks"]) if node.get("type") == "date"]
    assert int(NOW.timestamp()) + 900 in ends


def test_the_buttons_of_an_open_question() -> None:
    """Three are seen; the rest is in the menu, whose values name the incident."""
    card = shown(asked())
    assert buttons(card) == [ids.APPROVE, ids.DENY, ids.DETAILS, ids.MORE]
    assert {element(card, action)["value"] for action in buttons(card)[:3]} == {APPROVAL}
    values = [option["value"] for option in element(card, ids.MORE)["options"]]
    assert values == [f"{ids.TAKE_OVER}|{INCIDENT}", f"{ids.PAGE}|{INCIDENT}"]


def test_from_medium_risk_on_a_click_is_confirmed() -> None:
    """The question before the click says the risk, and the target once; a low risk is one click."""
    assert "confirm" not in element(shown(asked()), ids.APPROVE)
    frozen, grave = (
        element(shown(question), ids.APPROVE)["confirm"]["text"]["text"]
        for question in (asked(**FROZEN), asked(**GRAVE))
    )
    assert frozen == (
        "Medium risk: change freeze: black-friday. "
        "Roll deployment shop/user-auth back from revision 2 to 1, in cluster prod-eu."
    )
    assert grave.startswith("High risk: 3 of 3 ready pods go away at once. Restart deployment")
    assert grave.count("shop/user-auth") == 1


def test_the_confirmation_names_a_target_that_the_summary_does_not() -> None:
    """However long the words are, the place is not what is left out."""
    plan = PLAN.model_copy(update={"summary": "Restart it " + "and wait " * 60})
    told = element(shown(asked(**FROZEN, plan=plan)), ids.APPROVE)["confirm"]["text"]["text"]
    assert "deployment shop/user-auth in cluster prod-eu: Restart it" in told
    assert len(told) <= 300


def test_one_of_two_votes_is_counted_and_named() -> None:
    """Who has voted is named, is no longer asked, and the buttons stay for the other."""
    card = shown(asked(**GRAVE, votes=(vote("ana", reason="users are out anyway"),)))
    assert "1 of 2" in words(card)
    assert " approved at " in words(card)
    assert "users are out anyway" in words(card)
    assert "<@U0BEN2222>" in card["text"]
    assert "<@U0ANA1111>" not in card["text"]
    assert ids.APPROVE in buttons(card)


def test_who_asked_for_the_run_is_not_asked() -> None:
    """They are named as such; to mention them as an approver would be untrue."""
    card = shown(asked(requester="ana"))
    assert "<@U0ANA1111>" not in card["text"]
    assert users(card) == ["U0BEN2222", "U0ANA1111"]
    assert "Asked by" in words(card)


@pytest.mark.parametrize(
    ("question", "status", "left", "told"),
    [
        (asked(state="approved", votes=(vote("ana"),)), "acting", [ids.MORE], "looks once more"),
        (
            asked(state="denied", votes=(vote("ben", "deny", "not now"),)),
            "open",
            [ids.MORE],
            "not now",
        ),
        (asked(state="expired"), "escalated", [ids.AGAIN, ids.MORE], "nothing was written"),
        (asked(state="expired"), "closed", [], "nothing was written"),
        (asked(state="void", ended="the alerts are over"), "closed", [], "the alerts are over"),
    ],
)
def test_when_it_is_over_nobody_can_answer(
    question: Asked, status: str, left: list[str], told: str
) -> None:
    """The buttons that answer are gone, what can be looked at stays, and the end is told."""
    card = shown(question, status)
    assert sorted(buttons(card)) == sorted([ids.DETAILS, *left])
    assert told in words(card)
    assert "<@" not in card["text"]


def test_an_approved_question_tells_what_came_of_it() -> None:
    """Only what followed its own answer, not what an earlier run did."""
    earlier: Line = ("written", "something of an earlier run", {})
    later: Line = ("asked", "the next question", {"approval": "apr-other"})
    after: Line = ("written", "something of a later question", {})
    told = incident("closed", earlier, DECIDED, WRITTEN, VERIFIED, OUTCOME, later, after, **HEALED)
    question = asked(state="approved", votes=(vote("ana"),))
    seen = words(approval_card(view(told, question), question).model_dump())
    assert "revision 2 to 1, generation 8" in seen
    assert "Written at " in seen
    assert "3 of 3 pods ready" in seen
    assert "earlier run" not in seen
    assert "later question" not in seen


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (TrackRecord(), "has written nothing to this target in 90 days"),
        (TrackRecord(runs=3), "fixed this 0 of 3 times in 90 days"),
        (TrackRecord(runs=1, healed=1, days=30), "fixed this 1 of 1 time in 30 days"),
    ],
)
def test_the_track_record_says_what_is_known(record: TrackRecord, told: str) -> None:
    """A runbook that never ran here says so, because that is what a person would want to know."""
    assert told in words(shown(asked(record=record)))


def test_equal_cards_have_equal_digests_and_changed_blocks_new_ids() -> None:
    """Nothing is sent that is shown already; a changed block is a new one for Slack."""
    seen = view(OPEN, asked())
    before, same = approval_card(seen, asked()), approval_card(seen, asked())
    after = approval_card(seen, asked(stage="reminded"))
    assert before.digest == same.digest
    assert before.digest != after.digest
    names = [[block["block_id"] for block in card.blocks] for card in (before, after)]
    changed = [place for place, pair in enumerate(zip(*names, strict=True)) if len(set(pair)) == 2]
    assert changed == [4], "the block that says who may answer"


def test_a_reminder_calls_those_who_have_not_answered_and_then_stands_down() -> None:
    """It is one message; when the question is over it says so and mentions nobody."""
    waiting = asked(stage="reminded", needed=2, votes=(vote("ana"),))
    card = reminder_card(view(OPEN, waiting), waiting)
    assert "<@U0BEN2222>" in card.text
    assert "<@U0ANA1111>" not in card.text
    over = asked(state="approved")
    assert users(reminder_card(view(OPEN, over), over).model_dump()) == []


def test_a_direct_message_links_the_thread_and_the_page() -> None:
    """A link that is no web address is left out, the other stays."""
    question = asked()
    seen = view(OPEN, question)
    both = dm_card(seen, question, "ana", "https://example.slack.com/archives/C1/p1")
    one = dm_card(seen, question, "ana", "javascript:alert(1)")
    links = [[n["url"] for n in nodes(card.blocks) if "url" in n] for card in (both, one)]
    page = f"https://firebreak.example.com/approvals/{APPROVAL}"
    assert links == [["https://example.slack.com/archives/C1/p1", page], [page]]


@pytest.mark.parametrize(
    ("person", "changes", "may"),
    [
        ("ana", {}, True),
        ("cyn", {}, True),
        ("dan", {}, False),
        ("dan", {"remind": ("dan",)}, True),
        ("ana", {"requester": "ana"}, False),
        ("ana", {"needed": 2, "votes": (vote("ana"),)}, False),
    ],
)
def test_only_who_may_answer_is_told_to(person: str, changes: dict[str, Any], may: bool) -> None:
    """Who was merely called reads who can answer, by name, and calls nobody by reading it."""
    remind = changes.pop("remind", ())
    question = asked(stage="paged", **changes).model_copy(update={"remind": remind})
    card = dm_card(view(OPEN, question), question, person)
    told = words(card.model_dump())
    assert ("Your answer is needed" in told) == may
    assert ("You were called, because nobody has answered yet" in told) == (not may)
    assert ("Who may answer" in told) == (not may)
    assert users(card.model_dump()) == []
    assert "<" not in card.text


@pytest.mark.parametrize(
    ("stage", "page", "pagerduty", "calling"),
    [
        ("paged", (), False, ""),
        ("paged", ("cyn", "eve"), False, ""),
        ("paged", ("ben",), False, ", calling Ben Okafor"),
        ("paged", (), True, ", calling whoever PagerDuty pages"),
        (
            "paged",
            ("ana", "ben"),
            True,
            ", calling Ana Ruiz, Ben Okafor and whoever PagerDuty pages",
        ),
        ("reminded", ("ben",), True, ""),
    ],
)
def test_only_who_is_called_is_said_to_be_called(
    stage: str, page: tuple[str, ...], pagerduty: bool, calling: str
) -> None:
    """By Slack, which knows neither Cyn nor Eve, or by PagerDuty; nobody is mentioned by it."""
    pages = {"people": [], "pagerduty": pagerduty}
    line: Line = ("paged", "nobody has decided", {"approval": APPROVAL, "pages": pages})
    question = asked(stage=stage, page=page)
    seen = view(incident("waiting", line), question)
    assert f"Nobody has answered yet{calling}." in words(approval_card(seen, question).model_dump())
    reminder = reminder_card(seen, question)
    assert reminder.text.startswith(f"Still no answer{calling}: Roll")
    before = reminder_card(seen, asked(stage="reminded"))
    assert users(reminder.model_dump()) == users(before.model_dump())


def test_a_line_that_says_nothing_of_pagerduty_claims_nothing() -> None:
    """As it was written before, and as another question's is."""
    old: Line = ("paged", "people are paged", {"approval": APPROVAL})
    other: Line = ("paged", "x", {"approval": "apr-other", "pages": {"pagerduty": True}})
    odd: Line = ("paged", "x", {"approval": APPROVAL, "pages": "everybody"})
    question = asked(stage="paged")
    told = reminder_card(view(incident("waiting", old, other, odd), question), question).text
    assert told.startswith("Still no answer: ")


def test_groups_are_called_once_with_the_question() -> None:
    """A user group by its mention, which Slack resolves; those on call by name, as Slack does not
    know the schedule.
    """
    dan = Who(id="dan", name="Dan", slack="U0DAN4444")
    verdict = Verdict(ruling="ask", people=("dan",))
    question = asked(approvers=("oncall:primary", "usergroup:S0SRE3333"), verdict=verdict)
    seen = view(OPEN, question)
    card = approval_card(seen.model_copy(update={"people": (*seen.people, dan)}), question)
    assert "<!subteam^S0SRE3333>" in card.text
    assert "<@U0DAN4444>" in card.text
    assert "U0DAN4444" in users(card.model_dump())
    assert "S0SRE3333" in [node.get("usergroup_id") for node in nodes(card.blocks)]
    over = approval_card(seen, asked(state="expired", approvers=question.approval.approvers))
    assert "<!" not in over.text


def test_what_is_decided_on_stands_above_the_buttons() -> None:
    """On a phone nobody scrolls through a log to reach them; what is checked follows."""
    blocks = shown(asked())["blocks"]
    place = next(n for n, block in enumerate(blocks) if block["type"] == "actions")
    above, below = words({"blocks": blocks[:place]}), words({"blocks": blocks[place:]})
    for needed in ("Why", "Where", "Risk", "Until", "kubectl", "Way back", "Who may answer"):
        assert needed in above, needed
    assert "FATAL cannot reach" not in above
    assert "FATAL cannot reach" in below


def test_a_moment_in_the_words_of_a_guardrail_is_in_the_readers_zone() -> None:
    """The end of a freeze is a date that Slack converts, and no text in UTC."""
    card = shown(asked(**FROZEN))
    dates = [node["timestamp"] for node in nodes(card["blocks"]) if node.get("type") == "date"]
    assert int(datetime(2026, 12, 1, tzinfo=UTC).timestamp()) in dates
    assert "2026-12-01" not in words(card)


def test_after_an_outage_one_message_tells_the_end() -> None:
    """It says that it is late, and how it ended."""
    ended = view(incident("closed", OUTCOME, **HEALED))
    told = words(late_card(ended).model_dump())
    assert "Slack was away" in told
    assert "Resolved" in told
    assert ids.MORE not in buttons(late_card(ended).model_dump())
