"""Runbooks: what a worker told of them when it started, and how they have done lately.

Everything is read from the books: a door never imports a runbook, and never changes one.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from contracts.catalogue import FIGURES_DAYS, OBSERVED_DAYS, ServedRunbook
from contracts.errors import NotFound
from contracts.kubernetes import Cordon, Drain, Uncordon
from contracts.policy import Person
from gateway.answers import wants_html
from gateway.doors import Doors, doors
from gateway.identity import require_reader
from gateway.manual import blocks_of, policy_lines
from gateway.pages import render
from toil.runs import WOULD_HAVE_MAX

router = APIRouter(tags=["runbooks"])

_EXAMPLE = "SERVICE"
_ON_NODES = {step.__name__ for step in (Cordon, Drain, Uncordon)}

Here = Annotated[Doors, Depends(doors)]
Reader = Annotated[Person, Depends(require_reader)]


@router.get("/runbooks")
async def list_runbooks(request: Request, here: Here, _: Reader) -> Response:
    """All that is served, by name, with figures; and the files that could not be loaded."""
    page = await run_in_threadpool(here.catalogue.page, here.clock())
    if not wants_html(request):
        return JSONResponse(page.model_dump(mode="json"))
    return await render(
        request, "runbooks.html", page=page, days=FIGURES_DAYS, would_have_max=WOULD_HAVE_MAX
    )


@router.get("/runbooks/{name}")
async def show_runbook(request: Request, here: Here, _: Reader, name: str) -> Response:
    """One runbook: its manual, what starts it, how far it may go, and how it has done."""
    runbook = await run_in_threadpool(here.catalogue.runbook, name, here.clock())
    if runbook is None:
        fix = (
            "Look at /runbooks for those that are; what a removed one did stands in its incidents."
        )
        raise NotFound("no runbook of that name is served", fix)
    if not wants_html(request):
        return JSONResponse(runbook.model_dump(mode="json"))
    example = next((service.name for service in here.policy.services), _EXAMPLE)
    return await render(
        request,
        "runbook.html",
        runbook=runbook,
        manual=blocks_of(runbook.manual),
        policy_lines=policy_lines(runbook, example),
        writes=writes_of(runbook),
        days=FIGURES_DAYS,
        observed_days=OBSERVED_DAYS,
    )


def writes_of(runbook: ServedRunbook) -> tuple[str, ...]:
    """What its steps write to: `nodes`, `workloads`, both, or nothing. A step that only shows when
    it runs counts as a write to a workload.
    """
    acts = (step.partition(" ")[2] for step in runbook.steps if step.startswith("act "))
    names = (name for act in acts for name in act.split("|"))
    return tuple(sorted({"nodes" if name in _ON_NODES else "workloads" for name in names}))
