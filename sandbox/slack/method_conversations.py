"""conversations.*: reading channels back, and opening the one with a single person."""

import copy

from sandbox.slack.methods import Args, Here, Method, need_scopes
from sandbox.slack.refusals import JSON, Refusal
from sandbox.slack.store import Store
from sandbox.slack.workspace import Channel

PAGE = 100
PAGE_MAX = 999


def _kind(store: Store, channel: Channel) -> str:
    if store.dm_user(channel.id):
        return "im"
    return "groups" if channel.private else "channels"


def _channel_info(store: Store, channel: Channel) -> JSON:
    dm_user = store.dm_user(channel.id)
    if dm_user:
        return {"id": channel.id, "is_im": True, "user": dm_user, "is_archived": channel.archived}
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not channel.private,
        "is_private": channel.private,
        "is_archived": channel.archived,
        "is_member": store.workspace.bot_user in channel.members,
        "num_members": len(channel.members),
    }


def _readable(here: Here, args: Args) -> Channel:
    channel = here.store.channel(args.required("channel"))
    need_scopes(here, f"{_kind(here.store, channel)}:history")
    if here.store.workspace.bot_user not in channel.members:
        raise Refusal("not_in_channel")
    return channel


def _window(args: Args, messages: list[JSON]) -> list[JSON]:
    """Those between `oldest` and `latest`; the ends count only when `inclusive`."""
    oldest, latest = (float(args.text(n) or d) for n, d in (("oldest", "0"), ("latest", "inf")))
    if args.flag("inclusive"):
        return [m for m in messages if oldest <= float(m["ts"]) <= latest]
    return [m for m in messages if oldest < float(m["ts"]) < latest]


def _page(args: Args, messages: list[JSON]) -> JSON:
    limit = min(args.number("limit", PAGE), PAGE_MAX)
    start = args.number("cursor", 0)
    if start > len(messages):
        raise Refusal("invalid_cursor")
    part = messages[start : start + limit]
    more = start + limit < len(messages)
    if not args.flag("include_all_metadata"):
        part = [{k: v for k, v in m.items() if k != "metadata"} for m in part]
    cursor = {"next_cursor": str(start + limit) if more else ""}
    answer = {"ok": True, "messages": copy.deepcopy(part), "has_more": more}
    return answer | {"response_metadata": cursor}


def history(here: Here, args: Args) -> JSON:
    """conversations.history: newest first, without the answers in threads."""
    channel = _readable(here, args)
    top = [m for m in here.store.said(channel.id) if _is_top(m)]
    return _page(args, [*reversed(_window(args, top))])


def _is_top(message: JSON) -> bool:
    in_thread = message.get("thread_ts", message["ts"]) != message["ts"]
    return not in_thread or message.get("subtype") == "thread_broadcast"


def replies(here: Here, args: Args) -> JSON:
    """conversations.replies: the parent, then its answers, oldest first."""
    channel = _readable(here, args)
    ts = args.required("ts")
    found = here.store.find(channel.id, ts)
    if found is None:
        raise Refusal("thread_not_found")
    root = found.get("thread_ts", ts)
    said = here.store.said(channel.id)
    thread = [m for m in said if m["ts"] == root or m.get("thread_ts") == root]
    parents = [m for m in thread if m["ts"] == root]
    return _page(args, parents + _window(args, [m for m in thread if m["ts"] != root]))


def info(here: Here, args: Args) -> JSON:
    """conversations.info."""
    channel = here.store.channel(args.required("channel"))
    need_scopes(here, f"{_kind(here.store, channel)}:read")
    return {"ok": True, "channel": _channel_info(here.store, channel)}


def members(here: Here, args: Args) -> JSON:
    """conversations.members."""
    channel = here.store.channel(args.required("channel"))
    need_scopes(here, f"{_kind(here.store, channel)}:read")
    listed = sorted(channel.members)
    return {"ok": True, "members": listed, "response_metadata": {"next_cursor": ""}}


def open_conversation(here: Here, args: Args) -> JSON:
    """conversations.open, with one person only."""
    user_id = args.required("users")
    user = here.store.workspace.user(user_id)
    if user is None:
        raise Refusal("user_not_found")
    if user.deleted:
        raise Refusal("user_disabled")
    if user.is_bot:
        raise Refusal("cannot_dm_bot")
    return {"ok": True, "channel": {"id": here.store.dm_of(user_id).id}}


METHODS = {
    "conversations.history": Method(history, (), 3),
    "conversations.replies": Method(replies, (), 3, json=False),
    "conversations.info": Method(info, (), 3, json=False),
    "conversations.members": Method(members, (), 4, json=False),
    "conversations.open": Method(open_conversation, ("im:write",), 3),
}
