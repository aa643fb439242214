"""What a person can see and touch: the button on a message, the menu in a modal, what they type.

Slack's client checks some things before it sends anything; so does this. Who asks for something
that is not there gets `NotOnScreen`: a test then has a fault, or the app took a button away.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sandbox.slack.blocks import elements_of
from sandbox.slack.elements import all_options
from sandbox.slack.refusals import JSON, NotOnScreen
from sandbox.slack.store import Store
from sandbox.slack.workspace import Channel, User

Typed = str | Sequence[str] | None


def person(store: Store, user_id: str) -> User:
    """Somebody who can act; raises NotOnScreen for a stranger to the workspace."""
    user = store.workspace.user(user_id)
    if user is None or user.deleted:
        raise NotOnScreen(f"nobody who can sign in is called {user_id}; add a User first")
    return user


def place(store: Store, user: User, channel_id: str) -> Channel:
    """A channel or conversation that the person is in; raises NotOnScreen."""
    dm = store.dm_of(user.id)
    channel = dm if dm.id == channel_id else store.workspace.channel(channel_id)
    if channel is None or user.id not in channel.members:
        raise NotOnScreen(f"{user.id} is in no channel {channel_id}; add them to its members")
    return channel


def message_of(store: Store, user: User, channel_id: str, ts: str) -> JSON:
    """A message that the person sees, an ephemeral one for them too; raises NotOnScreen."""
    found = store.find(channel_id, ts)
    if found is not None:
        return found
    for one in store.ephemerals:
        if (one["channel"], one["ts"], one["to"]) == (channel_id, ts, user.id):
            return one
    raise NotOnScreen(f"no message {ts} in {channel_id}; was it deleted?")


def element(blocks: Iterable[JSON], action_id: str, value: str | None) -> tuple[JSON, JSON]:
    """The block and the element in it; `value` tells buttons with the same action id apart."""
    touchable = [(block, one) for block in blocks for one in elements_of(block)]
    for block, one in touchable:
        if one.get("action_id") == action_id and value in (None, one.get("value")):
            return block, one
    there = sorted(str(one.get("action_id")) for _, one in touchable)
    raise NotOnScreen(f"nothing is called {action_id!r} (value {value!r}) here; there is {there}")


def clicked(block: JSON, one: JSON) -> JSON:
    """A button was pressed."""
    if one["type"] != "button":
        raise NotOnScreen(f"{one['action_id']!r} is a {one['type']}, not a button; choose from it")
    kept: JSON = {k: one[k] for k in ("action_id", "text", "value", "style", "url") if k in one}
    return {"type": "button", "block_id": block["block_id"], **kept}


def chosen(block: JSON, one: JSON, value: Typed) -> JSON:
    """Something was chosen from a menu."""
    ids = {"type": one["type"], "block_id": block["block_id"], "action_id": one["action_id"]}
    return ids | state_of(one, value)


def _option(one: JSON, value: str) -> JSON:
    for option in all_options(one):
        if option["value"] == value:
            return dict(option)
    there = [option["value"] for option in all_options(one)]
    raise NotOnScreen(f"{value!r} is no option of {one['action_id']!r}; there is {there}")


_PICKED = {
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
}
_ONE_OPTION = ("static_select", "radio_buttons", "overflow")
_MANY_OPTIONS = ("checkboxes", "multi_static_select")


def state_of(one: JSON, value: Typed) -> JSON:
    """What an input holds when somebody entered `value`, as payloads say it."""
    kind = one["type"]
    many = [value] if isinstance(value, str) else list(value or ())
    if kind in _ONE_OPTION:
        return {"selected_option": _option(one, str(value)) if value else None}
    if kind in _MANY_OPTIONS:
        return {"selected_options": [_option(one, each) for each in many]}
    if kind == "multi_users_select":
        return {"selected_users": many}
    if kind in _PICKED:
        return {_PICKED[kind]: value or None}
    return {"value": value or None}


def initial_of(one: JSON) -> Typed:
    """What an input holds before anybody touched it."""
    options = one.get("initial_options")
    if options:
        return [option["value"] for option in options]
    if one.get("initial_option"):
        return str(one["initial_option"]["value"])
    if one.get("initial_users"):
        return list(one["initial_users"])
    keys = ("value", "user", "channel", "conversation", "date", "time")
    found = [one[f"initial_{key}"] for key in keys if one.get(f"initial_{key}")]
    return str(found[0]) if found else None


def is_empty(state: JSON) -> bool:
    """Whether an input holds nothing."""
    return not any(value for key, value in state.items() if key != "type")


def fill(view: JSON, values: Mapping[str, Typed]) -> None:
    """Write what was typed into the view's state; `values` is by block id.

    Raises NotOnScreen when a block is not there, a required one is empty or too short or long:
    Slack's client keeps such a modal and sends nothing.
    """
    inputs = {b["block_id"]: b for b in view["blocks"] if b["type"] == "input"}
    for name in values.keys() - inputs.keys():
        raise NotOnScreen(f"the modal has no input {name!r}; there is {sorted(inputs)}")
    state = view["state"]["values"]
    for name, block in inputs.items():
        one = block["element"]
        before = state.get(name, {}).get(one["action_id"])
        if name in values:
            now = {"type": one["type"]} | state_of(one, values[name])
        else:
            now = before or {"type": one["type"]} | state_of(one, initial_of(one))
        _check_typed(block, one, now)
        state[name] = {one["action_id"]: now}


def _check_typed(block: JSON, one: JSON, state: JSON) -> None:
    if is_empty(state):
        if not block.get("optional"):
            raise NotOnScreen(f"{block['block_id']!r} must be filled in; Slack does not send it")
        return
    typed: Any = state.get("value")
    if not isinstance(typed, str):
        return
    if len(typed) < one.get("min_length", 0) or len(typed) > one.get("max_length", 3_000):
        raise NotOnScreen(f"{block['block_id']!r} has {len(typed)} characters; Slack refuses that")
