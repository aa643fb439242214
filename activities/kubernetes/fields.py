"""Single fields of an object, named by a JSON Pointer: read them, set them, tell whose they are.

Scale, pause and restore write a few fields and nothing else. `None` stands for a field that is
absent; `false` says the same, because the API server leaves it out. Nothing here decides what a
field should be.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from activities.kubernetes import raw
from activities.kubernetes.client import MERGE_PATCH, Answer, Cluster, Patch, Place
from activities.kubernetes.ensure import Change, Send
from activities.kubernetes.plans import kubectl
from activities.kubernetes.raw import Object
from activities.kubernetes.scaled_by import SCALABLE
from activities.kubernetes.subject import Subject, generation_moved
from contracts.errors import NotFound, PlanChanged
from contracts.model import canonical_json
from contracts.plan import CHANGES, Plan
from contracts.step import Changed
from contracts.target import Target

REPLICAS = "/spec/replicas"
# An annotation of ours beside a field says that the field was set by us: without it, it was not.
_MARK = "/metadata/annotations/firebreak.dev~1"


@dataclass(frozen=True)
class Beside(Subject):
    """An object that is written for the target's sake, such as its autoscaler. Its generation says
    nothing about the target, so a receipt carries none.
    """

    @property
    def generation(self) -> int:
        """Always 0."""
        return 0


def at_pointer(obj: Object, pointer: str) -> Any:
    """What stands at a JSON Pointer into objects, or None."""
    return raw.dig(obj, *_steps(pointer))


def same(one: Any, other: Any) -> bool:
    """Whether two values of a field mean the same."""
    return bool(_told(one) == _told(other))


def _told(value: Any) -> Any:
    return None if value is False else value


def fields_patch(subject: Subject, values: Sequence[tuple[str, Any]]) -> Patch:
    """Set these fields, and remove those that shall be None, on this reading or not at all."""
    return Patch(_body(values, {"metadata": dict(subject.guard)}), MERGE_PATCH)


def pinned(changes: Sequence[Changed]) -> dict[str, str]:
    """Changes as a pin of a plan: single values, never bodies."""
    return {CHANGES: canonical_json([change.model_dump(mode="json") for change in changes])}


def changes_of(plan: Plan) -> tuple[Changed, ...]:
    """The changes that a plan pins."""
    return tuple(Changed.model_validate(item) for item in json.loads(plan.pins[CHANGES]))


def still_ours(obj: Object, changes: Sequence[Changed]) -> list[Changed]:
    """Those of the changes that are there still; none when a mark of ours beside them is not."""
    kept = [change for change in changes if same(at_pointer(obj, change.path), change.after)]
    marks = [change for change in changes if change.path.startswith(_MARK)]
    return kept if all(mark in kept for mark in marks) else []


def read_pinned(cluster: Cluster, plan: Plan, changes: Sequence[Changed]) -> Subject:
    """Read the one object that the changes are about, or the target where there are none; raises
    PlanChanged when it is gone, or another one by now.
    """
    beside = not is_target(plan, changes)
    kind, name, uid = plan.target.kind, plan.target.name, plan.uid
    if beside:
        kind, name, uid = changes[0].kind, changes[0].name, changes[0].uid
    try:
        answer = cluster.get(kind, plan.target.namespace, name)
    except NotFound:
        raise PlanChanged(f"{kind.lower()} {name} of the plan is gone") from None
    found = Beside(*answer) if beside else Subject(*answer)
    if found.uid != uid:
        raise PlanChanged(f"{kind.lower()} {name} was deleted and created again since the plan")
    return found


def is_target(plan: Plan, changes: Sequence[Changed]) -> bool:
    """Whether the changes are to the target itself, and not to an object beside it."""
    target = (plan.target.kind, plan.target.name)
    return not changes or (changes[0].kind, changes[0].name) == target


def place_of(target: Target, changes: Sequence[Changed]) -> Place:
    """Where these fields are written: a workload's replicas through its `scale` subresource."""
    first = changes[0]
    is_scale = [change.path for change in changes] == [REPLICAS] and first.kind in SCALABLE
    return Place(first.kind, target.namespace, first.name, "scale" if is_scale else "")


def setting(plan: Plan, changes: Sequence[Changed]) -> Change[Subject]:
    """What sets exactly these fields of one object, all of them or none, from the values before to
    the values after. Changes from a value to itself only say what has to be so.
    """
    beside = not is_target(plan, changes)

    def prepare(cluster: Cluster, current: Subject) -> Callable[[], Answer]:
        patch = fields_patch(current, [(change.path, change.after) for change in changes])
        return _sending(cluster, place_of(plan.target, changes), patch, beside=beside)

    return Change(
        read=lambda cluster: read_pinned(cluster, plan, changes),
        is_done=lambda current: is_set(current.raw, changes),
        moved=lambda current: _moved(plan, current, changes),
        prepare=prepare,
        changed=tuple(change for change in changes if not same(change.before, change.after)),
    )


def is_set(obj: Object, changes: Sequence[Changed]) -> bool:
    """Whether all fields have the values after."""
    return all(same(at_pointer(obj, change.path), change.after) for change in changes)


def _moved(plan: Plan, current: Subject, changes: Sequence[Changed]) -> str:
    for change in changes:
        found = at_pointer(current.raw, change.path)
        if not same(found, change.before):
            return f"{named(change)} was {spoken(change.before)} and is {spoken(found)}"
    return generation_moved(plan, current) if is_target(plan, changes) else ""


def named(change: Changed) -> str:
    """`minReplicas of HorizontalPodAutoscaler/web`."""
    return f"{_steps(change.path)[-1]} of {change.kind}/{change.name}"


def spoken(value: Any) -> str:
    """A value, as JSON; `nothing` for an absent one."""
    return "nothing" if value is None else canonical_json(value)


def by_hand(cluster: Cluster, target: Target, changes: Sequence[Changed]) -> str:
    """The kubectl command that sets these fields."""
    first = changes[0]
    owner = f"{first.kind.lower()}/{first.name}"
    if [change.path for change in changes] == [REPLICAS]:
        return kubectl(cluster, target, "scale", owner, f"--replicas={first.after}")
    values = [(change.path, change.after) for change in changes]
    body = canonical_json(_body(values, {}))
    return kubectl(cluster, target, "patch", owner, "--type=merge", "-p", body)


def _sending(cluster: Cluster, place: Place, patch: Patch, *, beside: bool) -> Send:
    """What sends the patch; `beside` takes the generation out of the answer, as `Beside` does."""

    def send() -> Answer:
        answer = cluster.patch(place, patch)
        if not beside:
            return answer
        metadata = {k: v for k, v in answer.body["metadata"].items() if k != "generation"}
        return Answer(answer.body | {"metadata": metadata}, answer.at)

    return send


def _body(values: Sequence[tuple[str, Any]], body: Object) -> Object:
    for pointer, value in values:
        *way, last = _steps(pointer)
        here = body
        for step in way:
            here = here.setdefault(step, {})
        here[last] = value
    return body


def _steps(pointer: str) -> list[str]:
    steps = pointer.split("/")[1:]
    return [step.replace("~1", "/").replace("~0", "~") for step in steps]
