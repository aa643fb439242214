"""How the reference reads fields: their words, bounds, defaults and meanings."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, Field

from tools.fields import Row, notes_of, rows_of, words_of
from tools.markdown import table


class Parent(BaseModel):
    """A model of which another one is made."""

    name: str = Field(min_length=1)
    """What people
    call it."""


class Child(Parent):
    """A model with one field of each sort."""

    seconds: int = Field(default=5, ge=0, le=300)
    """How long, in seconds."""
    kinds: tuple[str, ...] = ("a", "b")
    share: float | None = Field(default=None, gt=0)
    made: list[int] = Field(default_factory=lambda: [1])


def test_a_field_is_told_with_its_bounds_default_and_meaning() -> None:
    """Also one that was inherited; nobody's meaning stays empty."""
    assert list(rows_of(Child)) == [
        Row("name", "text", "required", "What people call it."),
        Row("seconds", "whole number, 0 to 300", "`5`", "How long, in seconds."),
        Row("kinds", "list of text", "`a`, `b`", ""),
        Row("share", "number, more than 0", "none", ""),
        Row("made", "list of whole number", "see the meaning", ""),
    ]


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (dict[str, Any], "table of any"),
        (Literal["ask", "auto"], "`ask`, `auto`"),
        (int | str | None, "whole number or text"),
        (Annotated[str, AfterValidator(str.strip)], "text"),
        (Parent, "parent"),
    ],
)
def test_a_type_is_said_in_words(annotation: Any, words: str) -> None:
    """People who write a policy need not read Python."""
    assert words_of(annotation) == words


def test_comments_of_a_toml_file_are_meanings() -> None:
    """The block right above a key or a table, and what stands behind a key."""
    toml = (
        "# About\n# the file.\n\n# Which ones.\nclusters = []\n\n# One for each.\n"
        '[[people]]\nid = "ana"  # short\n\n[runbooks.some.services]\n# A heading.\n\nx = 1\n'
    )
    assert notes_of(toml) == {
        ("", "clusters"): "Which ones.",
        ("people", ""): "One for each.",
        ("people", "id"): "short",
        ("runbooks", "services"): "",
        ("runbooks", "x"): "",
    }


def test_a_table_leaves_out_what_is_empty() -> None:
    """And a bar inside a cell does not end it."""
    rows = [("`a|b`", "", "one"), ("`c`", "", "")]
    assert table(("Name", "Default", "Meaning"), rows) == (
        "| Name | Meaning |\n| --- | --- |\n| `a\\|b` | one |\n| `c` |  |"
    )
