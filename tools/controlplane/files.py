"""The files that a control plane is started with: tokens, kubeconfigs, audit policy, CRDs.

They are written for one run and for loopback. Tokens are made anew for every run and are readable
by their owner alone.
"""

import json
import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tools.controlplane.binaries import MissingError

Json = dict[str, Any]

TOKEN_BYTES = 24
KEY_SECONDS_MAX = 60
MASTERS = "system:masters"
ADMIN = "admin"
READER = "system:serviceaccount:firebreak:reader"
ACTOR = "system:serviceaccount:firebreak:actor"
PERSON = "ana@example.com"
CONTROLLERS, SCHEDULER, KUBELETS = (
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "system:kwok",
)
COMPONENTS = (CONTROLLERS, SCHEDULER, KUBELETS)
_ACCOUNTS = ("system:serviceaccounts", "system:serviceaccounts:firebreak")
GROUPS: Mapping[str, tuple[str, ...]] = {
    ADMIN: (MASTERS,),
    **dict.fromkeys(COMPONENTS, (MASTERS,)),
    READER: _ACCOUNTS,
    ACTOR: _ACCOUNTS,
    PERSON: ("people",),
}
CURRENT_LOG = """\
2026-11-21T01:00:00.000000000Z stdout F starting
2026-11-21T01:00:00.100000000Z stdout F listening on :8080
"""
PREVIOUS_LOG = """\
2026-11-21T00:59:00.000000000Z stdout F starting
2026-11-21T00:59:00.100000000Z stderr F KeyError: 'SIGNING_KEY'
"""


class Endpoint(NamedTuple):
    """Where a running control plane is, and how one talks to it.

    `tokens` are by user; `ca` is the file that its certificate is checked with, `key` belongs to
    that certificate; `kubectl` is a command line.
    """

    url: str
    ca: str
    key: str
    tokens: Mapping[str, str]
    audit_log: str
    kubeconfig: str
    kubectl: tuple[str, ...]
    pids: Mapping[str, int]


def write_private(path: Path, text: str) -> Path:
    """Write a file that only its owner reads."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return path


def new_tokens() -> dict[str, str]:
    """A fresh token for everybody."""
    return {user: secrets.token_urlsafe(TOKEN_BYTES) for user in GROUPS}


def write_tokens(path: Path, tokens: Mapping[str, str]) -> Path:
    """The apiserver's token file; a user's name is its uid, too."""
    rows = [f'{token},{user},{user},"{",".join(GROUPS[user])}"\n' for user, token in tokens.items()]
    return write_private(path, "".join(rows))


def write_kubeconfig(path: Path, server: tuple[str, str], who: tuple[str, str]) -> Path:
    """A kubeconfig of mode 0600, as JSON, which is YAML too; `server` is (url, CA file)."""
    (url, ca), (user, token) = server, who
    cluster: Json = {"server": url} | ({"certificate-authority": ca} if ca else {})
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "firebreak",
        "clusters": [{"name": "firebreak", "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token} if token else {}}],
        "contexts": [{"name": "firebreak", "context": {"cluster": "firebreak", "user": user}}],
    }
    return write_private(path, json.dumps(document, indent=2) + "\n")


def write_signing_key(path: Path) -> Path:
    """The key of service account tokens; the apiserver does not start without one.

    Raises:
        MissingError: there is no openssl.

    """
    command = ["openssl", "genrsa", "-out", str(path), "2048"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=KEY_SECONDS_MAX)
    except FileNotFoundError as err:
        raise MissingError("openssl is not on PATH; install it") from err
    path.chmod(0o600)
    return path


def audit_policy() -> str:
    """What the audit log holds: every write whole, so that one without effect can be told.

    The components' writes are there because a write is told from a no-op by its place among all
    writes of its object. Leases and the components' events would drown it.
    """
    noise = [
        {"group": "coordination.k8s.io", "resources": ["leases"]},
        {"group": "", "resources": ["events"]},
        {"group": "events.k8s.io", "resources": ["events"]},
    ]
    inside = {"group": "", "resources": ["pods/exec", "pods/attach", "pods/portforward"]}
    rules: list[Json] = [
        {"level": "None", "users": ["system:apiserver"]},
        {"level": "None", "users": [*COMPONENTS], "resources": noise},
        {"level": "Metadata", "resources": [inside]},
        # What the actor reads on its way to a write is what the bench repeats as its floor.
        {"level": "Metadata", "users": [ACTOR], "verbs": ["get", "list"]},
        {"level": "None", "verbs": ["get", "list", "watch"]},
        {"level": "None", "nonResourceURLs": ["*"]},
        {"level": "RequestResponse"},
    ]
    policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules}
    return json.dumps(policy | {"omitManagedFields": True})


def resource_definitions() -> list[Json]:
    """Metrics for a real autoscaler, and KEDA's objects, as plain custom resources."""
    return [
        _definition("metrics.k8s.io/v1beta1", "pods", "PodMetrics", "Namespaced"),
        _definition("metrics.k8s.io/v1beta1", "nodes", "NodeMetrics", "Cluster"),
        _definition("keda.sh/v1alpha1", "scaledobjects", "ScaledObject", "Namespaced"),
    ]


def _definition(api_version: str, plural: str, kind: str, scope: str) -> Json:
    group, _, version = api_version.partition("/")
    names = {"plural": plural, "kind": kind, "listKind": f"{kind}List", "singular": kind.lower()}
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {"name": version, "served": True, "storage": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, test only"},
        },
        "spec": {
            "group": group,
            "names": names,
            "scope": scope,
            "versions": [served | {"schema": {"openAPIV3Schema": anything}}],
        },
    }


def node(name: str) -> Json:
    """A node with room for the pods of many tests; kwok reports its state."""
    room = {"cpu": "32", "memory": "256Gi", "pods": "110"}
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "type": "kwok"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"allocatable": room, "capacity": room},
    }
