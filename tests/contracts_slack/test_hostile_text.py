"""Names, labels, logs and reasons of others are text: nothing in them is ever more than that."""

import string
from typing import Any

import pytest
from contracts_slack.card_lint import check, nodes, units
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.message import Asked, Call, Finding, MessageView, TrackRecord, Who
from contracts.slack.approval_card import approval_card
from contracts.slack.call_card import call_card
from contracts.slack.evidence_file import file_text
from contracts.slack.home import Home, home_view
from contracts.slack.incident_card import incident_card
from contracts.slack.need_card import need_card
from contracts.slack.side_cards import dm_card, late_card, reminder_card
from contracts.slack.untrusted import fallback, safe_url
from contracts.slack.views import deny_view, details_view, page_view, refusal_view, toil_view
from contracts.standing import needs
from contracts.views import IncidentDetail
from tools.slack_story import (
    APPROVAL,
    INCIDENT,
    PLAN,
    URL,
    Line,
    alert,
    asked,
    incident,
    view,
    vote,
)

FORGED = (
    "<!channel>",
    "<!here|x>",
    "<@U0EVIL999>",
    "<!subteam^S0EVIL999>",
    "<https://evil.example|Approve via portal>",
    "https://evil.example/approve",
    "*bold* _it_ ~no~ `code` ```block```",
    ":white_check_mark: approved",
    "&lt;!channel&gt; &amp; <",
    "\u202eevorppa\u202c \u2066x\u2069 \u200b\ufeff",
    "שלום עולם 123 (abc)",
    "a\u0301\u0302\u0303\u0304\u0305\u0306",
    "line\r\nline\u2028line\x00\x1b[31m",
    '{"type":"mrkdwn"}',
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 9,
    "x" * 20_000,
    '&<>"\\\n' * 2_000,
    "",
    " ",
)
ANY = st.one_of(
    st.sampled_from(FORGED), st.text(max_size=200), st.text("<>&*_`~|:!@# ", max_size=90)
)
MINE = {"U0ANA1111", "U0BEN2222"}


@st.composite
def incidents(draw: st.DrawFn, what: str, many: int) -> IncidentDetail:
    """One with these words in its lines, and so many alerts."""
    decided: Line = ("decided", "ana", {"approval": APPROVAL})
    noted: tuple[Line, ...] = (decided, ("written", what, {}), ("note", what, {}))
    told = alert().model_copy(update={"name": draw(ANY), "summary": draw(ANY), "status": what})
    pods = draw(st.lists(ANY, min_size=many, max_size=many))
    alerts = tuple(told.model_copy(update={"labels": {"pod": pod}}) for pod in pods)
    status = draw(
        st.sampled_from(["open", "waiting", "acting", "escalated", "taken_over", "closed"])
    )
    return incident(
        status,
        *noted,
        ("escalated", draw(ANY), {}),
        ("taken_over", what, {"actor": what}),
        ("paged", what, {"actor": what}),
        alerts=alerts,
        summary=draw(ANY),
        service=draw(ANY),
        team=draw(ANY),
        runbooks=(what,),
    )


@st.composite
def views(draw: st.DrawFn) -> tuple[MessageView, Asked]:
    """An incident in which every text of others may be anything."""
    what, many = draw(ANY), draw(st.integers(0, 12))
    plan = PLAN.model_copy(
        update={
            "summary": draw(ANY),
            "kubectl": draw(ANY),
            "before": draw(ANY),
            "after": draw(ANY),
            "findings": (what,) * many,
        }
    )
    state = draw(st.sampled_from(["open", "approved", "denied", "expired", "void"]))
    question = asked(
        plan=plan,
        state=state,
        runbook=draw(ANY),
        votes=(vote("ana", reason=draw(ANY)), vote("nobody-known", "deny", what)),
        stage=draw(st.sampled_from(["asked", "reminded", "paged"])),
        approvers=("oncall:x", "usergroup:S0SRE3333", f"usergroup:{what}", "ben", *["p"] * many),
        evidence=(Finding(title=draw(ANY), excerpt=draw(ANY)),) * 3,
        record=TrackRecord(runs=many, healed=many),
        ended=draw(ANY),
    )
    one = draw(incidents(what, many))
    people = (
        Who(id="ana", name=draw(ANY), slack="U0ANA1111"),
        Who(id="ben", name=what, slack=what),
    )
    newer = asked(id="apr-newer", plan=plan, runbook=question.approval.runbook)
    return view(one, question, newer).model_copy(
        update={
            "people": people,
            "called": ("ben", what),
            "responders": ("usergroup:S0SRE3333", f"usergroup:{what}", "ana", what),
        }
    ), question


def shown_of(seen: MessageView, question: Asked, text: str) -> list[dict[str, Any]]:
    """Every card and view of it."""
    cards = (
        incident_card(seen),
        late_card(seen),
        approval_card(seen, question),
        reminder_card(seen, question),
        dm_card(seen, question, "ana", text),
        dm_card(seen, question, "nobody-known", text),
        call_card(seen, Call(seq=len(seen.incident.timeline)), "ana", text),
        *(need_card(seen, need) for need in needs(seen.incident)),
    )
    mine = Home(pending=(question.approval,), taken=(seen.incident,), running_text=text, url=text)
    shown = (
        deny_view(question.approval),
        details_view(seen, question),
        refusal_view(text, text),
        page_view(INCIDENT, seen.people),
        toil_view(text, (text, "web"), text),
        home_view(mine),
    )
    return [*(card.model_dump(mode="json") for card in cards), *shown]


@settings(max_examples=120, deadline=None)
@given(views(), ANY)
def test_no_text_of_others_becomes_markup_or_breaks_a_limit(
    drawn: tuple[MessageView, Asked], text: str
) -> None:
    """Whatever is in an alert, a log, a reason or a name: Slack takes the message, and mentions
    and links in it are ours alone.
    """
    seen, question = drawn
    for shown in shown_of(seen, question, text):
        check(shown)
        for node in nodes(shown["blocks"]):
            assert node.get("user_id", "U0ANA1111") in MINE
            assert node.get("usergroup_id", "S0SRE3333") == "S0SRE3333"
            assert node.get("url", URL).startswith((URL, "https://evil.example/approve"))


@pytest.mark.parametrize("text", ["a\ud800", *(text for text in FORGED if text.strip())])
def test_the_notification_carries_no_markup_of_others(text: str) -> None:
    """It is parsed by Slack, so nothing that it would parse is left."""
    for told in (fallback(text), file_text(asked(), Finding(title=text))):
        assert not set("<>*~`") & set(told)
        assert "://" not in told
        assert units(told) <= 4000


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://ok.example/<!channel>",
        "https://ok.example/a|b",
        "https://user:secret@ok.example/",
        "https://ok.example/a b",
        "http://[::1",
        "//ok.example",
        "https://",
        "https://ok.example/" + "x" * 3000,
        "https://ök.example/",
    ],
)
def test_what_is_no_plain_web_address_is_never_linked(url: str) -> None:
    """Only addresses that mean one thing everywhere are linked."""
    assert safe_url(url) == ""
    assert safe_url(f"{URL}/incidents/{INCIDENT}") == f"{URL}/incidents/{INCIDENT}"


def test_a_mention_is_made_only_for_the_ids_of_slack() -> None:
    """A person whose Slack id is something else is named, and not mentioned."""
    forged = (Who(id="ana", name="Ana", slack="U1> <!channel"), Who(id="ben", name="Ben"))
    question = asked(approvers=("ana", "ben"))
    seen = view(incident("waiting"), question).model_copy(update={"people": forged})
    card = approval_card(seen, question)
    assert "<" not in card.text
    assert not any("user_id" in node for node in nodes(card.blocks))
    assert any(node.get("text") == "Ana" for node in nodes(card.blocks))


def test_everything_at_its_longest_still_fits() -> None:
    """The longest of everything at once is cut until Slack takes it, and says so."""
    long = (string.ascii_letters + '\n"\\<&') * 400
    plan = PLAN.model_copy(
        update={
            "summary": long,
            "kubectl": long,
            "before": long,
            "after": long,
            "findings": (long,) * 50,
        }
    )
    votes = tuple(vote("ana", reason=long) for _ in range(20))
    question = asked(
        plan=plan,
        needed=3,
        approvers=tuple(f"person-{n}" for n in range(60)),
        votes=votes,
        evidence=(Finding(title=long, excerpt=long),) * 20,
    )
    loud = alert().model_copy(update={"name": long, "summary": long})
    seen = view(incident("waiting", alerts=(loud,) * 40), question)
    for shown in shown_of(seen, question, long):
        check(shown)
    told = str(approval_card(seen, question).blocks)
    assert "left out" in told
    assert "and 47 more" in told
