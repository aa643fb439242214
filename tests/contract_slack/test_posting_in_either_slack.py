"""Our messenger posts once and edits in place, at our fake and at the emulator."""

import pytest
from contract_slack.desks import desk_at
from contract_slack.either_slack import BEN, OPS, SHOP, EitherSlack
from slack_desk import Desk
from sqlalchemy import Engine

from contracts.slack import ids
from toil.journal import Journal


@pytest.fixture(name="desk")
def _desk(engine: Engine, slack: EitherSlack) -> Desk:
    """An incident that nobody has to know of yet."""
    return desk_at(engine, slack)


def test_a_question_is_asked_in_the_thread_of_its_incident(desk: Desk) -> None:
    """The card first, the question below it with its buttons, in the channel of the service."""
    desk.asks()
    desk.deliver()
    card, question = desk.slack.messages(SHOP)
    assert question["thread_ts"] == card["ts"]
    assert ids.APPROVE in str(question["blocks"])
    assert desk.slack.messages(OPS) == []
    row = desk.row("slack/card")
    assert row is not None
    assert row.external_id == f"{SHOP}/{card['ts']}"


def test_what_is_shown_already_is_not_sent_again(desk: Desk) -> None:
    """Another worker knows it from the books."""
    desk.asks()
    desk.deliver()
    desk.happens("evidence")
    desk.deliver(desk.worker())
    assert len(desk.slack.calls("chat.postMessage")) == 2
    assert len(desk.slack.calls("chat.update")) == 0


def test_an_answer_repaints_the_question_in_its_place(desk: Desk) -> None:
    """Its buttons go, its ts stays, and nothing is posted."""
    asked = desk.asks()
    desk.deliver()
    before = [message["ts"] for message in desk.slack.messages(SHOP)]
    desk.answered(asked)
    desk.happens(status="acting")
    desk.deliver()
    after = desk.slack.messages(SHOP)
    assert [message["ts"] for message in after] == before
    assert ids.APPROVE not in str(after)
    assert len(desk.slack.calls("chat.update")) == 2


def test_an_unanswered_question_is_reminded_of_below_it(desk: Desk) -> None:
    """One reminder in the thread, and a word to who is asked in person, which are edited later."""
    asked = desk.asks()
    desk.deliver()
    desk.becomes(asked, "reminded", stage="reminded")
    desk.deliver()
    assert len(desk.slack.messages(SHOP)) == 3
    (told,) = desk.slack.dms[BEN]
    desk.answered(asked.model_copy(update={"stage": "reminded"}))
    desk.deliver()
    (then,) = desk.slack.dms[BEN]
    assert len(desk.slack.messages(SHOP)) == 3
    assert (then["ts"], then["blocks"] == told["blocks"]) == (told["ts"], False)


def test_the_evidence_that_a_message_cannot_hold_is_a_file(desk: Desk) -> None:
    """In the thread, once."""
    body = "out of memory\n" * 200
    data = {"kind": "kubernetes.pod_logs", "excerpt": body[:100], "digest": "sha256:1"}
    desk.happens("evidence", data)
    Journal(desk.engine).keep_evidence(
        "e1", "inc-1", kind="kubernetes.pod_logs", title="logs", body=body, digest="sha256:1",
        at=desk.clock.now,
    )  # fmt: skip
    desk.asks()
    for _ in range(2):
        desk.deliver()
        desk.happens("note")
    card, *thread = desk.slack.messages(SHOP)
    files = [message for message in thread if message.get("files")]
    assert [message["thread_ts"] for message in files] == [card["ts"]]
    assert files[0]["files"][0]["size"] == len(body)
