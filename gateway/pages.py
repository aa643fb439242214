"""Renders pages: one Jinja environment, escaping on, and the words and signs that people read.

A status is always a word with a sign before it, never a colour alone.
"""

from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.doors import doors
from gateway.forms import form_token
from gateway.identity import ACTING, signed_in

HERE = Path(__file__).parent
TEXT_CHARS_MAX = 4_000
_MINUTE = 60
_SPACE = "\N{NO-BREAK SPACE}"

_SIGNS = {
    "open": "○",
    "waiting": "◔",
    "acting": "▶",
    "verifying": "◑",
    "escalated": "▲",
    "taken_over": "✋",
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
    "declined": "✕",
    "refused": "✕",
    "failed": "✕",
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


def minutes_text(seconds: float) -> str:
    """A duration as people say it: `45 s`, `12 min`, `3 h 05 min`."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole} s" if whole else "0 min"
    hours, minutes = divmod(whole // _MINUTE, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def percent(share: float | None) -> str:
    """A share of 0 to 1 as a percentage; a dash where there is none."""
    return "\N{EN DASH}" if share is None else f"{share * 100:.0f}{_SPACE}%"


def clipped(text: str) -> str:
    """Untrusted text, short enough for a page."""
    return text if len(text) <= TEXT_CHARS_MAX else text[:TEXT_CHARS_MAX] + "…"


def environment() -> Environment:
    """The one environment; a name that a template misspells is an error."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "status_text": status_text,
        "utc": utc,
        "clock_time": clock_time,
        "iso": iso,
        "minutes_text": minutes_text,
        "percent": percent,
        "clipped": clipped,
        "path": lambda text: quote(str(text), safe=""),
    }
    return made


def render(request: Request, name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page, with what every page needs: who is signed in, the form's token, the time."""
    signed = signed_in(request)
    person = signed.person if signed else None
    always = {
        "person": person,
        "may_act": bool(person and set(person.roles) & set(ACTING)),
        "csrf": form_token(request),
        "now": doors(request).clock(),
        "here": request.url.path,
    }
    template = request.app.state.templates.get_template(name)
    return HTMLResponse(template.render(always | values), status_code=status)
