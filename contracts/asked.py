"""What a question was asked on and how it ended, read from an incident's timeline.

Pages, messages and their details show the same lines, so the choice is made once, here. Nothing in
here decides whether an answer counts.
"""

from contracts.message import Finding
from contracts.views import IncidentDetail, TimelineItem

EVIDENCE_SHOWN_MAX = 12
# What says why comes first, whatever was read first.
TELLING = ("pod_logs", "pod_states", "job_state", "node_conditions", "events", "rollout_history")
_ENDINGS = ("void", "expired")


def evidence_of(incident: IncidentDetail | None, approval: str) -> tuple[Finding, ...]:
    """The excerpts that the question `approval` was asked on, the most telling first, at most
    `EVIDENCE_SHOWN_MAX`: what the run that asked had found by then, and nothing of a later one.
    """
    found: list[TimelineItem] = []
    for line in incident.timeline if incident else ():
        if line.type == "matched":
            found.clear()
        elif line.type == "evidence":
            found.append(line)
        elif line.type == "asked" and line.data.get("approval") == approval:
            break
    found.sort(key=_rank)
    return tuple(_finding(line) for line in found[:EVIDENCE_SHOWN_MAX])


def ended_of(incident: IncidentDetail | None, approval: str) -> str:
    """Why nobody can answer any more, in the words of whoever closed the question; empty while it
    is open or was answered.
    """
    lines = incident.timeline if incident else ()
    closing = (line for line in reversed(lines) if line.type in _ENDINGS)
    own = (line.text for line in closing if line.data.get("approval") == approval)
    return next(own, "")


def _finding(line: TimelineItem) -> Finding:
    return Finding(
        title=line.text,
        excerpt=str(line.data.get("excerpt", "")),
        digest=str(line.data.get("digest", "")),
    )


def _rank(line: TimelineItem) -> int:
    kind = str(line.data.get("kind", "")).rpartition(".")[2]
    return TELLING.index(kind) if kind in TELLING else len(TELLING)
