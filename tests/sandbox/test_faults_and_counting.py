"""Failures on demand, and the count that proves what a retry did."""

from typing import Any

import pytest
from urllib3.exceptions import HTTPError

from sandbox import Fault
from sandbox.journal import Journal, Record

PAUSE = {"spec": {"paused": True}}


@pytest.mark.parametrize("status", [409, 429, 500, 503, 504])
def test_a_status_fault_answers_instead_of_the_api(shop: Any, status: int) -> None:
    """Nothing is written, and the next request is fine."""
    writes = shop.writes()
    shop.server.faults.add(Fault("patch", "/deployments/", 1, status=status))

    assert shop.patch(PAUSE).code == status
    assert shop.writes() == writes
    assert shop.patch(PAUSE).code == 200


def test_a_429_is_plain_text_and_says_when_to_come_again(shop: Any) -> None:
    """As the limiter in front of the API answers."""
    shop.server.faults.add(Fault("list", "/pods$", 1, status=429))
    answer = shop.call(shop.core.list_namespaced_pod, "shop")

    assert answer.headers["Retry-After"] == "1"
    assert answer.message == "Too many requests, please try again later.\n"


@pytest.mark.parametrize("seconds", [0, 10])
def test_a_429_of_a_budget_is_a_status_and_may_say_nothing_of_waiting(
    shop: Any, seconds: int
) -> None:
    """Which is how it is told from the limiter's."""
    fault = Fault("*", ".", 1, status=429, budget=True, retry_after_seconds=seconds)
    shop.server.faults.add(fault)
    answer = shop.call(shop.core.list_namespaced_pod, "shop")

    assert (answer.code, answer.reason) == (429, "TooManyRequests")
    assert answer.body["details"]["causes"][0]["reason"] == "DisruptionBudget"
    assert answer.headers.get("Retry-After") == (str(seconds) if seconds else None)


def test_a_503_with_retry_after(shop: Any) -> None:
    """Header and details agree."""
    shop.server.faults.add(Fault("*", ".", 1, status=503, retry_after_seconds=5))
    answer = shop.call(shop.core.list_namespaced_pod, "shop")

    assert answer.headers["Retry-After"] == "5"
    assert answer.body["details"]["retryAfterSeconds"] == 5


def test_a_reset_before_the_commit_writes_nothing(shop: Any) -> None:
    """The client sees a broken connection."""
    shop.server.faults.add(Fault("patch", "/deployments/", 1, kind="reset_before_commit"))
    with pytest.raises(HTTPError):
        shop.patch(PAUSE)

    assert "paused" not in shop.deployment()["spec"]


def test_a_reset_after_the_commit_has_written(shop: Any) -> None:
    """The same broken connection, but the write counts; its replay is a no-op."""
    writes = shop.writes()
    shop.server.faults.add(Fault("patch", "/deployments/", 1, kind="reset_after_commit"))
    with pytest.raises(HTTPError):
        shop.patch(PAUSE)

    assert shop.deployment()["spec"]["paused"] is True
    assert shop.writes() == writes + 1
    assert shop.patch(PAUSE).code == 200
    assert shop.writes() == writes + 1
    cut = [record for record in shop.server.requests() if record.status == 0]
    assert [(record.verb, record.effective) for record in cut] == [("patch", True)]


def test_an_error_after_the_commit_has_written(shop: Any) -> None:
    """504 says that the outcome is unknown, and it is."""
    fault = Fault("patch", "/deployments/", 1, kind="status_after_commit", status=504)
    shop.server.faults.add(fault)

    assert shop.patch(PAUSE).code == 504
    assert shop.deployment()["spec"]["paused"] is True


def test_a_delay_answers_late(shop: Any) -> None:
    """The request is carried out all the same."""
    shop.server.faults.add(Fault("patch", ".", 1, kind="delay", delay_seconds=0.05))

    assert shop.patch(PAUSE).code == 200


def test_a_fault_is_spent_after_its_times_and_can_be_cleared(shop: Any) -> None:
    """Two, then none."""
    shop.server.faults.add(Fault("list", "/pods$", 2))
    codes = [shop.call(shop.core.list_namespaced_pod, "shop").code for _ in range(3)]
    assert codes == [500, 500, 200]

    shop.server.faults.add(Fault("list", "/pods$", 9))
    assert shop.server.faults.pending() == 9
    shop.server.faults.clear()
    assert shop.server.faults.pending() == 0


@pytest.mark.parametrize(
    "wrong", [{"times": 0}, {"times": 1, "status": 418}, {"times": 1, "budget": True}]
)
def test_a_fault_that_could_never_happen_is_refused(wrong: dict[str, Any]) -> None:
    """At the moment in which it is made."""
    with pytest.raises(ValueError, match="must be"):
        Fault("*", ".", **wrong)


def test_the_hook_runs_after_the_commit_and_only_for_effective_writes(shop: Any) -> None:
    """In it, the write is already there; no-ops and dry runs do not call it."""
    seen = []

    def note(request: Any) -> None:
        live = shop.deployment()
        seen.append((request.verb, request.user, request.user_agent, live["spec"]["paused"]))

    shop.server.after_commit = note
    shop.patch(PAUSE, dry_run="All")
    shop.patch(PAUSE)
    shop.patch(PAUSE)

    assert seen == [("patch", "bot", "firebreak-test", True)]


def test_writes_are_counted_by_user_agent_and_shown_over_http(shop: Any) -> None:
    """The document that other processes read."""
    path = "/apis/apps/v1/namespaces/shop/deployments/user-auth?fieldManager=kubectl-patch"
    identity = {"User_Agent": "kubectl/v1.36", "Authorization": "Bearer token-ana"}
    shop.raw("PATCH", path, PAUSE, Content_Type="application/merge-patch+json", **identity)
    body = shop.raw("GET", "/sandbox/writes?last=1").body

    assert body["effective_writes"] == {"firebreak-test": 2, "kubectl/v1.36": 1}
    (record,) = body["requests"]
    assert (record["verb"], record["user"], record["field_manager"]) == (
        "patch",
        "ana",
        "kubectl-patch",
    )
    assert (record["body"], record["status"], record["effective"]) == (PAUSE, 200, True)


def test_refused_writes_are_logged_and_not_counted(shop: Any) -> None:
    """The body is kept, so that a test can see what was tried."""
    stale = {"metadata": {"resourceVersion": "1"}}
    shop.patch(stale, field_manager="firebreak")
    (record,) = shop.server.requests(last=1)

    assert (record.status, record.effective, record.body) == (409, False, stale)
    assert record.field_manager == "firebreak"


def test_the_log_is_bounded_and_the_count_is_not() -> None:
    """Old requests go, counts stay."""
    journal = Journal(requests_max=2)
    for number in range(5):
        record = Record("", "get", f"/{number}", "", "", "", (), None, 200, effective=True)
        journal.add(record)
        journal.count_effective("a")

    assert [record.path for record in journal.requests()] == ["/3", "/4"]
    assert journal.requests(last=0) == []
    assert journal.effective_writes() == {"a": 5}
