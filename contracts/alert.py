"""One normalised signal from one source, and the tolerant envelope in which it travels.

Fields of senders differ; `gateway/` translates them into this. A signal that does not decode is
dropped silently by Temporal, so a workflow is signalled with an envelope that always decodes.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from contracts.model import Contract
from contracts.target import Target

AlertStatus = Literal["firing", "resolved"]
ENVELOPE_SCHEMA = 1

_FNV_OFFSET = 14695981039346656037
_FNV_PRIME = 1099511628211


class Alert(Contract):
    """A firing or resolved alert. Identity is (`source`, `fingerprint`); an episode of it begins
    at `starts_at`. Labels and annotations are untrusted text, ≤ 16 KiB in all; `cut` names what
    was shortened to fit. `target` is set only when labels or a service name the workload;
    `subject` is another object that the labels name, e.g. a pod, to be followed to its owner.
    """

    source: str
    fingerprint: str
    status: AlertStatus
    name: str
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    starts_at: datetime
    ends_at: datetime | None = None
    generator_url: str = ""
    cluster: str = ""
    service: str = ""
    target: Target | None = None
    subject: Target | None = None
    cut: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """`<source>/<fingerprint>`: equal for every message about the same alert."""
        return f"{self.source}/{self.fingerprint}"

    @property
    def episode(self) -> str:
        """The identity and the moment this firing began: equal for every repeat of one firing."""
        return f"{self.identity}/{self.starts_at.isoformat()}"

    @property
    def trigger_labels(self) -> dict[str, str]:
        """The labels as triggers see them: senders without an `alertname` label are matched by the
        alert's name.
        """
        return {"alertname": self.name} | self.labels

    @property
    def summary(self) -> str:
        """The sender's own sentence, or the alert's name."""
        notes = self.annotations
        return notes.get("summary") or notes.get("description") or self.name


class AlertEnvelope(Contract):
    """The payload of the `alert` signal: parsed in the handler, where a fault can be recorded."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, serialize_by_alias=True
    )

    version: int = Field(default=ENVELOPE_SCHEMA, alias="schema")
    body: dict[str, Any]

    @classmethod
    def seal(cls, alert: Alert) -> "AlertEnvelope":
        """Wrap an alert for a signal."""
        return cls(body=alert.model_dump(mode="json"))

    def open(self) -> Alert:
        """Unwrap; raises `pydantic.ValidationError` when the body is not an alert."""
        return Alert.model_validate(self.body)


def fingerprint_of(labels: dict[str, str]) -> str:
    """Alertmanager's fingerprint: FNV-1a 64 over the sorted labels, 16 hexadecimal digits.

    Source: `prometheus/common` model.LabelSet.Fingerprint; each name and value is followed by
    the byte 0xFF. Senders that leave the fingerprint out get the one Alertmanager would send.
    """
    value = _FNV_OFFSET
    for name in sorted(labels):
        for byte in f"{name}".encode() + b"\xff" + labels[name].encode() + b"\xff":
            value = ((value ^ byte) * _FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"
