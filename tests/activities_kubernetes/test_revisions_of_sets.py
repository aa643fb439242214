"""ControllerRevisions, read as revisions."""

from typing import Any

import pytest

from activities.kubernetes.revisions import current_of, older_than, set_revision_of
from activities.kubernetes.workload import Workload

Json = dict[str, Any]


def _template(image: str, restarted_at: str = "") -> Json:
    notes = {"kubectl.kubernetes.io/restartedAt": restarted_at} if restarted_at else {}
    metadata = {"labels": {"app": "db"}} | ({"annotations": notes} if notes else {})
    return {"metadata": metadata, "spec": {"containers": [{"name": "db", "image": image}]}}


def _revision(number: int, image: str, minute: int, **more: str) -> Json:
    template = _template(image, **more) | {"$patch": "replace"}
    made = f"2026-11-21T03:{minute:02}:00Z"
    return {
        "metadata": {"name": f"db-{minute}", "uid": f"u{minute}", "creationTimestamp": made},
        "revision": number,
        "data": {"spec": {"template": template}},
    }


def _set(image: str, **more: str) -> Workload:
    return Workload({"spec": {"template": _template(image, **more)}}, None, "StatefulSet")


def test_a_revision_has_the_template_of_its_set() -> None:
    """Without the word that its patch carries."""
    kept = _revision(1, "db:1", 0)
    found = set_revision_of(kept, [kept])
    assert found.digest == _set("db:1").template_digest
    assert "$patch" not in found.template
    assert (found.number, found.name, found.uid) == (1, "db-0", "u0")


def test_the_current_one_has_the_template_of_the_set() -> None:
    """None before the controller has kept it."""
    kept = [_revision(1, "db:1", 0), _revision(2, "db:2", 1)]
    revisions = [set_revision_of(revision, kept) for revision in kept]
    current = current_of(_set("db:2"), revisions)
    assert current is not None
    assert current.number == 2
    assert current_of(_set("db:3"), revisions) is None
    assert [r.number for r in older_than(current, revisions)] == [1]


def test_a_restart_is_no_older_version() -> None:
    """It runs the same."""
    kept = [_revision(1, "db:1", 0), _revision(2, "db:1", 1, restarted_at="now")]
    revisions = [set_revision_of(revision, kept) for revision in kept]
    current = current_of(_set("db:1", restarted_at="now"), revisions)
    assert current is not None
    assert older_than(current, revisions) == []


@pytest.mark.parametrize(
    ("first", "second", "reused"), [((1, 0), (2, 1), False), ((3, 0), (2, 1), True)]
)
def test_a_return_is_known_by_its_age(
    first: tuple[int, int], second: tuple[int, int], *, reused: bool
) -> None:
    """A template that returns gets a new number and keeps its object."""
    kept = [_revision(n, f"db:{minute}", minute) for n, minute in (first, second)]
    newest = max(kept, key=lambda revision: int(revision["revision"]))
    assert set_revision_of(newest, kept).reused == reused
