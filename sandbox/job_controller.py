"""Jobs make pods until enough have succeeded, or too many have failed.

The Job's pods stay when it ends, as evidence. It must run under the store's lock.
"""

from dataclasses import dataclass
from datetime import datetime

from sandbox.deletion import delete_pod
from sandbox.events import Recorder
from sandbox.hashing import generated_name
from sandbox.maker import PodMaker
from sandbox.objects import (
    Object,
    copied,
    is_terminating,
    items_at,
    mapping_at,
    name_of,
    number_at,
    text_at,
    timestamp,
)
from sandbox.pods import condition_of, is_finished, is_ready, owned_pods, pod_from
from sandbox.resources import JOBS
from sandbox.store import Store

_SOURCE = "job-controller"
_LIMIT = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
_DONE = ("CompletionsReached", "Reached expected number of succeeded pods")
_SUSPENDED = ("JobSuspended", "Job suspended")
_RESUMED = ("JobResumed", "Job resumed")


@dataclass
class _Pass:
    """One Job at one moment, with its pods by what has become of them."""

    job: Object
    pods: list[Object]
    now: datetime

    def __post_init__(self) -> None:
        phases = [text_at(pod, "status", "phase") for pod in self.pods]
        self.succeeded = phases.count("Succeeded")
        self.failed = phases.count("Failed")
        self.active = [pod for pod in self.pods if not is_finished(pod) and not is_terminating(pod)]

    @property
    def wanted(self) -> int:
        """How many pods must succeed; without a number, the first success is enough."""
        return int(self.job["spec"].get("completions") or 1)

    @property
    def retries(self) -> int:
        """Failed pods, and containers that were started again inside of their pod."""
        restarts = sum(
            number_at(item, "restartCount")
            for pod in self.active
            for item in items_at(pod, "status", "containerStatuses")
        )
        return self.failed + restarts


def is_over(job: Object) -> bool:
    """Whether the Job has completed or failed for good."""
    return any(condition_of(job, kind).get("status") == "True" for kind in ("Complete", "Failed"))


class JobController:
    """The loop body over every Job."""

    def __init__(self, store: Store, events: Recorder, maker: PodMaker) -> None:
        self._store = store
        self._events = events
        self._maker = maker

    def tick(self, now: datetime) -> None:
        """One pass over all of them."""
        for job in self._store.list(JOBS):
            if is_terminating(job) or is_over(job):
                continue
            run = _Pass(job, owned_pods(self._store, job), now)
            if run.succeeded >= run.wanted:
                self._end(run, ("SuccessCriteriaMet", "Complete"), _DONE)
            elif run.retries > number_at(job, "spec", "backoffLimit"):
                self._end(run, ("FailureTarget", "Failed"), _LIMIT)
            elif job["spec"].get("suspend"):
                self._suspend(run)
            else:
                self._work(run)

    def _work(self, run: _Pass) -> None:
        job = run.job
        if condition_of(job, "Suspended").get("status") == "True":
            _set(job, ("Suspended", "False"), _RESUMED, run.now)
            self._tell(run, "Normal", "Resumed", "Job resumed")
        job["status"].setdefault("startTime", timestamp(run.now))
        room = min(number_at(job, "spec", "parallelism"), run.wanted - run.succeeded)
        for _ in range(room - len(run.active)):
            if not self._create(run):
                break
        self._report(run)

    def _create(self, run: _Pass) -> bool:
        prefix = f"{name_of(run.job)}-"
        names = {"name": generated_name(prefix), "generateName": prefix}
        built = pod_from(run.job["spec"]["template"], run.job, **names)
        pod = self._maker.create(run.job, built, run.now)
        if pod is not None:
            run.active.append(pod)
            self._tell(run, "Normal", "SuccessfulCreate", f"Created pod: {name_of(pod)}")
        return pod is not None

    def _suspend(self, run: _Pass) -> None:
        self._stop_active(run)
        if condition_of(run.job, "Suspended").get("status") != "True":
            _set(run.job, ("Suspended", "True"), _SUSPENDED, run.now)
            self._tell(run, "Normal", "Suspended", "Job suspended")
        run.job["status"].pop("startTime", None)
        self._report(run)

    def _end(self, run: _Pass, kinds: tuple[str, str], why: tuple[str, str]) -> None:
        self._stop_active(run)
        for kind in kinds:
            _set(run.job, (kind, "True"), why, run.now)
        if kinds[1] == "Complete":
            run.job["status"]["completionTime"] = timestamp(run.now)
            self._tell(run, "Normal", "Completed", "Job completed")
        else:
            self._tell(run, "Warning", *why)
        self._report(run)

    def _stop_active(self, run: _Pass) -> None:
        for pod in run.active:
            delete_pod(self._store, pod, None, run.now)
        run.active = []

    def _tell(self, run: _Pass, kind: str, reason: str, message: str) -> None:
        self._events.record(run.job, (kind, reason, message), _SOURCE, run.now)

    def _report(self, run: _Pass) -> None:
        status = {
            key: value
            for key, value in mapping_at(run.job, "status").items()
            if key in {"conditions", "startTime", "completionTime"}
        }
        counts = {"active": len(run.active), "succeeded": run.succeeded, "failed": run.failed}
        status |= {key: value for key, value in counts.items() if value}
        going = sum(is_terminating(pod) for pod in run.pods)
        ready = sum(is_ready(pod) for pod in run.active)
        status |= {"terminating": going, "uncountedTerminatedPods": {}, "ready": ready}
        run.job["status"] = status
        self._store.replace_status(JOBS, run.job)


def _set(job: Object, what: tuple[str, str], why: tuple[str, str], now: datetime) -> None:
    (kind, value), (reason, message) = what, why
    fresh = {"type": kind, "status": value, "lastProbeTime": timestamp(now)}
    fresh |= {"lastTransitionTime": timestamp(now), "reason": reason, "message": message}
    status = job.setdefault("status", {})
    others = [item for item in items_at(status, "conditions") if item["type"] != kind]
    status["conditions"] = [*copied(others), fresh]
