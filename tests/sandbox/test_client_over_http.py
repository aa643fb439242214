"""What the official client meets at the door: identity, discovery, refusals."""

import json
import socket
from typing import Any

import pytest
import urllib3
from kubernetes.client import AppsV1Api, CoreV1Api, VersionApi
from urllib3.util import parse_url

from sandbox import SandboxServer
from sandbox.requests import Request


def test_the_typed_client_reads_everything(shop: Any) -> None:
    """The documents fit the models of the official client."""
    pods = CoreV1Api(shop.client).list_namespaced_pod("shop").items

    AppsV1Api(shop.client).list_namespaced_replica_set("shop")
    AppsV1Api(shop.client).read_namespaced_deployment_scale("user-auth", "shop")
    CoreV1Api(shop.client).list_namespaced_event("shop")
    assert [pod.status and pod.status.phase for pod in pods] == ["Running"] * 3
    assert VersionApi(shop.client).get_code().major == "1"


def test_a_wrong_token_is_401_and_no_token_is_too(cluster: Any) -> None:
    """The Status is that of the real server, without a hint at what was wrong."""
    expected = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }
    for token in ("Bearer nobody", "Basic token-bot", ""):
        answer = cluster.raw("GET", "/api/v1/namespaces", Authorization=token)
        assert answer.body == expected


def test_a_request_without_a_token_may_be_given_a_user() -> None:
    """For kubectl, which sends no token over plain HTTP; a wrong token stays wrong."""
    with SandboxServer(anonymous_user="kim") as server:
        url = f"{server.url}/api/v1/namespaces"
        with urllib3.PoolManager(retries=False, timeout=5) as pool:
            assert pool.request("GET", url).status == 200
            assert pool.request("GET", url, headers={"Authorization": "Bearer x"}).status == 401

        assert [record.user for record in server.requests()] == ["kim", ""]


def test_each_request_is_recorded_with_its_user(cluster: Any) -> None:
    """Two tokens are two people."""
    for token in ("token-ana", "token-bot"):
        cluster.raw("GET", "/api/v1/namespaces", Authorization=f"Bearer {token}")

    assert [record.user for record in cluster.server.requests(2)] == ["ana", "bot"]


def test_health_needs_no_token(cluster: Any) -> None:
    """`/readyz` says ok in plain text."""
    answer = cluster.raw("GET", "/readyz", Authorization="")

    assert (answer.code, answer.message) == (200, "ok")


def test_discovery_lists_only_what_is_done(cluster: Any) -> None:
    """Deployments can be written, ReplicaSets only read, and groups come with their addon."""
    apps = cluster.raw("GET", "/apis/apps/v1").body["resources"]
    core = cluster.raw("GET", "/api/v1").body["resources"]
    verbs = {entry["name"]: entry["verbs"] for entry in [*apps, *core]}

    assert "patch" in verbs["deployments"]
    assert verbs["replicasets"] == ["get", "list", "watch"]
    assert verbs["pods/eviction"] == ["create"]
    assert cluster.raw("GET", "/api").body["versions"] == ["v1"]
    groups = [group["name"] for group in cluster.raw("GET", "/apis").body["groups"]]
    assert {"apps", "batch", "policy", "keda.sh"} <= set(groups)
    assert "metrics.k8s.io" not in groups


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/apis/networking.k8s.io/v1/ingresses"),
        ("GET", "/api/v1/namespaces/shop/pods/a/log?follow=true"),
        ("GET", "/api/v1/configmaps"),
        ("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles"),
        ("GET", "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"),
        ("PUT", "/api/v1/namespaces/shop/pods/a"),
        ("PATCH", "/apis/apps/v1/namespaces/shop/deployments/user-auth/status"),
        ("DELETE", "/apis/apps/v1/namespaces/shop/deployments"),
        ("DELETE", "/api/v1/namespaces/shop"),
        ("GET", "/api/v1/namespaces?resourceVersion=1&resourceVersionMatch=Exact"),
    ],
)
def test_what_only_a_real_cluster_does_is_refused_with_501(
    shop: Any, method: str, path: str
) -> None:
    """A fake that ignores a question is worse than none."""
    path = path.replace("/pods/a/log", f"/pods/{shop.pods()[0]['metadata']['name']}/log")
    answer = shop.raw(method, path, body={})

    assert (answer.code, answer.reason) == (501, "NotImplemented")
    assert "sandbox" in answer.message


def test_the_date_header_is_the_clusters_time(cluster: Any) -> None:
    """Conditions and answers must be comparable."""
    answer = cluster.raw("GET", "/api/v1/namespaces")

    assert answer.headers["Date"] == "Fri, 20 Nov 2026 02:00:00 GMT"


def test_impersonation_is_refused_and_not_ignored(cluster: Any) -> None:
    """Whoever tests RBAC with it must not get the answers of an administrator."""
    answer = cluster.raw("GET", "/api/v1/namespaces", Impersonate_User="eve")

    assert answer.code == 501


def test_groups_that_no_cluster_must_have_are_404(cluster: Any) -> None:
    """A missing custom resource is the normal case, and looks like one."""
    cluster.server.addons.clear()
    answer = cluster.raw("GET", "/apis/keda.sh/v1alpha1/scaledobjects")

    assert (answer.code, answer.message) == (404, "404 page not found\n")


def test_a_missing_object_is_404_with_details(shop: Any) -> None:
    """The details name the plural and the group."""
    answer = shop.call(shop.apps.read_namespaced_deployment, "nope", "shop")

    assert answer.message == 'deployments.apps "nope" not found'
    assert answer.body["details"] == {"name": "nope", "group": "apps", "kind": "deployments"}


def test_a_read_of_the_future_is_504_with_retry_after(cluster: Any) -> None:
    """A resourceVersion that does not exist yet."""
    answer = cluster.call(cluster.core.list_namespace, resource_version="999999")

    assert (answer.code, answer.reason) == (504, "Timeout")
    assert answer.headers["Retry-After"] == "1"


def test_an_unacceptable_accept_header_is_406(cluster: Any) -> None:
    """Only JSON is spoken."""
    answer = cluster.raw("GET", "/api/v1/namespaces", Accept="application/xml")

    assert answer.code == 406


def test_a_body_that_is_no_json_is_400() -> None:
    """And it is no crash, even 100 000 levels deep."""
    for text in ('{"metadata":', "[" * 100_000, '{"a": NaN}'):
        request = Request("POST", "/api/v1/namespaces", raw=text.encode())
        with pytest.raises(Exception, match="json parse error"):
            _ = request.body


def test_nonsense_on_the_wire_gets_a_status(cluster: Any) -> None:
    """A method that HTTP does not know is 501, as JSON."""
    address = parse_url(cluster.server.url)
    with socket.create_connection((address.host, address.port), timeout=5) as connection:
        connection.sendall(b"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = connection.makefile("rb").read()

    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 501 " in head.splitlines()[0]
    assert json.loads(body)["kind"] == "Status"


def test_a_body_above_the_limit_is_413(cluster: Any) -> None:
    """The limit is the real one, 3 MiB, and is applied before reading."""
    address = parse_url(cluster.server.url)
    with socket.create_connection((address.host, address.port), timeout=5) as connection:
        head = b"POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nContent-Length: 3145729\r\n\r\n"
        connection.sendall(head)
        answer = connection.makefile("rb").read()

    assert b" 413 " in answer.splitlines()[0]


def test_stop_is_idempotent_and_ends_idle_connections(cluster: Any) -> None:
    """A kept-alive connection does not keep the server, nor its threads."""
    cluster.call(cluster.core.list_namespace)
    address = parse_url(cluster.server.url)
    cluster.server.stop()
    cluster.server.stop()

    assert not any(thread.is_alive() for thread in cluster.server._threads)
    assert cluster.server._transport._open == {}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.host, address.port), timeout=1)


def test_a_server_starts_once(cluster: Any) -> None:
    """A second start is a mistake, and says so."""
    with pytest.raises(RuntimeError, match="make a new one"):
        cluster.server.start()


def test_only_loopback_is_served() -> None:
    """There is no TLS, so there is no other address."""
    with pytest.raises(ValueError, match="loopback"):
        SandboxServer(host="0.0.0.0")  # noqa: S104 - the refusal is the point


def test_controllers_that_died_turn_readyz_red(cluster: Any) -> None:
    """A sandbox in which nothing moves any more must not look healthy."""
    cluster.server._gate.is_healthy = lambda: False

    assert cluster.raw("GET", "/readyz").code == 500
