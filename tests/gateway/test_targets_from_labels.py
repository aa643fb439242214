"""Labels name a workload, a pod to follow, or nothing; never a guess."""

import pytest

from contracts.policy import Policy, Service
from contracts.target import Target
from gateway.targets import Found, find_target

NONE = Policy()


def found(labels: dict[str, str], policy: Policy = NONE, cluster: str = "default") -> Found:
    """What labels name."""
    return find_target(labels, cluster, policy)


def named(what: Target | None) -> str:
    """`Kind namespace/name`."""
    return f"{what.kind} {what.namespace}/{what.name}" if what else ""


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"namespace": "shop", "deployment": "a"}, "Deployment shop/a"),
        ({"namespace": "shop", "statefulset": "a"}, "StatefulSet shop/a"),
        ({"namespace": "shop", "daemonset": "a"}, "DaemonSet shop/a"),
        ({"namespace": "shop", "job_name": "a"}, "Job shop/a"),
        (
            {"namespace": "shop", "deployment": "a", "pod": "kube-state-metrics-0"},
            "Deployment shop/a",
        ),
        (
            {"namespace": "shop", "deployment": "a", "container": "kube-rbac-proxy-main"},
            "Deployment shop/a",
        ),
        ({"namespace": "m", "exported_namespace": "shop", "deployment": "a"}, "Deployment shop/a"),
        (
            {"namespace": "m", "exported_exported_namespace": "shop", "deployment": "a"},
            "Deployment shop/a",
        ),
        ({"node": "worker-1"}, "Node /worker-1"),
        ({"node": "worker-1", "pod": "kube-state-metrics-7", "namespace": "m"}, "Node /worker-1"),
        (
            {"alertname": "KubeNodeNotReady", "node": "n1", "pod": "metrics-0", "namespace": "m"},
            "Node /n1",
        ),
        (
            {"alertname": "KubeJobFailed", "namespace": "shop", "job_name": "a", "job": "ksm"},
            "Job shop/a",
        ),
        (
            {
                "firebreak_kind": "deployment",
                "firebreak_name": "b",
                "firebreak_namespace": "s",
                "namespace": "m",
                "deployment": "a",
            },
            "Deployment s/b",
        ),
    ],
)
def test_labels_that_name_a_workload(labels: dict[str, str], expected: str) -> None:
    """The series' own labels beat those of the scrape."""
    assert named(found(labels).target) == expected


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"deployment": "a"},
        {"pod": "a-1"},
        {"job": "kubelet", "service": "s", "endpoint": "http", "instance": "10.0.0.1:9100"},
        {"horizontalpodautoscaler": "h"},
        {"namespace": "shop", "persistentvolumeclaim": "data-0"},
        {"namespace": "shop", "pod": "prometheus-node-exporter-x2x2x"},
        {"namespace": "shop", "deployment": "$(reboot)"},
        {"namespace": "../kube-system", "deployment": "a"},
        {"namespace": "..", "deployment": "a"},
        {"namespace": "..", "pod": "a"},
        {"firebreak_kind": "Pod", "firebreak_name": "b", "firebreak_namespace": ".."},
        {"namespace": "shop", "deployment": "a\u202eb"},
        {"namespace": "shop", "pod": "a\nb"},
        {"namespace": "shop", "deployment": "{{ .Labels }}"},
        {"namespace": "shop", "deployment": "<!channel>"},
        {"namespace": "shop", "deployment": "x" * 300},
        {"firebreak_kind": "Secret", "firebreak_name": "b"},
    ],
)
def test_labels_that_name_nothing(labels: dict[str, str]) -> None:
    """Neither a target nor a pod, and a reason."""
    nothing = found(labels)
    assert (nothing.target, nothing.subject) == (None, None)
    assert nothing.reason


def test_a_pod_is_a_subject_and_its_name_is_not_taken_apart() -> None:
    """Only the cluster knows its owner."""
    labels = {"namespace": "shop", "pod": "user-auth-67cd7f4c4-8mwjz", "exported_pod": "cart-1"}
    pod = found(labels)
    assert pod.target is None
    assert named(pod.subject) == "Pod shop/cart-1"


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("horizontalpodautoscaler", "HorizontalPodAutoscaler"),
        ("poddisruptionbudget", "PodDisruptionBudget"),
    ],
)
def test_what_stands_for_a_workload_is_a_subject(label: str, kind: str) -> None:
    """The cluster knows what it scales or protects; the pod is the exporter's."""
    stands = found({"namespace": "shop", label: "a", "pod": "metrics-0"})
    assert stands.target is None
    assert named(stands.subject) == f"{kind} shop/a"


def test_a_workload_is_closer_than_what_stands_for_it() -> None:
    """Where a rule names both."""
    labels = {"namespace": "shop", "deployment": "a", "horizontalpodautoscaler": "h"}
    assert named(found(labels).target) == "Deployment shop/a"


def test_a_service_that_names_its_target_goes_first() -> None:
    """Whatever the labels say besides."""
    target = Target(cluster="default", namespace="shop", kind="Deployment", name="user-auth")
    matchers = ['service="user-auth"']
    service = Service.model_validate({"name": "ua", "matchers": matchers, "target": target})
    policy = Policy(services=(service,))
    labels = {"service": "user-auth", "namespace": "shop", "deployment": "other"}
    hit = found(labels, policy)
    assert hit.target == target
    assert hit.service == service


def test_a_service_of_another_cluster_is_not_meant() -> None:
    """Two clusters may run the same service."""
    targets = [Target(cluster=c, namespace="s", kind="Deployment", name="a") for c in ("e", "w")]
    services = tuple(
        Service.model_validate({"name": t.cluster, "matchers": ['app="a"'], "target": t})
        for t in targets
    )
    policy = Policy(clusters=("e", "w"), services=services)
    assert found({"app": "a"}, policy, "w").target == targets[1]
    assert found({"app": "a"}, policy, "").target is None


def test_a_service_is_found_by_its_target() -> None:
    """So that approvers and teams apply to alerts that name only the deployment."""
    target = Target(cluster="default", namespace="shop", kind="Deployment", name="a")
    policy = Policy(services=(Service(name="svc", target=target),))
    service = found({"namespace": "shop", "deployment": "a"}, policy).service
    assert service is not None
    assert service.name == "svc"
