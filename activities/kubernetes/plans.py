"""What every plan of this package says: identity, words for people, and the same thing by hand."""

import shlex
from datetime import datetime
from typing import Any

from activities.kubernetes.client import Cluster
from activities.kubernetes.deployment import Deployment, opted_out
from activities.kubernetes.pods import PodState, findings_of
from activities.kubernetes.revisions import Revision, age_seconds
from contracts.errors import Refused
from contracts.plan import BlastRadius, Plan
from contracts.step import StepCall
from contracts.target import Target

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def kubectl(cluster: Cluster, target: Target, *words: str) -> str:
    """The command that does the same by hand, quoted for a shell."""
    context = ["--context", cluster.context] if cluster.context else []
    return shlex.join(["kubectl", *context, "-n", target.namespace, *words])


def refuse_paused(cluster: Cluster, target: Target, deployment: Deployment) -> None:
    """Raises Refused while somebody has paused the deployment's rollouts."""
    if deployment.paused:
        resume = kubectl(cluster, target, "rollout", "resume", f"deployment/{target.name}")
        raise Refused(f"{target} is paused: nothing would roll out", f"Resume it: {resume}")


def plan_of(call: StepCall[Any], cluster: Cluster, deployment: Deployment, **words: Any) -> Plan:
    """A plan on this reading; `words` are the fields that differ between actions."""
    target = call.step.target
    blast = BlastRadius(
        pods=deployment.replicas,
        ready=deployment.status("readyReplicas"),
        desired=deployment.replicas,
    )
    return Plan(
        action=call.step.activity,
        target=target,
        uid=deployment.uid,
        generation=deployment.generation,
        at=call.at,
        blast=blast,
        opted_out=opted_out(cluster, deployment, target.namespace),
        **words,
    )


def common_findings(
    deployment: Deployment, current: Revision | None, pods: list[PodState], at: datetime
) -> list[str]:
    """What a person should know before saying yes: sick pods, a young revision, a half rollout."""
    said = findings_of(pods)
    if current is not None and current.number:
        age = duration(age_seconds(deployment, current, at))
        said.append(f"revision {current.number} is {age} old")
    updated = deployment.status("updatedReplicas")
    if updated < deployment.replicas:
        said.append(f"a rollout is in progress: {updated} of {deployment.replicas} pods updated")
    if deployment.raw["spec"].get("strategy", {}).get("type") == "Recreate":
        said.append("strategy Recreate: all pods stop before the new ones start")
    return said


def duration(seconds: int) -> str:
    """`40 s`, `3 min`, `2 h`, `5 d`: the largest unit that fits, rounded down."""
    size, unit = next(((s, u) for s, u in _UNITS if seconds >= s), _UNITS[-1])
    return f"{seconds // size} {unit}"
