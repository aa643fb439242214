"""A target is one object, named in full; what does not name one is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from contracts.target import Target, parse_target

WEB = Target(cluster="default", namespace="shop", kind="Deployment", name="user-auth")


@pytest.mark.parametrize(
    "text", ["shop/deployment/user-auth", "shop/Deployment/user-auth", "shop/DEPLOYMENT/user-auth"]
)
def test_a_target_is_read_whatever_the_case_of_its_kind(text: str) -> None:
    """People write kinds as kubectl takes them; the API's own spelling is kept."""
    assert parse_target(text, "default") == WEB


@pytest.mark.parametrize("text", ["/node/worker-1", "node/worker-1", "Node/worker-1"])
def test_a_node_has_no_namespace(text: str) -> None:
    """It is the one kind whose first part is empty, or left out."""
    node = parse_target(text, "default")
    assert (node.namespace, node.kind, str(node)) == ("", "Node", "node worker-1")


@pytest.mark.parametrize("text", ["user-auth", "shop/user-auth", "a/b/c/d", "node", ""])
def test_a_text_without_three_parts_is_refused_with_an_example(text: str) -> None:
    """The namespace is never guessed."""
    with pytest.raises(ValueError, match=r"NAMESPACE/KIND/NAME, e\.g\. shop/deployment/web"):
        parse_target(text, "default")


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    """A short name such as `deploy` is not taken for a kind."""
    with pytest.raises(ValueError, match=r"'deploy' is not one of cronjob, daemonset, deployment"):
        parse_target("shop/deploy/user-auth", "default")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "*"},
        {"name": "app=web"},
        {"name": "user-auth-"},
        {"name": "../secrets"},
        {"namespace": "Shop"},
        {"namespace": "a/b"},
        {"kind": "deployments.apps"},
        {"cluster": "a/b"},
        {"cluster": ""},
        {"name": "x" * 254},
    ],
)
def test_what_could_name_more_than_one_object_is_refused(wrong: dict[str, str]) -> None:
    """No selector, no wildcard, no path, nothing that another part of the key could absorb."""
    values: dict[str, Any] = WEB.model_dump() | wrong
    with pytest.raises(ValidationError):
        Target.model_validate(values)


def test_the_key_names_the_object_and_its_incident() -> None:
    """The lock, the workflow id and what people read come from the same four words."""
    assert WEB.key == "default/shop/Deployment/user-auth"
    assert WEB.workflow_id == "incident/default/shop/Deployment/user-auth"
    assert str(WEB) == "deployment shop/user-auth"


def test_a_target_cannot_be_changed() -> None:
    """What was approved is the very value that is written to."""
    with pytest.raises(ValidationError, match="frozen"):
        WEB.name = "billing"  # type: ignore[misc]  # that is what is tested
