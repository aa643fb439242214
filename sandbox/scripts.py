"""What the process of a container does, as a value: run, crash, be killed, stay unready.

Each fault has the states, reasons and exit codes that a kubelet would report, because a
remediation is judged by exactly those. Nothing here knows of time or of pods.
"""

from typing import NamedTuple

CRASH_LOOP = "crash-loop"
CRASH_LOOP_UNTIL_RESTARTED = "crash-loop-until-restarted"
WRONG_IMAGE = "wrong-image"
OOM = "oom"
NEVER_READY = "never-ready"
CONFIG = "config"
PROBE = "probe"
UNSCHEDULABLE = "unschedulable"

_TRACEBACK = """\
Traceback (most recent call last):
  File "/app/main.py", line 42, in <module>
    serve(Settings.from_environment())
  File "/app/settings.py", line 17, in from_environment
    return cls(signing_key=environ["SIGNING_KEY"])
KeyError: 'SIGNING_KEY'"""
_STALE_LOCK = """\
ERROR /var/run/app/lock is held by process 7, which is gone
app.errors.LockHeld: remove the lock, or start in a fresh container"""


class Exit(NamedTuple):
    """How a process ends, as `terminated` of a container's state has it."""

    code: int
    reason: str


class Script(NamedTuple):
    """What the process does after its image was pulled, if it can be; `log` is what it prints.

    `misses` names the Secret without which the container cannot even be made; a pod that is not
    `placed` gets no node.
    """

    pulls: bool = True
    misses: str = ""
    placed: bool = True
    becomes_ready: bool = True
    ends: Exit | None = None
    log: str = ""


FAULTS = {
    CRASH_LOOP: Script(ends=Exit(1, "Error"), log=_TRACEBACK),
    CRASH_LOOP_UNTIL_RESTARTED: Script(ends=Exit(1, "Error"), log=_STALE_LOCK),
    WRONG_IMAGE: Script(pulls=False),
    # The kernel asks nobody: a process that is killed has no last words.
    OOM: Script(ends=Exit(137, "OOMKilled"), log="INFO  filling the cache"),
    NEVER_READY: Script(becomes_ready=False, log="WARN  /healthz answers 503: no database"),
    CONFIG: Script(misses="app-settings"),
    PROBE: Script(becomes_ready=False, log="WARN  /healthz answers 503: too slow"),
    UNSCHEDULABLE: Script(placed=False),
}
DONE = Script(ends=Exit(0, "Completed"), log="done")
