"""Runbooks with bugs, to see what a bug does."""

from datetime import timedelta

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


@workflow.defn(name="wants_to_exit")
class ExitingRunbook(Runbook):
    """Ends its process, as a script would."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Exit."""
        raise SystemExit(f"{case.runbook} is over")


@workflow.defn(name="exits_on_a_signal")
class ExitsOnASignal(Runbook):
    """Ends its process from a handler, which no `except` of `run` sees."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Wait."""
        await workflow.wait_condition(lambda: False, timeout=timedelta(hours=1))
        return Outcome(status="resolved", summary=case.runbook)

    @workflow.signal
    def leave(self) -> None:
        """Exit."""
        raise SystemExit


ALL = (KeyErrorRunbook, ValueErrorRunbook, LeakingRunbook, ExitingRunbook, ExitsOnASignal)
