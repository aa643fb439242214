"""One cluster, through the official client, as raw JSON.

The generated methods know the paths and the authentication; their models are not used, because
they raise after a successful write when an answer does not fit them. The client's own retries are
off: it would send a write again behind our back. Nothing here decides anything, and nothing but
this package's errors (`failures.py`) may leave it.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from kubernetes import config
from kubernetes.client import ApiClient, AppsV1Api, BatchV1Api, Configuration, CoreV1Api
from kubernetes.config import ConfigException

from activities.kubernetes.failures import translated
from contracts.errors import InvalidInput, Unavailable

Object = dict[str, Any]

FIELD_MANAGER = "firebreak"
TIMEOUTS_SECONDS = (3, 15)
LOG_TIMEOUTS_SECONDS = (3, 60)
LOG_BYTES_MAX = 1_048_576
PAGE_ITEMS = 500
PAGES_MAX = 10
CONNECTIONS_MAX = 32

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"


class Answer(NamedTuple):
    """An object as the server stores it, and the server's own time (its Date header), if given."""

    body: Object
    at: datetime | None


class Cluster:
    """One cluster and one identity in it. Safe to share between threads. `context` is the
    kubeconfig context, for the commands that people are shown; empty inside a cluster.
    """

    def __init__(self, api_client: ApiClient, context: str = "") -> None:
        self.context = context
        self._api_client = api_client
        core, apps, batch = CoreV1Api(api_client), AppsV1Api(api_client), BatchV1Api(api_client)
        self._log: Callable[..., Any] = core.read_namespaced_pod_log
        self._namespace: Callable[..., Any] = core.read_namespace
        self._patch: Callable[..., Any] = apps.patch_namespaced_deployment
        self._read: dict[str, Callable[..., Any]] = {
            "Pod": core.read_namespaced_pod,
            "ReplicaSet": apps.read_namespaced_replica_set,
            "Deployment": apps.read_namespaced_deployment,
            "StatefulSet": apps.read_namespaced_stateful_set,
            "DaemonSet": apps.read_namespaced_daemon_set,
            "Job": batch.read_namespaced_job,
            "CronJob": batch.read_namespaced_cron_job,
        }
        self._list: dict[str, Callable[..., Any]] = {
            "Pod": core.list_namespaced_pod,
            "ReplicaSet": apps.list_namespaced_replica_set,
            "Event": core.list_namespaced_event,
        }

    def get(self, kind: str, namespace: str, name: str) -> Answer:
        """Read one object; raises NotFound, Unavailable or Rejected."""
        with translated(f"get {kind.lower()} {namespace}/{name}"):
            return _answer(_send(self._read[kind], name=name, namespace=namespace))

    def get_namespace(self, name: str) -> Answer:
        """Read a namespace; raises NotFound, Unavailable or Rejected."""
        with translated(f"get namespace {name}"):
            return _answer(_send(self._namespace, name=name))

    def list_all(
        self, kind: str, namespace: str, *, labels: str = "", fields: str = ""
    ) -> list[Object]:
        """All objects that both selectors choose, over at most `PAGES_MAX` pages; raises
        Unavailable when there are more, because a part must never pass for the whole.
        """
        wanted = {"namespace": namespace, "limit": PAGE_ITEMS}
        wanted |= {"label_selector": labels} if labels else {}
        wanted |= {"field_selector": fields} if fields else {}
        what = f"list {kind.lower()}s of {namespace}"
        items: list[Object] = []
        for _ in range(PAGES_MAX):
            with translated(what):
                page = _answer(_send(self._list[kind], **wanted)).body
            items += page.get("items") or []
            wanted["_continue"] = (page.get("metadata") or {}).get("continue")
            if not wanted["_continue"]:
                return items
        raise Unavailable(f"{what}: more than {PAGES_MAX * PAGE_ITEMS}", "Narrow the selector.")

    def patch_deployment(
        self, namespace: str, name: str, body: Object | list[Object], content_type: str
    ) -> Answer:
        """Write to a deployment; raises Conflict, OutcomeUnknown, NotFound, Unavailable or
        Rejected. The body must carry the uid and the resourceVersion that were read.
        """
        with translated(f"patch deployment {namespace}/{name}", write=True):
            sent = {"name": name, "namespace": namespace, "body": body}
            options = {"field_manager": FIELD_MANAGER, "_content_type": content_type}
            return _answer(_send(self._patch, **sent, **options))

    def logs(self, namespace: str, pod: str, container: str, *, previous: bool, lines: int) -> str:
        """The last lines of a container, at most `LOG_BYTES_MAX`; bytes that are no UTF-8 are
        shown as replacement characters. Raises NotFound, Unavailable or Rejected.
        """
        bounds = {"tail_lines": lines, "limit_bytes": LOG_BYTES_MAX, "timestamps": True}
        which = {"name": pod, "namespace": namespace, "container": container}
        with translated(f"logs of {namespace}/{pod} {container}"):
            timeouts = {"_request_timeout": LOG_TIMEOUTS_SECONDS}
            response = _send(self._log, previous=previous, **which, **bounds, **timeouts)
            data: bytes = response.data
        return data.decode("utf-8", errors="replace")

    def close(self) -> None:
        """Close the pooled connections."""
        self._api_client.close()  # type: ignore[no-untyped-call]  # the client has no annotation here


def _send(call: Callable[..., Any], **arguments: Any) -> Any:
    """Send one request and hand back urllib3's response, not decoded."""
    return call(**({"_request_timeout": TIMEOUTS_SECONDS} | arguments), _preload_content=False)


def _answer(response: Any) -> Answer:
    body = json.loads(response.data)
    if not isinstance(body, dict):
        raise ValueError("the answer is not a JSON object")  # noqa: TRY004  # translated above
    return Answer(body, _date_of(response.headers.get("Date", "")))


def _date_of(header: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(header)
    except ValueError:
        return None
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def open_cluster(kubeconfig: Path | None, context: str | None) -> Cluster:
    """A cluster by kubeconfig and context (None: its current one), or, without a kubeconfig, the
    cluster this process runs in. Sends nothing; raises InvalidInput when there is no such thing.
    """
    settings = Configuration()
    try:
        if kubeconfig is None:
            config.load_incluster_config(settings)  # type: ignore[no-untyped-call]
            return Cluster(_api_client(settings))
        path = str(kubeconfig)
        config.load_kube_config(  # type: ignore[no-untyped-call]
            path, context, settings, persist_config=False
        )
        _, active = config.list_kube_config_contexts(path)  # type: ignore[no-untyped-call]
        name = context or str(active["name"])
    except (ConfigException, OSError, yaml.YAMLError) as err:
        where = f"kubeconfig {kubeconfig}" if kubeconfig else "this process's own cluster"
        raise InvalidInput(
            f"{where} cannot be used: {err}",
            "Set FIREBREAK_KUBECONFIG to a kubeconfig that has this context.",
        ) from err
    return Cluster(_api_client(settings), name)


def _api_client(settings: Configuration) -> ApiClient:
    settings.retries = False
    settings.connection_pool_maxsize = CONNECTIONS_MAX
    client = ApiClient(settings)
    client.user_agent = f"{FIELD_MANAGER}/{_version()}"
    return client


def _version() -> str:
    try:
        return version("firebreak")
    except PackageNotFoundError:
        return "0"
