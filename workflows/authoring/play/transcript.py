"""What happened when a runbook was played: one line a step, its outcome, and what it wrote.

The same lines come out of the sandbox and of a real server, so that a test written against one
holds on the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, NamedTuple

from contracts.case import Outcome
from contracts.step import Receipt

Kind = Literal["LOOK", "PLAN", "ASK", "ACT", "VERIFY", "WAIT", "WARN", "SIGNAL", "OUTCOME"]
TEXT_CHARS_MAX = 100
_KIND_WIDTH = 8
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class Line(NamedTuple):
    """One step. `step` is its short name (`pod_logs`; of a WAIT how long, of an OUTCOME the
    status), `text` the whole sentence.
    """

    kind: Kind
    step: str
    text: str

    def __str__(self) -> str:
        """`LOOK    pod_logs of deployment shop/web: …`, aligned with its neighbours."""
        return f"{self.kind:<{_KIND_WIDTH}}{self.text}"


@dataclass(frozen=True)
class Play:
    """A run from its case to its outcome. `str()` is the whole transcript."""

    outcome: Outcome
    transcript: tuple[Line, ...]
    receipts: tuple[Receipt, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """Kinds and short names, for a test: `("LOOK pod_logs", …, "OUTCOME resolved")`."""
        return tuple(f"{line.kind} {line.step}" for line in self.transcript)

    def __str__(self) -> str:
        """One line a step."""
        return "\n".join(map(str, self.transcript))


class Transcript:
    """The lines so far, in the order in which the steps began to be answered."""

    def __init__(self) -> None:
        self._lines: list[Line] = []

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines."""
        return tuple(self._lines)

    def add(self, kind: Kind, step: str, text: str) -> None:
        """Write the next line."""
        self._lines.append(Line(kind, step, text))

    def ask(self, step: str, text: str) -> int:
        """Write the line of a question that is open, and say which line that is."""
        self.add("ASK", step, text)
        return len(self._lines) - 1

    def answer(self, place: int, text: str) -> None:
        """Write how a question stands on its own line."""
        self._lines[place] = self._lines[place]._replace(text=text)


def duration(span: timedelta) -> str:
    """`40 s`, `15 min`, `5 h 40 min`, `2 d 3 h`: whole seconds, the two largest units."""
    left = round(span.total_seconds())
    words: list[str] = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {unit}")
    return " ".join(words[:2]) or "0 s"


def shortened(text: str) -> str:
    """The first line of a text that has any, cut visibly at `TEXT_CHARS_MAX` characters."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return first if len(first) <= TEXT_CHARS_MAX else f"{first[: TEXT_CHARS_MAX - 1]}…"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = names or ("nobody",)
    return f"{', '.join(most)} and {last}" if most else last
