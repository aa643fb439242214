"""The view of an incident: every question with what it was asked on, and whom it names."""

from datetime import datetime, timedelta

import pytest
from slack_desk import NOON, SHOP, Desk
from sqlalchemy.orm import Session

from activities.views import TOLD_IN_PERSON_MAX, Views, nobody
from contracts.approval import Vote
from contracts.errors import NotFound
from contracts.message import ASKED_MAX, MessageView, TrackRecord
from contracts.policy import Person
from contracts.target import Target
from toil.journal import Journal
from toil.tables import ReservationRow


def view_of(desk: Desk) -> MessageView:
    """What a channel is given now."""
    journal = Journal(desk.engine)
    views = Views(journal, desk.policy, lambda g, _: desk.groups.get(g), "https://firebreak.test")
    return views.view("inc-1", desk.clock.now)


def test_each_question_has_the_evidence_that_it_was_asked_on(desk: Desk) -> None:
    """What says why comes first; what was found later belongs to the next question."""
    desk.happens("matched")
    desk.happens("evidence", {"kind": "kubernetes.events", "excerpt": "back-off"})
    desk.happens("evidence", {"kind": "kubernetes.pod_logs", "excerpt": "oom", "digest": "d"})
    desk.asks()
    desk.happens("evidence", {"kind": "kubernetes.pod_logs", "excerpt": "later"})
    (asked,) = view_of(desk).asked
    assert [one.excerpt for one in asked.evidence] == ["oom", "back-off"]
    assert asked.evidence[0].digest == "d"


def test_a_new_run_forgets_what_the_last_one_found(desk: Desk) -> None:
    """It was matched anew, and looked anew."""
    desk.happens("evidence", {"excerpt": "old"})
    desk.happens("matched")
    desk.happens("evidence", {"excerpt": "new"})
    desk.asks()
    assert [one.excerpt for one in view_of(desk).asked[0].evidence] == ["new"]


def test_open_and_closed_questions_are_told_oldest_first(desk: Desk) -> None:
    """The newest of them, and only the open ones stand among the open approvals."""
    for number in range(ASKED_MAX + 2):
        desk.clock.passes(1)
        approval = desk.asks(number)
        if number % 2:
            desk.becomes(approval, "void", state="void")
    view = view_of(desk)
    numbers = [int(asked.approval.id.rpartition("-")[2]) for asked in view.asked]
    assert numbers == [*range(2, ASKED_MAX + 2)]
    assert all(approval.state == "open" for approval in view.approvals)


def test_why_a_question_is_over_is_told_in_its_own_words(desk: Desk) -> None:
    """Each has its own line."""
    one, two = desk.asks(1), desk.asks(2)
    desk.becomes(one, "void", state="void")
    desk.becomes(two, "expired", state="expired")
    assert [asked.ended for asked in view_of(desk).asked] == ["void.", "expired."]


def test_the_track_record_is_that_of_the_moment_of_the_question(desk: Desk) -> None:
    """Or the message would change when this very run ends."""
    done = {"runbook": "restart_service", "status": "resolved", "seconds": 120}
    for attempt in (1, 2):
        wrote(desk, f"inc-1/{attempt}/s2")
    desk.happens("outcome", done | {"attempt": 1})
    desk.clock.passes(60)
    desk.asks()
    desk.clock.passes(60)
    desk.happens("outcome", done | {"attempt": 2})
    record = view_of(desk).asked[0].record
    assert (record.runs, record.healed, record.heal_seconds_median) == (1, 1, 120)


def wrote(desk: Desk, key: str) -> None:
    """A write lock that was used."""
    at = desk.clock.now
    row = ReservationRow(
        key=key,
        incident=key.partition("/")[0],
        runbook="restart_service",
        action="kubernetes.rollout_restart",
        lock_keys=[],
        state="done",
        reserved_at=at,
        expires_at=at,
    )
    with Session(desk.engine) as session, session.begin():
        session.add(row)


class Counting(Journal):
    """The books, which count how often somebody looks a record up."""

    looked = 0

    def track_record(self, runbook: str, target: Target, now: datetime, days: int) -> TrackRecord:
        """The same, and one more."""
        self.looked += 1
        return super().track_record(runbook, target, now, days)


def test_the_track_record_is_read_once_for_each_question(desk: Desk) -> None:
    """It changes no more, and to read it is to read the books of a quarter."""
    journal = Counting(desk.engine)
    views = Views(journal, desk.policy, nobody, "https://firebreak.test")
    for number in (1, 2):
        desk.clock.passes(1)
        desk.asks(number)
        for _ in range(3):
            views.view("inc-1", desk.clock.now)
        assert journal.looked == number


def test_only_people_of_the_incident_are_named(desk: Desk) -> None:
    """Who may answer, who is told; with their names in Slack where the policy knows them."""
    desk.asks(approvers=("ben", "dan"), verdict={"ruling": "ask", "people": ()})
    people = {who.id: (who.name, who.slack) for who in view_of(desk).people}
    assert people == {
        "ben": ("Ben Ops", "U0BEN"),
        "cleo": ("Cleo Lead", "U0CLEO"),
        "dan": ("Dan Silent", ""),
    }


def test_who_answers_for_a_service_is_given_while_it_needs_people(desk: Desk) -> None:
    """Whoever is on call, a user group as it is, a schedule that nobody can read by its name; only
    then, or a message names people who have nothing to do with it.
    """
    may = ("oncall:primary", "oncall:lost", "usergroup:S0ONCALL", "dan", "ben")
    (shop,) = desk.policy.services
    shop = shop.model_copy(update={"approvers": may})
    desk.policy = desk.policy.model_copy(update={"services": (shop,)})
    desk.groups = {"oncall:primary": frozenset({"ben", "ana"}), "usergroup:S0ONCALL": frozenset()}
    desk.happens("matched", service="shop", status="acting")
    assert view_of(desk).responders == ()
    desk.happens("outcome", status="escalated")
    seen = view_of(desk)
    assert seen.responders == ("ana", "ben", "oncall:lost", "usergroup:S0ONCALL", "dan")
    assert {who.id for who in seen.people} == {"ana", "ben", "dan"}


def test_who_has_answered_or_asked_is_not_reminded(desk: Desk) -> None:
    """One of two has agreed; the one who wanted it may not."""
    vote = Vote(person="ana", decision="approve", at=NOON)
    desk.asks(approvers=("ana", "ben", "dan"), needed=2, votes=(vote,), requester="dan")
    assert view_of(desk).asked[0].remind == ("ben",)


def test_groups_stand_for_their_members_and_unknown_ones_for_nobody(desk: Desk) -> None:
    """An unreadable schedule calls nobody in particular."""
    desk.groups = {"oncall:primary": frozenset({"ben", "ana"})}
    pages = ("oncall:primary", "oncall:lost", "cleo")
    slack = desk.policy.slack.model_copy(update={"pages": pages})
    desk.policy = desk.policy.model_copy(update={"slack": slack})
    desk.asks(approvers=("oncall:lost", "dan"))
    (asked,) = view_of(desk).asked
    assert (asked.remind, asked.page) == ((), ("ana", "ben", "cleo"))


def test_never_a_whole_department_is_told_in_person(desk: Desk) -> None:
    """However many the policy names."""
    many = tuple(f"p{number}" for number in range(30))
    people = tuple(Person(id=one, name=one) for one in many)
    desk.policy = desk.policy.model_copy(update={"people": people})
    desk.asks(approvers=many)
    assert len(view_of(desk).asked[0].remind) == TOLD_IN_PERSON_MAX


def test_the_place_is_the_channel_of_the_service(desk: Desk) -> None:
    """Or the common one."""
    assert view_of(desk).place == "C0OPS"
    desk.happens(service="shop")
    assert view_of(desk).place == SHOP


def test_an_incident_that_nobody_knows_is_not_found(desk: Desk) -> None:
    """There is nothing to tell."""
    views = Views(Journal(desk.engine), desk.policy, lambda *_: None, "https://firebreak.test")
    with pytest.raises(NotFound, match="inc-9"):
        views.view("inc-9", NOON + timedelta(days=1))
