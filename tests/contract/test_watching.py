"""Watches: what comes, in which order, and how one that came too late is told."""

import json
from typing import Any

from contract.face import Face, workload

DEPLOYMENTS = "apps/v1/deployments"


def watched(face: Face, query: str) -> list[dict[str, Any]]:
    """The events of one second."""
    answer = face.stream(f"{DEPLOYMENTS}?watch=true&timeoutSeconds=1&{query}")
    return [json.loads(line) for line in answer.splitlines()]


def test_changes_after_a_version_are_replayed(face: Face) -> None:
    """From the creation to the deletion."""
    since = face.get(DEPLOYMENTS).version
    body = workload("Deployment", "web", 0, {}, {"paused": True})
    face.post(DEPLOYMENTS, body)
    face.delete(f"{DEPLOYMENTS}/web")
    events = watched(face, f"resourceVersion={since}")

    assert (events[0]["type"], events[-1]["type"]) == ("ADDED", "DELETED")
    assert events[0]["object"]["metadata"]["name"] == "web"
    assert events[0]["object"]["kind"] == "Deployment"
    assert {event["type"] for event in events} <= {"ADDED", "MODIFIED", "DELETED"}


def test_without_a_version_it_begins_with_what_is_there(web: Face) -> None:
    """And other names are not told."""
    events = watched(web, "fieldSelector=metadata.name=web")

    assert events[0]["type"] == "ADDED"
    assert watched(web, "fieldSelector=metadata.name=other") == []


def test_the_end_of_the_beginning_is_marked(web: Face) -> None:
    """For those who stream a list."""
    query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    events = watched(web, query)
    bookmark = next(event for event in events if event["type"] == "BOOKMARK")

    assert events[0]["type"] == "ADDED"
    notes = bookmark["object"]["metadata"]["annotations"]
    assert notes == {"k8s.io/initial-events-end": "true"}
