"""Where a story is played: on a sandbox of its own, or on a cluster that somebody lends.

On a lent cluster nothing is touched but one namespace, which must not exist before and does not
exist after; `sandbox.claim` sees to it that nobody else's is taken for it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from kubernetes.client import ApiClient, ApiException, CoreV1Api
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from contracts.errors import InvalidInput, Unavailable
from sandbox.claim import beating, claim, give_back
from sandbox.objects import Object, annotations_of, items_at
from sandbox.revisions import REVISION
from sandbox.scenario import connect, raw
from sandbox.server import SandboxServer

FAKE_NODE = "type"
KWOK = "kwok"


class Ground(Protocol):
    """A cluster for one story. `cluster` is its name in the policy, where `default` is the current
    context of `kubeconfig`.
    """

    @property
    def kubeconfig(self) -> Path:
        """The file that Firebreak and people are given."""

    @property
    def cluster(self) -> str:
        """Its name in the policy."""

    def connect(self) -> ApiClient:
        """A client of the team's pipeline; whoever asks for it closes it."""

    def writes(self, agent: str, began: Object, ended: Object) -> int | None:
        """How many writes of the user agent have changed something since the Deployment was
        `began`, now that it is `ended`; None when that cannot be known.
        """


Grounds = Callable[[Path], AbstractContextManager[Ground]]


class Sandbox(NamedTuple):
    """A sandbox, which counts every write."""

    server: SandboxServer
    kubeconfig: Path
    cluster: str

    def connect(self) -> ApiClient:
        """The only user there is."""
        return connect(self.kubeconfig)

    def writes(self, agent: str, began: Object, ended: Object) -> int:  # noqa: ARG002 - it counts
        """From the journal."""
        counted = self.server.effective_writes().items()
        return sum(number for name, number in counted if name.startswith(agent))


@contextmanager
def sandbox(folder: Path, cluster: str, context: str) -> Iterator[Sandbox]:
    """A sandbox until the block ends; its kubeconfig is in the folder."""
    with SandboxServer(tokens={"sandbox": "sandbox-admin"}) as server:
        yield Sandbox(
            server, server.write_kubeconfig(folder / "kubeconfig", context=context), cluster
        )


class Lent(NamedTuple):
    """Somebody's cluster, by its kubeconfig and context (None: the current one)."""

    kubeconfig: Path
    context: str | None

    @property
    def cluster(self) -> str:
        """The policy knows clusters by their context."""
        return self.context or "default"

    def connect(self) -> ApiClient:
        """With the rights of whoever lends it."""
        return connect(self.kubeconfig, context=self.context)

    def writes(self, agent: str, began: Object, ended: Object) -> int | None:
        """The new revisions, if Firebreak is the last who wrote one.

        The API server tells its audit log alone who wrote how often; but in this story a write of
        Firebreak is a new revision, and nobody else makes one.
        """
        new = _revision(ended) - _revision(began)
        return new if new == 0 or _wrote_template(ended, agent) else None


@contextmanager
def lent(kubeconfig: Path, context: str | None, namespace: str) -> Iterator[Lent]:
    """Somebody's cluster with a fresh namespace, which is deleted when the block ends.

    Raises:
        InvalidInput: no such context, no node that plays its pods, or somebody has the namespace,
            such as another story that plays there now.
        Unavailable: the cluster does not answer.

    """
    ground = Lent(kubeconfig, context)
    try:
        api = ground.connect()
    except (ConfigException, OSError) as err:
        fix = "Name a kubeconfig, and with --context a context that it has."
        raise InvalidInput(f"{kubeconfig} cannot be used: {err}", fix) from err
    core = CoreV1Api(api)
    try:
        with _reaching(kubeconfig):
            _require_played_nodes(core)
            mine = claim(core, namespace)
        try:
            with beating(core, mine):
                yield ground
        finally:
            with _reaching(kubeconfig):
                give_back(core, mine)
    finally:
        api.close()  # type: ignore[no-untyped-call]


@contextmanager
def _reaching(kubeconfig: Path) -> Iterator[None]:
    fix = "Look at it with `kubectl get nodes`; a fresh one starts with `make controlplane-up`."
    try:
        yield
    except ApiException as err:
        text = f"the cluster of {kubeconfig} refused: {err.status} {err.reason}"
        raise Unavailable(text, fix) from err
    except (HTTPError, OSError) as err:
        raise Unavailable(f"the cluster of {kubeconfig} does not answer: {err}", fix) from err


def _require_played_nodes(core: CoreV1Api) -> None:
    """The story's images are nowhere: only nodes that play their pods can run them."""
    found = items_at(raw(core.list_node, label_selector=f"{FAKE_NODE}={KWOK}"), "items")
    if not found:
        raise InvalidInput(
            f"no node of that cluster has the label {FAKE_NODE}={KWOK}, so its pods would be real; "
            "the story's images exist nowhere",
            "Start one with `make controlplane-up`, or leave --kubeconfig out for a sandbox.",
        )


def _revision(deployment: Object) -> int:
    return int(annotations_of(deployment).get(REVISION, "0"))


def _wrote_template(deployment: Object, agent: str) -> bool:
    entries: list[Any] = items_at(deployment, "metadata", "managedFields")
    return any(
        str(entry.get("manager", "")).startswith(agent)
        and "f:template" in entry.get("fieldsV1", {}).get("f:spec", {})
        for entry in entries
    )
