"""Label selectors of Kubernetes objects, applied to labels that were read.

A budget that is overlooked costs an outage, so an expression that is not understood matches.
"""

from collections.abc import Callable

from activities.kubernetes import raw
from activities.kubernetes.raw import Object

_OPERATORS: dict[str, Callable[[str | None, list[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _values: value is not None,
    "DoesNotExist": lambda value, _values: value is None,
}


def matches(selector: Object | None, labels: Object) -> bool:
    """Whether a `LabelSelector` chooses these labels: an empty one chooses all, null none."""
    if selector is None:
        return False
    equal = raw.mapping(selector, "matchLabels").items()
    expressions = raw.items(selector, "matchExpressions")
    return all(labels.get(key) == value for key, value in equal) and all(
        _holds(expression, labels) for expression in expressions
    )


def _holds(expression: Object, labels: Object) -> bool:
    operator = _OPERATORS.get(raw.text(expression, "operator"))
    values = expression.get("values")
    listed = values if isinstance(values, list) else []
    return operator is None or operator(labels.get(raw.text(expression, "key")), listed)
