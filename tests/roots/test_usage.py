"""The command line before it asks anybody: help, wrong usage, and what reaches no gateway."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import cli
import terminal
import timekeeping
from contracts.errors import InvalidInput
from contracts.toil import parse_duration
from devserver import free_port
from roots.conftest import Firebreak
from roots.programs import clean_environment, ran

HEAVY = ("temporalio", "kubernetes", "sqlalchemy", "fastapi", "httpx", "altair")


def commands() -> Iterator[tuple[str, ...]]:
    """Every command's words, the empty one first."""
    yield ()
    for group, words in ((cli.app, ()), (timekeeping.toil, ("toil",)), (cli.db, ("db",))):
        if words:
            yield words
        for command in group.registered_commands:
            callback = command.callback
            assert callback is not None
            yield (*words, command.name or callback.__name__)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_explains_itself(firebreak: Firebreak, words: tuple[str, ...]) -> None:
    """Exit code 0, its usage, and a sentence on what it is for."""
    done = firebreak(*words, "--help")
    assert done.code == 0
    assert f"Usage: {' '.join(('firebreak', *words))}" in done.out
    assert len(done.out.splitlines()) > 4


def test_help_waits_for_nothing_heavy(tmp_path: Path) -> None:
    """What a command does not need, it does not load."""
    (tmp_path / "probe.py").write_text(
        "import sys, cli\n"
        "sys.argv = ['firebreak', '--help']\n"
        "try:\n    cli.main()\n"
        "finally:\n    sys.stderr.write(' '.join(sys.modules))\n"
    )
    where = clean_environment(tmp_path)["PYTHONPATH"]
    done = ran(tmp_path, module="probe", PYTHONPATH=f"{where}:{tmp_path}")
    assert done.code == 0, done.err
    assert "typer" in done.err.split()
    assert not set(HEAVY) & set(done.err.split())


WRONG = [
    ("nonsense",),
    ("incidents", "--limit", "0"),
    ("incidents", "--limit", "many"),
    ("deny", "apr-1"),
    ("pause", "all"),
    ("run", "restart_crash_loop"),
    ("run", "restart_crash_loop", "--target", "web"),
    ("run", "restart_crash_loop", "--target", "shop/gadget/web"),
    ("run", "restart_crash_loop", "--target", "shop/deployment/Not_A_Name"),
    ("run", "restart_crash_loop", "--target", "shop/deployment/"),
    ("toil", "log", "soon", "rebooted"),
    ("toil", "log", "0m", "rebooted"),
    ("toil", "log", "25m"),
    ("toil", "report", "--weeks", "53"),
    ("toil", "start"),
    ("toil", "me", "--from", "yesterday"),
    ("toil", "me", "--to", "2026-11-21T09:00:00"),
    ("toil", "me", "--from", "2026-11-22", "--to", "2026-11-21"),
    ("demo", "--slack-port", "8090"),
    ("demo", "--slack", "--slack-port", "65536"),
    ("demo", "--once"),
    ("demo", "--approve"),
    ("demo", "--once", "--approve", "--expire"),
    ("demo", "--once", "--approve", "--deny", "no"),
    ("up", "--port", "web"),
]


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_usage_is_exit_code_2(firebreak: Firebreak, words: tuple[str, ...]) -> None:
    """Said on standard error; standard output stays clean."""
    done = firebreak(*words)
    assert (done.code, done.out) == (2, "")
    assert "Error" in done.err


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_usage_is_json_for_scripts(firebreak: Firebreak, words: tuple[str, ...]) -> None:
    """One object, also when the arguments were never understood."""
    done = firebreak(*words, "--json")
    assert (done.code, done.error["code"]) == (2, "usage")
    assert done.error["fix"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("25m", 1500), ("1h30m", 5400), ("90s", 90), ("2h", 7200), ("1h1m1s", 3661)],
)
def test_durations_are_written_as_people_say_them(text: str, seconds: int) -> None:
    """Hours, minutes and seconds, together or alone."""
    assert parse_duration(text) == seconds


RUBBISH = ["", "m", "25", "25 m", "-5m", "1.5h", "25min", "0s", "0h0m", "٣m", "9" * 5000 + "m"]


@pytest.mark.parametrize("text", RUBBISH, ids=range(len(RUBBISH)))
def test_what_is_no_duration_is_refused(text: str) -> None:
    """No time at all is none either."""
    with pytest.raises(InvalidInput, match="is not a duration"):
        parse_duration(text)


def test_a_target_is_namespace_kind_and_name() -> None:
    """The kind in any case, as kubectl takes it."""
    found = cli.target_of("shop/deployment/web", "east")
    assert found == {"cluster": "east", "namespace": "shop", "kind": "Deployment", "name": "web"}
    assert cli.target_of("shop/StatefulSet/db", "default")["kind"] == "StatefulSet"
    node = {"cluster": "east", "namespace": "", "kind": "Node", "name": "worker-1"}
    assert cli.target_of("node/worker-1", "east") == node


@pytest.mark.parametrize("text", ["web", "a/b/c/d", "shop/pods/web", "Shop/pod/web", "shop/pod/"])
def test_what_is_no_target_is_refused(text: str) -> None:
    """In one line, with the form to write."""
    with pytest.raises(InvalidInput) as refused:
        cli.target_of(text, "default")
    assert "NAMESPACE/KIND/NAME" in refused.value.fix
    assert "\n" not in refused.value.message


def test_without_a_gateway_one_is_told_how_to_name_it(firebreak: Firebreak) -> None:
    """Nothing is set, and `up` left nothing."""
    done = firebreak("incidents", "--json")
    assert (done.code, done.error["code"]) == (1, "invalid")
    assert "FIREBREAK_URL" in done.error["fix"]
    assert "firebreak up" in done.error["fix"]


@pytest.mark.parametrize("name", ["FIREBREAK_URL", "FIREBREAK_TOKEN"])
def test_half_an_address_is_not_completed_by_a_file(
    firebreak: Firebreak, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """One gateway's token must not go to another, nor a command to the wrong gateway."""
    state = tmp_path / ".local/state/firebreak"
    state.mkdir(parents=True)
    (state / "client.json").write_text('{"url": "http://127.0.0.1:1", "token": "kept"}')
    assert firebreak("incidents", "--json").code == 3
    monkeypatch.setenv(name, "http://127.0.0.1:2")
    assert firebreak("incidents", "--json").error["fix"] == "Set both."


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"url": "http://127.0.0.1:1"}'])
def test_a_damaged_client_file_is_no_gateway(
    firebreak: Firebreak, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """As if there were none."""
    monkeypatch.setenv("FIREBREAK_STATE", str(tmp_path))
    (tmp_path / "client.json").write_text(text)
    done = firebreak("incidents", "--json")
    assert (done.code, done.error["message"]) == (1, "no gateway is known")


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("gateway", "token"),
        ("http://[::1", "token"),
        ("http://127.0.0.1:1", "two words"),
        ("http://127.0.0.1:1", "a\nb"),
        ("http://127.0.0.1:1", "höhle"),
    ],
)
def test_an_address_or_token_that_cannot_be_one_is_named(
    firebreak: Firebreak, monkeypatch: pytest.MonkeyPatch, url: str, token: str
) -> None:
    """And the token is never shown."""
    monkeypatch.setenv("FIREBREAK_URL", url)
    monkeypatch.setenv("FIREBREAK_TOKEN", token)
    done = firebreak("approvals", "--json")
    assert (done.code, done.error["code"]) == (1, "invalid")
    assert done.error["message"].startswith("FIREBREAK_")
    assert token == "token" or token not in done.out + done.err


def test_an_unreachable_gateway_is_exit_code_3(
    firebreak: Firebreak, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its address, in one line for people and one object for scripts."""
    url = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("FIREBREAK_URL", url)
    monkeypatch.setenv("FIREBREAK_TOKEN", "token")
    told, said = firebreak("incidents"), firebreak("incidents", "--json")
    assert (told.code, said.code, said.error["code"]) == (3, 3, "unavailable")
    assert url in told.err
    assert url in said.error["message"]


def test_what_people_are_told_is_not_read_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """`[[people]]` in an advice must arrive as it was written, unbroken."""
    with pytest.raises(typer.Exit), terminal.reported(as_json=False):
        raise InvalidInput(
            "there is no [bold]person[/bold]", f"add it under [[people]] {'x' * 300}"
        )
    told = capsys.readouterr().err
    assert "[bold]person[/bold]" in told
    assert f"[[people]] {'x' * 300}\n" in told


def test_the_books_can_be_made_on_a_new_machine(firebreak: Firebreak, tmp_path: Path) -> None:
    """`db upgrade` makes the state folder, and may be run twice."""
    first, second = firebreak("db", "upgrade", "--json"), firebreak("db", "upgrade", "--json")
    assert (first.code, second.code) == (0, 0)
    assert first.json == second.json
    state = tmp_path / ".local/state/firebreak"
    assert (state / "firebreak.db").is_file()
    assert state.stat().st_mode & 0o777 == 0o700


def test_a_database_that_cannot_be_is_refused(
    firebreak: Firebreak, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A wrong address is a refusal; a folder that is not there is a system that is away."""
    monkeypatch.setenv("FIREBREAK_DATABASE_URL", "mysql://host/name")
    assert firebreak("db", "upgrade", "--json").code == 1
    monkeypatch.setenv("FIREBREAK_DATABASE_URL", f"sqlite:///{tmp_path}/nowhere/books.db")
    assert firebreak("db", "upgrade", "--json").code == 3
