"""`firebreak runbooks …`: write a runbook, check it, try it, and see how it has done.

Imports are late on purpose, as in `cli`. Only `list`, `show` and `backtest` ask the gateway, and
only `replay` asks Temporal; everything else works on files alone.
"""

import asyncio
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contracts.errors import FirebreakError, InvalidInput, NotFound
from terminal import FAILED, Json, api, reported, show, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contracts.catalogue import RunbookPage, RunbookView
    from contracts.policy import Policy
    from workflows.authoring.folders import Found, Loaded
    from workflows.authoring.replaying import Replayed

runbooks = typer.Typer(no_args_is_help=True, help="Write, check, try and review runbooks.")

Find = Annotated[
    list[str] | None,
    typer.Option(help='What a step finds: "pod_logs=OOM", "rollout_healthy=false", or JSON facts.'),
]
ANSWERS = ("approve", "deny", "silence")
# What only a running Firebreak knows of a runbook.
_LIVED = ("figures", "would_have", "autonomy", "services", "limits", "at")
Name = Annotated[str, typer.Argument(metavar="NAME|FILE", help="A runbook's name, or its file.")]


@runbooks.command("list")
def list_runbooks(as_json: Json = False) -> None:
    """List every runbook: what starts it, how far it may go, how it has done lately."""
    from toil.words import figures_text

    with reported(as_json):
        page, note = _page()
        rows = [
            {
                "name": item.name,
                "starts on": "\n".join(item.triggers) or "by hand only",
                "autonomy": item.autonomy,
                "last 30 days": figures_text(item.figures) if page.at else "unknown",
            }
            for item in page.items
        ]
        columns = ("name", "starts on", "autonomy", "last 30 days")
        show(page.model_dump(mode="json"), table("Runbooks", columns, rows), as_json)
        if not as_json:
            faults = (f"{f.path}:{f.line}: not served: {f.reason}" for f in page.faults)
            for line in filter(None, (*faults, note)):
                typer.echo(line, err=True)


@runbooks.command("show")
def show_runbook(
    name: Annotated[str, typer.Argument(help="As in `firebreak runbooks list`.")],
    as_json: Json = False,
) -> None:
    """The manual page of one runbook."""
    from workflows.authoring.inspection import unrecorded

    with reported(as_json):
        page, note = _page()
        item = next((item for item in page.items if item.name == name), None)
        if item is None:
            known = ", ".join(other.name for other in page.items)
            raise NotFound(f"there is no runbook '{name}'", f"The runbooks are: {known}.")
        if name in unrecorded(_load()):
            note = f"Not recorded: `firebreak runbooks accept {name}` when it is deployed.\n{note}"
        text = f"{_manual(item)}\n\n{note}".rstrip()
        show(item.model_dump(mode="json"), text, as_json)


@runbooks.command()
def new(
    name: Annotated[str, typer.Argument(help="In snake_case, e.g. restart_payment_worker.")],
    source: Annotated[
        str | None, typer.Option("--from", help="Start from this runbook instead.")
    ] = None,
    into: Annotated[
        Path | None, typer.Option(help="The folder; by default the first of FIREBREAK_RUNBOOKS.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a runbook and its test: two short files that pass as they are."""
    from settings import read_settings
    from workflows.authoring.new import write_new

    with reported(as_json):
        folder = into or next(iter(read_settings().runbook_folders), None)
        if folder is None:
            fix = "Write --into DIR, or `export FIREBREAK_RUNBOOKS=$PWD/my-runbooks` first."
            raise InvalidInput("no folder is named for it", fix)
        folder.mkdir(parents=True, exist_ok=True)
        taken = next((f for f in _load().runbooks if f.name == name), None)
        if taken is not None:
            raise InvalidInput(f"'{name}' is the runbook of {taken.path}", "Choose another name.")
        text = _found(source).text if source else None
        made = [str(path) for path in write_new(name, folder, text)]
        done = f"Wrote {made[0]}\n      {made[1]}\nThey pass as they are; read them first."
        show({"runbook": made[0], "test": made[1]}, done, as_json)


@runbooks.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="By default every runbook.")] = None,
    as_json: Json = False,
) -> None:
    """Name every fault, with file, line, reason and remedy; exit 1 if there is one."""
    from workflows.authoring.inspection import inspect, unrecorded

    with reported(as_json):
        loaded = _load([_existing(path) for path in files or ()])
        faults = inspect(loaded, files or ())
        count = len(files) if files else len(loaded.runbooks) + len({f.path for f in loaded.faults})
        rows = [fault._asdict() | {"path": str(fault.path)} for fault in faults]
        good = f"{count} runbook{'' if count == 1 else 's'} checked, no fault."
        told = {"ok": not faults, "checked": count, "faults": rows}
        told["unrecorded"] = unrecorded(loaded)
        show(told, "\n".join(map(str, faults)) or good, as_json)
        raise typer.Exit(FAILED if faults else 0)


@runbooks.command("try")
def try_runbook(
    name: Name,
    alert: Annotated[
        Path | None, typer.Option(help="A body as Alertmanager sends it, as JSON.")
    ] = None,
    answer: Annotated[str, typer.Option(help="approve, deny or silence.")] = "approve",
    find: Find = None,
    against: Annotated[
        str | None, typer.Option(help="`sandbox` runs it for real on a sandbox cluster.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Play a runbook and print what it does, with no cluster, no server and no network."""
    from tryout import Wish, try_out

    with reported(as_json):
        body = _existing(alert).read_bytes() if alert else None
        wish = Wish(body, _one_of("--answer", answer, ANSWERS), _finds(find))
        on_sandbox = _one_of("--against", against or "", ("", "sandbox")) == "sandbox"
        tried = try_out(_found(name), _policy(), wish, on_sandbox=on_sandbox)
        show(tried.told, tried.text, as_json)


@runbooks.command()
def backtest(
    name: Name,
    since: Annotated[str, typer.Option(help="30d or 12h.")] = "30d",
    autonomy: Annotated[
        str, typer.Option(help="What it is tried with: observe, ask or auto.")
    ] = "ask",
    find: Find = None,
    as_json: Json = False,
) -> None:
    """What a runbook would have done with the alerts of the past."""
    from backtest import Backtest, past_incidents, since_of, summary_of, text_of
    from settings import read_policy, read_settings

    with reported(as_json), api() as client:
        level = _one_of("--autonomy", autonomy, ("observe", "ask", "auto"))
        begin = since_of(since, datetime.now(UTC))
        test = Backtest(
            _load(), read_policy(read_settings().config), _found(name), _finds(find), level
        )
        past = past_incidents(client, begin)
        rows = [test.row(incident) for incident in past.incidents]
        told = {"complete": past.complete, "summary": summary_of(rows)}
        items = [row._asdict() | {"at": row.at.isoformat()} for row in rows]
        show(told | {"items": items}, text_of(rows, complete=past.complete), as_json)


@runbooks.command()
def accept(name: Name, as_json: Json = False) -> None:
    """Record the commands of a runbook as what runs in flight must fit."""
    from workflows.authoring.fingerprints.baseline import accept as record
    from workflows.authoring.fingerprints.commands import fingerprint_of

    with reported(as_json):
        found = _found(name)
        record(found.path.parent, found.name, found.commands)
        mark = fingerprint_of(found.commands)
        done = f"{found.name} is recorded as {mark[:19]} in {found.path.parent}"
        show({"name": found.name, "fingerprint": mark}, done, as_json)


@runbooks.command()
def replay(
    since: Annotated[str, typer.Option(help="7d or 12h.")] = "7d", as_json: Json = False
) -> None:
    """Replay production's histories against the code that is checked out, before a deploy."""
    from backtest import since_of

    with reported(as_json):
        rows = asyncio.run(_replayed(since_of(since, datetime.now(UTC))))
        bad = [row._asdict() for row in rows if row.why]
        text = f"{len(rows)} histories replayed, {len(bad)} no longer fit"
        answer = table(text, ("workflow", "kind", "why"), bad) if bad else f"{text}."
        show({"ok": not bad, "replayed": len(rows), "failed": bad}, answer, as_json)
        raise typer.Exit(FAILED if bad else 0)


async def _replayed(since: datetime) -> "list[Replayed]":
    from settings import read_settings
    from worker import PLUMBING, temporal_address
    from workflows.authoring.replaying import replay as replayed
    from workflows.connection import connect

    classes = [*PLUMBING, *_load().classes]
    client = await connect(temporal_address(read_settings()))
    return [row async for row in replayed(client, classes, since)]


def _load(files: "Sequence[Path]" = ()) -> "Loaded":
    import runbooks as shipped
    from settings import read_settings
    from workflows.authoring.folders import load

    return load(shipped, read_settings().runbook_folders, files)


def _found(name: str) -> "Found":
    """The runbook of that name or file; raises NotFound, or InvalidInput with the file's faults."""
    path = Path(name).resolve() if name.endswith(".py") else None
    loaded = _load([_existing(path)] if path else [])
    for found in loaded.runbooks:
        if found.path == path or found.name == name:
            return found
    faults = [fault for fault in loaded.faults if fault.path == path or fault.path.stem == name]
    if faults:
        raise InvalidInput("\n".join(map(str, faults)), "Mend it first.")
    known = ", ".join(found.name for found in loaded.runbooks)
    fix = f"The runbooks are: {known}. Is FIREBREAK_RUNBOOKS set to your folder?"
    raise NotFound(f"there is no runbook '{name}'", fix)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InvalidInput(f"{path}: there is no such file", "Name a file.")
    return path


def _one_of(option: str, value: str, known: "Sequence[str]") -> Any:
    if value not in known:
        raise InvalidInput(f"{option} {value}", f"Write one of {', '.join(filter(None, known))}.")
    return value


def _policy() -> "Policy":
    """The policy file if there is one: an author may have none yet."""
    from contracts.policy import Policy
    from settings import read_policy, read_settings

    path = read_settings().config
    return read_policy(path) if path.exists() else Policy()


def _finds(texts: list[str] | None) -> "dict[str, Any]":
    """`STEP=VALUE` as what the step finds: JSON where it is JSON, else text."""
    found: dict[str, Any] = {}
    for text in texts or ():
        step, sign, value = text.partition("=")
        if not sign:
            raise InvalidInput(f"--find {text}", 'Write STEP=VALUE, e.g. --find "pod_logs=OOM".')
        # As in a test, a step may be named by its class, and Python's words are understood.
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", step).lower()
        value = value.lower() if value in ("True", "False") else value
        try:
            found[name] = json.loads(value)
        except ValueError as err:
            if value[:1] in ("{", "["):
                raise InvalidInput(f"--find {text}: no JSON ({err})", "Correct it.") from None
            found[name] = value
    return found


def _page() -> "tuple[RunbookPage, str]":
    """What the files say, with what a gateway knows of them; and why it knows nothing."""
    from contracts.catalogue import RunbookPage, RunbookView
    from workflows.authoring.portraits import served

    loaded, policy = _load(), _policy()
    policy = policy.knowing(found.name for found in loaded.runbooks if found.shipped)
    told = served(loaded, policy, datetime.now(UTC))
    try:
        with api() as client:
            known = RunbookPage.model_validate(client.runbooks())
        note = ""
    except FirebreakError as err:
        known, note = RunbookPage(), f"The last 30 days are unknown: {err.message}. {err.fix}"
    lived = {item.name: item.model_dump(include=set(_LIVED)) for item in known.items}
    here = [
        RunbookView.model_validate(
            item.model_dump() | {"limits": told.limits} | lived.get(item.name, {})
        )
        for item in told.runbooks
    ]
    names = {item.name for item in here}
    elsewhere = [item for item in known.items if item.name not in names]
    items = sorted([*here, *elsewhere], key=lambda item: item.name)
    page = RunbookPage(at=known.at, items=items, faults=told.faults, limits=told.limits)
    return page, note


def _manual(item: "RunbookView") -> str:
    from contracts.catalogue import FIGURES_DAYS
    from contracts.words import minutes_text
    from toil.words import figures_text

    limits, window = item.limits, minutes_text(item.limits.attempts_window_seconds)
    apart = "".join(f", {level} on {service}" for service, level in item.services.items())
    rest = minutes_text(limits.cooldown_seconds)
    parts = {
        "STARTS ON": item.triggers or ("by hand only",),
        "STEPS": item.steps,
        "AUTONOMY": (f"{item.autonomy}{apart}",),
        "LIMITS": (f"{limits.attempts_max} attempts a target in {window}", f"{rest} of rest"),
        f"LAST {FIGURES_DAYS} DAYS": (figures_text(item.figures) if item.at else "unknown",),
        "WOULD HAVE": tuple(
            f"{o.at:%Y-%m-%d %H:%M} {o.incident} {o.text}" for o in item.would_have
        ),
        "FINGERPRINT": (item.fingerprint,),
        "FILE": (item.path,),
    }
    told = ["\n  ".join([head, *lines]) for head, lines in parts.items() if lines]
    return "\n\n".join([f"{item.name}: {item.title}", item.manual, *told])
