"""The journal: what happened to incidents, for pages, lists and reports, for years.

Temporal stays the truth for what runs; nothing here may decide about a running workflow.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Engine, delete, func, select
from sqlmodel import col

from contracts.approval import Approval, ApprovalState
from contracts.journal import Record, Recorded
from contracts.message import TrackRecord
from contracts.target import Target
from contracts.views import IncidentDetail, IncidentPage
from toil.columns import clean, clean_model
from toil.database import insert_new, reading, writing
from toil.incidents import read_alerts, read_incident, read_open_workflow, read_page
from toil.recording import write_record
from toil.tables import AlertingRow, ApprovalRow, EvidenceRow, IncidentRow, QuarantineRow
from toil.track_record import read_track_record
from toil.views import AlertsHeard, EvidenceView, IncidentQuery, Quarantined

__all__ = ["EvidenceView", "IncidentQuery", "Journal", "Quarantined"]

APPROVALS_MAX = 200
EVIDENCE_MAX = 500
QUARANTINED_MAX = 500


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class Journal:
    """Incidents, approvals, evidence and the quarantine. `clock` stamps when a fact was recorded.

    Every method raises `Unavailable` when the database does not answer.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def record(self, record: Record) -> Recorded:
        """Write all of `record` in one transaction; a repeat changes nothing.

        Raises:
            InvalidInput: the incident is unknown and the record does not open it.

        """
        with writing(self._engine) as session:
            revision = write_record(session, clean_model(record), self._clock())
        return Recorded(revision=revision)

    def incident(self, incident_id: str) -> IncidentDetail | None:
        """One incident with its timeline."""
        with reading(self._engine) as session:
            return read_incident(session, incident_id)

    def incidents(self, query: IncidentQuery) -> IncidentPage:
        """One page of incidents, newest first."""
        with reading(self._engine) as session:
            return read_page(session, query)

    def workflow_of(self, incident_id: str) -> str | None:
        """The id of the workflow that handles an incident."""
        with reading(self._engine) as session:
            row = session.get(IncidentRow, incident_id)
            return row.workflow if row else None

    def alerts_of(self, incident_id: str) -> AlertsHeard | None:
        """An incident's alerts, and when one of them was heard of last."""
        with reading(self._engine) as session:
            return read_alerts(session, incident_id)

    def open_workflow_of(self, identity: str) -> str | None:
        """The workflow that holds the alert `<source>/<fingerprint>` firing."""
        with reading(self._engine) as session:
            return read_open_workflow(session, identity)

    def approval(self, approval_id: str) -> Approval | None:
        """One approval as it was last recorded."""
        with reading(self._engine) as session:
            row = session.get(ApprovalRow, approval_id)
            return Approval.model_validate(row.body) if row else None

    def approvals(
        self, state: ApprovalState | None = None, incident: str | None = None
    ) -> tuple[Approval, ...]:
        """The newest `APPROVALS_MAX`, newest first."""
        statement = select(col(ApprovalRow.body)).order_by(
            col(ApprovalRow.opened_at).desc(), col(ApprovalRow.id).desc()
        )
        if state is not None:
            statement = statement.where(col(ApprovalRow.state) == state)
        if incident is not None:
            statement = statement.where(col(ApprovalRow.incident) == incident)
        with reading(self._engine) as session:
            bodies = session.scalars(statement.limit(APPROVALS_MAX)).all()
        return tuple(Approval.model_validate(body) for body in bodies)

    def track_record(self, runbook: str, target: Target, now: datetime, days: int) -> TrackRecord:
        """How the runbook has done on the target within `days` before `now`."""
        with reading(self._engine) as session:
            return read_track_record(session, runbook, target, now, days)

    def keep_evidence(
        self,
        key: str,
        incident: str,
        *,
        kind: str,
        title: str,
        body: str,
        digest: str,
        at: datetime,
    ) -> None:
        """Keep a redacted body; a known key changes nothing."""
        row = EvidenceRow(
            key=key,
            incident=incident,
            kind=kind,
            title=title,
            body=body,
            size_bytes=len(clean(body).encode()),
            digest=digest,
            at=at,
        )
        with writing(self._engine) as session:
            insert_new(session, row)

    def evidence(self, incident: str) -> tuple[EvidenceView, ...]:
        """The oldest `EVIDENCE_MAX` of an incident, oldest first, without bodies."""
        shown = [getattr(EvidenceRow, name) for name in EvidenceView.model_fields]
        statement = (
            select(*shown)
            .where(col(EvidenceRow.incident) == incident)
            .order_by(col(EvidenceRow.at), col(EvidenceRow.key))
            .limit(EVIDENCE_MAX)
        )
        with reading(self._engine) as session:
            rows = session.execute(statement).mappings().all()
        return tuple(EvidenceView.model_validate(row) for row in rows)

    def evidence_body(self, incident: str, digest: str) -> str | None:
        """The redacted text; None when it is not this incident's or was forgotten."""
        statement = select(col(EvidenceRow.body)).where(
            col(EvidenceRow.incident) == incident, col(EvidenceRow.digest) == digest
        )
        with reading(self._engine) as session:
            return session.scalars(statement.limit(1)).first()

    def forget_evidence(self, before: datetime) -> int:
        """Delete what was found before `before`; returns how many."""
        with writing(self._engine) as session:
            old = col(EvidenceRow.at) < before
            count = session.scalar(select(func.count()).select_from(EvidenceRow).where(old)) or 0
            session.execute(delete(EvidenceRow).where(old))
        return count

    def forget_beginnings(self, before: datetime) -> None:
        """Delete when alerts began, if that was before `before`: nobody counts it any more."""
        with writing(self._engine) as session:
            session.execute(delete(AlertingRow).where(col(AlertingRow.at) < before))

    def quarantine(
        self,
        source: str,
        index: int,
        *,
        reason: str,
        digest: str,
        at: datetime,
        excerpt_redacted: str,
    ) -> None:
        """Keep what can never be accepted, once for source, digest and index."""
        row = QuarantineRow(
            source=source,
            digest=digest,
            position=index,
            reason=reason,
            excerpt=excerpt_redacted,
            at=at,
        )
        with writing(self._engine) as session:
            insert_new(session, row)

    def quarantined(self, limit: int = 50) -> tuple[Quarantined, ...]:
        """The newest, newest first; at most `QUARANTINED_MAX`."""
        statement = (
            select(QuarantineRow)
            .order_by(col(QuarantineRow.at).desc(), col(QuarantineRow.position))
            .limit(min(limit, QUARANTINED_MAX))
        )
        with reading(self._engine) as session:
            rows = session.scalars(statement).all()
        return tuple(Quarantined(**row.model_dump(), index=row.position) for row in rows)
