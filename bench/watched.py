"""The clusters of the bench, and when each of them says that a write was made.

Both tell it by the wall clock of this machine: the sandbox at the commit, the real control plane in
its audit log when it has answered. What is not asked for by Firebreak or by the floor is not seen.
"""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import yaml

from bench.common import ROOT
from sandbox.requests import Request
from sandbox.server import SandboxServer
from tools.controlplane.files import ACTOR, ADMIN, Endpoint, node, write_kubeconfig
from tools.controlplane.owned import control_plane
from tools.controlplane.paths import place_of

OURS, FLOOR = "firebreak/", "bench-floor/"
RBAC = ROOT / "deploy" / "rbac"
KUBECTL_SECONDS_MAX = 300
NAMESPACES_PER_NODE = 25
_WRITES = {"create", "update", "patch", "delete", "deletecollection"}
# These are answers to a question; nothing is stored.
_QUESTIONS = {"authorization.k8s.io", "authentication.k8s.io"}


@dataclass(frozen=True)
class Call:
    """One call of Firebreak between alert and write: `uri` with its query, and the answer's code.

    A dry run is told by its query.
    """

    verb: str
    uri: str
    status: int


class Watched(Protocol):
    """A cluster: `admin` may do all, `actor` is the account that Firebreak and the floor are."""

    name: str
    admin: Path
    actor: Path

    def admit(self, namespaces: Sequence[str]) -> None:
        """Let the actor work in these namespaces, which exist, and make room for their pods."""

    def commits(self) -> Mapping[str, float]:
        """When the first effective write was made, as seconds since the epoch, by namespace."""

    def calls(self, namespace: str, since: float) -> list[Call]:
        """What Firebreak asked from then on until its first effective write, that one included."""


class SandboxWatched:
    """The sandbox. Its journal keeps no query, so that the floor lists whole namespaces."""

    name = "sandbox"

    def __init__(self, server: SandboxServer, folder: Path) -> None:
        self._server = server
        self._at: dict[str, float] = {}
        self.admin = server.write_kubeconfig(folder / "admin", user=ADMIN)
        self.actor = server.write_kubeconfig(folder / "actor", user=ACTOR)
        server.after_commit = self._note

    def _note(self, request: Request) -> None:
        if request.user_agent.startswith((OURS, FLOOR)):
            self._at.setdefault(place_of(request.path).namespace, time.time())

    def admit(self, namespaces: Sequence[str]) -> None:
        """Its tokens may do all, and its nodes are large."""

    def commits(self) -> Mapping[str, float]:
        """From the hook that is called after the commit and before the answer."""
        return self._at

    def calls(self, namespace: str, since: float) -> list[Call]:
        """From its journal, whose times are of the end of a request."""
        ours = [
            it
            for it in self._server.requests()
            if it.user_agent.startswith(OURS) and since <= _seconds(it.at)
        ]
        writes = (it.effective and place_of(it.path).namespace == namespace for it in ours)
        end = list(writes).index(True)
        return _repeatable(
            [
                Call(it.verb, it.path + ("?dryRun=All" if it.dry_run else ""), it.status)
                for it in ours[: end + 1]
            ]
        )


class _Entry(NamedTuple):
    """What an audit event says of an answered request; times are seconds since the epoch."""

    received: float
    answered: float
    namespace: str
    call: Call
    is_ours: bool
    effective: bool


class RealWatched:
    """A real control plane, of which its audit log tells, with the rights of deploy/rbac."""

    name = "real"

    def __init__(self, endpoint: Endpoint, folder: Path) -> None:
        self._endpoint = endpoint
        self._folder = folder
        self._offset, self._rest = 0, b""
        self._entries: list[_Entry] = []
        self._at: dict[str, float] = {}
        self.admin = Path(endpoint.kubeconfig)
        who = (ACTOR, endpoint.tokens[ACTOR])
        self.actor = write_kubeconfig(folder / "actor", (endpoint.url, endpoint.ca), who)

    def admit(self, namespaces: Sequence[str]) -> None:
        """All of deploy/rbac, its bindings once for each namespace, and a node for every few."""
        once = [*_documents(RBAC / "once"), *(it for it in _documents(RBAC) if not _is_bound(it))]
        bindings = [it for it in _documents(RBAC) if _is_bound(it)]
        nodes = [node(f"bench-{n}") for n in range(-(-len(namespaces) // NAMESPACES_PER_NODE))]
        placed = [
            it | {"metadata": it["metadata"] | {"namespace": namespace}}
            for namespace in namespaces
            for it in bindings
        ]
        items = [*once, *nodes, *placed]
        path = self._folder / "admitted.json"
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        words = ["--kubeconfig", str(self.admin), "create", "--filename", str(path)]
        subprocess.run(  # noqa: S603 - our own program
            [*self._endpoint.kubectl, *words],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=KUBECTL_SECONDS_MAX,
        )

    def commits(self) -> Mapping[str, float]:
        """From the audit log, as far as it goes now."""
        for entry in self._read():
            self._entries.append(entry)
            if entry.effective:
                self._at.setdefault(entry.namespace, entry.answered)
        return self._at

    def calls(self, namespace: str, since: float) -> list[Call]:
        """From the audit log, in the order in which they came in."""
        end = self.commits()[namespace]
        ours = sorted((it for it in self._entries if it.is_ours), key=lambda it: it.received)
        return _repeatable([it.call for it in ours if since <= it.received and it.answered <= end])

    def _read(self) -> Iterator[_Entry]:
        with Path(self._endpoint.audit_log).open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        self._offset += len(text)
        *lines, self._rest = (self._rest + text).split(b"\n")
        for line in lines:
            # Most lines are of the components, and long.
            if any(f'"userAgent":"{it}'.encode() in line for it in (OURS, FLOOR)):
                event = json.loads(line)
                if event["stage"] == "ResponseComplete":
                    yield _entry(event)


def _entry(event: dict[str, Any]) -> _Entry:
    ref = event.get("objectRef", {})
    code = event["responseStatus"]["code"]
    is_done = HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES
    is_write = event["verb"] in _WRITES and ref.get("apiGroup") not in _QUESTIONS
    return _Entry(
        received=_seconds(event["requestReceivedTimestamp"]),
        answered=_seconds(event["stageTimestamp"]),
        namespace=ref.get("namespace", ""),
        call=Call(event["verb"], event["requestURI"], code),
        is_ours=event["userAgent"].startswith(OURS),
        effective=is_write and is_done and "dryRun=" not in event["requestURI"],
    )


def _repeatable(calls: list[Call]) -> list[Call]:
    """The calls, if the floor can make them, too.

    Raises:
        RuntimeError: it cannot, and would be a floor of something else.

    """
    if not any(call.verb in {"get", "list"} for call in calls):
        raise RuntimeError(
            "no reads are told of before the write; make `audit_policy` of "
            "tools/controlplane/files.py log what the actor gets and lists"
        )
    strange = sorted({call.verb for call in calls} - {"get", "list", "patch"})
    if strange:
        raise RuntimeError(f"teach bench/floor.py to repeat these calls: {', '.join(strange)}")
    return calls


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


def _documents(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.yaml")):
        yield from yaml.safe_load_all(path.read_text())


def _is_bound(document: dict[str, Any]) -> bool:
    return document["kind"] in {"Role", "RoleBinding"}


@contextmanager
def watched(name: str, folder: Path) -> Iterator[Watched]:
    """The cluster of that name, `sandbox` or `real`, until the block ends."""
    if name == "real":
        with control_plane() as endpoint:
            yield RealWatched(endpoint, folder)
        return
    tokens = {f"bench-{number}": user for number, user in enumerate((ADMIN, ACTOR))}
    with SandboxServer(tokens=tokens) as server:
        yield SandboxWatched(server, folder)
