"""What a new pod of the same template may run that the present pods do not.

A tag is a name that somebody may have given to another image since; a restart then releases it.
Pure readings of pods that were read anyway.
"""

from activities.kubernetes import raw
from activities.kubernetes.raw import Object
from activities.kubernetes.workload import images_of

_UNFIXED = "latest"


def drift_findings(template: Object, pods: list[Object]) -> list[str]:
    """Sentences about images that may have changed under their names."""
    images = list(dict.fromkeys(images_of(template)))
    return [said for image in images for said in _said(image, _digests(image, pods))]


def _said(image: str, digests: set[str]) -> list[str]:
    said = []
    if len(digests) > 1:
        said.append(f"image {image} runs as {len(digests)} different digests already")
    if _is_unfixed(image):
        said.append(f"image {image} has no fixed tag: new pods may run another version")
    return said


def _digests(image: str, pods: list[Object]) -> set[str]:
    """The digests under which pods run the image; a status that names none tells nothing."""
    found = set()
    for pod in pods:
        named = {
            raw.text(container, "name")
            for container in raw.items(pod, "spec", "containers")
            if raw.text(container, "image") == image
        }
        for status in raw.items(pod, "status", "containerStatuses"):
            digest = raw.text(status, "imageID").rpartition("@")[2]
            if raw.text(status, "name") in named and digest.startswith("sha256:"):
                found.add(digest)
    return found


def _is_unfixed(image: str) -> bool:
    """`name`, `host:5000/name` and `name:latest`, but not `name:1.2` or `name@sha256:…`."""
    if "@" in image:
        return False
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag in ("", _UNFIXED)
