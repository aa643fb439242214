"""The seed story: a healthy shop, a bad release, pods that crash-loop.

Everything is done through the official client, as a deploy pipeline would do it, so that the
story can be told to any cluster (the fault itself only happens in the sandbox). The notifications
that go with it are in `sandbox.notifications`.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kubernetes import config
from kubernetes.client import ApiClient, AppsV1Api, Configuration, CoreV1Api

from sandbox.notifications import firing_notifications, resolved_notifications
from sandbox.objects import Object, items_at, mapping_at, number_at, text_at
from sandbox.profile import CRASH_LOOP, FAULT, LOG

NAMESPACE = "shop"
DEPLOYMENT = "user-auth"
GOOD_IMAGE = "registry.example/user-auth:1.4.2"
BAD_IMAGE = "registry.example/user-auth:1.5.0"
REPLICAS = 3
PIPELINE = "deploy-pipeline"
# A planted secret: tests look for it everywhere it must never turn up.
DATABASE_URL = "postgres://auth:hunter2-secret@db/auth"
CHANGE_CAUSE = "kubernetes.io/change-cause"
CRASH_LOG = f"""\
INFO  connecting to {DATABASE_URL}
ERROR session store refused the handshake: unknown column "mfa_state"
Traceback (most recent call last):
  File "/app/main.py", line 42, in <module>
    serve(open_store(environ["DATABASE_URL"]))
  File "/app/store.py", line 88, in open_store
    raise MigrationMissing("users.mfa_state")
app.errors.MigrationMissing: users.mfa_state"""

_CALL_SECONDS = (3.0, 10.0)
_POLL_SECONDS = 0.1


def connect(kubeconfig: Path | str, user_agent: str = PIPELINE) -> ApiClient:
    """An API client without hidden retries, seen by the server under this user agent."""
    settings = Configuration()
    config.load_kube_config(  # type: ignore[no-untyped-call]
        config_file=str(kubeconfig), client_configuration=settings
    )
    settings.retries = False
    api = ApiClient(settings)
    api.user_agent = user_agent
    return api


def create_shop(api: ApiClient) -> Object:
    """Create namespace and Deployment, revision 1, healthy; returns the Deployment."""
    namespace = {"metadata": {"name": NAMESPACE}}
    _call(CoreV1Api(api).create_namespace, namespace, field_manager=PIPELINE)
    create = AppsV1Api(api).create_namespaced_deployment
    return _call(create, NAMESPACE, shop_deployment(), field_manager=PIPELINE)


def shop_deployment() -> Object:
    """The Deployment of revision 1.

    Its rolling update is a careless one: two of three pods may be missing, which is how a bad
    release gets far enough to be felt.
    """
    labels = {"app": DEPLOYMENT}
    container = {
        "name": DEPLOYMENT,
        "image": GOOD_IMAGE,
        "ports": [{"containerPort": 8080}],
        "env": [{"name": "DATABASE_URL", "value": DATABASE_URL}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": DEPLOYMENT,
            "labels": labels,
            "annotations": {CHANGE_CAUSE: "release 1.4.2"},
        },
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": labels},
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 2}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container]},
            },
        },
    }


def break_shop(api: ApiClient) -> Object:
    """Release 1.5.0, whose pods crash; returns the Deployment as patched."""
    template = {
        "metadata": {"annotations": {FAULT: CRASH_LOOP, LOG: CRASH_LOG}},
        "spec": {"containers": [{"name": DEPLOYMENT, "image": BAD_IMAGE}]},
    }
    patch = {
        "metadata": {"annotations": {CHANGE_CAUSE: "release 1.5.0"}},
        "spec": {"template": template},
    }
    write = AppsV1Api(api).patch_namespaced_deployment
    return _call(write, DEPLOYMENT, NAMESPACE, patch, field_manager=PIPELINE)


def wait_until_healthy(api: ApiClient, timeout_seconds: float = 30.0) -> Object:
    """The Deployment, once all replicas are of the newest template and available.

    Raises TimeoutError, with what was seen last.
    """
    return _wait(lambda: read_deployment(api), is_healthy, timeout_seconds)


def is_healthy(deployment: Object) -> bool:
    """Whether the newest spec was seen and everything it asks for is there."""
    wanted = number_at(deployment, "spec", "replicas")
    status = mapping_at(deployment, "status")
    counts = ("replicas", "updatedReplicas", "availableReplicas")
    seen = number_at(status, "observedGeneration")
    return seen >= number_at(deployment, "metadata", "generation") and all(
        number_at(status, key) == wanted for key in counts
    )


def wait_until_crashing(
    api: ApiClient, pods_min: int = REPLICAS, timeout_seconds: float = 30.0
) -> list[Object]:
    """The crash-looping pods, once there are at least so many; raises TimeoutError."""
    found = _wait(
        lambda: {"items": crashing_pods(api)},
        lambda seen: len(seen["items"]) >= pods_min,
        timeout_seconds,
    )
    return items_at(found, "items")


def crashing_pods(api: ApiClient) -> list[Object]:
    """The pods of the shop whose container crashed at least once."""
    listed = _call(CoreV1Api(api).list_namespaced_pod, NAMESPACE)
    return [pod for pod in items_at(listed, "items") if _has_crashed(pod)]


def _has_crashed(pod: Object) -> bool:
    containers = items_at(pod, "status", "containerStatuses")
    return any(text_at(item, "lastState", "terminated", "reason") for item in containers)


def read_deployment(api: ApiClient) -> Object:
    """The Deployment of the story."""
    return _call(AppsV1Api(api).read_namespaced_deployment, DEPLOYMENT, NAMESPACE)


def _call(method: Callable[..., Any], *arguments: Any, **options: Any) -> Object:
    """Call without models, since those may reject an answer that the server gave rightly."""
    answer = method(*arguments, _preload_content=False, _request_timeout=_CALL_SECONDS, **options)
    decoded: Object = json.loads(answer.data)
    return decoded


def _wait(
    read: Callable[[], Object], done: Callable[[Object], bool], timeout_seconds: float
) -> Object:
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
    "REPLICAS",
    "break_shop",
    "connect",
    "crashing_pods",
    "create_shop",
    "firing_notifications",
    "is_healthy",
    "read_deployment",
    "resolved_notifications",
    "shop_deployment",
    "wait_until_crashing",
    "wait_until_healthy",
]
