"""Label and field selectors of lists, and the selector objects inside specs.

A selector that cannot be understood is a 400 and never "everything": a typo must not widen a list.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from sandbox.objects import Object, dig, items_at, labels_of, mapping_at
from sandbox.resources import Resource
from sandbox.status import ApiError, bad_request

Predicate = Callable[[Object], bool]

_NAME = r"[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?"
_VALUE = r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?"
_SET = re.compile(rf"^(?P<key>{_NAME})\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)$")
_EQUAL = re.compile(rf"^(?P<key>{_NAME})\s*(?P<op>==|=|!=)\s*(?P<value>{_VALUE})$")
_EXISTS = re.compile(rf"^(?P<not>!?)\s*(?P<key>{_NAME})$")

_FIELDS = {
    "namespaces": {"status.phase"},
    "pods": {
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
    },
    "replicasets": {"status.replicas"},
    "events": {
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    },
}


class Requirement(NamedTuple):
    """One term: `operator` is In, NotIn, Exists or DoesNotExist."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def holds(self, labels: dict[str, str]) -> bool:
        """NotIn also holds where the label is absent, as in the real matcher."""
        if self.operator in {"Exists", "DoesNotExist"}:
            return (self.key in labels) == (self.operator == "Exists")
        if self.key not in labels:
            return self.operator == "NotIn"
        return (labels[self.key] in self.values) == (self.operator == "In")


def parse_labels(selector: str) -> Predicate:
    """A predicate over objects; raises ApiError 400 for a term that does not parse."""
    asked = _split(selector) if selector.strip() else []
    terms = [_requirement(term.strip()) for term in asked]
    return lambda obj: all(term.holds(labels_of(obj)) for term in terms)


def _split(selector: str) -> list[str]:
    """Commas separate terms, except inside parentheses."""
    return re.split(r",(?![^(]*\))", selector)


def _requirement(term: str) -> Requirement:
    if found := _SET.match(term):
        values = frozenset(value.strip() for value in found["values"].split(","))
        return Requirement(found["key"], "In" if found["op"] == "in" else "NotIn", values)
    if found := _EQUAL.match(term):
        operator = "NotIn" if found["op"] == "!=" else "In"
        return Requirement(found["key"], operator, frozenset({found["value"]}))
    if found := _EXISTS.match(term):
        return Requirement(found["key"], "DoesNotExist" if found["not"] else "Exists")
    raise bad_request(f"unable to parse requirement: found '{term}', expected: a label selector")


def parse_fields(resource: Resource, selector: str) -> Predicate:
    """A predicate over objects; raises ApiError 400 for a field the real server lacks."""
    terms = [_field_term(resource, term) for term in selector.split(",") if term]
    return lambda obj: all(term(obj) for term in terms)


def _field_term(resource: Resource, term: str) -> Predicate:
    key, equal, value = _parse_field(term)
    if key not in {"metadata.name", "metadata.namespace"} | _FIELDS.get(resource.plural, set()):
        raise _unknown_field(resource, key)
    return lambda obj: (_field(obj, key) == value) == equal


def _parse_field(term: str) -> tuple[str, bool, str]:
    found = re.match(r"^(?P<key>[A-Za-z.]+)(?P<op>==|=|!=)(?P<value>.*)$", term)
    if found is None:
        raise bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
    return found["key"], found["op"] != "!=", found["value"]


def _field(obj: Object, key: str) -> str:
    found = dig(obj, *key.split("."))
    if key == "source":
        found = dig(obj, "source", "component") or dig(obj, "reportingComponent")
    return "" if found is None else str(found)


def _unknown_field(resource: Resource, key: str) -> ApiError:
    if not resource.group:
        return bad_request(f"field label not supported: {key}")
    known = 'only "metadata.name", "metadata.namespace"'
    return bad_request(f'"{key}" is not a known field selector: {known}')


def matches(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a LabelSelector object (matchLabels and matchExpressions) selects the labels."""
    wanted: dict[str, str] = mapping_at(selector, "matchLabels")
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(
        Requirement(
            str(term.get("key")),
            str(term.get("operator")),
            frozenset(term.get("values") or ()),
        ).holds(labels)
        for term in items_at(selector, "matchExpressions")
    )


def selector_text(selector: Object) -> str:
    """The string form that `/scale` reports, e.g. `app=user-auth,tier in (a,b)`."""
    equal = [f"{key}={value}" for key, value in mapping_at(selector, "matchLabels").items()]
    terms = [_expression_text(term) for term in items_at(selector, "matchExpressions")]
    return ",".join(sorted(equal + terms))


def _expression_text(term: Object) -> str:
    key, values = term.get("key"), ",".join(sorted(term.get("values") or ()))
    shapes = {
        "In": f"{key} in ({values})",
        "NotIn": f"{key} notin ({values})",
        "Exists": f"{key}",
        "DoesNotExist": f"!{key}",
    }
    return shapes[str(term.get("operator"))]
