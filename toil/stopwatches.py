"""Work that is measured while it is done: at most one stopwatch a person.

Stopping posts the entry and takes the stopwatch away in one transaction, so that no time is posted
twice and none is lost. What ran too long was forgotten, not worked: it is never posted.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from sqlmodel import col

from contracts.errors import InvalidInput, NotFound
from contracts.model import Contract
from contracts.toil import Entry
from contracts.toil_text import SECONDS_MAX
from contracts.words import minutes_text
from toil.chain import append_entry
from toil.columns import clean_model
from toil.database import insert_new, reading, writing
from toil.ledger import Ledger
from toil.tables import EntryPrivateRow, EntryRow, StopwatchRow

# What may be logged at once is also what may be measured at once.
RUN_SECONDS_MAX = SECONDS_MAX
_TEXT_SHOWN_MAX = 200

TeamOf = Callable[[str], str]


class Stopwatch(Contract):
    """What a person is working on since `began_at`; service and incident may be empty."""

    person: str
    began_at: datetime
    text: str
    service: str = ""
    incident: str = ""


class Stopped(NamedTuple):
    """The entry of a stopwatch; `is_new` is False when the same request was answered before."""

    entry: Entry
    is_new: bool


class Stopwatches:
    """The stopwatches. Every method raises `Unavailable` when the database is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def beside(cls, ledger: Ledger) -> "Stopwatches":
        """Those whose time goes into this ledger."""
        return cls(ledger._engine)  # noqa: SLF001 - one database, and one package that opens it

    def running(self, person: str) -> Stopwatch | None:
        """The person's stopwatch, if one runs."""
        with reading(self._engine) as session:
            row = session.get(StopwatchRow, person)
            return _stopwatch(row) if row else None

    def start(self, watch: Stopwatch) -> bool:
        """Begin; False when the same work of this person is being measured already.

        Raises:
            InvalidInput: other work of theirs is; it says since when.

        """
        watch = clean_model(watch)
        with writing(self._engine) as session:
            if insert_new(session, StopwatchRow(**watch.model_dump())):
                return True
            found = session.get(StopwatchRow, watch.person)
        if found is not None and _work(found) == _work(watch):
            return False
        raise _runs_already(found)

    def stop(self, person: str, team_of: TeamOf, key: str, now: datetime) -> Stopped:
        """End the person's stopwatch and post its time under `key`, which belongs to the request;
        `team_of` gives the team of a service.

        Raises:
            NotFound: none runs.
            InvalidInput: it ran longer than `RUN_SECONDS_MAX`: it has ended, and nothing is posted.

        """
        with writing(self._engine) as session:
            # Of two requests at once the second waits here, and then sees what the first posted.
            row = session.get(StopwatchRow, person, with_for_update=True)
            known = _known(session, key)
            if known is not None:
                return Stopped(known, is_new=False)
            if row is None:
                raise NotFound("no stopwatch of yours runs", "Start one, or log the time by hand.")
            session.delete(row)
            watch = _stopwatch(row)
            seconds = _seconds(watch, now)
            if seconds <= RUN_SECONDS_MAX:
                entry = _entry(watch, team_of(watch.service), key, seconds, now)
                append_entry(session, entry, now)
                return Stopped(entry, is_new=True)
        # Raised out here, so that the end of the stopwatch is kept.
        raise _forgotten(watch, seconds)


def _stopwatch(row: StopwatchRow) -> Stopwatch:
    return Stopwatch.model_validate(row.model_dump())


def _work(of: StopwatchRow | Stopwatch) -> tuple[str, str, str]:
    return of.text, of.service, of.incident


def _known(session: Session, key: str) -> Entry | None:
    private = col(EntryPrivateRow.key) == col(EntryRow.key)
    statement = select(EntryRow, EntryPrivateRow).join(EntryPrivateRow, private, isouter=True)
    found = session.execute(statement.where(col(EntryRow.key) == key)).first()
    if found is None:
        return None
    row, who = found
    said = who.model_dump(include={"person", "text"}) if who else {}
    return Entry.model_validate(row.model_dump() | said)


def _seconds(watch: Stopwatch, now: datetime) -> int:
    # Work that somebody stopped took time, whatever two machines' clocks say.
    return max(1, int((now - watch.began_at).total_seconds()))


def _entry(watch: Stopwatch, team: str, key: str, seconds: int, now: datetime) -> Entry:
    return Entry(
        key=key,
        category="firefighting",
        method="log",
        confidence="measured",
        seconds=seconds,
        occurred_at=now,
        team=team,
        **watch.model_dump(exclude={"began_at"}),
    )


def _runs_already(row: StopwatchRow | None) -> InvalidInput:
    fix = "Stop it first; what it measured is posted then."
    if row is None:
        return InvalidInput("a stopwatch of yours was stopped just now", "Start it again.")
    since = f"{row.began_at:%Y-%m-%d %H:%M} UTC"
    return InvalidInput(f"your stopwatch runs since {since} for: {row.text[:_TEXT_SHOWN_MAX]}", fix)


def _forgotten(watch: Stopwatch, seconds: int) -> InvalidInput:
    ran, most = minutes_text(seconds), minutes_text(RUN_SECONDS_MAX)
    told = f"your stopwatch ran {ran}, more than {most}, and was ended without an entry"
    fix = f"Log by hand how long you worked on: {watch.text[:_TEXT_SHOWN_MAX]}"
    return InvalidInput(told, fix)
