"""Alerts that say the same of several pods are one line, which names the pods."""

import pytest
from contracts_slack.card_lint import words

from contracts.slack.approval_card import approval_card
from contracts.slack.incident_card import incident_card
from contracts.views import AlertView
from tools.slack_story import OPEN, alert, asked, incident, view


def crash(pod: str, at: int = 6, status: str = "firing", label: str = "pod") -> AlertView:
    """A pod crashes."""
    known = {"summary": "Pod is crash looping.", "labels": {label: pod} if pod else {}}
    return alert(status=status, at=at).model_copy(update=known)


def told_of(*alerts: AlertView) -> str:
    """The message of the incident."""
    return words(incident_card(view(incident("open", alerts=alerts))).model_dump())


SLOW = alert("HighLatency", at=9).model_copy(update={"summary": "Logins are slow."})


@pytest.mark.parametrize("label", ["pod", "instance"])
def test_three_pods_are_one_line_that_names_them(label: str) -> None:
    """Three lines that read the same tell nobody which pods they mean."""
    told = told_of(SLOW, *(crash(pod, label=label) for pod in ("web-a", "web-b", "web-c")))
    assert told.count("KubePodCrashLooping") == 1
    assert "3 KubePodCrashLooping firing since " in told
    assert ": Pod is crash looping. (web-a, web-b and web-c)" in told
    assert "4 of 4 firing" in told


def test_the_question_folds_them_too() -> None:
    """And what is not shown is counted by alert, not by line."""
    alerts = (SLOW, crash("web-a"), crash("web-b"), alert("A"), alert("A", at=3))
    seen = view(OPEN.model_copy(update={"alerts": alerts}), asked())
    told = words(approval_card(seen, asked()).model_dump())
    assert "Pod is crash looping. (2 KubePodCrashLooping since : web-a and web-b)" in told
    assert "and 2 more alerts" in told


def test_many_pods_are_counted() -> None:
    """The page has all of them."""
    told = told_of(*(crash(f"web-{n}") for n in range(9)))
    assert "9 KubePodCrashLooping firing since " in told
    assert "(web-0, web-1, web-2 and 6 more)" in told


def test_without_a_pod_they_are_only_counted() -> None:
    """A rule may sum over all of them; the same one twice is named once."""
    assert "2 KubePodCrashLooping firing" in told_of(SLOW, crash(""), crash("", 5))
    assert "(web-a)" in told_of(SLOW, crash("web-a"), crash("web-a", 5))
    assert "(web-a)" not in told_of(SLOW, crash("web-a"))


def test_what_is_over_is_no_part_of_what_fires() -> None:
    """Each has its own line, and the resolved one comes last."""
    told = told_of(crash("web-a", status="resolved"), crash("web-b"))
    assert told.index("firing since") < told.index("KubePodCrashLooping resolved at ")
