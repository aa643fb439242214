"""Events in two views, and selectors that never widen a list."""

from typing import Any

import pytest
from kubernetes.client import EventsV1Api

from sandbox.events import Recorder
from sandbox.resources import EVENTS
from sandbox.selectors import matches, selector_text
from sandbox.store import Store


def event(shop: Any, **changes: Any) -> dict[str, Any]:
    """A valid event about the Deployment."""
    about = shop.deployment()["metadata"]
    regarding = {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "namespace": "shop",
        "name": "user-auth",
        "uid": about["uid"],
    }
    return {
        "metadata": {"name": "user-auth.inc-1-act"},
        "eventTime": "2026-11-20T02:00:00.000000Z",
        "type": "Normal",
        "reason": "RolledBack",
        "action": "RollBack",
        "reportingController": "firebreak.example/worker",
        "reportingInstance": "worker-1",
        "note": "rolled back to revision 1",
        "regarding": regarding,
    } | changes


def create(shop: Any, body: dict[str, Any]) -> Any:
    """Create through events.k8s.io/v1."""
    return shop.call(EventsV1Api(shop.client).create_namespaced_event, "shop", body)


def test_an_event_is_written_in_one_view_and_read_in_the_other(shop: Any) -> None:
    """As `kubectl describe` finds it: by the uid of the object."""
    assert create(shop, event(shop)).body["note"] == "rolled back to revision 1"
    uid = shop.deployment()["metadata"]["uid"]
    selector = f"involvedObject.uid={uid},reason=RolledBack"
    listed = shop.call(shop.core.list_namespaced_event, "shop", field_selector=selector)
    (found,) = listed.body["items"]

    assert found["message"] == "rolled back to revision 1"
    assert found["involvedObject"]["name"] == "user-auth"
    assert found["reportingComponent"] == "firebreak.example/worker"


def test_the_same_event_again_is_409(shop: Any) -> None:
    """A deterministic name makes a replay harmless."""
    create(shop, event(shop))

    assert create(shop, event(shop)).reason == "AlreadyExists"


@pytest.mark.parametrize(
    "changes",
    [
        {"eventTime": None},
        {"eventTime": "yesterday"},
        {"type": "Loud"},
        {"reason": ""},
        {"action": "a" * 129},
        {"reportingController": "not a name"},
        {"note": "n" * 1025},
        {"deprecatedCount": 3},
        {"series": {"count": 1}},
        {"regarding": {"kind": "Node", "name": "a"}},
    ],
)
def test_an_invalid_event_is_422(shop: Any, changes: dict[str, Any]) -> None:
    """The rules of the new API are strict; the client's own models are not asked."""
    body = event(shop, **changes)
    answer = shop.raw("POST", "/apis/events.k8s.io/v1/namespaces/shop/events", body)

    assert (answer.code, answer.reason) == (422, "Invalid")


def test_events_are_bounded() -> None:
    """The oldest go first."""
    store = Store()
    recorder = Recorder(store, events_max=3)
    about = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a", "namespace": "n"}}
    for number in range(5):
        recorder.record(about, ("Normal", "Tick", str(number)), "test", store.clock())

    assert {event["message"] for event in store.list(EVENTS)} == {"2", "3", "4"}


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("app=user-auth", 3),
        ("app==user-auth,app!=other", 3),
        ("app in (user-auth, other)", 3),
        ("app notin (user-auth)", 0),
        ("tier notin (db)", 3),
        ("app", 3),
        ("!app", 0),
        ("app!=user-auth", 0),
        ("pod-template-hash=none", 0),
    ],
)
def test_label_selectors(shop: Any, selector: str, found: int) -> None:
    """All forms that a client sends."""
    assert len(shop.pods(selector)) == found


@pytest.mark.parametrize("selector", ["app=(", "a b", "app in user-auth", "replicas>3"])
def test_a_label_selector_that_does_not_parse_is_400(shop: Any, selector: str) -> None:
    """It must not list everything."""
    answer = shop.call(shop.core.list_namespaced_pod, "shop", label_selector=selector)

    assert (answer.code, answer.reason) == (400, "BadRequest")


def test_field_selectors(shop: Any) -> None:
    """By name and phase; an unknown field is 400."""
    name = shop.pods()[0]["metadata"]["name"]

    def found(selector: str) -> int:
        listed = shop.call(shop.core.list_pod_for_all_namespaces, field_selector=selector)
        return len(listed.body["items"])

    assert (found(f"metadata.name={name}"), found(f"metadata.name!={name}")) == (1, 2)
    assert (found("status.phase=Running"), found("status.phase=Pending")) == (3, 0)
    answer = shop.call(shop.core.list_namespaced_pod, "shop", field_selector="spec.color=red")
    assert "field label not supported: spec.color" in answer.message


def test_items_of_a_list_carry_no_kind(shop: Any) -> None:
    """Only the list does, with the version of the whole."""
    listed = shop.call(shop.core.list_namespaced_pod, "shop").body

    assert (listed["kind"], listed["apiVersion"]) == ("PodList", "v1")
    assert "kind" not in listed["items"][0]
    assert listed["metadata"]["resourceVersion"] == shop.server.store.resource_version


def test_namespaces_are_apart(shop: Any) -> None:
    """Same name, other namespace: not found."""
    assert shop.call(shop.apps.read_namespaced_deployment, "user-auth", "default").code == 404
    assert shop.call(shop.core.list_namespaced_pod, "default").body["items"] == []


def test_selector_objects_match_by_expressions_too() -> None:
    """As in the spec of a Deployment."""
    selector = {
        "matchLabels": {"app": "a"},
        "matchExpressions": [{"key": "tier", "operator": "In", "values": ["x", "y"]}],
    }

    assert matches(selector, {"app": "a", "tier": "y"})
    assert not matches(selector, {"app": "a", "tier": "z"})
    assert selector_text(selector) == "app=a,tier in (x,y)"
