"""Slack over HTTP, where Socket Mode is not used: `POST /slack/events`, for everything it sends.

A request counts only with Slack's signature of its body, at most five minutes old.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import SecretStr
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from slack_sdk.signature import SignatureVerifier
from starlette.datastructures import Headers

from contracts.errors import NotFound, Unavailable
from gateway.doors import Doors, doors
from gateway.errors import NotJson, Unauthenticated

router = APIRouter(tags=["slack"])

_PROOF = ("x-slack-request-timestamp", "x-slack-signature")
_DIGITS_MAX = 18

Here = Annotated[Doors, Depends(doors)]


@router.post("/slack/events")
async def receive(request: Request, here: Here) -> Response:
    """Clicks, commands and events of Slack; 401 without its signature."""
    if "x-slack-signature" not in request.headers:
        raise _unsigned()
    if here.slack.mode != "http":
        fix = "Set FIREBREAK_SLACK_SIGNING_SECRET, or use Socket Mode, which needs no address."
        raise NotFound("this gateway does not take Slack over HTTP", fix)
    if here.slack.bolt is None:
        raise Unavailable("Slack's door is not open yet")
    # Bolt reads a body before it checks who sent it, so that is done first.
    if not _is_signed(await request.body(), request.headers, here.slack.keys.signing):
        raise _unsigned()
    try:
        return await AsyncSlackRequestHandler(here.slack.bolt).handle(request)
    except ValueError as err:
        raise NotJson("the body is neither a form nor JSON, in UTF-8") from err


def _is_signed(body: bytes, headers: Headers, secret: SecretStr | None) -> bool:
    at, signature = (headers.get(name, "") for name in _PROOF)
    if secret is None or not (at.isascii() and at.isdecimal()) or len(at) > _DIGITS_MAX:
        return False
    try:
        return SignatureVerifier(secret.get_secret_value()).is_valid(body, at, signature)
    except (UnicodeDecodeError, TypeError):
        # Neither a body that is no text nor a signature beyond ASCII can be Slack's.
        return False


def _unsigned() -> Unauthenticated:
    fix = "Only Slack posts here: compare FIREBREAK_SLACK_SIGNING_SECRET, and this machine's clock."
    return Unauthenticated("this is not signed by Slack", fix)
