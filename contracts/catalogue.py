"""What a worker serves: each runbook as its readers see it, the files it could not load, and how
the runbooks have done lately.

A worker writes it down when it starts, because the gateway must not import a runbook to show it.
"""

from datetime import datetime

from pydantic import Field

from contracts.model import Contract
from contracts.policy import Autonomy, Limits

FIGURES_DAYS = 30
OBSERVED_DAYS = 90


class ServedRunbook(Contract):
    """One runbook. `triggers` and `steps` are sentences; `services` are the autonomies that differ
    from the runbook's own; `manual` is its docstring; `fingerprint` is over its ordered commands.
    """

    name: str
    title: str = ""
    manual: str = ""
    triggers: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    autonomy: Autonomy = "observe"
    services: dict[str, Autonomy] = Field(default_factory=dict)
    fingerprint: str = ""
    path: str = ""
    shipped: bool = False


class FaultyFile(Contract):
    """A file that is not served: where the fault is, what it is, and what to do."""

    path: str
    line: int = 0
    reason: str
    remedy: str = ""


class Served(Contract):
    """Everything one worker found when it started at `at`."""

    at: datetime
    runbooks: tuple[ServedRunbook, ...] = ()
    faults: tuple[FaultyFile, ...] = ()
    limits: Limits = Limits()


class RunFigures(Contract):
    """The runs of the last `FIGURES_DAYS` days, without dry runs: how many ended how (`resolved`
    first, then the most frequent), and the median seconds from the start of a run to its end, over
    those that resolved.
    """

    runs: int = 0
    outcomes: dict[str, int] = Field(default_factory=dict)
    heal_seconds_median: int | None = None


class Observed(Contract):
    """What a runbook that only observes would have done at `at`, within `OBSERVED_DAYS` days; the
    text adds what would have kept it from that all the same.
    """

    incident: str
    at: datetime
    text: str


class RunbookView(ServedRunbook):
    """One runbook with its figures and the limits it is held to; `would_have` is newest first.
    `at` is when the worker that told of it started.
    """

    figures: RunFigures = RunFigures()
    would_have: tuple[Observed, ...] = ()
    limits: Limits = Limits()
    at: datetime | None = None


class RunbookPage(Contract):
    """All of them, sorted by name. `at` is when the worker that told of them started; None when
    no worker ever did.
    """

    at: datetime | None = None
    items: tuple[RunbookView, ...] = ()
    faults: tuple[FaultyFile, ...] = ()
    limits: Limits = Limits()
