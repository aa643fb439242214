"""Every command that a page shows can be typed, and says what it does."""

import pytest
from typer.testing import CliRunner

import cli
from docs.commands import Command, commands, written_commands


@pytest.mark.parametrize("command", tuple(written_commands()), ids=lambda c: f"{c.page}: {c.words}")
def test_every_command_in_the_documentation_parses(command: Command) -> None:
    """A reader who copies it gets what the page says, not a usage error."""
    known = commands()
    path = next((command.words[:n] for n in (2, 1) if command.words[:n] in known), None)
    assert path is not None, f"there is no command {command.words}"
    # Raises the usage error that the command line would show.
    known[path].make_context(" ".join(path), list(command.words[len(path) :]))


@pytest.mark.parametrize("path", tuple(commands()), ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    """`--help` works for each and says what it does."""
    result = CliRunner().invoke(cli.app, [*path, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_the_documentation_has_commands_to_try() -> None:
    """The search for them finds the ones we know: it would not pass by finding none."""
    found = {command.words[0] for command in written_commands()}
    assert {"demo", "up", "approve", "pause", "toil", "db", "runbooks"} <= found
