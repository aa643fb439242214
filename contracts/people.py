"""What a policy says about people that would not do what it says.

An approver whom nobody can be, a calendar without an address or an identity that two people share
are rules that are not in force; each is a sentence that names its key and what to write.
"""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from contracts.groups import ONCALL, USERGROUP, is_group, people_of
from contracts.policy import OnCall, Policy
from contracts.words import listed

_SLACK_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_SLACK_GROUP = re.compile(r"S[A-Z0-9]{2,}")
_KIND_OF = {"people": "static", "url": "ical", "timezone": "ical", "schedule": "pagerduty"}


def people_faults(policy: Policy) -> Iterator[str]:
    """Every such fault of the policy, in the order of the file's tables."""
    yield from _identity_faults(policy)
    for service in policy.services:
        yield from approver_faults(service.approvers, policy, f"services.{service.name}.approvers")
        yield from _too_few_faults(service.name, policy)
    for schedule in policy.oncall:
        yield from _schedule_faults(schedule, policy)
    yield from approver_faults(policy.slack.pages, policy, "slack.pages")


def approver_faults(approvers: Iterable[str], policy: Policy, at: str) -> Iterator[str]:
    """Those that are neither a person nor a group of the policy."""
    people = [person.id for person in policy.people]
    schedules = [f"{ONCALL}{schedule.name}" for schedule in policy.oncall]
    for approver in approvers:
        if approver.startswith(USERGROUP):
            if not _SLACK_GROUP.fullmatch(approver.removeprefix(USERGROUP)):
                yield f"{at}: '{approver}' is no user group of Slack; write {USERGROUP}S…, its id"
        elif ":" in approver and approver not in schedules:
            name = approver.partition(":")[2]
            remedy = _near(f"{ONCALL}{name}", schedules) or "add it under [[oncall]]"
            yield f"{at}: there is no schedule '{approver}'; {remedy}"
        elif ":" not in approver and approver not in people:
            remedy = _near(approver, [*people, *schedules]) or "add it under [[people]]"
            yield f"{at}: there is no person '{approver}'; {remedy}"


def _too_few_faults(service: str, policy: Policy) -> Iterator[str]:
    """Fewer people than must agree, as far as the file alone can tell: each question would be
    refused, and nobody would know before.
    """
    needed, approvers = policy.limits.approvals_needed, policy.approvers_of(service)
    fixed = {f"{ONCALL}{one.name}": frozenset(one.people) for one in policy.oncall if one.people}
    if needed == 1 or any(is_group(name) and name not in fixed for name in approvers):
        return
    people = [*people_of(approvers, fixed)]
    if len(people) < needed:
        may = f"only {listed(people)} may" if people else "nobody may"
        told = f"limits.approvals_needed is {needed}, and {may} approve"
        yield f"services.{service}.approvers: {told}; name more people, or lower that number"


def _near(said: str, known: list[str]) -> str:
    found = difflib.get_close_matches(said, known, n=1)
    return f"write {found[0]}" if found else ""


def _schedule_faults(schedule: OnCall, policy: Policy) -> Iterator[str]:
    at, people = f"oncall.{schedule.name}", [person.id for person in policy.people]
    for person in schedule.people:
        if person not in people:
            remedy = _near(person, people) or "add it under [[people]]"
            yield f"{at}.people: there is no person '{person}'; {remedy}"
    if schedule.url and not schedule.url.startswith(("https://", "http://")):
        yield f"{at}.url: begin the calendar's address with https:// (or http://)"
    for key, kind in _KIND_OF.items():
        if kind != schedule.kind and getattr(schedule, key):
            yield f"{at}.{key}: it is not read for kind '{schedule.kind}'; take it away"


def _identity_faults(policy: Policy) -> Iterator[str]:
    """Who clicks is told by these; what two people share is nobody."""
    for person in policy.people:
        if person.slack and not _SLACK_USER.fullmatch(person.slack):
            yield f"people.{person.id}.slack: write Slack's member id, U… or W…, not a name"
    for key in ("slack", "pagerduty", "email"):
        said = [(p.id, str(getattr(p, key)).strip().casefold()) for p in policy.people]
        seen = Counter(value for _, value in said if value)
        for person_id, value in said:
            if seen[value] > 1:
                yield f"people.{person_id}.{key}: another person has the same; give each their own"
