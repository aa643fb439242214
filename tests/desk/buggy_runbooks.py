"""Runbooks with the bugs that authors write, one in each."""

import datetime as dt
import random
from typing import Any

from temporalio import workflow

from contracts import Case, Outcome
from contracts.kubernetes import Events, PodLogs, RolloutHealthy, RolloutRestart
from workflows import Runbook

with workflow.unsafe.imports_passed_through():
    from desk.counting import COUNTER

FINE = Outcome(status="resolved", summary="fine")


@workflow.defn(name="wrong_key")
class WrongKey(Runbook):
    """Expects a fact that may be missing."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Fail."""
        found = await self.look(Events(target=case.target))
        return Outcome(status="resolved", summary=found.facts["reason"])


@workflow.defn(name="wall_clock")
class WallClock(Runbook):
    """Reads the clock of the machine."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Fail."""
        await self.look(Events(target=case.target))
        return Outcome(status="resolved", summary=str(dt.datetime.now(dt.UTC)))


@workflow.defn(name="throws_dice")
class ThrowsDice(Runbook):
    """Lets chance decide."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:  # noqa: ARG002 - it fails before it needs it
        """Fail."""
        return Outcome(status="resolved", summary=str(random.random()))  # noqa: S311 - the bug


@workflow.defn(name="reads_a_file")
class ReadsAFile(Runbook):
    """Opens a file."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:  # noqa: ARG002 - it fails before it needs it
        """Fail."""
        with open("/etc/hostname") as file:  # noqa: ASYNC230, PTH123 - the bug
            return Outcome(status="resolved", summary=file.read())


@workflow.defn(name="forgets_await")
class ForgetsAwait(Runbook):
    """Calls a verb and goes on."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Do nothing."""
        self.look(PodLogs(target=case.target))  # type: ignore[unused-coroutine]  # the bug
        return FINE


@workflow.defn(name="uses_unawaited")
class UsesUnawaited(Runbook):
    """Reads what it has not waited for."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Fail."""
        found: Any = self.look(PodLogs(target=case.target))
        return Outcome(status="resolved", summary=found.excerpt)


@workflow.defn(name="spins")
class Spins(Runbook):
    """Waits by looking again and again, without handing over."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Hang."""
        while case.attempt:
            pass
        return FINE


@workflow.defn(name="loops_for_ever")
class LoopsForEver(Runbook):
    """Looks again and again."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Loop."""
        while True:
            await self.look(Events(target=case.target))


@workflow.defn(name="sleeps_for_ever")
class SleepsForEver(Runbook):
    """Waits again and again."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:  # noqa: ARG002 - it never needs it
        """Loop."""
        while True:
            await workflow.sleep(3600)


@workflow.defn(name="waits_for_nothing")
class WaitsForNothing(Runbook):
    """Waits for what nobody sets."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Wait."""
        await workflow.wait_condition(lambda: case.attempt > 1)
        return FINE


@workflow.defn(name="forgets_super")
class ForgetsSuper(Runbook):
    """Has its own constructor, and forgets its base's."""

    @workflow.init
    def __init__(self, case: Case) -> None:
        self.target = case.target

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Fail."""
        await self.look(Events(target=case.target))
        return FINE


@workflow.defn(name="wrong_contract")
class WrongContract(Runbook):
    """Gives a step what it does not take."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Stick."""
        await self.look(PodLogs(target=case.target, lines=100_000))
        return FINE


@workflow.defn(name="no_outcome")
class NoOutcome(Runbook):
    """Ends with a word."""

    @workflow.run
    async def run(self, case: Case) -> str:
        """Return something else."""
        return case.runbook


@workflow.defn(name="raises_os_error")
class RaisesOSError(Runbook):
    """Raises what no run may end with."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Stick."""
        raise OSError(f"no such disk for {case.runbook}")


@workflow.defn(name="remembers")
class Remembers(Runbook):
    """Decides by something that outlives the run."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Take another way each time."""
        if next(COUNTER) % 2 == 0:
            await self.look(Events(target=case.target))
        else:
            await self.look(PodLogs(target=case.target))
        return FINE


@workflow.defn(name="continues")
class Continues(Runbook):
    """Continues as new."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Begin again."""
        workflow.continue_as_new(case)


@workflow.defn(name="bad_signal")
class BadSignal(Runbook):
    """Has a bug in a signal's handler."""

    @workflow.signal
    def poke(self) -> None:
        """Fail."""
        raise LookupError("nobody is poked")

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Wait."""
        await self.verify(RolloutHealthy(target=case.target))
        await workflow.sleep(60)
        await self.act(RolloutRestart(target=case.target))
        return FINE
