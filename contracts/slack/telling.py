"""What cards and views both tell of a question and of an incident, as rows of text."""

from collections.abc import Sequence
from urllib.parse import quote

from contracts.approval import Vote
from contracts.case import NOBODY
from contracts.groups import ONCALL, USERGROUP
from contracts.message import Finding, MessageView, TrackRecord
from contracts.slack import limits
from contracts.slack.parts import Names, Part, bold, dated, fact, lines, own, said, typed, when
from contracts.slack.risk import Risk
from contracts.slack.way_back import way_back
from contracts.target import Target
from contracts.views import ApprovalView, IncidentView
from contracts.words import counted, listed, minutes_text

CLOCK = "{time}"
_ENDS = ("!", "?", "…")
UNWRITTEN = "If nobody answers, nothing is written."


def page_of(view: MessageView, approval: str = "") -> str:
    """The address of the incident's page, or of one of its questions."""
    if not approval:
        return view.url
    base = view.url.removesuffix(f"/incidents/{view.incident.id}")
    return f"{base}/approvals/{quote(approval, safe='')}" if base != view.url else ""


def hand_back(incident: str) -> str:
    """The command that gives an incident back to Firebreak."""
    return f"firebreak hand-back {incident}"


def names_of(view: MessageView) -> Names:
    """Whom this message may name."""
    return Names(view.people)


def what_is_wrong(incident: IncidentView) -> str:
    """What its first alert says, or what it is about where there is none."""
    alerts = incident.alerts
    summary = (alerts[0].summary or alerts[0].name) if alerts else ""
    return summary or str(incident.target or incident.id)


def sentence(text: str) -> str:
    """With one stop at its end, whoever wrote it."""
    told = text.rstrip()
    return told if told.endswith(_ENDS) else f"{told.rstrip('.')}."


def place_row(target: Target | None, service: str = "") -> list[Part]:
    """Exactly which object, in which cluster."""
    if target is None:
        return fact("Where", own("no workload: no alert names one"))
    # Most services are called like their workload, and nobody reads a name twice.
    of_service = [own(", service "), said(service)] if service not in ("", target.name) else []
    place = [said(target.kind), own(" "), bold(_object(target)), own(" in cluster ")]
    return fact("Where", *place, said(target.cluster), *of_service)


def _object(target: Target) -> str:
    return f"{target.namespace}/{target.name}" if target.namespace else target.name


def blast_row(approval: ApprovalView) -> list[Part]:
    """How many pods it touches of those that are wanted, and how many are ready; how many of these
    go at once is the risk. While a rollout is under way there may be more pods than are wanted.
    """
    blast = approval.plan.blast
    pods, ready, desired = (blast.get(key, 0) for key in ("pods", "ready", "desired"))
    if not desired:
        return fact("Touches", own(counted(pods, "pod") if pods else "no pod"))
    touched = f"{pods or 'none'} of the {counted(desired, 'pod')} wanted"
    return fact("Touches", own(f"{touched}; {ready} ready now"))


def risk_row(risk: Risk) -> list[Part]:
    """The word and its reasons."""
    why = "; ".join(risk.why[: limits.REASONS_MAX]) or "no ready pod goes away"
    told = dated(why, 2 * limits.SENTENCE_CHARS_MAX)
    return fact("Risk", bold(f"{risk.mark} {risk.level}"), own(": "), *told)


def back_row(approval: ApprovalView) -> list[Part]:
    """How it is taken back."""
    return fact("Way back", said(way_back(approval.plan)))


def record_row(record: TrackRecord) -> list[Part]:
    """How the runbook has done here."""
    return fact("Track record", own(record_text(record)))


def record_text(record: TrackRecord) -> str:
    """`fixed this 14 of 16 times in 90 days, median 3 min`."""
    if not record.runs:
        return f"has written nothing to this target in {record.days} days"
    median = record.heal_seconds_median
    pace = f", median {minutes_text(median)}" if median is not None else ""
    times = counted(record.runs, "time")
    return f"fixed this {record.healed} of {times} in {record.days} days{pace}"


def requester_row(approval: ApprovalView, names: Names) -> list[Part]:
    """Who wants it."""
    runbook = said(approval.runbook)
    if approval.requester in ("", NOBODY):
        return fact("Asked by", own("Firebreak, for the alert, with runbook "), runbook)
    return fact("Asked by", names.part(approval.requester), own(", with runbook "), runbook)


def vote_rows(approval: ApprovalView, names: Names) -> list[list[Part]]:
    """How many have agreed, and who said what; nothing while one answer is all that is needed."""
    if approval.needed == 1 and not approval.votes:
        return []
    agreed = sum(vote.decision == "approve" for vote in approval.votes)
    votes = approval.votes[-limits.VOTES_MAX :]
    count = fact("Votes", own(f"{agreed} of {approval.needed}"))
    return [count, *(vote_row(vote, names, approval.requester) for vote in votes)]


def vote_row(vote: Vote, names: Names, requester: str = "") -> list[Part]:
    """`Ana approved at 8:31: the canary is fine`; who asked for it withdraws it."""
    denied = "withdrew it" if vote.person == requester else "denied"
    verb = "approved" if vote.decision == "approve" else denied
    told = [names.part(vote.person), own(f" {verb} at "), when(vote.at, CLOCK)]
    return [*told, own(": "), said(vote.reason, limits.REASON_CHARS_MAX)] if vote.reason else told


def voters_left(approval: ApprovalView) -> tuple[str, ...]:
    """The people and groups that may still answer; who asked for the run may not."""
    gone = {vote.person for vote in approval.votes} | {approval.requester}
    return tuple(person for person in approval.approvers if person not in gone)


def may_answer(approval: ApprovalView, person: str) -> bool:
    """Whether this person's answer is waited for, as far as was known when it was asked."""
    gone = {vote.person for vote in approval.votes} | {approval.requester}
    return person in {*approval.approvers, *approval.verdict.people} - gone


def on_call_now(approval: ApprovalView) -> tuple[str, ...]:
    """The people for whom a schedule among the approvers stood when it was judged; Slack does not
    know who they are, as it does of its own groups.
    """
    if not any(approver.startswith(ONCALL) for approver in approval.approvers):
        return ()
    gone = {vote.person for vote in approval.votes} | {approval.requester, *approval.approvers}
    return tuple(person for person in approval.verdict.people if person not in gone)


def who_row(approval: ApprovalView, names: Names) -> list[Part]:
    """Who may answer; those whom Slack knows are mentioned."""
    left = names.parts(voters_left(approval))
    now = names.parts(on_call_now(approval), "and")
    # Those on call and those of a user group cannot be told apart.
    mixed = any(approver.startswith(USERGROUP) for approver in approval.approvers)
    on_call = [own("; among them now: " if mixed else "; on call now: "), *now] if now else []
    return fact("Who may answer", *(left or [own("nobody: no approver is left")]), *on_call)


def who_can_row(approval: ApprovalView, names: Names) -> list[Part]:
    """The same by name, for a message that calls nobody else."""
    people = (*voters_left(approval), *on_call_now(approval))
    told = listed([names.name(one) for one in people[: limits.PEOPLE_MAX]], "or")
    return fact("Who may answer", said(told or "nobody: no approver is left"), own("."))


def until_row(approval: ApprovalView) -> list[Part]:
    """How long an answer counts, and what comes of none."""
    return fact("Until", when(approval.expires_at), own(f". {UNWRITTEN}"))


def mentions(approval: ApprovalView, names: Names) -> str:
    """Those of them whom Slack knows, user groups too, as text of a notification: one message
    calls each of them once, and what is edited later calls nobody.
    """
    people = (*on_call_now(approval), *voters_left(approval))
    found = [names.mention(person) for person in people]
    return " ".join(list(filter(None, found))[: limits.PEOPLE_MAX])


def finding_rows(findings: Sequence[str], findings_max: int) -> list[list[Part]]:
    """What the plan found, and how much more."""
    more = len(findings) - findings_max
    rest = [[own(f"• and {more} more")]] if more > 0 else []
    return [*([own("• "), said(text)] for text in findings[:findings_max]), *rest]


def evidence_parts(found: Sequence[Finding], excerpt_chars_max: int) -> list[Part]:
    """What was read: its sentence, and its telling lines below."""
    parts: list[Part] = []
    for finding in found:
        parts.append(lines([said(finding.title)]))
        if finding.excerpt.strip():
            parts.append(typed(finding.excerpt, excerpt_chars_max))
    return parts
