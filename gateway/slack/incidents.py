"""Take over and Page someone else: what the menu of a message does to its incident."""

from typing import Any

from starlette.concurrency import run_in_threadpool

from contracts.calls import IncidentRef, PageRequest, PersonRequest
from contracts.errors import AlreadyDecided, InvalidInput, NotFound
from contracts.policy import Person
from contracts.slack import ids
from contracts.slack.views import page_view, take_over_view
from contracts.views import IncidentDetail
from gateway.doors import Doors
from gateway.identity import must_act
from gateway.naming import name_of
from gateway.paging import callable_by, check_whom, members_of
from gateway.requests import ask
from gateway.slack.clicks import Click, keeping
from gateway.slack.desk import Desk
from gateway.temporal import Update

REASON_CHARS_MAX = 500


def chosen(value: str) -> tuple[str, str]:
    """The word and the incident id of the menu's value; a button's is the id alone."""
    word, _, incident = value.rpartition("|")
    return word, incident


async def sure_to_take_over(desk: Desk, click: Click, person: Person) -> dict[str, Any]:
    """The window that asks once more: one wrong tap would stop everything."""
    must_act(person)
    incident = await _open_incident(desk.here, chosen(click.value)[1])
    return keeping(take_over_view(incident.id), click._replace(value=incident.id))


def take_over_faults(_: dict[str, str]) -> dict[str, str]:
    """Nothing: the reason may be left out."""
    return {}


async def take_over(desk: Desk, click: Click, inputs: dict[str, str]) -> None:
    """The person does it by hand from now on."""
    person = must_act(await desk.person(click))
    incident = await _open_incident(desk.here, click.value)
    wanted = PersonRequest(person=person.id, incident=incident.id, reason=_reason(inputs))
    key = f"{incident.id}:{person.id}:take_over:{click.key}"
    await _ask(desk.here, incident, Update("take_over", wanted, key))


def _reason(inputs: dict[str, str]) -> str:
    return inputs.get(ids.REASON, "").strip()[:REASON_CHARS_MAX]


async def whom_to_page(desk: Desk, click: Click, person: Person) -> dict[str, Any]:
    """The window that asks whom to call."""
    must_act(person)
    incident = await _open_incident(desk.here, chosen(click.value)[1])
    view = page_view(incident.id, callable_by(person.id, desk.here.policy))
    return keeping(view, click._replace(value=incident.id))


def page_faults(inputs: dict[str, str]) -> dict[str, str]:
    """What is wrong with a page, by field."""
    return {} if inputs.get(ids.PERSON) else {ids.PERSON: "Choose who is to come."}


async def page(desk: Desk, click: Click, inputs: dict[str, str]) -> None:
    """Call the one who was chosen; the same window, sent twice, calls once."""
    person = must_act(await desk.person(click))
    incident = await _open_incident(desk.here, click.value)
    whom = inputs[ids.PERSON]
    await _check_whom(desk, whom)
    here = desk.here
    members = await run_in_threadpool(members_of, [whom], here.memberships, here.clock())
    wanted = PageRequest(
        person=person.id,
        incident=incident.id,
        whom=(whom,),
        members=members,
        reason=_reason(inputs),
    )
    key = f"{incident.id}:{person.id}:page:{click.key}"
    await _ask(desk.here, incident, Update("page", wanted, key))
    # The window closes, and the message that says who is called may be far up.
    await desk.whisper(click, f"Called: {name_of(desk.here.policy, whom)}")


async def _check_whom(desk: Desk, whom: str) -> None:
    check_whom([whom], desk.here.policy)
    called = desk.here.policy.person(whom)
    why = await desk.people.account_fault(called.slack) if called and called.slack else ""
    if why:
        raise InvalidInput(f"the Slack account of {whom} {why}", "Choose somebody else.")


async def _open_incident(here: Doors, incident_id: str) -> IncidentDetail:
    incident = await run_in_threadpool(here.journal.incident, incident_id)
    if incident is None:
        raise NotFound("no such incident", "Look at /incidents for those there are.")
    # The workflow's id belongs to the target, and a newer incident may have it by now.
    if incident.status == "closed":
        raise AlreadyDecided("the incident is closed")
    return incident


async def _ask(here: Doors, incident: IncidentDetail, update: Update) -> None:
    try:
        await ask(here, incident.workflow, update, IncidentRef)
    except NotFound as err:
        raise AlreadyDecided("the incident is not handled any more") from err
