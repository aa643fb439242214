"""The kill switch's pages and routes: what is paused, by whom and why.

What switches it is in `gateway.pausing`, for every door.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field, field_validator
from pydantic.config import JsonDict
from starlette.concurrency import run_in_threadpool

from contracts.policy import Person
from gateway.answers import wants_html
from gateway.doors import Doors, doors
from gateway.forms import body_of, require_sender, takes
from gateway.identity import require_reader
from gateway.pages import render
from gateway.pausing import (
    REASON_CHARS_MAX,
    SCOPE,
    SCOPE_CHARS_MAX,
    known_scopes,
    switch_off,
    switch_on,
)
from gateway.switches import switches

router = APIRouter(tags=["kill switch"])

_SCHEMA: JsonDict = {"pattern": SCOPE}

Here = Annotated[Doors, Depends(doors)]
Reader = Annotated[Person, Depends(require_reader)]
Sender = Annotated[Person, Depends(require_sender)]


class PauseBody(BaseModel):
    """What to stop, and why."""

    scope: str = Field(max_length=SCOPE_CHARS_MAX, json_schema_extra=_SCHEMA)
    reason: str = Field(max_length=REASON_CHARS_MAX)

    @field_validator("reason")
    @classmethod
    def _says_something(cls, reason: str) -> str:
        if not reason.strip():
            raise ValueError("say in a few words why, because the next person reads it")
        return reason.strip()


class ResumeBody(BaseModel):
    """What may run again."""

    scope: str = Field(max_length=SCOPE_CHARS_MAX, json_schema_extra=_SCHEMA)


@router.get("/pause")
async def show(request: Request, here: Here, _: Reader) -> Response:
    """Every switch that is on."""
    if wants_html(request):
        pauses = await run_in_threadpool(here.pauses.all)
        scopes = await run_in_threadpool(known_scopes, here)
        return await render(request, "pause.html", pauses=pauses, scopes=scopes)
    return await _all(here)


@router.get("/pause/banner", include_in_schema=False)
async def follow(request: Request, here: Here, _: Reader, seen: str = "") -> Response:
    """The banner of every page; 204 while it would read the same."""
    if seen == (await switches(here)).seen:
        return Response(status_code=204)
    return await render(request, "_switches.html")


async def _all(here: Doors) -> Response:
    pauses = await run_in_threadpool(here.pauses.all)
    return JSONResponse({"items": [pause.model_dump(mode="json") for pause in pauses]})


@router.put("/pause", openapi_extra=takes(PauseBody))
async def pause(
    here: Here, person: Sender, body: Annotated[PauseBody, Depends(body_of(PauseBody))]
) -> Response:
    """Stop every write in the scope from now on; what is being written this second ends."""
    await switch_on(here, person, body.scope, body.reason)
    return await _all(here)


@router.delete("/pause")
async def resume(
    here: Here,
    person: Sender,
    scope: Annotated[str, Query(max_length=SCOPE_CHARS_MAX, json_schema_extra=_SCHEMA)],
) -> Response:
    """Let the scope run again."""
    await switch_off(here, person, scope)
    return await _all(here)


@router.post("/pause", include_in_schema=False)
async def pause_from_page(
    here: Here, person: Sender, body: Annotated[PauseBody, Depends(body_of(PauseBody))]
) -> Response:
    """The page's form: browsers' forms cannot PUT."""
    await switch_on(here, person, body.scope, body.reason)
    return RedirectResponse("/pause", status_code=303)


@router.post("/pause/resume", include_in_schema=False)
async def resume_from_page(
    here: Here, person: Sender, body: Annotated[ResumeBody, Depends(body_of(ResumeBody))]
) -> Response:
    """The page's form: browsers' forms cannot DELETE."""
    await switch_off(here, person, body.scope)
    return RedirectResponse("/pause", status_code=303)
