"""How people read a length of time and a runbook's figures; one place, so that a page, a chart and
the command line say the same.
"""

from contracts.catalogue import FIGURES_DAYS, RunFigures
from contracts.words import counted

_MINUTE = 60


def minutes_text(seconds: float) -> str:
    """A duration as people say it: `45 s`, `12 min`, `3 h 05 min`, `200 h`."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole} s" if whole else "0 min"
    hours, minutes = divmod(whole // _MINUTE, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"


def figures_text(figures: RunFigures) -> str:
    """How a runbook has done lately: `14 runs · 12 resolved · 2 expired · median 3 min`."""
    if not figures.runs:
        return f"no run in {FIGURES_DAYS} days"
    parts = [counted(figures.runs, "run")]
    parts += [f"{count} {status}" for status, count in figures.outcomes.items()]
    if figures.heal_seconds_median is not None:
        parts.append(f"median {minutes_text(figures.heal_seconds_median)}")
    return " · ".join(parts)
