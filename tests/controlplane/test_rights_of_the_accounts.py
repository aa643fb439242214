"""The suite runs as the shipped roles, and one namespace's test has nothing of another's."""

from http import HTTPStatus

import httpx
import pytest
from clusters import Live
from permissions import bindings
from rest import STRATEGIC, Rest

from controlplane.manifests import deployment

NOTE = {"metadata": {"annotations": {"note": "once"}}}


def code_of(rest: Rest, name: str = "web") -> int:
    """Of the answer to a patch."""
    try:
        rest.patch("Deployment", name, NOTE, media=STRATEGIC)
    except httpx.HTTPStatusError as err:
        return err.response.status_code
    return HTTPStatus.OK


@pytest.mark.parametrize("turn", [1, 2])
def test_the_actor_writes_and_the_reader_does_not(real_cluster: Live, turn: int) -> None:
    """Also in the second namespace, whose bindings are created another way."""
    assert turn
    real_cluster.rest.create(deployment())
    with real_cluster.rest_as("actor", "firebreak/test") as actor:
        assert code_of(actor) == HTTPStatus.OK
    with real_cluster.rest_as("reader", "firebreak/test") as reader:
        assert reader.read("Deployment", "web")["metadata"]["name"] == "web"
        assert code_of(reader) == HTTPStatus.FORBIDDEN


def test_the_actor_of_one_namespace_is_nobody_in_another(real_cluster: Live) -> None:
    """Bindings are granted one namespace after another."""
    real_cluster.rest.create(deployment())
    config = real_cluster.kubeconfig_as("actor")
    with Rest(config, "default", "firebreak/test") as elsewhere:
        assert code_of(elsewhere) == HTTPStatus.FORBIDDEN


def test_the_shipped_files_bind_something() -> None:
    """An empty search would leave the suite with no rights to test."""
    assert {it["kind"] for it in bindings()} >= {"RoleBinding"}
