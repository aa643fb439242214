"""Runbooks with bugs, to see what a bug does."""

from temporalio import workflow

from contracts import Case, Outcome
from workflows import Runbook

SECRET = "hunter2-secret"


@workflow.defn(name="key_error")
class KeyErrorRunbook(Runbook):
    """Reads a key that is not there."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Fail."""
        empty: dict[str, str] = {}
        return Outcome(status="resolved", summary=empty[case.runbook])


@workflow.defn(name="value_error")
class ValueErrorRunbook(Runbook):
    """Parses what is no number."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Fail."""
        return Outcome(status="resolved", summary=str(int(case.runbook)))


@workflow.defn(name="leaking_error")
class LeakingRunbook(Runbook):
    """Says a secret in an exception."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Fail."""
        raise LookupError(f"{case.runbook}: postgres://auth:{SECRET}@db/auth")


ALL = (KeyErrorRunbook, ValueErrorRunbook, LeakingRunbook)
