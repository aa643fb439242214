"""What a worker serves, as it told when it started, for pages, commands and metrics.

The gateway must not import a runbook to show it. Nothing in here decides what runs: it is a
portrait, and it is replaced as a whole by the next worker that starts.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from contracts.catalogue import (
    Observed,
    RunbookPage,
    RunbookView,
    RunFigures,
    Served,
    ServedRunbook,
)
from toil.columns import clean
from toil.database import insert_new, reading, writing
from toil.runs import read_figures, read_would_have
from toil.tables import ServedRow

_ONLY = "all"


class Catalogue:
    """Every method raises `Unavailable` when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def serve(self, served: Served) -> None:
        """Replace what was told before. Of workers that start at once, the last to tell stays."""
        # The name of a file may hold half a character, which no database takes.
        told = Served.model_validate(clean(served.model_dump()))
        values: dict[str, Any] = {"at": told.at, "body": told.model_dump(mode="json")}
        with writing(self._engine) as session:
            # Waits for another worker's transaction, so that what follows sees its row.
            if not insert_new(session, ServedRow(id=_ONLY, **values)):
                session.execute(update(ServedRow).values(**values))

    def served(self) -> Served | None:
        """What was told last, without figures; None when no worker ever told."""
        with reading(self._engine) as session:
            return _told(session)

    def page(self, now: datetime) -> RunbookPage:
        """All that is served, sorted by name, with its figures up to `now`; empty when no worker
        ever told. What has run and is served no more is not in it.
        """
        with reading(self._engine) as session:
            told = _told(session)
            if told is None:
                return RunbookPage()
            items = _views(session, told, told.runbooks, now)
        return RunbookPage(at=told.at, items=items, faults=told.faults, limits=told.limits)

    def runbook(self, name: str, now: datetime) -> RunbookView | None:
        """One that is served, with its figures up to `now`; None when it is not served."""
        with reading(self._engine) as session:
            told = _told(session)
            named = tuple(r for r in told.runbooks if r.name == name) if told else ()
            views = _views(session, told, named, now) if told and named else ()
        return next(iter(views), None)


def _told(session: Session) -> Served | None:
    body = session.scalars(select(col(ServedRow.body)).where(col(ServedRow.id) == _ONLY)).first()
    return None if body is None else Served.model_validate(body)


def _views(
    session: Session, told: Served, shown: tuple[ServedRunbook, ...], now: datetime
) -> tuple[RunbookView, ...]:
    only = shown[0].name if len(shown) == 1 else None
    figures = read_figures(session, now, only)
    would_have = read_would_have(session, now, only)
    return tuple(
        _view(told, runbook, figures.get(runbook.name), would_have.get(runbook.name, ()))
        for runbook in sorted(shown, key=lambda runbook: runbook.name)
    )


def _view(
    told: Served,
    runbook: ServedRunbook,
    figures: RunFigures | None,
    would_have: tuple[Observed, ...],
) -> RunbookView:
    return RunbookView(
        **dict(runbook),
        figures=figures or RunFigures(),
        would_have=would_have,
        limits=told.limits,
        at=told.at,
    )
