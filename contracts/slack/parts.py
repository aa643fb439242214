"""The pieces that cards and views are made of, as Block Kit wants them.

There is no way here to make a piece of Slack's markup (`mrkdwn`): text is text, and a mention, a
link or a date is an element of its own that only this project's code can make.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.groups import USERGROUP, group_label, is_group
from contracts.message import Who
from contracts.slack import limits
from contracts.slack.untrusted import body, crop, line, safe_url

Block = dict[str, Any]
Part = dict[str, Any]

_USER = re.compile(r"[UW][A-Z0-9]{2,20}")
_GROUP = re.compile(r"S[A-Z0-9]{2,20}")
_DAY_AND_TIME = "{date_short_pretty} at {time}"
_MOMENT = re.compile(r"\b(20\d\d-[01]\d-[0-3]\d [0-2]\d:[0-5]\d)(?::[0-5]\d)? UTC\b")
_TILL_MOMENT = re.compile(r"\s*(?:\b(?:at|from|since|until)\s+)?" + _MOMENT.pattern)


def plain(text: str, chars_max: int) -> Part:
    """One line that Slack does not parse, not even for `:emoji:`."""
    return {"type": "plain_text", "text": line(text, chars_max) or "-", "emoji": False}


def header(text: str) -> Block:
    """The large line at the top."""
    return {"type": "header", "text": plain(text, limits.HEADER_CHARS_MAX)}


def said(text: str, chars_max: int = limits.SENTENCE_CHARS_MAX) -> Part:
    """Words of others, or around them."""
    return _text(line(text, chars_max))


def dated(text: str, chars_max: int = limits.SENTENCE_CHARS_MAX) -> list[Part]:
    """The same with its moments, `2026-12-01 00:00 UTC`, in the reader's own zone."""
    pieces = _MOMENT.split(line(text, chars_max))
    return [
        _moment(piece) if place % 2 else _text(piece) for place, piece in enumerate(pieces) if piece
    ]


def undated(text: str) -> str:
    """The same without its moments, for a text in which Slack converts none."""
    return _TILL_MOMENT.sub("", text)


def _moment(text: str) -> Part:
    try:
        return when(datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC))
    except ValueError:
        return _text(f"{text} UTC")


def own(text: str) -> Part:
    """Our own words, spaces at their ends included; never anything that came from outside."""
    return _text(text)


def bold(text: str, chars_max: int = limits.SUMMARY_CHARS_MAX) -> Part:
    """One line that stands out."""
    return _text(line(text, chars_max)) | {"style": {"bold": True}}


def quiet(text: str, chars_max: int = limits.SENTENCE_CHARS_MAX) -> Part:
    """One line in italics, for what is beside the point."""
    return _text(line(text, chars_max)) | {"style": {"italic": True}}


def code(text: str, chars_max: int = limits.NAME_CHARS_MAX) -> Part:
    """One line in a typewriter's face."""
    return _text(line(text, chars_max)) | {"style": {"code": True}}


def _text(text: str) -> Part:
    return {"type": "text", "text": text}


def fact(label: str, *told: Part) -> list[Part]:
    """A row: what it is about, standing out, and what is said of it."""
    return [own(label) | {"style": {"bold": True}}, own("  "), *told]


def when(at: datetime, form: str = _DAY_AND_TIME) -> Part:
    """A time in the reader's own zone; in UTC where a client cannot show that."""
    told = f"{at:%Y-%m-%d %H:%M} UTC"
    return {"type": "date", "timestamp": int(at.timestamp()), "format": form, "fallback": told}


def link(url: str, words: str) -> Part:
    """A link to a page of ours, or nothing where the address is no plain web address; `words` may
    be those of others.
    """
    known, told = safe_url(url), line(words, limits.SUMMARY_CHARS_MAX) or "this page"
    return {"type": "link", "url": known, "text": told} if known else _text("")


def lines(*rows: Sequence[Part]) -> Part:
    """Rows of text, one below the other; empty rows are left out."""
    parts: list[Part] = []
    for row in rows:
        told = [part for part in row if part.get("text") != ""]
        if told:
            parts += [_text("\n"), *told] if parts else told
    return {"type": "rich_text_section", "elements": _joined(parts)}


def _joined(parts: Iterable[Part]) -> list[Part]:
    """Neighbours without a style as one element."""
    joined: list[Part] = []
    for part in parts:
        if joined and joined[-1].keys() == part.keys() == {"type", "text"}:
            joined[-1] = _text(joined[-1]["text"] + part["text"])
        else:
            joined.append(part)
    return joined


def typed(text: str, chars_max: int) -> Part:
    """Text with its line breaks in a typewriter's face: commands, logs."""
    told = body(text, chars_max) or "-"
    return {"type": "rich_text_preformatted", "elements": [_text(told)]}


def rich(*elements: Part) -> Block:
    """A block of text; elements without content are left out."""
    return {"type": "rich_text", "elements": [e for e in elements if e["elements"]]}


def context(text: str) -> Block:
    """A small grey line, for what is only looked up."""
    return {"type": "context", "elements": [plain(text, limits.SENTENCE_CHARS_MAX)]}


def actions(*elements: Part) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(elements)}


def button(text: str, action: str, value: str, **more: Any) -> Part:
    """A button; `value` is an opaque id."""
    words = plain(text, limits.BUTTON_CHARS_MAX)
    return {"type": "button", "action_id": action, "text": words, "value": value, **more}


def confirm(text: str, yes: str) -> Part:
    """The question before a click counts."""
    return {
        "title": plain("Sure?", limits.CONFIRM_TITLE_CHARS_MAX),
        "text": plain(text, limits.CONFIRM_TEXT_CHARS_MAX),
        "confirm": plain(yes, limits.CONFIRM_BUTTON_CHARS_MAX),
        "deny": plain("Go back", limits.CONFIRM_BUTTON_CHARS_MAX),
    }


def option(text: str, value: str) -> Part:
    """One choice of a menu; its value is cut by nobody, so it has to be short."""
    return {"text": plain(text, limits.OPTION_CHARS_MAX), "value": value}


class Names:
    """The people a message may name, by id; nobody else is ever mentioned."""

    def __init__(self, people: Iterable[Who]) -> None:
        self._people: Mapping[str, Who] = {person.id: person for person in people}

    def name(self, person: str) -> str:
        """What people call them; a group by its label, an unknown id as it is."""
        if is_group(person):
            return line(group_label(person), limits.PERSON_CHARS_MAX)
        if person in ("", "firebreak"):
            return "Firebreak"
        known = self._people.get(person)
        return line(known.name if known else person, limits.PERSON_CHARS_MAX) or "somebody"

    def part(self, person: str) -> Part:
        """The same; where Slack knows the person or the group, so that they are told."""
        known = self._people.get(person)
        if known and _USER.fullmatch(known.slack):
            return {"type": "user", "user_id": known.slack}
        group = person.removeprefix(USERGROUP)
        if person.startswith(USERGROUP) and _GROUP.fullmatch(group):
            return {"type": "usergroup", "usergroup_id": group}
        return bold(self.name(person), limits.PERSON_CHARS_MAX)

    def mention(self, person: str) -> str:
        """The person or user group in the text of a notification, which is the one place where
        markup is written; empty for whom Slack does not know.
        """
        told = self.part(person)
        if told["type"] == "user":
            return f"<@{told['user_id']}>"
        return f"<!subteam^{told['usergroup_id']}>" if told["type"] == "usergroup" else ""

    def parts(self, people: Sequence[str], last: str = "or") -> list[Part]:
        """`Ana, Ben or on-call primary`, at most so many of them."""
        shown = [self.part(person) for person in people[: limits.PEOPLE_MAX]]
        if people[limits.PEOPLE_MAX :]:
            shown.append(own(f"{len(people) - limits.PEOPLE_MAX} more"))
        joined: list[Part] = []
        for place, part in enumerate(shown):
            between = "" if not place else f" {last} " if place == len(shown) - 1 else ", "
            joined += [own(between), part] if between else [part]
        return joined


def shortened(value: Any, chars_max: int) -> Any:
    """The same JSON with every text that is longer cut visibly; ids, values and URLs stay whole."""
    if isinstance(value, list):
        return [shortened(item, chars_max) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {key: shortened(item, chars_max) for key, item in value.items()}
    if isinstance(value.get("text"), str):
        changed["text"] = crop(value["text"], chars_max)
    return changed
