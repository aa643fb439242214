"""Who has agreed, and who has said stop: switches, freezes, autonomy, and earlier consent."""

import json

from contracts.calls import JudgeCall
from contracts.plan import CHANGES, Reason
from contracts.policy import Freeze
from contracts.step import Changed, Receipt
from guardrails.facts import Facts, Write, namespace_of
from guardrails.kinds import RESTORE
from guardrails.words import allow, ask, deny

KILL_SWITCH = "kill_switch"


def kill_switch(_call: JudgeCall, facts: Facts) -> Reason | None:
    """Nothing is written while a switch that concerns the plan is on."""
    if not facts.switches:
        return None
    on = "; ".join(f"{s.scope} by {s.person}: {s.reason}" for s in facts.switches)
    return deny(KILL_SWITCH, f"paused ({on})", "Resume with `firebreak resume` when it is safe.")


def dry_run(call: JudgeCall, _facts: Facts) -> Reason | None:
    """A dry run is planned and judged like any other, and never written."""
    if not call.dry_run:
        return None
    fix = "Run it again without --dry-run to do it."
    return deny("dry_run", f"dry run; it would do this: {call.plan.summary}", fix)


def restores(call: JudgeCall, facts: Facts) -> Reason | None:
    """What takes an own write back was agreed to with that write, if there was one."""
    wanted = call.plan.restores
    if not wanted:
        return None
    if takes_back(call, facts):
        return allow("restores", f"it takes back {wanted}, and was agreed to with it")
    text = (
        f"nothing proves that {wanted} was written to {call.plan.target} in {call.incident}, "
        "changed just these fields, and took no other write back"
    )
    return deny("restores", text, "Take it back by hand, if it is still there.")


def takes_back(call: JudgeCall, facts: Facts) -> bool:
    """Whether the plan provably undoes a write of the same incident to the same object. To undo
    what undid a write is to do that write again, and nobody agreed to it twice.
    """
    undone = facts.undoes
    return (
        bool(call.plan.restores)
        and undone is not None
        and call.plan.action == RESTORE
        and undone.key == call.plan.restores
        and undone.action != RESTORE
        and not undone.restores
        and undone.state in ("done", "unknown")
        and undone.incident == call.incident
        and call.plan.target.key in undone.lock_keys
        and (facts.receipt is None or _agrees(call, undone, facts.receipt))
    )


def _agrees(call: JudgeCall, undone: Write, receipt: Receipt) -> bool:
    # The plan was made from a receipt that the runbook handed in; the books have the true one.
    pinned = json.loads(call.plan.pins.get(CHANGES, "[]"))
    back = (Changed.model_validate(change) for change in pinned)
    done = (c.model_copy(update={"before": c.after, "after": c.before}) for c in back)
    same = (receipt.target, receipt.action) == (call.plan.target, undone.action)
    return same and all(change in receipt.changed for change in done)


def _covers(window: Freeze, call: JudgeCall, facts: Facts) -> bool:
    touched = {namespace_of(key) for key in call.plan.lock_keys if "/" in key}
    everywhere = not window.namespaces or bool(touched & set(window.namespaces))
    return everywhere and window.begins <= facts.now < window.ends


def freeze(call: JudgeCall, facts: Facts) -> Reason | None:
    """During a freeze a person must agree to every write."""
    active = [window for window in facts.freezes if _covers(window, call, facts)]
    if not active:
        return None
    until = "; ".join(f"{f.name} until {f.ends:%Y-%m-%d %H:%M %Z}" for f in active)
    return ask("freeze", f"change freeze: {until}", "Wait for its end if the harm can wait.")


def autonomy(call: JudgeCall, facts: Facts) -> Reason:
    """How far this runbook may go alone."""
    summary = call.plan.summary
    if facts.autonomy == "observe":
        fix = f'Set autonomy = "ask" under [runbooks.{call.runbook}] in firebreak.toml.'
        return deny("autonomy", f"{call.runbook} only observes; it would do this: {summary}", fix)
    if facts.autonomy == "auto":
        return allow("autonomy", f"{call.runbook} may write by itself")
    return ask("autonomy", f"{call.runbook} asks before it writes", "Answer the question.")
