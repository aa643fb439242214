"""Hands alerts on to Temporal: all of a message or, for the sender, none of it.

A second delivery of what was taken changes nothing, so a message that failed half-way is simply
sent again by its sender.
"""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import groupby

from contracts.alert import Alert, AlertEnvelope
from contracts.calls import IncidentStart, TriageStart
from contracts.errors import FirebreakError, Rejected, Unavailable
from gateway.temporal import Start, Temporal

STARTS_MAX = 16
HANDOVER_SECONDS = 8.0

INCIDENT = "Incident"
TRIAGE = "Triage"
SIGNAL = "alert"


def workflow_of(alert: Alert) -> str:
    """Where an alert goes: its workload's incident, else the triage of its identity."""
    return alert.target.workflow_id if alert.target else f"triage/{alert.identity}"


async def hand_over(temporal: Temporal, alerts: Iterable[Alert]) -> dict[str, str]:
    """Return when Temporal has durably accepted every alert but those that it refuses for good;
    these, by identity, with the reason. Sent again they would be refused again, and keep their
    neighbours waiting.

    Raises:
        Unavailable: at least one was not; nothing is known of the others.

    """
    waiting = _episodes(alerts)
    refused: dict[str, str] = {}
    try:
        async with asyncio.timeout(HANDOVER_SECONDS), asyncio.TaskGroup() as group:
            for _ in range(STARTS_MAX):
                group.create_task(_work_off(temporal, waiting, refused))
    except TimeoutError as err:
        raise Unavailable(f"Temporal took longer than {HANDOVER_SECONDS:g} s") from err
    except ExceptionGroup as err:
        failed, bugs = err.split(FirebreakError)
        if failed is None or bugs is not None:
            raise
        raise Unavailable("Temporal did not accept every alert; send it again") from err
    return refused


def _episodes(alerts: Iterable[Alert]) -> Iterator[list[Alert]]:
    """The alerts by identity, in the order in which they were sent, without repeats."""
    ordered = sorted(alerts, key=lambda alert: alert.identity)
    for _, same in groupby(ordered, key=lambda alert: alert.identity):
        yield list({(a.episode, a.status): a for a in same}.values())


async def _work_off(
    temporal: Temporal, waiting: Iterator[list[Alert]], refused: dict[str, str]
) -> None:
    for same in waiting:
        for alert in same:
            try:
                await _send(temporal, alert)
            except Rejected as err:
                refused[alert.identity] = err.message


async def _send(temporal: Temporal, alert: Alert) -> None:
    envelope, workflow = AlertEnvelope.seal(alert), workflow_of(alert)
    if alert.target is None:
        start = TriageStart(source=alert.source, fingerprint=alert.fingerprint)
        await temporal.signal_with_start(Start(TRIAGE, workflow, start), SIGNAL, envelope)
    elif alert.status == "resolved":
        # Nobody was waiting for it when no incident runs: there is nothing to heal.
        await temporal.signal(workflow, SIGNAL, envelope)
    else:
        opening = IncidentStart(target=alert.target, identity=alert.identity)
        await temporal.signal_with_start(Start(INCIDENT, workflow, opening), SIGNAL, envelope)
