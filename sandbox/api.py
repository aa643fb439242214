"""The verbs: read under the lock, decide, write, answer.

Every handler does its whole read-decide-write while it holds the store's lock, which is what
makes a precondition mean something. Identity, faults and counting are not known here.
"""

import threading
from collections.abc import Callable, Collection
from typing import Any

from sandbox import admission, discovery, events
from sandbox.deletion import (
    check_preconditions,
    delete_options,
    delete_pod,
    finalizer_of,
    mark_deleting,
    success_status,
)
from sandbox.eviction import evict
from sandbox.logs import LogSource, read_log
from sandbox.managed_fields import Writer, note_write
from sandbox.objects import Object, name_of, namespace_of, timestamp
from sandbox.paging import paged
from sandbox.patch import apply_patch, check_media_type
from sandbox.quotas import QuotaController
from sandbox.requests import Request, Response, json_response
from sandbox.resources import EVENTS, EVENTS_V1, NAMESPACES, PODS, Resource
from sandbox.routes import Route
from sandbox.scale import scale_of, scaled
from sandbox.selectors import parse_fields, parse_labels
from sandbox.status import ApiError, bad_request, not_acceptable, not_found, not_implemented
from sandbox.store import Store
from sandbox.tables import table, wants_table
from sandbox.watching import watch

Handler = Callable[[Request, Route], Response]


class Api:
    """Answers routed requests; raises ApiError for every refusal."""

    def __init__(self, store: Store, logs: LogSource) -> None:
        self.stopping = threading.Event()
        self._store = store
        self._logs = logs
        self._quotas = QuotaController(store)
        self._handlers: dict[tuple[str, str], Handler] = {
            ("get", ""): self._get,
            ("list", ""): self._list,
            ("watch", ""): self._watch,
            ("create", ""): self._create,
            ("update", ""): self._update,
            ("patch", ""): self._patch,
            ("delete", ""): self._delete,
            ("get", "log"): self._log,
            ("get", "scale"): self._get_scale,
            ("update", "scale"): self._update_scale,
            ("patch", "scale"): self._patch_scale,
            ("create", "eviction"): lambda request, route: evict(self._store, request, route),
        }

    def answer(self, request: Request, route: Route) -> Response:
        """Do what the route says."""
        _check_accept(request, text_too=route.subresource == "log")
        with self._store.lock:
            return self._handlers[(route.verb, route.subresource)](request, route)

    def discover(self, request: Request, addons: Collection[str]) -> Response | None:
        """The discovery document under the path, or None."""
        found = discovery.document(request.path, addons) if request.method == "GET" else None
        return None if found is None else json_response(200, found)

    def _current(self, route: Route) -> Object:
        return self._store.get(route.resource, route.namespace, route.name)

    def _get(self, request: Request, route: Route) -> Response:
        self._check_version(request)
        found = self._current(route)
        if wants_table(request):
            metadata = {"resourceVersion": admission.current_version(found)}
            return self._table(route, [found], metadata)
        return json_response(200, _view(route.resource, found))

    def _table(self, route: Route, found: list[Object], metadata: Object) -> Response:
        shown = table(route.resource.kind, found, metadata, self._store.clock())
        return json_response(200, shown)

    def _list(self, request: Request, route: Route) -> Response:
        self._check_version(request)
        by_label = parse_labels(request.param("labelSelector"))
        by_field = parse_fields(route.resource, request.param("fieldSelector"))
        found = [
            obj
            for obj in self._store.list(route.resource, route.namespace)
            if by_label(obj) and by_field(obj)
        ]
        page, metadata = paged(request, found, self._store.resource_version)
        if wants_table(request):
            return self._table(route, page, metadata)
        return json_response(200, _list_document(route.resource, page, metadata))

    def _watch(self, request: Request, route: Route) -> Response:
        stream = watch(self._store, request, route, self.stopping)
        return Response(200, b"", stream=stream)

    def _check_version(self, request: Request) -> None:
        """A read at a version that does not exist yet times out, and says when to come again."""
        wanted, newest = request.number("resourceVersion"), int(self._store.resource_version)
        if request.param("resourceVersionMatch") == "Exact" and wanted != newest:
            raise not_implemented("reads at an exact old resourceVersion")
        if wanted is None or wanted <= newest:
            return
        message = f"Timeout: Too large resource version: {wanted}, current: {newest}"
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        raise ApiError(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})

    def _create(self, request: Request, route: Route) -> Response:
        resource, namespace = route.resource, route.namespace
        dry_run = admission.is_dry_run(request, "CreateOptions")
        body = admission.decoded(request, resource)
        if namespace and self._store.find(NAMESPACES, "", namespace) is None:
            raise not_found(NAMESPACES, namespace)
        prepared = admission.prepare_create(resource, namespace, body)
        if resource is PODS:
            self._quotas.admit(prepared)
        if resource.storage != EVENTS.storage:
            note_write(None, {**_kind_of(resource), **prepared}, self._writer(request))
        created = self._store.create(resource, prepared, dry_run=dry_run)
        return json_response(201, _view(resource, created), effective=not dry_run)

    def _update(self, request: Request, route: Route) -> Response:
        dry_run = admission.is_dry_run(request, "UpdateOptions")
        body, current = admission.decoded(request, route.resource), self._current(route)
        if not body.get("metadata", {}).get("name"):
            raise bad_request(
                f"name of the object ({route.name} based on URL) was undeterminable: "
                "name must be provided"
            )
        prepared = admission.prepare_update(route.resource, current, body, patched=False)
        note_write(current, prepared, self._writer(request))
        return self._replaced(route, current, prepared, dry_run=dry_run)

    def _writer(self, request: Request, subresource: str = "") -> Writer:
        """Who asks: the field manager, or without one the name of the program."""
        manager = request.field_manager or request.user_agent.partition("/")[0] or "unknown"
        return Writer(manager, timestamp(self._store.clock()), subresource)

    def _patch(self, request: Request, route: Route) -> Response:
        check_media_type(request.media_type, custom=route.resource.custom)
        dry_run, current = admission.is_dry_run(request, "PatchOptions"), self._current(route)
        proposed = apply_patch(request.media_type, current, request.body)
        prepared = admission.prepare_update(route.resource, current, proposed, patched=True)
        note_write(current, prepared, self._writer(request))
        return self._replaced(route, current, prepared, dry_run=dry_run)

    def _replaced(
        self, route: Route, current: Object, prepared: Object, *, dry_run: bool
    ) -> Response:
        stored = self._store.replace(route.resource, prepared, dry_run=dry_run)
        shown = scale_of(stored) if route.subresource == "scale" else stored
        return json_response(200, shown, effective=_changed(current, stored) and not dry_run)

    def _delete(self, request: Request, route: Route) -> Response:
        dry_run = admission.is_dry_run(request, "DeleteOptions")
        options, current = delete_options(request), self._current(route)
        check_preconditions(route.resource, current, options)
        finalizer = finalizer_of(route.resource, options)
        if route.resource is PODS:
            return self._delete_pod(current, options.grace_seconds, dry_run=dry_run)
        if finalizer:
            return self._delete_later(route, current, finalizer, dry_run=dry_run)
        if not dry_run:
            self._store.remove(route.resource, namespace_of(current), name_of(current))
        status = success_status(route.resource, current)
        return json_response(200, status, effective=not dry_run)

    def _delete_later(
        self, route: Route, current: Object, finalizer: str, *, dry_run: bool
    ) -> Response:
        before = self._store.resource_version
        marked = mark_deleting(self._store, route.resource, current, finalizer, dry_run=dry_run)
        return json_response(200, marked, effective=self._store.resource_version != before)

    def _delete_pod(self, pod: Object, grace: int | None, *, dry_run: bool) -> Response:
        before = self._store.resource_version
        marked = delete_pod(self._store, pod, grace, self._store.clock(), dry_run=dry_run)
        return json_response(200, marked, effective=self._store.resource_version != before)

    def _log(self, request: Request, route: Route) -> Response:
        return read_log(request, self._current(route), self._logs, self._store.clock())

    def _get_scale(self, _request: Request, route: Route) -> Response:
        return json_response(200, scale_of(self._current(route)))

    def _update_scale(self, request: Request, route: Route) -> Response:
        dry_run = admission.is_dry_run(request, "UpdateOptions")
        return self._scaled(request, route, request.body, dry_run=dry_run)

    def _patch_scale(self, request: Request, route: Route) -> Response:
        check_media_type(request.media_type)
        dry_run = admission.is_dry_run(request, "PatchOptions")
        scale = scale_of(self._current(route))
        proposed = apply_patch(request.media_type, scale, request.body)
        return self._scaled(request, route, proposed, dry_run=dry_run)

    def _scaled(self, request: Request, route: Route, scale: Any, *, dry_run: bool) -> Response:
        current = self._current(route)
        proposed = scaled(route.resource, self._current(route), scale)
        # The real server leaves the time out here, too.
        note_write(current, proposed, self._writer(request, "scale")._replace(time=""))
        return self._replaced(route, current, proposed, dry_run=dry_run)


def _list_document(resource: Resource, found: list[Object], metadata: Object) -> Object:
    """Items carry no kind of their own, as on the real server, unless they are custom."""
    hidden = set() if resource.custom else {"kind", "apiVersion"}
    items = [{key: value for key, value in obj.items() if key not in hidden} for obj in found]
    head = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version}
    return head | {"metadata": metadata, "items": items}


def _kind_of(resource: Resource) -> Object:
    return {"apiVersion": resource.api_version, "kind": resource.kind}


def _view(resource: Resource, obj: Object) -> Object:
    return events.as_events_v1(obj) if resource is EVENTS_V1 else obj


def _changed(before: Object, after: Object) -> bool:
    return admission.current_version(before) != admission.current_version(after)


def _check_accept(request: Request, *, text_too: bool) -> None:
    offered = ["application/json", *(["text/plain"] if text_too else [])]
    ranges = {
        part.partition(";")[0].strip() for part in request.headers.get("accept", "").split(",")
    }
    if not ranges & {"", "*/*", "application/*", *offered}:
        raise not_acceptable(", ".join(offered))
