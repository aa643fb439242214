"""Rules: who is restricted may do what they say, and hears why not."""

from typing import Any

RULES = [
    {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]},
    {
        "apiGroups": ["apps"],
        "resources": ["deployments"],
        "verbs": ["patch"],
        "resourceNames": ["user-auth"],
    },
]


def test_what_no_rule_allows_is_403(shop: Any) -> None:
    """By verb, by subresource, by name and by namespace."""
    shop.server.access.restrict("bot", RULES, "shop")
    pods, deployments = "/api/v1/namespaces/shop/pods", "/apis/apps/v1/namespaces/shop/deployments"
    media = "application/merge-patch+json"

    assert shop.raw("GET", pods).code == 200
    assert shop.raw("PATCH", f"{deployments}/user-auth", {}, Content_Type=media).code == 200
    assert shop.raw("PATCH", f"{deployments}/other", {}, Content_Type=media).code == 403
    assert shop.raw("POST", f"{pods}/a/eviction", {}).code == 403
    answer = shop.raw("GET", "/api/v1/namespaces/default/pods")
    said = 'cannot list resource "pods" in API group "" in the namespace "default"'
    assert answer.message == f'pods is forbidden: User "bot" {said}'
    nodes = shop.raw("GET", "/api/v1/nodes")
    assert nodes.message.endswith(
        'cannot list resource "nodes" in API group "" at the cluster scope'
    )

    shop.server.access.release("bot")
    assert shop.raw("GET", "/api/v1/nodes").code == 200


def test_a_review_without_a_question_is_422(shop: Any) -> None:
    """The field is named."""
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

    assert shop.raw("POST", path, {"spec": {}}).code == 422
