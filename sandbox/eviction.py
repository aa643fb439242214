"""`POST pods/{name}/eviction`: a delete that asks the disruption budget first.

The order is that of the real server, with its trap: the budget is spent *before* the delete checks
its preconditions, so an eviction that is refused for a wrong uid blocks others for two minutes.
"""

from datetime import datetime

from sandbox.admission import check_kind, is_dry_run
from sandbox.budgets import budgets_of, set_allowed
from sandbox.deletion import DeleteOptions, check_preconditions, delete_pod, options_of
from sandbox.objects import (
    Object,
    is_terminating,
    items_at,
    mapping_at,
    name_of,
    number_at,
    text_at,
    timestamp,
)
from sandbox.pods import is_ready
from sandbox.requests import Request, Response, json_response
from sandbox.resources import BUDGETS, PODS
from sandbox.routes import Route
from sandbox.status import ApiError, bad_request
from sandbox.store import Store

_DISRUPTED_MAX = 2000
_BUSY_SECONDS = 10
_SUCCESS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def evict(store: Store, request: Request, route: Route) -> Response:
    """The answer; raises ApiError 400, 403, 404, 409, 422, 429 or 500."""
    dry_run = is_dry_run(request, "CreateOptions")
    sent = _decoded(request, route)
    asked = mapping_at(sent, "deleteOptions")
    options = options_of(asked)
    dry_run = dry_run or "All" in (asked.get("dryRun") or [])
    before = store.resource_version
    pod = store.get(PODS, route.namespace, route.name)
    if not _needs_no_budget(pod):
        _ask_budget(store, pod, dry_run=dry_run)
    check_preconditions(PODS, pod, options)
    if not dry_run:
        _delete(store, pod, options)
    return json_response(201, _SUCCESS, effective=store.resource_version != before)


def _decoded(request: Request, route: Route) -> Object:
    body = request.body
    if not isinstance(body, dict):
        raise bad_request("the object provided is unrecognized (must be of type Eviction)")
    version = body.get("apiVersion", "policy/v1")
    allowed = version if version in {"policy/v1", "policy/v1beta1"} else "policy/v1"
    check_kind(body, "Eviction", allowed)
    if name_of(body) != route.name:
        raise bad_request("name in URL does not match name in Eviction object")
    return body


def _needs_no_budget(pod: Object) -> bool:
    finished = text_at(pod, "status", "phase") in {"Succeeded", "Failed", "Pending"}
    return finished or is_terminating(pod)


def _ask_budget(store: Store, pod: Object, *, dry_run: bool) -> None:
    budgets = budgets_of(store, pod)
    if len(budgets) > 1:
        raise ApiError(
            500,
            "",
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does "
            "not support.",
        )
    if budgets and not (not is_ready(pod) and _lets_unready_go(budgets[0])):
        _spend(store, budgets[0], pod, dry_run=dry_run)


def _lets_unready_go(budget: Object) -> bool:
    """An unready pod spends nothing: always, or as long as enough others are healthy."""
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    wanted = number_at(budget, "status", "desiredHealthy")
    return number_at(budget, "status", "currentHealthy") >= wanted > 0


def _spend(store: Store, budget: Object, pod: Object, *, dry_run: bool) -> None:
    status, name = mapping_at(budget, "status"), name_of(budget)
    if number_at(status, "observedGeneration") < number_at(budget, "metadata", "generation"):
        why = f"The disruption budget {name} is still being processed by the server."
        raise _refused(why, {"retryAfterSeconds": _BUSY_SECONDS})
    if len(mapping_at(status, "disruptedPods")) > _DISRUPTED_MAX:
        raise ApiError(403, "Forbidden", "DisruptedPods map too big - too many evictions")
    allowed = number_at(status, "disruptionsAllowed")
    if allowed <= 0:
        healthy, wanted = number_at(status, "currentHealthy"), number_at(status, "desiredHealthy")
        why = (
            f"The disruption budget {name} needs {wanted} healthy pods and has {healthy} currently"
        )
        raise _refused(why, {})
    if dry_run:
        return
    now = store.clock()
    set_allowed(budget, allowed - 1, now)
    budget["status"].setdefault("disruptedPods", {})[name_of(pod)] = timestamp(now)
    store.replace_status(BUDGETS, budget)


def _refused(why: str, more: Object) -> ApiError:
    """429; a Retry-After only where the server knows that waiting helps."""
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    cause = {"reason": "DisruptionBudget", "message": why}
    return ApiError(429, "TooManyRequests", message, {"causes": [cause], **more})


def _delete(store: Store, pod: Object, options: DeleteOptions) -> None:
    now = store.clock()
    if not is_terminating(pod):
        pod = _condemned(store, pod, now)
    delete_pod(store, pod, options.grace_seconds, now)


def _condemned(store: Store, pod: Object, now: datetime) -> Object:
    told = {
        "type": "DisruptionTarget",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": timestamp(now),
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
    }
    others = [
        item for item in items_at(pod, "status", "conditions") if item["type"] != "DisruptionTarget"
    ]
    pod["status"]["conditions"] = [*others, told]
    return store.replace_status(PODS, pod)
