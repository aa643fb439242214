"""The message of an incident says what is wrong where, how it stands, and who has it."""

import pytest
from contracts_slack.card_lint import nodes, words

from contracts.slack import ids
from contracts.slack.incident_card import incident_card
from contracts.standing import standing, waiting_for
from tools.slack_story import (
    ABOUT_TO,
    HEALED,
    INCIDENT,
    OPEN,
    OUTCOME,
    PAGED,
    TAKEN,
    WAITING,
    Line,
    alert,
    asked,
    incident,
    view,
    vote,
)

ESCALATED: Line = ("escalated", "nobody decided within 15 min", {})
MATCHED: Line = ("matched", "rollback_deployment starts", {})


def named(person: str) -> str:
    """How these tests call people."""
    return person.capitalize()


@pytest.mark.parametrize(
    ("status", "line", "told"),
    [
        ("open", MATCHED, "Looking: rollback_deployment starts"),
        ("acting", ABOUT_TO, "Acting: about to write: kubectl"),
        ("verifying", WAITING, "Checking: waiting for rollout healthy"),
        ("verifying", OUTCOME, "Checking: waiting until 2 alerts resolve"),
        ("escalated", ESCALATED, "A person is needed: nobody decided within 15 min"),
        ("taken_over", TAKEN, "Taken over: Ana Ruiz acts by hand"),
    ],
)
def test_the_first_line_says_how_it_stands(status: str, line: Line, told: str) -> None:
    """The word for the status, and the newest line of the journal that tells about it."""
    assert told in words(incident_card(view(incident(status, line))).model_dump())


def test_a_waiting_incident_names_whom_it_waits_for_and_until_when() -> None:
    """The buttons are in the thread, and the message says so."""
    question = asked(needed=2, votes=(vote("ana"),))
    told = words(incident_card(view(OPEN, question)).model_dump())
    assert "Waiting for a decision of on-call primary or Ben Okafor" in told
    assert f"Approve?  {question.approval.plan.summary}. Answer in the thread until " in told


def test_the_notification_is_made_of_whole_sentences() -> None:
    """What is wrong where, then how it stands, whatever full stops the alert has itself."""
    slow = alert().model_copy(update={"summary": "Logins are slow."})
    seen = view(OPEN.model_copy(update={"alerts": (slow,)}), asked(approvers=("ben",)))
    assert incident_card(seen).text == (
        "Logins are slow (deployment shop/user-auth). Waiting for a decision of Ben Okafor."
    )
    assert incident_card(view(incident("escalated", ESCALATED))).text.endswith(
        "(deployment shop/user-auth). A person is needed: nobody decided within 15 min."
    )


def test_who_has_taken_it_over_reads_how_to_hand_it_back() -> None:
    """And nobody else does."""
    told = f"Hand it back  on its page, or firebreak hand-back {INCIDENT}"
    assert told in words(incident_card(view(incident("taken_over", TAKEN))).model_dump())
    assert "Hand it back" not in words(incident_card(view(incident("escalated"))).model_dump())


def test_an_outcome_does_not_read_as_still_to_do() -> None:
    """What was written is told as an order, because people were asked for it in these words."""
    line: Line = ("written", "Roll it back", {})
    done = HEALED | {"summary": "Roll it back; pods are healthy"}
    ends = {"Outcome  Done: Roll it back; pods": (line,), "Outcome  Roll it back; pods": ()}
    for told, lines in ends.items():
        seen = view(incident("closed", *lines, **done))
        assert told in words(incident_card(seen).model_dump())


def test_whoever_has_it_is_named() -> None:
    """Firebreak, a person, or nobody: that is the news at night."""
    cards = {
        "Firebreak, with runbook rollback_deployment": view(incident("acting", ABOUT_TO)),
        "nobody yet; called: ": view(incident("escalated")).model_copy(update={"called": ("ben",)}),
    }
    for told, seen in cards.items():
        assert told in words(incident_card(seen).model_dump())
    taken = incident_card(view(incident("taken_over", TAKEN)))
    assert [n["user_id"] for n in nodes(taken.blocks) if "user_id" in n] == ["U0ANA1111"]


def test_the_menu_leaves_with_the_incident() -> None:
    """While it is open one may take over and call somebody; who has it cannot take it again."""
    menus = {}
    for status in ("escalated", "taken_over", "closed"):
        card = incident_card(view(incident(status)))
        found = [n["value"] for n in nodes(card.blocks) if "value" in n and "|" in n["value"]]
        menus[status] = [value.partition("|")[0] for value in found]
    assert menus == {
        "escalated": [ids.TAKE_OVER, ids.PAGE],
        "taken_over": [ids.PAGE],
        "closed": [],
    }


def test_a_closed_incident_tells_its_outcome_and_how_long_it_took() -> None:
    """Resolved is green; anything else says its own word."""
    resolved = words(incident_card(view(incident("closed", **HEALED))).model_dump())
    assert "🟢" in resolved
    assert "Resolved: user-auth is crash looping" in resolved
    assert "Outcome  user-auth runs revision 1 again and is healthy" in resolved
    assert "9 min, from " in resolved
    assert "all of 2 resolved" in resolved
    assert "KubePodCrashLooping resolved at " in resolved
    assert "requests to user-auth fail" not in resolved
    for changes, told in (
        ({"outcome": "expired"}, "Closed, nobody answered"),
        ({"outcome": "failed", "summary": "no pod is ready"}, "Outcome  no pod is ready"),
        (
            {"outcome": "escalated", "summary": "closed by ana: by hand"},
            "Outcome  closed by ana: by",
        ),
    ):
        card = incident_card(view(incident("closed", **changes)))
        assert told in words(card.model_dump())


def test_who_is_called_reads_why() -> None:
    """In the words of whoever called, by name; a call without words needs no row."""
    seen = incident("escalated", ESCALATED, PAGED)
    assert "Why called  you know the session store (Ana Ruiz)" in words(
        incident_card(view(seen)).model_dump()
    )
    silent: Line = ("paged", "ana pages ben", {"actor": "ana"})
    assert "Why called" not in words(
        incident_card(view(incident("escalated", silent))).model_dump()
    )


def test_nothing_is_read_twice() -> None:
    """The title's words do not follow the alert again, nor a service that is called like its
    workload; another one is named.
    """
    told = words(incident_card(view(incident("open"))).model_dump())
    assert told.count("14 restarts in 10 min") == 1
    assert "service" not in told
    other = words(incident_card(view(incident("open", service="login"))).model_dump())
    assert "in cluster prod-eu, service login" in other


def test_one_alert_is_not_counted() -> None:
    """`1 of 1` says nothing."""
    told = words(incident_card(view(incident("open", alerts=(alert(),)))).model_dump())
    assert "Alert  KubePodCrashLooping firing since " in told
    assert "1 of 1" not in told


def test_many_alerts_are_counted_and_the_firing_ones_come_first() -> None:
    """Five are named; the numbers tell of all."""
    alerts = tuple(alert(f"A{n}", "resolved" if n < 4 else "firing", n) for n in range(9))
    told = words(incident_card(view(incident("open", alerts=alerts))).model_dump())
    assert "5 of 9 firing" in told
    assert "and 4 more alerts" in told
    assert "A8 firing" in told
    assert "A0" not in told


def test_an_incident_without_a_web_address_has_no_button_for_it() -> None:
    """A button that leads nowhere is worse than none."""
    seen = view(incident("closed")).model_copy(update={"url": "ftp://x"})
    assert not [n for n in nodes(incident_card(seen).blocks) if n.get("type") == "button"]


def test_the_sentence_never_promises_more_than_the_last_line() -> None:
    """An answered question waits for the next step, and says what the answer was."""
    decided: Line = ("decided", "ana approved", {})
    assert standing(incident("waiting", decided), named) == "for the next step: ana approved"
    assert standing(incident("waiting"), named) == "for a decision"
    calm = incident("verifying", OUTCOME, **{**HEALED, "closed_at": None})
    assert standing(calm, named) == "the alerts have resolved; waiting whether they stay so"


def test_who_is_waited_for_is_who_has_not_voted() -> None:
    """With nobody left, the sentence says that nobody can decide."""
    assert waiting_for(("ana", "ben"), (), 2, named) == "2 decisions of Ana or Ben"
    assert waiting_for(("ana", "ben"), (vote("ana"),), 2, named) == "a decision of Ben"
    assert waiting_for((), (), 1, named).endswith("nobody: no approver is configured")
