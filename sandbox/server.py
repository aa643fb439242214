"""The sandbox as one object: start it, point the official client at it, stop it.

It listens on loopback only and speaks plain HTTP, because it holds nothing but toys. Give it no
address that others can reach.
"""

import ipaddress
import logging
import secrets
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sandbox.access import Access
from sandbox.api import Api
from sandbox.containers import Pace
from sandbox.controller import Controllers
from sandbox.faults import Faults
from sandbox.gate import Gate, Hook
from sandbox.journal import REQUESTS_MAX, Record
from sandbox.kubeconfig import CONTEXT, write_kubeconfig
from sandbox.nodes import NAMES, new_node
from sandbox.objects import Clock, utc_now
from sandbox.resources import NAMESPACES, NODES
from sandbox.serving import Serving
from sandbox.store import Store
from sandbox.transport import JOIN_SECONDS, Transport

logger = logging.getLogger(__name__)

ADMIN = "sandbox-admin"
# How long `stop` may wait for the listener to notice.
_POLL_SECONDS = 0.01
_FIRST_NAMESPACES = ("default", "kube-system")


@dataclass(frozen=True)
class Timing:
    """How time runs: `tick_seconds` None means that nobody ticks but the caller."""

    clock: Clock = utc_now
    tick_seconds: float | None = 0.1
    pace: Pace = field(default_factory=Pace)


class SandboxServer(Serving):
    """A Kubernetes API for the official client, on `url`, until `stop`.

    `tokens` maps bearer tokens to user names; without it, one random token is made for the user
    `sandbox-admin`. `port` 0 takes a free one. `anonymous_user` is who a request without a token
    is; it is nobody (401) unless named. kubectl needs it: it sends no token over plain HTTP.
    `addons` are API groups that a cluster only has once installed: `keda.sh`, `metrics.k8s.io`.
    """

    def __init__(
        self,
        port: int = 0,
        host: str = "127.0.0.1",
        tokens: Mapping[str, str] | None = None,
        timing: Timing | None = None,
        *,
        anonymous_user: str = "",
        addons: Collection[str] = ("keda.sh",),
    ) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"{host} is not a loopback address; the sandbox has no TLS")
        self._address = (host, port)
        self._timing = timing or Timing()
        self.tokens = dict(tokens) if tokens else {secrets.token_urlsafe(24): ADMIN}
        self.store = Store(self._timing.clock)
        self._controllers = Controllers(self.store, self._timing.pace)
        api = Api(self.store, self._controllers.pods)
        self._gate = Gate(api, self.tokens, self._timing.clock)
        self._gate.is_healthy = self._is_healthy
        self._gate.anonymous_user = anonymous_user
        self._gate.addons.update(addons)
        self._transport: Transport | None = None
        self._threads: list[threading.Thread] = []
        for name in _FIRST_NAMESPACES:
            self._create_namespace(name)
        for name in NAMES:
            self.store.create(NODES, new_node(name))
        self._controllers.tick(self._timing.clock())

    def _create_namespace(self, name: str) -> None:
        labels = {"kubernetes.io/metadata.name": name}
        namespace = {"metadata": {"name": name, "labels": labels}}
        extra = {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        self.store.create(NAMESPACES, namespace | extra)

    def start(self) -> None:
        """Listen and tick; raises OSError when the port is taken, RuntimeError when started."""
        if self._transport is not None or self._gate.stopping.is_set():
            raise RuntimeError("a sandbox server starts once; make a new one")
        self._transport = Transport(self._address, self._gate)
        self._run("sandbox-http", self._listen)
        if self._timing.tick_seconds is not None:
            self._run("sandbox-tick", self._tick_until_stopped)
        logger.info("sandbox started", extra={"url": self.url})

    def stop(self) -> None:
        """Close all connections and end all threads, within seconds; may be called again."""
        if self._gate.stopping.is_set():
            return
        self._gate.stopping.set()
        if self._transport is not None:
            self._transport.shutdown()
            self._transport.close_connections()
            self._transport.server_close()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)

    @property
    def url(self) -> str:
        """The address of the API; raises RuntimeError before `start`."""
        if self._transport is None:
            raise RuntimeError("the sandbox server was not started")
        host, port = self._transport.server_address[:2]
        shown = f"[{host!s}]" if ":" in str(host) else str(host)
        return f"http://{shown}:{port}"

    @property
    def faults(self) -> Faults:
        """Failures to be injected: `server.faults.add(Fault(...))`."""
        return self._gate.faults

    @property
    def addons(self) -> set[str]:
        """The installed groups; a test may add one at any time."""
        return self._gate.addons

    @property
    def access(self) -> Access:
        """Who may do what: `server.access.restrict(user, rules, namespace)`."""
        return self._gate.access

    @property
    def after_commit(self) -> Hook | None:
        """Called with the request after an effective write and before its answer."""
        return self._gate.after_commit

    @after_commit.setter
    def after_commit(self, hook: Hook | None) -> None:
        self._gate.after_commit = hook

    def effective_writes(self) -> dict[str, int]:
        """By user agent: requests that changed a stored object; no dry runs, no no-ops."""
        return self._gate.journal.effective_writes()

    def requests(self, last: int = REQUESTS_MAX) -> list[Record]:
        """The newest requests, oldest first."""
        return self._gate.journal.requests(last)

    def tick(self, now: datetime | None = None) -> None:
        """One pass of the controllers, for callers with a clock of their own."""
        self._controllers.tick(now or self._timing.clock())

    def write_kubeconfig(self, path: Path | str, user: str = "", context: str = CONTEXT) -> Path:
        """A kubeconfig of mode 0600; the user is the first one unless named.

        Raises ValueError for a user without a token.
        """
        user = user or next(iter(self.tokens.values()))
        tokens = [token for token, name in self.tokens.items() if name == user]
        if not tokens:
            raise ValueError(f"no token for {user!r}; known are {sorted(self.tokens.values())}")
        return write_kubeconfig(Path(path), self.url, (user, tokens[0]), context)

    def _run(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        if self._transport is not None:
            self._transport.serve_forever(poll_interval=_POLL_SECONDS)

    def _tick_until_stopped(self) -> None:
        while not self._gate.stopping.wait(self._timing.tick_seconds):
            self.tick()

    def _is_healthy(self) -> bool:
        """A controller that died of a bug must show: `/readyz` turns red."""
        return all(thread.is_alive() for thread in self._threads)
