"""The write lock of a plan: taken before a write, settled after it.

At most one open row of a lock key can exist; a partial unique index of the database decides
between two workers, not this code. Nothing here waits for a lock: whoever finds it held gets `Busy`
at once, and may ask again (the call that reserves does, for minutes). An expired one is taken over
only when it has expired by every worker's clock. Limits that count over all targets are decided in
the transaction that takes the lock: one reservation at a time, so that a last slot is taken once.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col

from contracts.calls import Reservation, ReserveCall, SettleCall
from contracts.errors import Busy, NotFound
from contracts.step import Receipt
from contracts.toil import Entry
from toil.chain import append_entry
from toil.database import reading, writing
from toil.tables import LockRow, ReservationRow
from toil.views import Attempt, Verification
from toil.writes import read_history, read_recent, read_verifications

__all__ = ["Attempt", "Permit", "Reservations", "Verification"]

RESERVE_TRIES_MAX = 3
# Clocks of two workers differ; whoever holds a lock by a slow clock must be done with it.
CLOCK_SKEW_SECONDS_MAX = 60

logger = logging.getLogger(__name__)
# What others reserved lately, to decide on under the lock; raises when there is no room.
Permit = Callable[[tuple[Attempt, ...]], None]

_ONE_AT_A_TIME = 7_309_453_267
_SETTLES_FROM = {"done": {"open", "unknown"}, "released": {"open", "unknown"}, "unknown": {"open"}}


class Reservations:
    """The reservations. Every method raises `Unavailable` when the database is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def history(self, lock_keys: Iterable[str], since: datetime) -> tuple[Attempt, ...]:
        """What was or may have been written under any of these keys since then, newest first."""
        with reading(self._engine) as session:
            return read_history(session, lock_keys, since)

    def recent(self, since: datetime) -> tuple[Attempt, ...]:
        """What was or may have been written to any target since then, and what is open."""
        with reading(self._engine) as session:
            return read_recent(session, since)

    def verifications(
        self, lock_key: str, runbook: str, since: datetime
    ) -> tuple[Verification, ...]:
        """What verifying found after writes of this runbook under this key, oldest first."""
        with reading(self._engine) as session:
            return read_verifications(session, lock_key, runbook, since)

    def attempt(self, key: str) -> Attempt | None:
        """The reservation of that key, whatever became of it."""
        with reading(self._engine) as session:
            row = session.get(ReservationRow, key)
            return Attempt.model_validate(row.model_dump()) if row else None

    def receipt(self, key: str) -> Receipt | None:
        """What the reservation of that key was settled with, or None where nothing is known."""
        with reading(self._engine) as session:
            row = session.get(ReservationRow, key)
            return Receipt.model_validate(row.receipt) if row and row.receipt else None

    def reserve(
        self, call: ReserveCall, now: datetime, permit: tuple[datetime, Permit] | None = None
    ) -> Reservation:
        """Take all the locks of the plan or none; the same key again gets the same reservation,
        settled or not. `permit` is a time and what is asked, in the same transaction, with all
        that was reserved since then; what it raises leaves nothing reserved.

        Raises:
            Busy: another key holds it.

        """
        for _ in range(RESERVE_TRIES_MAX):
            try:
                return self._reserve(call, now, permit)
            except IntegrityError:
                # Somebody else committed first; the next try sees their row.
                logger.info("reservation raced", extra={"key": call.judge.key})
        raise Busy(f"{', '.join(call.judge.plan.lock_keys)} is wanted by many at once")

    def _reserve(
        self, call: ReserveCall, now: datetime, permit: tuple[datetime, Permit] | None
    ) -> Reservation:
        with writing(self._engine) as session:
            _one_at_a_time(session)
            known = session.get(ReservationRow, call.judge.key)
            if known is not None:
                return _reservation(known)
            _refuse_if_held(session, call, now)
            if permit is not None:
                since, check = permit
                check(read_recent(session, since))
            row = _opened(call, now)
            session.add(row)
            session.flush()
            keys = sorted(set(row.lock_keys))
            session.add_all(LockRow(reservation=row.key, lock_key=k, state="open") for k in keys)
            session.flush()
            return _reservation(row)

    def settle(self, call: SettleCall, automatic: Entry | None) -> Reservation:
        """Close the reservation; on `done`, post `automatic` in the same transaction. A second
        settlement changes nothing, but what was thought unknown may become known. What was never
        reserved may be released: a reservation under that key that comes late gets no lock.

        Raises:
            NotFound: nobody reserved under that key, and it is not released.
            Busy: others settle and reserve it at the same time.

        """
        for _ in range(RESERVE_TRIES_MAX):
            try:
                return self._settle(call, automatic)
            except IntegrityError:
                # The reservation was committed while its release was being written down.
                logger.info("settlement raced", extra={"key": call.key})
        raise Busy(f"{call.key} is reserved and settled by many at once")

    def _settle(self, call: SettleCall, automatic: Entry | None) -> Reservation:
        statement = select(ReservationRow).where(col(ReservationRow.key) == call.key)
        with writing(self._engine) as session:
            row = session.scalars(statement.with_for_update()).first()
            if row is None:
                row = _never_reserved(call)
                session.add(row)
                session.flush()
            if row.state in _SETTLES_FROM[call.state]:
                _close(session, row, call)
                if call.state == "done" and automatic is not None:
                    append_entry(session, automatic, call.at)
            return _reservation(row)


def _one_at_a_time(session: Session) -> None:
    # SQLite has one writer anyway. Elsewhere two transactions that each count and then insert
    # would both see the last slot free.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT pg_advisory_xact_lock({_ONE_AT_A_TIME})"))


def _refuse_if_held(session: Session, call: ReserveCall, now: datetime) -> None:
    lock_keys = call.judge.plan.lock_keys
    holders = session.scalars(
        select(ReservationRow)
        .join(LockRow, col(LockRow.reservation) == col(ReservationRow.key))
        .where(
            col(LockRow.lock_key).in_(lock_keys),
            col(LockRow.state) == "open",
            # A twin of this attempt may have committed since; the insert will tell.
            col(ReservationRow.key) != call.judge.key,
        )
        .order_by(col(ReservationRow.key))
        .with_for_update()
    ).all()
    for holder in holders:
        if holder.expires_at + timedelta(seconds=CLOCK_SKEW_SECONDS_MAX) > now:
            raise Busy(f"{', '.join(lock_keys)} is being written by {holder.key}")
        _set_state(session, holder, "unknown", now)
        holder.reason = f"expired unsettled; found by {call.judge.key}"
    session.flush()


def _opened(call: ReserveCall, now: datetime) -> ReservationRow:
    judge = call.judge
    return ReservationRow(
        key=judge.key,
        incident=judge.incident,
        runbook=judge.runbook,
        action=judge.plan.action,
        service=judge.service,
        pool=judge.plan.pool_key,
        approval=call.approval.id if call.approval else "",
        restores=judge.plan.restores,
        lock_keys=list(judge.plan.lock_keys),
        state="open",
        reserved_at=now,
        expires_at=now + timedelta(seconds=call.expires_seconds),
    )


def _never_reserved(call: SettleCall) -> ReservationRow:
    if call.state != "released":
        raise NotFound(f"nothing is reserved under {call.key}")
    return ReservationRow(
        key=call.key,
        incident=call.incident,
        runbook=call.runbook,
        action=call.action,
        lock_keys=[call.target.key],
        state="released",
        reserved_at=call.at,
        expires_at=call.at,
        settled_at=call.at,
        reason=call.reason,
    )


def _close(session: Session, row: ReservationRow, call: SettleCall) -> None:
    _set_state(session, row, call.state, call.at)
    row.reason = call.reason
    row.receipt = call.receipt.model_dump(mode="json") if call.receipt else None


def _set_state(session: Session, row: ReservationRow, state: Any, at: datetime) -> None:
    row.state, row.settled_at = state, at
    session.execute(update(LockRow).where(col(LockRow.reservation) == row.key).values(state=state))


def _reservation(row: ReservationRow) -> Reservation:
    return Reservation.model_validate(row.model_dump())
