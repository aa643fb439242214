"""Whether a cluster is in a storm, and that it is said once when one begins and once when it ends.

What every process computes alike is never asked of the books twice: only what this process has not
seen yet is written down, and the books' own index decides who says it.
"""

import logging
from datetime import datetime, timedelta

from contracts.journal import Event
from contracts.policy import Limits
from guardrails import Storm, looks_back, storm_of
from guardrails.words import minutes
from toil.storms import Storms, StormView

logger = logging.getLogger(__name__)

STORM = "storm"
# The end that the books tell moves with each alert; it need not be told to the second.
UNTIL_SLACK = timedelta(seconds=30)


class WeatherWatch:
    """One worker's view of the storms."""

    def __init__(self, storms: Storms, limits: Limits) -> None:
        self._storms = storms
        self._limits = limits
        self._told: dict[str, datetime | None] = {}

    def storm(self, cluster: str, incident: str, now: datetime) -> Storm | None:
        """The storm in the cluster, if one is on. That it began is said in the timeline of the
        incident that asks, and that it is over in the same. Raises Unavailable.
        """
        began = self._storms.beginnings(cluster, now - looks_back(self._limits))
        found = storm_of(cluster, began, self._limits, now)
        if found is None:
            self._calm(cluster, now)
        else:
            self._begun(found, incident, now)
        return found

    def clear(self, now: datetime) -> tuple[str, ...]:
        """Say which storms are over, where nobody has asked for a judgement since; where."""
        over = []
        for known in self._storms.open():
            began = self._storms.beginnings(known.cluster, now - looks_back(self._limits))
            if storm_of(known.cluster, began, self._limits, now) is None:
                self._end(known, now)
                over.append(known.cluster)
        return tuple(over)

    def _begun(self, found: Storm, incident: str, now: datetime) -> None:
        told = self._told.get(found.cluster)
        if told is not None and found.until - told < UNTIL_SLACK:
            return
        view = StormView(
            cluster=found.cluster,
            began_at=now,
            incident=incident,
            targets=found.targets,
            until=found.until,
        )
        self._end_forgotten(found, now)
        if self._storms.begin(view, _began(view, self._limits)):
            keys = {"cluster": view.cluster, "targets": view.targets, "incident": incident}
            logger.warning("a storm begins: nothing is written", extra=keys)
        self._told[found.cluster] = found.until

    def _end_forgotten(self, found: Storm, now: datetime) -> None:
        # Over before this one began, and nobody asked meanwhile.
        for known in self._storms.open():
            if known.cluster == found.cluster and known.until < found.since:
                self._end(known, now)

    def _calm(self, cluster: str, now: datetime) -> None:
        if self._told.get(cluster, now) is None:
            return
        for known in self._storms.open():
            if known.cluster == cluster:
                self._end(known, now)
        self._told[cluster] = None

    def _end(self, known: StormView, now: datetime) -> None:
        if self._storms.end(known, _over(known, now)):
            logger.warning("a storm is over", extra={"cluster": known.cluster})


def _began(view: StormView, limits: Limits) -> Event:
    text = (
        f"storm in cluster {view.cluster}: more than {limits.storm_targets_max} targets alerted "
        f"within {minutes(limits.storm_window_seconds)}. Nothing is written to the cluster; if no "
        f"more begin, until {view.until:%Y-%m-%d %H:%M:%S} UTC"
    )
    return _line(view, "begins", view.began_at, text)


def _over(view: StormView, now: datetime) -> Event:
    text = f"the storm in cluster {view.cluster} is over: runbooks may write again"
    return _line(view, "over", now, text)


def _line(view: StormView, what: str, at: datetime, text: str) -> Event:
    return Event(
        key=f"{STORM}/{view.cluster}/{view.began_at.isoformat()}/{what}",
        at=at,
        actor="firebreak",
        type=STORM,
        text=text,
        data={"cluster": view.cluster, "storm": what, "targets": view.targets},
    )
