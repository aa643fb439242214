"""Calls people by PagerDuty: one alert for an incident, over its Events API v2.

    trigger       the incident needs people, a question stays unanswered, or somebody pages
    acknowledge   a person has taken it over
    resolve       it is closed

Every revision of an incident comes by here and most say nothing: only a call that is newer than
the one that was made last is made. The integration's key never shows in an error or a log.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, Protocol

import httpx
from pydantic import SecretStr

from contracts.errors import Rejected, Unavailable
from contracts.message import MessageView, headline
from contracts.views import ApprovalView, TimelineItem
from toil.messages import MessageState

CHANNEL = "pagerduty"
TIMEOUT_SECONDS = 10.0
SUMMARY_CHARS_MAX = 1024
DETAIL_CHARS_MAX = 2000
ALERTS_TOLD_MAX = 5
RETRY_AFTER_SECONDS_MAX = 300.0
FIX = "Check FIREBREAK_PAGERDUTY_ROUTING_KEY: the integration key of Events API v2."
_LATER = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_EARLY, httpx.codes.TOO_MANY_REQUESTS)
_MADE = re.compile(r"(quiet|trigger|acknowledge|resolve):(\d+)")
# What an alert says of itself, worst first; where none says anything it is an error.
_SEVERITIES = ("critical", "error", "warning", "info")

Said = Literal["quiet", "trigger", "acknowledge", "resolve", "unknown"]


class Rows(Protocol):
    """What the channels have been told (`toil.messages.Messages`)."""

    def state(self, incident: str, channel: str) -> MessageState | None:
        """What this channel was told of the incident last."""


class Made(NamedTuple):
    """What was sent last, and up to which line of the timeline; `unknown` after a refusal."""

    said: Said
    seq: int

    def __str__(self) -> str:
        return f"{self.said}:{self.seq}"


class PagerDutyChannel:
    """`client` is shared and closed by whoever made it; `rows` tell what was sent before."""

    def __init__(self, url: str, routing_key: SecretStr, client: httpx.Client, rows: Rows) -> None:
        self._url = httpx.URL(url)
        self._key = routing_key
        self._client = client
        self._rows = rows

    def send(self, view: MessageView, idempotency_key: str) -> str:  # noqa: ARG002 - the incident's id is the key there
        """Send the event that this view asks for, if it is news; returns what was sent last.

        A repeat after a lost answer falls together with the first: there is one alert by incident.

        Raises:
            Rejected: PagerDuty will never take it (400 and other refusals).
            Unavailable: no answer, 5xx, or "later" (408, 425, 429).

        """
        before = self._before(view.incident.id)
        wanted = event_wanted(view, before)
        if wanted is None:
            return str(before)
        self._post(_event(view, wanted))
        return str(wanted)

    def _before(self, incident: str) -> Made:
        state = self._rows.state(incident, CHANNEL)
        told = state.external_id if state else None
        if not told:
            return Made("quiet", 0)
        found = _MADE.fullmatch(told)
        return Made(found[1], int(found[2])) if found else Made("unknown", 0)  # type: ignore[arg-type]  # the pattern's words

    def _post(self, event: dict[str, Any]) -> None:
        body = {"routing_key": self._key.get_secret_value(), **event}
        try:
            response = self._client.post(
                self._url, json=body, timeout=TIMEOUT_SECONDS, follow_redirects=False
            )
        except httpx.TransportError as err:
            raise Unavailable(f"{self._url.host}: {type(err).__name__}") from None
        self._check(response)

    def _check(self, response: httpx.Response) -> None:
        status, host = response.status_code, self._url.host
        if response.is_server_error or status in _LATER:
            later = Unavailable(f"{host} answered {status}")
            after = response.headers.get("Retry-After", "")
            if after.isascii() and after.isdigit():
                later.after_seconds = min(float(after), RETRY_AFTER_SECONDS_MAX)
            raise later
        if not response.is_success:
            raise Rejected(f"{host} answered {status}", FIX)


def event_wanted(view: MessageView, before: Made) -> Made | None:
    """Which event the view asks for after what was sent before; None for none."""
    incident = view.incident
    newest = max((line.seq for line in incident.timeline), default=0)
    standing = before.said in ("trigger", "acknowledge", "unknown")
    if incident.status == "closed":
        return Made("resolve", newest) if standing else None
    call = max(_calls(view), key=lambda line: line.seq, default=None)
    if call is not None and call.seq > before.seq:
        return Made("trigger", call.seq)
    if incident.status == "taken_over" and before.said in ("trigger", "unknown"):
        return Made("acknowledge", newest)
    return None


def _calls(view: MessageView) -> Iterator[TimelineItem]:
    """The lines by which people are called now. One that was answered meanwhile calls no more."""
    waiting = {asked.id for asked in view.approvals if asked.stage == "paged"}
    escalated = view.incident.status == "escalated"
    for line in view.incident.timeline:
        if line.type == "paged":
            if "approval" not in line.data or line.data["approval"] in waiting:
                yield line
        elif escalated and _escalates(line):
            yield line


def _escalates(line: TimelineItem) -> bool:
    tried = line.type == "outcome" and not line.data.get("dry_run")
    return tried or line.type in ("escalated", "handed_back")


def _event(view: MessageView, made: Made) -> dict[str, Any]:
    event: dict[str, Any] = {"event_action": made.said, "dedup_key": view.incident.id}
    if made.said != "trigger":
        return event
    call = next(line for line in view.incident.timeline if line.seq == made.seq)
    return event | {
        "client": "Firebreak",
        "client_url": view.url,
        "links": [{"href": view.url, "text": f"{view.incident.id} in Firebreak"}],
        "payload": {
            "summary": f"{headline(view)} - {call.text}"[:SUMMARY_CHARS_MAX],
            "source": str(view.incident.target or view.incident.service or "Firebreak"),
            "severity": _severity(view),
            "timestamp": call.at.isoformat(),
            "component": view.incident.service,
            "group": view.incident.team,
            "custom_details": _details(view, call),
        },
    }


def _severity(view: MessageView) -> str:
    said = {a.labels.get("severity", "").lower() for a in view.incident.alerts if _fires(a.status)}
    return next((severity for severity in _SEVERITIES if severity in said), "error")


def _fires(status: str) -> bool:
    return status == "firing"


def _details(view: MessageView, call: TimelineItem) -> dict[str, Any]:
    firing = [f"{a.name}: {a.summary}" for a in view.incident.alerts if _fires(a.status)]
    told: dict[str, Any] = {
        "why": call.text[:DETAIL_CHARS_MAX],
        "status": view.incident.status,
        "alerts": [text[:DETAIL_CHARS_MAX] for text in firing[:ALERTS_TOLD_MAX]],
        "questions": [_question(asked) for asked in view.approvals],
    }
    return told | ({"whom": call.data["whom"]} if "whom" in call.data else {})


def _question(asked: ApprovalView) -> dict[str, str]:
    return {
        "approval": asked.id,
        "would do": asked.plan.summary[:DETAIL_CHARS_MAX],
        "command": asked.plan.kubectl[:DETAIL_CHARS_MAX],
        "until": asked.expires_at.isoformat(),
    }
