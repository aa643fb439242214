"""The steps that ask what the monitoring sees: Prometheus, and the alerts of the incident."""

from typing import ClassVar

from pydantic import Field

from contracts.step import Check, Look

QUERY_CHARS_MAX = 4096


class PromQL(Look):
    """The answer to an instant query. Facts: `served` (bool: the cluster has a Prometheus),
    `value` (the first series' number, or null) and `series` (a list of {labels, value}).
    Label values do not belong into `query` unescaped: `quoted` makes a matcher's value.
    """

    activity: ClassVar[str] = "prometheus.query"
    query: str = Field(min_length=1, max_length=QUERY_CHARS_MAX)
    series_max: int = Field(default=10, ge=1, le=100)


class PromQLBelow(Check):
    """Every series of an instant query stays below `threshold` for `steady_seconds`. An answer
    without a series, or without a number, is not below anything.
    """

    activity: ClassVar[str] = "prometheus.below"
    query: str = Field(min_length=1, max_length=QUERY_CHARS_MAX)
    threshold: float
    steady_seconds: int = Field(default=60, ge=0, le=3600)


class AlertsResolved(Check):
    """The incident's alerts have all resolved and stay so for `steady_seconds`."""

    activity: ClassVar[str] = "journal.alerts_resolved"
    steady_seconds: int = Field(default=60, ge=0, le=86_400)


def quoted(value: str) -> str:
    """A label's value as a PromQL string, e.g. `f"up{{pod={quoted(pod)}}}"`: alerts are text of
    other programs, and a quote in one must not end the string.
    """
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
