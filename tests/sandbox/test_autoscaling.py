"""Who scales by himself: by load, and for a ScaledObject."""

from typing import Any

SCALERS = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers"
SCALED = "/apis/keda.sh/v1alpha1/namespaces/shop/scaledobjects"
METRICS = "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods"
MERGE = "application/merge-patch+json"


def autoscale(shop: Any, least: int, most: int) -> None:
    """An autoscaler on half of the requested cpu."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "user-auth"}
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    spec = {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": most}
    spec["metrics"] = [{"type": "Resource", "resource": cpu}]
    assert shop.raw("POST", SCALERS, {"metadata": {"name": "web"}, "spec": spec}).code == 201


def load(shop: Any, cpu: str) -> None:
    """Every pod uses so much."""
    for pod in shop.pods():
        name = pod["metadata"]["name"]
        body = {
            "apiVersion": "metrics.k8s.io/v1beta1",
            "kind": "PodMetrics",
            "metadata": {"name": name},
            "containers": [{"name": "user-auth", "usage": {"cpu": cpu, "memory": "10Mi"}}],
        }
        assert shop.raw("POST", METRICS, body).code == 201


def asking(shop: Any) -> None:
    """The pods ask for 100 thousandths of a core each."""
    container = {"name": "user-auth", "resources": {"requests": {"cpu": "100m"}}}
    shop.patch({"spec": {"template": {"spec": {"containers": [container]}}}})
    shop.advance()


def status(shop: Any) -> dict[str, Any]:
    """The status of the autoscaler, its conditions by type."""
    found: dict[str, Any] = shop.raw("GET", f"{SCALERS}/web").body["status"]
    return found | {item["type"]: item for item in found["conditions"]}


def test_load_scales_up_to_the_maximum_and_says_that_more_was_wanted(shop: Any) -> None:
    """Three pods at 100 % of a target of 50 % want six; five is all they get."""
    shop.server.addons.add("metrics.k8s.io")
    asking(shop)
    load(shop, "100m")
    autoscale(shop, 1, 5)
    shop.advance()

    assert shop.deployment()["spec"]["replicas"] == 5
    assert status(shop)["desiredReplicas"] == 5
    limited = status(shop)["ScalingLimited"]
    assert (limited["status"], limited["reason"]) == ("True", "TooManyReplicas")
    assert status(shop)["ScalingActive"]["reason"] == "ValidMetricFound"


def test_without_metrics_it_only_keeps_the_bounds(shop: Any) -> None:
    """And says what it misses."""
    autoscale(shop, 1, 5)
    shop.advance()

    assert shop.deployment()["spec"]["replicas"] == 3
    assert status(shop)["ScalingActive"]["reason"] == "FailedGetResourceMetric"


def test_its_write_is_that_of_the_controller_manager(shop: Any) -> None:
    """By which one can tell who owns the number."""
    autoscale(shop, 4, 5)
    shop.advance()
    fields = shop.deployment()["metadata"]["managedFields"]
    entry = next(item for item in fields if item.get("subresource") == "scale")

    assert entry["manager"] == "kube-controller-manager"
    assert entry["fieldsV1"] == {"f:spec": {"f:replicas": {}}}


def scaled_object(shop: Any) -> None:
    """KEDA for the shop."""
    spec = {"scaleTargetRef": {"name": "user-auth"}, "minReplicaCount": 4, "maxReplicaCount": 6}
    kind = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject"}
    assert shop.raw("POST", SCALED, kind | {"metadata": {"name": "web"}, "spec": spec}).code == 201
    shop.advance()


def test_a_scaled_object_keeps_an_autoscaler_and_takes_edits_back(shop: Any) -> None:
    """The object is where a change lasts."""
    scaled_object(shop)
    path = f"{SCALERS}/keda-hpa-web"
    owner = shop.raw("GET", path).body["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("ScaledObject", "web", True)
    assert shop.deployment()["spec"]["replicas"] == 4

    shop.raw("PATCH", path, {"spec": {"minReplicas": 1}}, Content_Type=MERGE)
    shop.advance(0.5)
    assert shop.raw("GET", path).body["spec"]["minReplicas"] == 4

    patch = {"spec": {"minReplicaCount": 5}}
    shop.raw("PATCH", f"{SCALED}/web", patch, Content_Type=MERGE)
    shop.advance()
    assert shop.deployment()["spec"]["replicas"] == 5


def test_a_paused_scaled_object_holds_its_number(shop: Any) -> None:
    """Its autoscaler is gone until it goes on."""
    scaled_object(shop)
    notes = {"autoscaling.keda.sh/paused-replicas": "2"}
    patch = {"metadata": {"annotations": notes}}
    shop.raw("PATCH", f"{SCALED}/web", patch, Content_Type=MERGE)
    shop.advance()

    assert shop.deployment()["spec"]["replicas"] == 2
    assert shop.raw("GET", f"{SCALERS}/keda-hpa-web").code == 404


def test_deleting_the_scaled_object_takes_its_autoscaler_along(shop: Any) -> None:
    """It was owned."""
    scaled_object(shop)
    assert shop.raw("DELETE", f"{SCALED}/web").body["status"] == "Success"
    shop.advance(0.3)

    assert shop.raw("GET", f"{SCALERS}/keda-hpa-web").code == 404
