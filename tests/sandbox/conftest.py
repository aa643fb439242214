"""A sandbox on a manual clock, driven by the official client over real HTTP."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import urllib3
from kubernetes.client import ApiClient, ApiException, AppsV1Api, CoreV1Api

from sandbox import Pace, SandboxServer, Timing
from sandbox.scenario import connect, shop_deployment

TOKENS = {"token-ana": "ana", "token-bot": "bot"}


class Answer(NamedTuple):
    """What the server said, without the client's models in between."""

    code: int
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def reason(self) -> str:
        """`Status.reason` of a refusal."""
        return str(self.body.get("reason", ""))

    @property
    def message(self) -> str:
        """`Status.message` of a refusal."""
        return str(self.body.get("message", ""))


class Cluster:
    """The server, its clock and a client."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
        pace = Pace(back_off_first_seconds=10, back_off_max_seconds=300)
        timing = Timing(clock=lambda: self.now, tick_seconds=None, pace=pace)
        self.server = SandboxServer(tokens=TOKENS, timing=timing)
        self.server.start()
        self.kubeconfig = self.server.write_kubeconfig(folder / "kubeconfig", user="bot")
        self.client = self.connect("firebreak-test")
        self.apps, self.core = AppsV1Api(self.client), CoreV1Api(self.client)

    def connect(self, user_agent: str) -> ApiClient:
        """Another client, known by its user agent."""
        return connect(self.kubeconfig, user_agent)

    def advance(self, seconds: float = 3.0, step_seconds: float = 0.1) -> None:
        """Let time pass, ticking as the thread would."""
        for _ in range(round(seconds / step_seconds)):
            self.now += timedelta(seconds=step_seconds)
            self.server.tick(self.now)

    def call(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Answer:
        """One call; refusals come back as answers too."""
        try:
            response = method(
                *arguments, _preload_content=False, _request_timeout=(2, 5), **options
            )
        except ApiException as error:
            text = error.body or ""
            body = json.loads(text) if text.startswith("{") else {"message": text}
            return Answer(int(error.status or 0), body, dict(error.headers or {}))
        return Answer(response.status, json.loads(response.data), dict(response.headers))

    def raw(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """A call that the generated client has no method for, or would not send."""
        sent = {"Authorization": "Bearer token-bot", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body)
        with urllib3.PoolManager(retries=False, timeout=5) as pool:
            response = pool.request(method, self.server.url + path, headers=sent, body=data)
        text = response.data.decode()
        answer = json.loads(text) if text.startswith("{") else {"message": text}
        return Answer(response.status, answer, dict(response.headers))

    def create_shop(self, **spec: Any) -> dict[str, Any]:
        """The seed deployment in a namespace of its own, rolled out; `spec` overrides."""
        self.call(self.core.create_namespace, {"metadata": {"name": "shop"}})
        deployment = shop_deployment()
        deployment["spec"] |= spec
        created = self.call(self.apps.create_namespaced_deployment, "shop", deployment)
        assert created.code == 201, created.body
        self.advance(1)
        return self.deployment()

    def deployment(self) -> dict[str, Any]:
        """The deployment as it is now."""
        return self.call(self.apps.read_namespaced_deployment, "user-auth", "shop").body

    def patch(self, patch: Any, **options: Any) -> Answer:
        """Patch the deployment: a dict is a strategic merge, a list a JSON patch."""
        write = self.apps.patch_namespaced_deployment
        return self.call(write, "user-auth", "shop", patch, **options)

    def release(self, image: str, **annotations: str) -> Answer:
        """A new template; annotations say how its pods live."""
        notes = {f"sandbox.firebreak/{name}": value for name, value in annotations.items()}
        containers = [{"name": "user-auth", "image": image}]
        template = {"metadata": {"annotations": notes}, "spec": {"containers": containers}}
        return self.patch({"spec": {"template": template}})

    def replica_sets(self) -> dict[str, dict[str, Any]]:
        """ReplicaSets by the image of their container."""
        listed = self.call(self.apps.list_namespaced_replica_set, "shop").body["items"]
        return {item["spec"]["template"]["spec"]["containers"][0]["image"]: item for item in listed}

    def pods(self, selector: str = "") -> list[dict[str, Any]]:
        """All pods of the shop."""
        listed = self.call(self.core.list_namespaced_pod, "shop", label_selector=selector)
        items: list[dict[str, Any]] = listed.body["items"]
        return items

    def writes(self) -> int:
        """Effective writes of the test's own client."""
        return self.server.effective_writes().get("firebreak-test", 0)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A fresh sandbox; nothing moves until the test lets time pass."""
    made = Cluster(tmp_path)
    yield made
    made.client.close()  # type: ignore[no-untyped-call]
    made.server.stop()


@pytest.fixture
def shop(cluster: Cluster) -> Cluster:
    """The same, with the healthy shop in it."""
    cluster.create_shop()
    return cluster
