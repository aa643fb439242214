"""The annotations by which a pod template says how its pods shall live in the sandbox.

They belong to the template, so a fault comes and goes with a revision. A value that means nothing
is refused when it is written, never ignored.
"""

import math

from sandbox.containers import Pace, Script
from sandbox.objects import Object, annotations_of
from sandbox.status import Cause, bad_value, unsupported

FAULT = "sandbox.firebreak/fault"
LOG = "sandbox.firebreak/log"
READY_SECONDS = "sandbox.firebreak/ready-seconds"
CRASH_LOOP = "crash-loop"


def profile_problems(template: Object) -> list[Cause]:
    """Field errors of the sandbox's own annotations."""
    notes, found = annotations_of(template), []
    field = "spec.template.metadata.annotations"
    if notes.get(FAULT, CRASH_LOOP) != CRASH_LOOP:
        found.append(unsupported(f"{field}[{FAULT}]", f'"{notes[FAULT]}"', CRASH_LOOP))
    seconds = notes.get(READY_SECONDS, "0")
    if _seconds(seconds) is None:
        why = "must be a number of seconds, 0 or more"
        found.append(bad_value(f"{field}[{READY_SECONDS}]", f'"{seconds}"', why))
    return found


def script_of(pod: Object) -> Script:
    """What the first container of the pod does."""
    notes = annotations_of(pod)
    return Script(notes.get(FAULT) == CRASH_LOOP, notes.get(LOG, ""))


def pace_of(pod: Object, pace: Pace) -> Pace:
    """The common pace, with the pod's own start-up time."""
    seconds = _seconds(annotations_of(pod).get(READY_SECONDS, ""))
    return pace if seconds is None else pace.with_ready_seconds(seconds)


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
