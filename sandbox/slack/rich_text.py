"""The shapes of rich_text: text that Slack never parses, with every style spelled out."""

from sandbox.slack import limits
from sandbox.slack.shapes import Check, Shape, flag, integer, list_of, one_of, string, url, variant

_ITEMS_MAX = 1_000
_STYLE = Shape(
    {},
    {"bold": flag, "italic": flag, "strike": flag, "code": flag, "underline": flag},
)
_LONG = string(limits.TEXT_MAX)
_ID = string(limits.ID_MAX)
_STYLED: dict[str, Check] = {"style": _STYLE}

_INLINE: dict[str, Check] = {
    "text": Shape({"text": _LONG}, _STYLED),
    "link": Shape({"url": url(limits.URL_MAX)}, _STYLED | {"text": _LONG, "unsafe": flag}),
    "user": Shape({"user_id": _ID}, _STYLED),
    "usergroup": Shape({"usergroup_id": _ID}, _STYLED),
    "channel": Shape({"channel_id": _ID}, _STYLED),
    "emoji": Shape({"name": _ID}, _STYLED | {"unicode": _ID}),
    "broadcast": Shape({"range": one_of("here", "channel", "everyone")}, _STYLED),
    "date": Shape(
        {"timestamp": integer(0, 2**40), "format": _ID},
        _STYLED | {"url": url(limits.URL_MAX), "fallback": _ID},
    ),
    "color": Shape({"value": _ID}),
}
_BORDER: dict[str, Check] = {"border": integer(0, 1)}
_SECTION = Shape({"elements": list_of(variant(_INLINE), _ITEMS_MAX)})

_PARTS: dict[str, Check] = {
    "rich_text_section": _SECTION,
    "rich_text_list": Shape(
        {
            "style": one_of("bullet", "ordered"),
            "elements": list_of(variant({"rich_text_section": _SECTION}), _ITEMS_MAX),
        },
        _BORDER | {"indent": integer(0, 8), "offset": integer(0, _ITEMS_MAX)},
    ),
    "rich_text_preformatted": Shape(
        {"elements": list_of(variant(_INLINE, "text", "link"), _ITEMS_MAX)},
        _BORDER | {"language": _ID},
    ),
    "rich_text_quote": Shape({"elements": list_of(variant(_INLINE), _ITEMS_MAX)}, _BORDER),
}

RICH_TEXT = Shape(
    {"elements": list_of(variant(_PARTS), _ITEMS_MAX)},
    {"block_id": string(limits.ID_MAX)},
)
