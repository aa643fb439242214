"""Pod templates and what objects around them share: decoding, defaults, names, selectors.

Only fields that the controllers read, or that a remediation may get wrong, are checked; the rest
of the pod spec is kept as it came. Nothing here writes.
"""

import json
import re
from typing import Any

from sandbox.objects import Object, dig, items_at, labels_of, mapping_at
from sandbox.profile import profile_problems
from sandbox.selectors import matches
from sandbox.status import Cause, bad_value, required, unsupported

_DNS_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_DNS_MESSAGE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character"
)
_NAME_MAX = 253
_PERCENT = re.compile(r"^[0-9]+%$")
Path = tuple[str, ...]


def default_template(holder: Object) -> None:
    """Fill in the defaults of `template` inside a spec."""
    template = holder.setdefault("template", {})
    template.setdefault("metadata", {})
    default_pod_spec(template.setdefault("spec", {}))


def default_pod_spec(spec: Object) -> None:
    """Fill in what core/v1 adds to a pod spec."""
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


def decoding_problem(obj: Object, kind: str, integers: tuple[str, ...] = ()) -> str:
    """Why this document is none of that kind at all, as Go's decoder says it, or the empty string.

    `integers` are the members of `spec` that must be whole numbers.
    """
    for path, wanted in _typed_members(obj, integers):
        found = dig(obj, *path)
        if found is not None and not _is_a(found, wanted):
            return (
                f"json: cannot unmarshal {_json_name(found)} into Go struct field "
                f"{kind}.{'.'.join(path)} of type {wanted}"
            )
    return ""


def _typed_members(obj: Object, integers: tuple[str, ...]) -> list[tuple[Path, str]]:
    """Paths and Go types that the rest of the sandbox relies on."""
    template: Path = ("spec", "template")
    maps: list[Path] = [("metadata",), ("spec",), ("spec", "selector"), template]
    maps += [(*template, "metadata"), (*template, "spec"), ("spec", "selector", "matchLabels")]
    maps += [("spec", key) for key in ("strategy", "updateStrategy")]
    maps += [("spec", key, "rollingUpdate") for key in ("strategy", "updateStrategy")]
    for owner in (("metadata",), (*template, "metadata")):
        maps += [(*owner, "labels"), (*owner, "annotations")]
    strings = [
        (*path, key)
        for path in maps
        if path[-1] in {"labels", "annotations", "matchLabels"}
        for key in mapping_at(obj, *path)
    ]
    typed = [(path, "map") for path in maps] + [(path, "string") for path in strings]
    typed += [(("spec", key), "int32") for key in integers]
    typed += [(("spec", key), "bool") for key in ("paused", "suspend", "unschedulable")]
    return [*typed, ((*template, "spec", "containers"), "slice")]


def _is_a(value: Any, wanted: str) -> bool:
    kinds: dict[str, type] = {"map": dict, "string": str, "slice": list, "bool": bool, "int32": int}
    if wanted == "int32" and isinstance(value, bool):
        return False
    return isinstance(value, kinds[wanted])


def _json_name(value: Any) -> str:
    kinds: dict[type, str] = {bool: "bool", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "number")


def name_problems(obj: Object) -> list[Cause]:
    """A missing or impossible `metadata.name`."""
    name = str(obj["metadata"].get("name", ""))
    if not name:
        return [required("metadata.name", "name or generateName is required")]
    if len(name) > _NAME_MAX or not _DNS_NAME.match(name):
        return [bad_value("metadata.name", f'"{name}"', _DNS_MESSAGE)]
    return []


def negative_problems(spec: Object, integers: tuple[str, ...]) -> list[Cause]:
    """Counts below zero."""
    return [
        bad_value(f"spec.{key}", str(spec[key]), "must be greater than or equal to 0")
        for key in integers
        if spec.get(key, 0) < 0
    ]


def selector_problems(spec: Object) -> list[Cause]:
    """A selector that is missing, or that does not select the template."""
    selector, labels = mapping_at(spec, "selector"), labels_of(spec["template"])
    shown = json.dumps(labels or None, separators=(",", ":"))
    why = "`selector` does not match template `labels`"
    mismatch = bad_value("spec.template.metadata.labels", shown, why)
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        return [required("spec.selector"), mismatch]
    return [] if matches(selector, labels) else [mismatch]


def rolling_problems(field: str, rolling: Object) -> list[Cause]:
    """MaxSurge and maxUnavailable: counts or percentages, and not both nothing."""
    found = [
        bad_value(f"{field}.{key}", f'"{value}"', "must be an integer or percentage (e.g '5%')")
        for key, value in rolling.items()
        if not is_count(value)
    ]
    if not found and all(str(value).rstrip("%") == "0" for value in rolling.values()):
        why = "may not be 0 when `maxSurge` is 0"
        found.append(bad_value(f"{field}.maxUnavailable", str(rolling["maxUnavailable"]), why))
    return found


def is_count(value: Any) -> bool:
    """A whole number from 0 on, or a percentage."""
    if isinstance(value, str):
        return bool(_PERCENT.match(value))
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def template_problems(template: Object, field: str = "spec.template") -> list[Cause]:
    """What is wrong with the template of a workload whose pods always restart."""
    found = container_problems(template, field)
    policy = template["spec"]["restartPolicy"]
    if policy != "Always":
        found.append(unsupported(f"{field}.spec.restartPolicy", f'"{policy}"', "Always"))
    return found


def container_problems(template: Object, field: str) -> list[Cause]:
    """Missing or doubled containers, and profiles that mean nothing."""
    containers, inside = items_at(template, "spec", "containers"), f"{field}.spec.containers"
    found = [] if containers else [required(inside)]
    names: set[str] = set()
    for index, container in enumerate(containers):
        found += _one_container_problems(f"{inside}[{index}]", container, names)
    return found + profile_problems(template, field)


def _one_container_problems(field: str, container: Object, seen: set[str]) -> list[Cause]:
    found = [required(f"{field}.{key}") for key in ("name", "image") if not container.get(key)]
    name = str(container.get("name", ""))
    if name in seen:
        found.append(Cause(f"{field}.name", "FieldValueDuplicate", f'Duplicate value: "{name}"'))
    seen.add(name)
    return found
