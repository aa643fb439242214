"""The report as values: the fields of `/reports/toil.json`, and a sentence for each figure."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from contracts.model import Contract
from contracts.toil import Confidence

DEFINITIONS = {
    "week": "ISO week from Monday 00:00 in the report's zone; acts across midnight are split.",
    "state": "open until the week is closed; figures of an open week may still change.",
    "seconds": "Human seconds by category; one person's overlapping acts are counted once. What a "
    "person logs is added in full, also where it overlaps observed acts, because a log says how "
    "long and not exactly when: log only what no approval, take-over or audit event shows. An act "
    "and an entry under one key are one fact.",
    "firefighting": "Sessions of observed acts (approvals, take-overs and the like) and what was "
    "logged as firefighting.",
    "other_toil": "Manual, repetitive work outside incidents, as logged.",
    "engineering": "Work of lasting value, as logged; never a remainder.",
    "overhead": "Meetings, hiring and administration, as logged.",
    "absence": "Logged absence; it lowers the capacity and is not tracked work.",
    "tracked_seconds": "Firefighting, other toil, engineering and overhead together.",
    "capacity_seconds": "People of the team times the weekly hours of the policy, less absence; "
    "weeks with a clock change count the same hours.",
    "share_of_tracked": "Firefighting and other toil, divided by the tracked seconds.",
    "share_of_capacity": "Firefighting and other toil, divided by the capacity.",
    "coverage": "Tracked seconds divided by the capacity; where it is low, shares of capacity are "
    "lower bounds.",
    "withheld": "Why figures are not shown; null where they are.",
    "sources": "Acts and toil entries by service and runbook or action. Seconds are shown only "
    "over four weeks or more and with enough contributors, also in what remains hidden.",
    "automatic_count": "Writes that Firebreak did itself, with no human second.",
    "savings": "Empty until a manual median has been frozen for a runbook.",
    "confidence": "The share of tracked seconds of each confidence.",
    "restated_seconds": "Seconds that were recorded after their week had been closed.",
    "head_hash": "The hash of the ledger's newest row; keep it elsewhere to notice a cut tail.",
}


class Period(Contract):
    """[from, to) in UTC, and the zone in which weeks begin."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    from_: datetime = Field(alias="from")
    to: datetime
    zone: str


class Seconds(Contract):
    """Human seconds by category; None where they are withheld."""

    firefighting: int | None = None
    other_toil: int | None = None
    engineering: int | None = None
    overhead: int | None = None
    absence: int | None = None


class WeekFigures(Contract):
    """One week. Shares lie between 0 and 1; None where nothing can be said."""

    week: str
    state: Literal["open", "closed"] = "open"
    seconds: Seconds = Seconds()
    tracked_seconds: int | None = None
    capacity_seconds: int | None = None
    share_of_tracked: float | None = None
    share_of_capacity: float | None = None
    coverage: float | None = None
    withheld: str | None = None


class SourceFigures(Contract):
    """Where toil came from; `count` are human acts, `automatic_count` runs without one."""

    service: str
    source: str
    count: int
    automatic_count: int
    seconds: int | None = None


class Saving(Contract):
    """What a runbook saved, as a range in seconds."""

    runbook: str
    runs: int
    seconds_low: int
    seconds_high: int


class Quality(Contract):
    """How far the figures can be trusted."""

    estimator: str
    confidence: dict[Confidence, float] = Field(default_factory=dict)
    restated_seconds: int = 0
    head_hash: str = ""


class Report(Contract):
    """Weeks are oldest first, sources most frequent first."""

    team: str
    period: Period
    weeks: tuple[WeekFigures, ...]
    sources: tuple[SourceFigures, ...] = ()
    savings: tuple[Saving, ...] = ()
    quality: Quality
    definitions: dict[str, str] = Field(default_factory=lambda: dict(DEFINITIONS))
