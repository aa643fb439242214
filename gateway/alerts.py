"""The doors for alerts. 202 means that Temporal holds every acceptable alert of the message.

Senders give up on a 4xx and repeat a 503, so a 4xx is only for what no repetition can mend; one
bad alert among good ones is quarantined, listed, and still answered with 202.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Iterator
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from contracts.alert import Alert
from contracts.errors import FirebreakError, Unavailable
from contracts.policy import Source
from gateway.alertmanager import Message, Reader, Rejection, read_message
from gateway.doors import Doors, doors
from gateway.errors import NotBuilt, UnsupportedMedia, status_of
from gateway.forms import is_json
from gateway.handover import hand_over, workflow_of
from gateway.identity import require_source
from gateway.truncation import whole_group

logger = logging.getLogger(__name__)
router = APIRouter(tags=["alerts"])

BODY_SECONDS = 10.0
QUARANTINED_MAX = 50
_EXCERPT_CHARS_MAX = 500

Here = Annotated[Doors, Depends(doors)]


@router.post("/alerts/alertmanager", status_code=202)
async def take_alertmanager(request: Request, here: Here) -> JSONResponse:
    """Alertmanager's webhook, version 4."""
    started = perf_counter()
    source = require_source(request, "alertmanager")
    try:
        answer = await _take(request, here, source)
    except FirebreakError as err:
        _measure(here, source, status_of(err), started)
        extra = {"source": source.name, "code": err.code, "reason": err.message}
        logger.warning("alerts refused", extra=extra)
        raise
    _measure(here, source, 202, started)
    return JSONResponse(answer, status_code=202)


async def _take(request: Request, here: Doors, source: Source) -> dict[str, Any]:
    body = await _read(request)
    reader = Reader(source, here.policy, here.clock())
    message = await run_in_threadpool(read_message, body, reader)
    alerts = await whole_group(message, reader, here.transport)
    refused = await hand_over(here.temporal, alerts)
    taken = tuple(alert for alert in alerts if alert.identity not in refused)
    rejected = (*message.rejected, *_refusals(alerts, refused))
    digest = hashlib.sha256(body).hexdigest()
    await run_in_threadpool(_quarantine, here, source, rejected, digest)
    _count(here, source, message, taken)
    return {
        "accepted": [{"fingerprint": a.fingerprint, "workflow": workflow_of(a)} for a in taken],
        "rejected": [{"index": r.index, "error": r.error} for r in rejected],
    }


def _refusals(alerts: tuple[Alert, ...], refused: dict[str, str]) -> Iterator[Rejection]:
    for index, alert in enumerate(alerts):
        if alert.identity in refused:
            error = f"{alert.fingerprint}: {refused[alert.identity]}"
            yield Rejection(index, error, {"alertname": alert.name})


async def _read(request: Request) -> bytes:
    if not is_json(request):
        raise UnsupportedMedia("this door reads application/json in UTF-8, not compressed")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.body()
    except TimeoutError as err:
        raise Unavailable(f"the body did not arrive within {BODY_SECONDS:g} s") from err


def _quarantine(here: Doors, source: Source, rejected: tuple[Rejection, ...], digest: str) -> None:
    for rejection in rejected[:QUARANTINED_MAX]:
        here.journal.quarantine(
            source.name,
            rejection.index,
            reason=rejection.error,
            digest=digest,
            at=here.clock(),
            excerpt_redacted=json.dumps(rejection.outline)[:_EXCERPT_CHARS_MAX],
        )


def _count(here: Doors, source: Source, message: Message, alerts: tuple[Alert, ...]) -> None:
    figures = here.metrics
    figures.received.labels(source.name).inc(len(alerts) + len(message.rejected))
    figures.accepted.labels(source.name).inc(len(alerts))
    figures.rejected.labels(source.name).inc(len(message.rejected))
    figures.truncated.labels(source.name).inc(message.truncated)
    figures.last_message.labels(source.name).set(here.clock().timestamp())
    figures.count_duplicates(alerts)
    extra = {
        "source": source.name,
        "accepted": len(alerts),
        "rejected": [rejection.error for rejection in message.rejected[:5]],
        "workflows": sorted({workflow_of(alert) for alert in alerts})[:5],
    }
    logger.info("alerts accepted", extra=extra)


def _measure(here: Doors, source: Source, status: int, started: float) -> None:
    seconds = perf_counter() - started
    here.metrics.door_seconds.labels(source.name, str(status)).observe(seconds)


@router.post("/alerts/pagerduty", status_code=501)
async def take_pagerduty(request: Request) -> None:
    """PagerDuty's webhook, version 3."""
    require_source(request, "pagerduty")
    raise NotBuilt("the door for PagerDuty is not open yet")


@router.post("/alerts/grafana", status_code=501)
async def take_grafana(request: Request) -> None:
    """Grafana's own alerting."""
    require_source(request, "grafana")
    raise NotBuilt("the door for Grafana is not open yet")


@router.post("/alerts/generic", status_code=501)
async def take_generic(request: Request) -> None:
    """Any other sender."""
    require_source(request, "generic")
    raise NotBuilt("the door for other senders is not open yet")
