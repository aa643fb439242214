"""Strategic merge as a pure function: merge keys, order, directives."""

from typing import Any

import pytest

from sandbox.status import ApiError
from sandbox.strategic import strategic_merge


def named(*names: str) -> list[dict[str, Any]]:
    """Containers with these names."""
    return [{"name": name} for name in names]


def names(merged: dict[str, Any]) -> list[str]:
    """The order of the containers."""
    return [item["name"] for item in merged["containers"]]


def test_lists_with_a_key_merge_item_by_item() -> None:
    """Fields that the patch does not name stay."""
    current = {"containers": [{"name": "a", "image": "1", "args": ["x"]}, {"name": "b"}]}
    merged = strategic_merge(current, {"containers": [{"name": "a", "image": "2"}]})

    assert merged["containers"] == [{"name": "a", "image": "2", "args": ["x"]}, {"name": "b"}]


def test_a_new_item_comes_first() -> None:
    """As in the documented example of kubectl patch."""
    merged = strategic_merge({"containers": named("a", "b")}, {"containers": named("new")})

    assert names(merged) == ["new", "a", "b"]


def test_known_items_keep_the_servers_order() -> None:
    """A patch of the last one does not move it."""
    merged = strategic_merge({"containers": named("a", "b", "c")}, {"containers": named("c")})

    assert names(merged) == ["a", "b", "c"]


def test_the_element_order_directive_orders() -> None:
    """What `kubectl apply` sends along."""
    patch = {"containers": named("new"), "$setElementOrder/containers": named("a", "new", "b")}
    merged = strategic_merge({"containers": named("a", "b")}, patch)

    assert names(merged) == ["a", "new", "b"]


def test_delete_and_replace_directives() -> None:
    """One item, a whole list, a whole map."""
    current = {"containers": named("a", "b"), "strategy": {"type": "x", "rollingUpdate": {}}}
    gone = strategic_merge(current, {"containers": [{"name": "a", "$patch": "delete"}]})
    only = strategic_merge(current, {"containers": [{"$patch": "replace"}, {"name": "z"}]})
    flat = strategic_merge(current, {"strategy": {"$patch": "replace", "type": "Recreate"}})

    assert (names(gone), names(only)) == (["b"], ["z"])
    assert flat["strategy"] == {"type": "Recreate"}


def test_retain_keys_drops_the_others() -> None:
    """How a strategy is switched to Recreate."""
    current = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}
    patch = {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}

    assert strategic_merge(current, patch) == {"strategy": {"type": "Recreate"}}


def test_null_removes_and_lists_without_a_key_are_replaced() -> None:
    """Maps merge, atoms do not."""
    current = {"labels": {"a": "1", "b": "2"}, "args": ["x"]}
    merged = strategic_merge(current, {"labels": {"a": None}, "args": ["y"]})

    assert merged == {"labels": {"b": "2"}, "args": ["y"]}


def test_the_inputs_are_left_alone() -> None:
    """A dry run depends on it."""
    current = {"containers": [{"name": "a", "env": [{"name": "E", "value": "1"}]}]}
    patch = {"containers": [{"name": "a", "env": [{"name": "E", "value": "2"}]}]}
    strategic_merge(current, patch)

    assert current["containers"][0]["env"] == [{"name": "E", "value": "1"}]


@pytest.mark.parametrize(
    "patch",
    [
        {"$deleteFromPrimitiveList/finalizers": ["a"]},
        {"$patch": "explode"},
        {"containers": [{"image": "x"}]},
        {"containers": ["a"]},
    ],
)
def test_what_is_not_understood_is_refused(patch: dict[str, Any]) -> None:
    """Never skipped."""
    with pytest.raises(ApiError):
        strategic_merge({"containers": named("a")}, patch)
