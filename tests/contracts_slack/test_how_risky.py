"""The word for the risk follows from what the guardrails and the plan know, and nothing else."""

import pytest

from contracts.plan import BlastRadius, Reason, Verdict
from contracts.slack.risk import GRAVE_RULES, Level, risk_of
from contracts.views import ApprovalView
from tools.slack_story import PLAN, USUAL, asked


def question(blast: BlastRadius, *rules: str, needed: int = 1) -> ApprovalView:
    """A question whose guardrails ask by these rules."""
    reasons = [Reason(rule=rule, ruling="ask", text=f"because of {rule}") for rule in rules]
    verdict = Verdict(ruling="ask", reasons=(*reasons, USUAL), needed=needed)
    plan = PLAN.model_copy(update={"blast": blast})
    return asked(plan=plan, verdict=verdict, needed=needed).approval


@pytest.mark.parametrize(
    ("lost", "ready", "level"),
    [
        (0, 0, "low"),
        (0, 4, "low"),
        (1, 4, "medium"),
        (2, 4, "high"),
        (1, 1, "high"),
        (None, 0, "low"),
        (None, 4, "high"),
    ],
)
def test_ready_pods_that_go_at_once_make_the_risk(
    lost: int | None, ready: int, level: Level
) -> None:
    """None is low, fewer than half is medium, half is high; unknown counts as all of them."""
    blast = BlastRadius(pods=4, ready=ready, desired=4, lost=lost)
    assert risk_of(question(blast)).level == level


@pytest.mark.parametrize("rule", GRAVE_RULES)
def test_a_guardrail_that_fears_an_outage_makes_it_high(rule: str) -> None:
    """Its own words are the reason that is shown."""
    risk = risk_of(question(BlastRadius(lost=0), rule))
    assert risk.level == "high"
    assert risk.why == (f"because of {rule}",)


def test_the_number_of_pods_replaces_the_words_of_the_blast_radius() -> None:
    """Both say the same; what else a guardrail fears is told beside it."""
    risk = risk_of(question(BlastRadius(pods=3, ready=3, lost=3), "blast_radius", "freeze"))
    assert risk.level == "high"
    assert risk.why == ("3 of 3 ready pods go away at once", "because of freeze")


@pytest.mark.parametrize("rule", ["freeze", "autoscaler", "failed_verification", "a_rule_of_later"])
def test_any_other_guardrail_that_asks_makes_it_medium(rule: str) -> None:
    """A rule that this module does not know is never low."""
    risk = risk_of(question(BlastRadius(lost=0), rule))
    assert risk.level == "medium"
    assert risk.why == (f"because of {rule}",)


def test_a_second_person_makes_it_medium() -> None:
    """Whoever wants two people to agree does not think little of it."""
    risk = risk_of(question(BlastRadius(lost=0), needed=2))
    assert risk.level == "medium"
    assert risk.why == ("2 people must agree",)


def test_a_runbook_that_always_asks_is_low() -> None:
    """Its rule says nothing about this write."""
    assert risk_of(question(BlastRadius(lost=0))).why == ()
