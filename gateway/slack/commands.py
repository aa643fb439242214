"""`/firebreak …`: what is done for it. Answers are seen by the one who typed alone."""

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool

from contracts.approval import Answer, Approval
from contracts.groups import ONCALL, group_label
from contracts.policy import Person
from contracts.slack import ids
from contracts.slack.risk import risk_of
from contracts.views import IncidentView, view_of
from gateway.doors import Doors
from gateway.naming import moment, names_of
from gateway.pausing import pause_text, scope_text, switch_off, switch_on
from gateway.slack import approving
from gateway.slack.clicks import Click
from gateway.slack.desk import Desk
from gateway.slack.typed import USAGE, Command, parse
from gateway.under_way import under_way

SHOWN_MAX = 10
ROW_CHARS_MAX = 300


async def run(desk: Desk, click: Click) -> str:
    """Do what was typed; what to answer."""
    person = await desk.person(click)
    command = parse(click.value)
    return await _DOES[command.word](desk, click, person, command)


async def _help(_: Desk, __: Click, ___: Person, ____: Command) -> str:
    return USAGE


async def _status(desk: Desk, _: Click, __: Person, ___: Command) -> str:
    return await run_in_threadpool(_standing, desk)


def _standing(desk: Desk) -> str:
    here = desk.here
    waiting = here.journal.approvals("open")
    pauses = here.pauses.all()
    incidents = under_way(here.journal)
    rows = [f"Paused: {pause_text(here, pause)}" for pause in pauses[:SHOWN_MAX]]
    rows += [_asked(a) for a in waiting[:SHOWN_MAX]]
    rows += [_incident(i) for i in incidents[:SHOWN_MAX]]
    left = sum(max(0, len(found) - SHOWN_MAX) for found in (pauses, waiting, incidents))
    if left:
        rows.append(f"… and {left} more: {here.public_url}/incidents")
    rows = rows or ["Nothing goes on: no incident is open, and nothing is paused."]
    return "\n".join([*(row[:ROW_CHARS_MAX] for row in rows), *_on_call(here)])


def _asked(approval: Approval) -> str:
    # Nearly every plan says what it is about.
    where, what = str(approval.target), approval.plan.summary
    told = what if where in what else f"{what} ({where})"
    return f"{approval.id} waits until {moment(approval.expires_at)}: {told}"


def _incident(incident: IncidentView) -> str:
    return f"{incident.id} {incident.status.replace('_', ' ')}: {incident.target or 'no target'}"


def _on_call(here: Doors) -> list[str]:
    """Who is on call, a line for each schedule; what is too old is unknown."""
    schedules = [f"{ONCALL}{schedule.name}" for schedule in here.policy.oncall]
    known = {name: here.memberships.members(name, here.clock()) for name in schedules[:SHOWN_MAX]}
    told = {
        name: "unknown" if who is None else names_of(here.policy, sorted(who), "and")
        for name, who in known.items()
    }
    return [f"{group_label(name).capitalize()}: {who or 'nobody'}" for name, who in told.items()]


async def _approve(desk: Desk, click: Click, person: Person, command: Command) -> str:
    await approving.require_news(desk.here, command.about, person, "approve")
    about = click._replace(value=command.about)
    approval = await approving.agree(desk, about, command.reason)
    left = approving.missing(approval) if approval.state == "open" else 0
    more = f" {left} more must agree." if left > 0 else ""
    return f"{_recorded('approve', approval)}{more}"


async def _deny(desk: Desk, click: Click, person: Person, command: Command) -> str:
    await approving.require_news(desk.here, command.about, person, "deny")
    inputs = {ids.REASON: command.reason}
    approval = await approving.deny(desk, click._replace(value=command.about), inputs)
    return _recorded("deny", approval)


def _recorded(answer: Answer, approval: Approval) -> str:
    """A command is not asked back as a button is, so it repeats what it was about."""
    risk = risk_of(view_of(approval))
    told = f" ({risk.mark} {risk.level} risk)" if answer == "approve" else ""
    return f"Recorded: you {answer} {approval.id}: {approval.plan.summary}{told}."


async def _put(desk: Desk, _: Click, person: Person, command: Command) -> str:
    await switch_on(desk.here, person, command.about, command.reason)
    where = "" if command.about == "all" else " there"
    until = "/firebreak resume" + (where and f" {command.about}")
    return f"Paused: {scope_text(command.about)}. Nothing is written{where} until {until}."


async def _clear(desk: Desk, _: Click, person: Person, command: Command) -> str:
    await switch_off(desk.here, person, command.about)
    left = await run_in_threadpool(desk.here.pauses.all)
    still = [f"Still paused: {pause_text(desk.here, pause)}" for pause in left[:SHOWN_MAX]]
    return "\n".join([f"Resumed: {scope_text(command.about)}.", *still])


_Does = Callable[[Desk, Click, Person, Command], Awaitable[str]]
_DOES: dict[str, _Does] = {
    "help": _help,
    "status": _status,
    "approve": _approve,
    "deny": _deny,
    "pause": _put,
    "resume": _clear,
}
