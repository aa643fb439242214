"""The verbs: read under the lock, decide, write, answer.

Every handler does its whole read-decide-write while it holds the store's lock, which is what
makes a precondition mean something. Identity, faults and counting are not known here.
"""

from collections.abc import Callable
from typing import Any

from sandbox import admission, discovery, events
from sandbox.deletion import check_preconditions, delete_options, delete_pod, success_status
from sandbox.logs import LogSource, read_log
from sandbox.objects import Object, name_of, namespace_of
from sandbox.patch import apply_patch, check_media_type
from sandbox.requests import Request, Response, json_response
from sandbox.resources import EVENTS_V1, NAMESPACES, PODS, Resource
from sandbox.routes import Route
from sandbox.scale import scale_of, scaled
from sandbox.selectors import parse_fields, parse_labels
from sandbox.status import ApiError, bad_request, not_acceptable, not_found, not_implemented
from sandbox.store import Store

Handler = Callable[[Request, Route], Response]


class Api:
    """Answers routed requests; raises ApiError for every refusal."""

    def __init__(self, store: Store, logs: LogSource) -> None:
        self._store = store
        self._logs = logs
        self._handlers: dict[tuple[str, str], Handler] = {
            ("get", ""): self._get,
            ("list", ""): self._list,
            ("create", ""): self._create,
            ("update", ""): self._update,
            ("patch", ""): self._patch,
            ("delete", ""): self._delete,
            ("get", "log"): self._log,
            ("get", "scale"): self._get_scale,
            ("update", "scale"): self._update_scale,
            ("patch", "scale"): self._patch_scale,
        }

    def answer(self, request: Request, route: Route) -> Response:
        """Do what the route says."""
        _check_accept(request, text_too=route.subresource == "log")
        with self._store.lock:
            return self._handlers[(route.verb, route.subresource)](request, route)

    def discover(self, request: Request) -> Response | None:
        """The discovery document under the path, or None."""
        found = discovery.document(request.path) if request.method == "GET" else None
        return None if found is None else json_response(200, found)

    def _current(self, route: Route) -> Object:
        return self._store.get(route.resource, route.namespace, route.name)

    def _get(self, request: Request, route: Route) -> Response:
        self._check_version(request)
        return json_response(200, _view(route.resource, self._current(route)))

    def _list(self, request: Request, route: Route) -> Response:
        self._check_version(request)
        by_label = parse_labels(request.param("labelSelector"))
        by_field = parse_fields(route.resource, request.param("fieldSelector"))
        found = [
            obj
            for obj in self._store.list(route.resource, route.namespace)
            if by_label(obj) and by_field(obj)
        ]
        _check_paging(request, len(found))
        return json_response(200, self._list_document(route.resource, found))

    def _list_document(self, resource: Resource, found: list[Object]) -> Object:
        """Items carry no kind of their own, as on the real server."""
        items = [
            {key: value for key, value in obj.items() if key not in {"kind", "apiVersion"}}
            for obj in found
        ]
        return {
            "kind": f"{resource.kind}List",
            "apiVersion": resource.api_version,
            "metadata": {"resourceVersion": self._store.resource_version},
            "items": items,
        }

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
        return self._replaced(route, current, prepared, dry_run=dry_run)

    def _patch(self, request: Request, route: Route) -> Response:
        check_media_type(request.media_type)
        dry_run, current = admission.is_dry_run(request, "PatchOptions"), self._current(route)
        proposed = apply_patch(request.media_type, current, request.body)
        prepared = admission.prepare_update(route.resource, current, proposed, patched=True)
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
        if route.resource is PODS:
            return self._delete_pod(current, options.grace_seconds, dry_run=dry_run)
        if not dry_run:
            self._store.remove(route.resource, namespace_of(current), name_of(current))
        status = success_status(route.resource, current)
        return json_response(200, status, effective=not dry_run)

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
        return self._scaled(route, request.body, dry_run=dry_run)

    def _patch_scale(self, request: Request, route: Route) -> Response:
        check_media_type(request.media_type)
        dry_run = admission.is_dry_run(request, "PatchOptions")
        scale = scale_of(self._current(route))
        proposed = apply_patch(request.media_type, scale, request.body)
        return self._scaled(route, proposed, dry_run=dry_run)

    def _scaled(self, route: Route, scale: Any, *, dry_run: bool) -> Response:
        current = self._current(route)
        return self._replaced(route, current, scaled(self._current(route), scale), dry_run=dry_run)


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


def _check_paging(request: Request, found: int) -> None:
    """A limit that everything fits into changes nothing; paging itself is refused."""
    limit = request.number("limit")
    if request.param("continue") or (limit and found > limit):
        raise not_implemented("paging of lists (limit, continue)")
