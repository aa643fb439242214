"""Finds the incident that holds an alert, and hands an alert to its incident.

A handover is one durable call: the incident is started with the alert in its hand, or signalled
if it runs. An alert that only resolves never starts one.
"""

import asyncio
from datetime import timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from contracts.alert import Alert, AlertEnvelope
from contracts.calls import (
    LOCATE,
    QUEUE,
    ROUTE,
    IncidentStart,
    LocateCall,
    Located,
    RouteCall,
    Routed,
)
from contracts.errors import FirebreakError, Rejected, Unavailable
from toil.journal import Journal

INCIDENT = "Incident"
ALERT_SIGNAL = "alert"
RPC_TIMEOUT_SECONDS = 3
SUMMARY_CHARS_MAX = 200

# Everything else may pass by itself, and the activity's own bounds end the tries.
_FOR_GOOD = (
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.UNIMPLEMENTED,
    RPCStatusCode.NOT_FOUND,
)


class IntakeActivities:
    """`client` speaks to the Temporal server that runs the incidents."""

    def __init__(self, journal: Journal, client: Client) -> None:
        self._journal = journal
        self._client = client

    @activity.defn(name=LOCATE)
    def locate(self, call: LocateCall) -> Located:
        """The open incident that holds the alert firing, by the journal."""
        return Located(workflow=self._journal.open_workflow_of(call.identity))

    @activity.defn(name=ROUTE)
    async def route(self, call: RouteCall) -> Routed:
        """Hand the alert over. Sent twice, it is the same alert to the incident.

        Raises:
            Unavailable: Temporal did not answer in time; the alert may have arrived.
            Rejected: Temporal refuses the message for good.

        """
        try:
            # `rpc_timeout` bounds one try; the SDK makes several of them when nobody listens.
            async with asyncio.timeout(RPC_TIMEOUT_SECONDS):
                return await self._hand_over(call)
        except TimeoutError:
            raise Unavailable("Temporal did not take the alert in time") from None
        except RPCError as err:
            raise _translated(err) from None

    async def _hand_over(self, call: RouteCall) -> Routed:
        if call.alert.status == "resolved":
            return Routed(taken=await self._signal(call))
        await self._start_with(call)
        return Routed(taken=True)

    async def _signal(self, call: RouteCall) -> bool:
        handle = self._client.get_workflow_handle(call.workflow)
        try:
            await handle.signal(
                ALERT_SIGNAL, AlertEnvelope.seal(call.alert), rpc_timeout=_timeout()
            )
        except RPCError as err:
            if err.status != RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    async def _start_with(self, call: RouteCall) -> None:
        alert = call.alert
        await self._client.start_workflow(
            INCIDENT,
            IncidentStart(target=alert.target, identity=alert.identity),
            id=call.workflow,
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=ALERT_SIGNAL,
            start_signal_args=[AlertEnvelope.seal(alert)],
            static_summary=_summary(alert),
            rpc_timeout=_timeout(),
        )


def _timeout() -> timedelta:
    return timedelta(seconds=RPC_TIMEOUT_SECONDS)


def _summary(alert: Alert) -> str:
    where = str(alert.target) if alert.target else alert.identity
    return f"{alert.name} on {where}"[:SUMMARY_CHARS_MAX]


def _translated(err: RPCError) -> FirebreakError:
    if err.status in _FOR_GOOD:
        fix = "Check temporal_namespace and temporal_api_key, or shorten the alert's labels."
        return Rejected(f"Temporal refused the alert: {err.status.name}: {err.message}", fix)
    return Unavailable(f"Temporal did not take the alert: {err.status.name}")
