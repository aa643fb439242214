"""Finds the incident of an alert whose labels do not name its workload.

One per alert identity, so that firing and resolved of one alert are handled in order. A resolve
goes where its firing went, even when the pod is gone; what cannot be found is never guessed.
"""

from pydantic import ValidationError
from temporalio import workflow

from contracts.alert import Alert, AlertEnvelope
from contracts.calls import (
    LOCATE,
    OWNER,
    ROUTE,
    LocateCall,
    Located,
    Owner,
    OwnerCall,
    RouteCall,
    Routed,
    TriageStart,
    cluster_queue,
)
from contracts.errors import FirebreakError
from contracts.target import Target
from workflows.calls import BOOKS, READ, RULES, call


@workflow.defn
class Triage:
    """Routes the alerts of one identity, then ends."""

    @workflow.init
    def __init__(self, start: TriageStart) -> None:
        self._identity = f"{start.source}/{start.fingerprint}"
        self._inbox: list[Alert] = []

    @workflow.run
    async def run(self, start: TriageStart) -> None:  # noqa: ARG002 - read by __init__
        """Route until the inbox is empty; a later alert starts the next run."""
        while self._inbox:
            alert = self._inbox.pop(0)
            incident = await self._incident_of(alert)
            await call(ROUTE, RouteCall(workflow=incident[0], alert=incident[1]), Routed, BOOKS)

    @workflow.signal
    def alert(self, envelope: AlertEnvelope) -> None:
        """One notification of this identity."""
        try:
            self._inbox.append(envelope.open())
        except ValidationError as err:
            # The incident cannot be known, so the log is the only place to say it.
            keys = {"identity": self._identity, "faults": err.error_count()}
            workflow.logger.error("unreadable alert", extra=keys)

    async def _incident_of(self, alert: Alert) -> tuple[str, Alert]:
        known = await call(LOCATE, LocateCall(identity=self._identity), Located, RULES)
        if known.workflow is not None:
            return known.workflow, alert
        if alert.subject is None or alert.status == "resolved":
            return f"incident/{self._identity}", alert
        owner = await self._owner(alert.subject, alert.labels.get("uid", ""))
        if owner.target is None:
            return f"incident/{self._identity}", _noted(alert, owner.reason)
        return owner.target.workflow_id, alert.model_copy(update={"target": owner.target})

    async def _owner(self, subject: Target, uid: str) -> Owner:
        wanted = OwnerCall(
            cluster=subject.cluster,
            namespace=subject.namespace,
            kind=subject.kind,
            name=subject.name,
            uid=uid,
        )
        queue = cluster_queue(subject.cluster)
        try:
            return await call(OWNER, wanted, Owner, READ, queue=queue, summary=f"owner: {subject}")
        except FirebreakError as err:
            return Owner(reason=f"the owner of {subject} could not be looked up: {err.message}")


def _noted(alert: Alert, reason: str) -> Alert:
    notes = alert.annotations | {"firebreak_no_target": reason}
    return alert.model_copy(update={"annotations": notes})
