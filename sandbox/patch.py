"""The three patch formats, chosen by content type.

Each function returns a new document and leaves its inputs alone. Whether the result may be stored
is not decided here.
"""

from typing import Any

import jsonpatch

from sandbox.objects import Object, copied
from sandbox.status import (
    bad_request,
    not_implemented,
    unprocessable,
    unsupported_media_type,
    unsupported_patch,
)
from sandbox.strategic import strategic_merge

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
_APPLY = ("application/apply-patch+yaml", "application/apply-patch+cbor")
_ACCEPTED = [JSON_PATCH, MERGE_PATCH, *_APPLY, STRATEGIC_PATCH]
_CUSTOM = [JSON_PATCH, MERGE_PATCH, _APPLY[0]]


def apply_patch(media_type: str, current: Object, patch: Any) -> Object:
    """The patched document; raises ApiError 400 or 422."""
    if media_type == JSON_PATCH:
        return _json_patch(current, patch)
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: the patch must be a JSON object")
    if media_type == MERGE_PATCH:
        merged: Object = _merged(current, patch)
        return merged
    return strategic_merge(current, patch)


def check_media_type(media_type: str, *, custom: bool = False) -> None:
    """Refuse what no server takes (415) and what only a real server takes (501).

    A strategic merge needs Go structs, which a custom resource does not have.
    """
    if media_type in _APPLY:
        raise not_implemented("server-side apply")
    if media_type not in _ACCEPTED:
        raise unsupported_patch()
    if custom and media_type not in _CUSTOM:
        raise unsupported_media_type(_CUSTOM)


def _json_patch(current: Object, patch: Any) -> Object:
    if not isinstance(patch, list):
        raise bad_request("error decoding patch: the patch must be a JSON array of operations")
    try:
        operations = jsonpatch.JsonPatch(copied(patch))
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise bad_request(f"error decoding patch: {error}") from error
    try:
        patched = operations.apply(copied(current))
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise unprocessable() from error
    if not isinstance(patched, dict):
        raise unprocessable()
    return patched


def _merged(current: Any, patch: Any) -> Any:
    """RFC 7396: null removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return copied(patch)
    merged = dict(current) if isinstance(current, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged
