"""Which runbook is chosen for which alerts, and what is said when none is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from activities.catalogue import CatalogueActivities
from contracts.alert import Alert
from contracts.approval import Pages
from contracts.calls import MatchCall
from contracts.matching import Trigger, parse_matcher
from contracts.policy import IncidentRules, Policy, RunbookPolicy, Service
from contracts.target import Target

TARGET = Target(cluster="default", namespace="shop", kind="Deployment", name="user-auth")
POLICY = Policy(
    services=(
        Service.model_validate(
            {"name": "user-auth", "matchers": ['service="user-auth"'], "team": "identity"}
        ),
        Service(name="by-target", target=TARGET, team="shop"),
    ),
    incident=IncidentRules(quiet_seconds=7),
)


def trigger(*matchers: str, weight: int = 0) -> Trigger:
    """A trigger in Alertmanager's syntax."""
    return Trigger(matchers=tuple(map(parse_matcher, matchers)), weight=weight)


def alert(name: str = "HighLatency", status: str = "firing", **labels: str) -> Alert:
    """An alert with these labels beside its name."""
    return Alert.model_validate(
        {
            "source": "am",
            "fingerprint": name,
            "status": status,
            "name": name,
            "labels": labels,
            "starts_at": datetime(2026, 11, 21, tzinfo=UTC),
        }
    )


def matched(
    call: dict[str, Any], *, policy: Policy = POLICY, **triggers: tuple[Trigger, ...]
) -> tuple[str | None, str]:
    """The runbook and the reason."""
    catalogue = CatalogueActivities(policy, triggers, messenger=False)
    found = catalogue.match(
        MatchCall.model_validate({"incident": "inc-1", "target": TARGET} | call)
    )
    return found.runbook, found.reason


LATENCY = (trigger('alertname="HighLatency"'),)
CRITICAL = (trigger('alertname="HighLatency"', 'severity="critical"', weight=5),)


def test_the_runbook_whose_trigger_holds_is_chosen() -> None:
    """Also for senders that give a name and no `alertname` label."""
    runbook, reason = matched({"alerts": (alert(),)}, Restart=LATENCY)
    assert runbook == "Restart"
    assert reason == "Restart matches HighLatency with weight 0"


def test_a_runbook_that_only_observes_never_takes_the_place_of_one_that_acts() -> None:
    """However heavy it is: nobody would heal the workload meanwhile."""
    policy = POLICY.knowing(["Restart"])
    call = {"alerts": (alert(severity="critical"),)}
    runbook, reason = matched(call, policy=policy, Restart=LATENCY, Brand_new=CRITICAL)
    assert runbook == "Restart"
    assert reason == "Restart matches HighLatency with weight 0; Brand_new only observes"
    said = {"Brand_new": RunbookPolicy(services={"by-target": "ask"})}
    here = policy.model_copy(update={"runbooks": policy.runbooks | said})
    assert matched(call, policy=here, Restart=LATENCY, Brand_new=CRITICAL)[0] == "Brand_new"


def test_where_nothing_acts_the_heaviest_observes() -> None:
    """So that its page shows what it would have done."""
    call = {"alerts": (alert(severity="critical"),)}
    assert matched(call, Restart=LATENCY, Brand_new=CRITICAL)[0] == "Brand_new"


def test_the_heaviest_trigger_wins() -> None:
    """A closer description beats a wider one."""
    call = {"alerts": (alert(severity="critical"),)}
    assert matched(call, Restart=LATENCY, Rollback=CRITICAL)[0] == "Rollback"


def test_all_firing_alerts_are_looked_at() -> None:
    """The decisive alert need not be the first of the incident."""
    call = {"alerts": (alert("PodCrash"), alert(severity="critical"))}
    assert matched(call, Restart=LATENCY, Rollback=CRITICAL)[0] == "Rollback"


def test_resolved_alerts_start_nothing() -> None:
    """Only what fires needs a runbook."""
    call = {"alerts": (alert(status="resolved"),)}
    assert matched(call, Restart=LATENCY) == (None, "no alert is firing")


def test_a_tie_is_refused_and_names_both() -> None:
    """Between two, a person decides, not the alphabet."""
    runbook, reason = matched({"alerts": (alert(),)}, Restart=LATENCY, Rollback=LATENCY)
    assert runbook is None
    assert reason == "Restart and Rollback match with the same weight 0; give one more"


def test_two_triggers_of_one_runbook_are_no_tie() -> None:
    """Alternatives of one class compete with nobody."""
    assert matched({"alerts": (alert(),)}, Restart=LATENCY * 2)[0] == "Restart"


def test_no_match_says_what_each_runbook_would_want() -> None:
    """The author of a trigger sees the first matcher that missed."""
    runbook, reason = matched({"alerts": (alert(),)}, Rollback=CRITICAL)
    assert runbook is None
    assert reason == 'no runbook matches HighLatency: Rollback wants severity="critical"'


def test_a_named_runbook_is_taken_as_asked() -> None:
    """A person needs no trigger and no alert."""
    assert matched({"runbook": "Restart"}, Restart=()) == ("Restart", "asked for by name")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    """A typing mistake is seen at once."""
    runbook, reason = matched({"runbook": "Restat"}, Restart=(), Rollback=())
    assert runbook is None
    assert reason == "there is no runbook 'Restat' (known: Restart, Rollback)"


@pytest.mark.parametrize("call", [{"runbook": "Restart"}, {"alerts": (alert(),)}])
def test_without_a_target_no_runbook_starts(call: dict[str, Any]) -> None:
    """A runbook acts on exactly one workload, or not at all."""
    runbook, reason = matched(call | {"target": None}, Restart=LATENCY)
    assert runbook is None
    assert "no workload is known" in reason


@pytest.mark.parametrize(
    ("call", "service", "team"),
    [
        ({"target": TARGET}, "by-target", "shop"),
        (
            {"target": None, "alerts": (alert(), alert(service="user-auth"))},
            "user-auth",
            "identity",
        ),
        ({"target": None, "alerts": (alert(),)}, "", ""),
    ],
)
def test_the_service_is_found_by_target_or_labels(
    call: dict[str, Any], service: str, team: str
) -> None:
    """With or without a runbook the incident belongs to somebody."""
    catalogue = CatalogueActivities(POLICY, {}, messenger=False)
    found = catalogue.match(MatchCall.model_validate({"incident": "inc-1"} | call))
    assert (found.service, found.team) == (service, team)


def test_a_service_that_the_door_named_is_kept() -> None:
    """The door may know it from the sender where labels do not tell."""
    named = alert().model_copy(update={"service": "user-auth"})
    catalogue = CatalogueActivities(POLICY, {}, messenger=False)
    assert catalogue.match(MatchCall(incident="inc-1", alerts=(named,))).team == "identity"


def test_the_answer_carries_the_times_and_whether_somebody_listens() -> None:
    """All are recorded with the match, so that a later change leaves this incident alone."""
    pages = Pages(people=("ana",))
    catalogue = CatalogueActivities(POLICY, {}, messenger=True, pages=pages)
    found = catalogue.match(MatchCall(incident="inc-1"))
    assert (found.rules.quiet_seconds, found.messenger, found.pages) == (7, True, pages)
