"""How one `Record` becomes rows: under the incident's lock, each part idempotent by its key.

A record whose events are all known has landed before. Its state (the incident's row, alerts,
approval) is then left alone, because something newer may have been recorded since; so every
record that changes state should carry an event.

How an incident ended is final: what a run says after the incident was closed goes to the timeline,
and only a record that opens it again changes its row's status, outcome and summary.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from contracts.alert import Alert
from contracts.approval import Approval
from contracts.errors import InvalidInput
from contracts.journal import Event, IncidentChange, Record
from contracts.toil import Observation
from toil.alerting import note_alerting
from toil.database import insert_new
from toil.tables import AlertRow, ApprovalRow, EventRow, IncidentRow, ObservationRow

_FINAL = ("status", "outcome", "summary", "closed_at")


def write_record(session: Session, record: Record, now: datetime) -> int:
    """Apply `record` and return the incident's revision after it.

    Raises:
        InvalidInput: the incident is unknown and the change does not say how to open it.

    """
    incident, changed = _locked(session, record)
    repeat = _is_repeat(session, record.events)
    changed |= _append_events(session, record)
    changed |= sum(insert_observation(session, o, now) for o in record.observations) > 0
    if not repeat:
        changed |= _apply_change(incident, record.change)
        note_alerting(session, incident, record.alerts, now)
        changed |= sum(_put_alert(session, record.incident, a) for a in record.alerts) > 0
        changed |= record.approval is not None and _put_approval(session, record.approval)
    if changed:
        incident.revision += 1
    return incident.revision


def insert_observation(session: Session, observation: Observation, now: datetime) -> bool:
    """Keep an observation; False if its key is known."""
    return insert_new(session, ObservationRow(**observation.model_dump(), recorded_at=now))


def _locked(session: Session, record: Record) -> tuple[IncidentRow, bool]:
    statement = select(IncidentRow).where(col(IncidentRow.id) == record.incident).with_for_update()
    found = session.scalars(statement).first()
    if found is not None:
        return found, False
    created = insert_new(session, _opened(record))
    return session.scalars(statement).one(), created


def _opened(record: Record) -> IncidentRow:
    change = record.change
    if change is None or change.workflow is None or change.opened_at is None:
        raise InvalidInput(
            f"incident {record.incident} is not in the journal",
            "The first record of an incident needs change.workflow and change.opened_at.",
        )
    row = IncidentRow(
        id=record.incident, workflow=change.workflow, status="open", opened_at=change.opened_at
    )
    _apply_change(row, change)
    return row


def _is_repeat(session: Session, events: tuple[Event, ...]) -> bool:
    keys = {event.key for event in events}
    statement = select(func.count()).where(col(EventRow.key).in_(keys))
    return bool(keys) and session.scalar(statement) == len(keys)


def _append_events(session: Session, record: Record) -> bool:
    if not record.events:
        return False
    last = select(func.max(col(EventRow.seq))).where(col(EventRow.incident) == record.incident)
    seq = first = session.scalar(last) or 0
    for event in record.events:
        row = EventRow(incident=record.incident, seq=seq + 1, **event.model_dump())
        seq += insert_new(session, row)
    return seq > first


def _apply_change(row: IncidentRow, change: IncidentChange | None) -> bool:
    if change is None:
        return False
    values = change.model_dump(exclude_none=True, exclude={"runbook", "reopen"})
    if row.status == "closed" and not change.reopen:
        values = {name: value for name, value in values.items() if name not in _FINAL}
    if change.reopen:
        values = {"closed_at": None, "outcome": None} | values
    if change.runbook and change.runbook not in row.runbooks:
        values["runbooks"] = [*row.runbooks, change.runbook]
    return _assign(row, values)


def _put_alert(session: Session, incident: str, alert: Alert) -> bool:
    values: dict[str, Any] = alert.model_dump(
        include={"source", "fingerprint", "name", "status", "starts_at", "ends_at", "labels"}
    ) | {"summary": alert.summary}
    row = session.get(AlertRow, (incident, alert.identity))
    if row is None:
        position = select(func.count()).where(col(AlertRow.incident) == incident)
        place: dict[str, Any] = {
            "identity": alert.identity,
            "position": session.scalar(position) or 0,
        }
        return insert_new(session, AlertRow(incident=incident, **place, **values))
    # An older episode that arrives late says nothing about the present one.
    return alert.starts_at >= row.starts_at and _assign(row, values)


def _put_approval(session: Session, approval: Approval) -> bool:
    body = approval.model_dump(mode="json")
    values: dict[str, Any] = {
        "state": approval.state,
        "opened_at": approval.opened_at,
        "body": body,
    }
    row = session.get(ApprovalRow, approval.id)
    if row is None:
        fresh = ApprovalRow(id=approval.id, incident=approval.incident, **values)
        return insert_new(session, fresh)
    # A decided question never opens again, and a vote is never unsaid.
    older = row.state != "open" and approval.state == "open"
    fewer = len(approval.votes) < len(Approval.model_validate(row.body).votes)
    return not (older or fewer) and _assign(row, values)


def _assign(row: IncidentRow | AlertRow | ApprovalRow, values: dict[str, Any]) -> bool:
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    return bool(changed)
