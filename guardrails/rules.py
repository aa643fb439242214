"""The guardrails, one function each: a plan and the facts in, a reason or nothing out.

Each is named as its reasons are. A rule never looks at another rule's answer and never loosens
one; `judge` joins them. Every text carries the figures it was decided on, because a person reads
it in the middle of the night.
"""

from collections.abc import Callable
from datetime import timedelta

from contracts.calls import JudgeCall
from contracts.plan import Reason
from contracts.policy import Freeze
from contracts.target import KINDS
from guardrails.facts import Attempt, Facts

Rule = Callable[[JudgeCall, Facts], Reason | None]

KILL_SWITCH = "kill_switch"
# A reservation that was released wrote nothing; one that is still open belongs to the lock.
_COUNTED = ("done", "unknown")


def _deny(rule: str, text: str, fix: str) -> Reason:
    return Reason(rule=rule, ruling="deny", text=text, fix=fix)


def kill_switch(_call: JudgeCall, facts: Facts) -> Reason | None:
    """Nothing is written while a switch that concerns the plan is on."""
    if not facts.switches:
        return None
    on = "; ".join(f"{s.scope} by {s.person}: {s.reason}" for s in facts.switches)
    return _deny(KILL_SWITCH, f"paused ({on})", "Resume with `firebreak resume` when it is safe.")


def explicit_target(call: JudgeCall, _facts: Facts) -> Reason | None:
    """The plan is about one object that was found: a known kind, a name, a uid, a namespace."""
    target = call.plan.target
    missing = [
        what
        for what, there in (
            ("a kind Firebreak knows", target.kind in KINDS),
            ("the uid of the object", bool(call.plan.uid)),
            ("a namespace", bool(target.namespace) or target.kind == "Node"),
        )
        if not there
    ]
    if not missing:
        return None
    fix = "Name exactly one workload; nothing is ever done to a selection."
    return _deny("explicit_target", f"{target} lacks {' and '.join(missing)}", fix)


def namespaces(call: JudgeCall, facts: Facts) -> Reason | None:
    """Only listed namespaces are touched; an empty list allows none."""
    namespace, allowed = call.plan.target.namespace, facts.limits.namespaces
    if namespace in allowed:
        return None
    listed = ", ".join(allowed) or "none; an empty list means no namespace, never every one"
    fix = f"Add '{namespace}' to `namespaces` under [limits] in firebreak.toml to allow it."
    return _deny("namespaces", f"namespace '{namespace}' is not allowed (allowed: {listed})", fix)


def protected_namespaces(call: JudgeCall, facts: Facts) -> Reason | None:
    """Protected namespaces are out of bounds even when they are listed as allowed."""
    namespace = call.plan.target.namespace
    if namespace not in facts.limits.protected_namespaces:
        return None
    text = f"namespace '{namespace}' is protected"
    return _deny("protected_namespaces", text, "Handle it by hand.")


def opt_out(call: JudgeCall, _facts: Facts) -> Reason | None:
    """The workload's owners can keep Firebreak away with an annotation."""
    if not call.plan.opted_out:
        return None
    text = f"{call.plan.target} carries the opt-out annotation"
    return _deny("opt_out", text, "Handle it by hand, or ask its owners to take it off.")


def _counted(call: JudgeCall, facts: Facts, within_seconds: int) -> list[Attempt]:
    since = facts.now - timedelta(seconds=within_seconds)
    return [
        attempt
        for attempt in facts.attempts
        if attempt.key != call.key and attempt.state in _COUNTED and attempt.at > since
    ]


def cooldown(call: JudgeCall, facts: Facts) -> Reason | None:
    """After a write the target is left alone for a while."""
    seconds = facts.limits.cooldown_seconds
    recent = _counted(call, facts, seconds)
    if not recent:
        return None
    last = max(attempt.at for attempt in recent)
    over = last + timedelta(seconds=seconds)
    text = f"{call.plan.target} was written to at {last:%H:%M:%S} UTC; it rests {seconds} s"
    return _deny("cooldown", text, f"Wait until {over:%Y-%m-%d %H:%M:%S} UTC, or do it by hand.")


def attempts(call: JudgeCall, facts: Facts) -> Reason | None:
    """What did not help a few times will not help once more; a person has to look."""
    limits = facts.limits
    used = len(_counted(call, facts, limits.attempts_window_seconds))
    if used < limits.attempts_max:
        return None
    text = (
        f"{call.plan.target} had {used} attempts in the last "
        f"{limits.attempts_window_seconds} s; at most {limits.attempts_max} are made"
    )
    return _deny("attempts", text, "Find the cause by hand; healing is not fixing.")


def _covers(window: Freeze, call: JudgeCall, facts: Facts) -> bool:
    everywhere = not window.namespaces or call.plan.target.namespace in window.namespaces
    return everywhere and window.begins <= facts.now < window.ends


def freeze(call: JudgeCall, facts: Facts) -> Reason | None:
    """During a freeze a person must agree to every write."""
    active = [window for window in facts.freezes if _covers(window, call, facts)]
    if not active:
        return None
    until = "; ".join(f"{f.name} until {f.ends:%Y-%m-%d %H:%M %Z}" for f in active)
    return Reason(rule="freeze", ruling="ask", text=f"change freeze: {until}")


def dry_run(call: JudgeCall, _facts: Facts) -> Reason | None:
    """A dry run is planned and judged like any other, and never written."""
    if not call.dry_run:
        return None
    fix = "Run it again without --dry-run to do it."
    return _deny("dry_run", f"dry run; it would do this: {call.plan.summary}", fix)


def autonomy(call: JudgeCall, facts: Facts) -> Reason | None:
    """How far this runbook may go alone."""
    summary = call.plan.summary
    if facts.autonomy == "observe":
        fix = f'Set autonomy = "ask" under [runbooks.{call.runbook}] in firebreak.toml.'
        return _deny("autonomy", f"{call.runbook} only observes; it would do this: {summary}", fix)
    text = f"{call.runbook} asks before it writes"
    if facts.autonomy == "auto":
        text = f"{call.runbook} may write by itself"
    ruling = "allow" if facts.autonomy == "auto" else "ask"
    return Reason.model_validate({"rule": "autonomy", "ruling": ruling, "text": text})


RULES: tuple[Rule, ...] = (
    kill_switch,
    explicit_target,
    namespaces,
    protected_namespaces,
    opt_out,
    cooldown,
    attempts,
    dry_run,
    freeze,
    autonomy,
)
