"""While nobody decides, people are reminded once, somebody is paged once, and then it expires."""

from datetime import timedelta

import pytest
from temporalio.client import WorkflowHandle

from contracts.approval import Pages
from contracts.case import Outcome
from durable.conftest import Bench
from runbooks.rollback_deployment import RollbackBadRollout

pytestmark = pytest.mark.asyncio(loop_scope="session")

Handle = WorkflowHandle[object, Outcome]
LADDER = {"approval_seconds": 900, "remind_percent": 40, "page_percent": 70}
CALLS = ("asked", "reminded", "paged", "expired", "decided")


def calls(bench: Bench) -> list[str]:
    """The lines of the ladder, in order."""
    return [kind for kind in bench.world.types if kind in CALLS]


async def passed(bench: Bench, handle: Handle, minutes: float) -> None:
    """Let so much time pass for the run."""
    await bench.environment.fast_forward(handle, timedelta(minutes=minutes))


async def test_nobody_answers(bench: Bench) -> None:
    """Reminded at six minutes, paged at ten and a half, over at fifteen: a line each."""
    handle = await bench.start(RollbackBadRollout, **LADDER)
    asked = await bench.asked()
    await passed(bench, handle, 7)
    await bench.until(lambda: "reminded" in calls(bench))
    assert bench.world.approvals[0].stage == "reminded"
    await passed(bench, handle, 4)
    await bench.until(lambda: "paged" in calls(bench))
    assert (bench.world.approvals[0].stage, bench.world.approvals[0].state) == ("paged", "open")
    await passed(bench, handle, 5)
    await bench.until(lambda: "expired" in calls(bench))

    assert calls(bench) == ["asked", "reminded", "paged", "expired"]
    assert bench.world.approvals[0].state == "expired"
    lines = [e for record in bench.world.records for e in record.events]
    at = {e.type: e.at - asked.opened_at for e in lines if e.type in CALLS}
    assert timedelta(minutes=6) <= at["reminded"] < timedelta(minutes=7)
    assert timedelta(minutes=10.5) <= at["paged"] < timedelta(minutes=11.5)
    told = next(e for e in lines if e.type == "reminded")
    assert told.data == {"approval": asked.id}
    assert told.text.startswith("nobody has decided, reminded: ana, ben may decide until ")


async def test_an_answer_ends_the_calling(bench: Bench) -> None:
    """After the reminder nobody is paged."""
    handle = await bench.start(RollbackBadRollout, **LADDER)
    approval = await bench.asked()
    await passed(bench, handle, 7)
    await bench.until(lambda: "reminded" in calls(bench))
    answered = await bench.decide(approval)
    assert (answered.state, answered.stage) == ("approved", "reminded")
    assert (await handle.result()).status == "resolved"
    assert calls(bench) == ["asked", "reminded", "decided"]


async def test_who_has_agreed_is_counted_in_the_reminder(bench: Bench) -> None:
    """One of two is not nobody."""
    bench.world.verdict = bench.world.verdict.model_copy(update={"needed": 2})
    handle = await bench.start(RollbackBadRollout, **LADDER)
    await bench.decide(await bench.asked())
    await passed(bench, handle, 7)
    await bench.until(lambda: "reminded" in calls(bench))
    text = next(text for kind, text in bench.world.events if kind == "reminded")
    assert text.startswith("1 of 2 agreed, reminded: ")


async def test_a_short_question_has_a_short_ladder(bench: Bench) -> None:
    """The percents are of the time that this question has."""
    handle = await bench.start(RollbackBadRollout, **LADDER | {"approval_seconds": 100})
    await bench.asked()
    await passed(bench, handle, 45 / 60)
    await bench.until(lambda: "reminded" in calls(bench))
    assert "paged" not in calls(bench)


@pytest.mark.parametrize(
    ("percents", "expected"),
    [
        ({"remind_percent": 0, "page_percent": 0}, ["asked", "expired"]),
        ({"remind_percent": 50, "page_percent": 0}, ["asked", "reminded", "expired"]),
        ({"remind_percent": 0, "page_percent": 50}, ["asked", "paged", "expired"]),
    ],
)
async def test_nothing_is_never(
    bench: Bench, percents: dict[str, int], expected: list[str]
) -> None:
    """A rung that is switched off is left out."""
    handle = await bench.start(RollbackBadRollout, **LADDER | percents)
    await bench.asked()
    for _ in range(2):
        await passed(bench, handle, 8)
    await bench.until(lambda: "expired" in calls(bench))
    assert calls(bench) == expected


async def test_with_nobody_to_call_nobody_is_said_to_be_called(bench: Bench) -> None:
    """The reminder stays; the next thing that happens is the end."""
    handle = await bench.start(RollbackBadRollout, **LADDER, pages=Pages())
    await bench.asked()
    for _ in range(3):
        await passed(bench, handle, 6)
    await bench.until(lambda: "expired" in calls(bench))
    assert calls(bench) == ["asked", "reminded", "expired"]
    assert bench.world.approvals[0].stage == "reminded"


@pytest.mark.parametrize(
    ("pages", "calling"),
    [
        (None, "nobody has decided: ana, ben may decide until "),
        (
            Pages(people=("oncall:secondary", "cyn")),
            "nobody has decided, calling on-call secondary and cyn: ana, ben may decide until ",
        ),
        (
            Pages(pagerduty=True),
            "nobody has decided, calling whoever PagerDuty pages: ana, ben may decide until ",
        ),
        (
            Pages(people=("cyn",), pagerduty=True),
            "nobody has decided, calling cyn and whoever PagerDuty pages: ana, ben may decide ",
        ),
    ],
)
async def test_the_last_call_says_whom_it_calls(
    bench: Bench, pages: Pages | None, calling: str
) -> None:
    """And not that those are called who were asked; a run that began before says nobody."""
    handle = await bench.start(RollbackBadRollout, **LADDER | {"remind_percent": 0}, pages=pages)
    asked = await bench.asked()
    await passed(bench, handle, 11)
    await bench.until(lambda: "paged" in calls(bench))
    (line,) = [e for r in bench.world.records for e in r.events if e.type == "paged"]
    assert line.text.startswith(calling)
    known = {"pages": pages.model_dump(mode="json")} if pages else {}
    assert line.data == {"approval": asked.id} | known


async def test_after_an_outage_only_the_loudest_call_is_made(bench: Bench) -> None:
    """The books were away over both rungs; who comes back finds one line of it."""
    bench.world.verdict = bench.world.verdict.model_copy(update={"needed": 2})
    handle = await bench.start(RollbackBadRollout, **LADDER | {"approval_seconds": 100})
    approval = await bench.asked()
    bench.world.outages = 3
    await bench.decide(approval)
    await passed(bench, handle, 99 / 60)
    await bench.until(lambda: "paged" in calls(bench))
    assert calls(bench) == ["asked", "decided", "paged"]
    assert bench.world.approvals[0].stage == "paged"


async def test_an_incident_hands_its_rules_down(bench: Bench) -> None:
    """What the policy said when it opened, and whom there is to call."""
    bench.world.pages = Pages(people=("cyn",))
    bench.world.rules = bench.world.rules.model_copy(
        update={"remind_percent": 10, "page_percent": 0}
    )
    handle = await bench.signal(bench.alert())
    approval = await bench.asked()
    run = bench.environment.client.get_workflow_handle(approval.workflow)
    history = await run.fetch_history()
    started = history.events[0].workflow_execution_started_event_attributes
    (case,) = bench.environment.client.data_converter.payload_converter.from_payloads(
        started.input.payloads
    )
    assert (case["remind_percent"], case["page_percent"]) == (10, 0)
    assert case["pages"] == {"people": ["cyn"], "pagerduty": False}
    assert handle
