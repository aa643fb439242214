"""What an incident knows, as a plain value with no Temporal in it: alerts, times, and rules.

It travels whole when the incident continues as new. Every method takes the workflow's time.
"""

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field

from contracts.alert import Alert
from contracts.calls import IncidentStart, Match, RunRequest
from contracts.case import NOBODY, Outcome, OutcomeStatus
from contracts.errors import AlreadyDecided, InvalidInput, Stop
from contracts.journal import IncidentStatus
from contracts.model import Contract
from contracts.policy import IncidentRules
from contracts.target import Target

ALERTS_MAX = 300
CARRIED_SUMMARY_CHARS_MAX = 300
CARRIED_LABEL_CHARS_MAX = 256
CARRIED_LABELS_MAX = 12
REQUESTS_REMEMBERED_MAX = 200
FORGOTTEN_AFTER = timedelta(minutes=10)


class TakenOver(Contract):
    """A person does it by hand, since `at`; `last_seen` is their last act here."""

    person: str
    at: datetime
    last_seen: datetime


class IncidentState(BaseModel):
    """Mutable, and owned by one Incident workflow."""

    id: str = ""
    target: Target | None = None
    identity: str = ""
    status: IncidentStatus = "open"
    outcome: OutcomeStatus | None = None
    service: str = ""
    team: str = ""
    rules: IncidentRules = IncidentRules()
    messenger: bool = False
    alerts: dict[str, Alert] = Field(default_factory=dict)
    handled: set[str] = Field(default_factory=set)
    attempt: int = 0
    lines: int = 0
    heard_at: datetime | None = None
    gather_until: datetime | None = None
    quiet_since: datetime | None = None
    healed_at: datetime | None = None
    closed_at: datetime | None = None
    taken: TakenOver | None = None
    requests: list[RunRequest] = Field(default_factory=list)
    requests_seen: list[str] = Field(default_factory=list)
    gave_up: bool = False
    declined: set[str] = Field(default_factory=set)
    actor: str = NOBODY
    unanswered: str = ""
    overflowed: bool = False
    overflow_said: bool = False
    # Known before this incident was opened by hand: the start of each alert's newest episode.
    past: dict[str, datetime] = Field(default_factory=dict)
    # Under which id the next incident will be opened that somebody asked for after the close.
    next_id: str = ""

    @classmethod
    def begin(cls, start: IncidentStart) -> "IncidentState":
        """The state of a new incident, or the carried one."""
        if start.carried is not None:
            return cls.model_validate(start.carried)
        return cls(target=start.target, identity=start.identity)

    def adopt(self, match: Match, now: datetime) -> None:
        """Take what the catalogue knows when the incident opens."""
        self.service, self.team = match.service, match.team
        self.rules, self.messenger = match.rules, match.messenger
        if self.gather_until is not None:
            self.gather_until = now + self._seconds(self.rules.gather_seconds)
        self.heard_at = self.heard_at or now
        # Without an alert nothing will resolve; what nobody asks anything of may close.
        self.quiet_since = None if self.alerts else now

    @property
    def firing(self) -> tuple[Alert, ...]:
        """The alerts that have not resolved."""
        return tuple(a for a in self.alerts.values() if a.status == "firing")

    @property
    def unhandled(self) -> tuple[Alert, ...]:
        """The firing alerts that no runbook and nobody has answered yet."""
        return tuple(a for a in self.firing if a.episode not in self.handled)

    def absorb(self, alert: Alert, now: datetime) -> bool:
        """Take one notification; True when it changed something worth recording.

        A repeat of a known firing, a firing that follows its own resolve, and a resolve that
        nobody was waiting for change nothing.
        """
        known = self.alerts.get(alert.identity)
        if alert.status == "resolved":
            return self._absorb_resolved(known, alert, now)
        if known is not None and alert.starts_at <= known.starts_at:
            self.heard_at = now if known.status == "firing" else self.heard_at
            return False
        if known is None and self._is_past(alert):
            return False
        if known is None and len(self.alerts) >= ALERTS_MAX:
            self.overflowed = True
            return False
        self.alerts[alert.identity] = alert
        self.heard_at, self.quiet_since = now, None
        self.gather_until = self.gather_until or now + self._seconds(self.rules.gather_seconds)
        return True

    def _is_past(self, alert: Alert) -> bool:
        """Whether the incident before this one has heard the end of that firing."""
        before = self.past.get(alert.identity)
        return before is not None and alert.starts_at <= before

    def _absorb_resolved(self, known: Alert | None, alert: Alert, now: datetime) -> bool:
        if known is None or known.status == "resolved" or alert.starts_at < known.starts_at:
            return False
        ended = alert.ends_at or now
        self.alerts[alert.identity] = known.model_copy(
            update={"status": "resolved", "ends_at": ended}
        )
        self.quiet_since = None if self.firing else now
        return True

    def answer_all(self) -> None:
        """Mark every firing alert as answered."""
        self.handled.update(alert.episode for alert in self.firing)
        self.gather_until = None

    def overflow_notes(self) -> list[str]:
        """Says once that there are more alerts than are listed."""
        if not self.overflowed or self.overflow_said:
            return []
        self.overflow_said = True
        return [f"more than {ALERTS_MAX} alerts; the further ones are not listed"]

    def carried(self) -> dict[str, Any]:
        """The state as JSON for the next run, its alerts cut to what is needed to go on: the
        server refuses an argument of more than 2 MiB.
        """
        slim = {identity: _slim(alert) for identity, alert in self.alerts.items()}
        return self.model_copy(update={"alerts": slim}).model_dump(mode="json")

    def began(self, actor: str) -> None:
        """An attempt answers what fires now, and what it has to heal is not healed."""
        self.answer_all()
        self.healed_at, self.gave_up = None, False
        self.actor, self.unanswered = actor, ""

    def ended(self, outcome: Outcome, runbook: str, now: datetime) -> None:
        """Take note of how an attempt ended: who must look now, and what is waited for.

        A write that healed answers what came meanwhile, too; any other end leaves late alerts to
        the catalogue.
        """
        self.outcome = outcome.status
        # Somebody's own run stays theirs: asked for again as ours, they could approve it.
        lapsed = outcome.status == "expired" and self.actor == NOBODY
        self.unanswered = runbook if lapsed else ""
        if not self.firing:
            self.quiet_since = self.quiet_since or now
        if outcome.status == "resolved":
            self.healed_at = now
            if outcome.receipts:
                self.answer_all()
        elif outcome.status == "declined":
            self.declined.add(runbook)
        elif self.taken is None:
            self.gave_up = True
        if self.taken is None:
            self.status = self._status_after(outcome)

    def _status_after(self, outcome: Outcome) -> IncidentStatus:
        if outcome.status == "resolved":
            return "verifying" if self.firing else "open"
        # What nobody but its asker wanted is over with the no; what fires is somebody's.
        idle = outcome.status == "declined" and not self.firing
        return "open" if idle else "escalated"

    def close(self, now: datetime) -> None:
        """End it. What fires on counts as answered, so that only a new firing re-opens it."""
        self.answer_all()
        self.closed_at, self.healed_at, self.taken = now, None, None
        self.unanswered = ""
        if self.alerts:
            self.outcome = self.outcome or "resolved"

    def reopen(self) -> None:
        """Begin again, under the same id."""
        self.closed_at = self.outcome = None
        self.gave_up = False
        self.declined = set()

    def next(self, now: datetime) -> "IncidentState":
        """Another incident of the same target, opened by hand after the end of this one: with what
        fires on, with the requests that wait, and with nothing else of its story.
        """
        firing = {alert.identity: alert for alert in self.firing}
        kept = {"target", "identity", "service", "team", "rules", "messenger", "requests"}
        kept |= {"requests_seen", "handled"}
        known = {i: alert.starts_at for i, alert in self.alerts.items() if i not in firing}
        return IncidentState(
            **{name: getattr(self, name) for name in kept},
            id=self.next_id,
            alerts=firing,
            past=dict(list((self.past | known).items())[-ALERTS_MAX:]),
            heard_at=now,
            quiet_since=None if firing else now,
        )

    def why_no_target(self) -> str:
        """Why no runbook can act, in the words of whoever looked for the workload."""
        notes = [a.annotations.get("firebreak_no_target", "") for a in self.firing]
        why = next((note for note in notes if note), "the alert's labels name no workload")
        return f"{why}; no runbook acts without a target"

    @property
    def waits_to_start(self) -> bool:
        """Whether there is an alert that the catalogue must be asked about. After a failed
        attempt people have it, and nothing starts by itself.
        """
        return bool(self.unhandled) and not (self.taken or self.closed_at or self.gave_up)

    def may_start(self, now: datetime) -> bool:
        """Whether an automatic attempt is due."""
        return self.waits_to_start and (self.gather_until is None or now >= self.gather_until)

    def ask_for(self, request: RunRequest, now: datetime) -> None:
        """Queue a run that a person asked for, once."""
        key = f"{request.person}/{request.request}"
        if key not in self.requests_seen:
            self.heard_at = now
            self.requests.append(request)
            self.unanswered = ""
            self.requests_seen = [*self.requests_seen, key][-REQUESTS_REMEMBERED_MAX:]

    def why_not_again(self, request: RunRequest) -> Stop | None:
        """Why a run may not be repeated as Firebreak's own, or nothing: only what an alert began
        and nobody answered may, just as it was.
        """
        if f"{request.person}/{request.request}" in self.requests_seen:
            return None
        if request.params or request.dry_run:
            return InvalidInput("what is asked for again runs as it did, without parameters")
        if not self.unanswered or request.runbook != self.unanswered:
            return AlreadyDecided(f"no question of {request.runbook} has expired unanswered here")
        return None

    def ask_again(self, request: RunRequest | None) -> None:
        """Take back that an attempt began: the request, or the alerts, wait for one again."""
        if request is not None:
            self.requests.insert(0, request)
        else:
            self.handled.clear()

    @property
    def needs_people(self) -> bool:
        """Whether only people can end it: there is no alert whose resolve could."""
        return not self.alerts and self.status == "escalated"

    def is_quiet(self, now: datetime) -> bool:
        """Whether nothing has fired for the quiet time."""
        if self.firing or self.needs_people or self.quiet_since is None:
            return False
        return now >= self.quiet_since + self._seconds(self.rules.quiet_seconds)

    def still_alerting(self, now: datetime) -> bool:
        """Whether the workload was healed, but its alerts fire on beyond the time they have."""
        if self.healed_at is None or not self.firing:
            return False
        return now >= self.healed_at + self._seconds(self.rules.resolve_within_seconds)

    def is_stale(self, now: datetime) -> bool:
        """Whether nobody has repeated the firing alerts for the stale time."""
        if self.heard_at is None or not (self.firing or self.needs_people):
            return False
        return now >= self.heard_at + self._seconds(self.rules.stale_seconds)

    def is_forgotten(self, now: datetime) -> bool:
        """Whether a take-over has lasted longer than anybody works without a word."""
        if self.taken is None:
            return False
        return now >= self.taken.at + self._seconds(self.rules.take_over_max_seconds)

    def is_over(self, now: datetime) -> bool:
        """Whether a closed incident can no longer be re-opened by a flap."""
        ends = self._ends_at()
        return ends is not None and now >= ends

    def _ends_at(self) -> datetime | None:
        # Closed while alerts fire, it remembers them until they are stale: their next repeat
        # would open another incident about what a person has closed.
        if self.closed_at is None:
            return None
        ends = self.closed_at + self._seconds(self.rules.flap_seconds)
        if self.firing and self.heard_at is not None:
            ends = max(ends, self.heard_at + self._seconds(self.rules.stale_seconds))
        return ends

    def hands_on_seconds(self, now: datetime) -> int:
        """The seconds that the person who took over has worked, by `now`."""
        if self.taken is None:
            return 0
        until = now
        if self.is_forgotten(now):
            longest = self._seconds(self.rules.take_over_max_seconds)
            until = min(self.taken.last_seen + FORGOTTEN_AFTER, self.taken.at + longest)
        return max(0, int((until - self.taken.at).total_seconds()))

    def wake_at(self, *, running: bool, calmed: bool) -> datetime | None:
        """The next moment at which a rule of time may hold. While a runbook runs only quiet and
        a forgotten take-over matter; everything else waits for its end.
        """
        rules = self.rules
        if self.closed_at is not None:
            return self._ends_at()
        moments = [(self.taken.at if self.taken else None, rules.take_over_max_seconds)]
        waiting = bool(self.firing) or self.needs_people
        may_calm = bool(self.alerts) and not calmed
        if self.taken is None and not waiting and (may_calm or not running):
            moments.append((self.quiet_since, rules.quiet_seconds))
        if self.taken is None and waiting and not running:
            due = (self.gather_until or self.heard_at) if self.waits_to_start else None
            moments.append((due, 0))
            moments.append((self.healed_at if self.firing else None, rules.resolve_within_seconds))
            moments.append((self.heard_at, rules.stale_seconds))
        return min((at + self._seconds(s) for at, s in moments if at is not None), default=None)

    @staticmethod
    def _seconds(number: int) -> timedelta:
        return timedelta(seconds=number)


def _slim(alert: Alert) -> Alert:
    labels = {n: v for n, v in alert.labels.items() if len(n + v) <= CARRIED_LABEL_CHARS_MAX}
    kept = dict(list(labels.items())[:CARRIED_LABELS_MAX])
    notes = {"summary": alert.summary[:CARRIED_SUMMARY_CHARS_MAX]}
    return alert.model_copy(update={"labels": kept, "annotations": notes})
