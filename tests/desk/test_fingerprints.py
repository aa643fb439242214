"""What changes the commands of a runbook, what does not, and what guards a change."""

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.sources import CRASH_LOOP, SHIPPED, commands, runbook
from workflows.authoring.fingerprints.baseline import fits
from workflows.authoring.fingerprints.commands import commands_of, fingerprint_of
from workflows.authoring.fingerprints.outline import normal, read, written

LOOK = "\n        await self.look("
# What authors do to a file without changing what it commands: a pattern, and what replaces it.
HARMLESS = {
    "comments": (r"\n        await ", "\n        # Why.\n        await "),
    "blank lines": (r"\n        await ", "\n\n        await "),
    "durations": (r"timedelta\(minutes=\d+\)", "timedelta(hours=7)"),
    "arguments": (r"lines=\d+", "lines=50"),
    "texts": (r'summary=f"[^"]*"', 'summary="otherwise"'),
    "docstrings": (r'"""[^"]*"""', '"""Other words."""'),
    "variables": (r"\b(restart|rollback|history|logs)\b(?= =|\)|\.|,)", r"my_\1"),
    "aliases": (r"import PodLogs, (\w+),", r"import PodLogs as PodLogs, \1 as \1,"),
    "a log line": (re.escape(LOOK), f"\n        workflow.logger.info('x'){LOOK}"),
    "statuses": (r'status="resolved"', 'status="escalated"'),
}


def spoilt(text: str, change: str) -> str:
    """The text after a harmless change; `layout` writes it anew."""
    if change == "layout":
        return ast.unparse(ast.parse(text))
    return re.sub(*HARMLESS[change], text)


def test_a_fingerprint_is_a_digest_of_the_commands() -> None:
    """Equal for equal commands, whatever holds them."""
    mark = fingerprint_of(("look PodLogs",))
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", mark)
    assert mark == fingerprint_of(["look PodLogs"]) != fingerprint_of(["look Events"])


@pytest.mark.parametrize("change", ["layout", *HARMLESS])
def test_each_harmless_change_does_change_some_text(change: str) -> None:
    """Otherwise the next test would prove nothing."""
    assert any(spoilt(text, change) != text for text in SHIPPED.values())


@pytest.mark.parametrize("name", SHIPPED)
@given(changes=st.lists(st.sampled_from(["layout", *HARMLESS]), max_size=6))
def test_what_changes_no_command_changes_no_fingerprint(name: str, changes: list[str]) -> None:
    """In any order, and any number of times."""
    text = SHIPPED[name]
    for change in changes:
        text = spoilt(text, change)

    assert commands_of(text, name) == commands_of(SHIPPED[name], name)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("await self.look(Events(target=case.target))", "pass"),
        ("self.look(Events(", "self.look(RolloutHistory("),
        ("RolloutRestart(target", "RollbackDeployment(target"),
        ("        elif beyond:", "        elif not beyond:"),
        ('"beyond_restart"', '"another_fact"'),
        (
            "        await self.approve",
            "        await workflow.sleep(1)\n        await self.approve",
        ),
        ("await self.approve(restart", "await self.act(restart); await self.approve(restart"),
    ],
)
def test_what_changes_a_command_changes_the_fingerprint(old: str, new: str) -> None:
    """Another step, another order, another condition on what was found."""
    assert old in CRASH_LOOP
    before = commands_of(CRASH_LOOP, "RestartCrashLoop")
    after = commands_of(CRASH_LOOP.replace(old, new, 1), "RestartCrashLoop")

    assert fingerprint_of(before) != fingerprint_of(after)


def test_another_constant_in_a_condition_is_another_condition() -> None:
    """A replay would compare what was found with it."""
    run = "if case.attempt > LIMIT:\n    return\nawait self.look(Events())"
    other = runbook(run).replace("LIMIT = 3", "LIMIT = 4")

    assert commands_of(other, "Mine") != commands_of(runbook(run), "Mine")


LEAVES = st.sampled_from(
    [
        "await self.look(Events())",
        "await workflow.sleep(1)",
        "return 1",
        "x = 1",
        "raise ValueError",
    ]
)
BLOCKS = st.recursive(
    st.lists(LEAVES, min_size=1, max_size=3),
    lambda inner: st.tuples(
        st.sampled_from(
            ["if case.a:", "for _ in case.b:", "try:", "if case.c:", "async with case.d:"]
        ),
        inner,
        inner,
    ).map(lambda three: _compound(*three)),
    max_leaves=6,
)


def _compound(head: str, body: list[str], after: list[str]) -> list[str]:
    inner = [f"    {line}" for line in body]
    tail = ["except KeyError:", "    pass"] if head == "try:" else []
    other = ["else:", *(f"    {line}" for line in after)] if head == "if case.c:" else []
    return [head, *inner, *tail, *other, *after]


def _spot(lines: list[str], index: int) -> tuple[int, str]:
    """The number of a line that may be guarded, at or after `index`, and its indentation."""
    plain = [n for n, line in enumerate(lines) if not line.endswith(":")]
    number = plain[index % len(plain)]
    return number, lines[number][: len(lines[number]) - len(lines[number].lstrip())]


@given(BLOCKS, st.integers(0, 50), LEAVES)
def test_a_guarded_change_fits_runs_in_flight_and_an_unguarded_one_does_not(
    lines: list[str], index: int, new: str
) -> None:
    """Wherever the change is: the old way stands in `else`, the new way before it."""
    number, space = _spot(lines, index)
    old = lines[number].strip()
    guarded = [
        f'{space}if workflow.patched("mine-v2"):',
        f"{space}    {new}",
        f"{space}else:",
        f"{space}    {old}",
    ]
    before = commands("\n".join(lines))
    after = commands("\n".join([*lines[:number], *guarded, *lines[number + 1 :]]))
    plain = commands("\n".join([*lines[:number], space + new, *lines[number + 1 :]]))

    assert fits(after, before)
    assert fits(plain, before) is (plain == before)


@given(BLOCKS)
def test_an_outline_is_read_back_as_it_was_written(lines: list[str]) -> None:
    """And tidying it again changes nothing."""
    told = commands("\n".join(lines))

    assert list(written(read(told))) == told
    assert list(written(normal(read(told)))) == told
