"""Writes the golden JSON of every contract: one full sample, kept for ever.

    python tools/golden.py

A run in flight was recorded with the models of its day, so a golden file is never changed: this
script writes the files that are missing for the present version and touches no other.
"""

import importlib
import json
import pkgutil
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import contracts  # noqa: E402 - the path must be known first, when run as a script
from contracts.alert import Alert  # noqa: E402
from contracts.calls import EnsureCall  # noqa: E402
from contracts.kubernetes import PodLogs, RollbackDeployment, RolloutHealthy  # noqa: E402
from contracts.model import Contract  # noqa: E402
from contracts.step import CheckCall, Step, StepCall  # noqa: E402
from workflows.incident_state import IncidentState  # noqa: E402

GOLDEN = ROOT / "tests" / "contracts" / "golden"
AT = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
NUMBER = 3

# What a generic model travels as.
_CONCRETE: dict[str, type[Contract]] = {
    "StepCall": StepCall[PodLogs],
    "CheckCall": CheckCall[RolloutHealthy],
    "EnsureCall": EnsureCall[RollbackDeployment],
}
# What an incident carries into its next run; it is no contract, but it is recorded like one.
_STATES: dict[str, type[BaseModel]] = {"IncidentState": IncidentState}
# Fields whose type is looser than what travels in them.
_BODIES: dict[str, type[BaseModel]] = {
    "AlertEnvelope.body": Alert,
    "IncidentStart.carried": IncidentState,
}
# Fields with a pattern, by `Model.field`; every other text says which field it fills.
_TEXTS = {
    "EvictPod.pod": "web-7d4f9-abcde",
    "DeletePod.pod": "web-7d4f9-abcde",
    "Target.cluster": "default",
    "Target.namespace": "shop",
    "Target.kind": "Deployment",
    "Target.name": "user-auth",
    "Person.id": "ana",
    "Source.name": "alertmanager",
    "Matcher.value": "user-auth|user-auth-.+",
    "OnCall.name": "primary",
    "OnCall.url": "https://calendar.example/primary.ics",
    "OnCall.schedule": "PSCHED1",
    "SlackPolicy.channel": "C0123456",
    "SlackPolicy.team": "T0123456",
}
# Numbers that must fit another field of the same model.
_NUMBERS = {"IncidentRules.page_percent": 70}


def models() -> dict[str, type[BaseModel]]:
    """Every model that can travel, by name; generic ones as what they travel as."""
    found = {item.__name__: item for module in _modules() for item in _defined_in(module)}
    return dict(sorted((found | _CONCRETE | _STATES).items()))


def _modules() -> Iterator[Any]:
    for info in pkgutil.iter_modules(contracts.__path__):
        yield importlib.import_module(f"{contracts.__name__}.{info.name}")


def _defined_in(module: Any) -> Iterator[type[Contract]]:
    for item in vars(module).values():
        if not isinstance(item, type) or not issubclass(item, Contract):
            continue
        # Contract, Step, Look, Action and Check are only ever bases.
        is_base = item is Contract or (issubclass(item, Step) and not hasattr(item, "activity"))
        # A parametrised generic stands in its module, too, under a name with brackets.
        if item.__module__ == module.__name__ and not is_base and "[" not in item.__name__:
            yield item


def sample_of(model: type[BaseModel]) -> BaseModel:
    """A value of the model with every field set, the same one every time."""
    values = {name: _field(model, name, field) for name, field in model.model_fields.items()}
    return model.model_validate(values)


def _field(model: type[BaseModel], name: str, field: FieldInfo) -> Any:
    place = f"{model.__name__}.{name}"
    if place in _TEXTS:
        return _TEXTS[place]
    if place in _BODIES:
        return sample_of(_BODIES[place]).model_dump(mode="json")
    if place in _NUMBERS:
        return _NUMBERS[place]
    if field.annotation in (int, float):
        return field.annotation(_number(field))
    return _value(field.annotation, name)


def _number(field: FieldInfo) -> float:
    number: float = NUMBER
    for bound in field.metadata:
        number = max(number, getattr(bound, "ge", number), getattr(bound, "gt", -1) + 1)
        number = min(number, getattr(bound, "le", number))
    return number


def _value(annotation: Any, name: str) -> Any:
    plain = {str: f"some {name}", int: NUMBER, float: 0.5, bool: True, datetime: AT, Any: "any"}
    if annotation in plain:
        return plain[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return sample_of(annotation)
    return _composed(get_origin(annotation), get_args(annotation), name)


def _composed(origin: Any, inner: tuple[Any, ...], name: str) -> Any:
    if origin is Literal:
        return inner[-1]
    if origin in (Union, UnionType):
        return _value(next(item for item in inner if item is not type(None)), name)
    if origin in (tuple, list, set):
        return origin([_value(inner[0], name)])
    if origin is dict:
        return {"key": _value(inner[1], name)}
    raise TypeError(f"{name}: teach tools/golden.py to fill {origin}{list(inner)}")


def version() -> str:
    """The version that pyproject.toml names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def write_missing(folder: Path) -> list[Path]:
    """Write a sample of each model that has no file in `folder`; the files that were written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, model in models().items():
        path = folder / f"{name}.json"
        if not path.exists():
            sample = sample_of(model).model_dump(mode="json")
            path.write_text(json.dumps(sample, indent=2, sort_keys=True) + "\n")
            written.append(path)
    return written


if __name__ == "__main__":
    for made in write_missing(GOLDEN / version()):
        print(made.relative_to(ROOT))
