"""How one runbook has done on one target, for the person who is asked to let it act there again.

Reads only, from the timelines of incidents and from the write locks. What wrote nothing, because it
was denied or nobody answered, says nothing of how well the runbook does. A line that an older
version wrote has no figures in it: it counts for nothing, and never stops the others.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from contracts.message import TrackRecord
from contracts.target import Target
from toil.tables import EventRow, IncidentRow, ReservationRow

RUNS_READ_MAX = 1_000
_HEALED = "resolved"
_NOT_WRITTEN = "released"


def read_track_record(
    session: Session, runbook: str, target: Target, now: datetime, days: int
) -> TrackRecord:
    """The runs of `runbook` that wrote, or may have, and ended within `days` before `now`, in
    incidents of `target`; of the newest `RUNS_READ_MAX`, if there were more.
    """
    here = (
        col(IncidentRow.target)[name].as_string() == value
        for name, value in target.model_dump().items()
    )
    lines = (
        select(col(EventRow.incident), col(EventRow.data))
        .join(IncidentRow, col(IncidentRow.id) == col(EventRow.incident))
        .where(
            col(EventRow.type) == "outcome",
            col(EventRow.at) >= now - timedelta(days=days),
            col(EventRow.at) <= now,
            col(EventRow.data)["runbook"].as_string() == runbook,
            *here,
        )
        .order_by(col(EventRow.at).desc())
        .limit(RUNS_READ_MAX)
    )
    ended = {_run(incident, data.get("attempt")): data for incident, data in session.execute(lines)}
    wrote = _wrote(session, ended)
    return _record((data for run, data in ended.items() if run in wrote), days)


def _wrote(session: Session, runs: Iterable[str]) -> set[str]:
    """Those of the runs that took a write lock and did not give it back unused."""
    incidents = {run.partition("/")[0] for run in runs}
    keys = select(col(ReservationRow.key)).where(
        col(ReservationRow.incident).in_(incidents), col(ReservationRow.state) != _NOT_WRITTEN
    )
    return {key.rpartition("/")[0] for key in session.scalars(keys)}


def _run(incident: str, attempt: object) -> str:
    """What the key of each of its steps begins with."""
    return f"{incident}/{attempt}"


def _record(ended: Iterable[Mapping[str, Any]], days: int) -> TrackRecord:
    told = [(data.get("status"), data.get("seconds")) for data in ended if not data.get("dry_run")]
    healed = [took for status, took in told if status == _HEALED]
    timed = [took for took in healed if isinstance(took, int)]
    return TrackRecord(
        runs=len(told),
        healed=len(healed),
        heal_seconds_median=int(median(timed)) if timed else None,
        days=days,
    )
