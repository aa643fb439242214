"""The approval gate: one question, its quorum, its deadline, and who may answer.

A plain object that a runbook holds. It never does I/O; the runbook records what it says.
Everything a handler touches exists before `run` starts, because an update may come first.
"""

from datetime import datetime

from contracts.approval import Approval, ApprovalState, Decision, Stage, Vote
from contracts.case import NOBODY
from contracts.errors import (
    AlreadyDecided,
    Expired,
    NotAllowed,
    PlanChanged,
    ReasonMissing,
    Stop,
)
from contracts.groups import approver_labels, is_group


class Gate:
    """Answers are bound to the plan's digest and come from distinct people; the requester may only
    withdraw, which is a denial. The first denial closes it, approvals close it when there are
    enough.
    """

    def __init__(self, approval: Approval) -> None:
        self.approval = approval

    @property
    def is_open(self) -> bool:
        """Whether answers still count."""
        return self.approval.state == "open"

    def has_news(self, votes_known: int) -> bool:
        """Whether it closed, or somebody has voted beyond the votes that are known."""
        return not self.is_open or len(self.approval.votes) > votes_known

    def check(self, decision: Decision, now: datetime) -> None:
        """Raise the refusal that `decision` meets at `now`, if any."""
        asked = self.approval
        self._check_open(now)
        if decision.digest is not None and decision.digest != asked.plan.digest:
            raise PlanChanged("this is not the plan you looked at")
        if not (self._withdraws(decision) or self._may(decision)):
            raise self._not_allowed(decision.person)
        if decision.decision == "deny" and not decision.reason.strip():
            raise ReasonMissing("a denial needs a reason")
        if decision.decision == "approve" and decision.person in self._agreed():
            missing = asked.needed - len(self._agreed())
            raise AlreadyDecided(f"you have approved already; {missing} more must agree")

    def _withdraws(self, decision: Decision) -> bool:
        """Whether somebody no longer wants what they have asked for: that only prevents."""
        return decision.decision == "deny" and decision.person == self.approval.requester != NOBODY

    def _may(self, decision: Decision) -> bool:
        """Whether the person is named, or in a named group as the door knows it now, and has not
        asked for it.
        """
        if decision.person == self.approval.requester:
            return False
        groups = (group for group in decision.groups if is_group(group))
        return any(who in self.approval.approvers for who in (decision.person, *groups))

    def _check_open(self, now: datetime) -> None:
        state = self.approval.state
        if state == "void":
            raise PlanChanged("this question no longer stands: the case has moved on")
        if state == "expired" or (state == "open" and now >= self.approval.expires_at):
            raise Expired(f"the time to answer ended at {self.approval.expires_at:%H:%M:%S} UTC")
        if state != "open":
            last = self.approval.votes[-1]
            raise AlreadyDecided(f"{state} by {last.person} at {last.at:%H:%M:%S} UTC")

    def _not_allowed(self, person: str) -> Stop:
        if person == self.approval.requester:
            return NotAllowed("who asked for a run may withdraw it, and not approve it")
        may = approver_labels(self.approval.approvers)
        return NotAllowed(f"only {may} may decide this")

    def _agreed(self) -> set[str]:
        return {vote.person for vote in self.approval.votes if vote.decision == "approve"}

    def add(self, decision: Decision, now: datetime) -> Approval:
        """Count a decision that `check` let pass."""
        said = decision.model_dump(include={"person", "decision", "reason", "via"})
        vote = Vote(**said, at=now)
        self.approval = self.approval.model_copy(update={"votes": (*self.approval.votes, vote)})
        if decision.decision == "deny":
            return self.close("denied")
        if len(self._agreed()) >= self.approval.needed:
            return self.close("approved")
        return self.approval

    def call(self, stage: Stage) -> Approval:
        """Note how loudly people have been asked by now."""
        self.approval = self.approval.model_copy(update={"stage": stage})
        return self.approval

    def close(self, state: ApprovalState) -> Approval:
        """End the question; later answers are refused."""
        self.approval = self.approval.model_copy(update={"state": state})
        return self.approval
