"""`FIREBREAK_TEST_KUBECONFIG`: the suite on a cluster that somebody has, as far as it goes."""

import os
import shutil
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
from clusters import KUBECONFIG, RealLive, RealServer, lived, real_server_of

from controlplane.manifests import deployment
from sandbox.faults import Fault

NOTE = {"metadata": {"annotations": {"note": "once"}}}


@pytest.fixture(name="foreign")
def _foreign(real_server: RealServer, tmp_path: Path) -> Iterator[RealLive]:
    """A cluster of which there is a kubeconfig and nothing else."""
    kubeconfig = tmp_path / "theirs"
    shutil.copy(real_server.cluster.kubeconfig, kubeconfig)
    with real_server_of({**os.environ, KUBECONFIG: str(kubeconfig)}) as server:
        yield from lived(RealLive(server, tmp_path))


@pytest.fixture(name="left_running")
def _left_running(real_server: RealServer, tmp_path: Path) -> Iterator[RealLive]:
    """One that `make controlplane-up` left running."""
    kubeconfig = real_server.cluster.kubeconfig
    with real_server_of({**os.environ, KUBECONFIG: str(kubeconfig)}) as server:
        yield from lived(RealLive(server, tmp_path))


def test_one_that_was_left_running_gives_everything(left_running: RealLive) -> None:
    """Its audit log and its accounts are known by what lies beside the kubeconfig."""
    left_running.rest.create(deployment())
    with left_running.rest_as("actor", "firebreak/test") as ours:
        ours.patch("Deployment", "web", NOTE)
    assert [it.user for it in left_running.writes()] == ["system:serviceaccount:firebreak:actor"]


def test_faults_are_made_before_a_foreign_one_too(foreign: RealLive) -> None:
    """The proxy calls with the kubeconfig's own rights."""
    foreign.rest.create(deployment())
    foreign.faults.add(Fault("patch", "/web$", 1, status=503))
    with foreign.rest_as("actor", "firebreak/test") as ours:
        with pytest.raises(httpx.HTTPStatusError) as caught:
            ours.patch("Deployment", "web", NOTE)
        assert caught.value.response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert ours.patch("Deployment", "web", NOTE)["metadata"]["annotations"]["note"] == "once"


def test_where_there_is_no_audit_log_its_tests_are_skipped_loudly(foreign: RealLive) -> None:
    """Nothing is claimed of writes that nobody saw."""
    with pytest.raises(pytest.skip.Exception, match="shows no audit log"):
        foreign.writes()
