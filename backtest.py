"""What a runbook would have done with the alerts of the past: `firebreak runbooks backtest`.

A composition root that only reads. Incidents come from the gateway; matching, the runbook and the
guardrails are the real ones; the cluster is stood in for, so a plan is one that could have been.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from activities.catalogue import CatalogueActivities
from contracts.alert import Alert
from contracts.calls import JudgeCall, MatchCall
from contracts.case import Case
from contracts.errors import FirebreakError, InvalidInput
from contracts.plan import Verdict
from contracts.policy import Autonomy, Policy, RunbookPolicy
from contracts.views import IncidentView
from guardrails import Attempt, Known, facts_of, judge
from workflows.authoring.folders import Found, Loaded
from workflows.authoring.play.player import play
from workflows.authoring.play.world import Script
from workflows.trigger import triggers_of

PAGE_ITEMS = 200
PAGES_MAX = 50


class Incidents(Protocol):
    """Where the past comes from: the gateway's client."""

    def incidents(self, **filters: str | int | None) -> dict[str, Any]:
        """One page, newest first, with the cursor of the next."""


class Judged(NamedTuple):
    """One plan: what the guardrails would have said, and why."""

    summary: str
    ruling: str
    why: str


class Row(NamedTuple):
    """One incident of the past. `matched` is false when another runbook or none would have run,
    for the reason in `detail`; otherwise `detail` is the runbook's outcome.
    """

    incident: str
    at: datetime
    alert: str
    matched: bool
    detail: str
    plans: tuple[Judged, ...] = ()


@dataclass
class Backtest:
    """Plays one runbook over incidents, oldest first, remembering what it would have written.
    `autonomy` is what it is tried with; None means what the policy says.
    """

    loaded: Loaded
    policy: Policy
    found: Found
    find: Mapping[str, object] = field(default_factory=dict)
    autonomy: Autonomy | None = None
    _written: dict[str, list[Attempt]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Put the tried autonomy into the policy."""
        runbooks = self.loaded.runbooks
        self.policy = self.policy.knowing(item.name for item in runbooks if item.shipped)
        if self.autonomy is not None:
            tried = {self.found.name: RunbookPolicy(autonomy=self.autonomy)}
            self.policy = self.policy.model_copy(update={"runbooks": self.policy.runbooks | tried})
        triggers = {item.name: triggers_of(item.runbook) for item in runbooks}
        self._catalogue = CatalogueActivities(self.policy, triggers, messenger=False)

    def row(self, incident: IncidentView) -> Row:
        """What would have become of one incident."""
        alerts = tuple(_alert(incident, number) for number in range(len(incident.alerts)))
        name = alerts[0].name if alerts else "by hand"
        call = MatchCall(incident=incident.id, target=incident.target, alerts=alerts)
        match = self._catalogue.match(call)
        if match.runbook != self.found.name or incident.target is None:
            return Row(incident.id, incident.opened_at, name, matched=False, detail=match.reason)
        case = Case(
            incident=incident.id,
            attempt=1,
            runbook=self.found.name,
            target=incident.target,
            alerts=alerts,
            service=match.service,
            team=match.team,
            approval_seconds=match.rules.approval_seconds,
        )
        return self._played(case, incident, name)

    def _played(self, case: Case, incident: IncidentView, name: str) -> Row:
        plans: list[Judged] = []

        def judged(call: JudgeCall) -> Verdict:
            verdict = self._judge(call)
            why = "; ".join(r.text for r in verdict.reasons if r.ruling == verdict.ruling)
            plans.append(Judged(call.plan.summary, verdict.ruling, why))
            return verdict

        script = Script(find=self.find, judge=judged, begins=incident.opened_at)
        try:
            played = play(self.found.runbook, case, script)
            detail = f"{played.outcome.status}: {played.outcome.summary}"
        except FirebreakError as err:
            # One incident that the runbook cannot handle is a finding, not the end of the test.
            return Row(case.incident, incident.opened_at, name, True, err.message, tuple(plans))
        return Row(case.incident, incident.opened_at, name, True, detail, tuple(plans))

    def _judge(self, call: JudgeCall) -> Verdict:
        """At the time of the plan. What is not refused is written: here everybody agrees."""
        at, past = call.plan.at, self._written.setdefault(call.plan.target.key, [])
        verdict = judge(call, facts_of(self.policy, call, at, Known(attempts=tuple(past))))
        if verdict.ruling != "deny":
            past.append(Attempt(call.key, "done", at))
        return verdict


def summary_of(rows: Sequence[Row]) -> dict[str, int]:
    """How many incidents there were, how many the runbook would have got, and what would have
    become of its plans.
    """
    rulings = [plan.ruling for row in rows for plan in row.plans]
    return {
        "incidents": len(rows),
        "matched": sum(row.matched for row in rows),
        "plans": len(rulings),
        "asked": rulings.count("ask"),
        "allowed": rulings.count("allow"),
        "refused": rulings.count("deny"),
    }


def text_of(rows: Sequence[Row], *, complete: bool) -> str:
    """What a person reads: an incident a line, its plans below it, and the sums."""
    lines = [line for row in rows for line in _lines(row)]
    sums = summary_of(rows)
    told = (
        f"{sums['incidents']} incidents, {sums['matched']} would have started it; "
        f"{sums['plans']} plans: {sums['asked']} asked about, {sums['allowed']} written without a "
        f"question, {sums['refused']} refused by the guardrails."
    )
    older = "" if complete else f"\nOnly the newest {PAGES_MAX * PAGE_ITEMS} incidents were read."
    return "\n".join([*lines, told]) + older


def _lines(row: Row) -> Iterator[str]:
    sign = "+" if row.matched else "-"
    yield f"{sign} {row.at:%Y-%m-%d %H:%M} {row.incident} {row.alert}: {row.detail}"
    for plan in row.plans:
        yield f"    {plan.ruling}: {plan.summary} ({plan.why})"


class Past(NamedTuple):
    """Incidents, oldest first; `complete` is false when there were more than can be read."""

    incidents: tuple[IncidentView, ...]
    complete: bool


def past_incidents(source: Incidents, since: datetime) -> Past:
    """The incidents opened since then: the newest `PAGES_MAX` pages of them."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(PAGES_MAX):
        page = source.incidents(since=since.isoformat(), limit=PAGE_ITEMS, cursor=cursor)
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    return Past(tuple(map(IncidentView.model_validate, reversed(items))), cursor is None)


def _alert(incident: IncidentView, number: int) -> Alert:
    """The alert as it fired: the journal keeps how it was seen last, which is resolved by now."""
    seen = incident.alerts[number]
    known = seen.model_dump(include={"source", "fingerprint", "name", "labels", "starts_at"})
    return Alert.model_validate(known | {"status": "firing", "target": incident.target})


def since_of(text: str, now: datetime) -> datetime:
    """Read `30d` or `12h`, counted back from now.

    Raises:
        InvalidInput: it is something else.

    """
    unit = {"d": timedelta(days=1), "h": timedelta(hours=1)}.get(text[-1:])
    if unit is None or not re.fullmatch(r"[1-9][0-9]{0,3}", text[:-1]):
        raise InvalidInput(f"'{text}' is no span of time", "Write 30d or 12h.")
    return now - int(text[:-1]) * unit
