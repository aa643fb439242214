"""One writer a target, one settlement a write, and the automatic entry with it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, Literal

import pytest
from sqlalchemy import Engine

from contracts.calls import JudgeCall, Reservation, ReserveCall, SettleCall
from contracts.errors import Busy, InvalidInput, NotFound
from contracts.plan import Plan
from contracts.step import Receipt
from contracts.target import Target
from contracts.toil import Entry
from toil.ledger import Ledger
from toil.reservations import CLOCK_SKEW_SECONDS_MAX, Reservations

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TARGET = Target(cluster="default", namespace="shop", kind="Deployment", name="user-auth")
ENTRY = Entry(
    key="inc-1/1/3", category="firefighting", method="automatic", confidence="measured",
    seconds=0, occurred_at=NOON, service="user-auth",
)  # fmt: skip


def call(key: str, target: Target = TARGET, *, expires_seconds: int = 60) -> ReserveCall:
    """Ask for the lock of one target."""
    plan = Plan(
        action="kubernetes.rollout_restart", target=target, uid="u", generation=1, before="a",
        after="b", summary="restart", kubectl="kubectl rollout restart", at=NOON,
    )  # fmt: skip
    judge = JudgeCall(key=key, incident="inc-1", runbook="restart", actor="firebreak", plan=plan)
    return ReserveCall(judge=judge, expires_seconds=expires_seconds)


def settlement(key: str, state: Literal["done", "released", "unknown"], **other: Any) -> SettleCall:
    """Close what `call` took."""
    values = {"incident": "inc-1", "runbook": "restart", "action": "kubernetes.rollout_restart"}
    return SettleCall.model_validate(
        values | {"key": key, "state": state, "at": NOON, "target": TARGET} | other
    )


def receipt(key: str) -> Receipt:
    """What the cluster answered."""
    return Receipt(
        key=key, action="restart", target=TARGET, did="written", summary="s", written_at=NOON
    )


def test_the_same_key_gets_the_same_reservation(engine: Engine) -> None:
    """A retried activity finds what its first attempt took, with the first expiry."""
    reservations = Reservations(engine)
    first = reservations.reserve(call("k1"), NOON)
    assert ("open", (TARGET.key,)) == (first.state, first.lock_keys)
    assert NOON + timedelta(seconds=60) == first.expires_at
    assert first == reservations.reserve(call("k1"), NOON + timedelta(hours=1))


def test_another_key_is_busy_until_it_is_settled(engine: Engine) -> None:
    """The lock is not waited for; another target is free."""
    reservations = Reservations(engine)
    reservations.reserve(call("k1"), NOON)
    with pytest.raises(Busy, match="k1"):
        reservations.reserve(call("k2"), NOON)
    other = TARGET.model_copy(update={"name": "cart"})
    assert reservations.reserve(call("k3", other), NOON).state == "open"
    reservations.settle(settlement("k1", "released"), None)
    assert reservations.reserve(call("k2"), NOON).state == "open"


def test_of_two_threads_one_wins_and_the_other_is_busy(engine: Engine) -> None:
    """The database decides, twenty times over."""
    reservations = Reservations(engine)
    barrier = Barrier(2)

    def attempt(key: str) -> str:
        barrier.wait(timeout=10)
        try:
            return reservations.reserve(call(key), NOON).key
        except Busy:
            return "busy"

    with ThreadPoolExecutor(2) as pool:
        for turn in range(20):
            keys = {f"{turn}a", f"{turn}b"}
            answers = set(pool.map(attempt, sorted(keys)))
            (winner,) = answers - {"busy"}
            assert {winner, "busy"} == answers
            reservations.settle(settlement(winner, "released"), None)


def test_two_threads_with_one_key_share_the_reservation(engine: Engine) -> None:
    """An attempt that overlaps its own retry is not refused."""
    reservations = Reservations(engine)
    barrier = Barrier(2)

    def attempt(key: str) -> Reservation:
        barrier.wait(timeout=10)
        return reservations.reserve(call(key), NOON)

    with ThreadPoolExecutor(2) as pool:
        for turn in range(60):
            first, second = pool.map(attempt, [f"k{turn}"] * 2)
            assert first == second
            reservations.settle(settlement(first.key, "released"), None)


def test_an_expired_reservation_is_closed_as_unknown(engine: Engine) -> None:
    """It makes way, counts against the budget, and its own key learns of it."""
    reservations = Reservations(engine)
    reservations.reserve(call("k1", expires_seconds=60), NOON)
    later = NOON + timedelta(seconds=60 + CLOCK_SKEW_SECONDS_MAX)
    assert reservations.reserve(call("k2"), later).state == "open"
    assert reservations.reserve(call("k1"), later).state == "unknown"
    states = [(a.key, a.state) for a in reservations.history([TARGET.key], NOON)]
    assert states == [("k2", "open"), ("k1", "unknown")]


def test_a_lock_that_expired_just_now_is_not_taken_over(engine: Engine) -> None:
    """The clock of its holder may be slower than ours; a second more and it makes way."""
    reservations = Reservations(engine)
    reservations.reserve(call("k1", expires_seconds=60), NOON)
    over = NOON + timedelta(seconds=60)
    with pytest.raises(Busy, match="k1"):
        reservations.reserve(call("k2"), over + timedelta(seconds=CLOCK_SKEW_SECONDS_MAX - 1))
    assert reservations.reserve(call("k1"), over).state == "open"
    skewed = over + timedelta(seconds=CLOCK_SKEW_SECONDS_MAX)
    assert reservations.reserve(call("k2"), skewed).state == "open"


def test_done_keeps_the_receipt_and_posts_the_entry_once(engine: Engine) -> None:
    """A second settlement, even a contrary one, changes nothing."""
    reservations, ledger = Reservations(engine), Ledger(engine)
    reservations.reserve(call("k1"), NOON)
    done = settlement("k1", "done", receipt=receipt("k1"))
    first = reservations.settle(done, ENTRY)
    assert ("done", receipt("k1")) == (first.state, first.receipt)
    assert first == reservations.settle(done, ENTRY)
    assert first == reservations.settle(settlement("k1", "released"), None)
    assert first == reservations.reserve(call("k1"), NOON)
    assert ledger.entries() == (ENTRY,)


def test_what_was_thought_unknown_may_become_known(engine: Engine) -> None:
    """A worker that comes back late with a receipt is believed."""
    reservations, ledger = Reservations(engine), Ledger(engine)
    reservations.reserve(call("k1"), NOON)
    reservations.settle(settlement("k1", "unknown"), None)
    late = reservations.settle(settlement("k1", "done", receipt=receipt("k1")), ENTRY)
    assert late.state == "done"
    assert len(ledger.entries()) == 1


def test_an_entry_that_is_refused_leaves_the_reservation_open(engine: Engine) -> None:
    """Settlement and entry are one transaction."""
    reservations = Reservations(engine)
    reservations.reserve(call("k1"), NOON)
    wrong = ENTRY.model_copy(update={"reverses": "nothing"})
    with pytest.raises(InvalidInput):
        reservations.settle(settlement("k1", "done", receipt=receipt("k1")), wrong)
    assert reservations.reserve(call("k1"), NOON).state == "open"


@pytest.mark.parametrize("state", ["released", "unknown"])
def test_only_done_posts_an_entry(engine: Engine, state: Literal["released", "unknown"]) -> None:
    """What was not, or may not have been written, is no automatic work."""
    reservations = Reservations(engine)
    reservations.reserve(call("k1"), NOON)
    reservations.settle(settlement("k1", state), ENTRY)
    assert Ledger(engine).entries() == ()


@pytest.mark.parametrize("state", ["done", "unknown"])
def test_nothing_is_settled_that_was_not_reserved(
    engine: Engine, state: Literal["done", "unknown"]
) -> None:
    """A settlement of an unknown key is an error, not a row."""
    with pytest.raises(NotFound):
        Reservations(engine).settle(settlement("k1", state), ENTRY)
    assert Ledger(engine).entries() == ()
    assert Reservations(engine).reserve(call("k1"), NOON).state == "open"


def test_what_was_never_reserved_may_be_released(engine: Engine) -> None:
    """A workflow that got no answer to its reserve gives back what it may not have."""
    reservations = Reservations(engine)
    released = reservations.settle(settlement("k1", "released", reason="no answer"), None)
    assert ("k1", "released", (TARGET.key,)) == (released.key, released.state, released.lock_keys)
    assert reservations.settle(settlement("k1", "released"), None) == released
    assert reservations.history([TARGET.key], NOON) == ()


def test_a_reserve_that_lands_after_its_release_holds_nothing(engine: Engine) -> None:
    """The request was on its way; nobody would ever settle the lock that it takes."""
    reservations = Reservations(engine)
    reservations.settle(settlement("k1", "released"), None)
    assert reservations.reserve(call("k1"), NOON).state == "released"
    assert reservations.reserve(call("k2"), NOON).state == "open"


def test_a_release_that_races_its_reserve_leaves_no_lock(engine: Engine) -> None:
    """Whichever commits first, twenty times over, the target is free afterwards."""
    reservations = Reservations(engine)
    barrier = Barrier(2)

    def reserve(key: str) -> None:
        barrier.wait(timeout=10)
        reservations.reserve(call(key), NOON)

    def release(key: str) -> str:
        barrier.wait(timeout=10)
        return reservations.settle(settlement(key, "released"), None).state

    with ThreadPoolExecutor(2) as pool:
        for turn in range(20):
            reserving = pool.submit(reserve, f"k{turn}")
            assert pool.submit(release, f"k{turn}").result() == "released"
            reserving.result()
    assert reservations.reserve(call("last"), NOON).state == "open"


def test_history_leaves_out_what_was_released_or_is_too_old(engine: Engine) -> None:
    """Nothing was written, so nothing counts."""
    reservations = Reservations(engine)
    for minute, state in enumerate(("done", "released", "unknown")):
        key = f"k{minute}"
        reservations.reserve(call(key), NOON + timedelta(minutes=minute))
        reservations.settle(settlement(key, state), None)  # type: ignore[arg-type]  # three words
    keys = [attempt.key for attempt in reservations.history([TARGET.key], NOON)]
    assert keys == ["k2", "k0"]
    recent = reservations.history([TARGET.key], NOON + timedelta(minutes=1))
    assert [attempt.key for attempt in recent] == ["k2"]
    assert reservations.history(["default/shop/Deployment/cart"], NOON) == ()


def test_the_receipt_of_a_settlement_is_kept_whole(engine: Engine) -> None:
    """Nothing of one that is open, released or unheard of."""
    reservations = Reservations(engine)
    reservations.reserve(call("k1"), NOON)
    assert reservations.receipt("k1") is None
    reservations.settle(settlement("k1", "done", receipt=receipt("k1")), None)
    assert reservations.receipt("k1") == receipt("k1")
    assert reservations.receipt("k2") is None
