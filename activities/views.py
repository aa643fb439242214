"""Gathers from the books and the policy what a channel needs to tell of an incident.

Everything is as of now, except how a runbook has done, which is as of when it was asked: a message
must not change because time passes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from contracts.approval import Approval
from contracts.asked import ended_of, evidence_of
from contracts.errors import NotFound
from contracts.groups import ONCALL, is_group, people_of
from contracts.message import ASKED_MAX, Asked, Call, MessageView, TrackRecord, Who
from contracts.policy import Policy
from contracts.target import Target
from contracts.views import IncidentDetail, TimelineItem, view_of
from toil.journal import Journal

RECORD_DAYS = 90
RECORDS_KEPT_MAX = 500
TOLD_IN_PERSON_MAX = 10
CALLS_MAX = 5
# So long it is tried to learn who was meant by a group that somebody called.
CALL_UNREAD_SECONDS = 900

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
        # What had ended when a question was asked changes no more.
        self._record = lru_cache(RECORDS_KEPT_MAX)(self._read_record)

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
        calls, responders = self._calls(detail, now), self._responders(detail, now)
        called = tuple(dict.fromkeys(person for call in calls for person in call.people))
        return MessageView(
            incident=detail,
            approvals=tuple(view_of(one) for one in approvals if one.state == "open"),
            url=f"{self._public_url}/incidents/{incident}",
            asked=tuple(asked),
            people=self._known(detail, asked, (*called, *responders)),
            place=self._place(detail.service),
            called=called[:TOLD_IN_PERSON_MAX],
            calls=calls[-CALLS_MAX:],
            unread=self._unread(detail, approvals, now),
            responders=responders,
        )

    def _asked(self, incident: IncidentDetail, approval: Approval, now: datetime) -> Asked:
        target = incident.target or approval.target
        return Asked(
            approval=view_of(approval),
            evidence=evidence_of(incident, approval.id),
            record=self._record(approval.runbook, target, approval.opened_at),
            ended=ended_of(incident, approval.id),
            remind=self._remind(approval, now),
            page=self._people(self._policy.slack.pages, now),
        )

    def _read_record(self, runbook: str, target: Target, at: datetime) -> TrackRecord:
        return self._journal.track_record(runbook, target, at, RECORD_DAYS)

    def _remind(self, approval: Approval, now: datetime) -> tuple[str, ...]:
        """Who is on call, where the question goes to a schedule; else the people named."""
        gone = {vote.person for vote in approval.votes} | {approval.requester}
        people = self._people(_reminded(approval), now)
        return tuple(person for person in people if person not in gone)

    def _calls(self, incident: IncidentDetail, now: datetime) -> tuple[Call, ...]:
        """Every time that people were called, and whom it was."""
        return tuple(
            Call(seq=line.seq, people=self._people(_whom(line), now, _members(line)))
            for line in incident.timeline
            if _whom(line)
        )

    def _responders(self, incident: IncidentDetail, now: datetime) -> tuple[str, ...]:
        """Who answers for the service that needs people: Slack knows who is in its own groups, and
        of a schedule it is who is on call now, as far as that is known.
        """
        if incident.status != "escalated":
            return ()
        found: dict[str, None] = {}
        for name in self._policy.approvers_of(incident.service):
            on_call = self._members(name, now) if name.startswith(ONCALL) else None
            found |= dict.fromkeys(sorted(on_call) if on_call else (name,))
        return tuple(found)[:TOLD_IN_PERSON_MAX]

    def _people(
        self, names: Iterable[str], now: datetime, known: Mapping[str, frozenset[str]] | None = None
    ) -> tuple[str, ...]:
        """The people that the names stand for, `TOLD_IN_PERSON_MAX` at most; `known` are groups as
        they were when they were meant.
        """
        named, then = tuple(names), known or {}
        groups = (name for name in named if is_group(name))
        members = {
            name: then[name] if name in then else self._members(name, now) or frozenset()
            for name in groups
        }
        return people_of(named, members)[:TOLD_IN_PERSON_MAX]

    def _unread(
        self, incident: IncidentDetail, approvals: Iterable[Approval], now: datetime
    ) -> tuple[str, ...]:
        """The groups that are to be told now and of which nobody knows who is in them."""
        if incident.status == "closed":
            return ()
        asked = (self._told(one) for one in approvals if one.state == "open")
        names = [name for told in asked for name in told]
        young = now - timedelta(seconds=CALL_UNREAD_SECONDS)
        calls = (line for line in incident.timeline if line.at > young)
        names += (name for line in calls for name in _whom(line) if name not in _members(line))
        wanted = dict.fromkeys(name for name in names if is_group(name))
        return tuple(name for name in wanted if self._members(name, now) is None)

    def _told(self, approval: Approval) -> tuple[str, ...]:
        """Who is told in person at the stage that the question has reached."""
        remind = () if approval.stage == "asked" else _reminded(approval)
        return (*remind, *(self._policy.slack.pages if approval.stage == "paged" else ()))

    def _place(self, service: str) -> str:
        own = (one.channel for one in self._policy.services if one.name == service)
        return next(filter(None, own), self._policy.slack.channel)

    def _known(
        self, incident: IncidentDetail, asked: Iterable[Asked], others: Iterable[str]
    ) -> tuple[Who, ...]:
        """The people that a message may name, in the order of the policy."""
        named = {line.actor for line in incident.timeline} | set(others)
        for one in asked:
            approval = one.approval
            named |= {*approval.approvers, *approval.verdict.people, approval.requester}
            named |= {vote.person for vote in approval.votes} | {*one.remind, *one.page}
        people = (person for person in self._policy.people if person.id in named)
        return tuple(Who(id=one.id, name=one.name, slack=one.slack) for one in people)


def _reminded(approval: Approval) -> tuple[str, ...]:
    schedules = [name for name in approval.approvers if name.startswith(ONCALL)]
    return tuple(schedules or (name for name in approval.approvers if not is_group(name)))


def _whom(line: TimelineItem) -> tuple[str, ...]:
    """Whom a person called in that line: ids of people and names of groups."""
    whom = line.data.get("whom") if line.type == "paged" else None
    return tuple(_texts(whom))


def _members(line: TimelineItem) -> dict[str, frozenset[str]]:
    """For whom the groups in that line stood when it was said, as far as that was known."""
    told = line.data.get("members")
    groups: Mapping[str, Any] = told if isinstance(told, dict) else {}
    return {name: frozenset(_texts(people)) for name, people in groups.items()}


def _texts(told: Any) -> Iterator[str]:
    yield from (one for one in told if isinstance(one, str)) if isinstance(told, list) else ()
