"""How one runbook has done on one target, for the person who is asked to let it act there again.

Reads only, from the timelines of incidents. A line that an older version wrote has no figures in
it: it counts for nothing, and never stops the others.
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
from toil.tables import EventRow, IncidentRow

RUNS_READ_MAX = 1_000
_HEALED = "resolved"


def read_track_record(
    session: Session, runbook: str, target: Target, now: datetime, days: int
) -> TrackRecord:
    """The runs of `runbook` that ended within `days` before `now`, in incidents of `target`; of the
    newest `RUNS_READ_MAX`, if there were more. Dry runs are left out.
    """
    here = (
        col(IncidentRow.target)[name].as_string() == value
        for name, value in target.model_dump().items()
    )
    lines = (
        select(col(EventRow.data))
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
    return _record(session.scalars(lines), days)


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
