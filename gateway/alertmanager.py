"""Reads Alertmanager's webhook (version 4): bytes in, normalised alerts and refusals out. Pure.

Secrets end here: identity and target are read from the labels as they were sent, and what travels
on is redacted, before it is cut, because half a token has no shape.

One unreadable alert never spoils its neighbours: a 4xx for the whole message would block its
group and bring it back every five minutes. Only `alerts[].status` counts; the message's own
status is computed after truncation and can be wrong.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from contracts.alert import Alert, AlertStatus, fingerprint_of
from contracts.errors import InvalidInput
from contracts.policy import Policy, Source
from contracts.redact import BLANK, redact
from gateway.shorten import Budget
from gateway.strict_json import parse, shown
from gateway.targets import find_target
from gateway.times import is_zero, moved_to_past, read_time

VERSION = "4"
FUTURE_MAX = timedelta(minutes=5)
URL_CHARS_MAX = 2_048
NAME_CHARS_MAX = 256
OUTLINE_NAMES_MAX = 20
_NAMES_REMEMBERED_MAX = 4_096

# Labels that hold the name of a Secret object, which is none itself.
_OBJECT_LABELS = ("secret", "exported_secret")
_FINGERPRINT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)
_URL = re.compile(r"https?://[^\s\x00-\x1f]+", re.ASCII | re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACED = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Rejection:
    """One alert that can never be accepted: its place in the message, why, and an outline of it
    (its name, and the names of its labels and fields) that holds no other value.
    """

    index: int
    error: str
    outline: dict[str, Any]


class Message(NamedTuple):
    """What one notification holds; `truncated` alerts were not sent by Alertmanager at all, and
    `receiver` and `group` (its labels) are what it knows them by.
    """

    accepted: tuple[Alert, ...]
    rejected: tuple[Rejection, ...]
    truncated: int
    receiver: str = ""
    group: dict[str, str] = {}  # noqa: RUF012 - the field of a tuple, never changed


class Unreadable(ValueError):
    """The alert cannot be accepted, however often it is sent."""


class Reader(NamedTuple):
    """What an alert is read with: who sent it, the policy, and the present time."""

    source: Source
    policy: Policy
    now: datetime


def read_message(body: bytes, reader: Reader) -> Message:
    """Read one notification.

    Raises:
        NotJson: the body is no acceptable JSON.
        InvalidInput: the JSON is no Alertmanager message of version 4.

    """
    message = _message(parse(body))
    accepted: list[Alert] = []
    rejected: list[Rejection] = []
    for index, raw in enumerate(message["alerts"]):
        try:
            accepted.append(read_alert(raw, reader))
        except Unreadable as err:
            rejected.append(Rejection(index, redact(str(err)), _outline(raw)))
    receiver = message.get("receiver")
    return Message(
        tuple(accepted),
        tuple(rejected),
        _truncated(message),
        receiver if isinstance(receiver, str) else "",
        _group(message),
    )


def _group(message: dict[str, Any]) -> dict[str, str]:
    labels = message.get("groupLabels")
    known = labels if isinstance(labels, dict) else {}
    return {name: value for name, value in known.items() if isinstance(value, str)}


def _outline(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        return {"type": type(raw).__name__}
    labels = raw.get("labels")
    known = labels if isinstance(labels, dict) else {}
    return {
        "alertname": redact(shown(known.get("alertname"))),
        "labels": [shown(name) for name in list(known)[:OUTLINE_NAMES_MAX]],
        "fields": [shown(name) for name in list(raw)[:OUTLINE_NAMES_MAX]],
    }


def _message(value: Any) -> dict[str, Any]:
    fix = "Send what Alertmanager's webhook_configs sends, without a custom payload."
    if not isinstance(value, dict):
        raise InvalidInput("the body is not a JSON object", fix)
    version = value.get("version", VERSION)
    if version != VERSION:
        raise InvalidInput(
            f"version is {shown(version)}, and this door reads '{VERSION}'",
            "Alertmanager sends '4'; Grafana sends '1' and belongs to /alerts/grafana.",
        )
    if not isinstance(value.get("alerts"), list):
        raise InvalidInput("alerts is not a list", fix)
    return value


def _truncated(message: dict[str, Any]) -> int:
    count = message.get("truncatedAlerts", 0)
    return count if isinstance(count, int) and count > 0 else 0


def read_alert(raw: Any, reader: Reader) -> Alert:
    """Normalise one alert; raises a ValueError whose text says what is wrong with it."""
    if not isinstance(raw, dict):
        raise Unreadable("is not a JSON object")
    labels, budget = _labels(raw), Budget()
    status = _status(raw)
    starts_at = _starts_at(raw, reader.now, budget)
    cluster = _cluster(labels, reader, budget)
    found = find_target(labels, cluster, reader.policy)
    return Alert(
        source=reader.source.name,
        fingerprint=_fingerprint(raw, labels),
        status=status,
        name=redact(labels.get("alertname", ""))[:NAME_CHARS_MAX] or "unnamed alert",
        labels=budget.labels(_redacted("labels", labels, budget)),
        annotations=budget.annotations(_redacted("annotations", _annotations(raw, budget), budget)),
        starts_at=starts_at,
        ends_at=_ends_at(raw, status, starts_at, budget),
        generator_url=_url(raw, budget),
        cluster=cluster,
        service=found.service.name if found.service else "",
        target=found.target,
        subject=found.subject,
        cut=budget.notes,
    )


def _status(raw: dict[str, Any]) -> AlertStatus:
    status = raw.get("status")
    if status == "firing":
        return "firing"
    if status == "resolved":
        return "resolved"
    raise Unreadable(f"status is {shown(status)}, neither 'firing' nor 'resolved'")


def _labels(raw: dict[str, Any]) -> dict[str, str]:
    labels = raw.get("labels")
    if not isinstance(labels, dict) or not labels:
        raise Unreadable("labels is not an object with at least one label")
    for name, value in labels.items():
        if not isinstance(value, str):
            raise Unreadable(f"label {shown(name)} is {shown(value)}, not a string")
        # Labels are identity: a character the database cannot keep is refused, never replaced.
        if not name or _REPLACED.search(name) or _REPLACED.search(value):
            raise Unreadable(f"label {shown(name)} is empty, or holds NUL or half a character")
    return labels


def _redacted(group: str, texts: dict[str, str], budget: Budget) -> dict[str, str]:
    """The same names; values without secrets, and blank where the name says that it is one."""
    blanked = {name: _without_secret(name, value) for name, value in texts.items()}
    for name in (name for name, value in texts.items() if blanked[name] != value):
        budget.note(f"{group}.{name}: a secret was blanked")
    return blanked


def _without_secret(name: str, value: str) -> str:
    return BLANK if value and _sounds_secret(name) else redact(value)


@lru_cache(maxsize=_NAMES_REMEMBERED_MAX)
def _sounds_secret(name: str) -> bool:
    named = f"{name}=x"
    return name not in _OBJECT_LABELS and redact(named) != named


def _annotations(raw: dict[str, Any], budget: Budget) -> dict[str, str]:
    annotations = raw.get("annotations") or {}
    if not isinstance(annotations, dict):
        budget.note("annotations: left out, not an object")
        return {}
    kept = {_clean(k): v for k, v in annotations.items() if isinstance(v, str)}
    for name in annotations.keys() - kept.keys():
        budget.note(f"annotations.{_clean(name)}: left out, not a string")
    for name in (name for name, value in kept.items() if _REPLACED.search(value)):
        budget.note(f"annotations.{name}: characters replaced")
    return {name: _clean(value) for name, value in kept.items()}


def _clean(text: str) -> str:
    return _REPLACED.sub("\ufffd", text)


def _fingerprint(raw: dict[str, Any], labels: dict[str, str]) -> str:
    given = raw.get("fingerprint")
    if given in (None, ""):
        return fingerprint_of(labels)
    if not isinstance(given, str) or not _FINGERPRINT.fullmatch(given):
        raise Unreadable(f"fingerprint {shown(given)} is not letters, digits and ._:-")
    return given


def _starts_at(raw: dict[str, Any], now: datetime, budget: Budget) -> datetime:
    if is_zero(raw.get("startsAt")):
        raise Unreadable("startsAt is missing")
    starts_at = _time(raw, "startsAt")
    if starts_at <= now + FUTURE_MAX:
        return starts_at
    budget.note("startsAt: in the future, moved back by whole hours")
    return moved_to_past(starts_at, now)


def _ends_at(
    raw: dict[str, Any], status: AlertStatus, starts_at: datetime, budget: Budget
) -> datetime | None:
    if is_zero(raw.get("endsAt")):
        return None
    ends_at = _time(raw, "endsAt")
    if status == "firing":
        return None
    if ends_at < starts_at:
        budget.note("endsAt: before startsAt, set to startsAt")
    return max(ends_at, starts_at)


def _time(raw: dict[str, Any], field: str) -> datetime:
    try:
        return read_time(raw[field])
    except ValueError as err:
        raise Unreadable(f"{field} {shown(raw[field])} {err}") from err


def _url(raw: dict[str, Any], budget: Budget) -> str:
    url = raw.get("generatorURL") or ""
    if not url:
        return ""
    if isinstance(url, str) and len(url) <= URL_CHARS_MAX and _URL.fullmatch(url):
        return redact(url) if not _SURROGATE.search(url) else ""
    budget.note("generatorURL: left out, not an http(s) address")
    return ""


def _cluster(labels: dict[str, str], reader: Reader, budget: Budget) -> str:
    """The sender's credential says which cluster it speaks for; a label may only confirm it.
    Without either, and with several clusters to choose from, none is chosen.
    """
    label, credential = labels.get("cluster", ""), reader.source.cluster
    clusters = reader.policy.clusters
    if credential and label not in ("", credential):
        raise Unreadable(
            f"label cluster is {shown(label)}, but source {reader.source.name} speaks for "
            f"'{credential}' only"
        )
    if credential or label in clusters:
        return credential or label
    if label:
        budget.note(f"cluster: {shown(label)} is not configured")
        return ""
    return clusters[0] if len(clusters) == 1 else ""
