"""Dry runs: every check, no trace."""

from typing import Any

import pytest

from contract.face import STRATEGIC, Face, template, workload

WEB = "apps/v1/deployments/web"


@pytest.fixture
def quiet(face: Face) -> Face:
    """A Deployment that nobody works on."""
    face.deploy(replicas=0, paused=True)
    return face


@pytest.mark.parametrize("media", ["application/merge-patch+json", STRATEGIC])
def test_a_dry_run_shows_what_would_be(quiet: Face, media: str) -> None:
    """With the generation that it would have."""
    before = quiet.get(WEB)
    note = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
    patch = {"spec": {"template": {"metadata": {"annotations": note}}}}
    answer = quiet.patch(f"{WEB}?dryRun=All", patch, media)

    assert answer.body["spec"]["template"]["metadata"]["annotations"] == note
    assert answer.body["metadata"]["generation"] == before.body["metadata"]["generation"] + 1
    assert quiet.get(WEB).version == before.version


def test_a_dry_run_conflicts_like_a_real_run(quiet: Face) -> None:
    """Otherwise it would prove nothing."""
    stale = {"metadata": {"resourceVersion": "1"}}

    assert quiet.patch(f"{WEB}?dryRun=All", stale).code == 409
    assert quiet.patch(f"{WEB}?dryRun=All", {"spec": {"replicas": -1}}).code == 422


def test_a_dry_run_of_a_scale_scales_nothing(quiet: Face) -> None:
    """And shows the number."""
    answer = quiet.patch(f"{WEB}/scale?dryRun=All", {"spec": {"replicas": 7}})

    assert answer.body["spec"] == {"replicas": 7}
    assert quiet.get(WEB).body["spec"]["replicas"] == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("apps/v1/deployments", workload("Deployment", "new", 1, {}, {})),
        ("apps/v1/statefulsets", workload("StatefulSet", "new", 1, {}, {})),
        (
            "batch/v1/jobs",
            {
                "metadata": {"name": "new"},
                "spec": {"template": template("new", restartPolicy="Never")},
            },
        ),
    ],
)
def test_a_dry_run_create_leaves_the_name_free(face: Face, path: str, body: Any) -> None:
    """It answers with a uid that nobody will ever have."""
    answer = face.post(f"{path}?dryRun=All", body)

    assert answer.code == 201
    assert answer.uid
    assert face.get(f"{path}/new").code == 404


def test_any_other_value_is_422_and_not_400(quiet: Face) -> None:
    """The field is named, the options have a kind."""
    answer = quiet.patch(f"{WEB}?dryRun=Some", {"spec": {"paused": False}})

    assert answer.what == (422, "Invalid")
    said = 'Unsupported value: ["Some"]: supported values: "All"'
    assert answer.message == f'PatchOptions.meta.k8s.io "" is invalid: dryRun: {said}'
    assert answer.causes[0]["field"] == "dryRun"
