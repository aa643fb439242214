"""The ConfigMaps and Secrets that a pod template names, and images that move under their names."""

from typing import Any

import pytest

from activities.kubernetes.drift import drift_findings
from activities.kubernetes.references import config_maps_of, secrets_of, unseen

Json = dict[str, Any]
TEMPLATE: Json = {
    "spec": {
        "initContainers": [{"name": "i", "envFrom": [{"configMapRef": {"name": "init"}}]}],
        "containers": [
            {
                "name": "c",
                "envFrom": [
                    {"configMapRef": {"name": "all", "optional": True}},
                    {"secretRef": {"name": "keys"}},
                ],
                "env": [
                    {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "one", "key": "a"}}},
                    {"name": "B", "valueFrom": {"secretKeyRef": {"name": "token", "key": "b"}}},
                    {"name": "C", "value": "plain"},
                ],
            }
        ],
        "volumes": [
            {"name": "v", "configMap": {"name": "files"}},
            {"name": "s", "secret": {"secretName": "cert"}},
            {
                "name": "p",
                "projected": {
                    "sources": [{"configMap": {"name": "part"}}, {"secret": {"name": "piece"}}]
                },
            },
            {"name": "e", "emptyDir": {}},
        ],
    }
}


def test_every_place_that_names_a_config_map_is_seen() -> None:
    """Variables, whole environments, volumes and projections; optional ones are not needed."""
    assert config_maps_of(TEMPLATE) == ["files", "init", "one", "part"]


def test_secrets_are_named_and_never_looked_for() -> None:
    """A finding says so."""
    assert secrets_of(TEMPLATE) == ["cert", "keys", "piece", "token"]
    assert unseen(TEMPLATE) == ["secrets are never read; it needs cert, keys, piece, token"]


def test_a_template_without_references_needs_nothing() -> None:
    """And nothing is said."""
    assert unseen({"spec": {"containers": [{"name": "c"}]}}) == []


def test_more_config_maps_than_are_looked_for_are_told() -> None:
    """The look is bounded; what it leaves out is said."""
    volumes = [{"name": f"v{n}", "configMap": {"name": f"c{n}"}} for n in range(23)]
    assert unseen({"spec": {"volumes": volumes}}) == ["3 config maps were not looked for"]


def _pod(image: str, digest: str) -> Json:
    status = {"name": "c", "imageID": f"docker-pullable://r/web@{digest}" if digest else ""}
    spec = {"containers": [{"name": "c", "image": image}]}
    return {"spec": spec, "status": {"containerStatuses": [status]}}


@pytest.mark.parametrize(
    ("image", "digests", "said"),
    [
        ("r/web:1.0", ["sha256:a", "sha256:a"], []),
        ("r/web:1.0", ["sha256:a", ""], []),
        ("r/web:1.0", ["sha256:a", "sha256:b"], ["runs as 2 different digests already"]),
        ("r/web:latest", ["sha256:a"], ["has no fixed tag"]),
        ("host:5000/web", ["sha256:a"], ["has no fixed tag"]),
        ("host:5000/web:2", ["sha256:a"], []),
        ("r/web@sha256:a", ["sha256:a"], []),
    ],
)
def test_an_image_that_may_have_moved_is_told(
    image: str, digests: list[str], said: list[str]
) -> None:
    """A restart would then release another version."""
    template = {"spec": {"containers": [{"name": "c", "image": image}]}}
    found = drift_findings(template, [_pod(image, digest) for digest in digests])
    assert len(found) == len(said)
    assert all(words in finding for words, finding in zip(said, found, strict=True))
