"""What cards and views both tell of a question and of an incident, as rows of text."""

from collections.abc import Sequence
from urllib.parse import quote

from contracts.approval import Vote
from contracts.case import NOBODY
from contracts.groups import ONCALL, USERGROUP
from contracts.message import Asked, Finding, MessageView, TrackRecord
from contracts.slack import limits
from contracts.slack.parts import Names, Part, bold, dated, fact, lines, own, said, typed, when
from contracts.slack.risk import Risk
from contracts.slack.way_back import way_back
from contracts.target import Target
from contracts.views import AlertView, ApprovalView, IncidentView, TimelineItem
from contracts.words import counted, minutes_text

CLOCK = "{time}"
UNWRITTEN = "If nobody answers, nothing is written."
# Lines of the timeline that tell what an approved write became.
_CAME_OF_IT = ("written", "settled", "verified", "outcome", "escalated")


def page_of(view: MessageView, approval: str = "") -> str:
    """The address of the incident's page, or of one of its questions."""
    if not approval:
        return view.url
    base = view.url.removesuffix(f"/incidents/{view.incident.id}")
    return f"{base}/approvals/{quote(approval, safe='')}" if base != view.url else ""


def names_of(view: MessageView) -> Names:
    """Whom this message may name."""
    return Names(view.people)


def what_is_wrong(incident: IncidentView) -> str:
    """What its first alert says, or what it is about where there is none."""
    alerts = incident.alerts
    summary = (alerts[0].summary or alerts[0].name) if alerts else ""
    return summary or str(incident.target or incident.id)


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
    """How many pods it touches, and how they are now; how many of them go at once is the risk."""
    blast = approval.plan.blast
    pods, ready, desired = (blast.get(key, 0) for key in ("pods", "ready", "desired"))
    touched = counted(pods, "pod") if pods else "no pod"
    now = f"; now {ready} of {desired} ready" if desired else ""
    return fact("Touches", own(f"{touched}{now}"))


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
        return f"never run on this target in {record.days} days"
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
    return [count, *(vote_row(vote, names) for vote in votes)]


def vote_row(vote: Vote, names: Names) -> list[Part]:
    """`Ana approved at 8:31: the canary is fine`."""
    verb = "approved" if vote.decision == "approve" else "denied"
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


def alert_row(alert: AlertView, known: str = "") -> list[Part]:
    """`KubePodCrashLooping firing since 8:12: user-auth restarts every 40 s`; without its words
    when it is over, or when they are `known` already.
    """
    name = bold(alert.name, limits.NAME_CHARS_MAX)
    if alert.status != "firing":
        at = [own(" at "), when(alert.ends_at, CLOCK)] if alert.ends_at else []
        return [name, own(" "), said(alert.status), *at]
    told = [name, own(" firing since "), when(alert.starts_at, CLOCK)]
    summary = said(alert.summary, limits.SUMMARY_CHARS_MAX)
    return [*told, own(": "), summary] if alert.summary not in ("", known) else told


def reason_rows(alerts: Sequence[AlertView], alerts_max: int) -> list[list[Part]]:
    """What is broken, in the words of the alerts, and since when: `user-auth restarts every 40 s
    (KubePodCrashLooping since 8:12)`.
    """
    rows = [_reason_row(alert) for alert in _firing_first(alerts)[:alerts_max]]
    more = len(alerts) - alerts_max
    rest = [[own(f"and {counted(more, 'more alert')}")]] if more > 0 else []
    return [*(fact("Why", *row) for row in rows[:1]), *rows[1:], *rest]


def _reason_row(alert: AlertView) -> list[Part]:
    at = when(alert.starts_at, CLOCK) if alert.status == "firing" else said(alert.status)
    since = own(" since ") if alert.status == "firing" else own(" ")
    name = said(alert.name, limits.NAME_CHARS_MAX)
    if not alert.summary:
        return [name, since, at]
    words = said(alert.summary, limits.SUMMARY_CHARS_MAX)
    return [words, own(" ("), name, since, at, own(")")]


def _firing_first(alerts: Sequence[AlertView]) -> list[AlertView]:
    return sorted(alerts, key=lambda alert: alert.status != "firing")


def alert_rows(alerts: Sequence[AlertView], alerts_max: int, known: str = "") -> list[list[Part]]:
    """The first of them, firing ones before the others, and how many more there are."""
    more = len(alerts) - alerts_max
    rest = [[own(f"and {counted(more, 'more alert')}")]] if more > 0 else []
    return [*(alert_row(alert, known) for alert in _firing_first(alerts)[:alerts_max]), *rest]


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


def came_of(view: MessageView, asked: Asked) -> list[TimelineItem]:
    """What happened after people agreed: the lines between the last vote and the next question."""
    after: list[TimelineItem] = []
    seen = False
    for item in view.incident.timeline:
        is_own = item.data.get("approval") == asked.approval.id
        if is_own and item.type == "decided":
            seen, after = True, []
        elif seen and item.type in ("matched", "asked"):
            break
        elif seen and item.type in _CAME_OF_IT:
            after.append(item)
    return after
