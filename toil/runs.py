"""How runbooks have done, read from the timelines of incidents. Reads only.

A line that an older version wrote has no figures in it: it counts for nothing, and never stops the
others. What a person only tried as a dry run is left out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from contracts.catalogue import FIGURES_DAYS, OBSERVED_DAYS, Observed, RunFigures
from contracts.plan import Verdict
from toil.tables import EventRow

RUNS_READ_MAX = 20_000
REFUSALS_READ_MAX = 2_000
WOULD_HAVE_MAX = 20

_AUTONOMY = "autonomy"
_HEALED = "resolved"


def read_figures(session: Session, now: datetime, name: str | None = None) -> dict[str, RunFigures]:
    """The figures of each runbook that ran within `FIGURES_DAYS` days before `now`, or of the one
    of that name; of the newest `RUNS_READ_MAX` runs, if there were more.
    """
    lines = select(col(EventRow.data))
    lines = _newest(lines, "outcome", now - timedelta(days=FIGURES_DAYS), name)
    runs: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for data in session.scalars(lines.limit(RUNS_READ_MAX)):
        if (runbook := _whose(data)) is not None:
            runs[runbook].append(data)
    return {runbook: _figures(ended) for runbook, ended in runs.items()}


def read_would_have(
    session: Session, now: datetime, name: str | None = None
) -> dict[str, tuple[Observed, ...]]:
    """What each runbook, or the one of that name, was kept from because it only observes: its
    newest `WOULD_HAVE_MAX`, newest first, among the newest `REFUSALS_READ_MAX` refusals.
    """
    lines = select(col(EventRow.incident), col(EventRow.at), col(EventRow.data))
    lines = _newest(lines, "verdict", now - timedelta(days=OBSERVED_DAYS), name)
    found: defaultdict[str, list[Observed]] = defaultdict(list)
    for incident, at, data in session.execute(lines.limit(REFUSALS_READ_MAX)):
        runbook, text = _whose(data), _would_have(data)
        if runbook is not None and text and len(found[runbook]) < WOULD_HAVE_MAX:
            found[runbook].append(Observed(incident=incident, at=at, text=text))
    return {runbook: tuple(seen) for runbook, seen in found.items()}


def _newest(lines: Select[Any], kind: str, since: datetime, name: str | None) -> Select[Any]:
    lines = lines.where(col(EventRow.type) == kind, col(EventRow.at) >= since)
    if name is not None:
        lines = lines.where(col(EventRow.data)["runbook"].as_string() == name)
    return lines.order_by(
        col(EventRow.at).desc(), col(EventRow.incident).desc(), col(EventRow.seq).desc()
    )


def _whose(data: Mapping[str, Any]) -> str | None:
    runbook = data.get("runbook")
    return runbook if isinstance(runbook, str) and not data.get("dry_run") else None


def _figures(ended: Iterable[Mapping[str, Any]]) -> RunFigures:
    told = [(str(data.get("status")), data.get("seconds")) for data in ended]
    healed = [took for status, took in told if status == _HEALED and isinstance(took, int)]
    counts = Counter(status for status, _ in told).items()
    return RunFigures(
        runs=len(told),
        # What healed first, then the most frequent.
        outcomes=dict(sorted(counts, key=lambda pair: (pair[0] != _HEALED, -pair[1], pair[0]))),
        heal_seconds_median=int(median(healed)) if healed else None,
    )


def _would_have(data: Mapping[str, Any]) -> str:
    """What the plan was, if the runbook's autonomy refused it; else empty."""
    try:
        denials = Verdict.model_validate(data).denials
    except ValidationError:
        return ""
    observing = next((reason for reason in denials if reason.rule == _AUTONOMY), None)
    if observing is None:
        return ""
    others = "; ".join(reason.text for reason in denials if reason.rule != _AUTONOMY)
    plan = str(data.get("plan") or observing.text)
    return f"{plan} (other guardrails would refuse it: {others})" if others else plan
