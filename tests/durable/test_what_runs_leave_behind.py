"""The lines that a run leaves in the journal say what a runbook's figures are made of."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.alert import AlertEnvelope
from contracts.calls import QUEUE, IncidentStart, PersonRequest, RunRequest
from contracts.catalogue import RunFigures, Served, ServedRunbook
from contracts.plan import Reason, Verdict
from durable.conftest import Bench
from toil.catalogue import Catalogue
from toil.database import open_engine, upgrade
from toil.journal import Journal
from workflows.incident import Incident
from workflows.incident_state import IncidentState

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANA = PersonRequest(person="ana", reason="I know this one")
OBSERVES = Reason(rule="autonomy", ruling="deny", text="it only observes")


def left(bench: Bench, kind: str) -> list[dict[str, Any]]:
    """The data of every line of that type, in order."""
    return [e.data for r in bench.world.records for e in r.events if e.type == kind]


async def test_a_run_leaves_its_name_its_end_and_its_time(bench: Bench) -> None:
    """Also the time in which people were asked: that is how long the workload was sick."""
    await bench.signal(bench.alert())
    approval = await bench.asked()
    # The clock of a parent stands while its child runs, so this is the machine's own time.
    patience = datetime.now(UTC) + timedelta(seconds=1.1)
    await bench.until(lambda: datetime.now(UTC) > patience)
    await bench.decide(approval)
    await bench.until(lambda: "outcome" in bench.world.types)

    about = {"runbook": "rollback_deployment", "attempt": 1, "dry_run": False}
    assert left(bench, "matched") == [about]
    (outcome,) = left(bench, "outcome")
    assert outcome.items() >= (about | {"status": "resolved"}).items()
    assert 1 <= outcome["seconds"] < 60
    matched = next(e.at for r in bench.world.records for e in r.events if e.type == "matched")
    began = datetime.fromisoformat(outcome["started_at"])
    assert matched <= began < matched + timedelta(minutes=1)
    assert began.tzinfo is not None


async def test_a_second_attempt_is_timed_by_itself(bench: Bench) -> None:
    """The first one was taken over, which is an end as well."""
    handle = await bench.signal(bench.alert())
    await bench.asked()
    await handle.execute_update(Incident.take_over, ANA)
    await bench.until(lambda: "outcome" in bench.world.types)
    await handle.execute_update(Incident.hand_back, ANA)
    request = RunRequest(request="r", runbook="restart_crash_loop", person="ana")
    await handle.execute_update("run", request)
    await bench.decide(await bench.asked(2), "ben")
    await bench.until(lambda: bench.world.types.count("outcome") == 2)

    first, second = left(bench, "outcome")
    assert (first["attempt"], first["status"]) == (1, "escalated")
    assert (second["attempt"], second["status"]) == (2, "resolved")
    assert second["runbook"] == "restart_crash_loop"
    assert first["started_at"] < second["started_at"]


async def test_a_dry_run_is_told_from_a_run(bench: Bench) -> None:
    """In all of its lines, so that no figure counts it."""
    bench.world.verdict = Verdict(ruling="deny", reasons=(OBSERVES,))
    bench.world.runbook = None
    handle = await bench.signal(bench.alert())
    await bench.until(lambda: bench.world.status == "escalated")
    request = RunRequest(request="r", runbook="restart_crash_loop", person="ben", dry_run=True)
    await handle.execute_update("run", request)
    await bench.until(lambda: "outcome" in bench.world.types)

    lines = [data for kind in ("matched", "verdict", "outcome") for data in left(bench, kind)]
    assert [data["dry_run"] for data in lines] == [True, True, True]


async def test_an_incident_that_was_carried_goes_on_counting(bench: Bench) -> None:
    """It continued as new after four attempts; the fifth says so, and when it began."""
    state = IncidentState(id="inc-000000000001", target=bench.target, attempt=4)
    state.rules = bench.world.rules
    start = IncidentStart(target=bench.target, carried=state.carried())
    with bench.environment.with_time_skipping_disabled():
        handle = await bench.environment.client.start_workflow(
            Incident.run,
            start,
            id=bench.target.workflow_id,
            task_queue=QUEUE,
            start_signal="alert",
            start_signal_args=[AlertEnvelope.seal(bench.alert())],
        )
    await bench.decide(await bench.asked())
    await bench.until(lambda: "outcome" in bench.world.types)

    (outcome,) = left(bench, "outcome")
    assert outcome["attempt"] == 5
    assert datetime.fromisoformat(outcome["started_at"]) > datetime(2000, 1, 1, tzinfo=UTC)
    await handle.terminate("the test is over")


async def test_what_is_left_behind_is_what_the_catalogue_counts(
    bench: Bench, tmp_path: Path
) -> None:
    """From the workflow's lines to the figures of the page, through the real books."""
    bench.world.verdict = Verdict(ruling="deny", reasons=(OBSERVES,))
    await bench.signal(bench.alert())
    await bench.until(lambda: "outcome" in bench.world.types)

    engine = open_engine(f"sqlite:///{tmp_path}/books.db")
    upgrade(engine)
    for record in bench.world.records:
        Journal(engine).record(record)
    now = bench.world.records[-1].events[0].at
    served = Served(at=now, runbooks=(ServedRunbook(name="rollback_deployment"),))
    Catalogue(engine).serve(served)
    view = Catalogue(engine).runbook("rollback_deployment", now)
    engine.dispose()

    assert view is not None
    assert view.figures == RunFigures(runs=1, outcomes={"refused": 1})
    (seen,) = view.would_have
    assert seen.incident == bench.world.records[0].incident
    assert seen.text == f"kubernetes.rollback_deployment of {bench.target}"
