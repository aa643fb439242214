"""What posts at all, where, whom it tells in person, and what a refusal costs."""

from typing import Any

import pytest
from slack_desk import OPS, SHOP, Desk, key_of

from contracts.errors import OutcomeUnknown, Unavailable
from contracts.plan import BlastRadius
from contracts.policy import SlackPolicy
from sandbox.slack.workspace import Channel
from toil.deliveries import Deliveries
from toil.journal import Journal

TWO = ["slack/card", "slack/apr-1-1"]


def test_what_a_machine_settled_alone_posts_nothing(desk: Desk) -> None:
    """Matched, refused, resolved by itself: it is on the pages and in the reports."""
    for kind in ("matched", "evidence", "verdict", "verified"):
        desk.happens(kind)
    desk.happens("outcome", {"status": "resolved"})
    desk.happens("closed", status="closed", closed_at=desk.clock.now, outcome="resolved")
    assert desk.deliver().final
    assert desk.sent() == []


@pytest.mark.parametrize("kind", ["escalated", "taken_over", "paged", "written"])
def test_what_people_should_know_posts_one_message(desk: Desk, kind: str) -> None:
    """A person is needed or has it, or something was written without anybody being asked."""
    desk.happens(kind)
    desk.deliver()
    assert desk.keys(OPS) == ["slack/card"]


def test_what_ended_within_two_minutes_is_no_outage(desk: Desk) -> None:
    """One message that says how it ended, without an apology."""
    desk.happens("written")
    desk.clock.passes(60)
    desk.happens("closed", status="closed", closed_at=desk.clock.now, outcome="resolved")
    desk.clock.passes(1)
    desk.deliver()
    (message,) = desk.slack.messages(OPS)
    assert not message["text"].startswith("Slack ")


def test_what_came_while_the_incident_was_open_is_not_late_at_its_end(desk: Desk) -> None:
    """Slack was slow at first, and people saw how it went on."""
    desk.happens("escalated")
    desk.clock.passes(300)
    desk.deliver()
    desk.clock.passes(300)
    desk.happens("closed", status="closed", closed_at=desk.clock.now)
    desk.deliver()
    (message,) = desk.slack.messages(OPS)
    assert not message["text"].startswith("Slack ")
    assert "Closed" in str(message)


def test_a_message_that_came_late_stays_the_same(desk: Desk) -> None:
    """A later revision of the ended incident edits nothing away."""
    desk.happens("escalated")
    desk.clock.passes(300)
    desk.happens("closed", status="closed", closed_at=desk.clock.now)
    desk.clock.passes(10)
    desk.deliver()
    before = desk.slack.messages(OPS)
    desk.happens("note")
    desk.clock.passes(900)
    desk.deliver()
    assert desk.slack.messages(OPS) == before


def test_without_a_channel_of_the_service_it_goes_to_the_common_one(desk: Desk) -> None:
    """`[slack] channel`."""
    desk.happens("escalated", service="unknown")
    desk.deliver()
    assert (len(desk.slack.messages(OPS)), desk.slack.messages(SHOP)) == (1, [])


def test_without_any_channel_it_says_what_to_set(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """No call is made, and later revisions are not stopped."""
    desk.policy = desk.policy.model_copy(update={"slack": SlackPolicy()})
    newest = desk.happens("escalated")
    assert desk.deliver().revision == newest
    assert desk.sent() == []
    assert any("firebreak.toml" in str(getattr(r, "fix", "")) for r in caplog.records)


def test_an_open_question_tells_those_who_may_answer(desk: Desk) -> None:
    """In the thread, by name; nobody is told in person yet."""
    desk.asks()
    desk.deliver()
    question = str(desk.slack.messages(SHOP)[1])
    assert all(user in question for user in ("U0ANA", "U0BEN"))
    assert desk.slack.dms == {}


def test_a_dangerous_question_is_shown_in_the_channel_too(desk: Desk) -> None:
    """Others stay in the thread."""
    asked = desk.asks()
    all_at_once = BlastRadius(pods=2, ready=2, desired=2, lost=2)
    desk.asks(2, plan=asked.plan.model_copy(update={"blast": all_at_once}))
    desk.deliver()
    _, quiet, loud = desk.slack.messages(SHOP)
    assert "subtype" not in quiet
    assert loud["subtype"] == "thread_broadcast"


def test_a_reminder_is_one_message_that_is_edited(desk: Desk) -> None:
    """Reminded, paged, answered: three pictures of the same message."""
    asked = desk.asks()
    desk.deliver()
    desk.becomes(asked, "reminded", stage="reminded")
    desk.deliver()
    desk.becomes(asked, "paged", stage="paged")
    desk.deliver()
    assert desk.keys() == [*TWO, "slack/apr-1-1/reminder"]
    desk.answered(asked.model_copy(update={"stage": "paged"}))
    desk.deliver()
    assert desk.keys() == [*TWO, "slack/apr-1-1/reminder"]
    assert "approved" in desk.slack.messages(SHOP)[2]["text"]


def test_people_are_told_in_person_once_at_each_stage(desk: Desk) -> None:
    """At the reminder who may answer, when it is paged whom the policy names; each one message."""
    asked = desk.asks(approvers=("ana", "ben", "dan"))
    desk.becomes(asked, "reminded", stage="reminded")
    for _ in range(2):
        desk.deliver()
        desk.happens("evidence")
    assert _told(desk) == {"U0ANA": 1, "U0BEN": 1}
    desk.becomes(asked, "paged", stage="paged")
    for _ in range(2):
        desk.deliver()
        desk.happens("evidence")
    assert _told(desk) == {"U0ANA": 1, "U0BEN": 1, "U0CLEO": 1}
    assert "/archives/C0SHOP/p" in str(desk.slack.dms["U0ANA"])
    for user, told in (("U0ANA", "Your answer is needed"), ("U0CLEO", "You were called, because")):
        assert desk.slack.dms[user][0]["text"].startswith(told)
    assert "Ana Ops, Ben Ops or Dan Silent" in str(desk.slack.dms["U0CLEO"])


def test_a_user_group_is_called_by_its_mention(desk: Desk) -> None:
    """Slack knows who is in it, so that nobody has to be listed; a schedule calls whom it names."""
    verdict = {"ruling": "ask", "people": ("cleo",)}
    desk.asks(approvers=("usergroup:S0ONCALL", "oncall:primary"), verdict=verdict)
    desk.deliver()
    question = desk.slack.messages(SHOP)[1]
    assert "<!subteam^S0ONCALL>" in question["text"]
    assert "<@U0CLEO>" in question["text"]
    assert "{'type': 'usergroup', 'usergroup_id': 'S0ONCALL'}" in str(question["blocks"])


def _told(desk: Desk) -> dict[str, int]:
    return {user: len(messages) for user, messages in desk.slack.dms.items()}


def test_what_was_told_in_person_says_when_it_is_over(desk: Desk) -> None:
    """Edited, and nobody is told anew."""
    asked = desk.asks()
    desk.becomes(asked, "reminded", stage="reminded")
    desk.deliver()
    desk.answered(asked.model_copy(update={"stage": "reminded"}))
    desk.deliver()
    assert _told(desk) == {"U0ANA": 1, "U0BEN": 1}
    assert all("approved" in messages[0]["text"] for messages in desk.slack.dms.values())


def test_nobody_in_particular_being_reachable_stops_nothing(desk: Desk) -> None:
    """A person who has left Slack is told in the thread, like everybody."""
    ana = desk.slack.workspace.user("U0ANA")
    assert ana is not None
    ana.deleted = True
    asked = desk.asks()
    newest = desk.becomes(asked, "reminded", stage="reminded")
    assert desk.deliver().revision == newest
    assert _told(desk) == {"U0BEN": 1}


def test_a_question_that_is_over_before_it_was_posted_is_not_posted(desk: Desk) -> None:
    """Answered in the browser within a second: the incident's message tells of it."""
    desk.answered(desk.asks())
    desk.deliver()
    assert desk.keys() == ["slack/card"]


def test_a_refusal_that_nobody_can_mend_costs_its_revision_only(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """The next one tries again."""
    desk.asks()
    desk.slack.fail("chat.postMessage", how="born_tomorrow")
    desk.deliver()
    row = desk.row()
    assert row is not None
    assert str(row.external_id).startswith("rejected: Slack refused chat.postMessage")
    assert any("next change" in str(getattr(record, "fix", "")) for record in caplog.records)
    desk.happens("evidence")
    desk.deliver()
    assert desk.keys() == TWO


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        ("not_in_channel", "/invite @firebreak"),
        ("channel_not_found", "firebreak.toml"),
        ("token_revoked", "FIREBREAK_SLACK_BOT_TOKEN"),
        ("invalid_auth", "FIREBREAK_SLACK_BOT_TOKEN"),
        ("missing_scope", "slack-manifest.yaml"),
        ("is_archived", "Unarchive"),
    ],
)
def test_a_question_appears_when_a_person_has_mended_what_refused_it(
    desk: Desk, caplog: pytest.LogCaptureFixture, code: str, fix: str
) -> None:
    """Without any news of the incident: it is tried again slowly, and counts as refused till then.

    It says what to do.
    """
    desk.asks()
    desk.slack.fail("chat.postMessage", None, code)
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            desk.deliver()
        assert caught.value.after_seconds == 60
        desk.clock.passes(60)
    assert fix in caught.value.fix
    assert any(fix in str(getattr(record, "fix", "")) for record in caplog.records)
    (figures,) = Deliveries(desk.engine).by_channel(desk.clock.now)
    assert figures.refused == 1
    desk.slack.mend()
    desk.deliver()
    assert desk.keys() == TWO
    (figures,) = Deliveries(desk.engine).by_channel(desk.clock.now)
    assert figures.refused == 0


def test_what_can_be_mended_is_waited_for_whatever_else_was_refused(desk: Desk) -> None:
    """The question is refused for good, the reminder until somebody invites the app."""
    asked = desk.asks()
    desk.deliver()
    desk.slack.fail("chat.update", how="blocked_file_type")
    desk.slack.fail("chat.postMessage", how="not_in_channel")
    desk.becomes(asked, "paged", stage="paged")
    with pytest.raises(Unavailable, match="not_in_channel"):
        desk.deliver()
    desk.deliver()
    assert desk.keys() == [*TWO, "slack/apr-1-1/reminder"]


def test_an_archived_channel_keeps_its_messages_and_gets_them_edited_later(desk: Desk) -> None:
    """While it is archived nothing can be shown; nothing is posted beside it either."""
    asked = desk.asks()
    desk.deliver()
    _channel(desk).archived = True
    desk.answered(asked)
    with pytest.raises(Unavailable, match="is_archived"):
        desk.deliver()
    _channel(desk).archived = False
    desk.deliver()
    assert desk.keys() == TWO
    assert "Approved" in str(desk.slack.messages(SHOP)[1])


def _channel(desk: Desk) -> Channel:
    found = desk.slack.workspace.channel(SHOP)
    assert found is not None
    return found


def test_from_an_archived_channel_it_moves_to_the_one_named_now(desk: Desk) -> None:
    """The policy was changed: the message comes anew where people are."""
    desk.asks()
    desk.deliver()
    _channel(desk).archived = True
    desk.policy = desk.policy.model_copy(update={"services": ()})
    desk.happens(status="acting")
    desk.deliver()
    assert "slack/card/again" in desk.keys(OPS)


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_blocks_too_long", "metadata_too_large"])
def test_a_message_refused_for_its_looks_comes_in_plain_words(desk: Desk, code: str) -> None:
    """With the way to its page, because its buttons are missing."""
    desk.happens("escalated")
    desk.slack.fail("chat.postMessage", how=code)
    desk.deliver()
    (message,) = desk.slack.messages(OPS)
    assert "blocks" not in message
    assert "https://firebreak.test/incidents/inc-1" in message["text"]


def test_one_refused_message_stops_no_other(desk: Desk) -> None:
    """The question is refused, and the card is brought up to date."""
    asked = desk.asks()
    desk.deliver()
    desk.slack.fail("chat.update", how="blocked_file_type")
    desk.becomes(asked, "paged", stage="paged")
    desk.happens(status="acting")
    desk.deliver()
    row = desk.row()
    assert row is not None
    assert str(row.external_id).startswith("rejected")
    assert "Acting" in str(desk.slack.messages(SHOP)[0])


def test_a_locked_thread_is_answered_in_the_channel(desk: Desk) -> None:
    """A question that nobody can see would be worse."""
    desk.asks()
    desk.slack.fail("chat.postMessage", how="restricted_action_thread_locked", after=1)
    desk.deliver()
    assert desk.keys() == TWO
    assert "thread_ts" not in desk.slack.messages(SHOP)[1]


def _with_logs(desk: Desk, body: str) -> None:
    data = {"kind": "kubernetes.pod_logs", "excerpt": body[:100], "digest": "sha256:1"}
    desk.happens("evidence", data)
    Journal(desk.engine).keep_evidence(
        "e1", "inc-1", kind="kubernetes.pod_logs", title="logs", body=body, digest="sha256:1",
        at=desk.clock.now,
    )  # fmt: skip


def test_long_evidence_comes_once_as_a_file(desk: Desk) -> None:
    """In the thread, in full; later revisions send none."""
    body = "out of memory\n" * 200
    _with_logs(desk, body)
    desk.asks()
    for _ in range(2):
        desk.deliver()
        desk.happens("note")
    assert [file["content"] for file in desk.slack.files] == [body]
    assert [file["name"] for file in desk.slack.files] == ["evidence.txt"]
    files = [m for m in desk.slack.messages(SHOP) if m.get("files")]
    assert [m["thread_ts"] for m in files] == [desk.slack.messages(SHOP)[0]["ts"]]
    assert files[0]["text"] == "evidence, in full, for the question: restart user-auth."


def test_a_file_has_an_end(desk: Desk) -> None:
    """Nobody reads more in Slack, and its page has all of it."""
    _with_logs(desk, "x" * 65_537)
    desk.asks()
    desk.deliver()
    assert [len(file["content"]) for file in desk.slack.files] == [65_536]


def test_evidence_that_the_message_shows_whole_is_no_file(desk: Desk) -> None:
    """Nothing more to read there."""
    _with_logs(desk, "out of memory")
    desk.asks()
    desk.deliver()
    assert desk.slack.files == []


@pytest.mark.parametrize("how", ["missing_scope", "accepted_then_reset", "429", "502"])
def test_a_file_that_cannot_be_sent_is_left_out(desk: Desk, how: str) -> None:
    """The question has the excerpt and the way to its page; nothing is tried twice."""
    _with_logs(desk, "out of memory\n" * 200)
    desk.asks()
    desk.slack.fail("files.completeUploadExternal", None, how)
    newest = desk.happens("note")
    for _ in range(2):
        assert desk.deliver().revision == newest
        newest = desk.happens("note")
    assert len(desk.slack.calls("files.completeUploadExternal")) == 1
    assert "rejected" not in str(desk.row())


def test_a_person_is_not_told_twice_when_the_line_breaks(desk: Desk) -> None:
    """A direct message is looked for like any other."""
    asked = desk.asks(approvers=("ana",))
    desk.deliver()
    desk.becomes(asked, "reminded", stage="reminded")
    desk.slack.fail("chat.postMessage", how="accepted_then_reset", after=1)
    with pytest.raises(OutcomeUnknown):
        desk.deliver()
    desk.clock.passes(16)
    desk.deliver()
    assert [_keys(m) for m in desk.slack.dms.values()] == [["slack/apr-1-1/dm/ana"]]


def _keys(messages: list[dict[str, Any]]) -> list[str]:
    return [key_of(message) for message in messages]


def test_no_token_shows_in_an_error(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in a log line nor in what the books keep."""
    desk.asks()
    desk.slack.revoke()
    with pytest.raises(Unavailable):
        desk.deliver()
    told = f"{caplog.text} {[vars(record) for record in caplog.records]} {desk.row()}"
    assert "token_revoked" in told
    assert desk.slack.bot_token not in told
