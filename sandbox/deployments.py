"""What the API does to a Deployment before it keeps it: defaults, then validation. It never
writes.
"""

import json

from sandbox.objects import Object
from sandbox.status import Cause, immutable, unsupported
from sandbox.templates import (
    default_template,
    name_problems,
    negative_problems,
    rolling_problems,
    selector_problems,
    template_problems,
)

INTEGERS = ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
_DEFAULTS = {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600}


def with_defaults(deployment: Object) -> Object:
    """The same object, with the defaults of apps/v1 filled in."""
    spec = deployment.setdefault("spec", {})
    for key, value in _DEFAULTS.items():
        spec.setdefault(key, value)
    _default_strategy(spec.setdefault("strategy", {}))
    default_template(spec)
    return deployment


def _default_strategy(strategy: Object) -> None:
    if strategy.setdefault("type", "RollingUpdate") != "RollingUpdate":
        return
    rolling = strategy.setdefault("rollingUpdate", {})
    rolling.setdefault("maxUnavailable", "25%")
    rolling.setdefault("maxSurge", "25%")


def problems(deployment: Object, current: Object | None = None) -> list[Cause]:
    """All field errors, in the order of the fields; with `current`, of an update."""
    spec = with_defaults(deployment)["spec"]
    found = name_problems(deployment) + negative_problems(spec, INTEGERS)
    found += selector_problems(spec)
    if current is not None and spec.get("selector") != current["spec"]["selector"]:
        found.append(immutable("spec.selector", str(spec.get("selector"))))
    return found + _strategy_problems(spec["strategy"]) + template_problems(spec["template"])


def _strategy_problems(strategy: Object) -> list[Cause]:
    field = "spec.strategy.rollingUpdate"
    kind, rolling = strategy["type"], strategy.get("rollingUpdate")
    if kind == "Recreate" and rolling is not None:
        why = "Forbidden: may not be specified when strategy `type` is 'Recreate'"
        return [Cause(field, "FieldValueForbidden", why)]
    if kind not in {"Recreate", "RollingUpdate"}:
        shown = json.dumps({"Type": kind, "RollingUpdate": None}, separators=(",", ":"))
        return [unsupported("spec.strategy", shown, "Recreate", "RollingUpdate")]
    return rolling_problems(field, rolling) if isinstance(rolling, dict) else []
