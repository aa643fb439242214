"""chat.*: what the app says. Text is kept as it came; nothing is made milder here."""

from sandbox.slack.blocks import check_message_blocks, identified
from sandbox.slack.limits import METADATA_BYTES_MAX, TEXT_MAX, UPDATE_TEXT_MAX
from sandbox.slack.methods import POSTING, Args, Here, Method
from sandbox.slack.refusals import JSON, Refusal
from sandbox.slack.store import TOMBSTONE, Store
from sandbox.slack.wire import size_of
from sandbox.slack.workspace import Channel


def _writable(here: Here, channel_id: str) -> Channel:
    store = here.store
    if channel_id.startswith("U"):
        if store.workspace.user(channel_id) is None:
            raise Refusal("channel_not_found")
        return store.dm_of(channel_id)
    channel = store.channel(channel_id)
    if channel.archived:
        raise Refusal("is_archived")
    invited = store.workspace.bot_user in channel.members
    if not invited and "chat:write.public" not in store.workspace.scopes:
        raise Refusal("not_in_channel")
    return channel


def _content(args: Args, text_max: int) -> JSON:
    """Text and blocks, judged as Slack does before anything is stored."""
    text = args.text("text")
    blocks = args.structure("blocks", list, "invalid_blocks_format")
    if not text and not blocks and not args.given.get("attachments"):
        raise Refusal("no_text")
    if len(text) > text_max:
        raise Refusal("msg_too_long")
    content: JSON = {"text": text}
    if blocks:
        check_message_blocks(blocks)
        content["blocks"] = identified(blocks)
    return content


def _metadata(args: Args) -> JSON | None:
    found = args.structure("metadata", dict, "invalid_metadata_format")
    if not found:
        return found  # type: ignore[no-any-return]  # None or an empty object
    if not isinstance(found.get("event_type"), str) or not found["event_type"]:
        raise Refusal("invalid_metadata_schema")
    if not isinstance(found.get("event_payload"), dict):
        raise Refusal("invalid_metadata_schema")
    if size_of(found) > METADATA_BYTES_MAX:
        raise Refusal("metadata_too_large")
    return found  # type: ignore[no-any-return]  # an object, checked above


def _shown(message: JSON) -> JSON:
    return {k: v for k, v in message.items() if k != "metadata"}


def post_message(here: Here, args: Args) -> JSON:
    """chat.postMessage."""
    channel = _writable(here, args.required("channel"))
    message = here.store.by_app() | _content(args, TEXT_MAX)
    metadata = _metadata(args)
    if metadata:
        message["metadata"] = metadata
    message |= _in_thread(here.store, channel, args)
    stored = here.store.add(channel.id, message)
    return {"ok": True, "channel": channel.id, "ts": stored["ts"], "message": _shown(stored)}


def _in_thread(store: Store, channel: Channel, args: Args) -> JSON:
    thread = args.text("thread_ts")
    if not thread:
        return {}
    parent = store.find(channel.id, thread)
    if parent is None:
        # What Slack does here is written nowhere; an app should not find out by luck.
        raise Refusal("cannot_reply_to_message")
    # An answer to an answer is in the same thread.
    root = parent.get("thread_ts", parent["ts"])
    broadcast = {"subtype": "thread_broadcast"} if args.flag("reply_broadcast") else {}
    return {"thread_ts": root, **broadcast}


def _own_message(here: Here, args: Args, code: str) -> tuple[Channel, JSON]:
    channel = here.store.channel(args.required("channel"))
    message = here.store.find(channel.id, args.required("ts"))
    if message is None or message.get("subtype") == TOMBSTONE:
        raise Refusal("message_not_found")
    if message.get("bot_id") != here.store.workspace.bot_id:
        raise Refusal(code)
    return channel, message


def update(here: Here, args: Args) -> JSON:
    """chat.update: text without blocks removes the blocks; metadata stays unless it is given."""
    channel, message = _own_message(here, args, "cant_update_message")
    if channel.archived:
        raise Refusal("is_inactive")
    content = _content(args, UPDATE_TEXT_MAX)
    metadata = _metadata(args)
    message.pop("blocks", None)
    message.pop("edited", None)
    message.update(content)
    if metadata is not None:
        message["metadata"] = metadata
    if "blocks" not in content:
        message["edited"] = {"user": here.store.workspace.bot_user, "ts": message["ts"]}
    here.store.changes += 1
    ok = {"ok": True, "channel": channel.id, "ts": message["ts"], "text": message["text"]}
    return ok | {"message": _shown(message)}


def delete(here: Here, args: Args) -> JSON:
    """chat.delete."""
    channel, message = _own_message(here, args, "cant_delete_message")
    here.store.delete(channel.id, message["ts"])
    return {"ok": True, "channel": channel.id, "ts": message["ts"]}


def post_ephemeral(here: Here, args: Args) -> JSON:
    """chat.postEphemeral: for one member's eyes, and kept in no history."""
    channel = _writable(here, args.required("channel"))
    user = args.required("user")
    if user not in channel.members:
        raise Refusal("user_not_in_channel")
    message = here.store.by_app() | _content(args, TEXT_MAX) | _in_thread(here.store, channel, args)
    shown = here.store.add_ephemeral(channel.id, user, message)
    return {"ok": True, "message_ts": shown["ts"]}


def get_permalink(here: Here, args: Args) -> JSON:
    """chat.getPermalink."""
    channel = here.store.channel(args.required("channel"))
    ts = args.required("message_ts")
    if here.store.find(channel.id, ts) is None:
        raise Refusal("message_not_found")
    link = f"{here.url}/archives/{channel.id}/p{ts.replace('.', '')}"
    return {"ok": True, "channel": channel.id, "permalink": link}


METHODS = {
    "chat.postMessage": Method(post_message, ("chat:write",), POSTING),
    "chat.update": Method(update, ("chat:write",), 3),
    "chat.delete": Method(delete, ("chat:write",), 3),
    "chat.postEphemeral": Method(post_ephemeral, ("chat:write",), 4),
    "chat.getPermalink": Method(get_permalink, (), 4, json=False),
}
