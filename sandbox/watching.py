"""Watches: the changes of one resource as JSON lines, from a version on, until a deadline.

Who asks for changes that were forgotten gets an error *inside* of the stream (410), as from the
real server. It reads the store's history and must never hold the lock while it writes to a client.
"""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.history import Change
from sandbox.objects import Object
from sandbox.requests import Request
from sandbox.resources import Resource
from sandbox.routes import Route
from sandbox.selectors import Predicate, parse_fields, parse_labels
from sandbox.status import ApiError
from sandbox.store import Store

_TIMEOUT_SECONDS = 1800
_SLICE_SECONDS = 0.5
_BOOKMARK_SECONDS = 60.0
_INITIAL_END = {"k8s.io/initial-events-end": "true"}


@dataclass(frozen=True)
class Wanted:
    """What a watch lets through."""

    resource: Resource
    namespace: str
    by_label: Predicate
    by_field: Predicate

    def takes(self, obj: Object | None) -> bool:
        """Whether the object belongs to what is watched."""
        if obj is None:
            return False
        inside = self.namespace in {"", obj["metadata"].get("namespace", "")}
        return inside and self.by_label(obj) and self.by_field(obj)

    def seen(self, change: Change) -> str:
        """The type of event that this watcher sees, or the empty string."""
        if change.storage != self.resource.storage:
            return ""
        was = self.takes(change.before)
        now = change.type != "DELETED" and self.takes(change.obj)
        if was and now:
            return "MODIFIED"
        return "ADDED" if now else "DELETED" if was else ""


def watch(
    store: Store, request: Request, route: Route, stopping: threading.Event
) -> Iterator[bytes]:
    """The lines of the stream; raises ApiError 400 before the first of them."""
    wanted = Wanted(
        route.resource,
        route.namespace,
        parse_labels(request.param("labelSelector")),
        parse_fields(route.resource, request.param("fieldSelector")),
    )
    seconds = request.number("timeoutSeconds") or _TIMEOUT_SECONDS
    first, version = _beginning(store, request, wanted)
    run = _Run(store, wanted, stopping, request.flag("allowWatchBookmarks"))
    return _stream(run, first, (version, time.monotonic() + seconds))


@dataclass(frozen=True)
class _Run:
    store: Store
    wanted: Wanted
    stopping: threading.Event
    bookmarks: bool

    def bookmark(self, version: int, notes: dict[str, str] | None = None) -> bytes:
        """An event that only tells how far the watcher has come."""
        metadata: Object = {"resourceVersion": str(version)}
        if notes:
            metadata["annotations"] = notes
        resource = self.wanted.resource
        kind = {"kind": resource.kind, "apiVersion": resource.api_version}
        return _line("BOOKMARK", kind | {"metadata": metadata})


def _beginning(store: Store, request: Request, wanted: Wanted) -> tuple[list[bytes], int]:
    """What is sent at once, and the version after which changes follow."""
    asked = request.number("resourceVersion") or 0
    initial = request.flag("sendInitialEvents")
    if asked and not initial:
        return [], asked
    with store.lock:
        version = int(store.resource_version)
        found = store.list(wanted.resource, wanted.namespace)
    lines = [_line("ADDED", obj) for obj in found if wanted.takes(obj)]
    if initial:
        run = _Run(store, wanted, threading.Event(), bookmarks=True)
        lines.append(run.bookmark(version, _INITIAL_END))
    return lines, version


def _stream(run: _Run, first: list[bytes], since: tuple[int, float]) -> Iterator[bytes]:
    version, deadline = since
    yield from first
    told = time.monotonic()
    while not run.stopping.is_set():
        left = deadline - time.monotonic()
        if left <= 0:
            break
        changes = run.store.history.wait(version, min(left, _SLICE_SECONDS))
        if changes is None:
            yield _line("ERROR", _expired(version, run.store.resource_version))
            return
        for change in changes:
            version = change.version
            if kind := run.wanted.seen(change):
                yield _line(kind, change.obj)
        if run.bookmarks and time.monotonic() - told > _BOOKMARK_SECONDS:
            told = time.monotonic()
            yield run.bookmark(version)
    if run.bookmarks:
        yield run.bookmark(version)


def _expired(version: int, newest: str) -> Object:
    message = f"too old resource version: {version} ({newest})"
    return ApiError(410, "Expired", message).body()


def _line(kind: str, obj: Object) -> bytes:
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"
