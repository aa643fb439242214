"""How a row joins the ledger, and how the ledger is checked.

Each row's hash covers its fields and the hash before it, so that one changed row shows. A cut
tail does not show: whoever must rule that out keeps the head hash somewhere else. Who and why
enter the hash as a salted digest, so that a person can be forgotten and the chain still holds.
"""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session
from sqlmodel import col

from contracts.errors import InvalidInput
from contracts.model import digest_of
from contracts.toil import Entry
from toil.columns import clean_model
from toil.tables import EntryPrivateRow, EntryRow

CHAIN_VERSION = 1
PROBLEMS_MAX = 20

_CHAIN_LOCK = 7_309_453_267
_PRIVATE = {"person", "text"}
_FETCH_ROWS = 1000


def append_entry(session: Session, entry: Entry, recorded_at: datetime) -> bool:
    """Put `entry` at the end of the chain; False if its key is known.

    Raises:
        InvalidInput: a reversal that does not mirror one earlier entry, or mirrors it again.

    """
    _lock(session)
    if _find(session, entry.key) is not None:
        return False
    _check_reversal(session, entry)
    entry = clean_model(entry)
    last = last_row(session)
    private = EntryPrivateRow(
        key=entry.key, person=entry.person, text=entry.text, salt=secrets.token_hex(16)
    )
    row = EntryRow(
        **entry.model_dump(exclude=_PRIVATE),
        seq=last.seq + 1 if last else 1,
        recorded_at=recorded_at,
        private_digest=_private_digest(private),
        chain_version=CHAIN_VERSION,
        prev_hash=last.hash if last else "",
        hash="",
    )
    row.hash = _hash(row)
    session.add(row)
    session.flush()
    session.add(private)
    return True


def last_row(session: Session) -> EntryRow | None:
    """The head of the chain."""
    return session.scalars(select(EntryRow).order_by(col(EntryRow.seq).desc()).limit(1)).first()


def problems_of(session: Session) -> Iterator[str]:
    """Walk the chain from its first row and say what is wrong, each with its row."""
    statement = (
        select(EntryRow, EntryPrivateRow)
        .join(EntryPrivateRow, col(EntryPrivateRow.key) == col(EntryRow.key), isouter=True)
        .order_by(col(EntryRow.seq))
    )
    seq, head = 0, ""
    for row, private in session.execute(statement).yield_per(_FETCH_ROWS):
        where = f"row {row.seq} ({row.key})"
        if row.seq != seq + 1:
            yield f"{where}: rows {seq + 1} to {row.seq - 1} are missing before it"
        if row.prev_hash != head:
            yield f"{where}: does not follow the row before it"
        if row.hash != _hash(row):
            yield f"{where}: was changed after it was recorded"
        if private is not None and row.private_digest != _private_digest(private):
            yield f"{where}: person or text was changed after it was recorded"
        seq, head = row.seq, row.hash


def _lock(session: Session) -> None:
    # SQLite's BEGIN IMMEDIATE has already made this the only writer.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT pg_advisory_xact_lock({_CHAIN_LOCK})"))


def _find(session: Session, key: str) -> EntryRow | None:
    return session.scalars(select(EntryRow).where(col(EntryRow.key) == key)).first()


def _check_reversal(session: Session, entry: Entry) -> None:
    if (entry.method == "reversal") != (entry.reverses is not None):
        raise InvalidInput("a reversal names the entry it reverses, and nothing else does")
    if entry.reverses is None:
        return
    row = _find(session, entry.reverses)
    if row is None or row.method == "reversal":
        raise InvalidInput(f"{entry.reverses} is not an entry that can be reversed")
    fixed = {"category", "seconds", "occurred_at"}
    if row.model_dump(include=fixed) != entry.model_dump(include=fixed):
        raise InvalidInput(
            f"the reversal of {row.key} must repeat its category, seconds and occurred_at"
        )
    again = select(col(EntryRow.key)).where(col(EntryRow.reverses) == entry.reverses)
    if session.scalars(again).first() is not None:
        raise InvalidInput(f"{entry.reverses} is already reversed", "Post the right entry alone.")


def _hash(row: EntryRow) -> str:
    fields: dict[str, Any] = row.model_dump(exclude={"hash"})
    for name in ("occurred_at", "recorded_at"):
        fields[name] = _instant(fields[name])
    return digest_of(fields)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _private_digest(private: EntryPrivateRow) -> str:
    return digest_of([private.salt, private.person, private.text])
