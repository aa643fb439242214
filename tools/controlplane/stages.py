"""What kwok does in the place of a kubelet: nodes that are ready, pods that live or fail.

A fault is named by the label or annotation `sandbox.firebreak/fault` of the pod template, with the
words of the sandbox, and shows the states that a kubelet would report. Nothing here decides which
pod is where: that is the real scheduler's.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FAULT = "sandbox.firebreak/fault"
READY_SECONDS = "sandbox.firebreak/ready-seconds"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
UNTIL_RESTARTED = "crash-loop-until-restarted"
NODE_NOT_READY = "not-ready"

_FAULT = f'(.metadata.labels["{FAULT}"] // .metadata.annotations["{FAULT}"] // "")'
_RESTARTED = f'.metadata.annotations["{RESTARTED_AT}"]'
# Bad state of the pods that were there is over for the pods of a template that was restarted.
_POD_FAULT = f'(if {_RESTARTED} and {_FAULT} == "{UNTIL_RESTARTED}" then "" else {_FAULT} end)'
_READY = '.status.conditions.[] | select( .type == "Ready" ) | .status'
_WAITING = ".status.containerStatuses.[0].state.waiting.reason"

_TERMINATE_MILLISECONDS = 200
_COMPLETE_MILLISECONDS = 500
_CRASH_AGAIN_MILLISECONDS = 10_000
_HEARTBEAT_MILLISECONDS = 600_000

_START = """
{{ $now := Now }}
{{ $root := . }}
startTime: {{ or .status.startTime $now | Quote }}
{{ with NodeIPsWith .spec.nodeName }}
hostIP: {{ index . 0 | Quote }}
hostIPs:
{{ range . }}
- ip: {{ . | Quote }}
{{ end }}
{{ end }}
{{ if not .status.podIP }}
{{ with PodIPsWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace }}
podIP: {{ index . 0 | Quote }}
podIPs:
{{ range . }}
- ip: {{ . | Quote }}
{{ end }}
{{ end }}
{{ end }}
initContainerStatuses:
{{ range .spec.initContainers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  restartCount: 0
  state:
    terminated:
      exitCode: 0
      reason: Completed
      startedAt: {{ $now | Quote }}
      finishedAt: {{ $now | Quote }}
{{ end }}
"""
# The fault hits the first container; side-cars go on running, as they do in real life.
_CONTAINERS = """
containerStatuses:
{{ range $index, $item := .spec.containers }}
{{ $restarts := 0 }}
{{ range $root.status.containerStatuses }}
{{ if eq .name $item.name }}{{ $restarts = .restartCount }}{{ end }}
{{ end }}
- name: {{ $item.name | Quote }}
  image: {{ $item.image | Quote }}
  imageID: ""
{{ if eq $index 0 }}
FIRST
{{ else }}
  ready: true
  started: true
  restartCount: 0
  state:
    running:
      startedAt: {{ $now | Quote }}
{{ end }}
{{ end }}
"""
_RUNNING = """
  ready: READY
  started: true
  restartCount: {{ $restarts }}
  state:
    running:
      startedAt: {{ $now | Quote }}
"""
_CRASHED = """
  ready: false
  started: false
  restartCount: {{ add1 $restarts }}
  state:
    waiting:
      reason: CrashLoopBackOff
      message: "back-off 10s restarting failed container={{ $item.name }}"
  lastState:
    terminated:
      exitCode: CODE
      reason: REASON
      startedAt: {{ $now | Quote }}
      finishedAt: {{ $now | Quote }}
"""
_NEVER_RAN = """
  ready: false
  started: false
  restartCount: 0
  state:
    waiting:
      reason: REASON
      message: MESSAGE
"""
_KILLED_BY_PROBE = """
  ready: false
  started: true
  restartCount: {{ add1 $restarts }}
  state:
    running:
      startedAt: {{ $now | Quote }}
  lastState:
    terminated:
      exitCode: 137
      reason: Error
      startedAt: {{ $now | Quote }}
      finishedAt: {{ $now | Quote }}
"""
_ENDED = """
  ready: false
  started: false
  restartCount: 0
  state:
    terminated:
      exitCode: CODE
      reason: REASON
      startedAt: {{ $now | Quote }}
      finishedAt: {{ $now | Quote }}
"""
_NODE = """
{{ $now := Now }}
{{ $root := . }}
phase: Running
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: READY
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
addresses:
- type: InternalIP
  address: {{ NodeIP | Quote }}
- type: Hostname
  address: {{ NodeName | Quote }}
daemonEndpoints:
  kubeletEndpoint:
    Port: {{ NodePort }}
"""
_SICK = '{{ if eq .type "Ready" }}"False"{{ else }}{{ .status | Quote }}{{ end }}'


def stages() -> list[Json]:
    """Every stage, each a document for kwok."""
    return [*_nodes(), *_healthy(), *_faulty()]


def logs(current: Path, previous: Path) -> Json:
    """What `kubectl logs` prints of every container; both files are in CRI format."""
    files = {"logsFile": str(current), "previousLogsFile": str(previous)}
    spec = {"logs": [files]}
    return _document("ClusterLogs", "every-container", spec)


def config(current: Path, previous: Path) -> str:
    """The configuration file of kwok."""
    documents = [*stages(), logs(current, previous)]
    return "".join(f"---\n{json.dumps(document)}\n" for document in documents)


def _nodes() -> list[Json]:
    sick = _has(_FAULT, NODE_NOT_READY)
    well = _lacks(_FAULT, NODE_NOT_READY)
    up = _NODE.replace("READY", "{{ .status | Quote }}")
    down = _NODE.replace("READY", _SICK)
    return [
        _stage("node-initialize", "Node", [well, _lacks(_READY, "True")], _next(up)),
        _stage("node-not-ready", "Node", [sick, _lacks(_READY, "False")], _next(down)),
        _stage(
            "node-heartbeat",
            "Node",
            [well, _has(_READY, "True")],
            _next(up),
            _HEARTBEAT_MILLISECONDS,
        ),
    ]


def _healthy() -> list[Json]:
    well = _has(_POD_FAULT, "")
    pending, runs = _has(".status.phase", "Pending"), _has(".status.phase", "Running")
    ends = _has(".spec.restartPolicy", "Never", "OnFailure")
    ready = _stage(
        "pod-ready",
        "Pod",
        [_present(), pending, well],
        _next(_pod("Running", _RUNNING.replace("READY", "true"), ready=True)),
    )
    ready["spec"]["delay"] = {
        "durationMilliseconds": 0,
        "durationFrom": {
            "expressionFrom": f'(.metadata.annotations["{READY_SECONDS}"] // "0") + "s"'
        },
    }
    done = _pod("Succeeded", _ended(0, "Completed"), ready=False)
    gone = {"key": ".metadata.deletionTimestamp", "operator": "Exists"}
    return [
        ready,
        _stage(
            "pod-complete",
            "Pod",
            [_present(), runs, ends, well],
            _next(done),
            _COMPLETE_MILLISECONDS,
        ),
        _stage("pod-delete", "Pod", [gone], {"delete": True}, _TERMINATE_MILLISECONDS),
    ]


def _faulty() -> list[Json]:
    probe = "probe failed: HTTP probe failed with statuscode:"
    return [
        *_crashing("crash-loop", 1, "Error", "crash-loop", UNTIL_RESTARTED),
        *_crashing("oom", 137, "OOMKilled", "oom"),
        _waiting("wrong-image", "ImagePullBackOff", "Failed", "Failed to pull image: not found"),
        _waiting(
            "config",
            "CreateContainerConfigError",
            "Failed",
            'Error: configmap "settings" not found',
        ),
        _unready("never-ready", _RUNNING.replace("READY", "false"), f"Readiness {probe} 503"),
        _unready("probe", _KILLED_BY_PROBE, f"Liveness {probe} 500"),
    ]


def _crashing(name: str, code: int, reason: str, *faults: str) -> list[Json]:
    """The first crash, those that follow, and the end of a pod that is never restarted."""
    sick, never = _has(_POD_FAULT, *faults), ".spec.restartPolicy"
    first = _CRASHED.replace("CODE", str(code)).replace("REASON", reason)
    crash = _next(_pod("Running", first, ready=False))
    crash["event"] = _warning("BackOff", "Back-off restarting failed container")
    restarted, once = _lacks(never, "Never"), _has(never, "Never")
    backs_off = _has(_WAITING, "CrashLoopBackOff")
    failed = _next(_pod("Failed", _ended(code, reason), ready=False))
    pending = _has(".status.phase", "Pending")
    return [
        _stage(f"pod-{name}", "Pod", [_present(), sick, restarted, pending], crash),
        _stage(
            f"pod-{name}-again",
            "Pod",
            [_present(), sick, restarted, backs_off],
            crash,
            _CRASH_AGAIN_MILLISECONDS,
        ),
        _stage(f"pod-{name}-once", "Pod", [_present(), sick, once, pending], failed),
    ]


def _waiting(fault: str, reason: str, event: str, message: str) -> Json:
    first = _NEVER_RAN.replace("REASON", reason).replace("MESSAGE", json.dumps(message))
    then = _next(_pod("Pending", first, ready=False))
    then["event"] = _warning(event, message)
    asked = [_present(), _has(_POD_FAULT, fault), _lacks(_WAITING, reason)]
    return _stage(f"pod-{fault}", "Pod", asked, then)


def _unready(fault: str, first: str, message: str) -> Json:
    then = _next(_pod("Running", first, ready=False))
    then["event"] = _warning("Unhealthy", message)
    pending = _has(".status.phase", "Pending")
    return _stage(f"pod-{fault}", "Pod", [_present(), _has(_POD_FAULT, fault), pending], then)


def _ended(code: int, reason: str) -> str:
    return _ENDED.replace("CODE", str(code)).replace("REASON", reason)


def _pod(phase: str, first: str, *, ready: bool) -> str:
    conditions = ["conditions:"]
    for kind in ("PodReadyToStartContainers", "Initialized"):
        conditions += _condition(kind, "")
    for kind in ("ContainersReady", "Ready"):
        conditions += _condition(kind, "" if ready else "ContainersNotReady")
    containers = _CONTAINERS.replace("FIRST", first.strip("\n"))
    return "\n".join([_START, f"phase: {phase}", *conditions, containers])


def _condition(kind: str, reason: str) -> list[str]:
    status = "False" if reason else "True"
    return [
        f"- type: {kind}",
        f'  status: "{status}"',
        f'  reason: "{reason}"',
        "  lastTransitionTime: {{ $now | Quote }}",
    ]


def _next(template: str) -> Json:
    return {"statusTemplate": template}


def _warning(reason: str, message: str) -> Json:
    return {"type": "Warning", "reason": reason, "message": message}


def _present() -> Json:
    return {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"}


def _has(key: str, *values: str) -> Json:
    return {"key": key, "operator": "In", "values": [*values]}


def _lacks(key: str, *values: str) -> Json:
    return {"key": key, "operator": "NotIn", "values": [*values]}


def _stage(
    name: str, kind: str, asked: Sequence[Json], then: Json, delay_milliseconds: int = 0
) -> Json:
    spec: Json = {
        "resourceRef": {"apiGroup": "v1", "kind": kind},
        "selector": {"matchExpressions": [*asked]},
        "next": then,
    }
    if delay_milliseconds:
        spec["delay"] = {"durationMilliseconds": delay_milliseconds}
    return _document("Stage", name, spec)


def _document(kind: str, name: str, spec: Json) -> Json:
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }
