"""Joins the rules into one verdict: Deny beats Ask beats Allow, and a question needs answerers."""

from collections.abc import Iterator

from contracts.calls import JudgeCall
from contracts.groups import approver_labels, group_label
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
    people = tuple(person for person in facts.people if person != call.actor)
    if any(reason.ruling == "ask" for reason in reasons):
        reasons += _answerable(call, facts, people)
    reasons.sort(key=lambda reason: _STRICT_FIRST.index(reason.ruling))
    return Verdict(
        ruling=reasons[0].ruling,
        reasons=tuple(reasons),
        needed=facts.limits.approvals_needed,
        approvers=tuple(a for a in facts.approvers if a != call.actor),
        people=people,
    )


def over_the_limits(call: JudgeCall, facts: Facts) -> tuple[Reason, ...]:
    """What the counted rules say, for the transaction that takes the lock; empty for room left."""
    if takes_back(call, facts):
        return ()
    return tuple(reason for rule in COUNTED if (reason := rule(call, facts)))


def _answerable(call: JudgeCall, facts: Facts, people: tuple[str, ...]) -> Iterator[Reason]:
    """Whether enough people may answer, and which groups of them are unknown now."""
    if facts.unread:
        why = "; ".join(f"{group_label(group)} ({why})" for group, why in facts.unread)
        text = f"who is in these groups is not known now, so they may not answer: {why}"
        fix = "See `firebreak doctor`; name a person as approver beside a group."
        yield Reason(rule=APPROVERS, ruling="allow", text=text, fix=fix)
    if len(people) < facts.limits.approvals_needed:
        yield _too_few(call, facts, people)


def _too_few(call: JudgeCall, facts: Facts, people: tuple[str, ...]) -> Reason:
    needed = facts.limits.approvals_needed
    services = list(dict.fromkeys(filter(None, (call.service, *(n for n, _ in facts.services)))))
    whom = " and ".join(services)
    may = f"only {', '.join(people)} may" if people else "nobody may"
    empty = [group for group, members in facts.members.items() if not members]
    may += f" (nobody is in {approver_labels(empty)} now)" if empty else ""
    asked = f" (besides {call.actor}, who asked)" if call.actor in facts.people else ""
    text = f"{needed} must approve{f' for {whom}' if whom else ''}, but {may}{asked}"
    fix = "Add responders under [[people]], or lower approvals_needed, in firebreak.toml."
    if services:
        each = "each of " if services[1:] else ""
        fix = f"Under [[services]], name as `approvers` of {each}{whom} people who may; {fix}"
    return deny(APPROVERS, text, fix)
