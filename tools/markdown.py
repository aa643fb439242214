"""How `tools/reference.py` writes: one line of text, and tables that a plain viewer shows well."""

from collections.abc import Iterable, Sequence


def one_line(text: str | None) -> str:
    """A docstring as one line of text."""
    return " ".join((text or "").split())


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a column with nothing in it is left out."""
    given = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    kept = [n for n, _ in enumerate(heads) if any(row[n] for row in given)]
    lines = [[heads[n] for n in kept], ["---"] * len(kept)]
    lines += [[row[n] for n in kept] for row in given]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
