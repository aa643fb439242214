"""What the owners say of Firebreak: annotations of an object, of what is above it, of a namespace.

A no is read generously and a yes strictly: whoever wrote `True` or `yes` into the opt-out meant
it. Nothing here judges, and nothing here writes.
"""

from typing import NamedTuple

from activities.kubernetes import raw
from activities.kubernetes.client import ANYWHERE, Cluster
from activities.kubernetes.raw import Object
from contracts.target import Target

OPT_IN = "firebreak.dev/opt-in"
OPT_OUT = "firebreak.dev/opt-out"
_NOT_OUT = ("", "false")


class Consent(NamedTuple):
    """The fields of a plan that say it."""

    opted_out: bool
    opted_in: bool

    def and_of(self, *others: "Consent") -> "Consent":
        """Of all together: one no is a no, and a yes is the yes of each."""
        every = (self, *others)
        return Consent(any(one.opted_out for one in every), all(one.opted_in for one in every))


def consent_of(cluster: Cluster, target: Target, *objects: Object) -> Consent:
    """What the target, as it and what is above it were read (`objects`), or its namespace says.

    Raises NotFound for a namespace that is gone, Unavailable, Rejected.
    """
    said = list(objects)
    if target.namespace:
        said.append(cluster.get("Namespace", ANYWHERE, target.namespace).body)
    return Consent(
        opted_out=any(_said(obj, OPT_OUT) not in _NOT_OUT for obj in said),
        opted_in=any(_said(obj, OPT_IN) == "true" for obj in said),
    )


def _said(obj: Object, key: str) -> str:
    return raw.annotation(obj, key).casefold()
