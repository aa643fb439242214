"""What `check_source` says of wrong runbooks, and that it says nothing of good ones.

Each file of `wrong/` says in its own lines what is wrong with them: `# wrong: REASON | REMEDY`,
and ` / REASON` for each further fault of the line. They are no Python files, so that no other tool
minds what is wrong on purpose.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import contracts
import runbooks
import worker
from contracts import Case, Target
from workflows import Runbook
from workflows.authoring.checks.checking import RULES, check_source
from workflows.authoring.checks.rules_imports import BANS, OURS, STANDARD, is_allowed
from workflows.authoring.checks.rules_init import STATE, TAKEN
from workflows.authoring.checks.rules_shape import FIREBREAKS_OWN
from workflows.authoring.faults import Fault
from workflows.authoring.folders import files_of, load
from workflows.trigger import name_of

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WRONG = sorted((HERE / "wrong").glob("*.py.txt"))
GOOD = sorted((HERE / "good").glob("*.py.txt"))
SHIPPED = files_of(ROOT / "runbooks")
WRONG_MIN = 14
PERFECT = '''\
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
        await self.look(PodLogs(target=case.target))
        return Outcome(status="escalated", summary="looked")
'''


def stem_of(path: Path) -> str:
    """`x` of `x.py.txt`."""
    return path.name.partition(".")[0]


def faults_of(path: Path) -> list[Fault]:
    """What is said of a file of ours, under the name that it would have."""
    return check_source(Path(f"{stem_of(path)}.py"), path.read_text())


def expected_in(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, reason and remedy of each fault that a file announces."""
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        _, marked, told = line.partition("# wrong: ")
        if marked:
            first, *others = told.split(" / ")
            reason, _, remedy = first.partition(" | ")
            yield number, reason, remedy
            yield from ((number, other, "") for other in others)


def said(text: str) -> list[str]:
    """The reasons alone."""
    return [fault.reason for fault in check_source(Path("mine.py"), text)]


def with_line(line: str) -> str:
    """A perfect runbook, with one more line in its run."""
    return PERFECT.replace("        await self.look", f"        {line}\n        await self.look")


def test_there_are_enough_wrong_runbooks() -> None:
    """A check is worth what it finds."""
    assert len(WRONG) >= WRONG_MIN


@pytest.mark.parametrize("path", WRONG, ids=stem_of)
def test_a_wrong_runbook_is_told_every_fault_with_its_line(path: Path) -> None:
    """All of them, and no other, in the order of the lines, each with a remedy."""
    found, expected = faults_of(path), list(expected_in(path))

    assert expected
    assert [fault.line for fault in found] == [line for line, _, _ in expected], found
    for line, reason, remedy in expected:
        here = [fault for fault in found if fault.line == line and reason in fault.reason]
        assert [remedy in fault.remedy for fault in here] == [True], (line, reason, found)


@pytest.mark.parametrize("path", [*GOOD, *SHIPPED], ids=stem_of)
def test_a_good_runbook_has_no_fault(path: Path) -> None:
    """A false alarm would take a runbook out of service."""
    assert faults_of(path) == []


def test_what_is_called_good_is_good_to_temporal_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each can be loaded, in the sandbox of a worker."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    for path in GOOD:
        (tmp_path / f"{stem_of(path)}.py").write_text(path.read_text())

    loaded = load(runbooks, [tmp_path])

    assert loaded.faults == ()
    assert sum(not found.shipped for found in loaded.runbooks) == len(GOOD) - 1
    for path in GOOD:
        sys.modules.pop(stem_of(path), None)


def test_a_perfect_runbook_has_no_fault() -> None:
    """The one that the tests below spoil."""
    assert said(PERFECT) == []


@pytest.mark.parametrize(
    "line",
    [
        "import time",
        "from time import sleep",
        "import os.path as paths",
        "import urllib.request",
        "import temporalio.client",
        "from workflows import incident",
        "import workflows.runbook",
        "from numpy import array",
        "import _thread",
        "import subprocess, json",
    ],
)
def test_what_a_runbook_must_not_import_is_told(line: str) -> None:
    """Whatever the form of the statement, and one fault for it."""
    assert len(said(with_line(line))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "import asyncio, json, math",
        "from urllib.parse import quote",
        "import contracts.kubernetes as steps",
        "from temporalio.common import RetryPolicy",
        "from temporalio import exceptions",
        "from _mine import helper",
        "from runbooks._mine import helper",
        "from workflows import Runbook as Base",
        "import collections.abc",
    ],
)
def test_what_a_runbook_may_import_is_let_in(line: str) -> None:
    """Deterministic parts of the standard library, the shared words, own helpers."""
    assert said(with_line(line)) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("from datetime import datetime as d; d.now()", "datetime.datetime.now"),
        ("import datetime as d; d.datetime.utcnow()", "datetime.datetime.utcnow"),
        ("import datetime; x = datetime.date.today", "datetime.date.today"),
        ("x = list({1, 2})", "order of a set"),
        ("x = [*frozenset(y)]", "order of a set"),
        ("for n in {1} | y: pass", "order of a set"),
        ("names: set[str] = set(y); x = [n for n in names]", "order of a set"),
        ("s = {1}; s = s | {2}; x = tuple(s)", "order of a set"),
        ("x = ', '.join({str(n) for n in y})", "order of a set"),
        ("x = id(y)", "`id`"),
        ("input()", "`input`"),
        ("does = eval; does(y)", "`eval`"),
        ("from temporalio.workflow import unsafe as u; u.is_replaying()", "workflow.unsafe"),
        ("import uuid as u", "`uuid`"),
        ("from uuid import UUID, uuid1", "`uuid`"),
        ("from temporalio.workflow import start_activity as s; s(y)", "`start_activity`"),
        ("from temporalio.workflow import wait_condition as w; await w(y)", "no deadline"),
        ("import asyncio; asyncio.timeout(delay=None)", "no deadline"),
        ("import asyncio; asyncio.timeout_at(None)", "no deadline"),
        ("f = lambda: None; Case.x = f", "`Case` is shared"),
        ("for Case.x in y: pass", "`Case` is shared"),
        ("(x := Case).y = 1", "is shared"),
        ("getattr(Case, 'model').x = 1", "is shared"),
    ],
)
def test_what_is_not_deterministic_is_told(line: str, told: str) -> None:
    """Also under another name, and also when it is only handed on."""
    assert [told in reason for reason in said(with_line(line))] == [True]


@pytest.mark.parametrize(
    "line",
    [
        "x = sorted({1, 2}), len({1}), {n for n in {1}}, any(n for n in {1})",
        "names = {1}; names = [1]; x = [n for n in names]",
        "x = 3 in {1, 2}",
        "id = 7; x = id",
        "from datetime import datetime, time, UTC; x = datetime.combine(y, time(9), tzinfo=UTC)",
        "x = {**y, 'n': 1}; z = [n for n in x]",
        "x = '%s' % {1}; z = [n for n in x]",
        "x = {*{1}, 2}",
        "from uuid import UUID; x = UUID(y)",
        "import re; x = re.compile(y)",
        "cases = [Case]; cases[0] = y; y.x = 1; y[0] = 2; del y[0], y.x",
        "x = Case(**y); x.y = 1",
        "x = y.compile(y), y.exec(y), y.exit",
    ],
)
def test_what_is_deterministic_is_no_fault(line: str) -> None:
    """A set may be asked, counted and sorted; a name may be anybody's."""
    assert said(with_line(line)) == []


@pytest.mark.parametrize(
    "line",
    [
        "x = str(self.look(y))",
        "x = self.look(y).title",
        "x = f'{self.look(y)}'",
        "x = 1 if self.verify(y) else 2",
        "while self.verify(y): break",
        "x: object = self.look(y)",
        "[self.look(z) for z in y]",
    ],
)
def test_a_coroutine_that_nobody_awaits_is_told(line: str) -> None:
    """In each place where it would silently do nothing, or always be true."""
    assert any("without `await`" in reason for reason in said(with_line(line)))


@pytest.mark.parametrize(
    "line",
    [
        "import asyncio; self.task = asyncio.create_task(self.look(y))",
        "self.later = self.look(y)",
        "jobs = []; jobs.append(self.look(y)); await jobs[0]",
        "x = self.look(y) if y else self.look(z); await x",
        "job = self.look(y); import asyncio; await asyncio.wait_for(job, 3)",
        "await (self.look(y))",
        "return await self.look(y)",
    ],
)
def test_a_coroutine_that_somebody_takes_is_no_fault(line: str) -> None:
    """It is awaited later, by a name, a task or a list."""
    assert not any("without `await`" in reason for reason in said(with_line(line)))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name="look_at_mailer"', 'name="LookAtMailer"', "not in snake_case"),
        ('name="look_at_mailer"', 'name="Look" + "At"', "is computed"),
        ('(name="look_at_mailer")', "()", "no name of its own"),
        ('_mailer")', '_mailer", dynamic=True)', "`dynamic=True` changes"),
        ('_mailer")', '_mailer", **OPTIONS)', "`**=OPTIONS` changes"),
        ("    @workflow.run\n", "", "lacks `@workflow.run`"),
        ("(self, case: Case)", "(self, case)", "must be given exactly"),
        ("(self, case: Case)", '(self, case: "Case")', "must be given exactly"),
        ("(self, case: Case)", "(self, case: Case = None)", "must be given exactly"),
        ("(self, case: Case)", "(self, *, case: Case)", "must be given exactly"),
        ("(self, case: Case)", "(self)", "must be given exactly"),
        ("-> Outcome", "-> str", "must return an Outcome"),
        (
            '        return Outcome(status="escalated", summary="looked")\n',
            "",
            "without an Outcome",
        ),
        (
            '@on_alert("MailStuck")\n@workflow.defn(name="look_at_mailer")\n',
            "",
            "no `@workflow.defn`",
        ),
        ("class LookAtMailer(Runbook)", "class LookAtMailer(dict)", "does not inherit"),
    ],
)
def test_a_class_that_cannot_run_is_told(old: str, new: str, told: str) -> None:
    """Before a worker refuses it."""
    spoilt = PERFECT.replace(old, new)
    assert spoilt != PERFECT
    assert [told in reason for reason in said(spoilt)] == [True]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(self, case: Case)", "(self, given: Case)"),
        ("-> Outcome", ""),
        ("contracts import Case, Outcome", "contracts.case import Case, Outcome"),
        ("from workflows import Runbook, on_alert", "from workflows import *; import workflows"),
        ('@on_alert("MailStuck")\n', ""),
        ('@on_alert("MailStuck")', "@on_alert(*ALERTS)"),
        ("(Runbook)", "(Base)"),
    ],
)
def test_what_cannot_be_told_from_the_text_is_no_fault(old: str, new: str) -> None:
    """Loading tells it, or nobody minds."""
    text = PERFECT.replace(old, new)
    assert text != PERFECT
    if "import *" in new:
        text = text.replace("(Runbook)", "(workflows.Runbook)").replace("@on_", "@workflows.on_")
    assert said(text) == []


def test_a_helper_may_act_without_verifying_but_not_read_the_clock() -> None:
    """It is no runbook, and runs inside every one that imports it."""
    helper = (
        '"""Shared."""\n\nimport time\n\nfrom workflows import Runbook\n\n\n'
        'async def act(runbook: Runbook, step: object) -> None:\n    """Act."""\n'
        "    await runbook.act(step)\n    runbook.look(time.time())\n"
    )
    reasons = [fault.reason for fault in check_source(Path("_shared.py"), helper)]

    assert [reason.partition(" ")[0] for reason in reasons] == [
        *("`time`", "`runbook.look(...)`", "`time.time`")
    ]


def test_a_workflow_in_a_helper_file_is_told() -> None:
    """It would never be loaded."""
    faults = check_source(Path("_mailer.py"), PERFECT)
    assert ["never loaded" in fault.reason for fault in faults] == [True]


def test_a_method_does_not_hide_what_python_calls_by_the_same_name() -> None:
    """Inside a method, `eval` is Python's, whatever the methods are called."""
    method = "\n    def eval(self) -> object:\n        return eval(self)\n"
    assert ["`eval`" in reason for reason in said(PERFECT + method)] == [True]


def test_every_rule_is_broken_by_some_wrong_runbook() -> None:
    """Otherwise nobody would notice that a rule finds nothing."""
    from workflows.authoring.checks.source import parsed

    sources = []
    for path in WRONG:
        try:
            sources.append(parsed(path, path.read_text()))
        except SyntaxError:
            continue
    idle = [rule.__name__ for rule in RULES if not any([*rule(source)] for source in sources)]

    assert idle == []


def test_the_names_that_runbook_uses_itself_are_those_that_nobody_may_take() -> None:
    """Its methods are looked up; what its beginning sets is listed, and compared here."""
    case = Case(
        incident="inc-1", attempt=1, runbook="x",
        target=Target(cluster="c", namespace="n", kind="Deployment", name="x"),
    )  # fmt: skip

    assert set(vars(Runbook(case))) == STATE
    assert {"look", "approve", "act", "verify", "decide", "stand_down"} <= TAKEN


def test_firebreaks_own_workflows_are_known() -> None:
    """Their names are not given away."""
    assert sorted(map(name_of, worker.PLUMBING)) == sorted(FIREBREAKS_OWN)


def test_firebreaks_own_modules_are_known() -> None:
    """Whatever lies beside the runbooks has a remedy of its own."""
    beside = {path.stem for path in ROOT.glob("*.py")} | {
        path.parent.name for path in ROOT.glob("*/__init__.py")
    }
    helpful = {"contracts", "workflows", "runbooks"}

    assert beside - helpful - OURS == set()
    assert all(not is_allowed(name) for name in OURS | set(BANS))
    assert sys.stdlib_module_names >= STANDARD
    assert re.fullmatch(r"[a-z]+", contracts.__name__)


def test_a_class_that_is_no_runbook_may_use_the_same_words() -> None:
    """Only a runbook has verbs, and parts that nobody may take over."""
    other = (
        "\n\nclass Finding(Base):\n"
        "    case: str\n"
        "    receipts = 3\n\n"
        "    def __init__(self) -> None:\n"
        "        self._steps = 0\n"
        "        self.verify(self)\n\n"
        "    def verify(self, other: object) -> bool:\n"
        "        return self.look(other)\n"
    )
    assert said(PERFECT + other) == []
    assert said(PERFECT + other.replace("Base", "dict[str, str]")) == []
