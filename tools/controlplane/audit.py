"""Reads the audit log of a control plane: which writes there were, and which changed something.

The log is the oracle of every claim of "exactly one write", so it is told here how a write without
effect is known, and a request whose end is not yet in the log is waited for.
"""

import json
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from tools.controlplane.files import COMPONENTS

Json = dict[str, Any]
Key = tuple[str, str, str]

SETTLE_SECONDS_MAX = 5.0
_POLL_SECONDS = 0.02
_WRITES = {"create", "update", "patch", "delete", "deletecollection"}
# These are answers to a question; nothing is stored.
_QUESTIONS = {"authorization.k8s.io", "authentication.k8s.io"}
_ENDED = {"ResponseComplete", "Panic"}


class Write(NamedTuple):
    """One request that asks for a change. `effective`: it was carried out and changed an object.

    `code` is the HTTP status, 0 where the connection was cut before one was sent; `name` is empty
    where the server mints it; `user_agent` and `user` say who asked.
    """

    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    dry_run: bool
    effective: bool
    user_agent: str = ""
    user: str = ""


class _Change(NamedTuple):
    """A write that was carried out, and the version that the object has after it.

    `claim` orders those that answer with the same version, of which one has made it: a condition
    on another version proves it; a component, unlike a person, writes nothing that changes nothing;
    else who came first.
    """

    key: Key
    version: str
    claim: tuple[bool, bool, str, int]


class AuditLog:
    """The writes of one control plane, from its beginning; read forward, as far as it goes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""
        self._open: set[str] = set()
        self._gone: set[Key] = set()
        self._best: dict[tuple[Key, str], tuple[bool, bool, str, int]] = {}
        self._writes: list[tuple[Write, _Change | None]] = []

    def position(self) -> int:
        """How many writes there were; `writes` begins there when told so."""
        self._read_to_the_end()
        return len(self._writes)

    def writes(self, since: int = 0) -> list[Write]:
        """The writes, in the order in which they were answered.

        Raises:
            TimeoutError: a write that came in has not ended.

        """
        self._read_to_the_end()
        return [
            write if change is None else write._replace(effective=self._has_made(change))
            for write, change in self._writes[since:]
        ]

    def _has_made(self, change: _Change) -> bool:
        return self._best[change.key, change.version] == change.claim

    def _read_to_the_end(self) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        self._read()
        while self._open:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self._open)} writes have not ended; see {self._path}")
            time.sleep(_POLL_SECONDS)
            self._read()

    def _read(self) -> None:
        for event in self._new_events():
            if event["verb"] not in _WRITES or "objectRef" not in event:
                continue
            if event["stage"] in _ENDED:
                self._open.discard(event["auditID"])
                self._add(event)
            else:
                self._open.add(event["auditID"])

    def _new_events(self) -> Iterator[Json]:
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        self._offset += len(text)
        *lines, self._rest = (self._rest + text).split(b"\n")
        yield from (json.loads(line) for line in lines if line)

    def _add(self, event: Json) -> None:
        write = _write_of(event)
        is_done = HTTPStatus.OK <= write.code < HTTPStatus.MULTIPLE_CHOICES
        change: _Change | None = None
        if is_done and not write.dry_run and not _is_question(event):
            name = write.name or _answer(event).get("name", "")
            key = (write.resource, write.namespace, name)
            version = str(_answer(event).get("resourceVersion", ""))
            if write.subresource == "eviction" or (write.verb == "delete" and version):
                write = write._replace(effective=self._ends(key))
            elif version:
                change = self._claimed(event, key, version)
            else:
                # A binding, a deleted collection: nothing is named, and something was done.
                write = write._replace(effective=True)
            if write.verb == "create" and not write.subresource:
                self._gone.discard(key)
        self._writes.append((write, change))

    def _claimed(self, event: Json, key: Key, version: str) -> _Change | None:
        """The write and its claim; None for a write that is proven to have changed nothing."""
        asked = _asked_version(event)
        if asked == version:
            return None
        is_component = event["user"]["username"] in COMPONENTS
        received = str(event["requestReceivedTimestamp"])
        claim = (asked is None, not is_component, received, len(self._writes))
        best = self._best.get((key, version), claim)
        self._best[key, version] = min(best, claim)
        return _Change(key, version, claim)

    def _ends(self, key: Key) -> bool:
        """Whether the object was not ending yet: who is told to go twice goes once.

        A delete that is answered with the object has only marked it, and the answer to an eviction
        names nothing; a new object of the same name begins anew.
        """
        is_first = key not in self._gone
        self._gone.add(key)
        return is_first


def _write_of(event: Json) -> Write:
    ref = event["objectRef"]
    return Write(
        verb=event["verb"],
        resource=ref["resource"],
        subresource=ref.get("subresource", ""),
        namespace=ref.get("namespace", ""),
        name=ref.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        dry_run=_is_dry_run(event),
        effective=False,
        user_agent=event.get("userAgent", ""),
        user=event["user"]["username"],
    )


def _answer(event: Json) -> Json:
    metadata: Json = (event.get("responseObject") or {}).get("metadata") or {}
    return metadata


def _is_question(event: Json) -> bool:
    return event["objectRef"].get("apiGroup") in _QUESTIONS


def _is_dry_run(event: Json) -> bool:
    """It is asked for in the address, or in the body, and a delete that has a body is only asked
    there: the server ignores its address.
    """
    sent = event.get("requestObject")
    body = sent if isinstance(sent, dict) else {}  # a JSON Patch is a list
    options = body.get("deleteOptions") or {}
    if body.get("dryRun") or options.get("dryRun"):
        return True
    ignored = event["verb"] == "delete" and bool(body)
    return "dryRun=" in event["requestURI"] and not ignored


def _asked_version(event: Json) -> str | None:
    """The version that a patch or an update insists on; None where it does not."""
    body = event.get("requestObject")
    if isinstance(body, dict):
        found = (body.get("metadata") or {}).get("resourceVersion")
        return None if found is None else str(found)
    if isinstance(body, list):
        return next(
            (str(op.get("value")) for op in body if op.get("path") == "/metadata/resourceVersion"),
            None,
        )
    return None
