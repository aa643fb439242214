"""What the API does to a StatefulSet or a DaemonSet before it keeps it: defaults, then validation.

They share the update strategy with its OnDelete, which a Deployment does not have. It never writes.
"""

from sandbox.objects import Object, annotations_of, mapping_at, number_at
from sandbox.status import Cause, immutable, unsupported
from sandbox.templates import (
    default_template,
    name_problems,
    negative_problems,
    rolling_problems,
    selector_problems,
    template_problems,
)

STATEFUL_INTEGERS = ("replicas", "minReadySeconds", "revisionHistoryLimit")
DAEMON_INTEGERS = ("minReadySeconds", "revisionHistoryLimit")
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_FORBIDDEN = (
    "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', "
    "'template', 'updateStrategy', 'revisionHistoryLimit', "
    "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


def stateful_problems(stateful: Object, current: Object | None = None) -> list[Cause]:
    """Fill in the defaults of a StatefulSet; its field errors, with `current` of an update."""
    spec = stateful.setdefault("spec", {})
    defaults = {"replicas": 1, "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10}
    for key, value in defaults.items():
        spec.setdefault(key, value)
    claims = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    for key in ("whenDeleted", "whenScaled"):
        claims.setdefault(key, "Retain")
    _default_strategy(spec, {"partition": 0})
    default_template(spec)
    found = name_problems(stateful) + negative_problems(spec, STATEFUL_INTEGERS)
    found += selector_problems(spec) + template_problems(spec["template"]) + _strategy(spec)
    if current is not None and _fixed(spec) != _fixed(current["spec"]):
        found.append(Cause("spec", "FieldValueForbidden", _FORBIDDEN))
    return found


def _fixed(spec: Object) -> Object:
    return {key: value for key, value in spec.items() if key not in _MUTABLE}


def daemon_problems(daemon: Object, current: Object | None = None) -> list[Cause]:
    """Fill in the defaults of a DaemonSet; its field errors, with `current` of an update.

    Each new template counts in an annotation, whatever the client sent there.
    """
    spec = daemon.setdefault("spec", {})
    spec.setdefault("revisionHistoryLimit", 10)
    _default_strategy(spec, {"maxUnavailable": 1, "maxSurge": 0})
    default_template(spec)
    found = name_problems(daemon) + negative_problems(spec, DAEMON_INTEGERS)
    found += selector_problems(spec) + template_problems(spec["template"]) + _strategy(spec)
    if current is not None and spec.get("selector") != current["spec"]["selector"]:
        found.append(immutable("spec.selector", str(spec.get("selector"))))
    _count_template(daemon, current)
    return found


def _count_template(daemon: Object, current: Object | None) -> None:
    count = 1
    if current is not None:
        count = int(annotations_of(current).get(TEMPLATE_GENERATION, "1"))
        count += daemon["spec"]["template"] != current["spec"]["template"]
    daemon["metadata"].setdefault("annotations", {})[TEMPLATE_GENERATION] = str(count)


def _default_strategy(spec: Object, rolling: Object) -> None:
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") != "RollingUpdate":
        return
    present = strategy.setdefault("rollingUpdate", {})
    for key, value in rolling.items():
        present.setdefault(key, value)


def _strategy(spec: Object) -> list[Cause]:
    strategy, field = spec["updateStrategy"], "spec.updateStrategy"
    kind, rolling = strategy["type"], mapping_at(strategy, "rollingUpdate")
    if kind not in {"RollingUpdate", "OnDelete"}:
        return [unsupported(f"{field}.type", f'"{kind}"', "RollingUpdate", "OnDelete")]
    if kind == "OnDelete" and strategy.get("rollingUpdate") is not None:
        why = 'Forbidden: only allowed for updateStrategy "RollingUpdate"'
        return [Cause(f"{field}.rollingUpdate", "FieldValueForbidden", why)]
    if "maxSurge" in rolling:
        return rolling_problems(f"{field}.rollingUpdate", rolling)
    return []


def partition_of(stateful: Object) -> int:
    """The ordinal below which pods keep the current revision."""
    return number_at(stateful, "spec", "updateStrategy", "rollingUpdate", "partition")


def is_on_delete(owner: Object) -> bool:
    """Whether a new template only reaches pods that somebody deletes."""
    return mapping_at(owner, "spec", "updateStrategy").get("type") == "OnDelete"
