"""What every plan of this package says: identity, words for people, and the same thing by hand."""

import shlex
from datetime import datetime
from typing import Any

from activities.kubernetes.client import Cluster
from activities.kubernetes.consent import consent_of
from activities.kubernetes.pods import PodState, findings_of
from activities.kubernetes.quota import short_of
from activities.kubernetes.revisions import Revision, age_seconds
from activities.kubernetes.rollout import updated_of
from activities.kubernetes.strategy import strategy_of
from activities.kubernetes.subject import Subject
from activities.kubernetes.surroundings import around
from activities.kubernetes.workload import Workload
from contracts.errors import Refused
from contracts.plan import BlastRadius, Plan, Surroundings
from contracts.step import StepCall
from contracts.target import Target
from contracts.words import counted

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def kubectl(cluster: Cluster, target: Target, *words: str) -> str:
    """The command that does the same by hand, quoted for a shell."""
    context = ["--context", cluster.context] if cluster.context else []
    namespace = ["-n", target.namespace] if target.namespace else []
    return shlex.join(["kubectl", *context, *namespace, *words])


def slashed(target: Target) -> str:
    """`deployment/web`, as kubectl takes it."""
    return f"{target.kind.lower()}/{target.name}"


def refuse_paused(cluster: Cluster, target: Target, workload: Workload) -> None:
    """Raises Refused while somebody has paused a deployment's rollouts."""
    if workload.paused:
        resume = kubectl(cluster, target, "rollout", "resume", slashed(target))
        raise Refused(f"{target} is paused: nothing would roll out", f"Resume it: {resume}")


def refuse_on_delete(cluster: Cluster, target: Target, workload: Workload) -> None:
    """Raises Refused where no controller replaces pods by itself."""
    if strategy_of(workload).on_delete:
        delete = kubectl(cluster, target, "delete", "pod", "POD")
        said = f"{target} has updateStrategy OnDelete: a new template replaces no pod by itself"
        raise Refused(said, f"Delete its pods one by one: {delete}")


def refuse_held_back(target: Target, workload: Workload) -> None:
    """Raises Refused where the partition of a set holds every pod back."""
    held_back = strategy_of(workload).held_back
    if held_back and held_back >= workload.replicas:
        raise Refused(
            f"{target} has partition {held_back}: no pod would be replaced",
            "Lower spec.updateStrategy.rollingUpdate.partition, or delete one pod.",
        )


def plan_of(call: StepCall[Any], cluster: Cluster, subject: Subject, **words: Any) -> Plan:
    """A plan on this reading; `words` are the fields that differ between actions, and `consent`
    where more than the target has a say.
    """
    target = call.step.target
    known = {
        "action": call.step.activity,
        "target": target,
        "uid": subject.uid,
        "generation": subject.generation,
        "at": call.at,
    }
    said = words.pop("consent", None) or consent_of(cluster, target, subject.raw)
    return Plan(**known | said._asdict() | words)


def rollout_blast(workload: Workload, staying: int = 0) -> BlastRadius:
    """What a template touches: every pod but those held back, some of them at a time, and never
    the `staying` ready ones that have it.
    """
    strategy = strategy_of(workload)
    return BlastRadius(
        pods=max(0, workload.replicas - strategy.held_back - staying),
        ready=workload.ready,
        desired=workload.replicas,
        lost=strategy.lost(workload, staying),
    )


def around_rollout(
    cluster: Cluster, target: Target, workload: Workload, staying: int = 0
) -> Surroundings:
    """What surrounds it, and what a template would meet that `staying` ready pods have already.
    With a surge and no pod away, the rollout stands still where a quota takes no more pods.
    """
    strategy = strategy_of(workload)
    more = strategy.surge if not strategy.unavailable else 0
    update = {
        "outage": strategy.outage(workload, staying),
        "short_of": short_of(cluster, target.namespace, workload, more),
    }
    return around(cluster, target, workload).model_copy(update=update)


def common_findings(
    workload: Workload, release: list[Revision], pods: list[PodState], at: datetime
) -> list[str]:
    """What a person should know before saying yes: sick pods, a young release, a half rollout.
    `release` is empty while the controller has not seen the newest template.
    """
    said = findings_of(pods)
    if release and release[0].number:
        age = duration(age_seconds(workload, release, at))
        restarted = " (without its restarts)" if len(release) > 1 else ""
        said.append(f"revision {release[0].number} is {age} old{restarted}")
    if workload.status("observedGeneration") < workload.generation:
        said.append("its controller has not seen the newest spec yet")
    updated, wanted = updated_of(workload)
    if updated < wanted:
        said.append(f"a rollout is in progress: {updated} of {wanted} pods updated")
    strategy = strategy_of(workload)
    if strategy.kind == "Recreate":
        said.append("strategy Recreate: all pods stop before the new ones start")
    if strategy.held_back:
        said.append(f"partition: no new template for {counted(strategy.held_back, 'pod')}")
    return said


def duration(seconds: int) -> str:
    """`40 s`, `3 min`, `2 h`, `5 d`: the largest unit that fits, rounded down."""
    size, unit = next(((s, u) for s, u in _UNITS if seconds >= s), _UNITS[-1])
    return f"{seconds // size} {unit}"
