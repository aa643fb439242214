"""files.*: an upload in three steps; the second is a plain POST to the address of the first."""

from sandbox.slack.methods import Args, Here, Method
from sandbox.slack.refusals import JSON, Refusal


def get_upload_url(here: Here, args: Args) -> JSON:
    """files.getUploadURLExternal."""
    name = args.required("filename")
    length = args.number("length", 0)
    if length < 1:
        raise Refusal("missing_argument")
    file_id = here.store.new_id("F")
    here.store.files[file_id] = {"id": file_id, "name": name, "size": length, "content": None}
    return {"ok": True, "file_id": file_id, "upload_url": f"{here.url}/upload/v1/{file_id}"}


def complete_upload(here: Here, args: Args) -> JSON:
    """files.completeUploadExternal: shares what was uploaded as a message of the app."""
    wanted = args.structure("files", list, "invalid_arguments")
    if not wanted:
        raise Refusal("invalid_arguments")
    files = [_finished(here, str(one.get("id", "")), one) for one in wanted]
    if args.text("channel_id"):
        _share(here, args, files)
    return {"ok": True, "files": [{"id": f["id"], "title": f["title"]} for f in files]}


def _finished(here: Here, file_id: str, asked: JSON) -> JSON:
    found = here.store.files.get(file_id)
    if found is None or found["content"] is None:
        raise Refusal("file_not_found")
    found["title"] = asked.get("title") or found["name"]
    return found


def _share(here: Here, args: Args, files: list[JSON]) -> None:
    channel = here.store.channel(args.text("channel_id"))
    if channel.archived:
        raise Refusal("posting_to_channel_denied")
    if here.store.workspace.bot_user not in channel.members:
        raise Refusal("not_in_channel")
    shared = [{k: f[k] for k in ("id", "name", "title", "size")} for f in files]
    message = here.store.by_app() | {"text": args.text("initial_comment"), "files": shared}
    if args.text("thread_ts"):
        message["thread_ts"] = args.text("thread_ts")
    here.store.add(channel.id, message)


METHODS = {
    "files.getUploadURLExternal": Method(get_upload_url, ("files:write",), 4, json=False),
    "files.completeUploadExternal": Method(complete_upload, ("files:write",), 4),
}
