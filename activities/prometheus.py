"""What a cluster's Prometheus says: the look PromQL, and the check PromQLBelow.

Only what was answered whole and in numbers is ever "below" something: silence, NaN, no series and
a partial answer are not. Addresses come from the configuration alone; redirects are not followed.
Any server that speaks Prometheus' HTTP API will do, so an answer is not believed before it is read.
"""

from collections.abc import Mapping

from temporalio import activity

from activities.kubernetes.evidence import Shelf, head, keep
from activities.kubernetes.polling import Poller, Sight, steady_for
from activities.kubernetes.raw import Object
from activities.kubernetes.waiting import Clock, Sleep
from activities.promql import NOT_SERVED_FIX, Answer, Prometheus, Series
from contracts.errors import Unavailable
from contracts.redact import redact
from contracts.signals import PromQL, PromQLBelow
from contracts.step import (
    BODY_BYTES_MAX,
    EXCERPT_BYTES_MAX,
    CheckCall,
    CheckResult,
    Evidence,
    StepCall,
)

__all__ = ["PromQLBelowCheck", "PromQLLook", "Prometheus"]

POLL_SECONDS = 10.0
LABELS_MAX = 20
LABEL_CHARS_MAX = 200
FACTS_CHARS_MAX = 16_384
SHOWN_MAX = 3


class PromQLLook:
    """`prometheus.query`."""

    def __init__(self, prometheus: Prometheus, shelf: Shelf) -> None:
        self._prometheus = prometheus
        self._shelf = shelf

    @activity.defn(name=PromQL.activity)
    def look(self, call: StepCall[PromQL]) -> Evidence:
        """Raises Rejected (with the server's sentence) or Unavailable."""
        step = call.step
        answer = self._prometheus.ask(step.target.cluster, step.query)
        series = answer.series if answer else ()
        facts: Object = {
            "served": answer is not None,
            "value": series[0].number if series else None,
            "series": _bounded(series[: step.series_max]),
        }
        body = head(redact("\n".join(_lines(step.query, answer))), BODY_BYTES_MAX)
        title = f"PromQL: {len(series)} series" if answer else f"PromQL: {_not_served(call)}"
        return keep(self._shelf, call, title, (body, head(body, EXCERPT_BYTES_MAX)), facts)


class PromQLBelowCheck:
    """`prometheus.below`."""

    def __init__(self, prometheus: Prometheus, clock: Clock, sleep: Sleep) -> None:
        self._prometheus = prometheus
        self._poller = Poller(clock, sleep, POLL_SECONDS)

    @activity.defn(name=PromQLBelow.activity)
    def check(self, call: CheckCall[PromQLBelow]) -> CheckResult:
        """Never ok by default: what was not seen below until the deadline is not below.

        Raises Rejected (with the server's sentence); Unavailable when this worker stops.
        """
        return self._poller.wait(call, lambda memory: self._look(call, memory))

    def _look(self, call: CheckCall[PromQLBelow], memory: Object) -> Sight:
        step = call.step
        try:
            answer = self._prometheus.ask(step.target.cluster, step.query)
        except Unavailable as err:
            return Sight("waiting", err.message)
        if answer is None:
            return Sight("failed", f"{_not_served(call)}. {NOT_SERVED_FIX}")
        above = _not_below(answer, step.threshold)
        if above:
            return Sight("waiting", above)
        steady, memory = steady_for(memory, "below", self._poller.now)
        said = f"{_shown(answer.series)} below {step.threshold:g} for {steady} s"
        if steady < step.steady_seconds:
            return Sight("waiting", f"{said} of {step.steady_seconds} s", memory)
        return Sight("complete", said, memory)


def _not_below(answer: Answer, threshold: float) -> str:
    """Why the answer is not below the threshold, or the empty string."""
    if answer.warnings:
        return f"the answer may not be whole: {redact(answer.warnings[0])[:LABEL_CHARS_MAX]}"
    if not answer.series:
        return "the query gives no series"
    numberless = [one for one in answer.series if one.number is None]
    if numberless:
        return f"the query gives no number: {_shown(numberless)}"
    high = [one for one in answer.series if (one.number or 0.0) >= threshold]
    return f"not below {threshold:g}: {_shown(high)}" if high else ""


def _not_served(call: StepCall[PromQL] | CheckCall[PromQLBelow]) -> str:
    return f"cluster '{call.step.target.cluster}' has no Prometheus"


def _bounded(series: tuple[Series, ...]) -> list[Object]:
    """As history may keep them: so many that it stays small."""
    found: list[Object] = []
    chars = 0
    for one in series:
        labels = _labels(one.labels)
        chars += sum(len(name) + len(value) for name, value in labels.items())
        if chars > FACTS_CHARS_MAX:
            break
        found.append({"labels": labels, "value": one.number})
    return found


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    some = list(labels.items())[:LABELS_MAX]
    return {name[:LABEL_CHARS_MAX]: redact(value)[:LABEL_CHARS_MAX] for name, value in some}


def _lines(query: str, answer: Answer | None) -> list[str]:
    if answer is None:
        return [query, "No Prometheus is configured for this cluster."]
    warnings = [f"warning: {text}" for text in answer.warnings]
    return [query, *warnings, *(str(one) for one in answer.series)]


def _shown(series: tuple[Series, ...] | list[Series]) -> str:
    """The first few, for a sentence."""
    some = redact(", ".join(str(one) for one in series[:SHOWN_MAX]))[: LABEL_CHARS_MAX * SHOWN_MAX]
    more = len(series) - SHOWN_MAX
    return f"{some} and {more} more" if more > 0 else some
