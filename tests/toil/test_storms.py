"""Two hundred workloads alert within a minute: nothing is written, and it is said once."""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from activities.guard import GuardActivities
from contracts.alert import Alert
from contracts.calls import JudgeCall, ReserveCall, WeatherCall
from contracts.errors import Refused
from contracts.journal import Event, IncidentChange, Record
from contracts.plan import Plan
from contracts.policy import Limits, Policy, RunbookPolicy
from contracts.target import Target
from toil.journal import Journal
from toil.pauses import Pauses
from toil.reservations import Reservations
from toil.storms import Storms

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
JUDGED_SECONDS_MAX = 1.0


class Desk:
    """The books, the guard over them, and the time."""

    def __init__(self, engine: Engine, **limits: Any) -> None:
        self.engine = engine
        self.now = NOON
        self.journal = Journal(engine, lambda: self.now)
        self.storms = Storms(engine)
        self.policy = Policy(
            runbooks={"Restart": RunbookPolicy(autonomy="auto")},
            limits=Limits.model_validate({"namespaces": ("shop",)} | limits),
        )
        self.guard = self.worker()

    def worker(self) -> GuardActivities:
        """One more worker, which has seen nothing yet."""
        books = (Reservations(self.engine), Pauses(self.engine), self.storms)
        return GuardActivities(*books, self.policy, lambda: self.now)

    def alert(self, number: int, status: str = "firing", cluster: str = "default") -> None:
        """An alert of the workload `w<number>`, as its incident records it."""
        known = self.journal.incident(f"inc-{number}") is not None
        opened = IncidentChange(workflow="w", opened_at=self.now, target=target(number, cluster))
        key = f"inc-{number}#{self.now.isoformat()}{status}"
        line = Event(key=key, at=self.now, actor="am", type="alert", text="fires")
        alert = Alert.model_validate(
            {
                "source": "am", "fingerprint": f"f{number}", "name": "Down", "status": status,
                "starts_at": self.now, "received_at": self.now, "labels": {},
            }
        )  # fmt: skip
        change = None if known else opened
        self.journal.record(
            Record(incident=f"inc-{number}", change=change, alerts=(alert,), events=(line,))
        )

    def lines(self) -> list[tuple[str, str]]:
        """Every timeline's lines about storms: the incident and which."""
        found = []
        for number in range(200):
            told = self.journal.incident(f"inc-{number}")
            found += [
                (f"inc-{number}", line.data["storm"])
                for line in (told.timeline if told else ())
                if line.type == "storm"
            ]
        return found


def target(number: int, cluster: str = "default") -> Target:
    """A workload."""
    return Target(cluster=cluster, namespace="shop", kind="Deployment", name=f"w{number}")


def judged(number: int, cluster: str = "default") -> JudgeCall:
    """Ask to restart it."""
    plan = Plan(
        action="kubernetes.rollout_restart", target=target(number, cluster), uid="u",
        generation=1, before="a", after="b", summary=f"restart w{number}", kubectl="k", at=NOON,
    )  # fmt: skip
    return JudgeCall(
        key=f"inc-{number}/1/2", incident=f"inc-{number}", runbook="Restart", actor="firebreak",
        plan=plan,
    )  # fmt: skip


@pytest.fixture
def desk(engine: Engine) -> Desk:
    """A desk over empty books with the default limits."""
    return Desk(engine)


@pytest.fixture
def queries(engine: Engine) -> Iterator[list[str]]:
    """Every statement that is sent."""
    sent: list[str] = []

    def keep(*arguments: Any) -> None:
        sent.append(arguments[2])

    event.listen(engine, "before_cursor_execute", keep)
    yield sent
    event.remove(engine, "before_cursor_execute", keep)


def rules(desk: Desk, number: int, cluster: str = "default") -> set[str]:
    """What denies a restart now."""
    return {reason.rule for reason in desk.guard.judge(judged(number, cluster)).denials}


def test_two_hundred_workloads_in_a_minute_are_only_observed(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is reserved, each is answered quickly, and the storm is said in one timeline and
    one warning, though four workers judge.
    """
    for number in range(200):
        desk.now = NOON + timedelta(seconds=number * 60 / 200)
        desk.alert(number)
    workers = [desk.worker() for _ in range(4)]

    def write(number: int) -> str:
        call = ReserveCall(judge=judged(number), expires_seconds=600)
        begin = time.monotonic()
        try:
            workers[number % 4].reserve(call)
        except Refused as err:
            assert time.monotonic() - begin < JUDGED_SECONDS_MAX
            return err.message
        return "written"

    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(4) as threads:
        ends = list(threads.map(write, range(200)))
    assert all("200 targets alerted" in end and "[storm]" in end for end in ends)
    assert Reservations(desk.engine).recent(NOON - timedelta(days=1)) == ()
    assert [what for _, what in desk.lines()] == ["begins"]
    assert [r.message for r in caplog.records] == ["a storm begins: nothing is written"]


def test_before_the_breaker_trips_the_other_limits_hold(desk: Desk) -> None:
    """Judged as they come: of two hundred no more than three are written at once."""
    written = 0
    for number in range(200):
        desk.now = NOON + timedelta(seconds=number * 60 / 200)
        desk.alert(number)
        try:
            written += bool(
                desk.guard.reserve(ReserveCall(judge=judged(number), expires_seconds=60))
            )
        except Refused:
            continue
    assert written == desk.policy.limits.cluster_open_writes_max


def test_a_storm_ends_when_it_has_been_quiet_and_that_is_said_once(desk: Desk) -> None:
    """The window, and then the quiet time; a worker that started since says it, and no second."""
    for number in range(21):
        desk.alert(number)
    assert rules(desk, 0) == {"storm"}
    (known,) = desk.storms.open()
    assert (known.cluster, known.incident, known.targets) == ("default", "inc-0", 21)
    assert known.until == NOON + timedelta(seconds=900)
    desk.now = NOON + timedelta(seconds=899)
    assert rules(desk, 1) == {"storm"}
    desk.now = NOON + timedelta(seconds=901)
    for worker in (desk.worker(), desk.worker(), desk.guard):
        assert worker.judge(judged(1)).ruling == "allow"
    assert desk.storms.open() == ()
    assert desk.lines() == [("inc-0", "begins"), ("inc-0", "over")]


def test_a_storm_is_said_to_be_over_even_if_nobody_asks_to_write(desk: Desk) -> None:
    """Housekeeping looks, and says nothing while it is on."""
    for number in range(21):
        desk.alert(number)
    assert rules(desk, 0) == {"storm"}
    assert desk.guard.weather(WeatherCall()).clusters == ()
    desk.now = NOON + timedelta(seconds=901)
    assert desk.guard.weather(WeatherCall()).clusters == ("default",)
    assert desk.guard.weather(WeatherCall()).clusters == ()
    assert desk.lines() == [("inc-0", "begins"), ("inc-0", "over")]


def test_the_next_storm_is_a_storm_of_its_own(desk: Desk) -> None:
    """Also when nobody asked anything in the calm between them."""
    for number in range(21):
        desk.alert(number)
    assert rules(desk, 0) == {"storm"}
    desk.now = NOON + timedelta(hours=2)
    for number in range(30, 55):
        desk.alert(number)
    assert rules(desk, 30) == {"storm"}
    assert desk.lines() == [("inc-0", "begins"), ("inc-0", "over"), ("inc-30", "begins")]


def test_alerts_of_another_cluster_or_of_few_targets_are_no_storm(desk: Desk) -> None:
    """Twenty targets are the limit; a refresh, an end and a fresh alert of one are one target."""
    for number in range(20):
        desk.alert(number)
    for number in range(20, 60):
        desk.alert(number, cluster="other")
    for second in range(1, 30):
        desk.now = NOON + timedelta(seconds=second)
        desk.alert(3, "resolved" if second % 2 else "firing")
    assert rules(desk, 0) == set()
    assert rules(desk, 20, "other") == {"storm"}


def test_a_judgement_asks_the_books_once_about_storms(desk: Desk, queries: list[str]) -> None:
    """However many alert, and whether or not it is said already."""
    for number in range(200):
        desk.alert(number)
    desk.guard.judge(judged(0))
    queries.clear()
    desk.guard.judge(judged(1))
    asked = [sql for sql in queries if "alerting" in sql or "storm" in sql]
    assert len(asked) == 1


def test_what_nobody_counts_any_more_is_forgotten(desk: Desk) -> None:
    """A target's own after a day when it alerts again, everybody's by housekeeping."""
    desk.alert(1)
    desk.alert(2)
    desk.now = NOON + timedelta(days=1, seconds=1)
    desk.alert(1, "resolved")
    desk.alert(1)
    since = NOON - timedelta(days=1)
    kept = [(key.rpartition("/")[2], at) for key, at in desk.storms.beginnings("default", since)]
    assert kept == [("w1", desk.now), ("w2", NOON)]
    desk.journal.forget_beginnings(desk.now)
    assert [at for _, at in desk.storms.beginnings("default", since)] == [desk.now]
