"""What is wrong with a runbook: where, why, and what to do about it."""

from pathlib import Path
from typing import NamedTuple


class Fault(NamedTuple):
    """One fault of one file. `line` counts from 1; 0 means the file as a whole."""

    path: Path
    line: int
    reason: str
    remedy: str

    def __str__(self) -> str:
        """`PATH:LINE: REASON`, as compilers write it, and the remedy on the next line."""
        return f"{self.path}:{self.line}: {self.reason}\n    {self.remedy}"
