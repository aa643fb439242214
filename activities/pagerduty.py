"""Calls people by PagerDuty, over its Events API v2: an alert for each reason to call.

    trigger       the incident needs people, a question stays unanswered, or somebody pages
    acknowledge   a person has taken it over
    resolve       the question was answered, or the incident is closed

Every revision of an incident comes by here and most say nothing: only what PagerDuty does not know
yet is told. What was told of each reason is a row of its own, written down before a call is made
and after it was taken, so that a kill in between forgets none. The integration's key never shows in
an error or a log.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import httpx
from pydantic import SecretStr

from activities.alarms import Alarm, news_of
from contracts.errors import Busy, Rejected, Unavailable
from contracts.message import MessageView, headline
from contracts.views import ApprovalView, TimelineItem
from toil.messages import MessageState

CHANNEL = "pagerduty"
TIMEOUT_SECONDS = 10.0
# With one more call of that timeout it stays within the lease of whoever sends.
SENDING_SECONDS_MAX = 15.0
SUMMARY_CHARS_MAX = 1024
DETAIL_CHARS_MAX = 2000
ALERTS_TOLD_MAX = 5
RETRY_AFTER_SECONDS_MAX = 300.0
FIX = "Check FIREBREAK_PAGERDUTY_ROUTING_KEY: the integration key of Events API v2."
_LATER = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_EARLY, httpx.codes.TOO_MANY_REQUESTS)
# What an alert says of itself, worst first; where none says anything it is an error.
_SEVERITIES = ("critical", "error", "warning", "info")


class Rows(Protocol):
    """What the channels have been told (`toil.messages.Messages`)."""

    def parts(self, incident: str, channel: str) -> dict[str, MessageState]:
        """What this channel was told of the incident, by `<channel>/<reason>`."""

    def shown(self, state: MessageState) -> bool:
        """Note what it was told; False when somebody has told it something newer."""


class PagerDutyChannel:
    """`client` is shared and closed by whoever made it; `rows` tell what was sent before; `clock`
    counts seconds.
    """

    def __init__(
        self,
        url: str,
        routing_key: SecretStr,
        client: httpx.Client,
        rows: Rows,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = httpx.URL(url)
        self._key = routing_key
        self._client = client
        self._rows = rows
        self._clock = clock

    def send(self, view: MessageView, idempotency_key: str) -> str:  # noqa: ARG002 - each reason has its own key there
        """Send the events that this view asks for, as far as they are news; returns how many.

        A repeat after a lost answer falls together with the first: both have the reason's key.

        Raises:
            Rejected: PagerDuty will never take one of them (400 and other refusals); the others
                were sent.
            Unavailable: no answer, 5xx, or "later" (408, 425, 429); or there is more to send than
                one sender has time for.
            Busy: another worker tells of a newer revision.

        """
        news = news_of(view, self._known(view.incident.id))
        ends = self._clock() + SENDING_SECONDS_MAX
        refused: list[Rejected] = []
        for told, alarm in enumerate(news):
            if self._clock() >= ends:
                raise _more(len(news) - told)
            try:
                self._tell(view, alarm)
            except Rejected as err:
                refused.append(err)
        if refused:
            raise refused[0]
        return f"{len(news)} events"

    def _known(self, incident: str) -> Mapping[str, Alarm]:
        rows = self._rows.parts(incident, CHANNEL).items()
        alarms = (_alarm(name.removeprefix(f"{CHANNEL}/"), row) for name, row in rows)
        return {alarm.reason: alarm for alarm in alarms}

    def _tell(self, view: MessageView, alarm: Alarm) -> None:
        if alarm.said == "trigger":
            # Killed between the call and its note, nobody would resolve it.
            self._note(view, alarm._replace(said="triggering"))
        self._post(_event(view, alarm))
        self._note(view, alarm)

    def _note(self, view: MessageView, alarm: Alarm) -> None:
        incident = view.incident
        state = MessageState(
            incident=incident.id,
            channel=f"{CHANNEL}/{alarm.reason}",
            revision=incident.revision,
            external_id=f"{alarm.said}:{alarm.seq}",
        )
        if not self._rows.shown(state):
            raise Busy(f"another worker is telling {CHANNEL} about {incident.id}")

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


def _more(left: int) -> Unavailable:
    later = Unavailable(f"{left} more events are to be sent")
    later.after_seconds = 1.0
    return later


def _alarm(reason: str, row: MessageState) -> Alarm:
    said, _, seq = (row.external_id or "").partition(":")
    return Alarm(reason, said, int(seq))  # type: ignore[arg-type]  # only `_note` writes it


def _event(view: MessageView, alarm: Alarm) -> dict[str, Any]:
    key = f"{view.incident.id}/{alarm.reason}"
    event: dict[str, Any] = {"event_action": alarm.said, "dedup_key": key}
    if alarm.said != "trigger":
        return event
    call = next(line for line in view.incident.timeline if line.seq == alarm.seq)
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
