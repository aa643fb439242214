"""What is handed to Firebreak's own values: steps, outcomes, targets.

A field of another name would be ignored in silence, and a figure out of its bounds pauses a run in
the middle of the night; both can be seen in the text.
"""

import ast
import difflib
import importlib
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from contracts.model import Contract
from contracts.step import Action, Check, Look, Step
from workflows.authoring.checks.shapes import verb_calls
from workflows.authoring.checks.source import Function, Source
from workflows.authoring.faults import Fault

WORDS: dict[type[Step], str] = {Look: "a look", Action: "an action", Check: "a check"}
KINDS: dict[str, type[Step]] = {"look": Look, "approve": Action, "act": Action, "verify": Check}


def fields_that_are_there(source: Source) -> Iterator[Fault]:
    """Each value gets the fields it has, by name, and those it needs."""
    for call, model in _built(source):
        known, given = model.model_fields, {word.arg for word in call.keywords}
        shown = ", ".join(f"`{name}`" for name in known)
        if call.args:
            why = f"`{model.__name__}` takes its fields by name"
            yield source.fault(call, why, f"Write `{next(iter(known))}=...`; it has {shown}.")
        for name in sorted(given - {None} - set(known), key=str):
            near = difflib.get_close_matches(str(name), known, n=1)
            what = f"Write `{near[0]}`." if near else f"It has {shown}."
            yield source.fault(call, f"`{model.__name__}` has no field `{name}`", what)
        needed = {name for name, field in known.items() if field.is_required()}
        if None not in given and not call.args and (lacking := sorted(needed - given)):
            names = " and ".join(f"`{name}`" for name in lacking)
            why = f"`{model.__name__}` needs {names}"
            yield source.fault(call, why, "Give it, or Python will refuse the value.")


def values_that_fit(source: Source) -> Iterator[Fault]:
    """A number, text or list that is written out is one that the field takes."""
    for call, model in _built(source):
        for word in call.keywords:
            if word.arg not in model.model_fields:
                continue
            try:
                value = ast.literal_eval(word.value)
                _adapter(model, str(word.arg)).validate_python(value)
            except ValidationError as err:
                why = f"`{model.__name__}` cannot have `{word.arg}={_shown(word.value)}`"
                said = err.errors(include_url=False)[0]["msg"]
                yield source.fault(call, why, f"{said}.")
            except (ValueError, TypeError, PydanticUserError):
                # It is no literal, or no value that can be judged by itself.
                continue


def _shown(node: ast.expr) -> str:
    """The expression as it stands there; Python shows no number of thousands of digits."""
    try:
        return ast.unparse(node)
    except ValueError:
        return "..."


def verbs_get_their_steps(source: Source) -> Iterator[Fault]:
    """`look` gets a look, `approve` and `act` an action, `verify` a check."""
    for verb, call, function in verb_calls(source):
        step = _step(source, function, call.args[0]) if call.args else None
        wanted = KINDS[verb]
        if step is not None and not issubclass(step, wanted):
            kind = next((text for k, text in WORDS.items() if issubclass(step, k)), "no step")
            right = " or ".join(f"`{v}`" for v, k in KINDS.items() if issubclass(step, k))
            why = f"`{verb}` takes {WORDS[wanted]}, and `{step.__name__}` is {kind}"
            yield source.fault(call, why, f"Use {right or 'a step of `contracts`'}.")


def _step(source: Source, function: Function, given: ast.expr) -> type[Contract] | None:
    """The class of what is handed over, also through one name that is bound once."""
    if isinstance(given, ast.Name):
        bound = [
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            and [item.id for item in node.targets if isinstance(item, ast.Name)] == [given.id]
        ]
        given = bound[0] if len(bound) == 1 else given
    return _model(source.resolve(given.func)) if isinstance(given, ast.Call) else None


def _built(source: Source) -> Iterator[tuple[ast.Call, type[Contract]]]:
    for call in source.each(ast.Call):
        model = _model(source.resolve(call.func))
        if model is not None:
            yield call, model


@cache
def _model(name: str) -> type[Contract] | None:
    module, _, last = name.rpartition(".")
    if module.partition(".")[0] != "contracts":
        return None
    try:
        found = getattr(importlib.import_module(module), last, None)
    except ImportError:
        return None
    return found if isinstance(found, type) and issubclass(found, Contract) else None


@cache
def _adapter(model: type[Contract], name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    kind: Any = field.annotation
    return TypeAdapter(Annotated[kind, *field.metadata] if field.metadata else kind)
