"""A revision is sent by one worker, and a kill switch is on until it is taken away."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from toil.messages import Messages
from toil.pauses import Pauses

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_exactly_one_of_many_claims_a_revision(engine: Engine) -> None:
    """The row is new and everybody comes at once."""
    messages = Messages(engine)

    def claim(_: int) -> bool:
        return messages.claim("inc-1", "webhook", 3, NOON, 30)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1


def test_a_delivered_revision_is_not_claimed_again(engine: Engine) -> None:
    """Neither it nor an older one; a newer one is."""
    messages = Messages(engine)
    messages.claim("inc-1", "webhook", 3, NOON, 30)
    messages.delivered("inc-1", "webhook", 3, "ts-1", NOON)
    assert not messages.claim("inc-1", "webhook", 3, NOON, 30)
    assert not messages.claim("inc-1", "webhook", 2, NOON, 30)
    assert messages.claim("inc-1", "webhook", 4, NOON, 30)
    assert messages.claim("inc-1", "slack", 3, NOON, 30)


def test_a_lease_that_ran_out_or_was_released_is_free(engine: Engine) -> None:
    """A worker that died blocks the channel for its lease and no longer."""
    messages = Messages(engine)
    assert messages.claim("inc-1", "webhook", 3, NOON, 30)
    assert not messages.claim("inc-1", "webhook", 4, NOON + timedelta(seconds=29), 30)
    assert messages.claim("inc-1", "webhook", 4, NOON + timedelta(seconds=30), 30)
    messages.release("inc-1", "webhook")
    assert messages.claim("inc-1", "webhook", 4, NOON + timedelta(seconds=30), 30)


def test_an_older_delivery_does_not_hide_a_newer_one(engine: Engine) -> None:
    """Two deliveries that end in the wrong order leave the newest."""
    messages = Messages(engine)
    messages.delivered("inc-1", "webhook", 4, "ts-4", NOON)
    messages.delivered("inc-1", "webhook", 3, "ts-3", NOON + timedelta(seconds=5))
    state = messages.state("inc-1", "webhook")
    assert state is not None
    assert (state.revision, state.external_id, state.delivered_at) == (4, "ts-4", NOON)
    assert messages.state("inc-2", "webhook") is None


def test_only_the_scopes_asked_for_block(engine: Engine) -> None:
    """A pause of another namespace stops nobody here."""
    pauses = Pauses(engine)
    pauses.put("namespace:shop", "deploy", "ana", NOON)
    assert [p.scope for p in pauses.blocking(("all", "namespace:shop"))] == ["namespace:shop"]
    assert pauses.blocking(("all", "namespace:cart")) == ()


def test_a_second_pause_replaces_the_reason(engine: Engine) -> None:
    """The last person to switch it on is who one asks."""
    pauses = Pauses(engine)
    pauses.put("all", "first", "ana", NOON)
    pauses.put("all", "second", "ben", NOON)
    assert [(p.reason, p.person) for p in pauses.all()] == [("second", "ben")]


def test_clearing_says_whether_it_was_on(engine: Engine) -> None:
    """Resuming twice is no error."""
    pauses = Pauses(engine)
    pauses.put("all", "first", "ana", NOON)
    assert pauses.clear("all")
    assert not pauses.clear("all")
    assert pauses.all() == ()
