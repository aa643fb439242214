"""What stands inside blocks: texts, options, confirmations, buttons, menus and inputs."""

from collections.abc import Iterator
from typing import Any

from sandbox.slack import limits
from sandbox.slack.shapes import (
    Check,
    Shape,
    fault,
    flag,
    integer,
    list_of,
    one_of,
    string,
    url,
    variant,
)


def text(longest: int, *kinds: str) -> Check:
    """A text object: `plain_text` and `mrkdwn`, or only the kinds that are named."""
    shapes = {
        "plain_text": Shape({"text": string(longest)}, {"emoji": flag}),
        "mrkdwn": Shape({"text": string(longest)}, {"verbatim": flag}),
    }
    return variant(shapes, *kinds)


def plain(longest: int) -> Check:
    """A text object that Slack never parses."""
    return text(longest, "plain_text")


CONFIRM = Shape(
    {
        "title": plain(limits.CONFIRM_TITLE_MAX),
        "text": text(limits.CONFIRM_TEXT_MAX),
        "confirm": plain(limits.CONFIRM_BUTTON_MAX),
        "deny": plain(limits.CONFIRM_BUTTON_MAX),
    },
    {"style": one_of("primary", "danger")},
)


def _option(kind: Check, **more: Check) -> Shape:
    needed = {"text": kind, "value": string(limits.OPTION_VALUE_MAX)}
    return Shape(needed, {"description": plain(limits.OPTION_DESCRIPTION_MAX), **more})


OPTION = _option(plain(limits.OPTION_TEXT_MAX))
# Radio buttons and checkboxes also know mrkdwn.
RICH_OPTION = _option(text(limits.OPTION_TEXT_MAX))
OVERFLOW_OPTION = _option(plain(limits.OPTION_TEXT_MAX), url=url(limits.URL_MAX))
OPTIONS = list_of(OPTION, limits.SELECT_OPTIONS_MAX)
GROUP = Shape({"label": plain(limits.OPTION_TEXT_MAX), "options": OPTIONS})


def _options_once(value: Any, at: str) -> Iterator[str]:
    if ("options" in value) == ("option_groups" in value):
        yield fault("must have either options or option_groups", at)


def all_options(element: Any) -> list[Any]:
    """The options of a menu, those in groups too; what has another shape is left out."""
    groups = element.get("option_groups")
    holders = [element, *(groups if isinstance(groups, list) else [])]
    lists = [one.get("options") for one in holders if isinstance(one, dict)]
    return [option for found in lists if isinstance(found, list) for option in found]


def _initial_is_an_option(value: Any, at: str) -> Iterator[str]:
    chosen = value.get("initial_options", [])
    chosen = chosen if isinstance(chosen, list) else []
    if "initial_option" in value:
        chosen = [*chosen, value["initial_option"]]
    if any(option not in all_options(value) for option in chosen):
        yield fault("initial option must be one of the options", at)


def _values_once(value: Any, at: str) -> Iterator[str]:
    values = [option.get("value") for option in all_options(value) if isinstance(option, dict)]
    if len(values) != len(set(map(str, values))):
        yield fault("option values must be unique", at)


_ACTION: dict[str, Check] = {"action_id": string(limits.ID_MAX)}
_INTERACTIVE: dict[str, Check] = _ACTION | {"confirm": CONFIRM}
_FOCUS: dict[str, Check] = {"focus_on_load": flag}
_MENU = _INTERACTIVE | _FOCUS | {"placeholder": plain(limits.PLACEHOLDER_MAX)}
_LISTED = _MENU | {"options": OPTIONS, "option_groups": list_of(GROUP, limits.SELECT_OPTIONS_MAX)}
_MENU_RULES = (_options_once, _initial_is_an_option, _values_once)
_ID = string(limits.ID_MAX)
_IDS = list_of(_ID, limits.SELECT_OPTIONS_MAX, 0)
_MANY: dict[str, Check] = {"max_selected_items": integer(1, limits.SELECT_OPTIONS_MAX)}


def _picker(initial: str) -> Shape:
    return Shape({}, _MENU | {initial: string(limits.ID_MAX)})


def _typed(**more: Check) -> Shape:
    common = _ACTION | _FOCUS | {"placeholder": plain(limits.PLACEHOLDER_MAX)}
    config = Shape({}, {"trigger_actions_on": list_of(string(50), 2)})
    return Shape({}, common | {"dispatch_action_config": config, **more})


def _choice(initial: str, one: Check) -> Shape:
    options = list_of(RICH_OPTION, limits.CHECKBOX_OPTIONS_MAX)
    rules = (_initial_is_an_option, _values_once)
    return Shape({"options": options}, _INTERACTIVE | _FOCUS | {initial: one}, rules)


_INITIAL = string(limits.INPUT_MAX, 0)

IMAGE = Shape(
    {"alt_text": string(limits.ALT_TEXT_MAX), "image_url": url(limits.URL_MAX)},
)

ELEMENTS: dict[str, Check] = {
    "button": Shape(
        {"text": plain(limits.BUTTON_TEXT_MAX)},
        _INTERACTIVE
        | {
            "value": string(limits.BUTTON_VALUE_MAX),
            "url": url(limits.URL_MAX),
            "style": one_of("primary", "danger"),
            "accessibility_label": string(limits.ACCESSIBILITY_LABEL_MAX),
        },
    ),
    "overflow": Shape(
        {"options": list_of(OVERFLOW_OPTION, limits.OVERFLOW_OPTIONS_MAX)},
        _INTERACTIVE,
        (_values_once,),
    ),
    "static_select": Shape({}, _LISTED | {"initial_option": OPTION}, _MENU_RULES),
    "multi_static_select": Shape(
        {}, _LISTED | _MANY | {"initial_options": list_of(OPTION, 100)}, _MENU_RULES
    ),
    "users_select": _picker("initial_user"),
    "multi_users_select": Shape({}, _MENU | _MANY | {"initial_users": _IDS}),
    "channels_select": _picker("initial_channel"),
    "conversations_select": _picker("initial_conversation"),
    "datepicker": _picker("initial_date"),
    "timepicker": _picker("initial_time"),
    "checkboxes": _choice("initial_options", list_of(RICH_OPTION, limits.CHECKBOX_OPTIONS_MAX)),
    "radio_buttons": _choice("initial_option", RICH_OPTION),
    "plain_text_input": _typed(
        initial_value=_INITIAL,
        multiline=flag,
        min_length=integer(0, limits.INPUT_MAX),
        max_length=integer(1, limits.INPUT_MAX),
    ),
    "url_text_input": _typed(initial_value=_INITIAL),
    "email_text_input": _typed(initial_value=_INITIAL),
    "number_input": _typed(
        is_decimal_allowed=flag,
        initial_value=_INITIAL,
        min_value=_INITIAL,
        max_value=_INITIAL,
    ),
    "image": IMAGE,
}

_CLICKED = (
    "button",
    "overflow",
    "static_select",
    "multi_static_select",
    "users_select",
    "multi_users_select",
    "channels_select",
    "conversations_select",
    "datepicker",
    "timepicker",
    "checkboxes",
    "radio_buttons",
)
_TYPED = ("plain_text_input", "url_text_input", "email_text_input", "number_input")
INPUTS = tuple(name for name in _CLICKED if name not in {"button", "overflow"}) + _TYPED

ACCESSORY = variant(ELEMENTS, *_CLICKED, "image")
ACTION = variant(ELEMENTS, *_CLICKED)
INPUT = variant(ELEMENTS, *INPUTS)
