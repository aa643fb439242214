"""Texts of runbooks, for tests that read commands from text."""

from pathlib import Path
from textwrap import dedent, indent

from workflows.authoring.fingerprints.commands import commands_of

SHIPPED_FOLDER = Path(__file__).parent.parent.parent / "runbooks"
CRASH_LOOP = (SHIPPED_FOLDER / "restart_crash_loop.py").read_text()
ROLLBACK = (SHIPPED_FOLDER / "rollback_deployment.py").read_text()
SHIPPED = {"RestartCrashLoop": CRASH_LOOP, "RollbackBadRollout": ROLLBACK}
HEAD = """\
import asyncio
from datetime import timedelta
from temporalio import workflow
from contracts import Case, Outcome
from contracts.kubernetes import *
from contracts.kubernetes import Events, PodLogs, RolloutHealthy, RolloutHistory, RolloutRestart
from contracts.kubernetes import PodLogs as Logs
from workflows import Runbook
LIMIT = 3
"""


def runbook(run: str, *, methods: str = "", functions: str = "") -> str:
    """A file with one class, with that run."""
    body = indent(dedent(run).strip(), " " * 8)
    more = indent(dedent(methods).strip(), " " * 4)
    begin = f"{HEAD}\n{dedent(functions)}\n@workflow.defn(name='mine')\nclass Mine(Runbook):\n"
    return f"{begin}    @workflow.run\n    async def run(self, case):\n{body}\n\n{more}\n"


def commands(run: str, *, methods: str = "", functions: str = "") -> list[str]:
    """The commands of a class with that run."""
    return list(commands_of(runbook(run, methods=methods, functions=functions), "Mine"))
