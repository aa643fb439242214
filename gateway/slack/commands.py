"""`/firebreak …`: what may be typed, and what is done for it.

`parse` is pure. Answers are seen by the one who typed alone.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool

from contracts.approval import REASON_CHARS_MAX
from contracts.errors import InvalidInput
from contracts.policy import Person
from contracts.slack import ids
from gateway.pauses import PauseBody
from gateway.pauses import _switch_off as switch_off
from gateway.pauses import _switch_on as switch_on
from gateway.slack import approving
from gateway.slack.clicks import Click
from gateway.slack.desk import Desk
from toil.journal import IncidentQuery

SHOWN_MAX = 10
USAGE = """\
/firebreak status
/firebreak approve APPROVAL
/firebreak deny APPROVAL REASON
/firebreak pause [SCOPE] REASON (SCOPE: all, namespace:…, cluster:… or runbook:…)
/firebreak resume [SCOPE]"""
_HELP = "Write one of status, approve, deny, pause, resume."
_KINDS = ("cluster:", "namespace:", "runbook:")


class Command(NamedTuple):
    """What was typed: the word, what it is about, and why."""

    word: str
    about: str = ""
    reason: str = ""


def parse(text: str) -> Command:
    """Read the text after `/firebreak`.

    Raises:
        InvalidInput: it is no such command, or something is missing.

    """
    word, rest = _split(text)
    reader = _READERS.get(word.lower() or "help")
    if reader is None:
        raise InvalidInput(f"there is no /firebreak {word[:40]}", _HELP)
    return reader(rest)


def _split(text: str) -> tuple[str, str]:
    first, _, rest = text.strip().partition(" ")
    return first, rest.strip()


def _plain(word: str) -> Callable[[str], Command]:
    def read(rest: str) -> Command:
        if rest:
            raise InvalidInput(f"/firebreak {word} takes nothing else", f"Write /firebreak {word}.")
        return Command(word)

    return read


def _answer(word: str) -> Callable[[str], Command]:
    def read(rest: str) -> Command:
        about, reason = _split(rest)
        usage = f"/firebreak {word} APPROVAL" + (" REASON" if word == "deny" else "")
        if not about.startswith("apr-"):
            fix = f"Write {usage}; /firebreak status lists what waits."
            raise InvalidInput(f"which approval to {word} is missing", fix)
        if word == "deny" and not reason:
            raise InvalidInput("a denial needs a reason", f"Write {usage}.")
        if len(reason) > REASON_CHARS_MAX:
            raise InvalidInput(
                "the reason is too long", f"Say it in {REASON_CHARS_MAX} characters."
            )
        return Command(word, about, reason)

    return read


def _pause(rest: str) -> Command:
    first, others = _split(rest)
    has_scope = first == "all" or first.startswith(_KINDS)
    scope, reason = (first, others) if has_scope else ("all", rest)
    if not reason:
        raise InvalidInput("the reason is missing", "Write /firebreak pause [SCOPE] REASON.")
    if len(reason) > REASON_CHARS_MAX:
        raise InvalidInput("the reason is too long", f"Say it in {REASON_CHARS_MAX} characters.")
    return Command("pause", scope, reason)


def _resume(rest: str) -> Command:
    scope, others = _split(rest)
    if others:
        raise InvalidInput("more than a scope was given", "Write /firebreak resume [SCOPE].")
    return Command("resume", scope or "all")


_READERS: dict[str, Callable[[str], Command]] = {
    "help": lambda _: Command("help"),
    "status": _plain("status"),
    "approve": _answer("approve"),
    "deny": _answer("deny"),
    "pause": _pause,
    "resume": _resume,
}


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
    page = here.journal.incidents(IncidentQuery(limit=50))
    incidents = [found for found in page.items if found.status != "closed"]
    rows = [f"Paused: {p.scope}, by {p.person}: {p.reason}" for p in pauses[:SHOWN_MAX]]
    rows += [f"{a.id} waits: {a.plan.summary} ({a.target})" for a in waiting[:SHOWN_MAX]]
    rows += [f"{i.id} {i.status}: {i.target or 'no target'}" for i in incidents[:SHOWN_MAX]]
    left = sum(max(0, len(found) - SHOWN_MAX) for found in (pauses, waiting, incidents))
    if left:
        rows.append(f"… and {left} more: {here.public_url}/incidents")
    return "\n".join(rows) or "Nothing goes on: no incident is open, and nothing is paused."


async def _approve(desk: Desk, click: Click, _: Person, command: Command) -> str:
    await approving.approve(desk, click._replace(value=command.about))
    return f"Recorded: you approve {command.about}."


async def _deny(desk: Desk, click: Click, _: Person, command: Command) -> str:
    inputs = {ids.REASON: command.reason}
    await approving.deny(desk, click._replace(value=command.about), inputs)
    return f"Recorded: you deny {command.about}."


async def _put(desk: Desk, _: Click, person: Person, command: Command) -> str:
    body = PauseBody(scope=command.about, reason=command.reason)
    await switch_on(desk.here, person, body)
    return f"Paused: {command.about}. Nothing is written there until /firebreak resume."


async def _clear(desk: Desk, _: Click, person: Person, command: Command) -> str:
    await switch_off(desk.here, person, command.about)
    return f"Resumed: {command.about}."


_Does = Callable[[Desk, Click, Person, Command], Awaitable[str]]
_DOES: dict[str, _Does] = {
    "help": _help,
    "status": _status,
    "approve": _approve,
    "deny": _deny,
    "pause": _put,
    "resume": _clear,
}
