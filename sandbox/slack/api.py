"""The Web API over HTTP: who calls, whether they may, whether it goes wrong on purpose, the answer.

Arguments come as Slack takes them: in the address, as a form, or as JSON. Every call is written
down with what became of it.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.slack import (
    method_chat,
    method_conversations,
    method_files,
    method_people,
    method_views,
)
from sandbox.slack.faults import WAYS, Fault, Faults
from sandbox.slack.methods import Args, Here, Method, need_scopes
from sandbox.slack.rates import Rates
from sandbox.slack.refusals import JSON, Refusal

METHODS: Mapping[str, Method] = {
    **method_chat.METHODS,
    **method_conversations.METHODS,
    **method_files.METHODS,
    **method_people.METHODS,
    **method_views.METHODS,
}
CALLS_MAX = 10_000
_BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@dataclass(frozen=True)
class Call:
    """One call: `error` is Slack's code, or the fault that happened; empty when it went well."""

    method: str
    args: JSON
    status: int
    error: str
    at: datetime
    answer: JSON = field(default_factory=dict)


@dataclass
class Tokens:
    """The two tokens of the app, and whether Slack still takes them (`error` is why not)."""

    bot: str
    app: str
    error: str = ""

    def check(self, given: str, method: Method) -> None:
        """Raise the Refusal for a token that may not call this method."""
        if not given:
            raise Refusal("not_authed")
        if given not in (self.bot, self.app):
            raise Refusal("invalid_auth")
        if self.error:
            raise Refusal(self.error)
        if not given.startswith(method.token):
            raise Refusal("not_allowed_token_type")


class Api:
    """All methods behind one handler."""

    def __init__(self, here: Here, tokens: Tokens) -> None:
        self.here = here
        self.tokens = tokens
        self.rates = Rates()
        self.faults = Faults()
        self.calls: list[Call] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one call, or let it go wrong as a test asked."""
        name = request.match_info["method"]
        method = METHODS.get(name)
        given, args = await _arguments(request, reads_json=method is None or method.json)
        fault = self.faults.next(name)
        if fault and fault.how not in ("accepted_then_reset", "slow"):
            return self._failed(request, args, fault)
        response = self._called(name, given, args)
        if fault:
            self.calls[-1] = replace(self.calls[-1], error=fault.how)
        if fault and fault.how == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault:
            _cut(request)
        return response

    def _called(self, name: str, given: str, args: JSON) -> web.Response:
        try:
            body = self._answer(name, given, args)
        except _TooMany as limit:
            return self._limited(name, args, limit.seconds)
        except Refusal as refusal:
            body = refusal.body()
        self._note(name, args, 200, body.get("error", ""), body)
        return web.json_response(body, headers=self._scope_headers(name))

    def _answer(self, name: str, given: str, args: JSON) -> JSON:
        method = METHODS.get(name)
        if method is None:
            raise Refusal("unknown_method", req_method=name)
        self.tokens.check(given, method)
        now = self.here.store.seconds()
        wait = self.rates.wait_seconds(name, method.tier, str(args.get("channel")), now)
        if wait:
            raise _TooMany(wait)
        if method.token == "xoxb-":  # noqa: S105 - the prefix that tells the kind of a token
            need_scopes(self.here, *method.scopes)
        elif not set(method.scopes) <= self.here.store.workspace.app_scopes:
            raise Refusal("missing_scope", needed=",".join(method.scopes), provided="")
        return method.run(self.here, Args(args))

    def _scope_headers(self, name: str) -> dict[str, str]:
        method = METHODS.get(name)
        return {
            "x-oauth-scopes": ",".join(sorted(self.here.store.workspace.scopes)),
            "x-accepted-oauth-scopes": ",".join(method.scopes) if method else "",
        }

    def _failed(self, request: web.Request, args: JSON, fault: Fault) -> web.Response:
        name = request.match_info["method"]
        if fault.how == "429":
            return self._limited(name, args, max(1, int(fault.seconds)))
        if fault.how == "reset_before":
            self._note(name, args, 0, fault.how)
            _cut(request)
            return web.Response()
        if fault.how in WAYS:
            self._note(name, args, int(fault.how), fault.how)
            return web.Response(status=int(fault.how), text=_BAD_GATEWAY, content_type="text/html")
        body = Refusal(fault.how).body()
        self._note(name, args, 200, fault.how, body)
        return web.json_response(body)

    def _limited(self, name: str, args: JSON, seconds: int) -> web.Response:
        self._note(name, args, 429, "ratelimited")
        body = {"ok": False, "error": "ratelimited"}
        return web.json_response(body, status=429, headers={"Retry-After": str(seconds)})

    def _note(
        self, name: str, args: JSON, status: int, error: str, answer: JSON | None = None
    ) -> None:
        at = self.here.store.clock()
        self.calls.append(Call(name, args, status, error, at, answer or {}))
        del self.calls[:-CALLS_MAX]


class _TooMany(Exception):
    """The call came too early; it may be made again in `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def _cut(request: web.Request) -> None:
    """Break the connection, as a network does: no answer, no farewell."""
    if request.transport is not None:
        request.transport.abort()


async def _arguments(request: web.Request, *, reads_json: bool) -> tuple[str, JSON]:
    """The token, and the arguments from wherever they are; a token in JSON is not looked at."""
    args: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            body = {}
        args |= body if isinstance(body, dict) and reads_json else {}
        args.pop("token", None)
    elif request.method == "POST":
        args |= dict(await request.post())
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    token = bearer if scheme.lower() == "bearer" else ""
    return token or str(args.pop("token", "")), args
