"""Groups of people that stand where a person's id may stand: on-call schedules, user groups.

A group is a name, never a list: who is in it is read when it matters, and again before a write.
"""

from collections.abc import Iterable, Mapping

ONCALL = "oncall:"
USERGROUP = "usergroup:"

Members = Mapping[str, frozenset[str]]
"""Who is in each group, by its name; one that is absent could not be read."""


def is_group(approver: str) -> bool:
    """Whether it names a group and not a person; a person's id has no colon."""
    return approver.startswith((ONCALL, USERGROUP))


def group_label(group: str) -> str:
    """What people call it: `on-call primary`, `user group S0123`."""
    kind, _, name = group.partition(":")
    return f"{'on-call' if kind + ':' == ONCALL else 'user group'} {name}"


def approver_labels(approvers: Iterable[str]) -> str:
    """Approvers for a sentence, in their order: ids of people, and what groups are called."""
    return ", ".join(group_label(a) if is_group(a) else a for a in approvers)


def people_of(approvers: Iterable[str], members: Members) -> tuple[str, ...]:
    """The ids that these approvers stand for, each once; a group that was not read is nobody."""
    found: dict[str, None] = {}
    for approver in approvers:
        some = sorted(members.get(approver, ())) if is_group(approver) else (approver,)
        found |= dict.fromkeys(some)
    return tuple(found)
