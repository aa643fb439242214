"""`GET pods/{name}/log`: which container, which instance, which part of it.

The refusals are the sentences of the real API server and kubelet, because collectors of evidence
tell "nothing to see" from "broken" by them.
"""

from datetime import datetime, timedelta
from typing import Protocol

from sandbox.objects import Object, items_at, micro_timestamp, name_of, text_at, uid_of
from sandbox.requests import Request, Response, text_response
from sandbox.status import bad_request, bad_value, invalid, not_implemented

Line = tuple[datetime, str]
_IN_WORDS = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}


class LogSource(Protocol):
    """Where the lines of a container come from."""

    def log(self, pod_uid: str, container: str, *, previous: bool) -> list[Line] | None:
        """The lines of the instance, oldest first; None when there was no such instance."""


def read_log(request: Request, pod: Object, source: LogSource, now: datetime) -> Response:
    """The log as text/plain; raises ApiError 400, 422 or 501."""
    _refuse_unsupported(request)
    _check_bounds(request, name_of(pod))
    container = _container(pod, request.param("container"))
    previous = request.flag("previous")
    lines = source.log(uid_of(pod), container, previous=previous)
    if lines is None:
        raise _no_instance(pod, container, previous=previous)
    text = _cut(request, lines, now)
    limit = request.number("limitBytes")
    return text_response(200, text.encode()[:limit].decode(errors="ignore"))


def _refuse_unsupported(request: Request) -> None:
    if request.flag("follow"):
        raise not_implemented("following a log")
    if request.param("sinceTime"):
        raise not_implemented("sinceTime of a log")
    if request.param("stream") not in {"", "All"}:
        raise not_implemented("choosing a stream of a log")


def _check_bounds(request: Request, pod: str) -> None:
    smallest = {"tailLines": 0, "limitBytes": 1, "sinceSeconds": 1}
    for name, least in smallest.items():
        value = request.number(name)
        if value is not None and value < least:
            than = "greater than or equal to 0" if least == 0 else "greater than 0"
            cause = bad_value(name, str(value), f"must be {than}")
            raise invalid(("", "PodLogOptions"), pod, [cause])


def _container(pod: Object, wanted: str) -> str:
    names = [str(item["name"]) for item in items_at(pod, "spec", "containers")]
    inits = [str(item["name"]) for item in items_at(pod, "spec", "initContainers")]
    if wanted in names:
        return wanted
    if wanted in inits:
        raise not_implemented("logs of init containers")
    if wanted:
        raise bad_request(f"container {wanted} is not valid for pod {name_of(pod)}")
    if len(names) == 1:
        return names[0]
    hint = f" or one of the init containers: [{' '.join(inits)}]" if inits else ""
    raise bad_request(
        f"a container name must be specified for pod {name_of(pod)}, "
        f"choose one of: [{' '.join(names)}]{hint}"
    )


def _no_instance(pod: Object, container: str, *, previous: bool) -> Exception:
    subject = f'container "{container}" in pod "{name_of(pod)}"'
    if previous:
        return bad_request(f"previous terminated {subject} not found")
    return bad_request(f"{subject} is waiting to start: {_waits_for(pod, container)}")


def _waits_for(pod: Object, container: str) -> str:
    statuses = items_at(pod, "status", "containerStatuses")
    mine = next((item for item in statuses if item.get("name") == container), {})
    reason = text_at(mine, "state", "waiting", "reason") or "ContainerCreating"
    return _IN_WORDS.get(reason, reason)


def _cut(request: Request, lines: list[Line], now: datetime) -> str:
    since, tail = request.number("sinceSeconds"), request.number("tailLines")
    if since is not None:
        lines = [line for line in lines if line[0] >= now - timedelta(seconds=since)]
    if tail is not None:
        lines = lines[len(lines) - min(tail, len(lines)) :]
    if request.flag("timestamps"):
        return "".join(f"{micro_timestamp(at)} {text}\n" for at, text in lines)
    return "".join(f"{text}\n" for _, text in lines)
