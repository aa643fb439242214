"""A backtest: the alerts of the past, the real triggers and guardrails, a cluster stood in for."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import runbooks
from backtest import PAGES_MAX, Backtest, past_incidents, since_of, summary_of, text_of
from contracts.errors import InvalidInput
from contracts.policy import Autonomy, Limits, Person, Policy, RunbookPolicy
from contracts.target import Target
from contracts.views import AlertView, IncidentPage, IncidentView
from desk.plain_runbooks import RestartsTwice
from workflows.authoring.folders import Found, load

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LOADED = load(runbooks)


def found(name: str) -> Found:
    """A runbook that ships."""
    return next(item for item in LOADED.runbooks if item.name == name)


def policy(**more: Any) -> Policy:
    """Ana may approve in the namespace shop."""
    return Policy(
        people=(Person(id="ana", name="Ana"),), limits=Limits(namespaces=("shop",)), **more
    )


def incident(number: int = 1, minute: int = 0, **more: Any) -> IncidentView:
    """An incident of the deployment web that a crash-looping pod opened."""
    at = NOON + timedelta(minutes=minute)
    name = more.pop("alert", "KubePodCrashLooping")
    namespace = more.pop("namespace", "shop")
    alert = AlertView(
        source="am",
        fingerprint=f"{number:016x}",
        name=name,
        status="resolved",
        summary=name,
        starts_at=at,
        labels={"alertname": name},
    )
    target = Target(cluster="default", namespace=namespace, kind="Deployment", name="web")
    facts = {"target": target, "alerts": (alert,), "opened_at": at} | more
    return IncidentView.model_validate(
        {"id": f"inc-{number}", "workflow": target.workflow_id, "status": "closed"} | facts
    )


def backtest(autonomy: Autonomy | None = "ask", **more: Any) -> Backtest:
    """Of the restart."""
    return Backtest(LOADED, policy(**more), found("restart_crash_loop"), autonomy=autonomy)


def test_an_alert_that_starts_it_is_played_to_its_end() -> None:
    """Somebody would have been asked once."""
    row = backtest().row(incident())

    assert row.matched
    assert row.detail.startswith("resolved")
    assert [plan.ruling for plan in row.plans] == ["ask"]


def test_an_alert_of_another_says_what_was_wanted() -> None:
    """With the matcher, as the incident itself would."""
    row = backtest().row(incident(alert="SomethingElse"))

    assert not row.matched
    assert 'rerun_failed_job wants alertname="KubeJobFailed"' in row.detail


def test_another_runbook_that_is_heavier_would_have_run() -> None:
    """A backtest tells of the whole catalogue, not of one runbook by itself."""
    row = backtest().row(incident(alert="KubeDeploymentRolloutStuck"))

    assert not row.matched
    assert row.detail.startswith("rollback_deployment matches")


def test_the_guardrails_are_the_real_ones() -> None:
    """A namespace that is not allowed is refused, with the words of that rule."""
    row = backtest().row(incident(namespace="bank"))

    assert [plan.ruling for plan in row.plans] == ["deny"]
    assert "namespace 'bank' is not allowed" in row.plans[0].why
    assert row.detail.startswith("refused")


def test_what_it_would_have_written_counts_against_what_comes_after() -> None:
    """The cooldown of a quarter of an hour, and the attempts of an hour."""
    test = backtest()

    rulings = [test.row(incident(n, minute)).plans[0] for n, minute in enumerate((0, 5, 20, 40))]

    assert [plan.ruling for plan in rulings] == ["ask", "deny", "ask", "deny"]
    assert "it rests 900 s" in rulings[1].why
    assert "2 attempts" in rulings[3].why


def test_a_second_write_of_one_run_meets_the_cooldown_of_the_first() -> None:
    """As it would in production, minutes later."""
    loaded = LOADED._replace(
        runbooks=(Found("restarts_twice", RestartsTwice, Path("x"), True, "", {}),)
    )
    allowed = {"restarts_twice": RunbookPolicy(autonomy="auto")}
    test = Backtest(loaded, policy(runbooks=allowed), loaded.runbooks[0])

    row = test.row(incident())

    assert [plan.ruling for plan in row.plans] == ["allow", "deny"]
    assert "it rests 900 s" in row.plans[1].why


def test_a_plan_that_was_refused_counts_against_nothing() -> None:
    """Nothing would have been written."""
    test = backtest(autonomy="observe")

    plans = [test.row(incident(n, minute)).plans[0] for n, minute in enumerate((0, 5))]

    assert ["only observes" in plan.why for plan in plans] == [True, True]
    assert ["it rests" in plan.why for plan in plans] == [False, False]


@pytest.mark.parametrize(("said", "ruling"), [("auto", "allow"), ("ask", "ask")])
def test_without_a_wish_the_policy_says_how_far_it_may_go(said: Autonomy, ruling: str) -> None:
    """As in production."""
    allowed = {"restart_crash_loop": RunbookPolicy(autonomy=said)}

    row = backtest(autonomy=None, runbooks=allowed).row(incident())

    assert [plan.ruling for plan in row.plans] == [ruling]


def test_an_incident_without_a_target_is_told_why_nothing_runs() -> None:
    """A runbook acts on exactly one workload."""
    row = backtest().row(incident(target=None))

    assert (row.matched, row.plans) == (False, ())
    assert "no workload is known" in row.detail


def test_the_sums_and_the_text_agree() -> None:
    """What a person reads is what a script reads."""
    test = backtest()
    rows = [test.row(incident(1)), test.row(incident(2, 5)), test.row(incident(3, 6, alert="X"))]

    assert summary_of(rows) == {
        "incidents": 3, "matched": 2, "plans": 2, "asked": 1, "allowed": 0, "refused": 1,
    }  # fmt: skip
    text = text_of(rows, complete=False)
    assert "3 incidents, 2 would have started it; 2 plans: 1 asked about" in text
    assert "Only the newest" in text


class Pages:
    """A gateway with so many pages of one incident each, newest first."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked = 0

    def incidents(self, **filters: str | int | None) -> dict[str, Any]:
        """The page that the cursor names."""
        self.asked += 1
        number = int(filters["cursor"] or 0)
        more = str(number + 1) if number + 1 < self.count else None
        page = IncidentPage(items=(incident(self.count - number),), next=more)
        return page.model_dump(mode="json")


def test_the_past_is_read_oldest_first() -> None:
    """Limits count forwards in time."""
    past = past_incidents(Pages(3), NOON)

    assert [item.id for item in past.incidents] == ["inc-1", "inc-2", "inc-3"]
    assert past.complete


def test_a_long_past_is_cut_and_said_to_be() -> None:
    """The newest pages are read, a bounded number of them."""
    pages = Pages(PAGES_MAX + 5)

    past = past_incidents(pages, NOON)

    assert (pages.asked, past.complete) == (PAGES_MAX, False)


def test_a_span_of_time_is_read() -> None:
    """Days and hours, counted back."""
    assert since_of("30d", NOON) == NOON - timedelta(days=30)
    assert since_of("12h", NOON) == NOON - timedelta(hours=12)
    with pytest.raises(InvalidInput):
        since_of("12", NOON)
