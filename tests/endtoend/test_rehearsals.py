"""Game days as a process of its own: each fault ends as it should, and each story judges itself."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from roots.programs import REPOSITORY, Done, Program, ran, until

from playing import ADMIN_TOKEN

# One playing waits more than it works.
AT_ONCE_MAX = 3
END_SECONDS_MAX = 60.0
NO_CURE = "a restart does not cure OOMKilled of deployment shop/user-auth"
LENT = "up to 5 replicas instead of 3; the alerts stayed away; Take back on deployment"
REPAIR = "its workloads are well elsewhere; repair node sandbox-node"
ROLLED_BACK = "Roll deployment shop/user-auth back from revision 2 to 1; pods are healthy"
RESTARTED = "deployment shop/user-auth is healthy after one restart"
NOTHING = "has no older revision to return to; 3 of 3 pods are ready; nothing was written"
STILL_SICK = "deployment shop/user-auth is still sick after a restart"
# runbook, outcome, effective writes, whether the workload is well at the end, and a sentence
ENDS = {
    "bad_rollout": ("relieve_service", "resolved", 1, True, ROLLED_BACK),
    "crash_loop": ("restart_crash_loop", "resolved", 1, True, RESTARTED),
    "failed_job": ("rerun_failed_job", "resolved", 1, True, "it completed"),
    "healthy_but_alerting": ("relieve_service", "escalated", 0, True, NOTHING),
    "high_cpu": ("relieve_service", "resolved", 2, True, LENT),
    "hpa_maxed_out": ("raise_hpa_maximum", "resolved", 2, True, LENT),
    "node_down": ("drain_sick_node", "escalated", 2, True, REPAIR),
    "replicas_mismatch": ("replace_sick_pod", "resolved", 1, True, "its replacement is well"),
    "oom": ("restart_crash_loop", "escalated", 0, False, NO_CURE),
    "restart_in_vain": ("restart_crash_loop", "escalated", 1, False, STILL_SICK),
    "slow_release": ("relieve_service", "resolved", 1, True, ROLLED_BACK),
    "stuck_rollout": ("rollback_deployment", "resolved", 1, True, ROLLED_BACK),
    "wrong_image": ("rollback_deployment", "resolved", 1, True, ROLLED_BACK),
}
# Where the writes are not one a question: what is lent is given back without asking again, and a
# drain is a cordon and an eviction.
BOOKS = {
    "high_cpu": [2, 2, 1, 2],
    "hpa_maxed_out": [2, 2, 1, 2],
    "node_down": [1, 2, 1, 1],
}
KEYS = [
    *("ok", "incident", "outcome", "target", "receipts", "effective_writes", "observations"),
    *("entries", "seconds_to_heal", "scenario", "runbook", "summary", "healthy", "expected"),
]
RUNBOOK = '''"""Restart the payment worker when its queue is stuck."""

from temporalio import workflow

from contracts import Case, Outcome
from contracts.kubernetes import RolloutHealthy, RolloutRestart
from workflows import Runbook, on_alert


@on_alert("PaymentQueueStuck")
@workflow.defn(name="restart_payment_worker")
class RestartPaymentWorker(Runbook):
    """It hangs now and then."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Ask, restart, verify."""
        restart = RolloutRestart(target=case.target)
        await self.approve(restart)
        await self.act(restart)
        if await self.verify(RolloutHealthy(target=case.target, steady_seconds=1)):
            return Outcome(status="resolved", summary="the queue moves again")
        return Outcome(status="escalated", summary="the queue is still stuck")
'''
SCENARIO = """
title = "The payment worker hangs"
story = "Its queue is stuck; new pods take it up again."

[workload]
namespace = "payments"
name = "payment-worker"
replicas = 2

[bad]
image = "registry.example/payment-worker:7"
fault = "crash-loop-until-restarted"

[[alerts]]
name = "PaymentQueueStuck"
per = "deployment"

[policy]
autonomy = { restart_payment_worker = "ask" }

[expect]
runbook = "restart_payment_worker"
outcome = "resolved"
effective_writes = 1
healthy = true
"""


REHEARSED = ("--once", "--json")
PLAYS = {name: ("demo", "--scenario", name, *REHEARSED) for name in ENDS} | {
    "of a team": ("demo", "--scenario", "stuck_queue", *REHEARSED),
    "denied": ("demo", "--scenario", "stuck_queue", "--deny", "not now", *REHEARSED),
    "only observed": ("demo", "--scenario", "TEAM/only_observed.toml", *REHEARSED),
    "tried": ("restart_payment_worker", "approve", {"pod": "payment-worker-7d9f8b6c5-abcde"}),
    "tried in silence": ("restart_payment_worker", "silence", {"deployment": "payment-worker"}),
    "tried in vain": ("restart_crash_loop", "deny", {"deployment": "payment-worker"}),
}
Plays = dict[str, "Future[Done]"]


@pytest.fixture(name="team", scope="module")
def _team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A team's folder: a runbook, and scenarios for it."""
    folder = tmp_path_factory.mktemp("team")
    (folder / "scenarios").mkdir(parents=True)
    (folder / "restart_payment_worker.py").write_text(RUNBOOK)
    (folder / "scenarios" / "stuck_queue.toml").write_text(SCENARIO)
    (folder / "only_observed.toml").write_text(SCENARIO.replace('"ask"', '"observe"'))
    return folder


@pytest.fixture(name="plays", scope="module")
def _plays(tmp_path_factory: pytest.TempPathFactory, team: Path) -> Iterator[Plays]:
    """All of them, under way in processes of their own."""
    with ThreadPoolExecutor(AT_ONCE_MAX) as players:
        yield {
            name: players.submit(_played, tmp_path_factory.mktemp("play"), team, *words)
            for name, words in PLAYS.items()
        }
        players.shutdown(cancel_futures=True)


def _played(folder: Path, team: Path, *words: Any) -> Done:
    if words[0] == "demo":
        said = [word.replace("TEAM", str(team)) for word in words]
        settings = {} if words[2] in ENDS else {"FIREBREAK_RUNBOOKS": str(team)}
        return ran(folder, *said, **settings)
    return _tried(folder, team, *words)


def _tried(folder: Path, team: Path, runbook: str, answer: str, about: dict[str, str]) -> Done:
    """A trial of the runbook on an alert about that."""
    labels = {"alertname": "PaymentQueueStuck", "namespace": "payments", "cluster": "prod-eu"}
    alert = {"status": "firing", "labels": labels | about, "startsAt": "2026-01-01T00:00:00Z"}
    settings = {
        "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}",
        "FOLDER": str(team),
        "CLUSTER": "prod-eu",
    }
    body = json.dumps({"version": "4", "alerts": [alert]})
    words = (runbook, answer, "payments/deployment/payment-worker", body)
    return ran(folder, *words, module="endtoend.trying", **settings)


@pytest.mark.parametrize("name", ENDS)
def test_each_fault_ends_as_it_should(plays: Plays, name: str) -> None:
    """Judged by the process itself, and here once more."""
    done = plays[name].result()
    runbook, outcome, writes, healthy, sentence = ENDS[name]
    story = done.json

    assert (done.code, done.err) == (0, ""), done
    assert list(story) == KEYS
    assert (story["ok"], story["scenario"], story["runbook"]) == (True, name, runbook)
    assert (story["outcome"], story["healthy"]) == (outcome, healthy)
    assert sentence in story["summary"]
    counts = [story[key] for key in ("receipts", "effective_writes", "observations", "entries")]
    assert counts == BOOKS.get(name, [writes] * 4)
    healed = writes > 0 and healthy and outcome == "resolved"
    assert (story["seconds_to_heal"] is not None) is healed


def test_a_team_rehearses_its_own_runbook_by_name(plays: Plays) -> None:
    """Found in the folder `scenarios` beside the runbooks, in a namespace of its own."""
    done = plays["of a team"].result()

    assert (done.code, done.err) == (0, ""), done
    assert done.json["summary"] == "the queue moves again"
    assert done.json["target"] == "payments/deployment/payment-worker"


def test_a_denied_rehearsal_is_as_it_should_be(plays: Plays) -> None:
    """A no means that nothing is written and nothing heals."""
    done = plays["denied"].result()

    assert (done.code, done.json["ok"]) == (0, True), done
    assert done.json["outcome"] == done.json["expected"]["outcome"] == "declined"
    assert (done.json["effective_writes"], done.json["healthy"]) == (0, False)


def test_a_rehearsal_that_ends_otherwise_fails(plays: Plays) -> None:
    """Without the autonomy, a new runbook only observes; exit code 1, and both ends are shown."""
    done = plays["only observed"].result()

    assert (done.code, done.json["ok"]) == (1, False), done
    assert (done.json["outcome"], done.json["expected"]["outcome"]) == ("refused", "resolved")


def test_a_runbook_is_tried_on_a_stand_in_of_its_target(plays: Plays) -> None:
    """For an alert of a pod that the sandbox never saw, of a cluster with the team's own name."""
    done = plays["tried"].result()

    assert done.code == 0, done
    assert (done.json["outcome"], done.json["effective_writes"]) == ("resolved", 1)
    assert any("--context prod-eu -n payments rollout restart" in t for t in done.json["timeline"])


def test_a_trial_that_nobody_answers_writes_nothing(plays: Plays) -> None:
    """It expires within seconds."""
    done = plays["tried in silence"].result()

    assert done.code == 0, done
    assert (done.json["outcome"], done.json["effective_writes"]) == ("expired", 0)


def test_a_trial_of_another_runbook_than_the_catalogues_is_refused(plays: Plays) -> None:
    """With what the catalogue said."""
    done = plays["tried in vain"].result()

    assert (done.code, done.error["code"]) == (1, "invalid")
    assert "did not start restart_crash_loop: restart_payment_worker" in done.error["message"]


def rehearsed(folder: Path, name: str) -> Done:
    """`firebreak demo --scenario NAME --once --json`."""
    return ran(folder, "demo", "--scenario", name, *REHEARSED)


BAD_FILES = {
    "unknown key": (("fault =", "falt ="), "bad.falt: there is no such key (write fault)"),
    "unknown fault": (("until-restarted", "until-monday"), "no fault 'crash-loop-until-monday'"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_refused_before_anything_starts(tmp_path: Path, case: str) -> None:
    """Exit code 1, with the file and the key."""
    change, said = BAD_FILES[case]
    path = tmp_path / "mine.toml"
    path.write_text(SCENARIO.replace(*change))

    done = rehearsed(tmp_path, str(path))

    assert (done.code, done.error["code"]) == (1, "invalid")
    assert f"{path}: " in done.error["message"]
    assert said in done.error["message"]
    assert list(tmp_path.glob("firebreak-demo-*")) == []


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    """And the list itself is one command."""
    done = rehearsed(tmp_path, "flood")
    listed = ran(tmp_path, "demo", "--scenarios", "--json")

    assert (done.code, done.error["code"]) == (1, "invalid")
    assert {item["name"] for item in listed.json["items"]} == set(ENDS)
    for item in listed.json["items"]:
        assert f"{item['name']}: {item['title']}" in done.error["fix"]


def incident_of(url: str) -> dict[str, Any] | None:
    """The one incident, once a runbook has ended in it."""
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Accept": "application/json"}
    items = httpx.get(f"{url}/incidents", headers=headers).raise_for_status().json()["items"]
    ended: list[dict[str, Any]] = [item for item in items if item["outcome"]]
    return ended[0] if ended else None


def test_people_can_watch_a_scenario(tmp_path: Path) -> None:
    """The gateway is theirs, the alerts of a healthy service go on, and Ctrl-C ends it."""
    words = ("demo", "--scenario", "healthy_but_alerting", "--port", "0", "--json")
    with Program(tmp_path, *words) as program:
        ready = program.ready()
        incident = until(lambda: incident_of(ready["url"]), END_SECONDS_MAX)
        done = program.stop(signal.SIGINT)

    assert incident is not None
    assert (incident["status"], incident["outcome"]) == ("escalated", "escalated")
    assert [alert["status"] for alert in incident["alerts"]] == ["firing"]
    assert (done.code, done.out, done.err) == (0, "", "")
    assert list(tmp_path.glob("firebreak-demo-*")) == []
