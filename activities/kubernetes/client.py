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
from kubernetes.client import (
    ApiClient,
    AppsV1Api,
    AuthorizationV1Api,
    AutoscalingV2Api,
    BatchV1Api,
    Configuration,
    CoreV1Api,
    CustomObjectsApi,
    PolicyV1Api,
)
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


class Kind(NamedTuple):
    """How the generated client names the methods of a kind: `read_namespaced_pod`, `read_node`."""

    api: str
    noun: str
    namespaced: bool = True


class Custom(NamedTuple):
    """A kind that the generated client has no methods for."""

    group: str
    version: str
    plural: str


KINDS: dict[str, Kind | Custom] = {
    "Namespace": Kind("core", "namespace", namespaced=False),
    "Node": Kind("core", "node", namespaced=False),
    "Pod": Kind("core", "pod"),
    "ConfigMap": Kind("core", "config_map"),
    "Event": Kind("core", "event"),
    "ResourceQuota": Kind("core", "resource_quota"),
    "Deployment": Kind("apps", "deployment"),
    "ReplicaSet": Kind("apps", "replica_set"),
    "StatefulSet": Kind("apps", "stateful_set"),
    "DaemonSet": Kind("apps", "daemon_set"),
    "ControllerRevision": Kind("apps", "controller_revision"),
    "Job": Kind("batch", "job"),
    "CronJob": Kind("batch", "cron_job"),
    "HorizontalPodAutoscaler": Kind("autoscaling", "horizontal_pod_autoscaler"),
    "PodDisruptionBudget": Kind("policy", "pod_disruption_budget"),
    "ScaledObject": Custom("keda.sh", "v1alpha1", "scaledobjects"),
    "PodMetrics": Custom("metrics.k8s.io", "v1beta1", "pods"),
}
ANYWHERE = ""


class Cluster:
    """One cluster and one identity in it. Safe to share between threads. `context` is the
    kubeconfig context, for the commands that people are shown; empty inside a cluster.

    Every method raises NotFound, Unavailable or Rejected; a write also Conflict and
    OutcomeUnknown. `namespace` is empty for kinds that have none.
    """

    def __init__(self, api_client: ApiClient, context: str = "") -> None:
        self.context = context
        self._api_client = api_client
        self._apis: dict[str, Any] = {
            "core": CoreV1Api(api_client),
            "apps": AppsV1Api(api_client),
            "batch": BatchV1Api(api_client),
            "autoscaling": AutoscalingV2Api(api_client),
            "policy": PolicyV1Api(api_client),
            "custom": CustomObjectsApi(api_client),
            "authorization": AuthorizationV1Api(api_client),
        }

    def get(self, kind: str, namespace: str, name: str) -> Answer:
        """Read one object."""
        with translated(f"get {_spoken(kind, namespace, name)}"):
            return _answer(self._call("read", kind, namespace, name=name))

    def list_all(
        self, kind: str, namespace: str, *, labels: str = "", fields: str = ""
    ) -> list[Object]:
        """All objects that both selectors choose, over at most `PAGES_MAX` pages, in one namespace
        or (`ANYWHERE`) in all; raises Unavailable when there are more, because a part must never
        pass for the whole.
        """
        wanted: dict[str, Any] = {"limit": PAGE_ITEMS}
        wanted |= {"label_selector": labels} if labels else {}
        wanted |= {"field_selector": fields} if fields else {}
        what = f"list every {kind.lower()} of {namespace or 'the cluster'}"
        items: list[Object] = []
        for _ in range(PAGES_MAX):
            with translated(what):
                page = _answer(self._call("list", kind, namespace, **wanted)).body
            items += page.get("items") or []
            wanted["_continue"] = (page.get("metadata") or {}).get("continue")
            if not wanted["_continue"]:
                return items
        raise Unavailable(f"{what}: more than {PAGES_MAX * PAGE_ITEMS}", "Narrow the selector.")

    def patch(self, place: "Place", patch: "Patch", *, dry_run: bool = False) -> Answer:
        """Change one object. The body must carry the uid and the resourceVersion that were read."""
        with translated(f"patch {place}", write=not dry_run):
            options = _as_ours(dry_run=dry_run) | {"_content_type": patch.content_type}
            call = self._call(
                "patch",
                place.kind,
                place.namespace,
                place.subresource,
                **options,
                name=place.name,
                body=patch.body,
            )
            return _answer(call)

    def create(self, kind: str, namespace: str, body: Object, *, dry_run: bool = False) -> Answer:
        """Create one object under the name in its body; a 409 means that the name is taken."""
        name = (body.get("metadata") or {}).get("name", "")
        with translated(f"create {_spoken(kind, namespace, name)}", write=not dry_run):
            options = _as_ours(dry_run=dry_run)
            return _answer(self._call("create", kind, namespace, body=body, **options))

    def delete(self, place: "Place", options: Object, *, dry_run: bool = False) -> Answer:
        """Delete one object. `options` are DeleteOptions and must carry `preconditions.uid`; the
        answer is the object (still going away) or a Status.
        """
        # Where a delete has a body, the API server reads no option from the address: a dry run that
        # is asked for there deletes.
        body = options | ({"dryRun": ["All"]} if dry_run else {})
        with translated(f"delete {place}", write=not dry_run):
            return _answer(
                self._call("delete", place.kind, place.namespace, name=place.name, body=body)
            )

    def evict(self, namespace: str, pod: str, options: Object, *, dry_run: bool = False) -> Answer:
        """Ask for a pod's eviction; raises BudgetSpent when a disruption budget says not now.
        `options` are DeleteOptions and must carry `preconditions.uid`.
        """
        identity = {"name": pod, "namespace": namespace}
        head = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": identity}
        with translated(f"evict pod {namespace}/{pod}", write=not dry_run):
            send = self._apis["core"].create_namespaced_pod_eviction
            body = head | {"deleteOptions": options}
            return _answer(_send(send, body=body, **identity, **_as_ours(dry_run=dry_run)))

    def may(self, attributes: Object) -> bool:
        """Whether the API server allows this identity what `resourceAttributes` say."""
        review = {"spec": {"resourceAttributes": attributes}}
        with translated("review the own access"):
            send = self._apis["authorization"].create_self_subject_access_review
            return bool(_answer(_send(send, body=review)).body["status"].get("allowed"))

    def logs(self, namespace: str, pod: str, container: str, *, previous: bool, lines: int) -> str:
        """The last lines of a container, at most `LOG_BYTES_MAX`; bytes that are no UTF-8 are
        shown as replacement characters.
        """
        bounds = {"tail_lines": lines, "limit_bytes": LOG_BYTES_MAX, "timestamps": True}
        which = {"name": pod, "namespace": namespace, "container": container}
        with translated(f"logs of {namespace}/{pod} {container}"):
            timeouts = {"_request_timeout": LOG_TIMEOUTS_SECONDS}
            send = self._apis["core"].read_namespaced_pod_log
            response = _send(send, previous=previous, **which, **bounds, **timeouts)
            data: bytes = response.data
        return data.decode("utf-8", errors="replace")

    def close(self) -> None:
        """Close the pooled connections."""
        self._api_client.close()  # type: ignore[no-untyped-call]  # the client has no annotation here

    def _call(self, verb: str, kind: str, namespace: str, part: str = "", **rest: Any) -> Any:
        known = KINDS[kind]
        if isinstance(known, Custom):
            return self._custom(verb, known, namespace, rest)
        scope = "namespaced_" if known.namespaced and namespace else ""
        every = "_for_all_namespaces" if known.namespaced and not namespace else ""
        method = f"{verb}_{scope}{known.noun}{f'_{part}' if part else ''}{every}"
        where = {"namespace": namespace} if scope else {}
        return _send(getattr(self._apis[known.api], method), **where, **rest)

    def _custom(self, verb: str, kind: Custom, namespace: str, rest: dict[str, Any]) -> Any:
        verb = {"read": "get"}.get(verb, verb)
        method = getattr(self._apis["custom"], f"{verb}_namespaced_custom_object")
        return _send(method, **kind._asdict(), namespace=namespace, **rest)


class Place(NamedTuple):
    """Which object a write is about; `subresource` is empty, `scale` or `status`."""

    kind: str
    namespace: str
    name: str
    subresource: str = ""

    def __str__(self) -> str:
        """`deployment shop/web scale`."""
        return f"{_spoken(self.kind, self.namespace, self.name)} {self.subresource}".rstrip()


class Patch(NamedTuple):
    """What a patch sends. The body carries the uid and the resourceVersion that were read."""

    body: Object | list[Object]
    content_type: str


def _spoken(kind: str, namespace: str, name: str) -> str:
    return f"{kind.lower()} {f'{namespace}/' if namespace else ''}{name}"


def _as_ours(*, dry_run: bool) -> dict[str, Any]:
    return {"field_manager": FIELD_MANAGER} | _dry(dry_run=dry_run)


def _dry(*, dry_run: bool) -> dict[str, Any]:
    return {"dry_run": "All"} if dry_run else {}


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
