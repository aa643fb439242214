"""The `firebreak` command. Commands that work on a running Firebreak speak to its gateway.

Imports are late on purpose: `--help` must not wait for Temporal or Kubernetes to load. Exit codes:
0 done, 1 refused or failed, 2 wrong usage, 3 a system it needs is unreachable.
"""

import asyncio
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from pydantic.warnings import UnsupportedFieldAttributeWarning
from typer.exceptions import TyperException

from authoring import runbooks
from contracts.errors import InvalidInput
from terminal import (
    FAILED,
    UNREACHABLE,
    Json,
    api,
    reported,
    say_error,
    show,
    table,
    usage,
)
from timekeeping import toil

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__.splitlines()[0])
db = typer.Typer(no_args_is_help=True, help="The database of the books.")
app.add_typer(runbooks, name="runbooks")
app.add_typer(toil, name="toil")
app.add_typer(db, name="db")

Port = Annotated[int | None, typer.Option(help="The gateway's port; 0 takes a free one.")]
State = Annotated[Path | None, typer.Option(help="The folder that keeps everything.")]
Approval = Annotated[str, typer.Argument(help="Its id, as in `firebreak approvals`.")]
Incident = Annotated[str, typer.Argument(help="Its id, as in `firebreak incidents`.")]
Scope = Annotated[str, typer.Argument(help="all, cluster:…, namespace:…, runbook:…")]
Reason = Annotated[str, typer.Option("--reason", help="A few words for the next reader.")]


@app.command()
def demo(
    once: Annotated[bool, typer.Option(help="Play the story to its end and exit.")] = False,
    approve: Annotated[bool, typer.Option("--approve", help="With --once: approve.")] = False,
    deny: Annotated[str | None, typer.Option(help="With --once: deny, and say why.")] = None,
    expire: Annotated[bool, typer.Option("--expire", help="With --once: do not answer.")] = False,
    scenario: Annotated[
        str | None, typer.Option(help="Rehearse another fault: a scenario's name, or its file.")
    ] = None,
    scenarios: Annotated[bool, typer.Option("--scenarios", help="List the scenarios.")] = False,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Play it on this cluster, not on a sandbox.")
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="With --kubeconfig: not its current context, but this one.")
    ] = None,
    slack: Annotated[
        bool, typer.Option("--slack", help="Tell it in Slack, too: a stand-in, in the browser.")
    ] = False,
    slack_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="With --slack: its page's port; left out 8090, or a free one if that is taken",
        ),
    ] = None,
    port: Port = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Watch an alert become a healed deployment, on a sandbox cluster or on one of yours."""
    if scenarios:
        _list_scenarios(as_json)
        return
    from demo import choice_of, grounds_of, run_demo, slack_of
    from rehearsal import run_rehearsal
    from settings import read_settings
    from staging import Place

    with usage():
        choice = choice_of(
            once=once, approve=approve, deny=deny, expire=expire, scenario=bool(scenario)
        )
        grounds = grounds_of(kubeconfig, context, scenario=bool(scenario))
        slacks = slack_of(slack_port, wanted=slack)
    with reported(as_json):
        folders = read_settings().runbook_folders if scenario else ()
        place = Place(port, state, folders, grounds, slacks)
        play = run_rehearsal(scenario, choice, place, as_json=as_json) if scenario else None
        ok = asyncio.run(play or run_demo(choice, place, as_json=as_json))
        raise typer.Exit(0 if ok else FAILED)


def _list_scenarios(as_json: bool) -> None:
    from sandbox.scenario_file import list_scenarios
    from settings import read_settings

    with reported(as_json):
        rows = [
            {"name": name, "title": title}
            for name, title in list_scenarios(read_settings().runbook_folders)
        ]
        show({"items": rows}, table("Scenarios", ("name", "title"), rows), as_json)


@app.command()
def up(port: Port = None, state: State = None, as_json: Json = False) -> None:
    """Run everything on this machine, against a kubeconfig; the state survives a restart."""
    from stack import run_up, until_stopped

    given = {k: v for k, v in {"port": port, "state": state}.items() if v is not None}
    with reported(as_json):
        asyncio.run(until_stopped(run_up(given, as_json=as_json)))


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
        settings = read_settings()
        if "database_url" not in settings.model_fields_set:
            settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        engine = open_engine(settings.database_url)
        try:
            revision = upgrade(engine)
        finally:
            engine.dispose()
        show({"revision": revision}, f"the schema is at {revision}", as_json)


@app.command()
def doctor(
    state: Annotated[
        Path | None, typer.Option(help="Look at the `demo` or `up` of this state folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Look at every connection, and say what to mend."""
    from doctor import examine

    with reported(as_json):
        rows = [finding._asdict() for finding in asyncio.run(examine(state))]
        answer = {"ok": all(row["ok"] for row in rows), "checks": rows}
        show(answer, table("Doctor", ("ok", "name", "detail", "fix"), rows), as_json)
        away = any(row["away"] for row in rows)
        raise typer.Exit(0 if answer["ok"] else UNREACHABLE if away else FAILED)


@app.command()
def incidents(
    incident: Annotated[str | None, typer.Argument(help="One of them, with its timeline.")] = None,
    status: Annotated[str | None, typer.Option(help="open, waiting, escalated, closed …")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    as_json: Json = False,
) -> None:
    """List incidents, newest first; or tell one from its beginning."""
    with reported(as_json), api() as client:
        if incident is not None:
            found = client.incident(incident)
            show(found, _story(found), as_json)
            return
        page = client.incidents(status=status, limit=limit)
        columns = ("id", "status", "outcome", "target", "opened_at")
        show(page, table("Incidents", columns, page["items"]), as_json)


@app.command()
def approvals(
    approval: Annotated[
        str | None, typer.Argument(help="One of them, with all that is to be decided on.")
    ] = None,
    state: Annotated[str, typer.Option(help="open, approved, denied, expired, void")] = "open",
    as_json: Json = False,
) -> None:
    """List what waits for a decision; or show one."""
    with reported(as_json), api() as client:
        if approval is not None:
            found = client.approval(approval)
            show(found, _question(found), as_json)
            return
        page = client.approvals(state)
        columns = ("id", "runbook", "target", "plan", "expires_at")
        show(page, table(f"Approvals ({state})", columns, page["items"]), as_json)


def _story(found: dict[str, Any]) -> str:
    lines = (f"{i['at'][:19]}  {i['type']:<12}{i['text']}" for i in found["timeline"])
    return "\n".join([f"{found['id']} is {found['status']}", *lines])


def _question(found: dict[str, Any]) -> str:
    """What a person needs to see before they answer."""
    plan = found["plan"]
    parts = {
        "command": plan["kubectl"],
        "from": plan["from"],
        "to": plan["to"],
        "found": "; ".join(plan["findings"]) or "nothing special",
        "state": f"{found['state']}, until {found['expires_at'][:19]} UTC",
        "votes": ", ".join(f"{v['person']} {v['decision']}" for v in found["votes"]) or "none",
    }
    return "\n".join([plan["summary"], *(f"  {name:<9}{text}" for name, text in parts.items())])


@app.command()
def approve(approval: Approval, reason: Reason = "", as_json: Json = False) -> None:
    """Approve a plan. Look at it first: `firebreak approvals ID`."""
    _decide(approval, "approve", reason, as_json)


@app.command()
def deny(approval: Approval, reason: Reason, as_json: Json = False) -> None:
    """Deny a plan, and say why."""
    _decide(approval, "deny", reason, as_json)


def _decide(approval: str, decision: str, reason: str, as_json: bool) -> None:
    with reported(as_json), api() as client:
        digest = client.approval(approval)["plan"]["digest"]
        result = client.decide(approval, decision, reason=reason, digest=digest)
        text = f"{approval} is {result['state']}"
        show(result, text, as_json)


@app.command("take-over")
def take_over(incident: Incident, reason: Reason = "", as_json: Json = False) -> None:
    """Handle an incident by hand: its runbook is cancelled, and your time is measured."""
    with reported(as_json), api() as client:
        show(client.take_over(incident, reason), f"{incident} is yours", as_json)


@app.command("hand-back")
def hand_back(incident: Incident, as_json: Json = False) -> None:
    """End a take-over."""
    with reported(as_json), api() as client:
        show(client.hand_back(incident), f"{incident} is handed back", as_json)


@app.command()
def run(
    runbook: Annotated[str, typer.Argument(help="Its name, as in `firebreak runbooks list`.")],
    target: Annotated[str, typer.Option(help="NAMESPACE/KIND/NAME, or node/NAME")],
    cluster: Annotated[str, typer.Option(help="A cluster of the policy file.")] = "default",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan, and write nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Start a runbook by hand."""
    with usage():
        parsed = target_of(target, cluster)
    with reported(as_json), api() as client:
        body = {"runbook": runbook, "target": parsed, "dry_run": dry_run}
        started = client.run(body)
        show(
            started, f"accepted; follow it at {client.url}/incidents/{started['incident']}", as_json
        )


@app.command()
def pause(
    scope: Annotated[
        str | None, typer.Argument(help="all (the default), cluster:…, namespace:…, runbook:…")
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why; without it, list what is paused.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Pull the kill switch: nothing is written in that scope until `firebreak resume`. Without
    arguments, list what is paused.
    """
    if scope is not None and reason is None:
        raise typer.BadParameter("say why, for the next reader", param_hint="--reason")
    with reported(as_json), api() as client:
        if reason is not None:
            show(client.pause(scope or "all", reason), f"paused: {scope or 'all'}", as_json)
            return
        page = client.pauses()
        listed = table("Paused", ("scope", "reason", "person", "at"), page["items"])
        show(page, listed if page["items"] else "nothing is paused", as_json)


@app.command()
def resume(scope: Scope = "all", as_json: Json = False) -> None:
    """Release the kill switch of that scope."""
    with reported(as_json), api() as client:
        show(client.resume(scope), f"resumed: {scope}", as_json)


def target_of(text: str, cluster: str) -> dict[str, str]:
    """Read `NAMESPACE/KIND/NAME`; raises InvalidInput."""
    from contracts.target import parse_target

    fix = "Write NAMESPACE/KIND/NAME, e.g. shop/deployment/web; of a node node/NAME."
    try:
        return parse_target(text, cluster).model_dump()
    except ValidationError as err:
        parts = ", ".join(str(fault["loc"][0]) for fault in err.errors())
        raise InvalidInput(f"'{text}': Kubernetes has no such {parts}", fix) from None
    except ValueError as err:
        raise InvalidInput(str(err), fix) from None


def main() -> None:
    """The console script; wrong usage is told as JSON too where `--json` was asked for."""
    # FastAPI silences this warning while it builds its routes, in a way that another thread's
    # imports can undo; then it would stand between a person and the answer.
    warnings.filterwarnings("ignore", category=UnsupportedFieldAttributeWarning)
    try:
        sys.exit(app(prog_name="firebreak", standalone_mode="--json" not in sys.argv))
    except TyperException as err:
        say_error("usage", err.format_message(), "Read `firebreak COMMAND --help`.")
        sys.exit(err.exit_code)


if __name__ == "__main__":
    main()
