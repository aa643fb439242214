"""Any object that a plan is bound to, as it was read: its identity, and what a write compares with.

Everything here is a reading; nothing here writes.
"""

from dataclasses import dataclass
from datetime import datetime

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.raw import Object
from contracts.errors import PlanChanged
from contracts.plan import Plan


@dataclass(frozen=True)
class Subject:
    """One reading. `read_at` is the API server's time, if it gave one."""

    raw: Object
    read_at: datetime | None = None

    @property
    def uid(self) -> str:
        """`metadata.uid`; another uid under the same name is another object."""
        return raw.uid_of(self.raw)

    @property
    def generation(self) -> int:
        """`metadata.generation`: it grows with each change of the spec; 0 for kinds without."""
        return raw.number(self.raw, "metadata", "generation")

    @property
    def resource_version(self) -> str:
        """`metadata.resourceVersion`: what the next write compares with."""
        return raw.text(self.raw, "metadata", "resourceVersion")

    @property
    def guard(self) -> Object:
        """The metadata that makes a merge patch land on this object in this state, or not at
        all.
        """
        return {"uid": self.uid, "resourceVersion": self.resource_version}


def read_subject(cluster: Cluster, kind: str, namespace: str, name: str) -> Subject:
    """Read any object."""
    return Subject(*cluster.get(kind, namespace, name))


def require_same(plan: Plan, current: Subject) -> None:
    """Raises PlanChanged when the target is another object than the one that was planned on."""
    if current.uid != plan.uid:
        raise PlanChanged(f"{plan.target} was deleted and created again since the plan")


def generation_moved(plan: Plan, current: Subject) -> str:
    """Why the spec is not the planned one, or the empty string."""
    if current.generation == plan.generation:
        return ""
    return f"its generation was {plan.generation} and is {current.generation}"
