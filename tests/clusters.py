"""One suite, two clusters: the sandbox and a real control plane, behind one face.

`live` runs a test on both, `real_cluster` on the real one alone. One server of each kind serves the
whole run, and each test has a namespace of its own. Where the real one comes from is said in
CONTRIBUTING.md; without it a test is skipped loudly, and fails where `CI` is true.
"""

import os
import secrets
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar

import pytest
from kubernetes.client import ApiClient
from permissions import Permissions
from rest import Rest

from sandbox.faults import Faults
from sandbox.journal import Record
from sandbox.objects import micro_timestamp, utc_now
from sandbox.resources import RESOURCES
from sandbox.scenario import PIPELINE, connect, create_namespace
from sandbox.server import SandboxServer
from tools.controlplane.attach import Cluster, own, somebodys
from tools.controlplane.audit import AuditLog, Write
from tools.controlplane.binaries import Binaries, MissingError, find_binaries, find_kubectl
from tools.controlplane.build import folder_of
from tools.controlplane.files import ACTOR, ADMIN, READER, node, write_kubeconfig
from tools.controlplane.owned import control_plane
from tools.controlplane.paths import place_of
from tools.controlplane.proxy import FaultProxy

__all__ = ["Live", "Write"]

T = TypeVar("T")
L = TypeVar("L", bound="Live")
Role = Literal["actor", "reader", "admin"]
USERS: Mapping[str, str] = {"actor": ACTOR, "reader": READER, "admin": ADMIN}
KUBECONFIG = "FIREBREAK_TEST_KUBECONFIG"
WAIT_SECONDS = 20.0
KUBECTL_SECONDS_MAX = 60
OURS = "firebreak/"
_POLL_SECONDS = 0.05
_WRITES = {"create", "update", "patch", "delete", "deletecollection"}


class Live(ABC):
    """A cluster, as a test sees it: `namespace` is the test's own, and `kubeconfig` may do all.

    `rest` (JSON) and `api` (the client library) are the pipeline that creates workloads, as a team
    would; they may do all, too. `faults` hit what goes through the kubeconfigs of `kubeconfig_as`.
    """

    name: Literal["sandbox", "real"]
    kubeconfig: Path
    faults: Faults

    def __init__(self, folder: Path, kubeconfig: Path) -> None:
        self.namespace = f"t-{secrets.token_hex(4)}"
        self.kubeconfig = kubeconfig
        self.api: ApiClient = connect(kubeconfig)
        self.rest = Rest(kubeconfig, self.namespace, PIPELINE)
        self._folder = folder
        self._nodes: list[str] = []
        create_namespace(self.api, self.namespace)

    @abstractmethod
    def kubeconfig_as(self, role: Role) -> Path:
        """The kubeconfig of a service account of deploy/rbac, bound in the test's namespace."""

    def rest_as(self, role: Role, user_agent: str) -> Rest:
        """JSON calls of that account; whoever asks for it closes it."""
        return Rest(self.kubeconfig_as(role), self.namespace, user_agent)

    @abstractmethod
    def writes(self, user_agent_prefix: str = OURS) -> list[Write]:
        """The writes of the test's namespace, and of what is in none, oldest first."""

    @abstractmethod
    def clean_up(self) -> None:
        """Leave nothing behind that would slow the next test down."""

    def wait(self, condition: Callable[[], T], seconds: float = WAIT_SECONDS) -> T:
        """What the condition gives, once it is true; fails with what it gave last."""
        deadline = time.monotonic() + seconds
        found = condition()
        while not found:
            if time.monotonic() > deadline:
                pytest.fail(f"not so after {seconds:g} s; last seen: {found!r}")
            threading.Event().wait(_POLL_SECONDS)
            found = condition()
        return found

    def add_node(self) -> str:
        """The name of a ready node that nobody else uses; it goes with the test."""
        name = f"{self.namespace}-node-{len(self._nodes) + 1}"
        self.rest.create(node(name))
        self._nodes.append(name)
        self.wait(lambda: self._is_ready(name))
        return name

    def kubectl(self, *arguments: str, role: Role = "admin") -> "subprocess.CompletedProcess[str]":
        """Run the real kubectl in the test's namespace; its code is the caller's to judge."""
        config = self.kubeconfig if role == "admin" else self.kubeconfig_as(role)
        settings = ["--kubeconfig", str(config), "--namespace", self.namespace]
        return run_kubectl(*settings, *arguments)

    def _is_ready(self, name: str) -> bool:
        conditions = self.rest.read("Node", name).get("status", {}).get("conditions", [])
        return any(it["type"] == "Ready" and it["status"] == "True" for it in conditions)

    def _end(self) -> None:
        with ExitStack() as last:
            last.callback(self.api.close)
            last.callback(self.rest.close)
            last.callback(self.clean_up)
            self.faults.clear()
            for name in self._nodes:
                self.rest.delete("Node", name)


class SandboxLive(Live):
    """The sandbox; its tokens may do all, whoever they stand for."""

    name = "sandbox"

    def __init__(self, server: SandboxServer, folder: Path) -> None:
        self._server = server
        self._began = micro_timestamp(utc_now())
        self.faults = server.faults
        super().__init__(folder, server.write_kubeconfig(folder / "admin", user=ADMIN))

    def kubeconfig_as(self, role: Role) -> Path:
        """Another user's token."""
        return self._server.write_kubeconfig(self._folder / role, user=USERS[role])

    def writes(self, user_agent_prefix: str = OURS) -> list[Write]:
        """From the journal."""
        found = [
            _write_of(record)
            for record in self._server.requests()
            if record.verb in _WRITES
            and record.at >= self._began
            and record.user_agent.startswith(user_agent_prefix)
        ]
        return [write for write in found if write.namespace in {"", self.namespace}]

    def clean_up(self) -> None:
        """Forget what is in the namespace, at once and without a controller seeing it."""
        store = self._server.store
        with store.lock:
            for resource in RESOURCES:
                for obj in store.list(resource, self.namespace) if resource.namespaced else ():
                    name = obj["metadata"]["name"]
                    if store.find(resource, self.namespace, name) is not None:
                        store.remove(resource, self.namespace, name)


class RealLive(Live):
    """A real control plane, whose audit log is read and in front of which faults are made."""

    name = "real"

    def __init__(self, server: "RealServer", folder: Path) -> None:
        self._server = server
        self._mark = server.audit.position() if server.audit else 0
        self._bound = False
        self.faults = server.proxy.faults
        super().__init__(folder, server.cluster.kubeconfig)

    def kubeconfig_as(self, role: Role) -> Path:
        """Through the proxy, with exactly the rights of deploy/rbac."""
        endpoint = self._server.cluster.endpoint
        address = (self._server.proxy.url, endpoint.ca if endpoint else "")
        token = endpoint.tokens[USERS[role]] if endpoint else ""
        if endpoint and role != "admin" and not self._bound:
            self._server.permissions.grant(self.rest, self._kubectl_as_admin)
            self._bound = True
        return write_kubeconfig(self._folder / role, address, (USERS[role], token))

    def _kubectl_as_admin(self, *arguments: str) -> None:
        done = run_kubectl("--kubeconfig", str(self.kubeconfig), *arguments)
        if done.returncode != 0:
            pytest.fail(f"kubectl {' '.join(arguments)}: {done.stderr}")

    def writes(self, user_agent_prefix: str = OURS) -> list[Write]:
        """From the audit log."""
        if self._server.audit is None:
            pytest.skip(f"the cluster of {KUBECONFIG} shows no audit log; unset it for this test")
        return [
            write
            for write in self._server.audit.writes(self._mark)
            if write.user_agent.startswith(user_agent_prefix)
            and write.namespace in {"", self.namespace}
        ]

    def clean_up(self) -> None:
        """The namespace is deleted, which goes on behind the next test's back."""
        self.rest.delete("Namespace", self.namespace)


def _write_of(record: Record) -> Write:
    place = place_of(record.path)
    return Write(
        verb=record.verb,
        resource=place.resource,
        subresource=place.subresource,
        namespace=place.namespace,
        name=place.name or _name_in(record.body),
        code=record.status,
        dry_run=bool(record.dry_run),
        effective=record.effective,
        user_agent=record.user_agent,
        user=record.user,
    )


def _name_in(body: Any) -> str:
    metadata = body.get("metadata") if isinstance(body, dict) else None
    return str(metadata.get("name") or "") if isinstance(metadata, dict) else ""


class RealServer:
    """The one real control plane of a run; `audit` is None where somebody's cluster has none."""

    def __init__(self, cluster: Cluster, proxy: FaultProxy) -> None:
        self.cluster = cluster
        self.proxy = proxy
        self.permissions = Permissions()
        endpoint = cluster.endpoint
        self.audit = AuditLog(Path(endpoint.audit_log)) if endpoint else None


@contextmanager
def real_server_of(environ: Mapping[str, str]) -> Iterator[RealServer]:
    """The cluster that the environment names, or a control plane of our own."""
    if environ.get(KUBECONFIG):
        with _proxied(somebodys(Path(environ[KUBECONFIG]), kubectl_or_absent(environ))) as server:
            yield server
        return
    binaries_or_absent(environ)
    with control_plane() as endpoint, _proxied(own(endpoint)) as server:
        yield server


@contextmanager
def _proxied(cluster: Cluster) -> Iterator[RealServer]:
    endpoint = cluster.endpoint
    certificate = (endpoint.ca, endpoint.key) if endpoint else None
    with FaultProxy(cluster.upstream, certificate) as proxy:
        yield RealServer(cluster, proxy)


def binaries_or_absent(environ: Mapping[str, str]) -> Binaries:
    """The programs; without them the test is skipped, or fails where `CI` is true."""
    try:
        return find_binaries(environ, folder_of(environ))
    except MissingError as err:
        absent(environ, str(err))


def kubectl_or_absent(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The command line of kubectl, which somebody's cluster needs, too."""
    try:
        return find_kubectl(environ, folder_of(environ))
    except MissingError as err:
        absent(environ, str(err))


def absent(environ: Mapping[str, str], why: str) -> NoReturn:
    """A loud skip on a laptop; in CI nothing may be left out in silence."""
    if environ.get("CI", "").lower() == "true":
        pytest.fail(f"no real control plane: {why}")
    pytest.skip(f"no real control plane: {why}")


def run_kubectl(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the kubectl of the server's version, bounded in time."""
    command = [*kubectl_or_absent(os.environ), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=KUBECTL_SECONDS_MAX, check=False
    )


@pytest.fixture(scope="session", name="real_server")
def real_server_fixture() -> Iterator[RealServer]:
    """A real control plane, once a run."""
    with real_server_of(os.environ) as server:
        yield server


@pytest.fixture(scope="session", name="sandbox_server")
def sandbox_server_fixture() -> Iterator[SandboxServer]:
    """A sandbox, once a run; kubectl sends no token over plain HTTP and is the administrator."""
    tokens = {secrets.token_urlsafe(): user for user in (ADMIN, ACTOR, READER)}
    with SandboxServer(tokens=tokens, anonymous_user=ADMIN) as server:
        yield server


@pytest.fixture(name="live", params=["sandbox", "real"])
def live_fixture(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Live]:
    """Each of the two clusters, with a namespace for this test."""
    if request.param == "real":
        server = request.getfixturevalue("real_server")
        yield from lived(RealLive(server, tmp_path))
    else:
        sandbox = request.getfixturevalue("sandbox_server")
        yield from lived(SandboxLive(sandbox, tmp_path))


@pytest.fixture(name="real_cluster")
def real_cluster_fixture(real_server: RealServer, tmp_path: Path) -> Iterator[Live]:
    """The real control plane alone."""
    yield from lived(RealLive(real_server, tmp_path))


def lived(live: L) -> Iterator[L]:
    """The cluster for one test, tidied up after it."""
    try:
        yield live
    finally:
        live._end()
