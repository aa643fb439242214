"""One namespace on somebody's cluster that belongs to one running story, and shows that it lives.

The story renews a mark on its namespace. Whoever wants that namespace watches the mark with its own
clock, so that two machines need not agree on the time: while it changes, the namespace is taken;
after a silence it is a leftover. A namespace that somebody else made is never written to, nor
deleted.
"""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import NamedTuple

from kubernetes.client import ApiException, AppsV1Api, CoreV1Api
from urllib3.exceptions import HTTPError

from contracts.errors import InvalidInput, Unavailable
from sandbox.objects import Object, annotations_of, is_terminating, text_at
from sandbox.scenario import raw

logger = logging.getLogger(__name__)

OWNER_LABEL = "firebreak.demo/owner"
STORY, BEAT = "firebreak.demo/story", "firebreak.demo/beat"
BEAT_SECONDS = 2.0
SILENCE_SECONDS = 12.0
GONE_SECONDS_MAX = 60.0
_POLL_SECONDS = 0.2
_LOST = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)


class Claim(NamedTuple):
    """A namespace that is this story's: by its uid, and by the mark on it."""

    namespace: str
    uid: str
    story: str


def claim(core: CoreV1Api, namespace: str, silence_seconds: float = SILENCE_SECONDS) -> Claim:
    """Create the namespace; one that a story left behind which is silent is deleted first.

    Raises:
        InvalidInput: somebody else made it, or another story plays in it.
        Unavailable: what was left behind does not end.

    """
    found = _namespace(core, namespace)
    if found is not None:
        _require_made_here(found)
        if not is_terminating(found):
            give_back(core, _taken_over(core, found, silence_seconds))
        _wait_until_gone(namespace, lambda: _namespace(core, namespace) is not None)
    story = _new_story()
    notes = {STORY: story, BEAT: "0"}
    metadata = {"name": namespace, "labels": {OWNER_LABEL: namespace}, "annotations": notes}
    with _contested(namespace):
        made = raw(core.create_namespace, {"metadata": metadata})
    return Claim(namespace, text_at(made, "metadata", "uid"), story)


def _new_story() -> str:
    return f"{socket.gethostname()} pid {os.getpid()} {secrets.token_hex(4)}"


def _require_made_here(found: Object) -> None:
    namespace = text_at(found, "metadata", "name")
    if text_at(found, "metadata", "labels", OWNER_LABEL) != namespace:
        raise InvalidInput(
            f"the cluster has a namespace {namespace} that this command did not make",
            "Take another cluster: the story creates that namespace, and deletes it.",
        )


def _taken_over(core: CoreV1Api, found: Object, silence_seconds: float) -> Claim:
    """Put our mark on a namespace whose story is silent; the version proves that it still is."""
    namespace, story = text_at(found, "metadata", "name"), _new_story()
    if annotations_of(found).get(STORY):
        _require_silent(core, found, silence_seconds)
    version = text_at(found, "metadata", "resourceVersion")
    mark = {"resourceVersion": version, "annotations": {STORY: story, BEAT: "0"}}
    with _contested(namespace):
        raw(core.patch_namespace, namespace, {"metadata": mark})
    return Claim(namespace, text_at(found, "metadata", "uid"), story)


def _require_silent(core: CoreV1Api, found: Object, silence_seconds: float) -> None:
    namespace = text_at(found, "metadata", "name")
    extra = {"namespace": namespace, "silence_seconds": silence_seconds}
    logger.warning("watching whether a demo still plays in its namespace", extra=extra)
    deadline = time.monotonic() + silence_seconds
    while time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        seen = _namespace(core, namespace)
        if seen is None or annotations_of(seen) != annotations_of(found):
            raise _in_use(namespace, annotations_of(seen or found).get(STORY, ""))


@contextmanager
def _contested(namespace: str) -> Iterator[None]:
    """Whoever comes second to a namespace is told so."""
    try:
        yield
    except ApiException as err:
        if err.status not in _LOST:
            raise
        raise _in_use(namespace, "") from err


def _in_use(namespace: str, story: str) -> InvalidInput:
    who = f"another demo ({' '.join(story.split()[:3])})" if story else "another demo"
    return InvalidInput(
        f"{who} plays in the namespace {namespace} of that cluster",
        "Wait until it has ended, or end it; or leave --kubeconfig out for a sandbox of your own.",
    )


@contextmanager
def beating(core: CoreV1Api, mine: Claim) -> Iterator[None]:
    """Renew the mark until the block ends, or the namespace is no longer this story's."""
    stop = threading.Event()
    thread = threading.Thread(target=_beat, args=(core, mine, stop), name="demo-mark", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _beat(core: CoreV1Api, mine: Claim, stop: threading.Event) -> None:
    number = 0
    while not stop.wait(BEAT_SECONDS):
        number += 1
        # With the uid, a namespace of the same name that came later is refused to us.
        mark = {"uid": mine.uid, "annotations": {BEAT: str(number)}}
        try:
            seen = raw(core.patch_namespace, mine.namespace, {"metadata": mark})
        except ApiException as err:
            if err.status in _LOST:
                break
            continue
        except (HTTPError, OSError):
            continue
        if annotations_of(seen).get(STORY) != mine.story:
            break
    else:
        return
    logger.warning("the demo's namespace was taken away", extra={"namespace": mine.namespace})


def give_back(core: CoreV1Api, mine: Claim) -> None:
    """Delete the namespace if it is still ours. Its pods are gone then; the name itself lingers on
    for seconds, which whoever wants it again waits for.
    """
    found = _namespace(core, mine.namespace)
    if found is None or is_terminating(found) or annotations_of(found).get(STORY) != mine.story:
        return
    apps, namespace = AppsV1Api(core.api_client), mine.namespace
    # A namespace that has pods waits for their whole grace before it looks again.
    raw(
        apps.delete_collection_namespaced_deployment,
        namespace,
        body={"propagationPolicy": "Foreground"},
    )
    _wait_until_gone(
        namespace, lambda: bool(raw(apps.list_namespaced_deployment, namespace)["items"])
    )
    raw(core.delete_namespace, namespace, body={"preconditions": {"uid": mine.uid}})


def _wait_until_gone(namespace: str, is_there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GONE_SECONDS_MAX
    while is_there():
        if time.monotonic() > deadline:
            text = f"the namespace {namespace} is still ending after {GONE_SECONDS_MAX:.0f} s"
            raise Unavailable(text, f"See what holds it: kubectl get namespace {namespace} -o yaml")
        time.sleep(_POLL_SECONDS)


def _namespace(core: CoreV1Api, name: str) -> Object | None:
    try:
        return raw(core.read_namespace, name)
    except ApiException as err:
        if err.status == HTTPStatus.NOT_FOUND:
            return None
        raise
