"""`firebreak toil start`, `stop` and `me`, against the real gateway over HTTP and real books."""

from datetime import UTC, datetime, timedelta

import pytest
from gateway_fakes import INCIDENT, NOW

from contracts.toil import Entry, Observation
from devserver import free_port
from gateway.doors import Doors
from roots.conftest import Firebreak
from toil.stopwatches import Stopwatch, Stopwatches

pytestmark = pytest.mark.usefixtures("url")
SERVICE = ("--service", "user-auth")


def began(doors: Doors, minutes: int, text: str = "drained [red]nodes[/red]") -> None:
    """Ana's stopwatch runs for so long already."""
    at = NOW - timedelta(minutes=minutes)
    watch = Stopwatch(person="ana", began_at=at, text=text, service="user-auth")
    assert Stopwatches.beside(doors.ledger).start(watch)


def local(moment: datetime) -> str:
    """As the terminal's clock shows a time of another day."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def test_a_stopwatch_is_started_with_words_as_they_come(firebreak: Firebreak, doors: Doors) -> None:
    """No quotes are needed, and nothing of them is markup; again, it is the same one."""
    words = ("toil", "start", "draining", "[red]nodes[/red]", *SERVICE)
    told, said = firebreak(*words), firebreak(*words, "--json")
    assert (told.code, said.code) == (0, 0)
    assert "your stopwatch runs since" in told.out
    assert "draining [red]nodes[/red] (user-auth)" in told.out
    assert "firebreak toil stop" in told.out
    running = Stopwatches.beside(doors.ledger).running("ana")
    assert running is not None
    assert said.json == running.model_dump(mode="json")
    assert (running.text, running.service) == ("draining [red]nodes[/red]", "user-auth")


def test_a_stopwatch_for_other_work_is_refused(firebreak: Firebreak, doors: Doors) -> None:
    """With what runs and what to do first."""
    began(doors, 25)
    told = firebreak("toil", "start", "something", "else")
    said = firebreak("toil", "start", "something", "else", "--json")
    assert (told.code, told.out, said.code, said.error["code"]) == (1, "", 1, "invalid")
    assert "drained [red]nodes[/red]" in told.err
    assert "Stop it first" in told.err


def test_what_was_measured_is_logged_at_the_stop(firebreak: Firebreak, doors: Doors) -> None:
    """In the person's name, for the service, once."""
    began(doors, 25)
    told = firebreak("toil", "stop")
    assert (told.code, told.out) == (0, "logged 25 min: drained [red]nodes[/red] (user-auth)\n")
    (entry,) = doors.ledger.entries()
    assert (entry.person, entry.seconds, entry.service) == ("ana", 1500, "user-auth")
    again = firebreak("toil", "stop", "--json")
    assert (again.code, again.error["code"]) == (1, "not_found")
    assert "Start one" in again.error["fix"]


def test_the_stop_is_the_entry_for_scripts(firebreak: Firebreak, doors: Doors) -> None:
    """As the API gives it."""
    began(doors, 1)
    said = firebreak("toil", "stop", "--json")
    assert (said.code, said.json["seconds"], said.json["confidence"]) == (0, 60, "measured")


def test_a_forgotten_stopwatch_is_refused_with_how_to_log_it(
    firebreak: Firebreak, doors: Doors
) -> None:
    """A night is not work."""
    began(doors, 13 * 60)
    told = firebreak("toil", "stop")
    assert told.code == 1
    assert "Log by hand" in told.err
    assert doors.ledger.entries() == ()


def seen_and_logged(doors: Doors) -> None:
    """Ana decided once and logged twice, of which one is long ago; Ben logged, too."""
    decided = Observation(
        key="d", person="ana", at=NOW, source="gateway", action="approve", seconds=60
    )
    doors.ledger.observe(decided.model_copy(update={"incident": INCIDENT}), NOW)
    logged = Entry(
        key="new",
        category="other_toil",
        method="log",
        confidence="confirmed",
        seconds=1500,
        occurred_at=NOW - timedelta(hours=1),
        text="cleaned disks",
        person="ana",
        service="user-auth",
    )
    before = {"key": "old", "text": "long ago", "occurred_at": NOW - timedelta(days=40)}
    others = {"key": "ben", "text": "not hers", "person": "ben"}
    for change in ({}, before, others):
        doors.ledger.append(logged.model_copy(update=change), NOW)


def test_ones_own_week_is_read_in_the_terminal(firebreak: Firebreak, doors: Doors) -> None:
    """The week's sums, the stopwatch, and the rows of four weeks, newest first; nobody else's."""
    seen_and_logged(doors)
    began(doors, 5, "a disk")
    told = firebreak("toil", "me")
    assert told.code == 0
    week, overhead, fighting, running, head, newest, older = told.out.splitlines()
    assert week == "ana, week 2026-W47: 26 min"
    assert sorted((overhead.split(), fighting.split())) == [
        ["firefighting", "1", "min"],
        ["other", "toil", "25", "min"],
    ]
    assert running.endswith(": a disk (user-auth)")
    assert head.startswith("2 rows from ")
    assert newest.split() == [*local(NOW).split(), "1", "min", "seen:", "1", "act", "on", INCIDENT]
    assert older.startswith(f"  {local(NOW - timedelta(hours=1))}  25 min ")
    assert older.endswith("other toil: cleaned disks (user-auth)")


def test_ones_own_rows_are_the_apis_object_for_scripts(firebreak: Firebreak, doors: Doors) -> None:
    """Bounded as asked, by times or by whole days of this machine's zone."""
    seen_and_logged(doors)
    said = firebreak("toil", "me", "--json")
    assert (said.code, said.json["person"], said.json["running"]) == (0, "ana", None)
    assert [row["key"] for row in said.json["entries"]] == ["new"]
    old = (NOW - timedelta(days=40)).astimezone()
    day = f"{old:%Y-%m-%d}"
    whole = firebreak("toil", "me", "--from", day, "--to", day, "--json").json
    assert [row["key"] for row in whole["entries"]] == ["old"]
    assert datetime.fromisoformat(whole["from"]) == old.replace(hour=0, minute=0)
    after = (old.astimezone(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    entries = firebreak("toil", "me", "--from", after, "--json").json["entries"]
    assert [row["key"] for row in entries] == ["new"]


def test_nothing_in_the_books_is_said_so(firebreak: Firebreak) -> None:
    """An empty week is an answer."""
    told = firebreak("toil", "me")
    first, last = told.out.splitlines()
    assert (told.code, first) == (0, "ana, week 2026-W47: 0 min")
    assert last.startswith("0 rows from ")


@pytest.mark.parametrize("words", [("start", "x"), ("stop",), ("me",)], ids=" ".join)
def test_a_gateway_that_is_away_is_exit_code_3(
    firebreak: Firebreak, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Nothing was measured, and the person is told where to look."""
    monkeypatch.setenv("FIREBREAK_URL", f"http://127.0.0.1:{free_port()}")
    done = firebreak("toil", *words, "--json")
    assert (done.code, done.error["code"]) == (3, "unavailable")
    assert "FIREBREAK_URL" in done.error["fix"]
