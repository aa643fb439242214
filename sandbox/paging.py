"""Lists in pages: `limit`, and a `continue` token that says where the next page begins.

Pages are cut from what is there now; that a page of an old list shows the old state is a promise
that only the real server keeps.
"""

import base64
import json
from binascii import Error

from sandbox.objects import Object, name_of, namespace_of
from sandbox.requests import Request
from sandbox.status import bad_request


def paged(request: Request, found: list[Object], version: str) -> tuple[list[Object], Object]:
    """The page, and the list's metadata; raises ApiError 400 for a token that is none."""
    limit, token = request.number("limit") or 0, request.param("continue")
    if token:
        start = _decoded(token)
        found = [obj for obj in found if _place(obj) > start]
    metadata: Object = {"resourceVersion": version}
    if not limit or len(found) <= limit:
        return found, metadata
    page = found[:limit]
    metadata["continue"] = _encoded(_place(page[-1]))
    if not request.param("labelSelector") and not request.param("fieldSelector"):
        metadata["remainingItemCount"] = len(found) - limit
    return page, metadata


def _place(obj: Object) -> list[str]:
    return [namespace_of(obj), name_of(obj)]


def _encoded(place: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _decoded(token: str) -> list[str]:
    try:
        place = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (Error, ValueError) as error:
        why = f"continue key is not valid: {error}"
        raise bad_request(why) from error
    return [str(part) for part in place]
