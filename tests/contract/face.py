"""Calls as the protocol has them: a code, a body, headers, and nothing in between."""

import json
from typing import Any, NamedTuple

import httpx
from clusters import Live, Role

from tools.controlplane.attach import address_of

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
FAULT = "sandbox.firebreak/fault"
CALL_SECONDS_MAX = 20.0


class Answer(NamedTuple):
    """What the server said, refusals too."""

    code: int
    body: dict[str, Any]
    headers: httpx.Headers

    @property
    def reason(self) -> str:
        """`reason` of a Status."""
        return str(self.body.get("reason", ""))

    @property
    def message(self) -> str:
        """`message` of a Status, or the text of an answer that is none."""
        return str(self.body.get("message", ""))

    @property
    def causes(self) -> list[dict[str, Any]]:
        """`details.causes` of a Status."""
        found: list[dict[str, Any]] = self.body.get("details", {}).get("causes", [])
        return found

    @property
    def what(self) -> tuple[int, str]:
        """Code and reason."""
        return self.code, self.reason

    @property
    def version(self) -> str:
        """`metadata.resourceVersion` of an object."""
        return str(self.body["metadata"]["resourceVersion"])

    @property
    def uid(self) -> str:
        """`metadata.uid` of an object."""
        return str(self.body["metadata"]["uid"])


class Face:
    """One cluster, in one namespace; paths are `apps/v1/deployments/web/scale`."""

    def __init__(self, live: Live, role: Role = "admin") -> None:
        self.live = live
        address = address_of(live.kubeconfig_as(role))
        self._http = httpx.Client(
            base_url=address.url,
            verify=address.context or False,
            headers={**dict(address.headers), "User-Agent": "contract/1"},
            timeout=CALL_SECONDS_MAX,
        )

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Any call; underscores in header names become dashes."""
        sent = {"Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = None if body is None else json.dumps(body)
        url = path if path.startswith("/") else self.path(path)
        answer = self._http.request(method, url, content=content, headers=sent)
        text = answer.text
        found = json.loads(text) if text.startswith("{") else {"message": text}
        return Answer(answer.status_code, found, answer.headers)

    def path(self, short: str) -> str:
        """The whole path of something in the test's namespace."""
        version, _, rest = short.partition("/v")
        if not rest:
            return f"/api/v1/namespaces/{self.live.namespace}/{short}"
        number, _, rest = rest.partition("/")
        return f"/apis/{version}/v{number}/namespaces/{self.live.namespace}/{rest}"

    def stream(self, path: str) -> str:
        """The text of an answer that is more than one document."""
        return self._http.get(self.path(path)).text

    def get(self, path: str) -> Answer:
        """GET."""
        return self.call("GET", path)

    def post(self, path: str, body: Any) -> Answer:
        """POST."""
        return self.call("POST", path, body)

    def patch(self, path: str, body: Any, media: str = MERGE) -> Answer:
        """PATCH; a list is a JSON patch."""
        kind = JSON_PATCH if isinstance(body, list) else media
        return self.call("PATCH", path, body, Content_Type=kind)

    def delete(self, path: str, options: Any = None) -> Answer:
        """DELETE with options in the body."""
        return self.call("DELETE", path, options)

    def pods(self, app: str) -> list[dict[str, Any]]:
        """The pods of one workload, terminating ones too."""
        items: list[dict[str, Any]] = self.get(f"pods?labelSelector=app={app}").body["items"]
        return items

    def names(self, app: str) -> set[str]:
        """The names of its pods that are not terminating."""
        pods = self.pods(app)
        staying = [pod["metadata"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        return {metadata["name"] for metadata in staying}

    def deploy(self, name: str = "web", replicas: int = 3, **spec: Any) -> Answer:
        """Create a Deployment and wait until it was observed; with `fault`, of sick pods."""
        labels = {FAULT: spec.pop("fault")} if "fault" in spec else {}
        made = self.post(
            "apps/v1/deployments", workload("Deployment", name, replicas, labels, spec)
        )
        assert made.code == 201, made.body
        healthy = 0 if labels else replicas
        self.live.wait(lambda: self.available(name) >= healthy and len(self.pods(name)) >= replicas)
        return self.get(f"apps/v1/deployments/{name}")

    def available(self, name: str, plural: str = "deployments") -> int:
        """`status.availableReplicas`, and -1 until the newest spec was observed."""
        found = self.get(f"apps/v1/{plural}/{name}").body
        status = found["status"]
        if status.get("observedGeneration") != found["metadata"]["generation"]:
            return -1
        return int(status.get("availableReplicas", 0))


def template(name: str, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A pod template of one container."""
    container = {"name": "app", "image": "registry.example/app:1"}
    metadata = {"labels": {"app": name} | (labels or {})}
    return {"metadata": metadata, "spec": {"containers": [container]} | spec}


def workload(
    kind: str, name: str, replicas: int, labels: dict[str, str], spec: dict[str, Any]
) -> dict[str, Any]:
    """A workload whose pods carry the label `app`."""
    inside = {"selector": {"matchLabels": {"app": name}}, "template": template(name, labels)}
    sized = {} if kind == "DaemonSet" else {"replicas": replicas}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": inside | sized | spec,
    }
