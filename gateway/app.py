"""Makes the gateway: `build_app` joins given values, `create_app` reads the settings first.

Run it with `uvicorn gateway.app:create_app --factory`. No other module of this package may read
settings, and this one does nothing until it is called.
"""

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from fastapi import Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, RedirectResponse
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from sqlalchemy import Engine
from starlette.middleware.sessions import SessionMiddleware
from starlette.staticfiles import StaticFiles
from temporalio.client import Client

from contracts.errors import Unavailable
from contracts.policy import Policy
from gateway import (
    alerts,
    answers,
    approvals,
    books,
    health,
    incidents,
    login,
    pauses,
    reports,
    runbooks,
)
from gateway.doors import Doors
from gateway.identity import require_known
from gateway.metrics import Metrics
from gateway.middleware import BoundedBodies, SafeAnswers
from gateway.pages import HERE, environment
from gateway.slack import http as slack_http
from gateway.slack.line import Line, SlackKeys
from gateway.slack.running import slack_running
from gateway.temporal import Temporal, TemporalDoor
from settings import Settings, configure_logging, read_policy, read_settings
from toil.catalogue import Catalogue
from toil.database import open_engine, ping, require_current
from toil.deliveries import Deliveries
from toil.journal import Journal
from toil.ledger import Ledger
from toil.memberships import Memberships
from toil.pauses import Pauses
from toil.storms import Storms
from workflows.connection import Address, connect

logger = logging.getLogger(__name__)

COOKIE = "firebreak_session"
UVICORN_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access")


def build_app(deps: Doors) -> FastAPI:
    """Join the routes to what they use. Pure: no connection is made and nothing is read; Slack is
    heard from the app's start to its end, where the server runs its lifespan.
    """
    app = FastAPI(
        title="Firebreak", openapi_url=None, docs_url=None, redoc_url=None, lifespan=_lifespan
    )
    app.state.doors = deps
    app.state.templates = environment(deps.policy)
    answers.install(app)
    parts = (alerts, approvals, books, health, incidents, login, pauses, reports, runbooks)
    for part in (*parts, slack_http):
        app.include_router(part.router)
    app.add_api_route("/", _home, include_in_schema=False)
    app.add_api_route("/openapi.json", _openapi, dependencies=[Depends(require_known)])
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    _add_middleware(app, deps)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with slack_running(app.state.doors):
        yield


def _add_middleware(app: FastAPI, deps: Doors) -> None:
    app.add_middleware(
        SessionMiddleware,
        secret_key=deps.session_secret.get_secret_value(),
        session_cookie=COOKIE,
        max_age=login.SESSION_SECONDS,
        same_site="strict",
        https_only=deps.public_url.startswith("https://"),
    )
    app.add_middleware(BoundedBodies)
    app.add_middleware(SafeAnswers)


async def _home() -> RedirectResponse:
    return RedirectResponse(login.HOME, status_code=307)


async def _openapi(request: Request) -> JSONResponse:
    """The description of every route."""
    app: FastAPI = request.app
    return JSONResponse(get_openapi(title=app.title, version=app.version, routes=app.routes))


def create_app() -> FastAPI:
    """The gateway as its own process: everything from the environment and the policy file.

    Raises:
        InvalidInput: a setting or the policy file cannot be used, or Slack is set up twice.
        SchemaOutdated: the database wants `firebreak db upgrade` first.

    """
    settings = read_settings()
    _log(settings)
    engine = open_engine(settings.database_url)
    _refuse_old_schema(engine)
    policy = read_policy(settings.config)
    return build_app(doors_of(settings, policy, engine, TemporalDoor(partial(_connect, settings))))


def doors_of(settings: Settings, policy: Policy, engine: Engine, temporal: Temporal) -> Doors:
    """The doors over one database and one Temporal; `up` and `demo` share theirs with a worker."""
    made = SecretStr(secrets.token_urlsafe(48))
    return Doors(
        policy=policy,
        journal=Journal(engine),
        pauses=Pauses(engine),
        storms=Storms(engine),
        ledger=Ledger(engine),
        memberships=Memberships(engine),
        catalogue=Catalogue(engine),
        deliveries=Deliveries(engine),
        temporal=temporal,
        ping_database=partial(ping, engine),
        clock=utc_now,
        session_secret=settings.session_secret or made,
        public_url=settings.public_url,
        metrics=Metrics(CollectorRegistry()),
        slack=Line(slack_keys(settings)),
    )


def slack_keys(settings: Settings) -> SlackKeys:
    """What Slack gave this app, for the door and for `doctor`."""
    return SlackKeys(
        bot=settings.slack_bot_token,
        app=settings.slack_app_token,
        signing=settings.slack_signing_secret,
        api_url=settings.slack_api_url,
    )


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def connection(client: Client) -> Callable[[], Awaitable[Client]]:
    """A connection that exists already, for `TemporalDoor`."""

    async def connected() -> Client:
        return client

    return connected


def _log(settings: Settings) -> None:
    """Under the plain `uvicorn` command its loggers have handlers that redact nothing."""
    configure_logging(settings.log_format)
    for name in UVICORN_LOGGERS:
        uvicorn = logging.getLogger(name)
        uvicorn.handlers.clear()
        uvicorn.propagate = True


def _refuse_old_schema(engine: Engine) -> None:
    try:
        require_current(engine)
    except Unavailable as err:
        # /readyz keeps saying so; the gateway serves when the database is back.
        logger.warning("database away at start", extra={"reason": err.message})


async def _connect(settings: Settings) -> Client:
    where = Address(
        settings.temporal_address,
        settings.temporal_namespace,
        settings.temporal_api_key,
        settings.temporal_tls,
    )
    return await connect(where)
