"""The looks: what they find, what they keep, and what never leaves them."""

from typing import Any

import pytest
from kubernetes.client import AppsV1Api

from activities.kubernetes.events import EventsLook
from activities.kubernetes.evidence import head, tail
from activities.kubernetes.history import RolloutHistoryLook
from activities.kubernetes.logs import PodLogsLook
from activities_kubernetes.shop import FAULT, KEY, LOG, READY_SECONDS, TARGET, Shop
from contracts.errors import NotFound, Unavailable
from contracts.kubernetes import Events, PodLogs, RolloutHistory
from contracts.model import digest_of
from contracts.step import BODY_BYTES_MAX, EXCERPT_BYTES_MAX, Evidence
from sandbox import Fault
from sandbox.scenario import BAD_IMAGE, GOOD_IMAGE

SECRET = "hunter2-secret"


def _logs(shop: Shop, **options: int) -> Evidence:
    step = PodLogs(target=TARGET, **options)
    evidence: Evidence = shop.run(PodLogsLook(shop.clusters, shop.shelf).look, shop.call(step))
    return evidence


def _history(shop: Shop) -> Evidence:
    call = shop.call(RolloutHistory(target=TARGET))
    evidence: Evidence = shop.run(RolloutHistoryLook(shop.clusters, shop.shelf).look, call)
    return evidence


def _events(shop: Shop, events_max: int = 50) -> Evidence:
    call = shop.call(Events(target=TARGET, events_max=events_max))
    evidence: Evidence = shop.run(EventsLook(shop.clusters, shop.shelf).look, call)
    return evidence


def test_logs_are_those_of_the_crashing_pods_from_before_the_crash(broken: Shop) -> None:
    """The healthy old pod is the least interesting one."""
    evidence = _logs(broken, pods_max=3)
    assert evidence.facts["pods_crash_looping"] == 3
    assert evidence.facts["pods_total"] == 4
    assert {pod["reason"] for pod in evidence.facts["pods"]} == {"CrashLoopBackOff"}
    assert "before its last restart" in evidence.excerpt
    assert 'unknown column "mfa_state"' in evidence.excerpt
    assert evidence.title == "Logs of 3 of 4 pods of deployment shop/user-auth"


def test_the_body_lies_on_the_shelf_under_the_digest_that_history_gets(broken: Shop) -> None:
    """A second look finds other text; its history must name its own body."""
    first = _logs(broken)
    assert first.key == KEY
    assert first.digest == digest_of(broken.shelf.body)
    assert first.size_bytes == len(broken.shelf.body.encode())
    broken.clock.advance(60)
    second = _logs(broken, lines=2)
    assert second.digest != first.digest
    assert len(broken.shelf.bodies) == 2


def test_a_secret_of_the_environment_is_blanked_in_logs(broken: Shop) -> None:
    """The program prints its DATABASE_URL when it dies."""
    evidence = _logs(broken)
    assert SECRET not in evidence.model_dump_json()
    assert SECRET not in broken.shelf.body
    assert "connecting to [redacted]" in broken.shelf.body


def test_a_secret_that_is_only_in_the_log_is_blanked_by_its_shape(shop: Shop) -> None:
    """No template knows a token that was fetched at run time."""
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJlLW9mLWFuYQ"
    _crash_with(shop, f"GET /me Authorization: Bearer {token}\nboom")
    assert token not in _logs(shop).model_dump_json()
    assert token not in shop.shelf.body
    assert "boom" in shop.shelf.body


def test_a_huge_log_keeps_its_end_and_stays_within_its_bounds(shop: Shop) -> None:
    """The last lines say why it died."""
    _crash_with(shop, "\n".join(f"line {n} " + "ä" * 200 for n in range(1500)) + "\nTHE END")
    evidence = _logs(shop, lines=2000)
    assert evidence.size_bytes <= BODY_BYTES_MAX
    assert len(evidence.excerpt.encode()) <= EXCERPT_BYTES_MAX
    assert "THE END" in shop.shelf.body
    assert "THE END" in evidence.excerpt


def test_healthy_pods_have_only_a_present_log(shop: Shop) -> None:
    """Nothing was restarted, so nothing is asked from before."""
    shop.open()
    _logs(shop)
    assert "listening on :8080" in shop.shelf.body
    assert "before its last restart" not in shop.shelf.body


def test_a_missing_log_is_a_line_and_no_error(shop: Shop) -> None:
    """A container that never started has none."""
    shop.open()
    _release(shop, {READY_SECONDS: "99"})
    evidence = _logs(shop, pods_max=10)
    assert "(no log)" in shop.shelf.body
    assert "waiting to start" in shop.shelf.body
    assert not evidence.excerpt.partition("\n")[2].startswith("(no log)")


def test_history_tells_the_revisions_newest_first(broken: Shop) -> None:
    """The facts are what a runbook decides on."""
    facts = _history(broken).facts
    assert facts["current"] == 2
    assert facts["current_age_seconds"] == 40
    assert [revision["revision"] for revision in facts["revisions"]] == [2, 1]
    assert [revision["images"] for revision in facts["revisions"]] == [[BAD_IMAGE], [GOOD_IMAGE]]
    assert facts["revisions"][0]["change_cause"] == "release 1.5.0"
    assert facts["revisions"][0]["ready"] == 0
    assert set(facts["revisions"][0]) == {
        "revision",
        "replica_set",
        "images",
        "created_at",
        "ready",
        "change_cause",
    }


def test_history_marks_the_current_revision_and_says_no_secret(broken: Shop) -> None:
    """The body is for people."""
    evidence = _history(broken)
    assert f"revision 2 (current): {BAD_IMAGE}" in broken.shelf.body
    assert SECRET not in broken.shelf.body + evidence.model_dump_json()


def test_a_revision_that_returned_is_as_young_as_its_rollout(broken: Shop) -> None:
    """Its ReplicaSet is old; "did this begin after a release?" asks for the rollout."""
    broken.ensure_rollback(broken.plan_rollback())
    broken.clock.advance(20)
    facts = _history(broken).facts
    assert facts["current"] == 3
    assert facts["current_age_seconds"] <= 20


def test_events_are_of_the_deployment_its_replica_sets_and_its_pods(broken: Shop) -> None:
    """Newest first."""
    evidence = _events(broken)
    lines = broken.shelf.body.splitlines()
    assert evidence.facts["reasons"]["BackOff"] >= 3
    assert evidence.facts["reasons"]["ScalingReplicaSet"] >= 1
    assert any("deployment/user-auth" in line for line in lines)
    assert [line.split()[0] for line in lines] == sorted(
        (line.split()[0] for line in lines), reverse=True
    )


def test_events_are_bounded(broken: Shop) -> None:
    """As many as were asked for."""
    assert _events(broken, events_max=2).facts["events"] == 2
    assert len(broken.shelf.body.splitlines()) == 2


@pytest.mark.parametrize("look", [_logs, _history, _events])
def test_a_look_at_a_missing_deployment_is_not_found(shop: Shop, look: Any) -> None:
    """And keeps nothing."""
    with pytest.raises(NotFound):
        look(shop)
    assert not shop.shelf.bodies


@pytest.mark.parametrize("look", [_logs, _history, _events])
def test_a_look_at_a_failing_cluster_is_tried_again_by_others(broken: Shop, look: Any) -> None:
    """One request, no retry of its own."""
    before = len(broken.server.requests())
    broken.server.faults.add(Fault(verb="get", path_regex="deployments", times=9, status=500))
    with pytest.raises(Unavailable, match="500 Internal error occurred"):
        look(broken)
    assert len(broken.server.requests()) == before + 1


def test_text_is_cut_at_lines_and_never_inside_a_letter() -> None:
    """UTF-8 letters have up to four bytes."""
    text = "erste\nzweite\ndritte ä"
    assert tail(text, 12) == "dritte ä"
    assert head(text, 9) == "erste"
    assert tail("ää", 3) == "ä"
    assert head("ää", 3) == "ä"
    assert tail(text, 1000) == head(text, 1000) == text


def _crash_with(shop: Shop, log: str) -> None:
    shop.open()
    _release(shop, {FAULT: "crash-loop", LOG: log})
    shop.clock.advance(30)


def _release(shop: Shop, annotations: dict[str, str]) -> None:
    template = {"metadata": {"annotations": annotations}}
    write = AppsV1Api(shop.pipeline).patch_namespaced_deployment
    write("user-auth", "shop", {"spec": {"template": template}}, _preload_content=False)
    shop.clock.advance(5)
