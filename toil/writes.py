"""How reservations are read: for the limits that count them, and for what came of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from toil.tables import EventRow, LockRow, ReservationRow
from toil.views import Attempt, Verification

ATTEMPTS_MAX = 500
RECENT_MAX = 2_000
LINES_MAX = 2_000

_WROTE = ("written", "settled")
_VERIFIED = "verified"


def read_history(
    session: Session, lock_keys: Iterable[str], since: datetime
) -> tuple[Attempt, ...]:
    """The newest `ATTEMPTS_MAX` of these lock keys, without what was released."""
    held = select(col(LockRow.reservation)).where(col(LockRow.lock_key).in_(list(lock_keys)))
    statement = _newest().where(
        col(ReservationRow.key).in_(held), col(ReservationRow.reserved_at) >= since
    )
    return _attempts(session, statement.limit(ATTEMPTS_MAX))


def read_recent(session: Session, since: datetime) -> tuple[Attempt, ...]:
    """The newest `RECENT_MAX` of all targets, without what was released."""
    lately = col(ReservationRow.reserved_at) >= since
    statement = _newest().where(or_(lately, col(ReservationRow.key).in_(_open())))
    return _attempts(session, statement.limit(RECENT_MAX))


def _open() -> Select[str]:
    # By way of the locks, whose open rows have an index of their own.
    return select(col(LockRow.reservation)).where(col(LockRow.state) == "open")


def _newest() -> Select[ReservationRow]:
    return (
        select(ReservationRow)
        .where(col(ReservationRow.state) != "released")
        .order_by(col(ReservationRow.reserved_at).desc(), col(ReservationRow.key).desc())
    )


def _attempts(session: Session, statement: Select[ReservationRow]) -> tuple[Attempt, ...]:
    rows = session.scalars(statement).all()
    return tuple(Attempt.model_validate(row.model_dump()) for row in rows)


def read_verifications(
    session: Session, lock_key: str, runbook: str, since: datetime
) -> tuple[Verification, ...]:
    """What was verified after a write, by the timelines of those runs, oldest first."""
    past = read_history(session, [lock_key], since)
    mine = [p for p in past if p.runbook == runbook and p.state != "open" and not p.restores]
    agreed = {_run(past.key): False for past in mine}
    agreed |= {_run(past.key): True for past in mine if past.approval}
    lines = session.scalars(
        select(EventRow)
        .where(
            col(EventRow.incident).in_({past.incident for past in mine}),
            col(EventRow.type).in_((*_WROTE, _VERIFIED)),
        )
        .order_by(col(EventRow.at), col(EventRow.seq))
        .limit(LINES_MAX)
    ).all()
    return tuple(_verifications(lines, agreed))


def _verifications(lines: Sequence[EventRow], agreed: dict[str, bool]) -> list[Verification]:
    written: set[str] = set()
    found: list[Verification] = []
    for line in lines:
        run = line.key.rpartition("#")[0]
        if run not in agreed:
            continue
        if line.type in _WROTE:
            written.add(run)
        elif run in written:
            # What was looked at before the write says nothing about it.
            ok = line.data.get("ok") is True
            found.append(Verification(run=run, at=line.at, ok=ok, approved=agreed[run]))
    return found


def _run(key: str) -> str:
    """`<incident>/<attempt>` of the key of one of its steps."""
    return key.rpartition("/")[0]
