"""The proxy in front of the real server: each fault of the sandbox, where there is none."""

import time
from collections.abc import Iterator
from http import HTTPStatus

import httpx
import pytest
from clusters import Live
from rest import Json, Rest

from controlplane.manifests import deployment
from sandbox.faults import Fault
from tools.controlplane.attach import address_of

NOTE = {"spec": {"template": {"metadata": {"annotations": {"note": "once"}}}}}
OTHER_UID = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(name="ours")
def _ours(live: Live) -> Iterator[Rest]:
    """Firebreak's calls, through the proxy, on a cluster with one Deployment."""
    live.rest.create(deployment())
    with live.rest_as("actor", "firebreak/test") as rest:
        yield rest


@pytest.fixture(name="through")
def _through(real_cluster: Live) -> Iterator[Rest]:
    """Calls through the proxy of the real cluster, which may do all."""
    with real_cluster.rest_as("admin", "firebreak/test") as rest:
        yield rest


def code_of(ours: Rest) -> int:
    """Patch the Deployment; the code of the answer, 0 when the connection was cut."""
    try:
        ours.patch("Deployment", "web", NOTE)
    except httpx.HTTPStatusError as err:
        return err.response.status_code
    except httpx.TransportError:
        return 0
    return HTTPStatus.OK


@pytest.mark.parametrize(
    ("fault", "code", "effective"),
    [
        (Fault("patch", "/web$", 1, status=429, retry_after_seconds=2), 429, False),
        (Fault("patch", "/web$", 1, status=503), 503, False),
        (Fault("patch", "/web$", 1, kind="status_after_commit", status=504), 504, True),
        (Fault("patch", "/web$", 1, kind="reset_before_commit"), 0, False),
        (Fault("patch", "/web$", 1, kind="reset_after_commit"), 0, True),
        (Fault("patch", "/web$", 1, kind="delay", delay_seconds=0.3), 200, True),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else None,
)
def test_a_fault_hits_once_and_hides_what_happened(
    live: Live, ours: Rest, fault: Fault, code: int, effective: bool
) -> None:
    """A fault before the commit prevents the write, one after it only the answer."""
    live.faults.add(fault)
    began = time.monotonic()
    assert code_of(ours) == code
    assert time.monotonic() - began >= fault.delay_seconds
    assert live.faults.pending() == 0
    assert sum(it.effective for it in live.writes()) == int(effective)
    assert code_of(ours) == HTTPStatus.OK
    assert sum(it.effective for it in live.writes()) == 1


def test_what_no_fault_matches_is_passed_on(live: Live, ours: Rest) -> None:
    """Another verb, another path."""
    live.faults.add(Fault("delete", "/web$", 1, status=500))
    live.faults.add(Fault("patch", "/other$", 1, status=500))
    assert code_of(ours) == HTTPStatus.OK
    assert live.faults.pending() == 2


def test_a_limited_request_says_when_to_come_back(live: Live, ours: Rest) -> None:
    """Retry-After, as the limiter in front of a real API says it."""
    live.faults.add(Fault("patch", "/web$", 1, status=429, retry_after_seconds=7))
    with pytest.raises(httpx.HTTPStatusError) as caught:
        ours.patch("Deployment", "web", NOTE)
    assert caught.value.response.headers["Retry-After"] == "7"


def test_a_delete_takes_its_options_along(live: Live, ours: Rest) -> None:
    """A condition travels in the body of a DELETE; lost, the wrong object would be deleted."""
    live.wait(lambda: live.rest.items("Pod"))
    (pod,) = live.rest.items("Pod")
    with pytest.raises(httpx.HTTPStatusError) as caught:
        ours.delete("Pod", pod["metadata"]["name"], {"preconditions": {"uid": OTHER_UID}})
    assert caught.value.response.status_code == HTTPStatus.CONFLICT
    assert [(it.verb, it.code, it.effective) for it in live.writes()] == [("delete", 409, False)]


def test_a_long_list_comes_whole(through: Rest) -> None:
    """Answers without a length come in chunks, and compressed."""
    text = "x" * 60_000
    for number in range(5):
        body: Json = {"kind": "ConfigMap", "metadata": {"name": f"big-{number}"}}
        through.create(body | {"data": {"text": text}})
    sizes = [len(it.get("data", {}).get("text", "")) for it in through.items("ConfigMap")]
    assert sizes.count(len(text)) == 5


def test_a_watch_is_told_at_once(real_cluster: Live) -> None:
    """A stream is passed on as it comes, not when it ends."""
    real_cluster.rest.create({"kind": "ConfigMap", "metadata": {"name": "seen"}})
    address = address_of(real_cluster.kubeconfig_as("admin"))
    path = f"{address.url}/api/v1/namespaces/{real_cluster.namespace}/configmaps?watch=true"
    context = address.context
    assert context is not None
    with (
        httpx.Client(verify=context, headers=dict(address.headers), timeout=5) as client,
        client.stream("GET", path) as stream,
    ):
        first = next(stream.iter_lines())
    assert '"name":"seen"' in first


def test_kubectl_works_through_the_proxy(real_cluster: Live) -> None:
    """It checks the certificate and sends its token, as it does with the server itself."""
    real_cluster.rest.create(deployment())
    done = real_cluster.kubectl("get", "deployment/web", "--output=name", role="actor")
    assert done.stdout == "deployment.apps/web\n", done.stderr
