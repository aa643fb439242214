"""Plays a scenario on a cluster: a workload, a release that spoils it, and what is waited for.

Everything is done through the official client, as a deploy pipeline would do it, so that the
story can be told to any cluster (the fault itself only happens in the sandbox). The notifications
that go with it are in `sandbox.notifications`. Where no scenario is named, it is the seed story.
"""

import json
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from kubernetes import config
from kubernetes.client import ApiClient, ApiException, AppsV1Api, Configuration, CoreV1Api

from sandbox.containers import PULL_BACK_OFF, PULL_FAILED
from sandbox.deployment_status import condition
from sandbox.notifications import firing_notifications, resolved_notifications
from sandbox.objects import Object, items_at, mapping_at, number_at, text_at
from sandbox.profile import FAULT, LOG
from sandbox.scenario_file import BadRelease, Plot, Release, Workload, seed
from sandbox.scripts import FAULTS

NAMESPACE = "shop"
DEPLOYMENT = "user-auth"
GOOD_IMAGE = "registry.example/user-auth:1.4.2"
BAD_IMAGE = "registry.example/user-auth:1.5.0"
PIPELINE = "deploy-pipeline"
DATABASE_URL = "postgres://auth:hunter2-secret@db/auth"
CHANGE_CAUSE = "kubernetes.io/change-cause"
# A careless rolling update: two pods may be missing, which is how a bad release gets far enough
# to be felt.
STRATEGY = {"maxSurge": 1, "maxUnavailable": 2}
SICK_PODS = sum(STRATEGY.values())
SHOP = Workload(namespace=NAMESPACE, name=DEPLOYMENT)

_CALL_SECONDS = (3.0, 10.0)
_POLL_SECONDS = 0.1


def connect(
    kubeconfig: Path | str, user_agent: str = PIPELINE, context: str | None = None
) -> ApiClient:
    """An API client without hidden retries, seen by the server under this user agent. Without a
    context it is the current one of the kubeconfig.
    """
    settings = Configuration()
    config.load_kube_config(  # type: ignore[no-untyped-call]
        config_file=str(kubeconfig), context=context, client_configuration=settings
    )
    settings.retries = False
    api = ApiClient(settings)
    api.user_agent = user_agent
    return api


def create_shop(api: ApiClient, plot: Plot | None = None) -> Object:
    """Create namespace and Deployment, revision 1; returns the Deployment."""
    plot = plot or seed()
    create_namespace(api, plot.workload.namespace)
    create = AppsV1Api(api).create_namespaced_deployment
    body = shop_deployment(plot)
    return raw(create, plot.workload.namespace, body, field_manager=PIPELINE)


def create_namespace(api: ApiClient, name: str) -> None:
    """Create the namespace unless it is there."""
    try:
        namespace = {"metadata": {"name": name}}
        raw(CoreV1Api(api).create_namespace, namespace, field_manager=PIPELINE)
    except ApiException as err:
        if err.status != HTTPStatus.CONFLICT:
            raise


def shop_deployment(plot: Plot | None = None) -> Object:
    """The Deployment of revision 1: the good release, or the bad one when there is no good one."""
    plot = plot or seed()
    where, release = plot.workload, _first(plot)
    labels = {"app": where.name}
    container: Object = {
        "name": where.name,
        "image": release.image,
        "ports": [{"containerPort": 8080}],
    }
    if where.env:
        container["env"] = [{"name": key, "value": value} for key, value in where.env.items()]
    spec: Object = {
        "replicas": where.replicas,
        "selector": {"matchLabels": labels},
        "strategy": {"rollingUpdate": dict(STRATEGY)},
        "template": {
            "metadata": {"labels": labels} | _notes(release),
            "spec": {"containers": [container]},
        },
    }
    if where.progress_deadline_seconds is not None:
        spec["progressDeadlineSeconds"] = where.progress_deadline_seconds
    metadata = {
        "name": where.name,
        "labels": labels,
        "annotations": {CHANGE_CAUSE: release.change_cause},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def _first(plot: Plot) -> Release:
    release = plot.good or plot.bad
    if release is None:
        raise ValueError(f"{plot.workload.name} has no release")
    return release


def _notes(release: Release) -> Object:
    """The annotations of a template by which the sandbox knows how its pods live."""
    if not isinstance(release, BadRelease):
        return {}
    notes = {FAULT: release.fault, LOG: release.log}
    return {"annotations": {key: value for key, value in notes.items() if value}}


def break_shop(api: ApiClient, plot: Plot | None = None) -> Object:
    """Release the bad revision; returns the Deployment as patched."""
    plot = plot or seed()
    where, release = plot.workload, plot.bad or _first(plot)
    template = {
        "metadata": _notes(release),
        "spec": {"containers": [{"name": where.name, "image": release.image}]},
    }
    patch = {
        "metadata": {"annotations": {CHANGE_CAUSE: release.change_cause}},
        "spec": {"template": template},
    }
    write = AppsV1Api(api).patch_namespaced_deployment
    return raw(write, where.name, where.namespace, patch, field_manager=PIPELINE)


def play(api: ApiClient, plot: Plot, timeout_seconds: float = 30.0) -> list[Object]:
    """Bring the cluster to the point where the alerts fire; the pods that they are about.

    Raises TimeoutError when a state does not come, with what was seen last.
    """
    create_shop(api, plot)
    if plot.good is not None:
        wait_until_healthy(api, timeout_seconds, plot.workload)
        if plot.bad is not None:
            break_shop(api, plot)
    if plot.fault is None:
        wait_until_healthy(api, timeout_seconds, plot.workload)
        return list_pods(api, plot.workload)
    pods = wait_until_sick(api, plot, timeout_seconds)
    if plot.waits_until_stuck:
        wait_for(lambda: read_deployment(api, plot.workload), _is_stuck, timeout_seconds)
    return pods


def wait_until_healthy(
    api: ApiClient, timeout_seconds: float = 30.0, where: Workload = SHOP
) -> Object:
    """The Deployment, once all replicas are of the newest template and available.

    Raises TimeoutError, with what was seen last.
    """
    return wait_for(lambda: read_deployment(api, where), is_healthy, timeout_seconds)


def is_healthy(deployment: Object) -> bool:
    """Whether the newest spec was seen and everything it asks for is there."""
    wanted = number_at(deployment, "spec", "replicas")
    status = mapping_at(deployment, "status")
    counts = ("replicas", "updatedReplicas", "availableReplicas")
    seen = number_at(status, "observedGeneration")
    return seen >= number_at(deployment, "metadata", "generation") and all(
        number_at(status, key) == wanted for key in counts
    )


def _is_stuck(deployment: Object) -> bool:
    progressing = condition(mapping_at(deployment, "status"), "Progressing")
    return progressing is not None and progressing["status"] == "False"


def wait_until_crashing(api: ApiClient, timeout_seconds: float = 30.0) -> list[Object]:
    """The crash-looping pods of the seed story, once all are there; raises TimeoutError."""
    return wait_until_sick(api, seed(), timeout_seconds)


def wait_until_sick(api: ApiClient, plot: Plot, timeout_seconds: float = 30.0) -> list[Object]:
    """The pods that show the plot's fault, once a whole rolling update's worth of them does;
    raises TimeoutError.
    """
    where = plot.workload
    enough = min(where.replicas, SICK_PODS)
    found = wait_for(
        lambda: {"items": sick_pods(api, plot)},
        lambda seen: len(seen["items"]) >= enough,
        timeout_seconds,
    )
    return items_at(found, "items")


def sick_pods(api: ApiClient, plot: Plot) -> list[Object]:
    """The pods that show the plot's fault."""
    pods = list_pods(api, plot.workload)
    return [pod for pod in pods if plot.fault and _shows(pod, plot.fault)]


def crashing_pods(api: ApiClient) -> list[Object]:
    """The pods of the seed story whose container crashed at least once."""
    return sick_pods(api, seed())


def _shows(pod: Object, fault: str) -> bool:
    script = FAULTS[fault]
    for status in items_at(pod, "status", "containerStatuses"):
        if not script.pulls:
            waits_for = text_at(status, "state", "waiting", "reason")
            shows = waits_for in {PULL_FAILED, PULL_BACK_OFF}
        elif script.ends:
            shows = text_at(status, "lastState", "terminated", "reason") == script.ends.reason
        else:
            shows = bool(mapping_at(status, "state", "running")) and not status["ready"]
        if shows:
            return True
    return False


def list_pods(api: ApiClient, where: Workload = SHOP) -> list[Object]:
    """All pods of the workload."""
    read = CoreV1Api(api).list_namespaced_pod
    return items_at(raw(read, where.namespace, label_selector=f"app={where.name}"), "items")


def read_deployment(api: ApiClient, where: Workload = SHOP) -> Object:
    """The Deployment of the story."""
    return raw(AppsV1Api(api).read_namespaced_deployment, where.name, where.namespace)


def raw(method: Callable[..., Any], *arguments: Any, **options: Any) -> Object:
    """Call without models, since those may reject an answer that the server gave rightly."""
    answer = method(*arguments, _preload_content=False, _request_timeout=_CALL_SECONDS, **options)
    decoded: Object = json.loads(answer.data)
    return decoded


def wait_for(
    read: Callable[[], Object], done: Callable[[Object], bool], timeout_seconds: float
) -> Object:
    """What is read, once it is so; raises TimeoutError, with what was seen last."""
    deadline = time.monotonic() + timeout_seconds
    seen = read()
    while not done(seen):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so after {timeout_seconds} s; last seen: {json.dumps(seen)}")
        time.sleep(_POLL_SECONDS)
        seen = read()
    return seen


__all__ = [
    "BAD_IMAGE",
    "DATABASE_URL",
    "DEPLOYMENT",
    "GOOD_IMAGE",
    "NAMESPACE",
    "PIPELINE",
    "break_shop",
    "connect",
    "crashing_pods",
    "create_namespace",
    "create_shop",
    "firing_notifications",
    "is_healthy",
    "list_pods",
    "play",
    "raw",
    "read_deployment",
    "resolved_notifications",
    "shop_deployment",
    "sick_pods",
    "wait_for",
    "wait_until_crashing",
    "wait_until_healthy",
    "wait_until_sick",
]
