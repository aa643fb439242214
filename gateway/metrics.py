"""The gateway's own figures, in one registry an app, so that two apps never share a counter.

Counters count what this gateway saw. Gauges of the books are read when scraped, so that every
gateway tells the same of them; docs/reference/metrics.md says what to alert on.
"""

from collections import OrderedDict
from datetime import datetime
from pathlib import PurePath
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from contracts.alert import Alert
from contracts.catalogue import Served
from gateway.slack.line import Line
from toil.deliveries import ChannelView
from toil.memberships import Membership

_SEEN_MAX = 10_000
_DOOR_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 8.0)
_UNKNOWN = float("nan")
# Counted from nought, because a rate needs a first value.
_DECISIONS = ("approve", "deny", "not_allowed", "not_recorded", "decided", "expired")
_ACTIONS = ("ok", "not_allowed", "not_recorded", "unavailable")


class Books(NamedTuple):
    """What the books say at a scrape."""

    open_incidents: int
    open_approvals: int
    served: Served | None
    channels: tuple[ChannelView, ...] = ()
    groups: tuple[Membership, ...] = ()


class Metrics:
    """Counters by source; what `tell_books` sets is read from the books when scraped."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._add_alerts()
        self.decisions = self._counter(
            "decisions",
            "Decisions that arrived here, from any door, by what came of them.",
            "result",
        )
        self._add_slack()
        self._add_books()
        self._add_channels()
        self._seen: OrderedDict[str, None] = OrderedDict()
        for result in _DECISIONS:
            self.decisions.labels(result)
        for result in _ACTIONS:
            self.slack_actions.labels(result)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"firebreak_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"firebreak_{name}", text, labels, registry=self.registry)

    def _add_alerts(self) -> None:
        self.received = self._by_source("received", "Alerts that arrived in a readable message.")
        self.accepted = self._by_source("accepted", "Alerts that Temporal has durably accepted.")
        self.rejected = self._by_source("rejected", "Alerts that were quarantined.")
        self.duplicates = self._by_source(
            "duplicates", "Alerts this gateway saw before, in the same episode and state."
        )
        self.truncated = self._by_source("truncated", "Alerts that the sender left out.")
        self.door_seconds = Histogram(
            "firebreak_door_seconds",
            "Time from the first byte of a message of alerts to the answer, by HTTP status.",
            ["source", "status"],
            buckets=_DOOR_BUCKETS,
            registry=self.registry,
        )
        self.last_message = self._gauge(
            "last_message_timestamp_seconds", "When a source was last heard.", "source"
        )

    def _by_source(self, name: str, text: str) -> Counter:
        return self._counter(f"alerts_{name}", text, "source")

    def _add_slack(self) -> None:
        self.slack_actions = self._counter(
            "slack_actions",
            "What people did in Slack that arrived here, by what came of it.",
            "result",
        )
        self._slack_connected = self._gauge(
            "slack_connected",
            "1 while what people do in Slack arrives here, else 0; NaN without Slack.",
        )
        self._slack_changed = self._gauge(
            "slack_changed_timestamp_seconds",
            "When the connection to Slack last began or ceased to work; NaN before that.",
        )
        self._slack_ping = self._gauge(
            "slack_last_ping_timestamp_seconds",
            "When Slack last answered a ping on the socket; NaN without one.",
        )
        self._slack_act = self._gauge(
            "slack_last_action_timestamp_seconds",
            "When something that a person did in Slack last arrived here; NaN before that.",
        )

    def _add_books(self) -> None:
        self._open_incidents = self._gauge(
            "open_incidents", "Incidents that are not closed; at most 200 of each status."
        )
        self._open_approvals = self._gauge(
            "open_approvals", "Questions that wait for people; at most 200."
        )
        self._runbooks_served = self._gauge(
            "runbooks_served", "Runbooks that the newest worker serves."
        )
        self._runbooks_faulty = self._gauge(
            "runbooks_faulty",
            "Files of that name that no worker serves, because they have a fault.",
            "file",
        )
        self._group_read = self._gauge(
            "group_read_timestamp_seconds",
            "When it was last read who is in a group that may approve; 0 for never.",
            "group",
        )

    def _add_channels(self) -> None:
        self._delivered = self._gauge(
            "channel_delivered_timestamp_seconds",
            "When a channel last took a message, of incidents of the last seven days; 0: never.",
            "channel",
        )
        self._behind = self._gauge(
            "channel_behind",
            "Incidents of the last seven days of which a channel was not told the newest.",
            "channel",
        )
        self._refused = self._gauge(
            "channel_refused",
            "Incidents of the last seven days of which a channel refused the newest message.",
            "channel",
        )

    def tell_books(self, books: Books) -> None:
        """Set what the books say; no worker that ever told is no runbook served."""
        self.forget_books()
        self._open_incidents.set(books.open_incidents)
        self._open_approvals.set(books.open_approvals)
        served = books.served
        self._runbooks_served.set(len(served.runbooks) if served else 0)
        for path in {fault.path for fault in served.faults} if served else ():
            self._runbooks_faulty.labels(PurePath(path).name).inc()
        for channel in books.channels:
            self._delivered.labels(channel.name).set(_seconds(channel.delivered_at, 0))
            self._behind.labels(channel.name).set(channel.behind)
            self._refused.labels(channel.name).set(channel.refused)
        for group in books.groups:
            self._group_read.labels(group.name).set(_seconds(group.read_at, 0))

    def forget_books(self) -> None:
        """The books do not answer: their figures are unknown."""
        for figure in (self._open_incidents, self._open_approvals, self._runbooks_served):
            figure.set(_UNKNOWN)
        labelled = (self._delivered, self._behind, self._refused, self._group_read)
        for figure in (self._runbooks_faulty, *labelled):
            figure.clear()

    def tell_slack(self, line: Line) -> None:
        """Set how the connection to Slack is."""
        self._slack_connected.set(_UNKNOWN if line.mode == "off" else line.is_connected)
        self._slack_changed.set(_seconds(line.changed_at))
        self._slack_ping.set(_seconds(line.last_ping_at))
        self._slack_act.set(_seconds(line.last_act_at))

    def count_duplicates(self, alerts: tuple[Alert, ...]) -> None:
        """Count what was seen before. The memory is bounded and only feeds this figure."""
        for alert in alerts:
            key = f"{alert.episode}/{alert.status}"
            if key in self._seen:
                self.duplicates.labels(alert.source).inc()
            self._seen[key] = None
            self._seen.move_to_end(key)
        while len(self._seen) > _SEEN_MAX:
            self._seen.popitem(last=False)


def _seconds(at: datetime | None, unknown: float = _UNKNOWN) -> float:
    return at.timestamp() if at else unknown
