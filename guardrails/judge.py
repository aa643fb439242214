"""Joins the rules into one verdict: Deny beats Ask beats Allow, and a question needs answerers."""

from contracts.calls import JudgeCall
from contracts.plan import Reason, Ruling, Verdict
from guardrails.facts import Facts
from guardrails.rules import ALWAYS, APPROVERS, COUNTED, RULES
from guardrails.rules.consent import takes_back
from guardrails.words import deny

_STRICT_FIRST: tuple[Ruling, ...] = ("deny", "ask", "allow")


def judge(call: JudgeCall, facts: Facts) -> Verdict:
    """The verdict on a plan, its reasons strictest first.

    Who asked for the run never approves it. A question that too few people may answer is a denial
    now, not an expiry in a quarter of an hour. What provably takes an own write back is only held
    to the rules that hold for every write.
    """
    rules = ALWAYS if takes_back(call, facts) else RULES
    reasons = [reason for rule in rules if (reason := rule(call, facts))]
    approvers = tuple(person for person in facts.approvers if person != call.actor)
    needed = facts.limits.approvals_needed
    if any(reason.ruling == "ask" for reason in reasons) and len(approvers) < needed:
        reasons.append(_too_few(call, approvers, needed))
    reasons.sort(key=lambda reason: _STRICT_FIRST.index(reason.ruling))
    return Verdict(
        ruling=reasons[0].ruling, reasons=tuple(reasons), needed=needed, approvers=approvers
    )


def over_the_limits(call: JudgeCall, facts: Facts) -> tuple[Reason, ...]:
    """What the counted rules say, for the transaction that takes the lock; empty for room left."""
    if takes_back(call, facts):
        return ()
    return tuple(reason for rule in COUNTED if (reason := rule(call, facts)))


def _too_few(call: JudgeCall, approvers: tuple[str, ...], needed: int) -> Reason:
    who = ", ".join(approvers) or "nobody"
    text = f"{needed} must approve, but only {who} may (besides {call.actor}, who asked)"
    fix = "Add responders under [[people]], or lower approvals_needed, in firebreak.toml."
    return deny(APPROVERS, text, fix)
