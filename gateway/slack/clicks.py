"""What Slack says of something that a person did there, as one value. Pure.

Everything in it was sent by Slack and names things only: who it was is decided by `people`, and
what an id stands for is looked up in the books.
"""

import json
import re
from typing import Any, NamedTuple

_NONE: dict[str, Any] = {}
_ID = re.compile(r"(?:[a-z_]+\|)?(?:apr|inc)-[A-Za-z0-9-]{1,100}")
# `<@U1|ana>`, `<#C1|ops>`, `<!subteam^S1|@sre>`, `<https://…|shown>`: what people see stands after
# the bar, and for people and channels behind their sign. Anything else in brackets was typed.
_MARKUP = re.compile(
    r"<(?:(?P<sign>[@#])(?P<id>[A-Z0-9]{2,})|!(?P<group>[a-z]+)(?:\^[^<>|]*)?"
    r"|(?P<url>(?:https?|mailto):[^<>|\s]*))(?:\|(?P<shown>[^<>]*))?>"
)


class Click(NamedTuple):
    """One action, command, shortcut or submission. `value` is the id that our own message or view
    carries; `home` is the person's own workspace where Slack says it; `ts` and `text` are those of
    the message. `key` is the same for every delivery of the same act.
    """

    kind: str
    user: str
    team: str
    key: str
    home: str = ""
    app: str = ""
    trigger: str = ""
    channel: str = ""
    thread: str = ""
    value: str = ""
    ts: str = ""
    text: str = ""

    @property
    def about(self) -> str:
        """The id in `value`, for the log; never what somebody typed."""
        return self.value if _ID.fullmatch(self.value) else ""


def click_of(body: dict[str, Any]) -> Click:
    """Read any interaction: a button, a menu, a shortcut, a submission or a slash command."""
    if "command" in body:
        return _command(body)
    user, team, view = (_dict(body, name) for name in ("user", "team", "view"))
    action = next(iter(body.get("actions") or ()), _NONE)
    kept = kept_in(view)
    message = _dict(body, "message")
    trigger = str(body.get("trigger_id") or "")
    submitted = body.get("type") == "view_submission"
    return Click(
        kind=str(action.get("action_id") or view.get("callback_id") or body.get("callback_id", "")),
        user=str(user.get("id", "")),
        team=str(team.get("id") or user.get("team_id", "")),
        key=str(view.get("id", "")) if submitted else trigger,
        home=str(user.get("team_id", "")),
        app=str(body.get("api_app_id", "")),
        trigger=trigger,
        channel=str(_dict(body, "channel").get("id") or kept.get("channel", "")),
        thread=str(message.get("thread_ts") or kept.get("thread", "")),
        value=_value(action) or str(kept.get("value", "")),
        ts=str(message.get("ts", "")),
        text=plain_of(str(message.get("text") or "")),
    )


def _command(body: dict[str, Any]) -> Click:
    return Click(
        kind=str(body["command"]),
        user=str(body.get("user_id", "")),
        team=str(body.get("team_id", "")),
        key=str(body.get("trigger_id", "")),
        app=str(body.get("api_app_id", "")),
        trigger=str(body.get("trigger_id", "")),
        channel=str(body.get("channel_id", "")),
        value=plain_of(str(body.get("text", ""))),
    )


def _value(action: dict[str, Any]) -> str:
    chosen = action.get("selected_option") or _NONE
    return str(action.get("value") or chosen.get("value") or "")


def _dict(body: dict[str, Any], name: str) -> dict[str, Any]:
    found = body.get(name)
    return found if isinstance(found, dict) else _NONE


def keeping(view: dict[str, Any], click: Click, **more: str) -> dict[str, Any]:
    """The view, with what its submission needs to know of where it was opened."""
    kept = {"value": click.value, "channel": click.channel, "thread": click.thread} | more
    return view | {"private_metadata": json.dumps(kept)}


def kept_in(view: dict[str, Any]) -> dict[str, Any]:
    """What `keeping` put into a view; empty for a view of another version."""
    try:
        kept = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}


def inputs_of(body: dict[str, Any]) -> dict[str, str]:
    """What was filled in, by block id, as text: of a choice its value, of several the values with
    commas between.
    """
    values = _dict(_dict(body, "view"), "state").get("values") or _NONE
    return {block: _text(field) for block, fields in values.items() for field in fields.values()}


def _text(field: dict[str, Any]) -> str:
    several = field.get("selected_options") or field.get("selected_users")
    if several is not None:
        return ",".join(o if isinstance(o, str) else str(o.get("value", "")) for o in several)
    chosen = field.get("selected_option") or _NONE
    return str(field.get("value") or chosen.get("value") or field.get("selected_user") or "")


def plain_of(text: str) -> str:
    """A command's text as the person typed it: Slack escapes three characters, and writes people,
    channels and links as `<…|shown>`.
    """
    shown = _MARKUP.sub(_shown, text)
    for escaped, plain in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        shown = shown.replace(escaped, plain)
    return " ".join(shown.split())


def _shown(found: re.Match[str]) -> str:
    shown = found["shown"] or ""
    if found["sign"]:
        return found["sign"] + (shown.removeprefix(found["sign"]) or found["id"])
    if found["group"]:
        return f"@{shown.removeprefix('@') or found['group']}"
    return shown or found["url"].removeprefix("mailto:")
