"""What else happens in a scenario than a bad release: an autoscaler at its end, a Job that failed,
one sick pod, a node that is gone; and how to tell that somebody has mended it.

Like `sandbox.scenario` it talks to any cluster; the faults themselves only happen in the sandbox.
"""

import time

from kubernetes.client import ApiClient, AutoscalingV2Api, BatchV1Api, CoreV1Api

from sandbox.objects import Object, items_at, name_of, number_at, text_at
from sandbox.pods import condition_of
from sandbox.profile import FAULT
from sandbox.scenario import (
    PIPELINE,
    is_healthy,
    list_pods,
    play,
    raw,
    read_deployment,
    wait_for,
)
from sandbox.scenario_file import Autoscaler, FailedJob, Plot, Workload, failed_job_of

SHOWS_SECONDS_MAX = 30.0
LOWERS_SECONDS_MAX = 10.0
POLL_SECONDS = 0.2


def happen(api: ApiClient, plot: Plot) -> list[Object]:
    """Bring the cluster to the point where the alerts fire; the pods that they are about.

    Raises TimeoutError when a state does not come, with what was seen last.
    """
    pods = play(api, plot)
    if plot.autoscaler:
        _scale(api, plot.workload, plot.autoscaler)
    if plot.job:
        _fail(api, plot, plot.job)
    if plot.pod:
        return [_spoil(api, plot.workload, pods[0], plot.pod.fault)]
    if plot.node:
        return _lose(api, plot.workload, text_at(pods[0], "spec", "nodeName"), plot.node.fault)
    return pods


def is_well(api: ApiClient, plot: Plot) -> bool:
    """Whether what the scenario is about works: the workload, or the work of the failed Job."""
    if plot.job:
        jobs = raw(BatchV1Api(api).list_namespaced_job, plot.workload.namespace)
        return any(_is(job, "Complete") for job in items_at(jobs, "items"))
    return is_healthy(read_deployment(api, plot.workload))


def ends_well(api: ApiClient, plot: Plot) -> bool:
    """Whether it works in the end. An autoscaler that was given back its bounds is still lowering
    the number, so it is given a moment.
    """
    deadline = time.monotonic() + (LOWERS_SECONDS_MAX if plot.autoscaler else 0)
    while not (well := is_well(api, plot)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return well


def is_mended(api: ApiClient, plot: Plot, broken: Object) -> bool:
    """Whether somebody has made it well, so that the alerts resolve. `broken` is the Deployment as
    it was; health alone mends nothing, because what nobody has changed alerts for another reason.
    A failed Job is taken to be deleted by whoever reads that its work is done; nobody here repairs
    a node.
    """
    if plot.node:
        return False
    now = read_deployment(api, plot.workload)
    changed = number_at(now, "metadata", "generation") > number_at(broken, "metadata", "generation")
    changed = changed or _has_more_room(api, plot)
    return (changed or plot.pod is not None or plot.job is not None) and is_well(api, plot)


def _has_more_room(api: ApiClient, plot: Plot) -> bool:
    """Whether its autoscaler may add more pods than it could at first."""
    if plot.autoscaler is None:
        return False
    read = AutoscalingV2Api(api).read_namespaced_horizontal_pod_autoscaler
    found = raw(read, plot.workload.name, plot.workload.namespace)
    return number_at(found, "spec", "maxReplicas") > plot.autoscaler.max


def _scale(api: ApiClient, where: Workload, bounds: Autoscaler) -> None:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": where.name}
    spec = {
        "scaleTargetRef": reference,
        "minReplicas": bounds.min,
        "maxReplicas": bounds.max,
        "metrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": 70},
                },
            }
        ],
    }
    scalers = AutoscalingV2Api(api)
    body = {"metadata": {"name": where.name}, "spec": spec}
    raw(
        scalers.create_namespaced_horizontal_pod_autoscaler,
        where.namespace,
        body,
        field_manager=PIPELINE,
    )
    read = scalers.read_namespaced_horizontal_pod_autoscaler
    wait_for(
        lambda: raw(read, where.name, where.namespace),
        lambda scaler: number_at(scaler, "status", "currentReplicas") >= bounds.max,
        SHOWS_SECONDS_MAX,
    )


def _fail(api: ApiClient, plot: Plot, job: FailedJob) -> None:
    """A CronJob, and a Job of it whose pod fails."""
    batch, namespace = BatchV1Api(api), plot.workload.namespace
    cron_job = raw(
        batch.create_namespaced_cron_job,
        namespace,
        {
            "metadata": {"name": job.name},
            "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": _work(job, {})}},
        },
        field_manager=PIPELINE,
    )
    owner = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": job.name,
        "uid": cron_job["metadata"]["uid"],
        "controller": True,
    }
    name = failed_job_of(plot)
    body = {
        "metadata": {"name": name, "ownerReferences": [owner]},
        "spec": _work(job, {FAULT: job.fault}),
    }
    raw(batch.create_namespaced_job, namespace, body, field_manager=PIPELINE)
    wait_for(
        lambda: raw(batch.read_namespaced_job, name, namespace),
        lambda seen: _is(seen, "Failed"),
        SHOWS_SECONDS_MAX,
    )


def _work(job: FailedJob, notes: Object) -> Object:
    pod = {"restartPolicy": "Never", "containers": [{"name": job.name, "image": job.image}]}
    return {"backoffLimit": 0, "template": {"metadata": {"annotations": notes}, "spec": pod}}


def _spoil(api: ApiClient, where: Workload, pod: Object, fault: str) -> Object:
    """Give one pod a fault of its own; the pod when its workload lacks it."""
    note = {"metadata": {"annotations": {FAULT: fault}}}
    core = CoreV1Api(api)
    raw(core.patch_namespaced_pod, name_of(pod), where.namespace, note, field_manager=PIPELINE)
    wait_for(
        lambda: read_deployment(api, where), lambda seen: not is_healthy(seen), SHOWS_SECONDS_MAX
    )
    return raw(core.read_namespaced_pod, name_of(pod), where.namespace)


def _lose(api: ApiClient, where: Workload, node: str, fault: str) -> list[Object]:
    """Let the node fail; the workload's pods on it, once the workload lacks them."""
    note = {"metadata": {"annotations": {FAULT: fault}}}
    core = CoreV1Api(api)
    raw(core.patch_node, node, note, field_manager=PIPELINE)
    wait_for(
        lambda: read_deployment(api, where), lambda seen: not is_healthy(seen), SHOWS_SECONDS_MAX
    )
    return [pod for pod in list_pods(api, where) if text_at(pod, "spec", "nodeName") == node]


def _is(job: Object, condition: str) -> bool:
    return condition_of(job, condition).get("status") == "True"
