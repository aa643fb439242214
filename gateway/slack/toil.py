"""Work by hand, logged from where people are: `/toil`, a message's shortcut, a button of Home.

What was logged twice by the same act is one entry, whichever gateway it reached.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool

from contracts.policy import Person, Policy
from contracts.slack import ids
from contracts.slack.views import toil_view, toil_words
from contracts.toil import Entry
from contracts.toil_text import SECONDS_MAX, TEXT_CHARS_MAX, ToilText, Word, parse_toil
from contracts.words import minutes_text
from gateway.doors import Doors
from gateway.slack.clicks import Click, keeping
from gateway.slack.desk import Desk
from gateway.slack.people import Ours
from toil.mine import MyWeek, week_of
from toil.stopwatches import Stopwatch, Stopwatches

USAGE = """\
/toil 25m what you did @service
/toil start what you do @service
/toil stop
/toil me"""
MINUTES_MAX = SECONDS_MAX // 60
_PREFILLED_CHARS_MAX = 200
_MENTIONED = re.compile(r"@([UW][A-Z0-9]{2,})\b")


async def run(desk: Desk, click: Click) -> str:
    """`/toil …`: log, start, stop or look; what to answer."""
    person = await desk.person(click)
    if click.value.lower() in ("", "help"):
        return USAGE
    typed = parse_toil(click.value, [service.name for service in desk.here.policy.services])
    return await run_in_threadpool(_DOES[typed.word], desk.here, person, click, typed)


def _log(here: Doors, person: Person, click: Click, typed: ToilText) -> str:
    now = here.clock()
    entry = Entry(
        key=f"log/{person.id}/slack-{click.key}",
        category="firefighting",
        method="log",
        confidence="confirmed",
        seconds=typed.seconds,
        occurred_at=now,
        text=typed.text,
        person=person.id,
        team=_team(here, person, typed.service),
        service=typed.service,
    )
    is_new = here.ledger.append(entry, now)
    return _logged(entry, is_new=is_new)


def _logged(entry: Entry, *, is_new: bool) -> str:
    service = f", for {entry.service}" if entry.service else ""
    told = f"{minutes_text(entry.seconds)}, {entry.text}{service}"
    return f"Logged: {told}" if is_new else f"Logged already: {told}"


def _team(here: Doors, person: Person, service: str) -> str:
    known = next((s for s in here.policy.services if s.name == service), None)
    return known.team if known and known.team else next(iter(person.teams), "")


def _start(here: Doors, person: Person, _: Click, typed: ToilText) -> str:
    watch = Stopwatch(
        person=person.id, began_at=here.clock(), text=typed.text, service=typed.service
    )
    is_new = Stopwatches.beside(here.ledger).start(watch)
    service = f", for {typed.service}" if typed.service else ""
    return f"Your stopwatch {'runs' if is_new else 'runs already'}: {typed.text}{service}"


def _stop(here: Doors, person: Person, click: Click, _: ToilText) -> str:
    key = f"stopwatch/{person.id}/slack-{click.key}"
    watches, team = Stopwatches.beside(here.ledger), partial(_team, here, person)
    entry, is_new = watches.stop(person.id, team, key, here.clock())
    return _logged(entry, is_new=is_new)


def _me(here: Doors, person: Person, _: Click, __: ToilText) -> str:
    week = my_week(here, person)
    watch = Stopwatches.beside(here.ledger).running(person.id)
    rows = [f"{name.replace('_', ' ')}: {minutes_text(s)}" for name, s in week.seconds.items()]
    if watch is not None:
        ran = minutes_text((here.clock() - watch.began_at).total_seconds())
        rows.append(f"Your stopwatch runs for {ran}: {watch.text}")
    return "\n".join([f"Your week {week.label}: {minutes_text(week.total_seconds)}", *rows])


_DOES: dict[Word, Callable[[Doors, Person, Click, ToilText], str]] = {
    "log": _log,
    "start": _start,
    "stop": _stop,
    "me": _me,
}


def my_week(here: Doors, person: Person) -> MyWeek:
    """The person's own figures, as every other door shows them."""
    return week_of(here.ledger, person.id, here.policy.toil.timezone, here.clock())


async def log_window(desk: Desk, click: Click, _: Person) -> dict[str, Any]:
    """The window for an entry; of a message it keeps the words and the address."""
    link = permalink(await desk.people.ours(), click) if click.ts else ""
    services = [service.name for service in desk.here.policy.services]
    said = toil_words(_named(desk.here.policy, click.text))
    said = said if len(said) <= _PREFILLED_CHARS_MAX else f"{said[:_PREFILLED_CHARS_MAX]}…"
    view = toil_view(said, services)
    return keeping(view, click._replace(value=link))


def _named(policy: Policy, text: str) -> str:
    """The words of a message, with names where Slack gave nothing but an id."""
    known = {person.slack: person.name for person in policy.people if person.slack}
    return _MENTIONED.sub(lambda found: known.get(found[1], found[0]), text)


def permalink(ours: Ours, click: Click) -> str:
    """The address of a message, as Slack writes it; empty where the workspace has none."""
    if not ours.url.startswith(("https://", "http://")):
        return ""
    at = f"{ours.url.rstrip('/')}/archives/{click.channel}/p{click.ts.replace('.', '')}"
    return f"{at}?thread_ts={click.thread}&cid={click.channel}" if click.thread else at


def log_faults(inputs: dict[str, str]) -> dict[str, str]:
    """What is wrong with an entry, by field."""
    faults = {}
    minutes = inputs.get(ids.MINUTES, "")
    if not inputs.get(ids.TEXT, "").strip():
        faults[ids.TEXT] = "Say in a few words what you did."
    if not (minutes.isascii() and minutes.isdecimal() and 1 <= int(minutes) <= MINUTES_MAX):
        most = f"{MINUTES_MAX} ({minutes_text(SECONDS_MAX)})"
        faults[ids.MINUTES] = f"Whole minutes, 1 to {most}."
    return faults


async def log(desk: Desk, click: Click, inputs: dict[str, str]) -> None:
    """Post what the window says."""
    person = await desk.person(click)
    text = inputs[ids.TEXT].strip()[:TEXT_CHARS_MAX]
    text = f"{text} ({click.value})" if click.value else text
    known = {service.name for service in desk.here.policy.services}
    service = inputs.get(ids.SERVICE, "")
    seconds = int(inputs[ids.MINUTES]) * 60
    typed = ToilText("log", seconds, text, service if service in known else "")
    told = await run_in_threadpool(_log, desk.here, person, click, typed)
    await desk.whisper(click, told)
