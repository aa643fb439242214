"""The newest revision to every channel, once, over the real journal and the real claims."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from activities.messages import LEASE_SECONDS, Channel, MessageActivities
from contracts.approval import Approval
from contracts.calls import DeliverCall, Delivered
from contracts.errors import Busy, NotFound, Refused, Rejected, Unavailable
from contracts.journal import Event, IncidentChange, Record
from contracts.message import MessageView
from contracts.plan import Plan, Verdict
from contracts.target import Target
from toil.journal import Journal
from toil.messages import Messages

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TARGET = Target(cluster="default", namespace="shop", kind="Deployment", name="user-auth")
CALL = DeliverCall(incident="inc-1")


class FakeChannel:
    """Keeps what it was sent; raises what it was told to, once each."""

    def __init__(self, *errors: Exception, meanwhile: Callable[[], object] | None = None) -> None:
        self.errors = list(errors)
        self.meanwhile = meanwhile
        self.views: list[MessageView] = []
        self.keys: list[str] = []

    def send(self, view: MessageView, idempotency_key: str) -> str:
        """Take the message, or fail as told."""
        if self.meanwhile:
            self.meanwhile()
        if self.errors:
            raise self.errors.pop(0)
        self.views.append(view)
        self.keys.append(idempotency_key)
        return f"id-{len(self.views)}"

    @property
    def revisions(self) -> list[int]:
        """What arrived."""
        return [view.incident.revision for view in self.views]


class Desk:
    """One incident, the activity and its clock."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = NOON
        self._lines = 0
        self.happens(workflow="incident/x", opened_at=NOON, target=TARGET)

    def happens(self, **change: object) -> int:
        """One more line of the story; returns its revision."""
        self._lines += 1
        event = Event(key=f"k{self._lines}", at=NOON, actor="x", type="note", text="t")
        record = Record(
            incident="inc-1", change=IncidentChange.model_validate(change), events=(event,)
        )
        return Journal(self.engine).record(record).revision

    def worker(self, **channels: Channel) -> MessageActivities:
        """A worker with these channels."""
        books = Journal(self.engine), Messages(self.engine)
        return MessageActivities(*books, channels, "https://firebreak.test", lambda: self.now)

    def deliver(self, **channels: Channel) -> Delivered:
        """Run the activity with these channels."""
        return self.worker(**channels).deliver(CALL)


@pytest.fixture
def desk(engine: Engine) -> Desk:
    """A desk with an open incident at revision 1."""
    return Desk(engine)


def test_each_channel_gets_the_newest_revision_once(desk: Desk) -> None:
    """A second delivery of the same revision sends nothing."""
    one, two = FakeChannel(), FakeChannel()
    assert desk.deliver(one=one, two=two) == Delivered(revision=1, final=False)
    assert desk.deliver(one=one, two=two) == Delivered(revision=1, final=False)
    assert (one.revisions, two.revisions) == ([1], [1])
    assert one.keys == ["inc-1:one:1"]


def test_after_an_outage_only_the_newest_arrives(desk: Desk) -> None:
    """What happened meanwhile is in the one message that gets through."""
    channel = FakeChannel(Unavailable("down"))
    with pytest.raises(Unavailable):
        desk.deliver(one=channel)
    desk.happens(status="acting")
    newest = desk.happens(status="verifying")
    assert desk.deliver(one=channel).revision == newest
    assert channel.revisions == [newest]


def test_a_failed_send_is_tried_again_at_once(desk: Desk) -> None:
    """The claim is given back, so the retry need not wait for a lease to end."""
    channel = FakeChannel(Unavailable("down"))
    with pytest.raises(Unavailable):
        desk.deliver(one=channel)
    assert desk.deliver(one=channel).revision == 1


def test_a_dead_channel_delays_no_other(desk: Desk) -> None:
    """The others are told first, and not told again by the retry."""
    dead, alive = FakeChannel(Unavailable("down"), Unavailable("down")), FakeChannel()
    for _ in range(2):
        with pytest.raises(Unavailable):
            desk.deliver(dead=dead, alive=alive)
    assert alive.revisions == [1]
    desk.deliver(dead=dead, alive=alive)
    assert (dead.revisions, alive.revisions) == ([1], [1])


def test_a_refused_revision_is_recorded_and_not_sent_again(desk: Desk) -> None:
    """The next revision is another message and gets its chance."""
    channel = FakeChannel(Rejected("example answered 410"))
    assert desk.deliver(one=channel).revision == 1
    assert desk.deliver(one=channel).revision == 1
    state = Messages(desk.engine).state("inc-1", "one")
    assert state is not None
    assert (state.revision, state.external_id) == (1, "rejected: example answered 410")
    assert channel.revisions == []
    newest = desk.happens(status="acting")
    desk.deliver(one=channel)
    assert channel.revisions == [newest]


def test_another_workers_live_claim_is_respected_until_it_ends(desk: Desk) -> None:
    """It may be sending right now; if it was killed, its lease runs out and we take over."""
    channel = FakeChannel()
    assert Messages(desk.engine).claim("inc-1", "one", 1, NOON, LEASE_SECONDS)
    with pytest.raises(Busy):
        desk.deliver(one=channel)
    desk.now = NOON + timedelta(seconds=LEASE_SECONDS)
    assert desk.deliver(one=channel).revision == 1
    assert channel.revisions == [1]


def test_the_last_message_is_final(desk: Desk) -> None:
    """The Messenger ends when the closed incident has been told."""
    closed = desk.happens(status="closed", closed_at=NOON)
    assert desk.deliver(one=FakeChannel()) == Delivered(revision=closed, final=True)


def test_without_channels_there_is_nothing_to_wait_for(desk: Desk) -> None:
    """The journal is all there is."""
    assert desk.deliver() == Delivered(revision=1, final=False)


def test_an_unknown_incident_is_not_found(engine: Engine) -> None:
    """Nothing is claimed for what does not exist."""
    made = MessageActivities(
        Journal(engine), Messages(engine), {"one": FakeChannel()}, "https://x", lambda: NOON
    )
    with pytest.raises(NotFound, match="inc-1"):
        made.deliver(CALL)


def test_the_view_has_the_open_approvals_and_the_page(desk: Desk) -> None:
    """What a person needs to answer: the question and where to answer it."""
    plan = Plan(
        action="a", target=TARGET, uid="u", generation=1, before="2", after="1", summary="s",
        kubectl="k", at=NOON,
    )  # fmt: skip
    for number, state in enumerate(("open", "void")):
        approval = Approval.model_validate(
            {
                "id": f"apr-{number}",
                "incident": "inc-1",
                "workflow": "w",
                "runbook": "r",
                "target": TARGET,
                "plan": plan,
                "verdict": Verdict(ruling="ask"),
                "needed": 1,
                "approvers": ("ana",),
                "opened_at": NOON,
                "expires_at": NOON + timedelta(minutes=15),
                "state": state,
            }
        )
        Journal(desk.engine).record(Record(incident="inc-1", approval=approval))
    channel = FakeChannel()
    desk.deliver(one=channel)
    (view,) = channel.views
    assert [approval.id for approval in view.approvals] == ["apr-0"]
    assert view.url == "https://firebreak.test/incidents/inc-1"


def test_the_answer_is_what_every_channel_has(desk: Desk) -> None:
    """It closes while the first is told: the others have its end, and the first is not forgotten.

    The Messenger ends with the final revision, so it must not hear of it too early.
    """
    first, other = FakeChannel(), FakeChannel()
    first.meanwhile = lambda: first.views or desk.happens(status="closed", closed_at=NOON)
    assert desk.deliver(slack=first, webhook=other) == Delivered(revision=1, final=False)
    assert (first.revisions, other.revisions) == ([1], [2])
    assert desk.deliver(slack=first, webhook=other) == Delivered(revision=2, final=True)
    assert (first.revisions, other.revisions) == ([1, 2], [2])


def test_a_bug_in_one_channel_stops_no_other_and_is_loud(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are told, the claim is given back, the delivery fails with the bug itself."""
    buggy, fine = FakeChannel(KeyError("a card")), FakeChannel()
    with pytest.raises(KeyError, match="a card"):
        desk.deliver(slack=buggy, webhook=fine)
    assert fine.revisions == [1]
    assert [record.exc_info is not None for record in caplog.records] == [True]
    assert desk.deliver(slack=buggy, webhook=fine).revision == 1


def test_what_never_passes_does_not_end_what_may(desk: Desk) -> None:
    """Temporal tries a Stop never again, and the other channel is only away for now."""
    dead, away = FakeChannel(Refused("never")), FakeChannel(Unavailable("down"))
    with pytest.raises(Unavailable, match="down"):
        desk.deliver(dead=dead, away=away)


def test_who_is_to_be_woken_is_told_first(desk: Desk) -> None:
    """However long the others take."""
    order: list[str] = []
    names = ("webhook", "mail", "slack", "pagerduty")
    channels = {name: FakeChannel(meanwhile=lambda n=name: order.append(n)) for name in names}  # type: ignore[misc]  # the name is bound early
    desk.deliver(**channels)
    assert order == ["pagerduty", "slack", "webhook", "mail"]


def later(seconds: float | None) -> Unavailable:
    """A channel that is away, and wants to be left alone so long."""
    away = Unavailable("down")
    away.after_seconds = seconds
    return away


@pytest.mark.parametrize(
    ("pauses", "kept"), [((300, 7), 7), ((300, None), None), ((7, None), 7), ((None, 300), None)]
)
def test_the_channel_that_may_be_asked_first_is_waited_for(
    desk: Desk, pauses: tuple[float | None, float | None], kept: float | None
) -> None:
    """A channel that wants a long pause holds no other back; without one Temporal chooses it."""
    one, two = (FakeChannel(later(pause)) for pause in pauses)
    with pytest.raises(Unavailable) as caught:
        desk.deliver(one=one, two=two)
    assert caught.value.after_seconds == kept


class Uninvited(Rejected):
    """A refusal that a person can mend."""

    is_mendable = True


def test_a_refusal_that_a_person_can_mend_is_tried_again_slowly(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """The same revision comes when they have; meanwhile the books call it refused, the log once."""
    channel = FakeChannel(Uninvited("not invited"), Uninvited("not invited"))
    worker = desk.worker(one=channel)
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            worker.deliver(CALL)
        assert caught.value.after_seconds == 60
        state = Messages(desk.engine).state("inc-1", "one")
        assert state is not None
        assert (state.revision, state.external_id) == (0, "rejected: not invited")
    assert [record.message for record in caplog.records] == ["channel refused"]
    assert worker.deliver(CALL).revision == 1
    assert channel.revisions == [1]


def test_a_refusal_is_not_mended_for_an_incident_that_is_over(desk: Desk) -> None:
    """Nobody waits for it, and the Messenger ends."""
    desk.happens(status="closed", closed_at=NOON)
    assert desk.deliver(one=FakeChannel(Uninvited("not invited"))).final
    assert desk.deliver(one=FakeChannel(Uninvited("not invited"))).final


def test_a_claim_that_another_worker_has_by_now_is_left_to_it(desk: Desk) -> None:
    """A sender that slept over its lease gives back nothing that is not its own."""
    messages = Messages(desk.engine)

    def sleeps() -> None:
        desk.now = NOON + timedelta(seconds=LEASE_SECONDS)
        assert messages.claim("inc-1", "one", 1, desk.now, LEASE_SECONDS)

    with pytest.raises(Unavailable):
        desk.deliver(one=FakeChannel(Unavailable("down"), meanwhile=sleeps))
    assert not messages.claim("inc-1", "one", 1, desk.now, LEASE_SECONDS)
