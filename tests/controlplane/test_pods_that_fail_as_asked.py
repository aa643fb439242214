"""What kwok plays: pods that live or fail by their label, logs of a crash, nodes and jobs."""

import pytest
from clusters import Live
from rest import Json

from controlplane.manifests import deployment, job

FAULT = "sandbox.firebreak/fault"


def states(live: Live) -> list[str]:
    """For each container that has one: its state, or why it waits."""
    found = [
        it for pod in live.rest.items("Pod") for it in pod["status"].get("containerStatuses", ())
    ]
    return [it["state"].get("waiting", {}).get("reason") or next(iter(it["state"])) for it in found]


def condition(obj: Json, kind: str) -> Json:
    """The condition of that type; empty while there is none."""
    found = obj.get("status", {}).get("conditions", [])
    return next((it for it in found if it["type"] == kind), {})


@pytest.mark.parametrize(
    ("fault", "state", "phase"),
    [
        ("crash-loop", "CrashLoopBackOff", "Running"),
        ("oom", "CrashLoopBackOff", "Running"),
        ("wrong-image", "ImagePullBackOff", "Pending"),
        ("config", "CreateContainerConfigError", "Pending"),
        ("never-ready", "running", "Running"),
        ("probe", "running", "Running"),
    ],
)
def test_a_label_makes_pods_fail_as_a_kubelet_reports_it(
    real_cluster: Live, fault: str, state: str, phase: str
) -> None:
    """Phase, state and last state are those of the fault; the pod is never ready."""
    rest = real_cluster.rest
    rest.create(deployment(labels={FAULT: fault}))
    real_cluster.wait(lambda: states(real_cluster) == [state])
    (pod,) = rest.items("Pod")
    (container,) = pod["status"]["containerStatuses"]
    assert (pod["status"]["phase"], container["ready"]) == (phase, False)
    assert condition(pod, "Ready")["status"] == "False"
    ended = container["lastState"].get("terminated", {}).get("reason")
    assert ended == {"crash-loop": "Error", "oom": "OOMKilled", "probe": "Error"}.get(fault)
    about = f"involvedObject.uid={pod['metadata']['uid']},type=Warning"
    real_cluster.wait(lambda: rest.items("Event", fieldSelector=about))


def test_a_restart_ends_a_fault_of_the_old_pods(real_cluster: Live) -> None:
    """`crash-loop-until-restarted` is bad state of pods, not of their template."""
    real_cluster.rest.create(deployment(annotations={FAULT: "crash-loop-until-restarted"}))
    real_cluster.wait(lambda: states(real_cluster) == ["CrashLoopBackOff"])
    assert real_cluster.kubectl("rollout", "restart", "deployment/web").returncode == 0
    done = real_cluster.kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    assert "successfully rolled out" in done.stdout, done.stderr


def test_the_log_before_the_crash_can_be_read(real_cluster: Live) -> None:
    """`kubectl logs --previous` goes through the apiserver to the kubelet's port."""
    real_cluster.rest.create(deployment())
    real_cluster.wait(lambda: states(real_cluster) == ["running"])
    now = real_cluster.kubectl("logs", "deployment/web", "--tail=1")
    before = real_cluster.kubectl("logs", "deployment/web", "--previous")
    assert (now.stdout, now.returncode) == ("listening on :8080\n", 0), now.stderr
    assert "KeyError: 'SIGNING_KEY'" in before.stdout


@pytest.mark.parametrize(("fault", "ends"), [("", "Complete"), ("crash-loop", "Failed")])
def test_a_job_ends_well_or_badly(real_cluster: Live, fault: str, ends: str) -> None:
    """Its pod is never restarted, so that a crash is a failed pod."""
    real_cluster.rest.create(job(labels={FAULT: fault} if fault else {}))
    real_cluster.wait(
        lambda: condition(real_cluster.rest.read("Job", "work"), ends).get("status") == "True"
    )


def test_a_job_hangs_when_its_pod_does(real_cluster: Live) -> None:
    """One whose pod is never ready runs for ever; one that is well is over long before."""
    real_cluster.rest.create(job(labels={FAULT: "never-ready"}))
    real_cluster.rest.create(job("well"))
    real_cluster.wait(lambda: condition(real_cluster.rest.read("Job", "well"), "Complete"))
    assert real_cluster.rest.read("Job", "work")["status"]["active"] == 1


def test_a_node_falls_ill_and_recovers_by_its_label(real_cluster: Live) -> None:
    """NotReady comes from the node's own kubelet, and the real controllers act on it."""
    name, rest = real_cluster.add_node(), real_cluster.rest

    def is_ready(status: str) -> bool:
        return bool(condition(rest.read("Node", name), "Ready")["status"] == status)

    rest.patch("Node", name, {"metadata": {"labels": {FAULT: "not-ready"}}})
    real_cluster.wait(lambda: is_ready("False"))
    real_cluster.wait(lambda: rest.read("Node", name)["spec"].get("taints"))
    rest.patch("Node", name, {"metadata": {"labels": {FAULT: None}}})
    real_cluster.wait(lambda: is_ready("True"))


def test_a_pod_that_fits_nowhere_is_the_real_schedulers_word(real_cluster: Live) -> None:
    """No fault is needed for that."""
    real_cluster.rest.create(deployment(node_selector={"nowhere": "true"}))
    real_cluster.wait(
        lambda: (
            [condition(it, "PodScheduled").get("reason") for it in real_cluster.rest.items("Pod")]
            == ["Unschedulable"]
        )
    )


def test_a_real_autoscaler_scales_on_metrics_that_a_test_writes(real_cluster: Live) -> None:
    """Metrics are a custom resource here, with the labels of the pods that they are of."""
    rest = real_cluster.rest
    rest.create(deployment(cpu="100m"))
    real_cluster.wait(lambda: states(real_cluster) == ["running"])
    (pod,) = rest.items("Pod")
    rest.create(_usage(pod, "300m"))
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 2}
    rest.create({"kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": spec})
    real_cluster.wait(lambda: rest.read("Deployment", "web")["spec"]["replicas"] == 2, seconds=30)


def _usage(pod: Json, cpu: str) -> Json:
    """What a metrics server would say of the pod."""
    metadata = {"name": pod["metadata"]["name"], "labels": pod["metadata"]["labels"]}
    return {
        "apiVersion": "metrics.k8s.io/v1beta1",
        "kind": "PodMetrics",
        "metadata": metadata,
        "timestamp": pod["metadata"]["creationTimestamp"],
        "window": "30s",
        "containers": [{"name": "web", "usage": {"cpu": cpu, "memory": "10Mi"}}],
    }
