"""Whether the activities that a worker serves are exactly those that the steps ask for."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from temporalio import activity

from contracts import kubernetes as kubernetes_steps
from contracts import signals as signal_steps
from contracts.errors import InvalidInput
from contracts.step import Action, Check, Look


def check_complete(served: Sequence[Callable[..., Any]]) -> None:
    """Refuse to start when steps and activities do not match.

    Raises:
        InvalidInput: names the steps without activity and the activities without step.

    """
    have = {activity._Definition.must_from_callable(a).name or "" for a in served}  # noqa: SLF001 - no public way
    want = set(_step_names()) | {"kubernetes.owner"}
    if have != want:
        lacking, idle = sorted(want - have), sorted(have - want)
        raise InvalidInput(f"steps without activity: {lacking}; activities without step: {idle}")


def _step_names() -> Iterator[str]:
    for item in (*vars(kubernetes_steps).values(), *vars(signal_steps).values()):
        if not isinstance(item, type) or "activity" not in vars(item):
            continue
        if issubclass(item, Action):
            yield from (f"{item.activity}.plan", f"{item.activity}.ensure")
        elif issubclass(item, Look | Check):
            yield item.activity
