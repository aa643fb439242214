"""Each guardrail alone: what it forbids, where its edge is, and what it tells the reader."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from contracts.calls import JudgeCall
from contracts.plan import Reason
from contracts.policy import Freeze, Limits
from contracts.target import Target
from guardrails import Attempt, Facts, Switch, judge

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
SHOP = Limits(namespaces=("shop",))

CallWith = Callable[..., JudgeCall]
FactsWith = Callable[..., Facts]


def ago(seconds: int, key: str = "inc-0/1/2", state: str = "done") -> Attempt:
    """An attempt that was settled so long ago."""
    return Attempt(key=key, state=state, at=NOW - timedelta(seconds=seconds))  # type: ignore[arg-type]  # a word of the test


def said(call: JudgeCall, facts: Facts) -> dict[str, Reason]:
    """What each rule said, by its name, leaving out what allows."""
    return {r.rule: r for r in judge(call, facts).reasons if r.ruling != "allow"}


def test_a_plain_plan_of_an_auto_runbook_is_allowed(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """With nothing against it, the verdict is Allow and says on what ground."""
    verdict = judge(call_with(), facts_with())
    assert verdict.ruling == "allow"
    assert [reason.rule for reason in verdict.reasons] == ["autonomy"]


def test_an_empty_allow_list_denies_every_namespace_and_says_so(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """An empty selection is a refusal, never everything."""
    reason = said(call_with(), facts_with(limits=Limits()))["namespaces"]
    assert reason.ruling == "deny"
    assert "an empty list means no namespace" in reason.text
    assert "[limits]" in reason.fix


def test_a_namespace_that_is_not_listed_is_denied(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """The list holds whole names: `shop-2` is not `shop`."""
    target = Target(cluster="default", namespace="shop-2", kind="Deployment", name="x")
    assert "allowed: shop" in said(call_with(target=target), facts_with())["namespaces"].text


def test_a_protected_namespace_is_denied_even_when_it_is_listed(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """The protection beats the allow-list."""
    target = Target(cluster="default", namespace="kube-system", kind="Deployment", name="dns")
    facts = facts_with(limits=Limits(namespaces=("kube-system",)))
    assert set(said(call_with(target=target), facts)) == {"protected_namespaces"}


def test_an_opted_out_workload_is_denied(call_with: CallWith, facts_with: FactsWith) -> None:
    """The annotation of its owners holds against every runbook."""
    assert set(said(call_with(opted_out=True), facts_with())) == {"opt_out"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"uid": ""}, "the uid"),
        ({"target": Target(cluster="c", namespace="", kind="Deployment", name="x")}, "a namespace"),
        ({"target": Target(cluster="c", namespace="shop", kind="Gateway", name="x")}, "a kind"),
        ({"target": Target(cluster="c", namespace="shop", kind="Node", name="x")}, "no namespace"),
    ],
)
def test_a_plan_needs_one_explicit_target(
    call_with: CallWith, facts_with: FactsWith, changes: dict[str, Any], words: str
) -> None:
    """A plan without an object that was found, or of a kind we do not know, is denied."""
    assert words in said(call_with(**changes), facts_with())["explicit_target"].text


@pytest.mark.parametrize(("seconds", "denied"), [(0, True), (899, True), (900, False)])
def test_a_target_rests_after_a_write(
    call_with: CallWith, facts_with: FactsWith, seconds: int, denied: bool
) -> None:
    """The cooldown ends exactly `cooldown_seconds` after the write."""
    assert ("cooldown" in said(call_with(), facts_with(attempts=(ago(seconds),)))) is denied


def test_a_write_from_a_clock_that_runs_ahead_counts_as_recent(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """Skew between two machines never ends a cooldown early."""
    assert "cooldown" in said(call_with(), facts_with(attempts=(ago(-30),)))


def test_the_cooldown_says_when_it_ends(call_with: CallWith, facts_with: FactsWith) -> None:
    """The reader learns until when to wait."""
    reason = said(call_with(), facts_with(attempts=(ago(300),)))["cooldown"]
    assert "03:10:00" in reason.fix


@pytest.mark.parametrize(
    ("states", "denied"),
    [
        (("done", "done"), True),
        (("done", "unknown"), True),
        (("done", "released"), False),
        (("done", "open"), False),
        (("done",), False),
    ],
)
def test_done_and_unknown_writes_use_up_the_budget(
    call_with: CallWith, facts_with: FactsWith, states: tuple[str, ...], denied: bool
) -> None:
    """What was released wrote nothing, and what is open is the lock's business."""
    past = tuple(ago(1800 + i, f"inc-0/{i}/2", state) for i, state in enumerate(states))
    assert ("attempts" in said(call_with(), facts_with(attempts=past))) is denied


@pytest.mark.parametrize(("seconds", "denied"), [(3599, True), (3600, False)])
def test_the_budget_forgets_after_its_window(
    call_with: CallWith, facts_with: FactsWith, seconds: int, denied: bool
) -> None:
    """A write leaves the budget exactly `attempts_window_seconds` later."""
    past = (ago(1000), ago(seconds, "inc-0/2/2"))
    assert ("attempts" in said(call_with(), facts_with(attempts=past))) is denied


def test_a_calls_own_attempt_never_counts_against_it(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """A repeated activity is the same attempt, not a second one."""
    mine = ago(1, key="inc-1/1/2")
    assert said(call_with(key="inc-1/1/2"), facts_with(attempts=(mine, mine))) == {}


@pytest.mark.parametrize(
    ("begins", "ends", "asked"),
    [(0, 60, True), (-60, 0, False), (1, 60, False), (-60, 1, True)],
)
def test_a_freeze_asks_from_its_first_to_before_its_last_moment(
    call_with: CallWith, facts_with: FactsWith, begins: int, ends: int, asked: bool
) -> None:
    """A freeze is half-open, and it is compared as a moment, whatever zone it is written in."""
    tokyo = timezone(timedelta(hours=9))
    freeze = Freeze(
        name="launch",
        begins=(NOW + timedelta(seconds=begins)).astimezone(tokyo),
        ends=(NOW + timedelta(seconds=ends)).astimezone(tokyo),
    )
    reason = said(call_with(), facts_with(freezes=(freeze,))).get("freeze")
    assert (reason is not None) is asked
    assert reason is None or reason.ruling == "ask"


@pytest.mark.parametrize(("namespace", "asked"), [("shop", True), ("bank", False)])
def test_a_freeze_of_some_namespaces_leaves_the_others_alone(
    call_with: CallWith, facts_with: FactsWith, namespace: str, asked: bool
) -> None:
    """Only a freeze without namespaces holds everywhere."""
    hour = timedelta(hours=1)
    freeze = Freeze(name="f", begins=NOW - hour, ends=NOW + hour, namespaces=(namespace,))
    assert ("freeze" in said(call_with(), facts_with(freezes=(freeze,)))) is asked


def test_a_kill_switch_denies_and_names_who_pulled_it(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """The reason is for the person who wonders at night why nothing happens."""
    facts = facts_with(switches=(Switch("namespace:shop", "ana", "migration"),))
    reason = said(call_with(), facts)["kill_switch"]
    assert reason.ruling == "deny"
    assert reason.text == "paused (namespace:shop by ana: migration)"


def test_an_observing_runbook_is_denied_and_says_what_it_would_do(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """`observe` plans, and the plan is in the text."""
    reason = said(call_with(), facts_with(autonomy="observe"))["autonomy"]
    assert reason.ruling == "deny"
    assert "roll user-auth back to revision 1" in reason.text


def test_an_asking_runbook_asks_those_who_may(call_with: CallWith, facts_with: FactsWith) -> None:
    """The verdict carries how many of which people must agree."""
    verdict = judge(call_with(), facts_with(autonomy="ask"))
    assert (verdict.ruling, verdict.needed, verdict.approvers) == ("ask", 1, ("ana", "ben"))


def test_a_dry_run_is_denied_with_what_it_would_do(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """A dry run is judged by all rules and never written."""
    reason = said(call_with(dry_run=True), facts_with())["dry_run"]
    assert "roll user-auth back to revision 1" in reason.text


def test_who_asked_for_the_run_may_not_approve_it(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """Four eyes: the requester is not among the approvers."""
    assert judge(call_with(actor="ana"), facts_with(autonomy="ask")).approvers == ("ben",)


@pytest.mark.parametrize(
    ("approvers", "needed", "denied"),
    [((), 1, True), (("ana",), 1, True), (("ana", "ben"), 1, False), (("ana", "ben"), 2, True)],
)
def test_a_question_that_too_few_may_answer_is_a_denial(
    call_with: CallWith,
    facts_with: FactsWith,
    approvers: tuple[str, ...],
    needed: int,
    denied: bool,
) -> None:
    """Ana asks for the run, so she does not count; nobody is left to wait for in vain."""
    limits = Limits(namespaces=("shop",), approvals_needed=needed)
    facts = facts_with(autonomy="ask", approvers=approvers, limits=limits)
    assert ("approvers" in said(call_with(actor="ana"), facts)) is denied


def test_an_auto_runbook_needs_no_approvers(call_with: CallWith, facts_with: FactsWith) -> None:
    """Without a question nobody has to be there to answer it."""
    assert judge(call_with(), facts_with(approvers=())).ruling == "allow"


def test_all_reasons_are_given_strictest_first(call_with: CallWith, facts_with: FactsWith) -> None:
    """A person sees everything that is in the way at once, denials on top."""
    facts = facts_with(limits=Limits(), autonomy="ask", attempts=(ago(1),))
    rulings = [reason.ruling for reason in judge(call_with(), facts).reasons]
    assert rulings == ["deny", "deny", "ask"]
