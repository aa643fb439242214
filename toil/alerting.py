"""When the alerts of each target began, so that a storm is seen: many targets at once.

One row for each beginning, found by cluster and time; a refresh of a known alert is none.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from sqlmodel import col

from contracts.alert import Alert
from contracts.target import Target
from toil.database import insert_new
from toil.tables import AlertingRow, AlertRow, IncidentRow

KEPT = timedelta(days=1)
BEGINNINGS_READ_MAX = 5_000


def note_alerting(
    session: Session, incident: IncidentRow, alerts: Iterable[Alert], now: datetime
) -> None:
    """Note that alerts of the incident's target begin, if any does; before they are recorded."""
    begun = [alert for alert in alerts if _begins(session, incident.id, alert)]
    if not begun or incident.target is None:
        return
    target = Target.model_validate(incident.target)
    old = (col(AlertingRow.target) == target.key, col(AlertingRow.at) < now - KEPT)
    session.execute(delete(AlertingRow).where(*old))
    # Its sender's time may lie far back: a storm is what reaches us at once.
    insert_new(session, AlertingRow(target=target.key, at=now, cluster=target.cluster))


def _begins(session: Session, incident: str, alert: Alert) -> bool:
    known = session.get(AlertRow, (incident, alert.identity))
    if alert.status != "firing":
        return False
    return known is None or known.status != "firing" or alert.starts_at > known.starts_at


def read_beginnings(
    session: Session, cluster: str, since: datetime
) -> tuple[tuple[str, datetime], ...]:
    """(lock key of the target, when) of the newest `BEGINNINGS_READ_MAX` since then."""
    statement = (
        select(col(AlertingRow.target), col(AlertingRow.at))
        .where(col(AlertingRow.cluster) == cluster, col(AlertingRow.at) >= since)
        .order_by(col(AlertingRow.at).desc())
        .limit(BEGINNINGS_READ_MAX)
    )
    return tuple((target, at) for target, at in session.execute(statement))
