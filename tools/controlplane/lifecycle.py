"""Starts a control plane, in the order in which its parts need each other, and ends it.

Everything listens on loopback, on ports that were free, and lives in one folder. This runs in a
process of its own (`__main__`), because a component that is killed with the thread that started it
must not be started by a thread that comes and goes.
"""

import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from tools.controlplane import files, stages
from tools.controlplane.binaries import Binaries
from tools.controlplane.files import Endpoint
from tools.controlplane.processes import Component, EndedError, check, start, stop

HOST = "127.0.0.1"
NODES = ("node-1", "node-2", "node-3")
READY_SECONDS_MAX = 120.0
CALL_SECONDS_MAX = 10.0
# A socket's path is a field of fixed length in the kernel.
SOCKET_PATH_MAX = 100
_POLL_SECONDS = 0.05
_GRACE_SECONDS = 20
_RUN_CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "daemonset-controller",
    "job-controller",
    "cronjob-controller",
    "garbage-collector-controller",
    "pod-garbage-collector-controller",
    "namespace-controller",
    "disruption-controller",
    "endpointslice-controller",
    "horizontal-pod-autoscaler-controller",
    "resourcequota-controller",
    "node-lifecycle-controller",
    "taint-eviction-controller",
    "serviceaccount-controller",
)


class Site(NamedTuple):
    """One folder and the two ports of one control plane."""

    folder: Path
    port: int
    kubelet_port: int

    @property
    def ca(self) -> Path:
        """The certificate that the apiserver makes for itself, with its issuer."""
        return self.folder / "pki" / "apiserver.crt"

    @property
    def key(self) -> Path:
        """The key of that certificate."""
        return self.folder / "pki" / "apiserver.key"

    @property
    def etcd(self) -> str:
        """The address of the database: a socket in the folder."""
        return f"unix://{self.folder / 'etcd.sock'}"

    def kubeconfig(self, user: str) -> Path:
        """The kubeconfig of a component, or of the administrator."""
        name = "kubeconfig" if user == files.ADMIN else f"{user.removeprefix('system:')}.kubeconfig"
        return self.folder / name


@contextmanager
def running(binaries: Binaries, folder: Path) -> Iterator[tuple[Endpoint, list[Component]]]:
    """A control plane with ready nodes, until the block ends.

    Raises:
        MissingError: a tool that it needs is not installed.
        EndedError: a component ended while it started.
        TimeoutError: it was not ready in time.

    """
    site = _site(folder.resolve())
    tokens = files.new_tokens()
    _write(site, tokens)
    components: list[Component] = []
    try:
        for name in ("etcd", "kube-apiserver"):
            command = binaries.command(name, *_ARGUMENTS[name](site))
            components.append(start(name, command, site.folder))
        api = Api(site, tokens[files.ADMIN])
        _wait(api.is_ready, components)
        _write_kubeconfigs(site, tokens)
        for name in ("kube-controller-manager", "kube-scheduler", "kwok"):
            command = binaries.command(name, *_ARGUMENTS[name](site))
            components.append(start(name, command, site.folder))
        _furnish(api, site, components)
        yield _endpoint(site, tokens, (binaries, components)), components
    finally:
        stop(components)


def _site(folder: Path) -> Site:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if len(str(folder / "etcd.sock")) > SOCKET_PATH_MAX:
        raise EndedError(f"{folder} is too long a path for a socket; name a shorter folder")
    return Site(folder, _free_port(), _free_port())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def _write(site: Site, tokens: dict[str, str]) -> None:
    folder = site.folder
    # The certificate of an earlier run would be taken for the new one before that is made.
    for old in (site.ca, site.key):
        old.unlink(missing_ok=True)
    if not (folder / "sa.key").exists():
        files.write_signing_key(folder / "sa.key")
    files.write_tokens(folder / "tokens.csv", tokens)
    (folder / "audit-policy.yaml").write_text(files.audit_policy())
    (folder / "audit.log").write_text("")
    current, previous = folder / "current.log", folder / "previous.log"
    current.write_text(files.CURRENT_LOG)
    previous.write_text(files.PREVIOUS_LOG)
    (folder / "kwok.yaml").write_text(stages.config(current, previous))


def _write_kubeconfigs(site: Site, tokens: dict[str, str]) -> None:
    server = (f"https://{HOST}:{site.port}", str(site.ca))
    for user in (files.ADMIN, *files.COMPONENTS):
        files.write_kubeconfig(site.kubeconfig(user), server, (user, tokens[user]))


def _endpoint(
    site: Site, tokens: dict[str, str], running_with: tuple[Binaries, list[Component]]
) -> Endpoint:
    binaries, components = running_with
    return Endpoint(
        url=f"https://{HOST}:{site.port}",
        ca=str(site.ca),
        key=str(site.key),
        tokens=tokens,
        audit_log=str(site.folder / "audit.log"),
        kubeconfig=str(site.kubeconfig(files.ADMIN)),
        kubectl=binaries.commands["kubectl"],
        pids={component.name: component.process.pid for component in components},
    )


def _etcd(site: Site) -> list[str]:
    return [
        f"--data-dir={site.folder / 'etcd'}",
        "--unsafe-no-fsync",
        "--log-level=error",
        f"--listen-client-urls={site.etcd}",
        # Nobody calls this address; there is one member, and its clients use the socket.
        "--advertise-client-urls=http://127.0.0.111:0",
        f"--listen-peer-urls=http://{HOST}:0",
    ]


def _apiserver(site: Site) -> list[str]:
    folder = site.folder
    return [
        f"--etcd-servers={site.etcd}",
        f"--bind-address={HOST}",
        f"--secure-port={site.port}",
        f"--advertise-address={HOST}",
        "--endpoint-reconciler-type=none",
        f"--cert-dir={folder / 'pki'}",
        "--service-cluster-ip-range=10.0.0.0/24",
        f"--service-account-key-file={folder / 'sa.key'}",
        f"--service-account-signing-key-file={folder / 'sa.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        # Pods need no tokens, and a node is fit for pods before kwok has seen it.
        "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
        f"--audit-policy-file={folder / 'audit-policy.yaml'}",
        f"--audit-log-path={folder / 'audit.log'}",
    ]


def _controllers(site: Site) -> list[str]:
    return [
        f"--kubeconfig={site.kubeconfig(files.CONTROLLERS)}",
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        f"--service-account-private-key-file={site.folder / 'sa.key'}",
        f"--root-ca-file={site.ca}",
        f"--node-monitor-grace-period={_GRACE_SECONDS}s",
        # The defaults count a pod younger than five minutes as not ready.
        "--horizontal-pod-autoscaler-sync-period=2s",
        "--horizontal-pod-autoscaler-cpu-initialization-period=0s",
        "--horizontal-pod-autoscaler-initial-readiness-delay=0s",
        "--horizontal-pod-autoscaler-downscale-stabilization=5s",
        f"--controllers={','.join(_RUN_CONTROLLERS)}",
    ]


def _scheduler(site: Site) -> list[str]:
    config = f"--kubeconfig={site.kubeconfig(files.SCHEDULER)}"
    return [config, "--leader-elect=false", "--secure-port=0"]


def _kwok(site: Site) -> list[str]:
    return [
        f"--kubeconfig={site.kubeconfig(files.KUBELETS)}",
        "--manage-all-nodes=true",
        f"--node-lease-duration-seconds={2 * _GRACE_SECONDS}",
        f"--node-ip={HOST}",
        f"--node-port={site.kubelet_port}",
        "--cidr=10.244.0.1/16",
        f"--server-address={HOST}:{site.kubelet_port}",
        f"--tls-cert-file={site.ca}",
        f"--tls-private-key-file={site.key}",
        f"--config={site.folder / 'kwok.yaml'}",
    ]


_ARGUMENTS: dict[str, Callable[[Site], list[str]]] = {
    "etcd": _etcd,
    "kube-apiserver": _apiserver,
    "kube-controller-manager": _controllers,
    "kube-scheduler": _scheduler,
    "kwok": _kwok,
}


class Api:
    """The few calls that furnishing needs, without a client library."""

    def __init__(self, site: Site, token: str) -> None:
        self._site = site
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def is_ready(self) -> bool:
        """Whether the apiserver answers that it is ready, and has its first namespaces."""
        try:
            return (
                self.call("GET", "/readyz")[0] == HTTPStatus.OK
                and self.call("GET", "/api/v1/namespaces/default")[0] == HTTPStatus.OK
            )
        except (OSError, http.client.HTTPException):
            return False

    def call(self, method: str, path: str, body: Any = None, media: str = "") -> tuple[int, Any]:
        """The status and the decoded answer; raises OSError when there is none."""
        context = ssl.create_default_context(cafile=str(self._site.ca))
        connection = http.client.HTTPSConnection(
            HOST, self._site.port, timeout=CALL_SECONDS_MAX, context=context
        )
        headers = self._headers | ({"Content-Type": media} if media else {})
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        is_json = "json" in (answer.getheader("Content-Type") or "")
        return answer.status, json.loads(text) if is_json else text.decode()


def _furnish(api: Api, site: Site, components: list[Component]) -> None:
    """Custom resources and nodes; what an earlier run left in the folder stays."""
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for definition in files.resource_definitions():
        _create(api, definitions, definition)
    merge = "application/merge-patch+json"
    for name in NODES:
        _create(api, "/api/v1/nodes", files.node(name))
        kubelet = {"daemonEndpoints": {"kubeletEndpoint": {"Port": site.kubelet_port}}}
        api.call("PATCH", f"/api/v1/nodes/{name}/status", {"status": kubelet}, merge)
    _wait(lambda: all(map(_is_ready, api.call("GET", "/api/v1/nodes")[1]["items"])), components)
    _wait(
        lambda: api.call("GET", "/apis/metrics.k8s.io/v1beta1/pods")[0] == HTTPStatus.OK, components
    )


def _create(api: Api, path: str, body: dict[str, Any]) -> None:
    status, answer = api.call("POST", path, body)
    if status not in {HTTPStatus.CREATED, HTTPStatus.CONFLICT}:
        raise EndedError(f"POST {path}: {status} {answer}")


def _is_ready(node: dict[str, Any]) -> bool:
    conditions = node["status"].get("conditions", [])
    return any(it["type"] == "Ready" and it["status"] == "True" for it in conditions)


def _wait(done: Callable[[], bool], components: list[Component]) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while not done():
        check(components)
        if time.monotonic() > deadline:
            raise TimeoutError(f"the control plane was not ready in {READY_SECONDS_MAX:.0f} s")
        time.sleep(_POLL_SECONDS)
