"""The windows ask for what is needed, remember opaque ids, and are valid whatever fills them."""

from typing import Any

import pytest
from contracts_slack.card_lint import check, nodes, words

from contracts.message import Who
from contracts.slack import ids
from contracts.slack.approval_card import approval_card
from contracts.slack.home import Home, home_view
from contracts.slack.views import (
    MINUTES_MAX,
    deny_view,
    details_view,
    page_view,
    refusal_view,
    take_over_view,
    toil_view,
    toil_words,
)
from tools.slack_story import APPROVAL, GRAVE, INCIDENT, OPEN, URL, alert, asked, incident, view


def inputs(shown: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The inputs of a window, by their block."""
    return {n["block_id"]: n for n in nodes(shown) if n.get("type") == "input"}


def test_a_denial_asks_for_its_reason_and_remembers_the_question() -> None:
    """The reason is not optional; what is denied is read once more."""
    shown = deny_view(asked(**GRAVE).approval)
    assert shown["callback_id"] == ids.DENY_VIEW
    assert shown["private_metadata"] == APPROVAL
    assert set(inputs(shown)) == {ids.REASON}
    assert "optional" not in inputs(shown)[ids.REASON]
    assert "Restart deployment shop/user-auth" in words(shown)


def test_the_details_hold_everything() -> None:
    """All guardrails with what to do, all findings, both states, the evidence, the page."""
    question = asked(**GRAVE)
    shown = details_view(view(OPEN, question), question)
    told = words(shown)
    for needed in (
        "Blast radius asks",
        "Freeze asks",
        "Autonomy asks",
        "Agree if the rest can carry the load.",
    ):
        assert needed in told
    assert "revision 2, user-auth:2.0.0, never restarted" in told
    assert "goroutine 1" in told
    assert f"{URL}/approvals/{APPROVAL}" in [n.get("url") for n in nodes(shown)]


def test_the_details_of_a_question_that_is_over_call_nobody() -> None:
    """Who might have answered is no longer of use."""
    question = asked(state="expired")
    assert "Who may" not in words(details_view(view(OPEN, question), question))


def test_a_refusal_says_why_and_what_to_do() -> None:
    """Even without words there is a sentence, because an empty window is no answer."""
    told = words(refusal_view("only ana may decide this", "Ask Ana."))
    assert told == "Only ana may decide this\nAsk Ana."
    check(refusal_view(""))
    assert words(refusal_view("")) == "That did not work"


def test_the_page_window_offers_people_by_id() -> None:
    """At most a hundred, as Slack takes; with nobody to call it says so."""
    people = tuple(Who(id=f"p{n}", name=f"Person {n}") for n in range(130))
    shown = page_view(INCIDENT, people)
    check(shown)
    menu = inputs(shown)[ids.PERSON]["element"]
    assert [option["value"] for option in menu["options"]] == [f"p{n}" for n in range(100)]
    assert shown["private_metadata"] == INCIDENT
    assert not inputs(page_view(INCIDENT, ()))


def test_taking_over_is_asked_once_more_and_says_how_to_hand_back() -> None:
    """One wrong tap in a menu would stop everything; who goes on may say what they will do."""
    shown = take_over_view(INCIDENT)
    check(shown)
    assert shown["callback_id"] == ids.TAKE_OVER_VIEW
    assert shown["private_metadata"] == INCIDENT
    assert "writes nothing until the incident is handed back" in words(shown)
    assert f"firebreak hand-back {INCIDENT}" in words(shown)
    assert inputs(shown)[ids.REASON]["optional"] is True


def test_an_incident_that_was_taken_over_says_on_home_how_to_hand_it_back() -> None:
    """On its page, where there is one."""
    taken = (incident("taken_over", alerts=(alert(),)),)
    for url, told in ((URL, "Hand it back  on its page, or firebreak"), ("x", "back  firebreak")):
        assert f"{told} hand-back {INCIDENT}" in words(home_view(Home(taken=taken, url=url)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "Approve? Roll back (default, high risk): Slow. Until 17:13 UTC. If nobody. @Ana Ruiz",
            "Roll back (default): Slow.",
        ),
        ("restarted web  by hand\nUntil noon", "restarted web by hand Until noon"),
        ("", ""),
    ],
)
def test_a_message_as_the_beginning_of_an_entry_loses_what_it_asks(text: str, told: str) -> None:
    """Until when it asked and whom it called is nothing that somebody did."""
    assert toil_words(text) == told


def test_the_text_of_a_question_is_what_an_entry_begins_with() -> None:
    """The two are made for each other."""
    question = asked(**GRAVE)
    text = approval_card(view(OPEN, question), question).text
    assert toil_words(text) == (
        "Restart deployment shop/user-auth: 3 pods, all at once (prod-eu): "
        "user-auth is crash looping: 14 restarts in 10 min."
    )


def test_the_toil_window_is_filled_with_what_is_known() -> None:
    """Minutes are whole numbers of at most twelve hours; a service is a choice, not a text."""
    shown = toil_view("did\nthis", ("web", "web", "", "x" * 200), "kept")
    check(shown)
    fields = inputs(shown)
    assert fields[ids.TEXT]["element"]["initial_value"] == "did\nthis"
    assert fields[ids.MINUTES]["element"]["max_value"] == str(MINUTES_MAX)
    assert [o["value"] for o in fields[ids.SERVICE]["element"]["options"]] == ["web"]
    assert shown["private_metadata"] == "kept"
    assert set(inputs(toil_view())) == {ids.TEXT, ids.MINUTES}


def test_home_holds_at_most_what_slack_takes() -> None:
    """Ten questions and ten incidents; the page has the others, and the view says how many."""
    questions = tuple(asked(id=f"apr-x-{n}").approval for n in range(30))
    one = incident("taken_over", alerts=(alert(),))
    shown = home_view(Home(pending=questions, taken=(one,) * 30, url=URL))
    check(shown)
    details = [n for n in nodes(shown) if n.get("action_id") == ids.DETAILS]
    assert len(details) == 10
    assert "and 20 more" in words(shown)


def test_home_without_a_web_address_has_no_links() -> None:
    """What would be refused is left out."""
    shown = home_view(Home(pending=(asked().approval,), taken=(incident("open"),), url="x"))
    check(shown)
    assert not [n for n in nodes(shown) if "url" in n]
