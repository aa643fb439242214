"""Lists: selectors, pages, and what a list looks like."""

import pytest

from contract.face import Face


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("app=web", 3),
        ("app==web,app!=other", 3),
        ("app%20in%20(web,other)", 3),
        ("app%20notin%20(web)", 0),
        ("tier%20notin%20(db)", 3),
        ("app", 3),
        ("!app", 0),
    ],
)
def test_label_selectors(web: Face, selector: str, found: int) -> None:
    """All forms; what lacks the label is not in the set."""
    assert len(web.get(f"pods?labelSelector={selector}").body["items"]) == found


@pytest.mark.parametrize("selector", ["app=(", "a b", "app in web", "a,,b"])
def test_a_label_selector_that_does_not_parse_is_400(face: Face, selector: str) -> None:
    """It must never list everything."""
    assert face.get(f"pods?labelSelector={selector}").what == (400, "BadRequest")


def test_field_selectors(web: Face) -> None:
    """By name, by phase and by node."""
    pod = web.pods("web")[0]
    name, node = pod["metadata"]["name"], pod["spec"]["nodeName"]

    def found(selector: str) -> set[str]:
        items = web.get(f"pods?fieldSelector={selector}").body["items"]
        return {item["metadata"]["name"] for item in items}

    assert found(f"metadata.name={name}") == {name}
    assert len(found(f"metadata.name!={name}")) == 2
    assert name in found(f"spec.nodeName={node}")
    assert (len(found("status.phase=Running")), found("status.phase=Pending")) == (3, set())


def test_a_field_that_nobody_knows_is_400(face: Face) -> None:
    """In core its name, elsewhere the names of those that are known."""
    core = face.get("pods?fieldSelector=spec.color=red")
    apps = face.get("apps/v1/deployments?fieldSelector=spec.color=red")

    assert core.what == (400, "BadRequest")
    assert core.message == "field label not supported: spec.color"
    known = 'only "metadata.name", "metadata.namespace"'
    assert apps.message == f'"spec.color" is not a known field selector: {known}'


def test_items_carry_no_kind_of_their_own(web: Face) -> None:
    """Only the list has one, and the version of the whole."""
    listed = web.get("apps/v1/deployments").body

    assert (listed["kind"], listed["apiVersion"]) == ("DeploymentList", "apps/v1")
    assert listed["metadata"]["resourceVersion"].isdigit()
    assert "kind" not in listed["items"][0]


def test_pages_hold_everything_once(web: Face) -> None:
    """With a token from one to the next, and a count of what is left."""
    first = web.get("pods?limit=2").body
    token = first["metadata"]["continue"]
    second = web.get(f"pods?limit=2&continue={token}").body

    assert first["metadata"]["remainingItemCount"] == 1
    assert "continue" not in second["metadata"]
    names = [item["metadata"]["name"] for item in [*first["items"], *second["items"]]]
    assert set(names) == web.names("web")
    assert len(names) == 3


def test_events_are_found_by_the_uid_of_their_object(web: Face) -> None:
    """As `kubectl describe` asks for them."""
    deployment = web.get("apps/v1/deployments/web")
    selector = f"involvedObject.uid={deployment.uid},involvedObject.kind=Deployment"
    items = web.get(f"events?fieldSelector={selector}").body["items"]

    assert {item["reason"] for item in items} == {"ScalingReplicaSet"}
    assert items[0]["involvedObject"]["name"] == "web"
