"""Joins what people do in Slack to what is done for it: every name of `contracts.slack.ids`.

Each is acknowledged before anything slow. What fails is told to the one who did it, counted and
logged; nothing here changes a message.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Any

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from contracts.errors import FirebreakError, InvalidInput
from contracts.policy import Person
from contracts.slack import ids
from contracts.slack.views import loading_view
from gateway.slack import approving, commands, home, incidents, toil
from gateway.slack.api import CALL_SECONDS, web_client
from gateway.slack.clicks import Click, click_of, inputs_of
from gateway.slack.desk import Desk, Told, note, sentence

logger = logging.getLogger(__name__)

Body = dict[str, Any]
Act = Callable[[Desk, Click], Awaitable[None]]
Show = Callable[[Desk, Click, Person], Awaitable[dict[str, Any]]]
Submit = Callable[[Desk, Click, dict[str, str]], Awaitable[object]]
Faults = Callable[[dict[str, str]], dict[str, str]]
Answer = Callable[[Desk, Click], Awaitable[str]]
Listener = Callable[..., Awaitable[None]]

_ANY = re.compile(".*", re.DOTALL)
_LINKS = re.compile("^" + re.escape(ids.OPEN_PREFIX))


def build_slack(desk: Desk) -> AsyncApp:
    """The app for both ways in. Pure: it opens nothing, and reads nothing of the environment that
    it would use.
    """
    keys = desk.here.slack.keys
    secret = keys.signing.get_secret_value() if keys.signing else ""

    async def authorize(team_id: str | None) -> AuthorizeResult:
        # Who may act is decided for each person; the token is ours whatever the payload says.
        return AuthorizeResult(
            enterprise_id=None, team_id=team_id, bot_token=desk.client.token or ""
        )

    app = AsyncApp(
        name="firebreak",
        logger=logging.getLogger(f"{__name__}.bolt"),
        signing_secret=secret,
        client=_unsigned(desk),
        authorize=authorize,
        request_verification_enabled=True,
        ssl_check_enabled=False,
    )
    _add_buttons(app, desk)
    _add_views(app, desk)
    _add_commands(app, desk)
    home.add_events(app, desk)
    _add_leftovers(app, desk)
    return app


def _unsigned(desk: Desk) -> AsyncWebClient:
    """For Bolt's own use: the token comes with `authorize`, and would be warned about here."""
    return web_client(None, desk.here.slack.keys.api_url, desk.client.session)


def _add_buttons(app: AsyncApp, desk: Desk) -> None:
    app.action(ids.APPROVE)(_acting(desk, approving.approve))
    app.action(ids.DENY)(_acting(desk, approving.ask_why_not))
    app.action(ids.DETAILS)(_showing(desk, approving.details))
    app.action(ids.AGAIN)(_acting(desk, approving.ask_again))
    app.action(ids.TAKE)(_showing(desk, incidents.sure_to_take_over))
    app.action(ids.MORE)(_choosing(desk))
    app.action(ids.HOME_LOG)(_showing(desk, toil.log_window))
    app.action(_LINKS)(_heard)
    app.shortcut(ids.LOG_SHORTCUT)(_showing(desk, toil.log_window))


def _add_views(app: AsyncApp, desk: Desk) -> None:
    app.view(ids.DENY_VIEW)(_submitted(desk, approving.deny, approving.reason_faults))
    app.view(ids.TAKE_OVER_VIEW)(_submitted(desk, incidents.take_over, incidents.take_over_faults))
    app.view(ids.PAGE_VIEW)(_submitted(desk, incidents.page, incidents.page_faults))
    app.view(ids.TOIL_VIEW)(_submitted(desk, home.log, toil.log_faults))


def _add_commands(app: AsyncApp, desk: Desk) -> None:
    app.command(ids.FIREBREAK_COMMAND)(_commanded(desk, commands.run))
    app.command(ids.TOIL_COMMAND)(_commanded(desk, toil.run))


def _add_leftovers(app: AsyncApp, desk: Desk) -> None:
    """What no handler above knows: a message of another version, or nothing of ours."""
    app.view({"type": "view_closed", "callback_id": _ANY})(_heard)
    app.action(_ANY)(_acting(desk, _refuse_old))
    app.view(_ANY)(_acting(desk, _refuse_old))
    app.shortcut(_ANY)(_acting(desk, _refuse_old))
    app.command(_ANY)(_acting(desk, _refuse_old))
    app.options(_ANY)(_heard)
    app.event(_ANY)(_heard)


async def _heard(ack: AsyncAck) -> None:
    """There is nothing to do, and Slack waits for an answer all the same."""
    await ack()


async def _refuse_old(_: Desk, __: Click) -> None:
    fix = "Use the newest message of the incident, its page, or the command line."
    raise InvalidInput("this is from an older version of Firebreak, and does nothing", fix)


def _acting(desk: Desk, act: Act) -> Listener:
    """Acknowledge, then do it; a refusal is told privately."""

    async def listen(ack: AsyncAck, body: Body) -> None:
        await ack()
        click = click_of(body)
        await _attempt(desk, click, act(desk, click), partial(desk.refuse, click))

    return listen


def _showing(desk: Desk, show: Show) -> Listener:
    """Open a window at once, because the trigger lives three seconds; then fill it."""

    async def listen(ack: AsyncAck, body: Body) -> None:
        await ack()
        await _show(desk, click_of(body), show)

    return listen


async def _show(desk: Desk, click: Click, show: Show) -> None:
    window: list[str] = []

    async def fill() -> None:
        window.append(await desk.open_view(click, loading_view()))
        view = await show(desk, click, await desk.person(click))
        await desk.show(window[0], view)

    async def refuse(err: FirebreakError) -> None:
        if window:
            await desk.show(window[0], desk.refusal(click, err))
        else:
            # The trigger is spent, so there is no other window.
            await desk.refuse(click._replace(trigger=""), err)

    await _attempt(desk, click, fill(), refuse)


def _choosing(desk: Desk) -> Listener:
    """The menu: each entry opens the window that asks for the rest."""
    windows = {ids.PAGE: incidents.whom_to_page, ids.TAKE_OVER: incidents.sure_to_take_over}

    async def listen(ack: AsyncAck, body: Body) -> None:
        await ack()
        click = click_of(body)
        window = windows.get(incidents.chosen(click.value)[0])
        if window is not None:
            await _show(desk, click, window)
            return
        await _attempt(desk, click, _refuse_old(desk, click), partial(desk.refuse, click))

    return listen


def _submitted(desk: Desk, submit: Submit, faults: Faults) -> Listener:
    """What is wrong with the fields stands beside them, in the answer that Slack waits for; the
    rest is done after it.
    """

    async def listen(ack: AsyncAck, body: Body) -> None:
        inputs = inputs_of(body)
        wrong = faults(inputs)
        if wrong:
            await ack(response_action="errors", errors=wrong)
            return
        await ack()
        click = click_of(body)
        await _attempt(desk, click, submit(desk, click, inputs), partial(desk.refuse, click))

    return listen


def _commanded(desk: Desk, answer: Answer) -> Listener:
    """Acknowledge, do it, and answer the one who typed."""

    async def listen(ack: AsyncAck, body: Body, respond: AsyncRespond) -> None:
        await ack()
        click = click_of(body)

        async def run() -> None:
            await _respond(desk, click, respond, Told(await answer(desk, click)))

        async def refuse(err: FirebreakError) -> None:
            link = desk.link_of(click)
            await _respond(desk, click, respond, Told(sentence(err.message), err.fix, link))

        await _attempt(desk, click, run(), refuse)

    return listen


async def _respond(desk: Desk, click: Click, respond: AsyncRespond, told: Told) -> None:
    """Answer a command; in another way where its own address does not take it."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            answer = await respond(told.plain, blocks=note(told), response_type="ephemeral")
    except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError) as err:
        logger.info("a command's own address failed", extra={"error": type(err).__name__})
    else:
        if answer.status_code == HTTPStatus.OK:
            return
    await desk.tell(click, told)


async def _attempt(
    desk: Desk, click: Click, work: Awaitable[object], refuse: Callable[..., Awaitable[None]]
) -> None:
    """Do it, tell a refusal, and leave a trace of either."""
    result, desk.here.slack.last_act_at = "ok", desk.here.clock()
    async with desk.working():
        try:
            await work
        except FirebreakError as err:
            result = err.code
            await _told(click, refuse(err))
    desk.here.metrics.slack_actions.labels(result).inc()
    extra = {"kind": click.kind, "slack_user": click.user, "slack_team": click.team}
    logger.info("slack action", extra=extra | {"about": click.about, "result": result})


async def _told(click: Click, telling: Awaitable[None]) -> None:
    try:
        await telling
    except FirebreakError as err:
        extra = {"slack_user": click.user, "kind": click.kind, "error": err.message}
        logger.warning("somebody in Slack could not be told", extra=extra)
