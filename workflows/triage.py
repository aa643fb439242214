"""Finds the incident of an alert whose labels do not name its workload.

One per alert identity, so that firing and resolved of one alert are handled in order. A resolve
goes where its firing went, even when the pod is gone; what cannot be found is never guessed.
"""

from datetime import timedelta

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
from contracts.errors import FirebreakError, Stop
from contracts.target import Target
from workflows.calls import READ, call, steadfast

LOOKS_MAX = 5
LOOK_PAUSE = timedelta(seconds=2)


@workflow.defn
class Triage:
    """Routes the alerts of one identity, then ends."""

    @workflow.init
    def __init__(self, start: TriageStart) -> None:
        self._identity = f"{start.source}/{start.fingerprint}"
        self._inbox: list[Alert] = []
        self._place = ""

    @workflow.run
    async def run(self, start: TriageStart) -> None:  # noqa: ARG002 - read by __init__
        """Route until the inbox is empty; a later alert starts the next run."""
        while self._inbox:
            alert = self._inbox.pop(0)
            place, alert = await self._incident_of(alert)
            try:
                route = RouteCall(workflow=place, alert=alert)
                await steadfast(ROUTE, route, Routed, f"{alert.name} {alert.status}")
            except Stop as err:
                keys = {"identity": self._identity, "why": err.message}
                workflow.logger.error("alert refused for good", extra=keys)
            self._place = place

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
        place = await self._known_place(alert)
        if place is not None:
            return place, alert
        if alert.subject is None or alert.status == "resolved":
            return f"incident/{self._identity}", alert
        owner = await self._owner(alert.subject, alert.labels.get("uid", ""))
        if owner.target is None:
            return f"incident/{self._identity}", _noted(alert, owner.reason)
        return owner.target.workflow_id, alert.model_copy(update={"target": owner.target})

    async def _known_place(self, alert: Alert) -> str | None:
        """Where this alert's firing went: by this run, or by the journal, which may be a moment
        behind, so that a resolve is looked for more than once.
        """
        if alert.status == "resolved" and self._place:
            return self._place
        for _ in range(LOOKS_MAX if alert.status == "resolved" else 1):
            wanted = LocateCall(identity=self._identity)
            found = await steadfast(LOCATE, wanted, Located, "known already?")
            if found.workflow is not None:
                return found.workflow
            if alert.status == "resolved":
                await workflow.sleep(LOOK_PAUSE, summary="the journal may be behind")
        return None

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
