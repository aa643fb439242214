"""What the API does to a Job or a CronJob before it keeps it: defaults, labels, validation.

A Job's pods are found by labels with the Job's own uid, which is why a Job gets its uid here. It
never writes.
"""

import uuid

from sandbox.objects import Object, mapping_at, name_of, uid_of
from sandbox.status import Cause, bad_value, immutable, required, unsupported
from sandbox.templates import (
    container_problems,
    default_template,
    name_problems,
    negative_problems,
)

JOB_INTEGERS = (
    "parallelism",
    "completions",
    "backoffLimit",
    "activeDeadlineSeconds",
    "ttlSecondsAfterFinished",
)
CRON_INTEGERS = ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
CONTROLLER_UID, JOB_NAME = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"
_CRON_FIELDS = 5


def job_problems(job: Object, current: Object | None = None) -> list[Cause]:
    """Fill in the defaults of a Job; its field errors, with `current` of an update."""
    spec = job.setdefault("spec", {})
    defaults = {
        "parallelism": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "manualSelector": False,
        "podReplacementPolicy": "TerminatingOrFailed",
    }
    if "parallelism" not in spec:
        spec.setdefault("completions", 1)
    for key, value in defaults.items():
        spec.setdefault(key, value)
    sent = mapping_at(spec, "template", "spec").get("restartPolicy")
    default_template(spec)
    if current is None:
        _label(job)
    found = name_problems(job) + negative_problems(spec, JOB_INTEGERS)
    found += container_problems(spec["template"], "spec.template")
    found += _restart_problems(sent, "spec.template.spec.restartPolicy")
    return found + (_changed(spec, current["spec"]) if current is not None else [])


def _label(job: Object) -> None:
    """The labels by which the Job will know its pods."""
    job["metadata"].setdefault("uid", str(uuid.uuid4()))
    uid, name = uid_of(job), name_of(job)
    own = {CONTROLLER_UID: uid, JOB_NAME: name, "controller-uid": uid, "job-name": name}
    template = job["spec"]["template"]["metadata"]
    template["labels"] = mapping_at(template, "labels") | own
    job["metadata"].setdefault("labels", dict(template["labels"]))
    job["spec"]["selector"] = {"matchLabels": {CONTROLLER_UID: uid}}


def _restart_problems(policy: object, field: str) -> list[Cause]:
    if not policy:
        return [required(field, 'valid values: "OnFailure", "Never"')]
    if policy not in {"OnFailure", "Never"}:
        return [unsupported(field, f'"{policy}"', "OnFailure", "Never")]
    return []


def _changed(spec: Object, before: Object) -> list[Cause]:
    return [
        immutable(f"spec.{key}", str(spec.get(key)))
        for key in ("completions", "selector", "template", "completionMode")
        if spec.get(key) != before.get(key)
    ]


def cron_job_problems(cron_job: Object, current: Object | None = None) -> list[Cause]:
    """Fill in the defaults of a CronJob; its field errors, those of an update are the same."""
    del current
    spec = cron_job.setdefault("spec", {})
    defaults = {
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    }
    for key, value in defaults.items():
        spec.setdefault(key, value)
    inside = spec.setdefault("jobTemplate", {})
    inside.setdefault("metadata", {})
    job = inside.setdefault("spec", {})
    sent = mapping_at(job, "template", "spec").get("restartPolicy")
    default_template(job)
    field = "spec.jobTemplate.spec.template"
    found = name_problems(cron_job) + _schedule_problems(spec)
    found += container_problems(job["template"], field)
    return found + _restart_problems(sent, f"{field}.spec.restartPolicy")


def _schedule_problems(spec: Object) -> list[Cause]:
    schedule = spec.get("schedule")
    if not isinstance(schedule, str) or not schedule:
        return [required("spec.schedule")]
    parts = schedule.split()
    if len(parts) == _CRON_FIELDS or schedule.startswith("@"):
        return []
    why = f"expected exactly 5 fields, found {len(parts)}: [{' '.join(parts)}]"
    return [bad_value("spec.schedule", f'"{schedule}"', why)]
