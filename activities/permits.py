"""Whether a reservation may be given: by the verdict alone, or by an answer that still counts."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from contracts.approval import Approval
from contracts.calls import ReserveCall
from contracts.errors import Paused, PlanChanged, Refused
from contracts.plan import Reason, Verdict
from guardrails.rules.consent import KILL_SWITCH

# How long after its question closed an approval may still be acted on.
APPROVAL_LATE_SECONDS_MAX = 300


def refusal(denials: Sequence[Reason]) -> Refused:
    """The error that says each rule, its figures, and what a person may do."""
    text = "; ".join(f"{reason.text} [{reason.rule}]" for reason in denials)
    fix = " ".join(dict.fromkeys(reason.fix for reason in denials))
    paused = all(reason.rule == KILL_SWITCH for reason in denials)
    return (Paused if paused else Refused)(text, fix)


def check_permitted(call: ReserveCall, verdict: Verdict, now: datetime) -> None:
    """Raise unless the verdict allows, or asks and was answered by enough of the right people.

    What was allowed when it was planned, and is to be asked by now, is not refused: `PlanChanged`
    lets people be asked.
    """
    if verdict.denials:
        raise refusal(verdict.denials)
    if verdict.ruling == "ask":
        _check_answered(call, verdict, now)


def _check_answered(call: ReserveCall, verdict: Verdict, now: datetime) -> None:
    approval, wanted = call.approval, call.judge
    if approval is None:
        texts = "; ".join(reason.text for reason in verdict.reasons if reason.ruling == "ask")
        raise PlanChanged(f"it was allowed, and a person must agree by now: {texts}")
    if approval.plan.digest != wanted.plan.digest:
        raise PlanChanged("what was approved is not what would be written now")
    if (approval.incident, approval.runbook) != (wanted.incident, wanted.runbook):
        raise Refused(f"{approval.id} was given to {approval.runbook} in {approval.incident}")
    if approval.state != "approved":
        raise Refused(f"{approval.id} is {approval.state}, not approved")
    if now - approval.expires_at > timedelta(seconds=APPROVAL_LATE_SECONDS_MAX):
        raise PlanChanged("the approval is too old to act on")
    valid = valid_voters(approval, verdict)
    if len(valid) < verdict.needed:
        who = ", ".join(sorted(valid)) or "nobody"
        fix = "Ask again: the policy, or who is on call, changed after the answer."
        raise Refused(f"{verdict.needed} must agree; of those who may, {who} did", fix)


def valid_voters(approval: Approval, verdict: Verdict) -> set[str]:
    """Who agreed in time and may still approve: by today's policy, and as a member of a group by
    who is in it now; never the requester.
    """
    return {
        vote.person
        for vote in approval.votes
        if vote.decision == "approve"
        and vote.at <= approval.expires_at
        and vote.person in (*verdict.approvers, *verdict.people)
        and vote.person != approval.requester
    }
