"""What the API does to a Deployment before it keeps it: defaults, then validation.

Only fields that the controllers read, or that a remediation may get wrong, are checked; the rest
of the pod spec is kept as it came. Nothing here writes.
"""

import re
from typing import Any

from sandbox.objects import Object, dig, items_at, labels_of, mapping_at
from sandbox.profile import profile_problems
from sandbox.selectors import matches
from sandbox.status import Cause, bad_value, immutable, required, unsupported

_DNS_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_DNS_MESSAGE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character"
)
_INTEGERS = ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
_NAME_MAX = 253
_PERCENT = re.compile(r"^[0-9]+%$")


def with_defaults(deployment: Object) -> Object:
    """The same object, with the defaults of apps/v1 filled in."""
    spec = deployment.setdefault("spec", {})
    for key, value in _spec_defaults().items():
        spec.setdefault(key, value)
    _default_strategy(spec["strategy"])
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    _default_pod_spec(template.setdefault("spec", {}))
    return deployment


def _spec_defaults() -> Object:
    return {
        "replicas": 1,
        "strategy": {},
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
    }


def _default_strategy(strategy: Object) -> None:
    if strategy.setdefault("type", "RollingUpdate") != "RollingUpdate":
        return
    rolling = strategy.setdefault("rollingUpdate", {})
    rolling.setdefault("maxUnavailable", "25%")
    rolling.setdefault("maxSurge", "25%")


def _default_pod_spec(spec: Object) -> None:
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    for container in [*items_at(spec, "initContainers"), *items_at(spec, "containers")]:
        _default_container(container)


def _default_container(container: Object) -> None:
    image = str(container.get("image", ""))
    tag = image.rpartition("/")[2].partition(":")[2]
    pull = "Always" if tag in {"", "latest"} and "@" not in image else "IfNotPresent"
    container.setdefault("imagePullPolicy", pull)
    container.setdefault("resources", {})
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    for port in items_at(container, "ports"):
        port.setdefault("protocol", "TCP")


def decoding_problem(deployment: Object) -> str:
    """Why this document is no Deployment at all, as Go's decoder says it, or the empty string."""
    for path, wanted in _typed_members(deployment):
        found = dig(deployment, *path)
        if found is not None and not _is_a(found, wanted):
            return (
                f"json: cannot unmarshal {_json_name(found)} into Go struct field "
                f"Deployment.{'.'.join(path)} of type {wanted}"
            )
    return ""


def _typed_members(deployment: Object) -> list[tuple[tuple[str, ...], str]]:
    """Paths and Go types that the rest of the sandbox relies on."""
    template: tuple[str, ...] = ("spec", "template")
    maps = [("metadata",), ("spec",), ("spec", "selector"), ("spec", "strategy"), template]
    maps += [(*template, "metadata"), (*template, "spec"), ("spec", "strategy", "rollingUpdate")]
    maps += [("metadata", "labels"), ("metadata", "annotations")]
    maps += [(*template, "metadata", "labels"), (*template, "metadata", "annotations")]
    maps += [("spec", "selector", "matchLabels")]
    strings = [
        (*path, key)
        for path in maps
        if path[-1] in {"labels", "annotations", "matchLabels"}
        for key in mapping_at(deployment, *path)
    ]
    typed = [(path, "map") for path in maps] + [(path, "string") for path in strings]
    typed += [(("spec", key), "int32") for key in _INTEGERS]
    return [
        *typed,
        (("spec", "paused"), "bool"),
        ((*template, "spec", "containers"), "slice"),
    ]


def _is_a(value: Any, wanted: str) -> bool:
    kinds: dict[str, type] = {"map": dict, "string": str, "slice": list, "bool": bool, "int32": int}
    if wanted == "int32" and isinstance(value, bool):
        return False
    return isinstance(value, kinds[wanted])


def _json_name(value: Any) -> str:
    kinds: dict[type, str] = {bool: "bool", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "number")


def problems(deployment: Object, current: Object | None = None) -> list[Cause]:
    """All field errors, in the order of the fields; with `current`, of an update."""
    spec = deployment["spec"]
    found = _name_problems(deployment)
    found += [
        bad_value(f"spec.{key}", str(spec[key]), "must be greater than or equal to 0")
        for key in _INTEGERS
        if spec.get(key, 0) < 0
    ]
    found += _selector_problems(spec)
    if current is not None and spec.get("selector") != current["spec"]["selector"]:
        found.append(immutable("spec.selector", str(spec.get("selector"))))
    return found + _strategy_problems(spec["strategy"]) + _template_problems(spec["template"])


def _name_problems(deployment: Object) -> list[Cause]:
    name = str(deployment["metadata"].get("name", ""))
    if not name:
        return [required("metadata.name", "name or generateName is required")]
    if len(name) > _NAME_MAX or not _DNS_NAME.match(name):
        return [bad_value("metadata.name", f'"{name}"', _DNS_MESSAGE)]
    return []


def _selector_problems(spec: Object) -> list[Cause]:
    selector = mapping_at(spec, "selector")
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        return [required("spec.selector")]
    labels = labels_of(spec["template"])
    if not matches(selector, labels):
        why = "`selector` does not match template `labels`"
        return [bad_value("spec.template.metadata.labels", str(labels), why)]
    return []


def _strategy_problems(strategy: Object) -> list[Cause]:
    field = "spec.strategy.rollingUpdate"
    kind, rolling = strategy["type"], strategy.get("rollingUpdate")
    if kind == "Recreate" and rolling is not None:
        why = "Forbidden: may not be specified when strategy `type` is 'Recreate'"
        return [Cause(field, "FieldValueForbidden", why)]
    if kind not in {"Recreate", "RollingUpdate"}:
        shown = f'"{kind}"'
        return [unsupported("spec.strategy.type", shown, "Recreate", "RollingUpdate")]
    return _rolling_problems(field, rolling) if isinstance(rolling, dict) else []


def _rolling_problems(field: str, rolling: Object) -> list[Cause]:
    found = [
        bad_value(f"{field}.{key}", f'"{value}"', "must be an integer or percentage (e.g '5%')")
        for key, value in rolling.items()
        if not _is_count(value)
    ]
    if not found and all(str(value).rstrip("%") == "0" for value in rolling.values()):
        why = "may not be 0 when `maxSurge` is 0"
        found.append(bad_value(f"{field}.maxUnavailable", str(rolling["maxUnavailable"]), why))
    return found


def _is_count(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_PERCENT.match(value))
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _template_problems(template: Object) -> list[Cause]:
    field = "spec.template.spec"
    containers = items_at(template, "spec", "containers")
    found = [] if containers else [required(f"{field}.containers")]
    names: set[str] = set()
    for index, container in enumerate(containers):
        found += _container_problems(f"{field}.containers[{index}]", container, names)
    found += profile_problems(template)
    policy = template["spec"]["restartPolicy"]
    if policy != "Always":
        found.append(unsupported(f"{field}.restartPolicy", f'"{policy}"', "Always"))
    return found


def _container_problems(field: str, container: Object, seen: set[str]) -> list[Cause]:
    found = [required(f"{field}.{key}") for key in ("name", "image") if not container.get(key)]
    name = str(container.get("name", ""))
    if name in seen:
        found.append(Cause(f"{field}.name", "FieldValueDuplicate", f'Duplicate value: "{name}"'))
    seen.add(name)
    return found
