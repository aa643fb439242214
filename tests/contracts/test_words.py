"""A number and its noun agree, wherever people read them."""

import pytest

from contracts.words import counted


@pytest.mark.parametrize(
    ("number", "words", "expected"),
    [
        (0, ("pod",), "0 pods"),
        (1, ("pod",), "1 pod"),
        (2, ("pod",), "2 pods"),
        (1, ("entry", "entries"), "1 entry"),
        (3, ("entry", "entries"), "3 entries"),
        (1, ("file is", "files are"), "1 file is"),
    ],
)
def test_a_noun_agrees_with_its_number(number: int, words: tuple[str, ...], expected: str) -> None:
    """One is alone; none are many."""
    assert counted(number, *words) == expected
