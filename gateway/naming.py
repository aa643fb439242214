"""What people call somebody, and a moment, for sentences that a door says. Pure.

A workflow knows ids only, and nobody should have to look one up at night. Pages and messages show
the moments that are written here in the zone of whoever reads them.
"""

from collections.abc import Iterable
from datetime import datetime

from contracts.case import NOBODY
from contracts.groups import group_label, is_group
from contracts.policy import Policy
from contracts.words import listed

SHOWN_MAX = 10


def name_of(policy: Policy, who: str) -> str:
    """A person's name, what a group is called, or the id of somebody who is unknown."""
    if who in ("", NOBODY):
        return "Firebreak"
    known = policy.person(who)
    return group_label(who) if is_group(who) else known.name if known else who


def names_of(policy: Policy, people: Iterable[str], last: str = "or") -> str:
    """`Ana, Ben or on-call primary`, the first `SHOWN_MAX` of them; empty for nobody."""
    names = [name_of(policy, who) for who in dict.fromkeys(people)]
    more = [f"{len(names) - SHOWN_MAX} more"] if len(names) > SHOWN_MAX else []
    return listed([*names[:SHOWN_MAX], *more], last)


def moment(at: datetime) -> str:
    """`2026-11-21 08:31 UTC`, which messages in Slack show in the reader's own zone."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
