"""Gathers from the books and the policy what a channel needs to tell of an incident.

Everything is as of now, except how a runbook has done, which is as of when it was asked: a message
must not change because time passes.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from contracts.approval import Approval
from contracts.asked import ended_of, evidence_of
from contracts.errors import NotFound
from contracts.groups import ONCALL, is_group, people_of
from contracts.message import ASKED_MAX, Asked, MessageView, Who
from contracts.policy import Policy
from contracts.views import IncidentDetail, view_of
from toil.journal import Journal

RECORD_DAYS = 90
TOLD_IN_PERSON_MAX = 10

# Who is in a group, as far as that is known at a moment; None for unknown.
MembersAt = Callable[[str, datetime], frozenset[str] | None]


def nobody(_group: str, _now: datetime) -> None:
    """The members where no group is known."""
    return


class Views:
    """`public_url` is where people open the pages, without a last slash."""

    def __init__(
        self, journal: Journal, policy: Policy, members: MembersAt, public_url: str
    ) -> None:
        self._journal = journal
        self._policy = policy
        self._members = members
        self._public_url = public_url

    def view(self, incident: str, now: datetime) -> MessageView:
        """The incident for its channels.

        Raises:
            NotFound: the journal does not know it.

        """
        detail = self._journal.incident(incident)
        if detail is None:
            raise NotFound(f"the journal does not know {incident}")
        approvals = self._journal.approvals(None, incident)
        asked = [self._asked(detail, one, now) for one in reversed(approvals[:ASKED_MAX])]
        called = self._people(_whom(detail), now)
        return MessageView(
            incident=detail,
            approvals=tuple(view_of(one) for one in approvals if one.state == "open"),
            url=f"{self._public_url}/incidents/{incident}",
            asked=tuple(asked),
            people=self._known(detail, asked, called),
            place=self._place(detail.service),
            called=called,
        )

    def _asked(self, incident: IncidentDetail, approval: Approval, now: datetime) -> Asked:
        target = incident.target or approval.target
        at = approval.opened_at
        return Asked(
            approval=view_of(approval),
            evidence=evidence_of(incident, approval.id),
            record=self._journal.track_record(approval.runbook, target, at, RECORD_DAYS),
            ended=ended_of(incident, approval.id),
            remind=self._remind(approval, now),
            page=self._people(self._policy.slack.pages, now),
        )

    def _remind(self, approval: Approval, now: datetime) -> tuple[str, ...]:
        """Who is on call, where the question goes to a schedule; else the people named."""
        schedules = [name for name in approval.approvers if name.startswith(ONCALL)]
        named = [name for name in approval.approvers if not is_group(name)]
        gone = {vote.person for vote in approval.votes} | {approval.requester}
        people = self._people(schedules or named, now)
        return tuple(person for person in people if person not in gone)

    def _people(self, names: Iterable[str], now: datetime) -> tuple[str, ...]:
        """The people that the names stand for, `TOLD_IN_PERSON_MAX` at most."""
        named = tuple(names)
        members = {
            name: self._members(name, now) or frozenset() for name in named if is_group(name)
        }
        return people_of(named, members)[:TOLD_IN_PERSON_MAX]

    def _place(self, service: str) -> str:
        own = (one.channel for one in self._policy.services if one.name == service)
        return next(filter(None, own), self._policy.slack.channel)

    def _known(
        self, incident: IncidentDetail, asked: Iterable[Asked], called: Iterable[str]
    ) -> tuple[Who, ...]:
        """The people that a message may name, in the order of the policy."""
        named = {line.actor for line in incident.timeline} | set(called)
        for one in asked:
            approval = one.approval
            named |= {*approval.approvers, *approval.verdict.people, approval.requester}
            named |= {vote.person for vote in approval.votes} | {*one.remind, *one.page}
        people = (person for person in self._policy.people if person.id in named)
        return tuple(Who(id=one.id, name=one.name, slack=one.slack) for one in people)


def _whom(incident: IncidentDetail) -> tuple[str, ...]:
    """Everybody who was called to the incident, each once, in that order."""
    calls = (line.data.get("whom") for line in incident.timeline if line.type == "paged")
    named = (name for call in calls if isinstance(call, list) for name in call)
    return tuple(dict.fromkeys(name for name in named if isinstance(name, str)))
