"""A person may call others to an incident, and have an unanswered question asked once more."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from contracts.calls import PageRequest, PersonRequest, RunRequest
from durable.conftest import Bench
from workflows.incident import Incident

pytestmark = pytest.mark.asyncio(loop_scope="session")

Handle = WorkflowHandle[Any, Any]
PAGE = PageRequest(person="ana", whom=("ben", "oncall:primary"), reason="I am on a train")
AGAIN = RunRequest(request="r1", runbook="rollback_deployment", person="ben", again=True)


async def refused(handle: Handle, update: Any, request: object) -> str:
    """The kind of refusal that the update meets."""
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await handle.execute_update(update, request)
    assert isinstance(caught.value.cause, ApplicationError)
    return str(caught.value.cause.type)


async def unanswered(bench: Bench) -> Handle:
    """An incident whose question nobody has answered."""
    handle = await bench.signal(bench.alert())
    approval = await bench.asked()
    run = bench.environment.client.get_workflow_handle(approval.workflow)
    for _ in range(3):
        await bench.environment.fast_forward(run, timedelta(minutes=6))
    await bench.until(lambda: bench.world.status == "escalated")
    return handle


async def test_a_page_is_a_line_of_the_timeline(bench: Bench) -> None:
    """With who calls whom, and why; the question stays as it is."""
    handle = await bench.signal(bench.alert())
    await bench.asked()
    ref = await handle.execute_update(Incident.page, PAGE)
    await bench.until(lambda: "paged" in bench.world.types)

    (line,) = [e for r in bench.world.records for e in r.events if e.type == "paged"]
    assert line.text == "ana pages ben, on-call primary: I am on a train"
    assert (line.actor, line.data) == ("ana", {"whom": ["ben", "oncall:primary"]})
    assert ref.incident.startswith("inc-")
    assert bench.world.status == "waiting"
    assert bench.world.approvals[0].state == "open"


async def test_whom_a_schedule_stood_for_is_kept(bench: Bench) -> None:
    """As the door knew it; at the next change of shift nobody else is called by this page."""
    handle = await bench.signal(bench.alert())
    await bench.asked()
    page = PAGE.model_copy(update={"members": {"oncall:primary": ("cyn",)}})
    await handle.execute_update(Incident.page, page)
    await bench.until(lambda: "paged" in bench.world.types)
    (line,) = [e for r in bench.world.records for e in r.events if e.type == "paged"]
    assert line.data == {
        "whom": ["ben", "oncall:primary"],
        "members": {"oncall:primary": ["cyn"]},
    }


async def test_people_are_called_to_what_is_taken_over_and_escalated(bench: Bench) -> None:
    """Whoever has it may need help."""
    handle = await unanswered(bench)
    await handle.execute_update(Incident.page, PAGE)
    await bench.until(lambda: bench.world.types.count("paged") == 2)
    await handle.execute_update(Incident.take_over, PersonRequest(person="ana"))
    await handle.execute_update(Incident.page, PAGE)
    await bench.until(lambda: bench.world.types.count("paged") == 3)
    assert bench.world.status == "taken_over"


async def test_nobody_is_called_to_what_is_over(bench: Bench) -> None:
    """Nor to another incident, nor nobody, nor a crowd."""
    handle = await bench.signal(bench.alert())
    await bench.asked()
    for whom in ((), ("",), tuple(f"p{n}" for n in range(11))):
        nobody = PAGE.model_copy(update={"whom": whom})
        assert await refused(handle, Incident.page, nobody) == "InvalidInput"
    other = PAGE.model_copy(update={"incident": "inc-other"})
    assert await refused(handle, Incident.page, other) == "NotFound"
    await handle.execute_update(Incident.close, PersonRequest(person="ana", reason="done"))
    await bench.until(lambda: bench.world.status == "closed")
    assert await refused(handle, Incident.page, PAGE) == "AlreadyDecided"
    assert "paged" not in bench.world.types


async def test_an_unanswered_question_is_asked_again_by_firebreak(bench: Bench) -> None:
    """The line says who wants it; the run stays Firebreak's, so that they may approve it."""
    handle = await unanswered(bench)
    await handle.execute_update("run", AGAIN)
    second = await bench.asked(2)

    assert second.requester == "firebreak"
    (line,) = [e for r in bench.world.records for e in r.events if e.type == "matched"][1:]
    assert line.actor == "ben"
    assert line.text.startswith("rollback_deployment starts again, because ben asks: ")
    await bench.decide(second, "ben")
    await bench.until(lambda: bench.world.types.count("outcome") == 2)
    assert len(bench.world.ensured) == 1


async def test_it_is_asked_again_once(bench: Bench) -> None:
    """Two people press the button: one question, and the other hears so."""
    handle = await unanswered(bench)
    await handle.execute_update("run", AGAIN)
    other = AGAIN.model_copy(update={"person": "ana", "request": "r2"})
    assert await refused(handle, "run", other) == "AlreadyDecided"
    await handle.execute_update("run", AGAIN)
    await bench.asked(2)
    assert len(bench.world.approvals) == 2


async def test_what_a_person_asked_for_stays_theirs(bench: Bench) -> None:
    """Asked for again as Firebreak's own, they could approve it themselves."""
    handle = await unanswered(bench)
    mine = AGAIN.model_copy(update={"again": False})
    await handle.execute_update("run", mine)
    second = await bench.asked(2)
    assert second.requester == "ben"
    run = bench.environment.client.get_workflow_handle(second.workflow)
    for _ in range(3):
        await bench.environment.fast_forward(run, timedelta(minutes=6))
    await bench.until(lambda: bench.world.types.count("outcome") == 2)
    again = AGAIN.model_copy(update={"request": "r2"})
    assert await refused(handle, "run", again) == "AlreadyDecided"
