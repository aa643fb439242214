"""From a pod to the workload that controls it, by uid, or a reason."""

from typing import Any

import pytest

from activities.kubernetes.client import Answer, Cluster
from activities.kubernetes.owner import DEPTH_MAX, OwnerLook
from activities_kubernetes.shop import TARGET, Shop
from contracts.calls import Owner, OwnerCall
from contracts.errors import InvalidInput, NotFound, Unavailable
from sandbox import Fault


class Library(Cluster):
    """Objects by kind and name, for kinds that the sandbox does not have."""

    def __init__(self, *objects: dict[str, Any]) -> None:  # no client: nothing is sent
        self._objects = {(o["kind"], o["metadata"]["name"]): o for o in objects}

    def get(self, kind: str, namespace: str, name: str) -> Answer:
        """As the API would answer."""
        if (kind, name) not in self._objects:
            raise NotFound(f"{kind.lower()} {namespace}/{name} not found")
        return Answer(self._objects[kind, name], None)

    def list_all(
        self, kind: str, namespace: str, *, labels: str = "", fields: str = ""
    ) -> list[dict[str, Any]]:
        """Every object of the kind, as if all had the labels."""
        assert (namespace, labels, fields) == ("shop", "app=web", "")
        return [found for (known, _), found in self._objects.items() if known == kind]


def _thing(kind: str, name: str, *, owner: tuple[str, str, str] | None = None) -> dict[str, Any]:
    """`owner` is apiVersion, kind and name; uids follow from names."""
    references = []
    if owner:
        version, above, its_name = owner
        references = [
            {
                "apiVersion": version,
                "kind": above,
                "name": its_name,
                "uid": f"uid-{its_name}",
                "controller": True,
            }
        ]
    metadata = {"name": name, "uid": f"uid-{name}", "ownerReferences": references}
    return {"kind": kind, "metadata": metadata}


def _find(cluster: Cluster, kind: str, name: str, uid: str = "") -> Owner:
    call = OwnerCall(cluster="lab", namespace="shop", kind=kind, name=name, uid=uid)
    return OwnerLook({"lab": cluster}).find(call)


def _crashing(shop: Shop) -> dict[str, Any]:
    pods = shop.cluster.list_all("Pod", "shop")
    return next(pod for pod in pods if "restartCount" in str(pod))


def test_a_pod_leads_to_its_deployment(broken: Shop) -> None:
    """Over its ReplicaSet, on the API itself."""
    pod = _crashing(broken)["metadata"]
    owner = _find(broken.cluster, "Pod", pod["name"], pod["uid"])
    assert owner.target == TARGET
    assert owner.reason == ""
    assert [link.split("/")[0] for link in owner.chain] == ["Pod", "ReplicaSet", "Deployment"]


def test_the_kind_may_be_written_in_any_case(broken: Shop) -> None:
    """Labels say pod, owners say Pod."""
    assert _find(broken.cluster, "pod", _crashing(broken)["metadata"]["name"]).target == TARGET


def test_a_pod_with_another_uid_is_another_pod(broken: Shop) -> None:
    """An alert about a pod of last week."""
    owner = _find(broken.cluster, "Pod", _crashing(broken)["metadata"]["name"], "last-week")
    assert owner.target is None
    assert "another object" in owner.reason


def test_a_pod_that_is_gone_has_no_target(broken: Shop) -> None:
    """Its name alone is no proof."""
    owner = _find(broken.cluster, "Pod", "user-auth-7d9-abcde")
    assert owner.target is None
    assert "does not exist any more" in owner.reason


def test_an_owner_with_another_uid_is_a_namesake() -> None:
    """The Deployment was created again; this pod is a leftover of the first."""
    pod = _thing("Pod", "p", owner=("apps/v1", "ReplicaSet", "rs"))
    replica_set = _thing("ReplicaSet", "rs")
    replica_set["metadata"]["uid"] = "somebody-else"
    owner = _find(Library(pod, replica_set), "Pod", "p")
    assert owner.target is None
    assert owner.reason == "ReplicaSet/rs is another object (uid differs) now"


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_sets_own_their_pods_directly(kind: str) -> None:
    """No ReplicaSet between."""
    pod = _thing("Pod", "p", owner=("apps/v1", kind, "db"))
    target = _find(Library(pod, _thing(kind, "db")), "Pod", "p").target
    assert target is not None
    assert (target.kind, target.name) == (kind, "db")


def test_a_pod_of_a_job_leads_to_the_cron_job() -> None:
    """Through the Job."""
    pod = _thing("Pod", "p", owner=("batch/v1", "Job", "nightly-1"))
    job = _thing("Job", "nightly-1", owner=("batch/v1", "CronJob", "nightly"))
    owner = _find(Library(pod, job, _thing("CronJob", "nightly")), "Pod", "p")
    assert owner.target is not None
    assert owner.target.key == "lab/shop/CronJob/nightly"
    assert owner.chain == ("Pod/p", "Job/nightly-1", "CronJob/nightly")


def test_an_unknown_owner_is_not_followed_and_is_named() -> None:
    """An Argo Rollout owns its ReplicaSets like a Deployment, and is none."""
    pod = _thing("Pod", "p", owner=("apps/v1", "ReplicaSet", "rs"))
    rollout = ("argoproj.io/v1alpha1", "Rollout", "shop")
    owner = _find(Library(pod, _thing("ReplicaSet", "rs", owner=rollout)), "Pod", "p")
    assert owner.target is None
    assert "controlled by Rollout/shop (argoproj.io/v1alpha1)" in owner.reason


def test_a_deployment_of_an_operator_is_the_target_and_says_whose_it_is() -> None:
    """A change to it may be taken back."""
    above = ("example.com/v1", "Shop", "main")
    owner = _find(Library(_thing("Deployment", "d", owner=above)), "Deployment", "d")
    assert owner.target is not None
    assert "controlled by Shop/main" in owner.reason


def test_a_known_kind_of_another_group_is_unknown() -> None:
    """`Deployment` of somebody's own API group is not ours."""
    pod = _thing("Pod", "p", owner=("example.com/v1", "Deployment", "d"))
    assert _find(Library(pod, _thing("Deployment", "d")), "Pod", "p").target is None


def test_a_bare_pod_has_no_workload() -> None:
    """Nothing would bring it back."""
    owner = _find(Library(_thing("Pod", "p")), "Pod", "p")
    assert (owner.target, owner.reason) == (None, "Pod/p has no controller")


def test_owners_in_a_circle_end() -> None:
    """The depth is bounded."""
    one = _thing("ReplicaSet", "one", owner=("apps/v1", "ReplicaSet", "two"))
    two = _thing("ReplicaSet", "two", owner=("apps/v1", "ReplicaSet", "one"))
    owner = _find(Library(one, two), "ReplicaSet", "one")
    assert owner.target is None
    assert len(owner.chain) == DEPTH_MAX


def _scaler(version: str, kind: str, name: str) -> dict[str, Any]:
    reference = {"apiVersion": version, "kind": kind, "name": name}
    return _thing("HorizontalPodAutoscaler", "h") | {"spec": {"scaleTargetRef": reference}}


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_an_autoscaler_leads_to_what_it_scales(kind: str) -> None:
    """By its reference, never by its name."""
    library = Library(_scaler("apps/v1", kind, "web"), _thing(kind, "web"))
    owner = _find(library, "HorizontalPodAutoscaler", "h")
    assert owner.target is not None
    assert (owner.target.kind, owner.target.name) == (kind, "web")
    assert owner.chain == ("HorizontalPodAutoscaler/h", f"{kind}/web")


def test_an_autoscaler_of_something_unknown_has_no_target() -> None:
    """It is named."""
    library = Library(_scaler("argoproj.io/v1alpha1", "Rollout", "web"))
    owner = _find(library, "HorizontalPodAutoscaler", "h")
    assert owner.target is None
    assert owner.reason == "HorizontalPodAutoscaler/h scales Rollout/web, not followed"


@pytest.mark.parametrize("kind", ["HorizontalPodAutoscaler", "PodDisruptionBudget"])
def test_what_stands_for_a_workload_may_be_gone(kind: str) -> None:
    """As a pod may."""
    assert _find(Library(), kind, "x").reason == f"{kind}/x does not exist any more"


def _budget(*pods: dict[str, Any]) -> Library:
    selector = {"matchLabels": {"app": "web"}}
    budget = _thing("PodDisruptionBudget", "b") | {"spec": {"selector": selector}}
    sets = [_thing("StatefulSet", name) for name in ("db", "cache")]
    return Library(budget, *sets, *pods)


def test_a_disruption_budget_leads_to_the_workload_of_its_pods() -> None:
    """All of them have the same one."""
    pods = [_thing("Pod", f"db-{n}", owner=("apps/v1", "StatefulSet", "db")) for n in range(3)]
    owner = _find(_budget(*pods), "PodDisruptionBudget", "b")
    assert owner.target is not None
    assert (owner.target.kind, owner.target.name) == ("StatefulSet", "db")
    assert owner.chain == ("PodDisruptionBudget/b", "StatefulSet/db")


@pytest.mark.parametrize("other", [("apps/v1", "StatefulSet", "cache"), None])
def test_a_disruption_budget_over_several_workloads_has_no_target(
    other: tuple[str, str, str] | None,
) -> None:
    """Another workload's pod, or a bare one."""
    pods = [
        _thing("Pod", "db-0", owner=("apps/v1", "StatefulSet", "db")),
        _thing("Pod", "x", owner=other),
    ]
    owner = _find(_budget(*pods), "PodDisruptionBudget", "b")
    assert owner.target is None
    assert "no one workload" in owner.reason


def test_a_disruption_budget_over_nothing_has_no_target() -> None:
    """Its workload is at zero, or gone."""
    assert "no pods" in _find(_budget(), "PodDisruptionBudget", "b").reason


def test_a_kind_that_is_not_followed_says_so() -> None:
    """A Service selects pods; it controls none."""
    owner = _find(Library(), "Service", "user-auth")
    assert owner.target is None
    assert "name the workload" in owner.reason


def test_a_cluster_that_is_not_served_is_invalid() -> None:
    """The look-up never falls back to another cluster."""
    call = OwnerCall(cluster="mars", namespace="shop", kind="Pod", name="p")
    with pytest.raises(InvalidInput, match="mars"):
        OwnerLook({"lab": Library()}).find(call)


def test_a_failing_cluster_is_no_reason_for_no_target(broken: Shop) -> None:
    """It is tried again; only an answer is an answer."""
    broken.server.faults.add(Fault(verb="get", path_regex="pods", times=1, status=503))
    with pytest.raises(Unavailable):
        _find(broken.cluster, "Pod", _name(broken))


def _name(shop: Shop) -> str:
    return str(shop.cluster.list_all("ReplicaSet", "shop")[0]["metadata"]["name"])
