"""How rows of the journal become what pages and the API show. Reads only."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from contracts.errors import InvalidInput
from contracts.target import Target
from contracts.views import AlertView, IncidentDetail, IncidentPage, IncidentView, TimelineItem
from toil.tables import AlertRow, ApprovalRow, EventRow, IncidentRow
from toil.views import AlertsHeard, IncidentQuery

TIMELINE_ITEMS_MAX = 5000


def read_incident(session: Session, incident_id: str) -> IncidentDetail | None:
    """One incident with the newest `TIMELINE_ITEMS_MAX` lines of its timeline, oldest first."""
    row = session.get(IncidentRow, incident_id)
    if row is None:
        return None
    view = _views(session, [row])[0]
    lines = session.scalars(
        select(EventRow)
        .where(col(EventRow.incident) == incident_id)
        .order_by(col(EventRow.seq).desc())
        .limit(TIMELINE_ITEMS_MAX)
    ).all()
    timeline = tuple(_item(line) for line in reversed(lines))
    return IncidentDetail(**dict(view), timeline=timeline)


def read_page(session: Session, query: IncidentQuery) -> IncidentPage:
    """One page, newest first.

    Raises:
        InvalidInput: the cursor is not one that a page gave.

    """
    newest = select(IncidentRow).order_by(
        col(IncidentRow.opened_at).desc(), col(IncidentRow.id).desc()
    )
    rows = session.scalars(_narrowed(newest, query).limit(query.limit + 1)).all()
    shown = rows[: query.limit]
    more = _cursor(shown[-1]) if len(rows) > query.limit else None
    return IncidentPage(items=tuple(_views(session, shown)), next=more)


def read_open_workflow(session: Session, identity: str) -> str | None:
    """The workflow of the newest incident, not closed, that holds this alert firing."""
    return session.scalars(
        select(col(IncidentRow.workflow))
        .join(AlertRow, col(AlertRow.incident) == col(IncidentRow.id))
        .where(
            col(AlertRow.identity) == identity,
            col(AlertRow.status) == "firing",
            col(IncidentRow.status) != "closed",
        )
        .order_by(col(IncidentRow.opened_at).desc())
        .limit(1)
    ).first()


def read_alerts(session: Session, incident_id: str) -> AlertsHeard | None:
    """What the journal has heard of an incident's alerts."""
    row = session.get(IncidentRow, incident_id)
    if row is None:
        return None
    mine = col(AlertRow.incident) == incident_id
    alerts = session.scalars(select(AlertRow).where(mine).order_by(col(AlertRow.position))).all()
    told = (col(EventRow.incident) == incident_id, col(EventRow.type) == "alert")
    last = session.scalar(select(func.max(col(EventRow.at))).where(*told))
    return AlertsHeard(
        alerts=tuple(alert.name for alert in alerts),
        firing=tuple(alert.name for alert in alerts if alert.status == "firing"),
        last_at=last or row.opened_at,
    )


def _narrowed(statement: Select[IncidentRow], query: IncidentQuery) -> Select[IncidentRow]:
    if query.status is not None:
        statement = statement.where(col(IncidentRow.status) == query.status)
    if query.team is not None:
        statement = statement.where(col(IncidentRow.team) == query.team)
    if query.since is not None:
        statement = statement.where(col(IncidentRow.opened_at) >= query.since)
    if query.fingerprint is not None:
        held = select(col(AlertRow.incident)).where(col(AlertRow.fingerprint) == query.fingerprint)
        statement = statement.where(col(IncidentRow.id).in_(held))
    if query.cursor is not None:
        at, last = _position(query.cursor)
        opened, name = col(IncidentRow.opened_at), col(IncidentRow.id)
        statement = statement.where(or_(opened < at, and_(opened == at, name < last)))
    return statement


def _cursor(row: IncidentRow) -> str:
    return base64.urlsafe_b64encode(f"{row.opened_at.isoformat()} {row.id}".encode()).decode()


def _position(cursor: str) -> tuple[datetime, str]:
    try:
        at, _, last = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        return datetime.fromisoformat(at), last
    except (binascii.Error, ValueError) as err:
        raise InvalidInput(
            "the cursor is not one of ours", "Use `next` of the page before, or leave it out."
        ) from err


def _views(session: Session, rows: Sequence[IncidentRow]) -> list[IncidentView]:
    ids = [row.id for row in rows]
    alerts = session.scalars(
        select(AlertRow).where(col(AlertRow.incident).in_(ids)).order_by(col(AlertRow.position))
    ).all()
    approvals = session.execute(
        select(col(ApprovalRow.incident), col(ApprovalRow.id))
        .where(col(ApprovalRow.incident).in_(ids))
        .order_by(col(ApprovalRow.opened_at), col(ApprovalRow.id))
    ).all()
    return [
        _view(
            row,
            (alert for alert in alerts if alert.incident == row.id),
            tuple(name for incident, name in approvals if incident == row.id),
        )
        for row in rows
    ]


def _view(row: IncidentRow, alerts: Iterable[AlertRow], approvals: tuple[str, ...]) -> IncidentView:
    return IncidentView.model_validate(
        row.model_dump(exclude={"target"})
        | {
            "target": Target.model_validate(row.target) if row.target else None,
            "alerts": [AlertView.model_validate(alert.model_dump()) for alert in alerts],
            "approvals": approvals,
        }
    )


def _item(row: EventRow) -> TimelineItem:
    return TimelineItem.model_validate(row.model_dump())
