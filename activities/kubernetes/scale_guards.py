"""What a change of the number of replicas may cost, before it is planned.

More pods need room in a quota; fewer pods may break a disruption budget's promise, or lose the
data of a StatefulSet's last ordinals. Reads only.
"""

import math

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.managers import field_managers
from activities.kubernetes.raw import Object
from activities.kubernetes.workload import Workload
from contracts.errors import NotFound, Refused
from contracts.plan import Budget, Surroundings
from contracts.target import Target


def refuse_below_budgets(
    cluster: Cluster, target: Target, budgets: tuple[Budget, ...], wanted: int
) -> None:
    """Raises Refused where a budget promises more available pods than there would be."""
    for budget in budgets:
        floor = _floor(cluster, target.namespace, budget.name, wanted)
        if wanted < floor:
            raise Refused(
                f"poddisruptionbudget {budget.name} wants {floor} pods of {target} available, "
                f"and there would be {wanted}",
                f"Keep {floor} or more, or change the budget first.",
            )


def refuse_losing_claims(target: Target, workload: Workload, wanted: int) -> None:
    """Raises Refused where the volumes of the pods that go would be deleted with them."""
    policy = raw.mapping(workload.raw, "spec", "persistentVolumeClaimRetentionPolicy")
    loses = policy.get("whenScaled") == "Delete" and raw.items(
        workload.raw, "spec", "volumeClaimTemplates"
    )
    if loses and wanted < workload.replicas:
        raise Refused(
            f"{target} deletes the volumes of the pods that go (whenScaled: Delete)",
            "Save their data and scale it down by hand.",
        )


def scale_findings(around: Surroundings, workload: Workload, wanted: int) -> list[str]:
    """What a person should know before saying yes."""
    have, said = workload.replicas, []
    if workload.ready < have:
        said.append(f"{workload.ready} of {have} pods are ready now")
    if workload.status("observedGeneration") < workload.generation:
        said.append("its controller has not seen the newest spec yet")
    owners = field_managers(workload.raw, "spec", "replicas")
    if around.managed_by and owners:
        said.append(f"its replicas were set by {', '.join(owners)}")
    return said + _ordinals(workload, wanted)


def _ordinals(workload: Workload, wanted: int) -> list[str]:
    """Which pods of a StatefulSet go."""
    name, have = raw.name_of(workload.raw), workload.replicas
    if workload.kind != "StatefulSet" or wanted >= have:
        return []
    first, last = f"{name}-{wanted}", f"{name}-{have - 1}"
    said = [f"the highest ordinals go: {first if first == last else f'{first} to {last}'}"]
    if raw.items(workload.raw, "spec", "volumeClaimTemplates"):
        said.append("their volume claims stay, and are used again when it is scaled up")
    return said


def _floor(cluster: Cluster, namespace: str, name: str, wanted: int) -> int:
    """How many pods a budget wants available of so many."""
    try:
        spec = raw.mapping(cluster.get("PodDisruptionBudget", namespace, name).body, "spec")
    except NotFound:
        return 0
    return floor_of(spec, wanted)


def floor_of(spec: Object, wanted: int) -> int:
    """A share grows and shrinks with the workload, so it is a floor for none but the last pod;
    and `maxUnavailable` is a bound for disruptions only.
    """
    least = spec.get("minAvailable")
    if isinstance(least, int):
        return least
    share = str(least or "").removesuffix("%")
    return math.ceil(int(share) * max(wanted, 1) / 100) if share.isdigit() else 0
