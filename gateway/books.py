"""One's own rows of the books, and work logged by hand or measured by a stopwatch.

A person sees their own rows and nobody else's, whatever their role.
"""

import logging
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)
from starlette.concurrency import run_in_threadpool

from contracts.errors import InvalidInput
from contracts.policy import Person
from contracts.toil import Category, Entry
from contracts.toil_text import SECONDS_MAX, TEXT_CHARS_MAX
from contracts.words import minutes_text
from gateway.doors import Doors, doors
from gateway.forms import body_of, require_sender, takes
from gateway.identity import require_reader
from gateway.requests import idempotency_key
from toil.mine import week_of
from toil.sessions import sessions_of
from toil.stopwatches import Stopwatch, Stopwatches

logger = logging.getLogger(__name__)
router = APIRouter(tags=["toil"])

BACKDATED_MAX = timedelta(days=366)
ME_DAYS = 28

Here = Annotated[Doors, Depends(doors)]
Reader = Annotated[Person, Depends(require_reader)]
Sender = Annotated[Person, Depends(require_sender)]


class EntryBody(BaseModel):
    """Work done by hand: `seconds` of it, that ended at `occurred_at` (now, if left out)."""

    model_config = ConfigDict(extra="forbid")

    seconds: int = Field(gt=0, json_schema_extra={"maximum": SECONDS_MAX})
    text: str = Field(min_length=1, max_length=1_000)
    service: str = Field(default="", max_length=200)
    incident: str = Field(default="", max_length=100)
    category: Category = "firefighting"
    occurred_at: AwareDatetime | None = None

    @field_validator("seconds")
    @classmethod
    def _as_everywhere(cls, seconds: int) -> int:
        if seconds > SECONDS_MAX:
            most = minutes_text(SECONDS_MAX)
            raise ValueError(f"{minutes_text(seconds)} is too long; log at most {most} at once")
        return seconds


class StartBody(BaseModel):
    """Work that begins now, and is measured until it is stopped."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_CHARS_MAX)
    ]
    service: str = Field(default="", max_length=200)
    incident: str = Field(default="", max_length=100)


@router.post("/toil/entries", status_code=201, openapi_extra=takes(EntryBody))
async def log_by_hand(
    request: Request,
    here: Here,
    person: Sender,
    body: Annotated[EntryBody, Depends(body_of(EntryBody))],
) -> Response:
    """Post an entry; 200 instead of 201 when the Idempotency-Key was seen before."""
    entry = _entry(here, person, body, f"log/{person.id}/{idempotency_key(request)}")
    is_new = await run_in_threadpool(here.ledger.append, entry, here.clock())
    extra = {"person": person.id, "key": entry.key, "new": is_new}
    logger.info("work logged", extra=extra)
    return JSONResponse(entry.model_dump(mode="json"), status_code=201 if is_new else 200)


def _entry(here: Doors, person: Person, body: EntryBody, key: str) -> Entry:
    now = here.clock()
    occurred_at = (body.occurred_at or now).astimezone(UTC)
    if not now - BACKDATED_MAX <= occurred_at <= now + timedelta(minutes=5):
        raise InvalidInput("occurred_at is in the future, or more than a year ago")
    return Entry(
        key=key,
        category=body.category,
        method="log",
        confidence="confirmed",
        seconds=body.seconds,
        occurred_at=occurred_at,
        text=body.text.strip(),
        person=person.id,
        team=_team(here, person, body.service),
        service=body.service,
        incident=body.incident,
    )


def _team(here: Doors, person: Person, service: str) -> str:
    """Whose work it is: the service's team before the person's first one."""
    known = next((s for s in here.policy.services if s.name == service), None)
    return known.team if known and known.team else next(iter(person.teams), "")


@router.post("/toil/start", status_code=201, openapi_extra=takes(StartBody))
async def start_stopwatch(
    here: Here,
    person: Sender,
    body: Annotated[StartBody, Depends(body_of(StartBody))],
) -> Response:
    """Start one's stopwatch; 200 instead of 201 when it runs for the same work, 422 when it runs
    for other work.
    """
    answer = await run_in_threadpool(_started, here, person, body)
    logger.info("stopwatch started", extra={"person": person.id})
    return answer


def _started(here: Doors, person: Person, body: StartBody) -> Response:
    watches = Stopwatches.beside(here.ledger)
    asked = Stopwatch(person=person.id, began_at=here.clock(), **body.model_dump())
    is_new = watches.start(asked)
    watch = asked if is_new else watches.running(person.id) or asked
    return JSONResponse(watch.model_dump(mode="json"), status_code=201 if is_new else 200)


@router.post("/toil/stop", status_code=201)
async def stop_stopwatch(request: Request, here: Here, person: Sender) -> Response:
    """Stop one's stopwatch and post its time; 200 instead of 201 when the Idempotency-Key was seen
    before, 404 when none runs, 422 when it ran so long that it was forgotten.
    """
    key = f"stopwatch/{person.id}/{idempotency_key(request)}"
    answer = await run_in_threadpool(_stopped, here, person, key)
    logger.info("stopwatch stopped", extra={"person": person.id, "key": key})
    return answer


def _stopped(here: Doors, person: Person, key: str) -> Response:
    watches = Stopwatches.beside(here.ledger)
    entry, is_new = watches.stop(person.id, partial(_team, here, person), key, here.clock())
    return JSONResponse(entry.model_dump(mode="json"), status_code=201 if is_new else 200)


@router.get("/toil/me")
async def show_mine(
    here: Here,
    person: Reader,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
) -> Response:
    """One's own observations, sessions and entries in [from, to), the last four weeks if open; and
    whatever was asked for, the stopwatch that runs now and the sums of this week.
    """
    answer = await run_in_threadpool(_mine, here, person, since, until)
    return JSONResponse(answer)


def _mine(
    here: Doors, person: Person, since: datetime | None, until: datetime | None
) -> dict[str, object]:
    last = (until or here.clock() + timedelta(seconds=1)).astimezone(UTC)
    first = (since or last - timedelta(days=ME_DAYS)).astimezone(UTC)
    seen = here.ledger.observations(person=person.id, since=first, until=last)
    posted = here.ledger.entries(person=person.id, since=first, until=last)
    now, zone = here.clock(), here.policy.toil.timezone
    running = Stopwatches.beside(here.ledger).running(person.id)
    return {
        "person": person.id,
        "running": running.model_dump(mode="json") if running else None,
        "week": week_of(here.ledger, person.id, zone, now).model_dump(mode="json"),
        "from": first.isoformat(),
        "to": last.isoformat(),
        "observations": [row.model_dump(mode="json") for row in seen],
        "sessions": [row.model_dump(mode="json") for row in sessions_of(seen)],
        "entries": [row.model_dump(mode="json") for row in posted],
    }
