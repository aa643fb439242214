"""The shipped runbooks, played by every answer that people can give."""

from datetime import UTC, datetime

import pytest

from contracts.errors import Busy, OutcomeUnknown, Refused, Unavailable
from contracts.kubernetes import PodLogs, RolloutHealthy, RolloutRestart
from contracts.plan import Reason, Verdict
from runbooks.restart_crash_loop import RestartCrashLoop
from runbooks.rollback_deployment import RollbackBadRollout
from workflows.authoring.play.player import play
from workflows.authoring.play.sample_case import sample_case
from workflows.authoring.play.transcript import Play
from workflows.authoring.play.world import Script

CRASH_LOOKS = ("pod_logs", "events", "rollout_history", "pod_states")
RESTART = "rollout_restart of deployment shop/web"


def restarted(script: Script, **facts: object) -> Play:
    """The restart of the sample deployment."""
    case = sample_case(RestartCrashLoop).model_copy(update=facts)
    return play(RestartCrashLoop, case, script)


def lines_of(played: Play, kind: str) -> list[str]:
    """The lines of one kind."""
    return [str(line) for line in played.transcript if line.kind == kind]


@pytest.mark.parametrize(
    ("runbook", "action", "looks"),
    [
        (RestartCrashLoop, "rollout_restart", CRASH_LOOKS),
        (RollbackBadRollout, "rollback_deployment", ("pod_logs", "rollout_history")),
    ],
)
@pytest.mark.parametrize(
    ("answer", "healthy", "ending"),
    [
        ("approve", True, ("ACT", "VERIFY", "OUTCOME resolved")),
        ("approve", False, ("ACT", "VERIFY", "OUTCOME escalated")),
        ("deny", True, ("OUTCOME declined",)),
        ("silence", True, ("OUTCOME expired",)),
    ],
)
def test_every_answer_has_its_outcome(
    runbook: type, action: str, looks: tuple[str, ...], answer: str, *, healthy: bool, ending: str
) -> None:
    """Looks, plan and question come first; only a yes is followed by a write."""
    script = Script(answer=answer, find={"rollout_healthy": healthy})  # type: ignore[arg-type]  # parametrized
    played = play(runbook, sample_case(runbook), script)
    names = {"ACT": f"ACT {action}", "VERIFY": "VERIFY rollout_healthy"}
    first = (*(f"LOOK {look}" for look in looks), f"PLAN {action}", f"ASK {action}")
    assert played.steps == (*first, *(names.get(step, step) for step in ending))
    assert len(played.receipts) == ("ACT" in ending)


def test_a_transcript_reads_as_a_story() -> None:
    """One aligned line a step, with what was found, asked, written and seen."""
    found = {
        PodLogs: "lock file exists\nkilled",
        "rollout_history": {"current": 7},
        "pod_states": {"remedy": "restart"},
    }
    played = restarted(Script(find=found))
    assert str(played).splitlines() == [
        "LOOK    pod_logs of deployment shop/web: lock file exists",
        "LOOK    events of deployment shop/web: nothing special",
        "LOOK    rollout_history of deployment shop/web: current=7",
        "LOOK    pod_states of deployment shop/web: remedy='restart'",
        f"PLAN    {RESTART}: kubectl -n shop rollout restart deployment/web",
        f"ASK     {RESTART}: ana approved",
        f"ACT     {RESTART}: written, generation 2",
        "VERIFY  rollout_healthy of deployment shop/web: holds",
        "OUTCOME resolved: deployment shop/web is healthy after one restart",
    ]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("approve", "ana approved"),
        ("deny", "ana denied: the script says no"),
        ("silence", "nobody answered in 15 min"),
    ],
)
def test_the_answer_stands_on_the_line_of_its_question(answer: str, said: str) -> None:
    """One line a question."""
    played = restarted(Script(answer=answer))  # type: ignore[arg-type]  # parametrized
    assert lines_of(played, "ASK") == [f"ASK     {RESTART}: {said}"]


def test_two_people_are_asked_where_two_must_agree() -> None:
    """Each is heard in turn, and the requester is nobody's approver."""

    def two(_call: object) -> Verdict:
        return Verdict(ruling="ask", needed=2, approvers=("eve", "ana", "ben"))

    played = restarted(Script(judge=two), actor="eve")
    assert lines_of(played, "ASK") == [f"ASK     {RESTART}: ana and ben approved"]


def test_too_few_people_are_silence() -> None:
    """One of two agrees, and time runs out."""

    def two(_call: object) -> Verdict:
        return Verdict(ruling="ask", needed=2, approvers=("ana",))

    played = restarted(Script(judge=two))
    text = "only ana approved, and nobody else in 15 min"
    assert lines_of(played, "ASK") == [f"ASK     {RESTART}: {text}"]
    assert played.outcome.status == "expired"


def test_policy_alone_may_allow() -> None:
    """Then nobody is asked, and the plan says so."""
    played = restarted(Script(judge=lambda _call: Verdict(ruling="allow")))
    assert "ASK rollout_restart" not in played.steps
    assert lines_of(played, "PLAN")[0].endswith("(allowed by policy)")
    assert played.outcome.status == "resolved"


def test_a_refusal_stands_on_the_line_of_its_plan() -> None:
    """Nothing is asked or written."""
    no = Reason(rule="namespaces", ruling="deny", text="shop is not on the list")
    played = restarted(Script(judge=lambda _call: Verdict(ruling="deny", reasons=(no,))))
    assert lines_of(played, "PLAN")[0].endswith("(refused: shop is not on the list)")
    assert (played.outcome.status, played.receipts) == ("refused", ())


def test_a_dry_run_is_refused_with_what_it_would_do() -> None:
    """As the guardrails do it."""
    played = restarted(Script(), dry_run=True)
    assert "dry run; it would do this: rollout restart" in played.outcome.summary
    assert played.outcome.status == "refused"


def test_a_target_that_changed_is_asked_about_again() -> None:
    """The first answer is void, because it was about another plan."""
    plans = [{"generation": 1}, {"generation": 4}]
    played = restarted(Script(find={RolloutRestart: plans}))
    asked = lines_of(played, "ASK")
    assert len(asked) == 2
    assert "ana approved; void: deployment shop/web is no longer what was planned" in asked[0]
    assert [receipt.generation for receipt in played.receipts] == [5]


def test_a_stand_down_voids_the_question() -> None:
    """The alerts resolve while people are asked."""
    signals = [("stand_down", "all calm")]
    played = restarted(Script(answer="silence", signals=signals))
    assert lines_of(played, "ASK") == [f"ASK     {RESTART}: void: all calm"]
    assert played.steps[-2:] == ("SIGNAL stand_down", "OUTCOME resolved")


@pytest.mark.parametrize(
    ("find", "kind", "status"),
    [
        ({"pod_logs": Unavailable("away")}, "LOOK", "resolved"),
        ({"rollout_restart": Refused("paused by ana")}, "PLAN", "refused"),
        ({"rollout_restart.ensure": OutcomeUnknown("timeout")}, "ACT", "escalated"),
        ({"rollout_restart.ensure": Busy("locked")}, "ACT", "escalated"),
        ({"rollout_healthy": Unavailable("away")}, "VERIFY", "escalated"),
    ],
)
def test_a_step_that_fails_says_so_on_its_line(
    find: dict[str, object], kind: str, status: str
) -> None:
    """And the runbook hears the very error."""
    (name, err), *_ = find.items()
    played = restarted(Script(find=find))
    text = f"{type(err).__name__}: {err}"
    assert any(line.endswith(text) for line in lines_of(played, kind)), name
    assert played.outcome.status == status


def test_a_write_that_was_done_before_is_told() -> None:
    """A mapping under `.ensure` changes the receipt."""
    played = restarted(Script(find={"rollout_restart.ensure": {"did": "already_done"}}))
    assert lines_of(played, "ACT") == [f"ACT     {RESTART}: already done, generation 2"]


def test_a_check_is_keyed_by_its_class_or_its_name() -> None:
    """Short name, whole name, class: the same."""
    keys = (RolloutHealthy, "rollout_healthy", "kubernetes.rollout_healthy")
    outcomes = {restarted(Script(find={key: False})).outcome.status for key in keys}
    assert outcomes == {"escalated"}


def test_time_begins_when_the_script_says() -> None:
    """And what is written carries it."""
    at = datetime(2027, 1, 1, 12, 0, tzinfo=UTC)
    played = restarted(Script(begins=at))
    assert [receipt.written_at for receipt in played.receipts] == [at]


def test_the_same_play_twice_is_the_same() -> None:
    """Nothing of one play is left for the next."""
    assert restarted(Script()) == restarted(Script())
