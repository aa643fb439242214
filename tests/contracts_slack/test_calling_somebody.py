"""Who is called to an incident reads who calls, why, and to what, on a locked phone already."""

from typing import Any

import pytest
from contracts_slack.card_lint import nodes, words

from contracts.message import Asked, Call, MessageView
from contracts.slack import ids
from contracts.slack.call_card import call_card
from tools.slack_story import APPROVAL, HEALED, PAGED, TAKEN, Line, asked, incident, view

CALL = Call(seq=1, people=("ben", "cyn"))
LINK = "https://example.slack.com/archives/C1/p1"


def called(
    status: str, *told: Line, question: Asked | None = None, person: str = "ben", **changes: Any
) -> dict[str, Any]:
    """The message to one of those whom Ana calls."""
    questions = [question] if question else []
    seen: MessageView = view(incident(status, PAGED, *told, **changes), *questions)
    return call_card(seen, CALL, person, LINK if question else "").model_dump()


def buttons(card: dict[str, Any]) -> list[str]:
    """The actions that can be clicked, in their order."""
    return [node["action_id"] for node in nodes(card["blocks"]) if "action_id" in node]


def test_the_notification_and_the_first_line_say_who_calls_and_why() -> None:
    """Then what is wrong, and where; it mentions nobody, because it is to one person already."""
    card = called("escalated")
    first = card["blocks"][0]["text"]["text"]
    assert first == "Ana Ruiz calls you: you know the session store"
    assert card["text"] == (
        "Ana Ruiz calls you: you know the session store. user-auth is crash looping: 14 restarts "
        "in 10 min (deployment shop/user-auth in cluster prod-eu)."
    )
    assert "Who has it" not in words(card)


def test_without_a_reason_it_still_says_who_calls() -> None:
    """A reason may be left out."""
    quiet: Line = ("paged", "ana pages ben", {"actor": "ana"})
    seen = view(incident("escalated", quiet))
    assert call_card(seen, CALL, "ben").text.startswith("Ana Ruiz calls you. user-auth is crash")


def test_a_call_whose_line_is_not_there_is_a_call_all_the_same() -> None:
    """Nobody is named who is not known."""
    seen = view(incident("escalated"))
    assert call_card(seen, CALL, "ben").text.startswith("You are called. user-auth")


@pytest.mark.parametrize(("person", "verb"), [("ben", "Answer"), ("dan", "Look")])
def test_while_a_question_is_open_it_is_linked(person: str, verb: str) -> None:
    """In its thread, because a direct message has none, and in the browser."""
    card = called("waiting", question=asked(), person=person)
    links = {n["text"]: n["url"] for n in nodes(card["blocks"]) if n.get("type") == "link"}
    page = f"https://firebreak.example.com/approvals/{APPROVAL}"
    assert links == {f"{verb} in the thread": LINK, "in the browser": page}
    told = words(card)
    for needed in ("Approve? Roll deployment", "Risk", "Until", "kubectl"):
        assert needed in told, needed
    assert "Answer in the thread until" not in told


def test_only_who_may_answer_has_the_buttons_that_do() -> None:
    """Another reads who may."""
    mine = called("waiting", question=asked())
    assert buttons(mine) == [ids.APPROVE, ids.DENY, ids.DETAILS, ids.MORE]
    other = called("waiting", question=asked(), person="dan")
    assert buttons(other) == ["link.incident", ids.MORE]
    assert "Who may answer  on-call primary, Ana Ruiz, Ben Okafor or Cyn Walther." in words(other)
    asker = called("waiting", question=asked(requester="ben"))
    assert ids.APPROVE not in buttons(asker)


def test_when_the_question_is_over_its_buttons_are_gone() -> None:
    """And how it stands is told instead."""
    card = called("acting", ("note", "about to write: x", {}), question=asked(state="approved"))
    assert buttons(card) == ["link.incident", ids.MORE]
    assert "Now  about to write: x" in words(card)


def test_it_follows_the_incident_to_its_end() -> None:
    """Somebody has it; it is over, and nobody needs to come."""
    taken = words(called("taken_over", TAKEN))
    assert "Taken over by " in taken
    healed: dict[str, Any] = {**HEALED}
    over = called("closed", **healed)
    assert over["text"].startswith("Ana Ruiz called you: you know the session store. ")
    assert "It is over  user-auth runs revision 1 again" in words(over)
    assert buttons(over) == ["link.incident"]
    line: Line = ("written", healed["summary"], {})
    assert "It is over  Done: user-auth runs" in words(called("closed", line, **healed))
