"""The way of one request: identity, route, fault, API, commit hook, count, answer.

It knows nothing of sockets, and it is the only place that decides what an *effective* write is:
one that changed a stored object on behalf of a request.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from sandbox.access import Access, Attributes
from sandbox.api import Api
from sandbox.faults import Fault, Faults, fault_response
from sandbox.journal import Journal, Record
from sandbox.objects import Clock, micro_timestamp
from sandbox.requests import Request, Response, error_response, json_response, text_response
from sandbox.resources import ACCESS_REVIEWS
from sandbox.routes import Route, find_route
from sandbox.status import ApiError, not_allowed, not_implemented, unauthorized

Hook = Callable[[Request], None]
T = TypeVar("T")
_HEALTH = {"/healthz", "/livez", "/readyz"}
_PUBLIC = _HEALTH | {"/version", "/version/"}
# Questions about the sandbox itself are no part of the cluster: neither logged nor disturbed.
_OWN = "/sandbox/"
_WRITES_SHOWN = 100


class Gate:
    """Answers requests; None stands for a connection that is to be cut without an answer."""

    def __init__(self, api: Api, tokens: Mapping[str, str], clock: Clock) -> None:
        self.faults = Faults()
        self.journal = Journal()
        self.after_commit: Hook | None = None
        self.anonymous_user = ""
        self.access = Access()
        self.addons: set[str] = set()
        self.is_healthy: Callable[[], bool] = lambda: True
        self.stopping = threading.Event()
        self._api = api
        api.stopping = self.stopping
        self._tokens = dict(tokens)
        self.clock = clock

    def answer(self, request: Request) -> Response | None:
        """The response, or None; every request to the cluster leaves a record."""
        request = replace(request, user=self._user(request), verb=request.method.lower())
        effective = False
        try:
            route = self._admit(request)
            if route is not None:
                request = replace(request, verb=route.verb)
            response, effective = self._with_fault(request, route)
        except ApiError as error:
            response = error_response(error)
        if not request.path.startswith(_OWN):
            self.journal.add(self._record(request, response, effective=effective))
        return response

    def _user(self, request: Request) -> str:
        if "authorization" not in request.headers:
            return self.anonymous_user
        scheme, _, token = request.headers["authorization"].partition(" ")
        return self._tokens.get(token.strip(), "") if scheme.lower() == "bearer" else ""

    def _admit(self, request: Request) -> Route | None:
        if not request.user and request.path not in _PUBLIC:
            raise unauthorized()
        if any(name.startswith("impersonate-") for name in request.headers):
            raise not_implemented("impersonation")
        route = find_route(request, self.addons)
        if route is not None:
            self.access.check(request.user, route.resource, _attributes(route))
        return route

    def _with_fault(self, request: Request, route: Route | None) -> tuple[Response | None, bool]:
        """The answer, and whether the request had an effect: a fault may hide it."""
        fault = None if request.path.startswith(_OWN) else self.faults.take(request)
        if fault is not None and fault.kind == "delay":
            self.stopping.wait(fault.delay_seconds)
        if fault is not None and fault.before_commit:
            return _broken(fault), False
        done = self._commit(request, route)
        hidden = fault is not None and fault.after_commit
        return (_broken(fault) if fault is not None and hidden else done), done.effective

    def _commit(self, request: Request, route: Route | None) -> Response:
        """What happens here has happened, whatever becomes of the answer."""
        if route is not None and route.resource is ACCESS_REVIEWS:
            return json_response(201, self.access.review(request))
        response = self._other(request) if route is None else self._api.answer(request, route)
        if response.effective:
            self.journal.count_effective(request.user_agent)
            if self.after_commit is not None:
                self.after_commit(request)
        return response

    def _other(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            raise not_allowed()
        if request.path in _HEALTH:
            return text_response(200, "ok") if self.is_healthy() else _unhealthy()
        if request.path == "/sandbox/writes":
            last = request.number("last")
            return json_response(200, self.journal.as_json(_WRITES_SHOWN if last is None else last))
        return self._api.discover(request, self.addons) or text_response(
            404, "404 page not found\n"
        )

    def _record(self, request: Request, response: Response | None, *, effective: bool) -> Record:
        return Record(
            at=micro_timestamp(self.clock()),
            verb=request.verb,
            path=request.path,
            user=request.user,
            user_agent=request.user_agent,
            field_manager=request.field_manager,
            dry_run=_quietly(lambda: request.dry_run) or (),
            body=_quietly(lambda: request.body),
            status=response.code if response is not None else 0,
            effective=effective,
        )


def _attributes(route: Route) -> Attributes:
    resource = route.resource
    return Attributes(
        route.verb, resource.group, resource.plural, route.subresource, route.namespace, route.name
    )


def _broken(fault: Fault) -> Response | None:
    return None if fault.resets else fault_response(fault)


def _unhealthy() -> Response:
    return text_response(500, "controllers are not running; see the log of the sandbox\n")


def _quietly(read: Callable[[], T]) -> T | None:
    """A body that is no JSON was refused already; its record has none."""
    try:
        return read()
    except ApiError:
        return None
