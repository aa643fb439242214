"""The Alertmanager notifications of the seed story, as pure functions of pods and times.

They have the shape of webhook version 4 and the labels of the rules that kube-prometheus ships,
so that what reads them in the demo reads production too. Nothing is sent from here.
"""

from datetime import datetime

from contracts.alert import fingerprint_of
from sandbox.objects import Object, items_at, name_of, namespace_of, text_at, timestamp, uid_of

SERVICE_ALERT = "HighUserAuthLatency"
POD_ALERT = "KubePodCrashLooping"
RECEIVER = "firebreak"
_OPEN_END = "0001-01-01T00:00:00Z"
_ALERTMANAGER, _PROMETHEUS = "http://alertmanager.example", "http://prometheus.example"


def firing_notifications(pods: list[Object], started_at: datetime) -> list[Object]:
    """Webhook bodies: one for the service, then one for each crash-looping pod."""
    return [_body(alert, started_at, None) for alert in _alerts(pods)]


def resolved_notifications(
    pods: list[Object], started_at: datetime, ended_at: datetime
) -> list[Object]:
    """The same alerts, resolved."""
    return [_body(alert, started_at, ended_at) for alert in _alerts(pods)]


def _alerts(pods: list[Object]) -> list[tuple[dict[str, str], dict[str, str]]]:
    """(labels, annotations) of the alerts of the story."""
    return [(_service_labels(), _service_annotations())] + [
        (_pod_labels(pod), _pod_annotations(pod)) for pod in pods
    ]


def _service_labels() -> dict[str, str]:
    return {
        "alertname": SERVICE_ALERT,
        "namespace": "shop",
        "service": "user-auth",
        "severity": "critical",
    }


def _service_annotations() -> dict[str, str]:
    return {
        "summary": "Logins are slow.",
        "description": "The 99th percentile of user-auth latency is above 500 ms.",
    }


def _pod_labels(pod: Object) -> dict[str, str]:
    """`instance` and `job` are those of the exporter: a reader must not take them for the pod."""
    return {
        "alertname": POD_ALERT,
        "container": text_at(items_at(pod, "spec", "containers")[0], "name"),
        "instance": "10.244.0.9:8443",
        "job": "kube-state-metrics",
        "namespace": namespace_of(pod),
        "pod": name_of(pod),
        "prometheus": "monitoring/k8s",
        "reason": "CrashLoopBackOff",
        "severity": "warning",
        "uid": uid_of(pod),
    }


def _pod_annotations(pod: Object) -> dict[str, str]:
    labels = _pod_labels(pod)
    where = f"{labels['namespace']}/{labels['pod']} ({labels['container']})"
    return {
        "summary": "Pod is crash looping.",
        "description": f'Pod {where} is in waiting state (reason: "CrashLoopBackOff").',
        "runbook_url": "https://runbooks.prometheus-operator.dev/runbooks/kubernetes/kubepodcrashlooping",
    }


def _body(
    alert: tuple[dict[str, str], dict[str, str]], started_at: datetime, ended_at: datetime | None
) -> Object:
    labels, annotations = alert
    group = {key: labels[key] for key in ("alertname", "namespace", "pod") if key in labels}
    grouped = ", ".join(f'{key}="{value}"' for key, value in group.items())
    status = "resolved" if ended_at else "firing"
    entry = {
        "status": status,
        "labels": labels,
        "annotations": annotations,
        "startsAt": timestamp(started_at),
        "endsAt": timestamp(ended_at) if ended_at else _OPEN_END,
        "generatorURL": f"{_PROMETHEUS}/graph?g0.expr={labels['alertname']}&g0.tab=1",
        "fingerprint": fingerprint_of(labels),
    }
    return {
        "version": "4",
        "groupKey": f"{{}}:{{{grouped}}}",
        "truncatedAlerts": 0,
        "status": status,
        "receiver": RECEIVER,
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": _ALERTMANAGER,
        "alerts": [entry],
    }
