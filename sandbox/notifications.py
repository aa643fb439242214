"""The Alertmanager notifications of a scenario, as pure functions of pods and times.

They have the shape of webhook version 4 and the labels of the rules that kube-prometheus ships,
so that what reads them in the demo reads production too. Nothing is sent from here.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from contracts.alert import fingerprint_of
from sandbox.objects import Object, items_at, name_of, namespace_of, text_at, timestamp, uid_of
from sandbox.scenario_file import AlertRule, Scenario, failed_job_of, seed

RECEIVER = "firebreak"
_OPEN_END = "0001-01-01T00:00:00Z"
_ALERTMANAGER, _PROMETHEUS = "http://alertmanager.example", "http://prometheus.example"
# `instance` and `job` are those of the exporter: a reader must not take them for the pod.
_EXPORTER = {
    "instance": "10.244.0.9:8443",
    "job": "kube-state-metrics",
    "prometheus": "monitoring/k8s",
}
_LABEL = re.compile(r"\{\{\s*\$labels\.(\w+)\s*\}\}")


def firing_notifications(
    pods: list[Object], started_at: datetime, scenario: Scenario | None = None
) -> list[Object]:
    """Webhook bodies, one for each alert of the scenario; `pods` are those that are sick."""
    return [_body(*alert, started_at) for alert in _alerts(scenario or seed(), pods)]


def resolved_notifications(
    pods: list[Object], started_at: datetime, ended_at: datetime
) -> list[Object]:
    """The same alerts of the seed story, resolved."""
    return [resolved(body, ended_at) for body in firing_notifications(pods, started_at)]


def resolved(body: Object, ended_at: datetime) -> Object:
    """The same notification, of the moment when all its alerts have ended."""
    ended = {"status": "resolved", "endsAt": timestamp(ended_at)}
    return body | {"status": "resolved", "alerts": [alert | ended for alert in body["alerts"]]}


def _alerts(
    scenario: Scenario, pods: list[Object]
) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """(labels, annotations) of the alerts, in the order of the file."""
    for rule in scenario.alerts:
        for about in _subjects(rule, scenario, pods):
            named = {"alertname": rule.name, "severity": rule.severity}
            labels = named | about | rule.labels
            notes = {key: _filled(text, labels) for key, text in rule.annotations.items()}
            yield labels, notes


def _subjects(rule: AlertRule, scenario: Scenario, pods: list[Object]) -> list[dict[str, str]]:
    """The labels of what the alert is about, once for each time it fires."""
    where = scenario.workload
    if rule.per == "service":
        return [{"namespace": where.namespace, "service": where.name}]
    if rule.per == "pod":
        return [_EXPORTER | _pod_labels(pod) for pod in pods]
    if rule.per == "node":
        return [_EXPORTER | {"node": text_at(pods[0], "spec", "nodeName")}]
    names = {
        "deployment": {"deployment": where.name},
        "autoscaler": {"horizontalpodautoscaler": where.name},
        "job": {"job_name": failed_job_of(scenario)},
    }
    return [_EXPORTER | {"namespace": where.namespace} | names[rule.per]]


def _pod_labels(pod: Object) -> dict[str, str]:
    labels = {
        "container": text_at(items_at(pod, "spec", "containers")[0], "name"),
        "namespace": namespace_of(pod),
        "pod": name_of(pod),
        "uid": uid_of(pod),
    }
    reason = _waiting_reason(pod)
    return labels | ({"reason": reason} if reason else {})


def _waiting_reason(pod: Object) -> str:
    """What a rule over a few minutes sees of a container that flaps between running and waiting."""
    for status in items_at(pod, "status", "containerStatuses"):
        if text_at(status, "lastState", "terminated", "reason"):
            return "CrashLoopBackOff"
        if reason := text_at(status, "state", "waiting", "reason"):
            return reason
    return ""


def _filled(text: str, labels: dict[str, str]) -> str:
    return _LABEL.sub(lambda found: labels.get(found[1], ""), text)


def _body(labels: dict[str, str], annotations: dict[str, str], started_at: datetime) -> Object:
    by = ("alertname", "namespace", "deployment", "pod", "job_name", "node")
    group = {key: labels[key] for key in by if key in labels}
    grouped = ", ".join(f'{key}="{value}"' for key, value in group.items())
    entry = {
        "status": "firing",
        "labels": labels,
        "annotations": annotations,
        "startsAt": timestamp(started_at),
        "endsAt": _OPEN_END,
        "generatorURL": f"{_PROMETHEUS}/graph?g0.expr={labels['alertname']}&g0.tab=1",
        "fingerprint": fingerprint_of(labels),
    }
    return {
        "version": "4",
        "groupKey": f"{{}}:{{{grouped}}}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": RECEIVER,
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": _ALERTMANAGER,
        "alerts": [entry],
    }
