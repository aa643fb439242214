"""One container: starting, running, crashing, waiting to be started again.

A container that crashes never becomes ready in between, as if it had a readiness probe. Its
current log, while it waits, is that of the instance that ended last, as a kubelet gives it.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from sandbox.logs import Line
from sandbox.objects import Object, timestamp

_TRANSITIONS_MAX = 1_000
_TRACEBACK = """\
Traceback (most recent call last):
  File "/app/main.py", line 42, in <module>
    serve(Settings.from_environment())
  File "/app/settings.py", line 17, in from_environment
    return cls(signing_key=environ["SIGNING_KEY"])
KeyError: 'SIGNING_KEY'"""


@dataclass(frozen=True)
class Pace:
    """How long each state lasts, in seconds; a real kubelet backs off 10 s up to 300 s."""

    ready_seconds: float = 0.3
    crash_seconds: float = 0.2
    back_off_first_seconds: float = 1.0
    back_off_max_seconds: float = 10.0
    terminate_seconds: float = 0.2

    def with_ready_seconds(self, seconds: float) -> Self:
        """The same pace with another start-up time."""
        return replace(self, ready_seconds=seconds)

    def back_off_seconds(self, crashes: int) -> float:
        """Doubles with every crash, up to the maximum."""
        doubled = self.back_off_first_seconds * float(2 ** min(crashes - 1, 30))
        return min(doubled, self.back_off_max_seconds)


class Transition(NamedTuple):
    """Something worth an event: `reason` is Started or BackOff."""

    reason: str
    at: datetime


class Instance(NamedTuple):
    """One run of the process; `finished_at` is None while it runs."""

    number: int
    started_at: datetime
    finished_at: datetime | None = None


class Script(NamedTuple):
    """What the process does: run, or print `log` and crash; an empty log means a traceback."""

    crashes: bool = False
    log: str = ""


class Container:
    """The states of one container; `advance` moves it to a moment, `status` shows it."""

    def __init__(
        self,
        spec: Object,
        seed: str,
        pace: Pace,
        now: datetime,
        script: Script = Script(),  # noqa: B008 - a frozen value
    ) -> None:
        self.name = str(spec["name"])
        self._image = str(spec["image"])
        self._seed = seed
        self._pace = pace
        self._crashes = script.crashes
        self._log = script.log or (_TRACEBACK if script.crashes else "")
        self._running: Instance | None = None
        self._last: Instance | None = None
        self._restarts = 0
        self._next_at: datetime | None = now + timedelta(seconds=pace.ready_seconds)

    @property
    def has_started(self) -> bool:
        """Whether it ever ran."""
        return self._running is not None or self._last is not None

    @property
    def is_ready(self) -> bool:
        """Whether it runs and will go on running."""
        return self._running is not None and not self._crashes

    def advance(self, now: datetime) -> list[Transition]:
        """Go through everything that was due until now, in order."""
        seen: list[Transition] = []
        for _ in range(_TRANSITIONS_MAX):
            if self._next_at is None or self._next_at > now:
                break
            seen.append(self._step(self._next_at))
        return seen

    def _step(self, at: datetime) -> Transition:
        if self._running is None:
            self._restarts = self._last.number + 1 if self._last else 0
            self._running = Instance(self._restarts, at)
            crash_at = at + timedelta(seconds=self._pace.crash_seconds)
            self._next_at = crash_at if self._crashes else None
            return Transition("Started", at)
        self._last = self._running._replace(finished_at=at)
        self._running = None
        self._next_at = at + timedelta(seconds=self._back_off_seconds)
        return Transition("BackOff", at)

    @property
    def _back_off_seconds(self) -> float:
        return self._pace.back_off_seconds(self._restarts + 1)

    def lines(self, *, previous: bool) -> list[Line] | None:
        """The log of the current or of the previous instance; None when there is none."""
        instance = self._last if previous else self._running or self._last
        if instance is None:
            return None
        step = timedelta(milliseconds=1)
        texts = self._texts()
        return [(instance.started_at + index * step, text) for index, text in enumerate(texts)]

    def _texts(self) -> list[str]:
        greeting = f"{self.name} starting, image {self._image}"
        if self._crashes:
            return [greeting, *self._log.splitlines()]
        return [greeting, *self._log.splitlines(), "listening on :8080"]

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
            "restartCount": self._restarts,
            "image": self._image,
            "imageID": f"sandbox://sha256:{_digest(self._image)}" if current else "",
            "containerID": self._id(number) if current else "",
        }

    def _state(self) -> Object:
        if self._running is not None:
            return {"running": {"startedAt": timestamp(self._running.started_at)}}
        if self._last is None:
            return {"waiting": {"reason": "ContainerCreating"}}
        message = f"back-off {self._back_off_seconds:g}s restarting failed container={self.name}"
        return {"waiting": {"reason": "CrashLoopBackOff", "message": message}}

    def _last_state(self) -> Object:
        if self._last is None or self._last.finished_at is None:
            return {}
        ended = {
            "exitCode": 1,
            "reason": "Error",
            "startedAt": timestamp(self._last.started_at),
            "finishedAt": timestamp(self._last.finished_at),
            "containerID": self._id(self._last.number),
        }
        return {"terminated": ended}

    def _id(self, number: int) -> str:
        return f"sandbox://{_digest(f'{self._seed}/{self.name}/{number}')}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
