"""Whom a person may call to an incident, from whichever door.

Somebody who could not act when they come is refused at once, with the reason: whoever calls for
help must not wait for nobody.
"""

from collections.abc import Iterable
from datetime import datetime

from contracts.errors import InvalidInput
from contracts.groups import ONCALL, group_label, is_group
from contracts.message import Who
from contracts.people import approver_faults
from contracts.policy import Policy
from toil.memberships import Memberships

MEMBERS_MAX = 10
_FIX = "Choose a responder, or a schedule under [[oncall]]."


def callable_by(person: str, policy: Policy) -> tuple[Who, ...]:
    """Who may be called by this person: who is on call, then every other responder."""
    schedules = [f"{ONCALL}{schedule.name}" for schedule in policy.oncall]
    groups = (Who(id=name, name=group_label(name).capitalize()) for name in schedules)
    others = (p for p in policy.people if p.id != person and "responder" in p.roles)
    return (*groups, *(Who(id=p.id, name=p.name, slack=p.slack) for p in others))


def members_of(
    whom: Iterable[str], memberships: Memberships, now: datetime
) -> dict[str, tuple[str, ...]]:
    """For whom each group stands at this moment, `MEMBERS_MAX` at most; without those of which
    nobody knows.
    """
    known = {name: memberships.members(name, now) for name in whom if is_group(name)}
    people = {name: sorted(found) for name, found in known.items() if found is not None}
    return {name: tuple(found[:MEMBERS_MAX]) for name, found in people.items()}


def check_whom(whom: Iterable[str], policy: Policy) -> None:
    """Raise InvalidInput unless all of them are responders or groups of the policy."""
    called = tuple(whom)
    for fault in approver_faults(called, policy, "page"):
        raise InvalidInput(fault, _FIX)
    people = (person for name in called if (person := policy.person(name)))
    for person in people:
        if "responder" not in person.roles:
            raise InvalidInput(f"{person.id} is no responder, and may not approve", _FIX)
