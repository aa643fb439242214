"""The gateway's own figures, in one registry an app, so that two apps never share a counter."""

from collections import OrderedDict
from pathlib import PurePath

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from contracts.alert import Alert
from contracts.catalogue import Served

_SEEN_MAX = 10_000
_DOOR_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 8.0)


class Metrics:
    """Counters by source; what `tell_books` sets is read from the books when scraped."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.received = self._by_source("received", "Alerts that arrived in a readable message.")
        self.accepted = self._by_source("accepted", "Alerts that Temporal has durably accepted.")
        self.rejected = self._by_source("rejected", "Alerts that were quarantined.")
        self.duplicates = self._by_source(
            "duplicates", "Alerts this gateway saw before, in the same episode and state."
        )
        self.truncated = self._by_source("truncated", "Alerts that the sender left out.")
        self.door_seconds = Histogram(
            "firebreak_door_seconds",
            "Time from the first byte to the answer, by answer.",
            ["source", "status"],
            buckets=_DOOR_BUCKETS,
            registry=registry,
        )
        self.last_message = Gauge(
            "firebreak_last_message_timestamp_seconds",
            "When a source was last heard.",
            ["source"],
            registry=registry,
        )
        self.decisions = Counter(
            "firebreak_decisions", "Decisions that arrived here.", ["result"], registry=registry
        )
        self._add_slack()
        self._add_books()
        self._seen: OrderedDict[str, None] = OrderedDict()

    def _add_slack(self) -> None:
        self.slack_actions = Counter(
            "firebreak_slack_actions",
            "What people did in Slack that arrived here, by what came of it.",
            ["result"],
            registry=self.registry,
        )
        self.slack_connected = Gauge(
            "firebreak_slack_connected",
            "1 while what people do in Slack arrives here.",
            registry=self.registry,
        )
        self.slack_ping_seconds = Gauge(
            "firebreak_slack_last_ping_seconds",
            "Time since Slack last answered on the socket; NaN without one.",
            registry=self.registry,
        )

    def _add_books(self) -> None:
        self.open_incidents = Gauge(
            "firebreak_open_incidents", "Incidents that are not closed.", registry=self.registry
        )
        self.runbooks_served = Gauge(
            "firebreak_runbooks_served",
            "Runbooks that the newest worker serves.",
            registry=self.registry,
        )
        self.runbooks_faulty = Gauge(
            "firebreak_runbooks_faulty",
            "Files of that name that no worker serves, because they have a fault.",
            ["file"],
            registry=self.registry,
        )

    def _by_source(self, name: str, text: str) -> Counter:
        return Counter(f"firebreak_alerts_{name}", text, ["source"], registry=self.registry)

    def tell_books(self, open_incidents: int, served: Served | None) -> None:
        """Set what the books say; no worker that ever told is no runbook served."""
        self.open_incidents.set(open_incidents)
        self.runbooks_served.set(len(served.runbooks) if served else 0)
        self.runbooks_faulty.clear()
        for path in {fault.path for fault in served.faults} if served else ():
            self.runbooks_faulty.labels(PurePath(path).name).inc()

    def forget_books(self) -> None:
        """The books do not answer: their figures are unknown."""
        self.open_incidents.set(float("nan"))
        self.runbooks_served.set(float("nan"))
        self.runbooks_faulty.clear()

    def tell_slack(self, ping_seconds: float, *, connected: bool) -> None:
        """Set how the connection to Slack is."""
        self.slack_connected.set(connected)
        self.slack_ping_seconds.set(ping_seconds)

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
