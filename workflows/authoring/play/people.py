"""The people of a play: they answer questions as the script says, and nothing else."""

from collections.abc import Sequence
from typing import Literal, get_args

from contracts.approval import Approval, Decision
from workflows.authoring.play.answers import label, short
from workflows.authoring.play.transcript import Transcript, duration, listed
from workflows.authoring.play.troubles import BadScript

Answer = Literal["approve", "deny", "silence"]
REASON = "the script says no"


class People:
    """Follows every question that the journal is told of, and keeps its line up to date."""

    def __init__(self, answer: Answer | Sequence[Answer], transcript: Transcript) -> None:
        """Raises BadScript when an answer is none of the three."""
        self._answers = [answer] if isinstance(answer, str) else list(answer) or ["silence"]
        for each in self._answers:
            if each not in get_args(Answer):
                fix = f"Write one of {', '.join(get_args(Answer))}."
                raise BadScript(f"nobody can answer '{each}'", fix)
        self._transcript = transcript
        self._asked: dict[str, Approval] = {}
        self._places: dict[str, int] = {}
        self._said: set[str] = set()
        self._refusals: dict[str, str] = {}

    def note(self, approval: Approval, why: str) -> None:
        """Take note of a question, or of how it stands now; `why` says why it is void."""
        if approval.id not in self._places:
            self._places[approval.id] = self._transcript.ask(short(approval.plan.action), "")
        self._asked[approval.id] = approval
        self._tell(approval, why)

    def next_decision(self) -> Decision | None:
        """The next thing that anybody says to an open question; None when all keep silent."""
        for number, approval in enumerate(self._asked.values()):
            answer = self._answers[min(number, len(self._answers) - 1)]
            if approval.state != "open" or answer == "silence":
                continue
            for person in (p for p in approval.approvers if p != approval.requester):
                decision = _decision(approval, person, answer)
                if decision.update_id not in self._said:
                    self._said.add(decision.update_id)
                    return decision
        return None

    def refused(self, decision: Decision, why: str) -> None:
        """Say in the question's line that the runbook did not accept a decision."""
        self._refusals[decision.approval] = f"{decision.person} was refused ({why}); "
        self._tell(self._asked[decision.approval], "")

    def asked_by(self, decision: Decision) -> str:
        """The workflow id of the run that asked."""
        return self._asked[decision.approval].workflow

    def is_deadline(self, summary: str) -> bool:
        """Whether a timer of that summary is the deadline of a question."""
        return summary.removesuffix(" expires") in self._asked

    def _tell(self, approval: Approval, why: str) -> None:
        standing = self._refusals.get(approval.id, "") + _standing(approval, why)
        text = f"{label(approval.plan.action, approval.target)}: {standing}"
        self._transcript.answer(self._places[approval.id], text)


def _decision(approval: Approval, person: str, answer: Literal["approve", "deny"]) -> Decision:
    return Decision(
        approval=approval.id,
        person=person,
        decision=answer,
        reason=REASON if answer == "deny" else "",
        digest=approval.plan.digest,
    )


def _standing(approval: Approval, why: str) -> str:
    agreed = [vote.person for vote in approval.votes if vote.decision == "approve"]
    said = f"{listed(agreed)} approved" if agreed else ""
    within = duration(approval.expires_at - approval.opened_at)
    if approval.state == "open":
        return said or f"open to {listed(approval.approvers)}"
    if approval.state == "denied":
        last = approval.votes[-1]
        return f"{last.person} denied: {last.reason}"
    if approval.state == "expired":
        missing = f", and nobody else in {within}"
        return f"only {said}{missing}" if said else f"nobody answered in {within}"
    if approval.state == "void":
        return f"{said}; void: {why}" if said else f"void: {why}"
    return said
