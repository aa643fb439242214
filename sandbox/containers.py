"""One container: pulled, starting, running, crashing, waiting to be started again.

A container that crashes never becomes ready in between, as if it had a readiness probe. Its
current log, while it waits, is that of the instance that ended last, as a kubelet gives it.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from sandbox.logs import Line
from sandbox.objects import Object, timestamp
from sandbox.scripts import Script

_TRANSITIONS_MAX = 1_000
CREATING, PULL_FAILED = "ContainerCreating", "ErrImagePull"
PULL_BACK_OFF, CRASH_BACK_OFF = "ImagePullBackOff", "CrashLoopBackOff"
CONFIG_ERROR = "CreateContainerConfigError"


@dataclass(frozen=True)
class Pace:
    """How long each state lasts, in seconds; a real kubelet backs off 10 s up to 300 s, and probes
    every 10 s. `work_seconds` is what a Job's process needs; autoscalers look at their targets
    every `autoscale_seconds`, for which a real cluster takes 15 s.
    """

    ready_seconds: float = 0.3
    crash_seconds: float = 0.2
    back_off_first_seconds: float = 1.0
    back_off_max_seconds: float = 10.0
    terminate_seconds: float = 0.2
    probe_seconds: float = 1.0
    work_seconds: float = 0.5
    autoscale_seconds: float = 1.0

    def with_ready_seconds(self, seconds: float) -> Self:
        """The same pace with another start-up time."""
        return replace(self, ready_seconds=seconds)

    def back_off_seconds(self, failures: int) -> float:
        """Doubles with every failure, up to the maximum."""
        doubled = self.back_off_first_seconds * float(2 ** min(failures - 1, 30))
        return min(doubled, self.back_off_max_seconds)


class Transition(NamedTuple):
    """Something worth an event: `reason` is Started, CrashLoopBackOff, Unhealthy, ErrImagePull,
    ImagePullBackOff, CreateContainerConfigError or Ended.
    """

    reason: str
    at: datetime


class Instance(NamedTuple):
    """One run of the process; `finished_at` is None while it runs."""

    number: int
    started_at: datetime
    finished_at: datetime | None = None


class Container:
    """The states of one container; `advance` moves it to a moment, `status` shows it."""

    def __init__(
        self,
        spec: Object,
        seed: str,
        pace: Pace,
        now: datetime,
        script: Script = Script(),  # noqa: B008 - a frozen value
        *,
        restarts: str = "Always",
    ) -> None:
        self.name = str(spec["name"])
        self.image = str(spec["image"])
        self._seed = seed
        self._pace = pace
        self._script = script
        self._restarts = restarts
        self._running: Instance | None = None
        self._last: Instance | None = None
        self._waiting = CREATING
        self._failures = 0
        self._next_at: datetime | None = now + timedelta(seconds=pace.ready_seconds)

    def follow(self, script: Script) -> None:
        """Do that from now on."""
        self._script = script

    @property
    def has_started(self) -> bool:
        """Whether it ever ran."""
        return self._running is not None or self._last is not None

    @property
    def is_ready(self) -> bool:
        """Whether it runs, answers its probe, and will not crash."""
        script = self._script
        well = script.ends is None or script.ends.code == 0
        return self._running is not None and script.becomes_ready and well

    @property
    def exit_code(self) -> int | None:
        """How it ended for good; None while it runs or will run again."""
        ends = self._script.ends
        return ends.code if ends is not None and self._last is not None and self._is_over else None

    @property
    def _is_over(self) -> bool:
        """Whether the process that ended last is not started again."""
        failed = self._script.ends is not None and self._script.ends.code != 0
        again = self._restarts == "Always" or (self._restarts == "OnFailure" and failed)
        return self._running is None and self._last is not None and not again

    @property
    def pull_error(self) -> str:
        """What the registry says of an image that is not there."""
        reference = f'failed to pull and unpack image "{self.image}": failed to resolve reference'
        why = f'{reference} "{self.image}": {self.image}: not found'
        return f"rpc error: code = NotFound desc = {why}"

    @property
    def config_error(self) -> str:
        """What is not there that the container needs."""
        return f'secret "{self._script.misses}" not found'

    def advance(self, now: datetime) -> list[Transition]:
        """Go through everything that was due until now, in order."""
        seen: list[Transition] = []
        for _ in range(_TRANSITIONS_MAX):
            if self._next_at is None or self._next_at > now:
                break
            seen.append(self._step(self._next_at))
        return seen

    def _step(self, at: datetime) -> Transition:
        if not self._script.pulls:
            return self._fail_to_pull(at)
        if self._script.misses:
            self._waiting, self._next_at = CONFIG_ERROR, None
            return Transition(CONFIG_ERROR, at)
        if self._running is None:
            return self._start(at)
        if self._script.ends is None:
            self._next_at = at + timedelta(seconds=self._pace.probe_seconds)
            return Transition("Unhealthy", at)
        self._last = self._running._replace(finished_at=at)
        self._running = None
        if self._is_over:
            self._next_at = None
            return Transition("Ended", at)
        return self._back_off(CRASH_BACK_OFF, at)

    def _start(self, at: datetime) -> Transition:
        self._running = Instance(self._last.number + 1 if self._last else 0, at)
        ends, wait = self._script.ends, self._pace.probe_seconds
        if ends is not None:
            wait = self._pace.crash_seconds if ends.code else self._pace.work_seconds
        due = at + timedelta(seconds=wait)
        self._next_at = None if self.is_ready and ends is None else due
        return Transition("Started", at)

    def _fail_to_pull(self, at: datetime) -> Transition:
        if self._waiting == PULL_FAILED:
            return self._back_off(PULL_BACK_OFF, at)
        self._waiting = PULL_FAILED
        self._next_at = at + timedelta(seconds=self._pace.crash_seconds)
        return Transition(PULL_FAILED, at)

    def _back_off(self, reason: str, at: datetime) -> Transition:
        self._waiting = reason
        self._failures += 1
        self._next_at = at + timedelta(seconds=self._back_off_seconds)
        return Transition(reason, at)

    @property
    def _back_off_seconds(self) -> float:
        return self._pace.back_off_seconds(self._failures)

    def lines(self, *, previous: bool) -> list[Line] | None:
        """The log of the current or of the previous instance; None when there is none."""
        instance = self._last if previous else self._running or self._last
        if instance is None:
            return None
        step = timedelta(milliseconds=1)
        texts = self._texts()
        return [(instance.started_at + index * step, text) for index, text in enumerate(texts)]

    def _texts(self) -> list[str]:
        texts = [f"{self.name} starting, image {self.image}", *self._script.log.splitlines()]
        return texts if self._script.ends else [*texts, "listening on :8080"]

    def status(self) -> Object:
        """The entry of `status.containerStatuses`."""
        current = self._running or self._last
        number = current.number if current else 0
        return {
            "name": self.name,
            "state": self._state(),
            "lastState": self._last_state(),
            "ready": self.is_ready,
            "started": self._running is not None,
            "restartCount": number,
            "image": self.image,
            "imageID": f"sandbox://sha256:{_digest(self.image)}" if current else "",
            "containerID": self._id(number) if current else "",
        }

    def _state(self) -> Object:
        if self._running is not None:
            return {"running": {"startedAt": timestamp(self._running.started_at)}}
        if self._is_over:
            return self._ended()
        message = self._message()
        said = {"message": message} if message else {}
        return {"waiting": {"reason": self._waiting, **said}}

    def _message(self) -> str:
        if self._waiting == CRASH_BACK_OFF:
            return f"back-off {self._back_off_seconds:g}s restarting failed container={self.name}"
        if self._waiting == PULL_BACK_OFF:
            return f'Back-off pulling image "{self.image}": {PULL_FAILED}: {self.pull_error}'
        if self._waiting == CONFIG_ERROR:
            return self.config_error
        return self.pull_error if self._waiting == PULL_FAILED else ""

    def _last_state(self) -> Object:
        return {} if self._is_over else self._ended()

    def _ended(self) -> Object:
        last, ends = self._last, self._script.ends
        if last is None or last.finished_at is None or ends is None:
            return {}
        ended = {
            "exitCode": ends.code,
            "reason": ends.reason,
            "startedAt": timestamp(last.started_at),
            "finishedAt": timestamp(last.finished_at),
            "containerID": self._id(last.number),
        }
        return {"terminated": ended}

    def _id(self, number: int) -> str:
        return f"sandbox://{_digest(f'{self._seed}/{self.name}/{number}')}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
