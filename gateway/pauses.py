"""The kill switch: what is paused, by whom and why; responders and admins switch it.

Whoever sees something going wrong must be able to stop it, so pausing needs no second person.
"""

import logging
import re
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field, field_validator
from pydantic.config import JsonDict
from starlette.concurrency import run_in_threadpool

from contracts.errors import InvalidInput, NotFound
from contracts.policy import Person
from gateway.answers import wants_html
from gateway.doors import Doors, doors
from gateway.forms import body_of, require_sender, takes
from gateway.identity import must_act, require_reader
from gateway.pages import render
from gateway.switches import switches

logger = logging.getLogger(__name__)
router = APIRouter(tags=["kill switch"])

SCOPE = r"^(all|(cluster|namespace|runbook):[A-Za-z0-9][A-Za-z0-9._-]{0,252})$"
SCOPE_CHARS_MAX = 300
_SCHEMA: JsonDict = {"pattern": SCOPE}
_EXAMPLES = "Write all, or e.g. namespace:shop, cluster:default or runbook:restart_crash_loop."

Here = Annotated[Doors, Depends(doors)]
Reader = Annotated[Person, Depends(require_reader)]
Sender = Annotated[Person, Depends(require_sender)]


class PauseBody(BaseModel):
    """What to stop, and why."""

    scope: str = Field(max_length=SCOPE_CHARS_MAX, json_schema_extra=_SCHEMA)
    reason: str = Field(max_length=500)

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
        return await render(request, "pause.html", pauses=await run_in_threadpool(here.pauses.all))
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
    await _switch_on(here, person, body)
    return await _all(here)


@router.delete("/pause")
async def resume(
    here: Here,
    person: Sender,
    scope: Annotated[str, Query(max_length=SCOPE_CHARS_MAX, json_schema_extra=_SCHEMA)],
) -> Response:
    """Let the scope run again."""
    await _switch_off(here, person, scope)
    return await _all(here)


@router.post("/pause", include_in_schema=False)
async def pause_from_page(
    here: Here, person: Sender, body: Annotated[PauseBody, Depends(body_of(PauseBody))]
) -> Response:
    """The page's form: browsers' forms cannot PUT."""
    await _switch_on(here, person, body)
    return RedirectResponse("/pause", status_code=303)


@router.post("/pause/resume", include_in_schema=False)
async def resume_from_page(
    here: Here, person: Sender, body: Annotated[ResumeBody, Depends(body_of(ResumeBody))]
) -> Response:
    """The page's form: browsers' forms cannot DELETE."""
    await _switch_off(here, person, body.scope)
    return RedirectResponse("/pause", status_code=303)


async def _switch_on(here: Doors, person: Person, body: PauseBody) -> None:
    must_act(person)
    _require_scope(body.scope)
    kind, _, name = body.scope.partition(":")
    if kind == "cluster" and name not in here.policy.clusters:
        known = ", ".join(here.policy.clusters)
        raise InvalidInput(f"cluster {name} is not configured", f"Name one of {known}.")
    await run_in_threadpool(here.pauses.put, body.scope, body.reason, person.id, here.clock())
    logger.warning("paused", extra={"scope": body.scope, "person": person.id})


async def _switch_off(here: Doors, person: Person, scope: str) -> None:
    must_act(person)
    _require_scope(scope)
    if not await run_in_threadpool(here.pauses.clear, scope):
        fix = "See what is: `firebreak pause` without arguments, or the page /pause."
        raise NotFound(f"{scope} is not paused", fix)
    logger.warning("resumed", extra={"scope": scope, "person": person.id})


def _require_scope(scope: str) -> None:
    """A sentence instead of a pattern, since a person typed it in a hurry."""
    if not re.fullmatch(SCOPE, scope):
        raise InvalidInput(f"'{scope}' is nothing that can be paused", _EXAMPLES)
