"""The terminal in which pages are followed, and the comparison with what they show."""

from pathlib import Path

import pytest

from docs.shell import Shell, Typed, matches, typed_in


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\nb", "a\nb\n", True),
        ("a\nb", "a\nc\n", False),
        ("took … s", "took 1.25 s\n", True),
        ("took … s", "took 1.25 s\nand more\n", False),
        ("first\n…\nlast", "first\none\ntwo\nlast\n", True),
        ("first\n…\nlast", "first\nlast\n", True),
        ("first\n…\nlast", "first\none\n", False),
        ("", "", True),
        ("", "something\n", False),
        ("a (b) [c]* .", "a (b) [c]* .\n", True),
        ("right   \n", "right\n", True),
        ("...   [100%]", "...          [100%]\n", True),
        ("a b", "ab\n", False),
    ],
)
def test_what_is_shown_is_compared_with_what_is_printed(
    shown: str, printed: str, *, same: bool
) -> None:
    """Word for word, but for what the page leaves out visibly."""
    assert matches(shown, printed) is same


def test_a_console_block_is_read_as_it_is_typed() -> None:
    """Lines without a prompt are what comes back; a backslash or an open quote goes on."""
    block = "$ one \\\n    more\nback\n\n$ two 'a\nb'\n$ three\n"
    assert list(typed_in(block)) == [
        Typed("one \\\n    more", "back\n"),
        Typed("two 'a\nb'", ""),
        Typed("three", ""),
    ]


def test_a_shell_remembers_what_was_exported_and_where_it_is(tmp_path: Path) -> None:
    """As a terminal that stays open; both outputs are seen."""
    shell = Shell(tmp_path)
    assert shell.run("mkdir inner && cd inner && export WORD='two words'") == ""
    assert shell.run('echo "$WORD"; pwd; echo oh >&2') == f"two words\n{tmp_path}/inner\noh\n"


def test_a_shell_knows_this_installation_only(tmp_path: Path) -> None:
    """The reader's own settings would make a page true on one machine only."""
    shell = Shell(tmp_path)
    assert shell.run("env | grep -c FIREBREAK_; command -v firebreak > found; wc -l < found") == (
        "0\n1\n"
    )


def test_a_command_that_waits_is_ended_when_it_has_said_its_piece(tmp_path: Path) -> None:
    """As a reader ends it with Ctrl-C."""
    # A pause without end would miss an interrupt that comes right before it.
    forever = "any(iter(lambda: select.select([], [], [], 0.1)[0], 0))"
    waits = f"python -uc 'import select; print(1); print(2); {forever}'"
    assert Shell(tmp_path).run_until(waits, "1") == "1\n"
