"""A cluster that somebody else runs, as the tests and the proxy see it.

One that `make controlplane-up` left running is known by what lies beside its kubeconfig, and gives
everything; of any other cluster there is a kubeconfig and no more.
"""

import csv
import ssl
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kubernetes import config
from kubernetes.client import Configuration

from tools.controlplane.files import Endpoint
from tools.controlplane.proxy import Upstream

HTTPS_PORT, HTTP_PORT = 443, 80


class Cluster(NamedTuple):
    """What is known of a cluster. Without an `endpoint` there is no audit log and one user."""

    kubeconfig: Path
    upstream: Upstream
    endpoint: Endpoint | None = None


class Address(NamedTuple):
    """Where an API is, how its certificate is checked, and the headers that say who calls."""

    url: str
    context: ssl.SSLContext | None
    headers: tuple[tuple[str, str], ...]


def own(endpoint: Endpoint) -> Cluster:
    """A control plane of ours; whoever calls it brings their own token."""
    where = urlsplit(endpoint.url)
    context = ssl.create_default_context(cafile=endpoint.ca)
    upstream = Upstream(where.hostname or "", where.port or HTTPS_PORT, context)
    return Cluster(Path(endpoint.kubeconfig), upstream, endpoint)


def somebodys(kubeconfig: Path, kubectl: tuple[str, ...]) -> Cluster:
    """The cluster of that kubeconfig's current context; `kubectl` is a command line."""
    if (kubeconfig.parent / "audit.log").exists():
        return own(_left_running(kubeconfig, kubectl))
    address = address_of(kubeconfig)
    where = urlsplit(address.url)
    port = where.port or (HTTPS_PORT if address.context else HTTP_PORT)
    upstream = Upstream(where.hostname or "", port, address.context, address.headers)
    return Cluster(kubeconfig, upstream)


def address_of(kubeconfig: Path) -> Address:
    """Where and as whom the current context calls."""
    found = _loaded(kubeconfig)
    ways: Any = found.auth_settings()
    headers = tuple((way["key"], way["value"]) for way in ways.values() if way["in"] == "header")
    return Address(found.host, _context(found) if found.host.startswith("https") else None, headers)


def _left_running(kubeconfig: Path, kubectl: tuple[str, ...]) -> Endpoint:
    folder = kubeconfig.parent
    with (folder / "tokens.csv").open(newline="") as file:
        tokens = {row[1]: row[0] for row in csv.reader(file)}
    return Endpoint(
        url=_loaded(kubeconfig).host,
        ca=str(folder / "pki" / "apiserver.crt"),
        key=str(folder / "pki" / "apiserver.key"),
        tokens=tokens,
        audit_log=str(folder / "audit.log"),
        kubeconfig=str(kubeconfig),
        kubectl=kubectl,
        pids={},
    )


def _loaded(kubeconfig: Path) -> Configuration:
    found = Configuration()
    config.load_kube_config(  # type: ignore[no-untyped-call]
        config_file=str(kubeconfig), client_configuration=found
    )
    return found


def _context(found: Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=found.ssl_ca_cert)
    if found.cert_file:
        context.load_cert_chain(found.cert_file, found.key_file)
    if not found.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
