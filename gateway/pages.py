"""Renders pages: one Jinja environment, escaping on, and the words and signs that people read.

A status is always a word with a sign before it, never a colour alone.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from contracts.groups import group_label, is_group
from contracts.policy import Policy
from contracts.words import counted, minutes_text
from gateway.doors import doors
from gateway.forms import form_token
from gateway.identity import ACTING, signed_in
from gateway.manual import breakable, coded
from gateway.switches import Switches, switches
from gateway.targets import is_exporter, own
from toil.words import figures_text

HERE = Path(__file__).parent
TEXT_CHARS_MAX = 4_000
FINGERPRINT_CHARS = 12
_SPACE = "\N{NO-BREAK SPACE}"
_SHARE_SHOWN_MIN, _SHARE_WHOLE_MIN = 0.001, 0.01
# An exporter puts its own pod's instance and container on what it tells of others: they come last.
_TELLING = (
    "pod", "deployment", "statefulset", "daemonset", "job_name", "cronjob", "node",
    "persistentvolumeclaim", "horizontalpodautoscaler", "poddisruptionbudget", "container",
    "instance",
)  # fmt: skip

_SIGNS = {
    "open": "○",
    "waiting": "◔",
    "acting": "▶",
    "verifying": "◑",
    "escalated": "▲",
    "taken_over": "◆",
    "closed": "●",
    "resolved": "✓",
    "firing": "▲",
    "approved": "✓",
    "approve": "✓",
    "denied": "✕",
    "deny": "✕",
    "expired": "◌",
    "void": "◌",
    "allow": "✓",
    "ask": "?",
    "observe": "◎",
    "auto": "▶",
    "declined": "✕",
    "refused": "✕",
    "failed": "✕",
    "low": "○",
    "medium": "△",
    "high": "▲",
}


def status_text(status: str) -> str:
    """The sign and the word of a status, e.g. `▲ escalated`."""
    return f"{_SIGNS.get(status, '•')} {status.replace('_', ' ')}"


def utc(moment: datetime) -> str:
    """An absolute time, e.g. `2026-11-21 08:30:05 UTC`."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def clock_time(moment: datetime) -> str:
    """The time of day, for lines of one incident."""
    return f"{moment:%H:%M:%S}"


def iso(moment: datetime) -> str:
    """What machines read in `<time datetime>`."""
    return moment.isoformat()


def percent(share: float | None) -> str:
    """A share of 0 to 1 as a percentage; a dash where there is none, and no zero for a little."""
    if share is None:
        return "\N{EN DASH}"
    if 0 < share < _SHARE_SHOWN_MIN:
        return f"under 0.1{_SPACE}%"
    return f"{share * 100:.{1 if 0 < share < _SHARE_WHOLE_MIN else 0}f}{_SPACE}%"


def at_least(share: float | None, least: str, more: str) -> str:
    """A lower bound in those words, e.g. `≥ 0.2 %`; `> 0 %` for what is too little for a figure."""
    if share is not None and 0 < share < _SHARE_SHOWN_MIN:
        return f"{more} {percent(0)}"
    return percent(share) if share is None else f"{least} {percent(share)}"


def which(labels: Mapping[str, str]) -> str:
    """What tells one alert from others of its name: the pod or workload, else the exporter's
    container or instance; empty if no label does.
    """
    named = ((name, own(labels, name)) for name in _TELLING)
    own_words = (f"{name} {value}" for name, value in named if value and not is_exporter(value))
    return next(own_words, "")


def who(people: Mapping[str, str], actor: str) -> str:
    """An actor as people know them: the name with the id, what a group is called, or the id of
    whoever has no name.
    """
    if is_group(actor):
        return group_label(actor)
    name = people.get(actor, actor)
    return actor if name == actor else f"{name} ({actor})"


def short(fingerprint: str) -> str:
    """As much of a fingerprint as tells two apart."""
    return fingerprint.rpartition(":")[2][:FINGERPRINT_CHARS]


def clipped(text: str) -> str:
    """Untrusted text, short enough for a page."""
    return text if len(text) <= TEXT_CHARS_MAX else text[:TEXT_CHARS_MAX] + "…"


def sentence(text: str) -> str:
    """The same with its full stop, so that what follows is no part of it."""
    told = text.rstrip()
    return told if not told or told[-1] in ".!?…:" else f"{told}."


def environment(policy: Policy) -> Environment:
    """The one environment; a name that a template misspells is an error."""
    people = {person.id: person.name for person in policy.people}
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "breakable": breakable,
        "status_text": status_text,
        "utc": utc,
        "clock_time": clock_time,
        "iso": iso,
        "minutes_text": minutes_text,
        "figures_text": figures_text,
        "short": short,
        "percent": percent,
        "at_least": at_least,
        "counted": counted,
        "clipped": clipped,
        "sentence": sentence,
        "coded": coded,
        "which": which,
        "who": partial(who, people),
        "path": lambda text: quote(str(text), safe=""),
    }
    return made


async def render(request: Request, name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page, with what every page needs: who is signed in, the form's token, the time, and the
    kill switches that are on.
    """
    signed = signed_in(request)
    person = signed.person if signed else None
    on = await switches(doors(request)) if person else Switches()
    always = {
        "person": person,
        "may_act": bool(person and set(person.roles) & set(ACTING)),
        "csrf": form_token(request),
        "now": doors(request).clock(),
        "here": request.url.path,
        "switches": on,
    }
    template = request.app.state.templates.get_template(name)
    return HTMLResponse(template.render(always | values), status_code=status)
