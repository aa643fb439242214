"""The `firebreak` command. Commands that work on a running Firebreak speak to its gateway.

Imports are late on purpose: `--help` must not wait for Temporal or Kubernetes to load. Exit codes:
0 done, 1 refused or failed, 2 wrong usage, 3 a system it needs is unreachable.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from contracts.errors import FirebreakError, InvalidInput, Retry

if TYPE_CHECKING:
    from gateway.client import Api

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__.splitlines()[0])
toil = typer.Typer(no_args_is_help=True, help="Time spent by hand: log it, and read the report.")
db = typer.Typer(no_args_is_help=True, help="The database of the books.")
app.add_typer(toil, name="toil")
app.add_typer(db, name="db")

Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Port = Annotated[int | None, typer.Option(help="The gateway's port; 0 takes a free one.")]
State = Annotated[Path | None, typer.Option(help="The folder that keeps everything.")]
Reason = Annotated[str, typer.Option("--reason", help="A few words for the next reader.")]

FAILED, UNREACHABLE = 1, 3
_UNITS = {"s": 1, "m": 60, "h": 3600}


@app.command()
def demo(
    once: Annotated[bool, typer.Option(help="Play the story to its end and exit.")] = False,
    approve: Annotated[bool, typer.Option("--approve", help="With --once: approve.")] = False,
    deny: Annotated[str | None, typer.Option(help="With --once: deny, and say why.")] = None,
    expire: Annotated[bool, typer.Option("--expire", help="With --once: do not answer.")] = False,
    port: Port = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Watch an alert become a healed deployment, on a sandbox cluster."""
    from demo import choice_of, run_demo

    with reported(as_json):
        choice = choice_of(once=once, approve=approve, deny=deny, expire=expire)
        ok = asyncio.run(run_demo(choice, port=port, state=state, as_json=as_json))
        raise typer.Exit(0 if ok else FAILED)


@app.command()
def up(port: Port = None, state: State = None, as_json: Json = False) -> None:
    """Run everything on this machine, against a kubeconfig; the state survives a restart."""
    from stack import run_up

    with reported(as_json):
        given = {"port": port, "state": state}
        asyncio.run(run_up({k: v for k, v in given.items() if v is not None}, as_json=as_json))


@app.command()
def worker() -> None:
    """Run the worker alone, against the Temporal and the database of the settings."""
    from settings import configure_logging, read_policy, read_settings
    from worker import serve_until_signal

    with reported(as_json=False):
        settings = read_settings()
        configure_logging(settings.log_format)
        asyncio.run(serve_until_signal(settings, read_policy(settings.config)))


@app.command()
def gateway(port: Port = None) -> None:
    """Run the gateway alone, against the Temporal and the database of the settings."""
    import uvicorn

    from settings import configure_logging, read_policy, read_settings

    with reported(as_json=False):
        settings = read_settings(**({} if port is None else {"port": port}))
        configure_logging(settings.log_format)
        read_policy(settings.config)
        uvicorn.run(
            "gateway.app:create_app",
            factory=True,
            host=settings.host,
            port=settings.port,
            log_config=None,
        )


@db.command("upgrade")
def db_upgrade(as_json: Json = False) -> None:
    """Bring the database to this version's schema."""
    from settings import read_settings
    from toil.database import open_engine, upgrade

    with reported(as_json):
        engine = open_engine(read_settings().database_url)
        try:
            revision = upgrade(engine)
        finally:
            engine.dispose()
        show({"revision": revision}, f"the schema is at {revision}", as_json)


@app.command()
def incidents(
    status: Annotated[str | None, typer.Option(help="open, waiting, escalated, closed …")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 20,
    as_json: Json = False,
) -> None:
    """List incidents, newest first."""
    with reported(as_json), api() as client:
        page = client.incidents(status=status, limit=limit)
        columns = ("id", "status", "outcome", "target", "opened_at")
        show(page, table("Incidents", columns, page["items"]), as_json)


@app.command()
def approvals(
    state: Annotated[str, typer.Option(help="open, approved, denied, expired, void")] = "open",
    as_json: Json = False,
) -> None:
    """List what waits for a decision."""
    with reported(as_json), api() as client:
        page = client.approvals(state)
        columns = ("id", "runbook", "target", "plan", "expires_at")
        show(page, table(f"Approvals ({state})", columns, page["items"]), as_json)


@app.command()
def approve(approval: str, reason: Reason = "", as_json: Json = False) -> None:
    """Approve a plan. Look at it first: `firebreak approvals`."""
    _decide(approval, "approve", reason, as_json)


@app.command()
def deny(approval: str, reason: Reason, as_json: Json = False) -> None:
    """Deny a plan, and say why."""
    _decide(approval, "deny", reason, as_json)


def _decide(approval: str, decision: str, reason: str, as_json: bool) -> None:
    with reported(as_json), api() as client:
        digest = client.approval(approval)["plan"]["digest"]
        result = client.decide(approval, decision, reason=reason, digest=digest)
        show(result, f"{approval} is {result['state']}", as_json)


@app.command("take-over")
def take_over(incident: str, reason: Reason = "", as_json: Json = False) -> None:
    """Handle an incident by hand: its runbook is cancelled, and your time is measured."""
    with reported(as_json), api() as client:
        show(client.take_over(incident, reason), f"{incident} is yours", as_json)


@app.command("hand-back")
def hand_back(incident: str, as_json: Json = False) -> None:
    """End a take-over."""
    with reported(as_json), api() as client:
        show(client.hand_back(incident), f"{incident} is handed back", as_json)


@app.command()
def run(
    runbook: str,
    target: Annotated[str, typer.Option(help="NAMESPACE/KIND/NAME")],
    cluster: Annotated[str, typer.Option()] = "default",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan, and write nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Start a runbook by hand."""
    from contracts.target import parse_target

    with reported(as_json), api() as client:
        try:
            parsed = parse_target(target, cluster)
        except ValueError as err:
            raise typer.BadParameter(str(err)) from None
        body = {"runbook": runbook, "target": parsed.model_dump(), "dry_run": dry_run}
        started = client.run(body)
        show(
            started, f"started; follow it at {client.url}/incidents/{started['incident']}", as_json
        )


@app.command()
def pause(
    scope: Annotated[str, typer.Argument(help="all, cluster:…, namespace:…, runbook:…")] = "all",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Pull the kill switch: nothing is written in that scope until `firebreak resume`."""
    with reported(as_json), api() as client:
        show(client.pause(scope, reason), f"paused: {scope}", as_json)


@app.command()
def resume(scope: Annotated[str, typer.Argument()] = "all", as_json: Json = False) -> None:
    """Release the kill switch of that scope."""
    with reported(as_json), api() as client:
        show(client.resume(scope), f"resumed: {scope}", as_json)


@toil.command("log")
def toil_log(
    duration: Annotated[str, typer.Argument(help="25m, 90s, 1h30m")],
    text: Annotated[str, typer.Argument(help="What you did.")],
    service: Annotated[str, typer.Option()] = "",
    category: Annotated[str, typer.Option()] = "firefighting",
    as_json: Json = False,
) -> None:
    """Log time you spent by hand."""
    with reported(as_json), api() as client:
        seconds = seconds_of(duration)
        entry = {"seconds": seconds, "text": text, "service": service, "category": category}
        show(client.log(entry), f"logged {seconds // 60} min: {text}", as_json)


@toil.command("report")
def toil_report(
    team: Annotated[str | None, typer.Option()] = None,
    weeks: Annotated[int, typer.Option(min=1, max=52)] = 4,
    as_json: Json = False,
) -> None:
    """Firefighting against engineering, week by week."""
    with reported(as_json), api() as client:
        report = client.toil_report(team=team, weeks=weeks)
        rows = [{"week": w["week"], "state": w["state"], **minutes_of(w)} for w in report["weeks"]]
        columns = tuple(rows[0]) if rows else ("week",)
        show(report, table(f"Minutes of team {report['team']}", columns, rows), as_json)


def minutes_of(week: dict[str, Any]) -> dict[str, Any]:
    """Minutes by category, or the reason why they are withheld."""
    if week["withheld"]:
        return {"withheld": week["withheld"]}
    return {name: round(seconds / 60) for name, seconds in week["seconds"].items()}


def seconds_of(duration: str) -> int:
    """Read `1h30m`, `25m` or `90s`; raises InvalidInput."""
    parts = re.findall(r"(\d+)([smh])", duration)
    if not parts or "".join(n + unit for n, unit in parts) != duration:
        raise InvalidInput(f"'{duration}' is not a duration", "Write 25m, 90s or 1h30m.")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


@contextmanager
def api() -> "Iterator[Api]":
    """The gateway of FIREBREAK_URL and FIREBREAK_TOKEN, or the one that `up` left a file about."""
    from gateway.client import Api
    from stack import read_client_file

    url, token = os.environ.get("FIREBREAK_URL"), os.environ.get("FIREBREAK_TOKEN")
    if not url or not token:
        url, token = read_client_file()
    with Api(url, token) as client:
        yield client


@contextmanager
def reported(as_json: bool) -> Iterator[None]:
    """Turn an error of our tree into its message, its fix and its exit code."""
    try:
        yield
    except FirebreakError as err:
        if as_json:
            error = {"code": err.code, "message": err.message, "fix": err.fix}
            typer.echo(json.dumps({"error": error}))
        else:
            Console(stderr=True).print(
                f"[bold]firebreak:[/bold] {err.message}", f"  {err.fix}", sep="\n"
            )
        raise typer.Exit(UNREACHABLE if isinstance(err, Retry) else FAILED) from None


def show(data: Any, text: str | Table, as_json: bool) -> None:
    """One JSON object for scripts, or text for people."""
    if as_json:
        typer.echo(json.dumps(data))
    else:
        Console().print(text)


def table(title: str, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> Table:
    """A table of the API's objects."""
    made = Table(*columns, title=title, title_justify="left")
    for row in rows:
        made.add_row(*(cell(row.get(column)) for column in columns))
    return made


def cell(value: Any) -> str:
    """A target as people write it, a plan by its summary, anything else as text."""
    if isinstance(value, dict):
        if "summary" in value:
            return str(value["summary"])
        return "/".join(str(value[k]) for k in ("namespace", "kind", "name") if k in value)
    return "" if value is None else str(value)


def main() -> None:
    """The console script."""
    sys.exit(app())


if __name__ == "__main__":
    main()
