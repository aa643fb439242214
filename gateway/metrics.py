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
        self.open_incidents = Gauge(
            "firebreak_open_incidents", "Incidents that are not closed.", registry=registry
        )
        self.runbooks_served = Gauge(
            "firebreak_runbooks_served",
            "Runbooks that the newest worker serves.",
            registry=registry,
        )
        self.runbooks_faulty = Gauge(
            "firebreak_runbooks_faulty",
            "Files of that name that no worker serves, because they have a fault.",
            ["file"],
            registry=registry,
        )
        self._seen: OrderedDict[str, None] = OrderedDict()

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
