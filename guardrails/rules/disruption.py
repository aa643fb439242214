"""How much would stop serving: pods that go away at once, budgets, an outage, a lack of room."""

from contracts.calls import JudgeCall
from contracts.kubernetes import AWAITED_KINDS, AWAITED_MAX
from contracts.plan import Budget, Reason
from guardrails.facts import Facts
from guardrails.kinds import DRAIN, EVICT, EVICTIONS, ONE_POD, REMOVALS, SCALE
from guardrails.words import ask, deny, percent


def _lost(call: JudgeCall) -> int:
    """The ready pods that go away at once; all that are touched where nobody knows."""
    blast = call.plan.blast
    if blast.lost is not None:
        return blast.lost
    return max(blast.pods, 1) if call.plan.action in ONE_POD else blast.pods


def blast_radius(call: JudgeCall, facts: Facts) -> Reason | None:
    """What takes a large share of the ready pods away at once needs a person."""
    lost, ready, share = _lost(call), call.plan.blast.ready, facts.limits.blast_share_max
    if call.plan.action not in REMOVALS or lost <= ready * share:
        return None
    part = f", {percent(lost / ready)}" if ready else ""
    text = (
        f"{lost} of {ready} ready pods of {call.plan.target} would go away at once{part}; "
        f"at most {percent(share)} do without a question"
    )
    return ask("blast_radius", text, "Agree if the rest can carry the load.")


def ready_left(call: JudgeCall, facts: Facts) -> Reason | None:
    """A ready pod is not taken away when too few would be left to serve."""
    lost, ready, least = _lost(call), call.plan.blast.ready, facts.limits.ready_left_min
    if call.plan.action not in ONE_POD or lost <= 0 or ready - lost >= least:
        return None
    left = max(0, ready - lost)
    text = f"{left} of {ready} ready pods of {call.plan.target} would be left; at least {least}"
    return deny("ready_left", text, "Scale it up first, or do it by hand.")


def drained_workloads(call: JudgeCall, _facts: Facts) -> Reason | None:
    """What moves more workloads than a runbook waits for afterwards needs a person to look."""
    if call.plan.action != DRAIN:
        return None
    awaited = [f"/{kind}/" for kind in AWAITED_KINDS]
    moved = [key for key in call.plan.also_locks if any(kind in key for kind in awaited)]
    if len(moved) <= AWAITED_MAX:
        return None
    text = (
        f"{call.plan.target} has pods of {len(moved)} workloads, and only {AWAITED_MAX} of them "
        "are looked at afterwards"
    )
    return ask("drained_workloads", text, "Agree if somebody looks whether the rest gets ready.")


def outage(call: JudgeCall, _facts: Facts) -> Reason | None:
    """What nothing serves meanwhile is never begun without a person."""
    why = call.plan.around.outage
    if not why:
        return None
    text = f"nothing of {call.plan.target} would serve meanwhile: {why}"
    return ask("outage", text, "Agree if it serves nobody now anyway, or users can wait.")


def _told(budget: Budget) -> str:
    return (
        f"{budget.name} allows {budget.allowed} ({budget.healthy} healthy, {budget.desired} needed)"
    )


def _permits(call: JudgeCall, budget: Budget) -> bool:
    # A pod that is not ready may go while the others hold the budget (IfHealthyBudget).
    others_hold = budget.healthy >= budget.desired > 0
    return budget.allowed > 0 or (call.plan.blast.lost == 0 and others_hold)


def disruption_budget(call: JudgeCall, _facts: Facts) -> Reason | None:
    """An eviction that a budget forbids is not tried, nor a way around the budget taken."""
    plan = call.plan
    budgets = plan.around.budgets
    if plan.action == EVICT and len(budgets) > 1:
        names = ", ".join(budget.name for budget in budgets)
        text = f"{len(budgets)} disruption budgets select the pod ({names}): no eviction can pass"
        return deny("disruption_budget", text, "Have their owners leave one of them.")
    if plan.action in EVICTIONS:
        spent = [b for b in budgets if not _permits(call, b)]
        if not spent or plan.around.dry_run == "accepted":
            return None
        text = f"no disruption is allowed now: {', '.join(map(_told, spent))}"
        return deny("disruption_budget", text, "Get its other pods healthy, or scale it up first.")
    over = [b for b in budgets if plan.action in REMOVALS and _lost(call) > max(0, b.allowed)]
    if not over:
        return None
    text = f"{_lost(call)} ready pods would go at once: {', '.join(map(_told, over))}"
    return ask("disruption_budget", text, "Agree if the service can bear it.")


def capacity(call: JudgeCall, _facts: Facts) -> Reason | None:
    """Pods that a quota or the nodes have no room for would not start."""
    lacking = call.plan.around.short_of
    if not lacking:
        return None
    text = f"{call.plan.target} has no room for new pods: {lacking}"
    if call.plan.action == SCALE:
        return deny("capacity", text, "Raise the quota or add nodes, or scale less far.")
    return ask("capacity", text, "Agree only if the old pods go first.")
