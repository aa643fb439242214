"""The check that an incident's alerts have resolved, as the journal knows them.

The journal's own times count, never the sender's: an alert has been away since the journal heard
that it resolved. Resolved is not healthy; the workload is verified by other checks.
"""

from typing import Protocol

from temporalio import activity

from activities.kubernetes.polling import Poller, Sight
from activities.kubernetes.raw import Object
from activities.kubernetes.waiting import Clock, Sleep
from contracts.errors import NotFound, Unavailable
from contracts.signals import AlertsResolved
from contracts.step import CheckCall, CheckResult
from toil.views import AlertsHeard

POLL_SECONDS = 5.0
NAMED_MAX = 3


class Alerts(Protocol):
    """Where alerts are recorded (`toil.journal.Journal`)."""

    def alerts_of(self, incident_id: str) -> AlertsHeard | None:
        """An incident's alerts, or None for an incident that is not recorded."""


class AlertsResolvedCheck:
    """`journal.alerts_resolved`."""

    def __init__(self, journal: Alerts, clock: Clock, sleep: Sleep) -> None:
        self._journal = journal
        self._poller = Poller(clock, sleep, POLL_SECONDS)

    @activity.defn(name=AlertsResolved.activity)
    def check(self, call: CheckCall[AlertsResolved]) -> CheckResult:
        """Never ok by default. An incident that no alert opened has none that could fire.

        Raises NotFound for an incident without a row; Unavailable when this worker stops.
        """
        return self._poller.wait(call, lambda memory: self._look(call, memory))

    def _look(self, call: CheckCall[AlertsResolved], memory: Object) -> Sight:
        try:
            heard = self._journal.alerts_of(call.incident)
        except Unavailable as err:
            return Sight("waiting", f"the journal did not answer ({err.message})", memory)
        if heard is None:
            raise NotFound(f"incident {call.incident} is not in the journal")
        if not heard.alerts:
            return Sight("complete", "no alert belongs to this incident")
        if heard.firing:
            return Sight("waiting", _firing(heard.firing))
        return self._resolved(call, heard)

    def _resolved(self, call: CheckCall[AlertsResolved], heard: AlertsHeard) -> Sight:
        away = max(0, int((self._poller.now - heard.last_at).total_seconds()))
        all_of_them = f"all {len(heard.alerts)} alerts have"
        what = "the alert has" if len(heard.alerts) == 1 else all_of_them
        said = f"{what} been away for {away} s"
        if away < call.step.steady_seconds:
            return Sight("waiting", f"{said} of {call.step.steady_seconds} s")
        return Sight("complete", said)


def _firing(names: tuple[str, ...]) -> str:
    some, more = ", ".join(names[:NAMED_MAX]), len(names) - NAMED_MAX
    return f"still firing: {some}" + (f" and {more} more" if more > 0 else "")
