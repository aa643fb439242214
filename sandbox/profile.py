"""The annotations by which a pod template says how its pods shall live in the sandbox.

They belong to the template, so a fault comes and goes with a revision. The fault may be a label as
well, because a simulated kubelet of a real control plane selects by labels. A value that means
nothing is refused when it is written, never ignored.
"""

import math

from sandbox.containers import Pace
from sandbox.objects import Object, annotations_of, labels_of, text_at
from sandbox.scripts import CRASH_LOOP_UNTIL_RESTARTED, DONE, FAULTS, Script
from sandbox.status import Cause, bad_value, unsupported

FAULT = "sandbox.firebreak/fault"
LOG = "sandbox.firebreak/log"
READY_SECONDS = "sandbox.firebreak/ready-seconds"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


def profile_problems(template: Object, where: str = "spec.template") -> list[Cause]:
    """Field errors of the sandbox's own annotations and label."""
    notes, found = annotations_of(template), []
    field = f"{where}.metadata.annotations"
    fault = fault_of(template)
    if fault and fault not in FAULTS:
        found.append(unsupported(f"{field}[{FAULT}]", f'"{fault}"', *FAULTS))
    seconds = notes.get(READY_SECONDS, "0")
    if _seconds(seconds) is None:
        why = "must be a number of seconds, 0 or more"
        found.append(bad_value(f"{field}[{READY_SECONDS}]", f'"{seconds}"', why))
    return found


def fault_of(obj: Object) -> str:
    """The fault that an annotation or else a label names, or the empty string."""
    return annotations_of(obj).get(FAULT, "") or labels_of(obj).get(FAULT, "")


def script_of(pod: Object) -> Script:
    """What the first container of the pod does.

    `crash-loop-until-restarted` is bad state of the pods that were there, so it is over for the
    pods of a template that says it was restarted. A pod that is not to be restarted does its work
    and ends.
    """
    notes, fault = annotations_of(pod), fault_of(pod)
    restarts = text_at(pod, "spec", "restartPolicy") == "Always"
    if fault == CRASH_LOOP_UNTIL_RESTARTED and notes.get(RESTARTED_AT):
        return Script()
    script = FAULTS.get(fault, Script() if restarts else DONE)
    return script._replace(log=notes.get(LOG, "") or script.log)


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
