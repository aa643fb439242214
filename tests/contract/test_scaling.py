"""The scale subresource, and who else has a say in the number."""

from typing import Any

from contract.face import Face, template

WEB, SCALE = "apps/v1/deployments/web", "apps/v1/deployments/web/scale"
SCALERS = "autoscaling/v2/horizontalpodautoscalers"


def test_a_scale_shows_the_number_and_the_selector_as_text(web: Face) -> None:
    """autoscaling/v1, with the identity of the Deployment."""
    scale, deployment = web.get(SCALE), web.get(WEB)

    assert (scale.body["kind"], scale.body["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert scale.body["spec"] == {"replicas": 3}
    assert scale.body["status"] == {"replicas": 3, "selector": "app=web"}
    assert (scale.uid, scale.version) == (deployment.uid, deployment.version)


def test_scaling_starts_no_rollout(web: Face) -> None:
    """One ReplicaSet, one revision, more pods; generation counts."""
    generation = web.get(WEB).body["metadata"]["generation"]
    assert web.patch(SCALE, {"spec": {"replicas": 5}}).body["spec"] == {"replicas": 5}
    web.live.wait(lambda: web.available("web") == 5)

    assert web.get(WEB).body["metadata"]["generation"] == generation + 1
    assert len(web.get("apps/v1/replicasets?labelSelector=app=web").body["items"]) == 1


def test_zero_is_left_out_of_a_scale(web: Face) -> None:
    """As Go does with what is zero."""
    assert web.patch(SCALE, {"spec": {"replicas": 0}}).body["spec"] == {}
    web.live.wait(lambda: not web.pods("web"))


def test_a_negative_number_is_422_of_the_scale(web: Face) -> None:
    """Not of the Deployment."""
    answer = web.patch(SCALE, {"spec": {"replicas": -1}})

    assert answer.what == (422, "Invalid")
    assert answer.message.startswith('Scale.autoscaling "web" is invalid: spec.replicas')


def test_a_paused_deployment_still_scales(web: Face) -> None:
    """It only does not roll out."""
    web.patch(WEB, {"spec": {"paused": True}})
    web.patch(SCALE, {"spec": {"replicas": 4}})

    web.live.wait(lambda: web.available("web") == 4)


def autoscale(face: Face, least: int, most: int) -> None:
    """An autoscaler on cpu for the Deployment."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": most}
    made = face.post(SCALERS, {"metadata": {"name": "web"}, "spec": spec})
    assert made.code == 201, made.body


def size(face: Face) -> int:
    """`spec.replicas` of the Deployment."""
    return int(face.get(WEB).body["spec"]["replicas"])


def condition(face: Face, kind: str) -> dict[str, Any]:
    """A condition of the autoscaler."""
    status = face.get(f"{SCALERS}/web").body["status"]
    found = [item for item in status.get("conditions", []) if item["type"] == kind]
    return found[0] if found else {}


def test_an_autoscaler_takes_a_manual_number_back(web: Face) -> None:
    """Below its minimum and above its maximum."""
    autoscale(web, 4, 6)
    web.live.wait(lambda: size(web) == 4)
    web.patch(SCALE, {"spec": {"replicas": 9}})
    web.live.wait(lambda: size(web) == 6)

    web.live.wait(lambda: condition(web, "AbleToScale").get("status") == "True")
    assert web.get(f"{SCALERS}/web").body["status"]["lastScaleTime"]


def test_raising_the_minimum_raises_the_number(web: Face) -> None:
    """The way to scale what an autoscaler owns."""
    autoscale(web, 1, 6)
    path = f"{SCALERS}/web"
    assert web.patch(path, {"spec": {"minReplicas": 5}}).body["spec"]["minReplicas"] == 5

    web.live.wait(lambda: size(web) == 5)


def test_zero_replicas_switch_an_autoscaler_off(web: Face) -> None:
    """It stays at zero, and says why."""
    autoscale(web, 2, 6)
    web.patch(SCALE, {"spec": {"replicas": 0}})
    web.live.wait(lambda: condition(web, "ScalingActive").get("reason") == "ScalingDisabled")

    assert size(web) == 0


def test_bounds_that_cross_are_422(web: Face) -> None:
    """The maximum is named."""
    autoscale(web, 2, 4)
    answer = web.patch(f"{SCALERS}/web", {"spec": {"minReplicas": 5}})

    assert answer.what == (422, "Invalid")
    assert answer.causes[0]["field"] == "spec.maxReplicas"
    assert answer.causes[0]["message"].endswith("must be greater than or equal to `minReplicas`")


def test_an_autoscaler_without_a_minimum_has_one(face: Face) -> None:
    """And a metric that nobody asked for."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "maxReplicas": 4}
    made = face.post(SCALERS, {"metadata": {"name": "web"}, "spec": spec}).body

    assert made["spec"]["minReplicas"] == 1
    assert made["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 80


def test_a_quota_refuses_pods_and_not_the_scale(face: Face) -> None:
    """The scale is accepted; the ReplicaSet and the Deployment tell what became of it."""
    hard = {"pods": "10", "requests.cpu": "1"}
    face.post("resourcequotas", {"metadata": {"name": "small"}, "spec": {"hard": hard}})
    asking = template("web")
    asking["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "500m"}}
    face.live.wait(lambda: face.get("resourcequotas/small").body["status"].get("hard"))
    face.deploy(replicas=2, template=asking)
    assert face.patch(SCALE, {"spec": {"replicas": 3}}).code == 200

    def failure() -> dict[str, Any]:
        conditions = face.get(WEB).body["status"]["conditions"]
        return next((item for item in conditions if item["type"] == "ReplicaFailure"), {})

    face.live.wait(failure)
    assert (failure()["status"], failure()["reason"]) == ("True", "FailedCreate")
    said = "exceeded quota: small, requested: requests.cpu=500m, used: requests.cpu=1, limited: "
    assert said + "requests.cpu=1" in failure()["message"]
    used = face.get("resourcequotas/small").body["status"]["used"]
    assert used == {"pods": "2", "requests.cpu": "1"}
