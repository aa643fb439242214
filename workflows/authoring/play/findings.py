"""What a script says that steps find, by the step's class or name.

A key that means no step is refused before anything is played: a typo would otherwise make the
step find nothing, and the test would pass or fail for the wrong reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contracts.errors import FirebreakError
from contracts.step import Action, Check, Look, Step
from workflows.authoring.play.troubles import BadScript, near

# What a script's `find` is keyed by: a step's class, or its name.
Key = str | type[Step]
NOTHING = object()

_ACTIONS = ("plan", "ensure")
_WANTS: dict[type[Step], tuple[tuple[type, ...], str]] = {
    Look: ((str, Mapping), "is a look: give it a text, or a mapping of facts"),
    Check: ((bool,), "is a check: give it True or False"),
    Action: ((Mapping,), "is an action: give it a mapping of its plan's (or receipt's) fields"),
}


class Findings:
    """The answers that are left, by the activity's whole name. `NOTHING` is scripted for others."""

    def __init__(self, find: Mapping[Any, object]) -> None:
        """Read the script.

        Raises:
            BadScript: a key means no step, or two, or its value does not fit the step.

        """
        steps = dict(_known_steps())
        self._left: dict[str, list[object]] = {}
        self._unproven: set[str] = set()
        for key, value in find.items():
            name = self._name_of(key, steps)
            self._left[name] = _answers(key, value)
            for item in self._left[name]:
                _require_fit(name, item, steps.get(name))

    def take(self, name: str) -> object:
        """The next answer for that activity; the last one repeats. Errors are raised."""
        self._unproven.discard(name)
        left = self._left.get(name)
        if not left:
            return NOTHING
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, FirebreakError):
            raise found
        return found

    def require_used(self, asked: Sequence[str]) -> None:
        """Refuse keys that mean no step and were never asked for.

        Raises:
            BadScript: names them, and what was asked for.

        """
        for name in sorted(self._unproven):
            hint = near(name, asked) or f"; it asked for {', '.join(sorted(set(asked)))}"
            raise BadScript(f"nothing asked for '{name}'{hint}", _FIX)

    def _name_of(self, key: object, steps: Mapping[str, type[Step]]) -> str:
        key = getattr(key, "activity", key)
        if not isinstance(key, str):
            raise BadScript(f"{key!r} is no step", _FIX)
        name = f"{key}.plan" if any(_means(key, name, ".plan") for name in steps) else key
        found = sorted(full for full in steps if _means(name, full))
        if len(found) == 1:
            return found[0]
        if found:
            raise BadScript(f"'{key}' may be {' or '.join(found)}", "Write the whole name.")
        hint = near(_last(key), map(_last, _names(steps)))
        if hint or "." not in key:
            raise BadScript(f"there is no step '{key}'{hint or _all(steps)}", _FIX)
        self._unproven.add(key)
        return key


_FIX = "Name a step by its class, or by its short name such as pod_logs."


def _means(key: str, full: str, suffix: str = "") -> bool:
    """Whether a key, short or whole, names that activity."""
    return full == f"{key}{suffix}" or full.endswith(f".{key}{suffix}")


def _last(name: str) -> str:
    """The short name of a step, with its part."""
    for part in _ACTIONS:
        if name.endswith(f".{part}"):
            return f"{_last(name.removesuffix(f'.{part}'))}.{part}"
    return name.rpartition(".")[2]


def _known_steps() -> Iterator[tuple[str, type[Step]]]:
    """Every step that anybody has imported, shipped or a team's own, by its activities' names."""
    for step in _below(Step):
        name = getattr(step, "activity", None)
        if name and issubclass(step, Action):
            yield from ((f"{name}.{part}", step) for part in _ACTIONS)
        elif name:
            yield name, step


def _below(root: type[Step]) -> Iterator[type[Step]]:
    for child in root.__subclasses__():
        yield child
        yield from _below(child)


def _names(steps: Mapping[str, type[Step]]) -> set[str]:
    """The names that a key may have."""
    return {name.removesuffix(".plan") for name in steps} | set(steps)


def _all(steps: Mapping[str, type[Step]]) -> str:
    there = {_last(name).partition(".")[0] for name in steps}
    return f"; there are {', '.join(sorted(there))}"


def _answers(key: object, value: object) -> list[object]:
    if not isinstance(value, list | tuple):
        return [value]
    if not value:
        raise BadScript(f"'{key}' has no answer", "Give one for each call; the last repeats.")
    return list(value)


def _require_fit(name: str, value: object, step: type[Step] | None) -> None:
    if step is None or isinstance(value, FirebreakError):
        return
    fits, sentence = next(want for kind, want in _WANTS.items() if issubclass(step, kind))
    if not isinstance(value, fits):
        fix = "An instance of an error is raised; a list gives one answer a call."
        raise BadScript(f"{name} {sentence}, not {value!r}", fix)
