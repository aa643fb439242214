"""What the target's own past says: it rests after a write, is not tried for ever, and a runbook
that failed or that heals again and again no longer goes alone.
"""

from datetime import timedelta

from contracts.calls import JudgeCall
from contracts.plan import Reason
from contracts.words import counted
from guardrails.facts import Attempt, Facts, Verified
from guardrails.words import ask, deny

CHRONIC = "chronic"
# A reservation that was released wrote nothing; one that is still open belongs to the lock.
_COUNTED = ("done", "unknown")


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
    return deny("cooldown", text, f"Wait until {over:%Y-%m-%d %H:%M:%S} UTC, or do it by hand.")


def attempts(call: JudgeCall, facts: Facts) -> Reason | None:
    """What did not help a few times will not help once more; a person has to look."""
    limits = facts.limits
    used = len(_counted(call, facts, limits.attempts_window_seconds))
    if used < limits.attempts_max:
        return None
    text = (
        f"{call.plan.target} had {counted(used, 'attempt')} in the last "
        f"{limits.attempts_window_seconds} s; at most {limits.attempts_max} are made"
    )
    return deny("attempts", text, "Find the cause by hand; healing is not fixing.")


def _lately(facts: Facts, days: int) -> list[Verified]:
    since = facts.now - timedelta(days=days)
    return sorted((v for v in facts.verified if v.at > since), key=lambda seen: seen.at)


def failed_verification(call: JudgeCall, facts: Facts) -> Reason | None:
    """After one failed verification the runbook asks on this target, until a run that a person
    agreed to has helped.
    """
    days = facts.limits.failed_verification_days
    failed = None
    for seen in _lately(facts, days):
        if not seen.ok:
            failed = seen
        elif seen.approved:
            failed = None
    if failed is None:
        return None
    text = (
        f"{call.runbook} did not help {call.plan.target} at {failed.at:%Y-%m-%d %H:%M:%S} UTC; "
        f"it asks for {days} days, or until a run that a person agreed to helps"
    )
    fix = "Read what was verified then; agree only if this time is different."
    return ask("failed_verification", text, fix)


def chronic(call: JudgeCall, facts: Facts) -> Reason | None:
    """What heals the same target again and again hides a fault that its owners must mend."""
    limits = facts.limits
    healed = {seen.run for seen in _lately(facts, limits.chronic_days) if seen.ok}
    if len(healed) < limits.chronic_heals_max:
        return None
    owner = facts.upstream or f"the owners of {call.service or call.plan.target}"
    text = (
        f"{call.runbook} healed {call.plan.target} {counted(len(healed), 'time')} in "
        f"{limits.chronic_days} days; from {limits.chronic_heals_max} on it asks"
    )
    return ask(CHRONIC, text, f"Tell {owner}: healing is not fixing.")
