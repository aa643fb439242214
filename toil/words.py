"""How people read a runbook's figures; one place, so that a page and the command line agree."""

from contracts.catalogue import FIGURES_DAYS, RunFigures
from contracts.words import counted, minutes_text


def figures_text(figures: RunFigures) -> str:
    """How a runbook has done lately: `14 runs · 12 resolved · 2 expired · median 3 min`."""
    if not figures.runs:
        return f"no run in {FIGURES_DAYS} days"
    parts = [counted(figures.runs, "run")]
    parts += [f"{count} {status}" for status, count in figures.outcomes.items()]
    if figures.heal_seconds_median is not None:
        parts.append(f"median {minutes_text(figures.heal_seconds_median)}")
    return " · ".join(parts)
