"""More pods for a while: what is raised is lowered by its deadline, whatever happens between."""

from typing import Any

import pytest

from contracts.alert import Alert
from contracts.case import Case
from contracts.errors import Paused, Unavailable
from runbooks._capacity import grown, settle_seconds
from runbooks._seen import queries_of
from runbooks.raise_hpa_maximum import RaiseHpaMaximum
from runbooks.relieve_service import RelieveService
from workflows.authoring.play.player import play
from workflows.authoring.play.sample_case import sample_case
from workflows.authoring.play.transcript import Play
from workflows.authoring.play.world import Script

WELL = {"pods_total": 3, "pods_ready": 3, "pods": [], "causes": {}, "cause": "", "remedy": ""}
FULL = {"replicas": 5, "autoscaler": {"name": "web", "min": 2, "max": 5, "at_max": True}}
RAISED = {
    "summary": "Raise web to 8",
    "changed": [
        {"kind": "HorizontalPodAutoscaler", "name": "web", "uid": "u", "path": "/spec/maxReplicas"}
    ],
}
FOUND: dict[str, object] = {
    "pod_states": WELL,
    "surroundings": FULL,
    "scale.ensure": RAISED,
    "rollout_history": {"current_age_seconds": 90_000},
}


def lent(find: dict[str, object], runbook: type = RaiseHpaMaximum, **script: Any) -> Play:
    """The runbook on a well service at its autoscaler's maximum, unless `find` says otherwise."""
    return play(runbook, sample_case(runbook), Script(find=FOUND | find, **script))


def wrote(run: Play) -> list[str]:
    """The actions that were written."""
    return [receipt.action.rpartition(".")[2] for receipt in run.receipts]


def after_writing(run: Play) -> list[str]:
    """What happened after the first write."""
    steps = list(run.steps)
    return steps[steps.index("ACT scale") + 1 :]


@pytest.mark.parametrize("runbook", [RaiseHpaMaximum, RelieveService])
def test_what_helped_is_taken_back_when_the_alerts_have_stayed_away(runbook: type) -> None:
    """Raised, ready, resolved for a while, lowered."""
    run = lent({}, runbook)

    assert (run.outcome.status, wrote(run)) == ("resolved", ["scale", "restore"])
    assert after_writing(run)[:2] == ["VERIFY replicas_ready", "VERIFY alerts_resolved"]
    assert "Raise web to 8; the alerts stayed away; did restore" in run.outcome.summary


@pytest.mark.parametrize(
    ("now", "wanted"), [(5, 8), (2, 3), (1, 2), (0, 2), (900, 1000), (1500, 1500)]
)
def test_it_grows_by_half_rounded_up(now: int, wanted: int) -> None:
    """Up to a thousand, and never downwards."""
    assert grown(now) == wanted


def lent_by_hand(find: dict[str, object], **params: object) -> Play:
    """Started by a person while no alert fires."""
    alone: dict[str, Any] = {"alerts": (), "actor": "ben", "params": params}
    case = sample_case(RaiseHpaMaximum).model_copy(update=alone)
    return play(RaiseHpaMaximum, case, Script(find=FOUND | find))


@pytest.mark.parametrize(
    ("params", "wait", "words"),
    [
        ({}, "WAIT 1 h", "held for 60 min, until 04:00 UTC"),
        ({"hold_seconds": 1800}, "WAIT 30 min", "held for 30 min, until 03:30 UTC"),
        ({"hold_seconds": "90"}, "WAIT 1 min 30 s", "held for 90 s, until 03:01 UTC"),
        ({"hold_seconds": 99_999}, "WAIT 3 h", "held for 180 min, until 06:00 UTC"),
        ({"hold_seconds": "long"}, "WAIT 1 h", "held for 60 min, until 04:00 UTC"),
    ],
)
def test_what_a_person_lends_without_an_alert_is_held_for_a_time(
    params: dict[str, object], wait: str, words: str
) -> None:
    """No alert could say when it is over: the time is said at once, and in the end."""
    run = lent_by_hand({}, **params)

    assert (run.outcome.status, wrote(run)) == ("resolved", ["scale", "restore"])
    steps = ["VERIFY replicas_ready", "WARN people", wait, "VERIFY alerts_resolved"]
    assert after_writing(run)[:4] == steps
    warned = next(line.text for line in run.transcript if line.kind == "WARN")
    assert words in warned
    held = words.partition(",")[0]
    assert f"Raise web to 8; no alert fired, so it was {held}; did restore" in run.outcome.summary


def test_alerts_that_come_while_it_is_held_are_waited_for() -> None:
    """They count as if they had been there, and the deadline of a loan holds, too."""
    run = lent_by_hand({"alerts_resolved": False})

    assert (run.outcome.status, wrote(run)) == ("escalated", ["scale", "restore"])
    assert [step for step in run.steps if step.startswith("WAIT")] == [
        "WAIT 1 h",
        "WAIT 2 h 15 min",
    ]


def test_people_are_told_at_once_when_it_does_not_help() -> None:
    """With the hour until which it stays raised; it is lowered then, and said again."""
    run = lent({"alerts_resolved": False})

    assert (run.outcome.status, wrote(run)) == ("escalated", ["scale", "restore"])
    assert "alerts all the same; did restore" in run.outcome.summary
    assert after_writing(run)[2:4] == ["WARN people", "WAIT 3 h 15 min"]
    warned = next(line.text for line in run.transcript if line.kind == "WARN")
    assert warned.startswith("Raise web to 8, and deployment shop/web still alerts")
    assert "what was raised stays so until 07:00 UTC; take over to keep it longer" in warned


def test_alerts_that_resolve_late_are_seen_at_the_deadline() -> None:
    """What helped after all is resolved."""
    run = lent({"alerts_resolved": [False, True]})

    assert (run.outcome.status, wrote(run)) == ("resolved", ["scale", "restore"])


def test_pods_that_do_not_come_are_told_and_given_back() -> None:
    """No nodes for them, or a quota."""
    run = lent({"replicas_ready": False, "alerts_resolved": False})

    assert (run.outcome.status, wrote(run)) == ("escalated", ["scale", "restore"])


def test_a_return_that_is_refused_is_tried_again() -> None:
    """The kill switch is on for a while."""
    run = lent({"restore": [Paused("paused by ana"), {}]})

    assert (run.outcome.status, wrote(run)) == ("resolved", ["scale", "restore"])
    assert "WAIT 10 min" in run.steps


def test_a_return_that_never_works_is_a_persons() -> None:
    """An hour of tries, then the words."""
    run = lent({"restore": Unavailable("the API server is away")})

    assert (run.outcome.status, wrote(run)) == ("escalated", ["scale"])
    assert "NOT taken back (the API server is away); lower it by hand" in run.outcome.summary
    assert [step for step in run.steps if step.startswith("WAIT")] == ["WAIT 10 min"] * 6


def test_nobody_is_asked_to_take_back_what_was_there_already() -> None:
    """Somebody else had raised it to that number."""
    run = lent({"scale.ensure": {"did": "already_done"}})

    assert (run.outcome.status, wrote(run)) == ("resolved", ["scale"])
    assert "nothing was raised that would be lowered" in run.outcome.summary


@pytest.mark.parametrize(("answer", "status"), [("deny", "declined"), ("silence", "expired")])
def test_without_a_yes_nothing_is_raised(answer: Any, status: str) -> None:
    """And nothing is to be taken back."""
    run = lent({}, answer=answer)

    assert (run.outcome.status, wrote(run)) == (status, [])


@pytest.mark.parametrize(
    ("find", "said"),
    [
        ({"surroundings": {}}, "no autoscaler of deployment shop/web could be seen"),
        (
            {"surroundings": {"autoscaler": {"name": "web", "max": 5, "at_max": False}}},
            "web is no longer at its maximum",
        ),
        ({"pod_states": {}}, "whether the pods of deployment shop/web are well could not be seen"),
        ({"pod_states": WELL | {"cause": "oom"}}, "are sick (oom), and more would be as sick"),
    ],
)
def test_more_pods_are_not_asked_for_where_they_do_not_help(
    find: dict[str, object], said: str
) -> None:
    """Each with its reason."""
    run = lent(find)

    assert (run.outcome.status, wrote(run)) == ("escalated", [])
    assert said in run.outcome.summary
    assert run.outcome.summary.endswith("nothing was written")


@pytest.mark.parametrize(("share", "action"), [(0.91, ["scale"]), (0.5, []), (None, [])])
def test_a_service_near_its_cpu_limit_gets_more_pods(
    share: float | None, action: list[str]
) -> None:
    """Also without an autoscaler."""
    find: dict[str, object] = {
        "surroundings": {"replicas": 4, "autoscaler": None},
        "metrics": {"served": True, "cpu_of_limit": share},
    }
    run = lent(find, RelieveService)

    assert wrote(run)[:1] == action


def test_a_sick_service_gets_no_more_pods() -> None:
    """Whatever its CPU."""
    run = lent({"pod_states": WELL | {"cause": "crash_loop"}}, RelieveService)

    assert (run.outcome.status, wrote(run)) == ("escalated", [])


def case_with(**facts: Any) -> Case:
    """The sample case, with its one alert changed."""
    case = sample_case(RaiseHpaMaximum)
    alert = case.alerts[0].model_dump() | facts.pop("alert", {})
    return case.model_copy(update=facts | {"alerts": (Alert.model_validate(alert),)})


@pytest.mark.parametrize(
    ("facts", "seconds"),
    [
        ({}, 600),
        ({"params": {"settle_seconds": 30}}, 30),
        ({"alert": {"annotations": {"firebreak_settle_seconds": "5"}}}, 5),
        ({"alert": {"annotations": {"firebreak_settle_seconds": "99999"}}}, 7200),
        ({"alert": {"annotations": {"firebreak_settle_seconds": "soon"}}}, 600),
        ({"alert": {"annotations": {"firebreak_settle_seconds": "9" * 5000}}}, 600),
        ({"params": {"settle_seconds": -1}}, 600),
    ],
)
def test_how_long_alerts_must_stay_away(facts: dict[str, Any], seconds: int) -> None:
    """Ten minutes, unless the person or the rule's author says otherwise; two hours at most."""
    assert settle_seconds(case_with(**facts)) == seconds


LINK = "http://prometheus:9090/graph?g0.expr=rate%28x%5B5m%5D%29+%3E+1&g0.tab=1"


@pytest.mark.parametrize(
    ("facts", "queries"),
    [
        ({}, []),
        ({"alert": {"generator_url": LINK}}, ["rate(x[5m]) > 1"]),
        ({"alert": {"generator_url": LINK}, "params": {"query": "up"}}, ["up"]),
        ({"alert": {"generator_url": "http://[broken"}}, []),
        ({"params": {"query": 7}}, []),
        ({"params": {"query": "x" * 5000}}, []),
    ],
)
def test_what_is_asked_of_prometheus(facts: dict[str, Any], queries: list[str]) -> None:
    """The person's query, or the rule's own; what is none is left out."""
    assert queries_of(case_with(**facts)) == queries
