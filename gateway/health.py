"""Whether this gateway lives, whether it can serve, and its figures.

`/healthz` asks nobody, so that a dead database does not get a living process killed.
"""

import asyncio
from collections.abc import Awaitable
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from contracts.errors import FirebreakError
from gateway.doors import Doors, doors
from gateway.identity import require_known
from gateway.metrics import Books
from gateway.under_way import under_way
from toil.memberships import Membership

router = APIRouter(tags=["health"])

CHECK_SECONDS = 2.0

Here = Annotated[Doors, Depends(doors)]


@router.get("/healthz")
async def lives() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def serves(here: Here) -> Response:
    """Temporal and the database answer; 503 names the one that does not. `slack` is `off`, `ok`,
    or what is wrong, and never makes a gateway unready: browser and command line work without it.
    """
    temporal, database = await asyncio.gather(
        _state(here.temporal.ping()), _state(run_sync(here.ping_database, abandon_on_cancel=True))
    )
    ready = temporal == database == "ok"
    body = {"ready": ready, "temporal": temporal, "database": database, "slack": here.slack.told()}
    return JSONResponse(body, status_code=200 if ready else 503)


async def _state(check: Awaitable[None]) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS:g} s"
    except FirebreakError as err:
        return err.message
    return "ok"


@router.get("/metrics", dependencies=[Depends(require_known)])
async def measure(here: Here) -> Response:
    """Prometheus' text format; needs a token, like everything that tells about incidents."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            told = await run_sync(_read_books, here, abandon_on_cancel=True)
            here.metrics.tell_books(told)
    except (TimeoutError, FirebreakError):
        # Without the database these are unknown, and the other figures are worth having.
        here.metrics.forget_books()
    here.metrics.tell_slack(here.slack)
    return Response(generate_latest(here.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _read_books(here: Doors) -> Books:
    groups = here.policy.groups()
    known = {group.name: group for group in here.memberships.all()} if groups else {}
    return Books(
        open_incidents=len(under_way(here.journal)),
        open_approvals=len(here.journal.approvals("open")),
        served=here.catalogue.served(),
        channels=here.deliveries.by_channel(here.clock()),
        groups=tuple(known.get(name, Membership(name=name)) for name in groups),
    )
