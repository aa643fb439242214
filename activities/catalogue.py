"""Says which runbook applies to an incident, and when none does, why.

The answer becomes recorded history: a change of triggers or policy never changes a run in flight.
It picks one runbook or none, and never guesses between two.
"""

from collections.abc import Mapping

from temporalio import activity

from contracts.alert import Alert
from contracts.approval import Pages
from contracts.calls import MATCH, Match, MatchCall
from contracts.matching import Trigger
from contracts.policy import Policy, Service

MISSES_NAMED_MAX = 5


class CatalogueActivities:
    """`triggers` has a key for every runbook there is, also for those that no alert starts."""

    def __init__(
        self,
        policy: Policy,
        triggers: Mapping[str, tuple[Trigger, ...]],
        *,
        messenger: bool,
        pages: Pages | None = None,
    ) -> None:
        self._policy = policy
        self._triggers = triggers
        self._messenger = messenger
        self._pages = pages

    @activity.defn(name=MATCH)
    def match(self, call: MatchCall) -> Match:
        """The runbook for these alerts or for that name, the service, and the incident's times."""
        service = self._service(call)
        runbook, reason = self._choose(call, service.name if service else "")
        return Match(
            runbook=runbook,
            reason=reason,
            service=service.name if service else "",
            team=service.team if service else "",
            rules=self._policy.incident,
            messenger=self._messenger,
            pages=self._pages,
        )

    def _choose(self, call: MatchCall, service: str) -> tuple[str | None, str]:
        if call.runbook is not None and call.runbook not in self._triggers:
            known = ", ".join(sorted(self._triggers)) or "there is none"
            return None, f"there is no runbook '{call.runbook}' (known: {known})"
        if call.target is None:
            return None, "no workload is known, and a runbook acts on exactly one"
        if call.runbook is not None:
            return call.runbook, "asked for by name"
        firing = [alert for alert in call.alerts if alert.status == "firing"]
        if not firing:
            return None, "no alert is firing"
        found = {
            name: max(matching, key=lambda pair: pair[0])
            for name, triggers in self._triggers.items()
            if (matching := _matching(triggers, firing))
        }
        if not found:
            return None, self._why_not(firing[0])
        # What only observes heals nothing, so it never takes the place of one that may.
        idle = {n for n in found if self._policy.autonomy_of(n, service) == "observe"}
        acting = {name: weight for name, weight in found.items() if name not in idle}
        runbook, reason = _heaviest(acting or found)
        passed = sorted(idle) if acting else []
        return runbook, "; ".join([reason, *(f"{name} only observes" for name in passed)])

    def _why_not(self, alert: Alert) -> str:
        labels = alert.trigger_labels
        misses = [
            f"{name} wants {miss}"
            for name in sorted(self._triggers)
            for trigger in self._triggers[name]
            if (miss := trigger.first_miss(labels))
        ]
        shown = "; ".join(misses[:MISSES_NAMED_MAX]) or "no runbook has a trigger"
        return f"no runbook matches {alert.name}: {shown}"

    def _service(self, call: MatchCall) -> Service | None:
        named = {alert.service for alert in call.alerts if alert.service}
        labelled: list[dict[str, str]] = [alert.trigger_labels for alert in call.alerts] or [{}]
        found = (self._policy.service_of(call.target, labels) for labels in labelled)
        by_name = (service for service in self._policy.services if service.name in named)
        return next((s for s in found if s), None) or next(by_name, None)


def _matching(triggers: tuple[Trigger, ...], alerts: list[Alert]) -> list[tuple[int, str]]:
    return [
        (trigger.weight, alert.name)
        for trigger in triggers
        for alert in alerts
        if trigger.matches(alert.trigger_labels)
    ]


def _heaviest(found: Mapping[str, tuple[int, str]]) -> tuple[str | None, str]:
    """The one of the greatest weight, by (weight, alert); none when two have it."""
    top = max(weight for weight, _ in found.values())
    best = sorted(name for name, (weight, _) in found.items() if weight == top)
    if len(best) > 1:
        return None, f"{' and '.join(best)} match with the same weight {top}; give one more"
    return best[0], f"{best[0]} matches {found[best[0]][1]} with weight {top}"
