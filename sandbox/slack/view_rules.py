"""Modals and Homes, judged as Slack judges them."""

from collections.abc import Collection, Iterator
from typing import Any

from sandbox.slack import limits
from sandbox.slack.blocks import identified, view_block_faults
from sandbox.slack.elements import plain
from sandbox.slack.refusals import JSON, Refusal, refused
from sandbox.slack.shapes import Check, Shape, fault, flag, string
from sandbox.slack.wire import size_of

_COMMON: dict[str, Check] = {
    "private_metadata": string(limits.PRIVATE_METADATA_MAX, 0),
    "callback_id": string(limits.ID_MAX, 0),
    "external_id": string(limits.ID_MAX, 0),
}
_TITLE = plain(limits.VIEW_TITLE_MAX)


def _submit_with_inputs(view: Any, at: str) -> Iterator[str]:
    blocks = view.get("blocks")
    inputs = isinstance(blocks, list) and any(
        isinstance(block, dict) and block.get("type") == "input" for block in blocks
    )
    if inputs and not view.get("submit"):
        yield fault("missing required field: submit, as there are inputs", at)


VIEWS = {
    "modal": Shape(
        {"title": _TITLE, "blocks": view_block_faults},
        _COMMON
        | {"submit": _TITLE, "close": _TITLE, "clear_on_close": flag, "notify_on_close": flag},
        (_submit_with_inputs,),
    ),
    "home": Shape({"blocks": view_block_faults}, _COMMON),
}


def check_view(view: JSON, kinds: Collection[str]) -> JSON:
    """The view with ids for everything; raises Refusal `invalid_arguments` or `view_too_large`."""
    # Clients write what they do not set as null.
    view = {key: value for key, value in view.items() if value is not None}
    kind = view.get("type")
    if kind not in kinds:
        raise refused("invalid_arguments", fault(f"unsupported type: {kind}", "/view/type"))
    faults = [*VIEWS[str(kind)](view, "/view")]
    if faults:
        raise refused("invalid_arguments", *faults)
    if size_of(view) > limits.VIEW_BYTES_MAX:
        raise Refusal("view_too_large")
    return view | {"blocks": identified(view["blocks"])}
