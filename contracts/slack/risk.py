"""How much a write can break, in one word, from what the guardrails and the plan know. Pure.

The word only says how carefully to look: it allows nothing and forbids nothing.
"""

from typing import Literal, NamedTuple

from contracts.views import ApprovalView

Level = Literal["low", "medium", "high"]

# Guardrails that ask because something may stop serving.
GRAVE_RULES = ("outage", "disruption_budget", "blast_radius", "drained_workloads")
# The guardrail that asks because this runbook always does.
USUAL_RULES = ("autonomy",)
MARKS: dict[Level, str] = {"low": "🟢", "medium": "🟠", "high": "🔴"}


class Risk(NamedTuple):
    """The word, and why it is not `low`: the pods that go, and texts of the guardrails."""

    level: Level
    why: tuple[str, ...]

    @property
    def mark(self) -> str:
        """A coloured dot; it never stands without the word."""
        return MARKS[self.level]


def risk_of(approval: ApprovalView) -> Risk:
    """The risk of what is asked.

    high: a guardrail asks because something may stop serving (an outage, a disruption budget, the
    blast radius, a drain), or at least half of the pods that are ready go away at once, or nobody
    knows how many go and some are ready.
    medium: any other guardrail asks (a freeze, an autoscaler, an earlier failure), or a ready pod
    goes away at once, or more than one person has to agree.
    low: nothing but the runbook's own rule asks, and no ready pod goes away.
    """
    asking = [r for r in approval.verdict.reasons if r.ruling == "ask"]
    loss = _loss(approval)
    # The number of pods says in a few words what that guardrail says in many.
    told = (*USUAL_RULES, "blast_radius") if loss else USUAL_RULES
    why = (*loss, *(reason.text for reason in asking if reason.rule not in told))
    ready, lost = _lost(approval)
    is_grave = any(reason.rule in GRAVE_RULES for reason in asking)
    if is_grave or (ready and 2 * lost >= ready):
        return Risk("high", why)
    if why or approval.needed > 1:
        agree = [f"{approval.needed} people must agree"] if approval.needed > 1 else []
        return Risk("medium", (*why, *agree))
    return Risk("low", ())


def _lost(approval: ApprovalView) -> tuple[int, int]:
    """How many pods are ready, and how many of them go at once; all that are touched, where nobody
    knows.
    """
    blast = approval.plan.blast
    ready = blast.get("ready", 0)
    return ready, min(ready, blast.get("lost", blast.get("pods", 0)))


def _loss(approval: ApprovalView) -> list[str]:
    ready, lost = _lost(approval)
    known = "" if "lost" in approval.plan.blast else "up to "
    return [f"{known}{lost} of {ready} ready pods go away at once"] if lost else []
