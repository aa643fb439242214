"""`firebreak runbooks …`: what an author sees, on files alone and with a gateway."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import INCIDENT, NOW

from contracts.catalogue import Served, ServedRunbook
from gateway.doors import Doors
from roots.conftest import Firebreak
from workflows.authoring.fingerprints.baseline import read_baseline

POLICY = """\
[[people]]
id = "ana"
name = "Ana"

[limits]
namespaces = ["shop"]
"""


def alert(**labels: str) -> dict[str, Any]:
    """A body as Alertmanager sends it, with one firing alert."""
    known = {"alertname": "PaymentsStuck", "namespace": "shop", "deployment": "web"}
    one = {"status": "firing", "labels": known | labels, "startsAt": "2026-11-21T03:00:00Z"}
    return {"version": "4", "alerts": [one]}


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of the team, named in FIREBREAK_RUNBOOKS; a policy file where we stand."""
    folder = tmp_path / "team"
    folder.mkdir()
    monkeypatch.setenv("FIREBREAK_RUNBOOKS", str(folder))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "firebreak.toml").write_text(POLICY)
    path, modules = list(sys.path), set(sys.modules)
    yield folder
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.fixture(name="mine")
def _mine(folder: Path, firebreak: Firebreak) -> Path:
    """A new runbook, for the alert PaymentsStuck."""
    done = firebreak("runbooks", "new", "cmd_restart_web", "--json")
    assert done.code == 0, done.err
    path = folder / "cmd_restart_web.py"
    text = path.read_text()
    start = text.index('@on_alert("') + len('@on_alert("')
    end = text.index('"', start)
    path.write_text(
        f"{text[:start]}PaymentsStuck{text[end:]}".replace(", 'severity=\"critical\"'", "")
    )
    # Each command is a process of its own for people; here they share the modules.
    del sys.modules["cmd_restart_web"]
    return path


@pytest.fixture(name="alert_file")
def _alert_file(tmp_path: Path) -> Path:
    """The alert in a file."""
    path = tmp_path / "alert.json"
    path.write_text(json.dumps(alert()))
    return path


def test_a_new_runbook_passes_its_check_as_it_is(mine: Path, firebreak: Firebreak) -> None:
    """Two files, and nothing to mend."""
    done = firebreak("runbooks", "check", str(mine))

    assert done.code == 0, done.out
    assert done.out == "1 runbook checked, no fault.\n"
    assert mine.with_name("test_cmd_restart_web.py").exists()


def test_a_new_runbook_needs_a_folder(firebreak: Firebreak) -> None:
    """It is never written where nobody looks for it."""
    done = firebreak("runbooks", "new", "cmd_restart_web")

    assert done.code == 1
    assert "FIREBREAK_RUNBOOKS" in done.err


@pytest.mark.usefixtures("folder")
def test_a_new_runbook_does_not_take_a_name_that_ships(firebreak: Firebreak) -> None:
    """Two of one name refuse the worker's start."""
    done = firebreak("runbooks", "new", "restart_crash_loop")

    assert done.code == 1
    assert "restart_crash_loop.py" in done.err


def test_a_new_runbook_may_start_from_another(folder: Path, firebreak: Firebreak) -> None:
    """The copy passes beside its model."""
    done = firebreak("runbooks", "new", "cmd_from", "--from", "rollback_deployment")

    assert done.code == 0, done.err
    assert firebreak("runbooks", "check").code == 0
    assert "RollbackDeployment" in (folder / "cmd_from.py").read_text()


def test_everything_that_ships_passes_the_check(firebreak: Firebreak) -> None:
    """With no folder of one's own."""
    done = firebreak("runbooks", "check", "--json")

    assert done.json["ok"], done.json["faults"]
    assert done.json["checked"] >= 2


def test_a_fault_is_told_with_its_place_and_its_remedy(mine: Path, firebreak: Firebreak) -> None:
    """And the exit code is 1, for CI."""
    mine.write_text(mine.read_text().replace("await self.look(", "self.look(", 1))

    done = firebreak("runbooks", "check", str(mine))

    assert done.code == 1
    assert f"{mine}:" in done.out
    assert "await" in done.out
    told = firebreak("runbooks", "check", "--json", str(mine)).json
    assert [set(fault) for fault in told["faults"]] == [{"path", "line", "reason", "remedy"}]


def test_a_file_that_is_not_there_is_no_success(firebreak: Firebreak) -> None:
    """A misspelt path in CI must not check nothing."""
    assert firebreak("runbooks", "check", "nowhere.py").code == 1


def test_a_try_prints_a_line_for_each_step(
    mine: Path, alert_file: Path, firebreak: Firebreak
) -> None:
    """With no cluster, no server and no network; by name and by file."""
    done = firebreak("runbooks", "try", "cmd_restart_web", "--alert", str(alert_file))

    assert done.code == 0, done.err
    words = [line.split()[0] for line in done.out.splitlines()]
    assert words == ["LOOK", "PLAN", "ASK", "ACT", "VERIFY", "OUTCOME"]
    again = firebreak("runbooks", "try", str(mine), "--alert", str(alert_file))
    assert again.out == done.out


@pytest.mark.parametrize(
    ("answer", "outcome"), [("approve", "resolved"), ("deny", "declined"), ("silence", "expired")]
)
@pytest.mark.usefixtures("mine")
def test_a_try_ends_as_people_answer(
    alert_file: Path, firebreak: Firebreak, answer: str, outcome: str
) -> None:
    """Each of the three."""
    done = firebreak(
        "runbooks", "try", "cmd_restart_web", "--alert", str(alert_file),
        "--answer", answer, "--json",
    )  # fmt: skip

    assert done.json["outcome"]["status"] == outcome
    assert done.json["transcript"][-1]["kind"] == "OUTCOME"


@pytest.mark.usefixtures("mine")
def test_a_try_finds_what_it_is_told_to(alert_file: Path, firebreak: Firebreak) -> None:
    """Text for a look, JSON for facts and checks."""
    done = firebreak(
        "runbooks", "try", "cmd_restart_web", "--alert", str(alert_file),
        "--find", "pod_logs=OutOfMemoryError", "--find", "rollout_healthy=false",
    )  # fmt: skip

    assert "OutOfMemoryError" in done.out
    assert "escalated" in done.out.splitlines()[-1]


@pytest.mark.usefixtures("mine")
def test_an_alert_that_starts_nothing_says_which_matcher_failed(
    tmp_path: Path, firebreak: Firebreak
) -> None:
    """And what the alert has instead."""
    path = tmp_path / "other.json"
    path.write_text(json.dumps(alert(alertname="PaymentsSlow")))

    done = firebreak("runbooks", "try", "cmd_restart_web", "--alert", str(path))

    assert done.code == 1
    assert 'wants alertname="PaymentsStuck", has alertname="PaymentsSlow"' in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--alert", "nowhere.json"), "no such file"),
        (("--answer", "maybe"), "approve, deny, silence"),
        (("--against", "production"), "sandbox"),
        (("--find", "pod_logs"), "STEP=VALUE"),
        (("--find", "pod_log=x"), "pod_logs"),
        (("--find", "pod_logs={a:1}"), "no JSON"),
    ],
)
@pytest.mark.usefixtures("mine")
def test_a_try_refuses_what_it_cannot_mean(
    firebreak: Firebreak, arguments: tuple[str, ...], said: str
) -> None:
    """With what to write instead."""
    done = firebreak("runbooks", "try", "cmd_restart_web", *arguments)

    assert done.code == 1
    assert said in done.err


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "JSON"),
        (b"[]", "JSON object"),
        (json.dumps(alert() | {"version": "1"}).encode(), "version"),
        (json.dumps({"version": "4", "alerts": []}).encode(), "no alert in it is firing"),
        (json.dumps({"version": "4", "alerts": [{"labels": {}}]}).encode(), "alerts[0]"),
    ],
)
@pytest.mark.usefixtures("mine")
def test_a_body_that_is_no_alert_is_told(
    tmp_path: Path, firebreak: Firebreak, body: bytes, said: str
) -> None:
    """As the gateway would tell it."""
    path = tmp_path / "bad.json"
    path.write_bytes(body)

    done = firebreak("runbooks", "try", "cmd_restart_web", "--alert", str(path))

    assert done.code == 1
    assert said in done.err


@pytest.mark.usefixtures("mine")
def test_a_pods_owner_is_assumed_and_said_to_be(tmp_path: Path, firebreak: Firebreak) -> None:
    """Only a cluster knows it; without one the name is taken apart."""
    path = tmp_path / "pod.json"
    path.write_text(json.dumps(alert(deployment="", pod="web-5d4f8c7b9-x2x7z")))

    done = firebreak("runbooks", "try", "cmd_restart_web", "--alert", str(path))

    assert done.out.startswith("Assumed that pod shop/web-5d4f8c7b9-x2x7z belongs to deployment")
    assert "deployment shop/web" in done.out


def test_a_bug_is_told_with_the_authors_line(
    mine: Path, alert_file: Path, firebreak: Firebreak
) -> None:
    """Not with a traceback through Temporal."""
    text = mine.read_text()
    begin = text.index("        await self.look(")
    mine.write_text(text[:begin] + "        {}[case.runbook]\n" + text[begin:])
    line = text[:begin].count("\n") + 1

    done = firebreak("runbooks", "try", str(mine), "--alert", str(alert_file))

    assert done.code == 1
    assert f"cmd_restart_web.py:{line}" in done.err.replace("\n", "")
    assert "KeyError" in done.err
    assert "Traceback" not in done.err


def test_a_change_of_commands_is_a_fault_until_it_is_guarded_or_accepted(
    mine: Path, firebreak: Firebreak
) -> None:
    """Once accepted, the order is what runs in flight rely on."""
    assert "Not recorded" in firebreak("runbooks", "show", "cmd_restart_web").out
    assert firebreak("runbooks", "check", "--json").json["unrecorded"] == ["cmd_restart_web"]
    assert firebreak("runbooks", "accept", "cmd_restart_web").code == 0
    assert firebreak("runbooks", "check", "--json").json["unrecorded"] == []
    assert "Not recorded" not in firebreak("runbooks", "show", "cmd_restart_web").out
    text = mine.read_text()
    look = next(line for line in text.splitlines() if "await self.look(" in line)
    mine.write_text(text.replace(look, f"{look}\n{look}", 1))

    done = firebreak("runbooks", "check", str(mine))

    assert done.code == 1
    assert "workflow.patched(" in done.out
    assert "firebreak runbooks accept cmd_restart_web" in done.out
    assert firebreak("runbooks", "accept", str(mine)).code == 0
    assert firebreak("runbooks", "check").code == 0
    assert read_baseline(mine.parent) is not None


@pytest.mark.usefixtures("mine")
def test_the_list_works_without_a_gateway(firebreak: Firebreak) -> None:
    """And says what it does not know."""
    done = firebreak("runbooks", "list")

    assert done.code == 0
    row = next(line for line in done.out.splitlines() if "cmd_restart_web" in line)
    assert "observe" in row
    assert "unknown" in row
    assert 'alertname="PaymentsStuck"' in row
    assert "no gateway is known" in done.err


def test_the_list_names_what_is_not_served(folder: Path, mine: Path, firebreak: Firebreak) -> None:
    """A bad file hides no other."""
    (folder / "cmd_broken.py").write_text("def\n")

    done = firebreak("runbooks", "list")

    assert mine.stem in done.out
    assert "cmd_broken.py:1: not served" in done.err


@pytest.mark.usefixtures("mine")
def test_the_manual_page_tells_everything(firebreak: Firebreak) -> None:
    """Of a runbook that ships, and of one's own."""
    done = firebreak("runbooks", "show", "cmd_restart_web")

    assert done.code == 0
    heads = ("STARTS ON", "STEPS", "AUTONOMY", "LIMITS", "LAST 30 DAYS", "FINGERPRINT", "FILE")
    assert all(f"\n{head}\n" in done.out for head in heads)
    assert "sha256:" in done.out
    assert firebreak("runbooks", "show", "rollback_deployment", "--json").json["shipped"]


def test_an_unknown_runbook_names_those_there_are(firebreak: Firebreak) -> None:
    """For each command that takes one."""
    for command in ("show", "try", "accept"):
        done = firebreak("runbooks", command, "nonsense")
        assert done.code == 1
        assert "restart_crash_loop" in done.err


@pytest.mark.usefixtures("url", "mine")
def test_the_list_knows_from_the_gateway_how_they_did(doors: Doors, firebreak: Firebreak) -> None:
    """What a worker serves, and with which autonomy, is what is in force."""
    served = ServedRunbook(name="rollback_deployment", autonomy="auto")
    elsewhere = ServedRunbook(name="not_on_this_machine", autonomy="ask")
    doors.catalogue.serve(Served(at=NOW, runbooks=(served, elsewhere)))

    done = firebreak("runbooks", "list", "--json")

    assert done.json["at"] is not None
    autonomy = {item["name"]: item["autonomy"] for item in done.json["items"]}
    assert autonomy["rollback_deployment"] == "auto"
    assert autonomy["cmd_restart_web"] == "observe"
    assert autonomy["not_on_this_machine"] == "ask"
    assert firebreak("runbooks", "show", "not_on_this_machine").code == 0


@pytest.mark.usefixtures("url", "folder")
def test_a_backtest_plays_the_past(firebreak: Firebreak) -> None:
    """The incidents of the journal, the real triggers, the real guardrails."""
    told = firebreak("runbooks", "backtest", "rollback_deployment", "--since", "9999d", "--json")

    assert told.code == 0, told.err
    assert [item["incident"] for item in told.json["items"]] == [INCIDENT]
    assert told.json["summary"]["incidents"] == 1
    assert told.json["complete"]


@pytest.mark.usefixtures("url", "folder")
@pytest.mark.parametrize("since", ["a month", "0d", "-3d", "30", "30m"])
def test_a_backtest_refuses_no_span_of_time(firebreak: Firebreak, since: str) -> None:
    """Days or hours."""
    done = firebreak("runbooks", "backtest", "rollback_deployment", f"--since={since}")

    assert done.code == 1
    assert "30d or 12h" in done.err


@pytest.mark.usefixtures("folder")
def test_a_backtest_needs_a_gateway(firebreak: Firebreak) -> None:
    """The past is in the journal."""
    done = firebreak("runbooks", "backtest", "rollback_deployment")

    assert done.code == 1
    assert "no gateway is known" in done.err
