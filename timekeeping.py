"""The `firebreak toil` commands: what people did by hand, measured, logged and read.

Figures come from the gateway as they are; nothing here adds anything up. Imports are late on
purpose, as in `cli`.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer

from contracts.errors import InvalidInput
from contracts.toil import parse_duration
from contracts.words import counted, minutes_text
from terminal import Json, api, reported, show, table, usage

toil = typer.Typer(no_args_is_help=True, help="Time spent by hand: log it, and read the report.")

Service = Annotated[str, typer.Option(help="The service it is for.")]
Words = Annotated[list[str], typer.Argument(help="What you do.")]
_TIME_FIX = "Write a day such as 2026-11-20, or a time with its zone such as 2026-11-20T09:00:00Z."


@toil.command("log")
def toil_log(
    duration: Annotated[str, typer.Argument(help="25m, 90s, 1h30m; 12h at most")],
    text: Annotated[str, typer.Argument(help="What you did.")],
    service: Annotated[str, typer.Option(help="The service it was for.")] = "",
    category: Annotated[
        str, typer.Option(help="firefighting, other_toil, engineering, overhead, absence")
    ] = "firefighting",
    as_json: Json = False,
) -> None:
    """Log time you spent by hand."""
    with usage():
        seconds = parse_duration(duration)
    with reported(as_json), api() as client:
        entry = {"seconds": seconds, "text": text, "service": service, "category": category}
        logged = client.log(entry)
        show(logged, f"logged {minutes_text(logged['seconds'])}: {_work(logged)}", as_json)


@toil.command("start")
def toil_start(what: Words, service: Service = "", as_json: Json = False) -> None:
    """Start your stopwatch: what you do by hand is measured until `firebreak toil stop`."""
    text = " ".join(what)
    with reported(as_json), api() as client:
        watch = client.start_stopwatch({"text": text, "service": service})
        told = f"your stopwatch runs since {_clock(watch['began_at'])}: {_work(watch)}"
        show(watch, f"{told}\n  End it with `firebreak toil stop`.", as_json)


@toil.command("stop")
def toil_stop(as_json: Json = False) -> None:
    """Stop your stopwatch, and log what it measured."""
    with reported(as_json), api() as client:
        entry = client.stop_stopwatch()
        show(entry, f"logged {minutes_text(entry['seconds'])}: {_work(entry)}", as_json)


@toil.command("me")
def toil_me(
    since: Annotated[
        str | None, typer.Option("--from", help="A day or a time; left out: four weeks before.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="A day, with its whole length, or a time.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Your own week, your stopwatch, and your rows. Nobody else sees them."""
    with usage():
        first, last = _span(since, until)
    with reported(as_json), api() as client:
        mine = client.me(first, last)
        show(mine, "\n".join(_mine(mine)), as_json)


@toil.command("report")
def toil_report(
    team: Annotated[str | None, typer.Option(help="By default your own.")] = None,
    weeks: Annotated[int, typer.Option(min=1, max=52, help="How many, the present one too.")] = 4,
    as_json: Json = False,
) -> None:
    """Firefighting against engineering, week by week."""
    with reported(as_json), api() as client:
        report = client.toil_report(team=team, weeks=weeks)
        rows = [{"week": w["week"], "state": w["state"], **_minutes_of(w)} for w in report["weeks"]]
        columns = tuple(dict.fromkeys(name for row in rows for name in row)) or ("week",)
        show(report, table(f"Minutes of team {report['team']}", columns, rows), as_json)


def _minutes_of(week: dict[str, Any]) -> dict[str, Any]:
    """Minutes by category, or the reason why they are withheld."""
    if week["withheld"]:
        return {"withheld": week["withheld"]}
    return {name: round(seconds / 60) for name, seconds in week["seconds"].items()}


def _span(since: str | None, until: str | None) -> tuple[str | None, str | None]:
    """Both as times with their zones; raises InvalidInput."""
    first = _instant(since, "--from", whole=timedelta()) if since else None
    last = _instant(until, "--to", whole=timedelta(days=1)) if until else None
    if first and last and first >= last:
        raise InvalidInput("--from is not before --to", "Turn them round.")
    return _written(first), _written(last)


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _instant(text: str, option: str, *, whole: timedelta) -> datetime:
    """A time with its zone, or a day of this machine's; `whole` is how much of the day counts."""
    try:
        if len(text) == len("2026-11-20"):
            day = date.fromisoformat(text) + whole
            return datetime(day.year, day.month, day.day).astimezone()
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidInput(f"{option}: '{text}' is no day or time", _TIME_FIX)


def _mine(mine: dict[str, Any]) -> Iterator[str]:
    """The week, the stopwatch, and what was logged or seen, newest first."""
    week = mine["week"]
    yield f"{mine['person']}, week {week['label']}: {minutes_text(week['total_seconds'])}"
    yield from (f"  {_plain(n):<14}{minutes_text(s)}" for n, s in week["seconds"].items())
    running = mine["running"]
    if running:
        yield f"Your stopwatch runs since {_clock(running['began_at'])}: {_work(running)}"
    rows = sorted([*map(_entry, mine["entries"]), *map(_session, mine["sessions"])], reverse=True)
    first, last = (_local(mine[key]).strftime("%Y-%m-%d %H:%M") for key in ("from", "to"))
    yield f"{counted(len(rows), 'row')} from {first} to {last}" + (":" if rows else "")
    yield from (f"  {at:%Y-%m-%d %H:%M}  {text}" for at, text in rows)


def _entry(entry: dict[str, Any]) -> tuple[datetime, str]:
    """When it ended, and what it says."""
    taken_back = "taken back: " if entry["method"] == "reversal" else ""
    told = f"{taken_back}{_plain(entry['category'])}: {_work(entry)}"
    return _local(entry["occurred_at"]), f"{minutes_text(entry['seconds']):<12}{told}"


def _session(session: dict[str, Any]) -> tuple[datetime, str]:
    acts = counted(len(session["keys"]), "act")
    about = ", ".join(session["incidents"])
    told = f"seen: {acts}{f' on {about}' if about else ''}"
    return _local(session["ends"]), f"{minutes_text(session['seconds']):<12}{told}"


def _work(row: dict[str, Any]) -> str:
    return f"{row['text']} ({row['service']})" if row["service"] else str(row["text"])


def _plain(category: str) -> str:
    return category.replace("_", " ")


def _clock(text: str) -> str:
    """A time of today as a clock shows it here; another day's with its date."""
    moment = _local(text)
    today = moment.date() == datetime.now(UTC).astimezone().date()
    return f"{moment:%H:%M}" if today else f"{moment:%Y-%m-%d %H:%M}"


def _local(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone()
