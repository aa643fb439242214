"""The alerts of the benches, as Alertmanager sends them, and the source that may send them."""

import hashlib
from datetime import UTC, datetime
from typing import Any

TOKEN = "bench"  # noqa: S105 - of this run only
ALERTS_TOKEN = f"{TOKEN}-alerts"


def digest(token: str) -> str:
    """A token, as the policy file knows it."""
    return hashlib.sha256(token.encode()).hexdigest()


def source() -> str:
    """The one cluster and the one source of a bench's policy, as TOML."""
    return f"""
clusters = ["default"]
[[sources]]
name = "bench"
kind = "alertmanager"
cluster = "default"
token_sha256 = ["{digest(ALERTS_TOKEN)}"]
"""


def notification(namespace: str) -> dict[str, Any]:
    """One alert about the namespace's deployment."""
    labels = {
        "alertname": "KubeDeploymentRolloutStuck",
        "namespace": namespace,
        "deployment": "web",
        "severity": "warning",
    }
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": "The rollout of web is stuck."},
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": digest(namespace)[:16],
    }
    return {
        "version": "4",
        "groupKey": f"{{}}:{{{namespace}}}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "firebreak",
        "groupLabels": {},
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": [alert],
    }
