"""The windows ask for what is needed, remember opaque ids, and are valid whatever fills them."""

from typing import Any

from contracts_slack.card_lint import check, nodes, words

from contracts.message import Who
from contracts.slack import ids
from contracts.slack.home import Home, home_view
from contracts.slack.views import (
    MINUTES_MAX,
    deny_view,
    details_view,
    page_view,
    refusal_view,
    toil_view,
)
from tools.slack_golden import APPROVAL, GRAVE, INCIDENT, OPEN, URL, alert, asked, incident, view


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
