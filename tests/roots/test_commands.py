"""The commands for people at work, against the real gateway over HTTP and a real SQLite journal.

Only Temporal is a fake: it answers what it is told to, in the tests of the gateway's kind.
"""

from pathlib import Path

import pytest
from gateway_fakes import (
    APPROVAL,
    INCIDENT,
    NOW,
    RUN,
    FakeTemporal,
    approval,
)

from contracts.approval import Decision
from contracts.calls import IncidentRef, PersonRequest, RunRequest
from contracts.errors import AlreadyDecided, Unavailable
from devserver import free_port
from gateway.doors import Doors
from roots.conftest import Firebreak
from stack import leave_client_file

pytestmark = pytest.mark.usefixtures("url")


def test_incidents_are_listed(firebreak: Firebreak) -> None:
    """As a table for people, as the API's object for scripts."""
    told, said = firebreak("incidents"), firebreak("incidents", "--json", "--status", "waiting")
    assert (told.code, said.code) == (0, 0)
    assert all(word in told.out for word in (INCIDENT, "waiting", "shop/Deployment/user-auth"))
    assert [item["id"] for item in said.json["items"]] == [INCIDENT]
    assert firebreak("incidents", "--json", "--status", "closed").json["items"] == []
    assert firebreak("incidents", "--json", "--status", "odd").code == 1


def test_one_incident_is_told_from_its_beginning(firebreak: Firebreak) -> None:
    """Its timeline, a line each; an unknown one is refused."""
    told = firebreak("incidents", INCIDENT)
    assert told.out.startswith(f"{INCIDENT} is waiting\n")
    assert len(told.out.splitlines()) > 1
    assert firebreak("incidents", INCIDENT, "--json").json["timeline"]
    assert firebreak("incidents", "inc-nobody").code == 1


def test_one_approval_shows_all_that_is_to_be_decided_on(firebreak: Firebreak) -> None:
    """The command, both states, what was found, and until when."""
    told = firebreak("approvals", APPROVAL)
    words = ("Roll user-auth back to revision 1", "kubectl", "from", "to", "found", "open, until")
    assert all(word in told.out for word in words)
    assert firebreak("approvals", APPROVAL, "--json").json["id"] == APPROVAL


def test_approvals_show_what_would_be_done(firebreak: Firebreak) -> None:
    """The plan's own summary; the state is a filter."""
    told, said = firebreak("approvals"), firebreak("approvals", "--json")
    assert "Roll user-auth back to revision 1" in told.out
    assert said.json["items"][0]["plan"]["kubectl"].startswith("kubectl --namespace shop rollout")
    assert firebreak("approvals", "--json", "--state", "denied").json["items"] == []


@pytest.mark.parametrize(("command", "state"), [("approve", "approved"), ("deny", "denied")])
def test_a_decision_is_about_the_plan_that_was_read(
    firebreak: Firebreak, temporal_fake: FakeTemporal, command: str, state: str
) -> None:
    """Its digest goes with it, and so does the reason."""
    done = firebreak(command, APPROVAL, "--reason", "bad [release]", "--json")
    assert (done.code, done.json["state"]) == (0, state)
    workflow, update = temporal_fake.updates[-1]
    assert workflow == RUN
    assert isinstance(update.argument, Decision)
    assert update.argument.digest == approval().plan.digest
    assert (update.argument.person, update.argument.reason) == ("ana", "bad [release]")
    assert f"{APPROVAL} is {state}" in firebreak(command, APPROVAL, "--reason", "again").out


def test_a_refused_decision_is_exit_code_1(
    firebreak: Firebreak, temporal_fake: FakeTemporal
) -> None:
    """With the refusal's own code, for people and for scripts."""
    temporal_fake.answers["decide"] = AlreadyDecided("approved by Ben")
    told, said = firebreak("approve", APPROVAL), firebreak("approve", APPROVAL, "--json")
    assert (told.code, said.code, said.error["code"]) == (1, 1, "decided")
    assert "approved by Ben" in told.err
    assert told.out == ""
    assert firebreak("approve", "apr-none", "--json").error["code"] == "not_found"


def test_a_decision_that_was_not_recorded_is_exit_code_3(
    firebreak: Firebreak, temporal_fake: FakeTemporal
) -> None:
    """Temporal is away; trying again is right."""
    temporal_fake.failure = Unavailable("Temporal does not answer")
    done = firebreak("deny", APPROVAL, "--reason", "no", "--json")
    assert (done.code, done.error["code"]) == (3, "not_recorded")


def test_an_incident_is_taken_over_and_handed_back(
    firebreak: Firebreak, temporal_fake: FakeTemporal
) -> None:
    """In the name of whose token it is."""
    temporal_fake.answers["take_over"] = IncidentRef(incident=INCIDENT, status="taken_over")
    temporal_fake.answers["hand_back"] = IncidentRef(incident=INCIDENT, status="open")
    taken = firebreak("take-over", INCIDENT, "--reason", "I know this one", "--json")
    back = firebreak("hand-back", INCIDENT, "--json")
    assert (taken.json["status"], back.json["status"]) == ("taken_over", "open")
    first, second = (update.argument for _, update in temporal_fake.updates)
    about = PersonRequest(person="ana", incident=INCIDENT)
    assert first == about.model_copy(update={"reason": "I know this one"})
    assert second == about
    assert firebreak("take-over", "inc-none", "--json").error["code"] == "not_found"


def test_a_runbook_is_started_by_hand(firebreak: Firebreak, temporal_fake: FakeTemporal) -> None:
    """With where to follow it."""
    temporal_fake.answers["run"] = IncidentRef(incident=INCIDENT, status="open")
    words = ("run", "rollback_deployment", "--target", "shop/deployment/user-auth", "--dry-run")
    told, said = firebreak(*words), firebreak(*words, "--json")
    assert (said.code, said.json["incident"]) == (0, INCIDENT)
    assert f"/incidents/{INCIDENT}" in told.out
    workflow, update = temporal_fake.updates[-1]
    assert workflow == "incident/default/shop/Deployment/user-auth"
    assert isinstance(update.argument, RunRequest)
    assert (update.argument.runbook, update.argument.dry_run) == ("rollback_deployment", True)


def test_the_kill_switch_is_pulled_and_released(firebreak: Firebreak, doors: Doors) -> None:
    """`all` unless a scope is named; releasing what is not pulled is a refusal."""
    assert firebreak("pause", "--reason", "looks wrong", "--json").json["items"]
    assert firebreak("pause", "namespace:shop", "--reason", "deploy").code == 0
    assert {pause.scope for pause in doors.pauses.all()} == {"all", "namespace:shop"}
    assert [firebreak("resume").code, firebreak("resume", "namespace:shop").code] == [0, 0]
    assert doors.pauses.all() == ()
    assert firebreak("resume", "--json").error["code"] == "not_found"
    assert firebreak("pause", "everything", "--reason", "x", "--json").code == 1
    assert firebreak("pause", "--reason", "  ", "--json").code == 1


def test_what_is_paused_is_listed(firebreak: Firebreak, doors: Doors) -> None:
    """`pause` without arguments pulls nothing; with a scope alone it wants to know why."""
    assert firebreak("pause").out == "nothing is paused\n"
    doors.pauses.put("namespace:shop", "deploy [of] ben", "ben", NOW)
    told, said = firebreak("pause"), firebreak("pause", "--json")
    assert all(word in told.out for word in ("namespace:shop", "deploy [of] ben", "2026-11-21"))
    assert [item["scope"] for item in said.json["items"]] == ["namespace:shop"]
    refused = firebreak("pause", "all")
    assert (refused.code, "--reason" in refused.err) == (2, True)
    assert [pause.scope for pause in doors.pauses.all()] == ["namespace:shop"]


def test_a_scope_that_is_none_is_told_with_examples(firebreak: Firebreak) -> None:
    """No pattern is shown to anybody."""
    for words in (("pause", "shop", "--reason", "x"), ("resume", "shop")):
        done = firebreak(*words)
        assert done.code == 1
        assert "'shop' is nothing that can be paused" in done.err
        assert "namespace:shop" in done.err
        assert "A-Za-z" not in done.err


@pytest.mark.parametrize("scope", ["all", "cluster:default", "namespace:shop"])
def test_what_is_paused_is_not_approved(firebreak: Firebreak, doors: Doors, scope: str) -> None:
    """By which switch, whose it is, and what to do; the question stays for later."""
    doors.pauses.put(scope, "sale", "ben", NOW)
    doors.pauses.put("namespace:elsewhere", "other", "ben", NOW)
    told, said = firebreak("approve", APPROVAL), firebreak("approve", APPROVAL, "--json")
    assert "by Ben: sale" in told.err
    assert "the question stays open" in told.err
    assert "elsewhere" not in told.err
    assert (told.code, said.json["error"]["code"]) == (1, "paused")
    doors.pauses.clear(scope)
    assert firebreak("approve", APPROVAL).code == 0


def test_a_command_does_not_claim_to_try_again(
    firebreak: Firebreak, monkeypatch: pytest.MonkeyPatch, doors: Doors
) -> None:
    """A workflow does; whoever typed this has to."""

    def away(_: object) -> None:
        raise Unavailable("the database cannot be reached")

    monkeypatch.setattr(doors.journal, "incidents", away)
    done = firebreak("incidents", "--json")
    assert (done.code, done.error["message"]) == (3, "the database cannot be reached")
    assert "by itself" not in done.error["fix"]
    assert "try again" in done.error["fix"]


def test_time_by_hand_is_logged_in_seconds(firebreak: Firebreak, doors: Doors) -> None:
    """The entry is the person's, and its text is not read as markup."""
    words = ("toil", "log", "1h30m", "drained [red]nodes[/red]", "--service", "user-auth")
    told = firebreak(*words)
    said = firebreak(*words, "--category", "other_toil", "--json")
    assert "logged 1 h 30 min: drained [red]nodes[/red] (user-auth)" in told.out
    assert (said.code, said.json["seconds"], said.json["category"]) == (0, 5400, "other_toil")
    assert [entry.person for entry in doors.ledger.entries()] == ["ana", "ana"]
    assert firebreak("toil", "log", "5m", "x", "--category", "fun", "--json").code == 1
    assert firebreak("toil", "log", "25h", "x", "--json").code == 1


def test_the_report_has_a_row_for_each_week(firebreak: Firebreak) -> None:
    """For people minutes, for scripts the API's object."""
    told, said = firebreak("toil", "report"), firebreak("toil", "report", "--weeks", "2", "--json")
    assert (told.code, len(said.json["weeks"]), said.json["team"]) == (0, 2, "shop")
    assert all(week["week"] in told.out for week in said.json["weeks"])
    assert firebreak("toil", "report", "--team", "nobody", "--json").code == 1


def test_a_stranger_is_refused(firebreak: Firebreak, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown token is a refusal, a manager who acts too."""
    monkeypatch.setenv("FIREBREAK_TOKEN", "token-nobody")
    assert firebreak("incidents", "--json").error["code"] == "unauthenticated"
    monkeypatch.setenv("FIREBREAK_TOKEN", "token-mia")
    done = firebreak("pause", "--reason", "x", "--json")
    assert (done.code, done.error["code"]) == (1, "not_allowed")


def test_the_client_file_is_used_and_is_private(
    firebreak: Firebreak, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str
) -> None:
    """Without variables the gateway of `up`; with them theirs. Others cannot read the token."""
    monkeypatch.delenv("FIREBREAK_URL")
    monkeypatch.delenv("FIREBREAK_TOKEN")
    monkeypatch.setenv("FIREBREAK_STATE", str(tmp_path))
    leave_client_file(tmp_path, url, "token-ana")
    assert (tmp_path / "client.json").stat().st_mode & 0o777 == 0o600
    assert firebreak("incidents", "--json").code == 0
    monkeypatch.setenv("FIREBREAK_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("FIREBREAK_TOKEN", "token-ana")
    assert firebreak("incidents", "--json").code == 3


def test_a_server_that_is_no_firebreak_is_a_refusal(
    firebreak: Firebreak, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Pages instead of JSON must not become a traceback."""
    monkeypatch.setenv("FIREBREAK_URL", f"{url}/static")
    done = firebreak("incidents", "--json")
    assert done.code == 1
    assert done.error["fix"]
