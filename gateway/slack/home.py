"""A person's own page in Slack, and the events that say whether this app is still welcome."""

import logging
from typing import Any

from slack_bolt.async_app import AsyncApp
from starlette.concurrency import run_in_threadpool

from contracts.approval import Approval
from contracts.errors import FirebreakError
from contracts.policy import Person
from contracts.slack.home import Home, home_view
from contracts.slack.views import refusal_view
from contracts.standing import holder_of
from contracts.views import IncidentView, view_of
from gateway.deciding import may_answer
from gateway.doors import Doors
from gateway.slack import toil
from gateway.slack.api import SlackRefusal, call
from gateway.slack.clicks import Click
from gateway.slack.desk import Desk
from toil.journal import IncidentQuery
from toil.stopwatches import Stopwatches

logger = logging.getLogger(__name__)

SHOWN_MAX = 10
_GONE = "the app was uninstalled from the workspace; install it again, and restart this gateway"
_REVOKED = "the bot's token was revoked; install the app again, and restart this gateway"


def add_events(app: AsyncApp, desk: Desk) -> None:
    """Listen to what happens around the app."""

    async def opened(body: dict[str, Any]) -> None:
        event = body["event"]
        if event.get("tab", "home") == "home":
            async with desk.working():
                await publish(desk, _click_of(body), str((event.get("view") or {}).get("hash", "")))

    async def uninstalled() -> None:
        _end(desk.here, _GONE)

    async def revoked(body: dict[str, Any]) -> None:
        if (body["event"].get("tokens") or {}).get("bot"):
            _end(desk.here, _REVOKED)

    app.event("app_home_opened")(opened)
    app.event("app_uninstalled")(uninstalled)
    app.event("tokens_revoked")(revoked)


def _end(here: Doors, why: str) -> None:
    here.slack.end(why, here.clock())
    logger.error("slack ended", extra={"reason": why})


def _click_of(body: dict[str, Any]) -> Click:
    return Click(
        kind="home",
        user=str(body["event"].get("user", "")),
        team=str(body.get("team_id", "")),
        key=str(body.get("event_id", "")),
        app=str(body.get("api_app_id", "")),
    )


async def log(desk: Desk, click: Click, inputs: dict[str, str]) -> None:
    """Post what the window says; where it was opened on the person's own page, show it there."""
    await toil.log(desk, click, inputs)
    if not click.channel:
        await publish(desk, click)


async def publish(desk: Desk, click: Click, seen: str = "") -> None:
    """Show the person their own page; `seen` is the hash of what they look at, so that an older
    page never replaces a newer one.
    """
    try:
        person = await desk.person(click)
        view = home_view(await run_in_threadpool(_home, desk.here, person))
    except FirebreakError as err:
        told = refusal_view(err.message, err.fix)
        view = {"type": "home", "blocks": told["blocks"]}
    try:
        await call(desk.client.views_publish(user_id=click.user, view=view, hash=seen or None))
    except FirebreakError as err:
        # Somebody who was faster has published what is newer.
        if not (isinstance(err, SlackRefusal) and err.reason == "hash_conflict"):
            extra = {"slack_user": click.user, "error": err.message}
            logger.warning("home not published", extra=extra)


def _home(here: Doors, person: Person) -> Home:
    waiting = here.journal.approvals("open")
    pending = [view_of(a) for a in waiting if _waits_for(here, person, a)]
    watch = Stopwatches.beside(here.ledger).running(person.id)
    return Home(
        pending=tuple(pending[:SHOWN_MAX]),
        taken=_taken(here, person),
        week_seconds={str(name): s for name, s in toil.my_week(here, person).seconds.items()},
        running_since=watch.began_at if watch else None,
        running_text=watch.text if watch else "",
        url=here.public_url,
    )


def _waits_for(here: Doors, person: Person, asked: Approval) -> bool:
    voted = any(vote.person == person.id for vote in asked.votes)
    over = here.clock() >= asked.expires_at
    return not voted and not over and may_answer(here, asked, person.id)


def _taken(here: Doors, person: Person) -> tuple[IncidentView, ...]:
    """What the person has taken over; the newest, among as many of everybody's."""
    page = here.journal.incidents(IncidentQuery(status="taken_over", limit=2 * SHOWN_MAX))
    details = (here.journal.incident(found.id) for found in page.items)
    held = [d for d in details if d is not None and holder_of(d) == person.id]
    return tuple(
        IncidentView.model_validate(d.model_dump(exclude={"timeline"})) for d in held[:SHOWN_MAX]
    )
