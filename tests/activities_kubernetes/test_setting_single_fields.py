"""Single fields: what is sent, what is ours, and what counts as the same."""

from typing import Any

import pytest

from activities.kubernetes.client import MERGE_PATCH, Place
from activities.kubernetes.fields import (
    at_pointer,
    fields_patch,
    is_set,
    place_of,
    same,
    still_ours,
)
from activities.kubernetes.subject import Subject
from activities_kubernetes.shop import TARGET
from contracts.step import Changed

Json = dict[str, Any]
MARK = "/metadata/annotations/firebreak.dev~1paused-by"


def _changed(path: str, before: Any, after: Any, kind: str = "Deployment") -> Changed:
    return Changed(kind=kind, name="user-auth", uid="u", path=path, before=before, after=after)


def test_a_pointer_is_followed_into_objects() -> None:
    """Also through a key with a slash."""
    obj = {"metadata": {"annotations": {"firebreak.dev/paused-by": "k"}}, "spec": {"replicas": 3}}
    assert at_pointer(obj, "/spec/replicas") == 3
    assert at_pointer(obj, MARK) == "k"
    assert at_pointer(obj, "/spec/paused") is None


def test_a_patch_carries_the_guard_and_only_these_fields() -> None:
    """Absent ones are removed."""
    subject = Subject({"metadata": {"uid": "u", "resourceVersion": "7"}})
    patch = fields_patch(subject, [("/spec/paused", True), (MARK, None), ("/spec/a/b", 1)])
    assert patch.content_type == MERGE_PATCH
    assert patch.body == {
        "metadata": {
            "uid": "u",
            "resourceVersion": "7",
            "annotations": {"firebreak.dev/paused-by": None},
        },
        "spec": {"paused": True, "a": {"b": 1}},
    }


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [(None, False, True), (0, None, False), (0, False, False), (True, 1, True), (2, 2, True)],
)
def test_false_and_absent_are_the_same_and_zero_is_not(
    one: Any, other: Any, *, equal: bool
) -> None:
    """The API server leaves `paused: false` out, but never `replicas: 0`."""
    assert same(one, other) == equal


def test_each_field_is_ours_by_itself() -> None:
    """What somebody else has set is not."""
    changes = [_changed("/spec/minReplicas", 1, 4), _changed("/spec/maxReplicas", 3, 4)]
    obj = {"spec": {"minReplicas": 4, "maxReplicas": 9}}
    assert still_ours(obj, changes) == changes[:1]


def test_without_our_mark_nothing_is_ours() -> None:
    """A pause with another signature, or with none, is another pause."""
    changes = [_changed("/spec/paused", None, True), _changed(MARK, None, "k")]
    ours = {"spec": {"paused": True}, "metadata": {"annotations": {"firebreak.dev/paused-by": "k"}}}
    assert still_ours(ours, changes) == changes
    assert still_ours({"spec": {"paused": True}}, changes) == []


def test_all_fields_must_be_set() -> None:
    """One is not enough."""
    changes = [_changed("/spec/minReplicas", 1, 4), _changed("/spec/maxReplicas", 3, 4)]
    assert is_set({"spec": {"minReplicas": 4, "maxReplicas": 4}}, changes)
    assert not is_set({"spec": {"minReplicas": 4, "maxReplicas": 3}}, changes)


@pytest.mark.parametrize(
    ("kind", "path", "subresource"),
    [
        ("Deployment", "/spec/replicas", "scale"),
        ("Deployment", "/spec/paused", ""),
        ("HorizontalPodAutoscaler", "/spec/minReplicas", ""),
    ],
)
def test_replicas_are_written_through_their_subresource(
    kind: str, path: str, subresource: str
) -> None:
    """Which a smaller permission covers."""
    place = place_of(TARGET, [_changed(path, 1, 2, kind)])
    assert place == Place(kind, "shop", "user-auth", subresource)
