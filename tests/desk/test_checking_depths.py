"""However deep or large a text is, `check_source` answers with faults, and raises nothing.

A worker checks all files before it serves one, so one that breaks the check would stop them all.
"""

from pathlib import Path
from textwrap import indent

import pytest

from workflows.authoring.checks.checking import check_source

RUNBOOK = '''\
"""Look at the mailer."""

from temporalio import workflow

from contracts import Case, Outcome
from contracts.kubernetes import PodLogs
from workflows import Runbook, on_alert


@on_alert("MailStuck")
@workflow.defn(name="look_at_mailer")
class LookAtMailer(Runbook):
    """Look."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Look."""
        step = PodLogs(target=case.target)
        await self.look(step)
        return Outcome(status="escalated", summary="looked")
'''


def said(text: str) -> list[str]:
    """The reasons alone."""
    return [fault.reason for fault in check_source(Path("mine.py"), text)]


def test_a_runbook_of_usual_depth_has_no_fault() -> None:
    """The one that the tests below deepen."""
    assert said(RUNBOOK) == []


def chain(branches: int) -> str:
    """An `if` with that many branches, each of which looks."""
    looks = "case.attempt == {}:\n    await self.look(step)\n"
    return "".join(("elif " if n else "if ") + looks.format(n) for n in range(branches))


DEEP = {
    "sum": "x = " + " + ".join(["1"] * 3000),
    "elif": chain(1500),
    "calls": "x = y" + ".z()" * 3000,
    "not": "x = " + "not " * 3000 + "y",
}
DEEP_HELPER = """\
from workflows import Runbook


async def shared(self: Runbook, case: object, step: object, y: object) -> None:
{}
"""


def deep_runbook(deep: str) -> str:
    """A perfect runbook, but for that in its run."""
    return RUNBOOK.replace("        return", f"{indent(deep, ' ' * 8)}\n        return")


@pytest.mark.parametrize("deep", DEEP.values(), ids=DEEP)
def test_what_is_nested_too_deeply_is_one_fault_and_no_error(deep: str) -> None:
    """One file must not take the check of all others with it; a helper is read likewise."""
    texts = {"mine.py": deep_runbook(deep), "_mine.py": DEEP_HELPER.format(indent(deep, "    "))}

    for name, text in texts.items():
        (fault,) = check_source(Path(name), text)
        assert (fault.path, fault.line) == (Path(name), 0)
        assert fault.reason == "the file is nested too deeply to be read"
        assert "Split the expression" in fault.remedy


def test_a_long_chain_is_read_or_told_and_never_an_error() -> None:
    """How deep Python reads depends on who calls it."""
    for branches in (100, 400):
        assert [why for why in said(deep_runbook(chain(branches))) if "too deeply" not in why] == []


def test_a_number_too_large_to_be_shown_is_no_error() -> None:
    """Python does not print a number of so many digits."""
    text = RUNBOOK.replace("case.target)", f"case.target, lines=0x{'f' * 5000})")
    assert ["cannot have `lines=" in reason for reason in said(text)] == [True]


def test_a_text_that_is_no_text_is_told() -> None:
    """A null byte is none of Python's."""
    assert "does not parse" in said("x = '\0'")[0]
