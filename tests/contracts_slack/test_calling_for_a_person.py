"""An incident that needs a person calls one, and later says who has it without calling anybody."""

import pytest
from contracts_slack.card_lint import check, nodes, words

from contracts.message import MessageView
from contracts.slack import ids
from contracts.slack.approval_card import approval_card
from contracts.slack.card import Card
from contracts.slack.incident_card import incident_card
from contracts.slack.need_card import is_needed, need_card
from contracts.standing import needs
from tools.slack_story import GRAVE, HEALED, INCIDENT, TAKEN, Line, asked, incident, view, vote

SICK: Line = ("outcome", "escalated: still sick after the rollback", {"status": "escalated"})
NO: Line = ("decided", "ana denied: not during the sale", {"actor": "ana"})
DECLINED: Line = (
    "outcome",
    "declined: ana declined: not during the sale",
    {"status": "declined"},
)
WHO = ("usergroup:S0SRE3333", "ana", "cyn", "oncall:secondary")


def called(seen: MessageView, number: int = -1) -> Card:
    """The message of one of its calls."""
    known = seen.model_copy(update={"responders": WHO})
    return need_card(known, needs(seen.incident)[number])


def shown(card: Card) -> str:
    """All its words."""
    told = card.model_dump(mode="json")
    check(told)
    return words(told)


def mentioned(card: Card) -> list[str]:
    """The people and user groups whom Slack would notify."""
    found = (n.get("user_id") or n.get("usergroup_id") for n in nodes(card.blocks))
    return [*filter(None, found), *(["text"] if "<" in card.text else [])]


def test_it_says_why_where_who_and_what_to_do() -> None:
    """The notification says the same, and mentions those whom Slack knows."""
    card = called(view(incident("escalated", SICK)))
    told = shown(card)
    assert told.startswith("🔴 A person is needed: still sick after the rollback")
    assert "Where  Deployment shop/user-auth in cluster prod-eu" in told
    assert "Cyn Walther and on-call secondary" in told
    assert "Take over by hand" in told
    take = next(n for n in nodes(card.blocks) if n.get("action_id") == ids.TAKE)
    assert take["value"] == INCIDENT
    assert mentioned(card) == ["S0SRE3333", "U0ANA1111", "text"]
    assert card.text.startswith("A person is needed: still sick after the rollback. ")
    assert card.text.endswith(" <!subteam^S0SRE3333> <@U0ANA1111>")


def test_a_no_is_told_in_names_and_nothing_looks_as_if_it_went_on() -> None:
    """Neither in the call nor in the incident's own message."""
    seen = view(incident("escalated", NO, DECLINED))
    told = "A person is needed: Ana Ruiz said no: not during the sale; nothing runs"
    assert told in shown(called(seen))
    card = shown(incident_card(seen))
    assert told in card
    assert "Who has it  nobody yet" in card
    assert card.count("not during the sale") == 1


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (view(incident("taken_over", SICK, TAKEN)), "🟣 Ana Ruiz has it."),
        (view(incident("closed", SICK, **HEALED)), "🟢 Resolved: user-auth runs revision 1 again"),
        (view(incident("acting", SICK)), "🔵 Firebreak goes on"),
    ],
)
def test_when_it_is_over_it_says_who_has_it_and_calls_nobody(seen: MessageView, told: str) -> None:
    """Nothing is left to click or to be notified by."""
    card = called(seen)
    assert shown(card).startswith(told)
    assert mentioned(card) == []
    assert not [n for n in nodes(card.blocks) if n.get("type") == "actions"]


def test_a_second_need_is_a_second_call() -> None:
    """The first says that there is a newer one."""
    back: Line = ("handed_back", "ana hands back", {"actor": "ana", "seconds": 240})
    seen = view(incident("escalated", SICK, TAKEN, back))
    first, second = needs(seen.incident)
    assert (is_needed(seen, first), is_needed(seen, second)) == (False, True)
    assert "see the newer call" in shown(called(seen, 0))
    assert "Ana Ruiz handed it back after 4 min; 2 alerts still fire" in shown(called(seen))


def test_where_nobody_answers_for_it_that_is_said() -> None:
    """Instead of an empty row."""
    seen = view(incident("escalated", SICK))
    card = need_card(seen, needs(seen.incident)[0])
    assert "nobody: no responder is configured" in shown(card)
    assert mentioned(card) == []


def test_a_no_where_nothing_fires_is_ending_and_then_closed_after_a_no() -> None:
    """Nobody is needed, and nobody is said to have it."""
    calm = {"alerts": ()}
    ending = shown(incident_card(view(incident("open", NO, DECLINED, **calm))))
    assert "Ending: Ana Ruiz said no: not during the sale; nothing runs" in ending
    assert "nobody needs to: it closes soon" in ending
    over = {**calm, "outcome": "declined", "summary": "ana declined: not during the sale"}
    closed = shown(incident_card(view(incident("closed", NO, DECLINED, **over))))
    assert "Closed, after a no" in closed
    assert "Outcome  Ana Ruiz said no: not during the sale" in closed


def test_what_is_taken_back_by_who_asked_for_it_is_withdrawn() -> None:
    """Anybody else's no is a denial; a person is needed only where something fires."""
    no = {**GRAVE, "state": "denied", "votes": (vote("cyn", "deny", "the wrong workload"),)}
    mine, other = asked(**no), asked(**{**no, "requester": "ana"})
    told = shown(approval_card(view(incident("open"), mine), mine))
    assert told.startswith("⛔ Withdrawn: ")
    assert "Cyn Walther withdrew it at " in told
    assert "A person is needed" not in told
    told = shown(approval_card(view(incident("escalated"), other), other))
    assert told.startswith("⛔ Denied: ")
    assert "Nothing was written. A person is needed." in told
