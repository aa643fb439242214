"""Two workers, one slot left: one of them writes. On both databases, in threads and processes."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any, Literal

import pytest
from sqlalchemy import Engine

from activities.guard import GuardActivities
from contracts.calls import JudgeCall, ReserveCall, SettleCall
from contracts.errors import Busy, FirebreakError, Refused
from contracts.plan import Plan, Surroundings
from contracts.policy import Limits, Policy, RunbookPolicy
from contracts.target import Target
from toil.database import open_engine
from toil.pauses import Pauses
from toil.reservations import CLOCK_SKEW_SECONDS_MAX, Reservations
from toil.storms import Storms

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROOMY = {
    "cluster_open_writes_max": 99,
    "cluster_writes_per_hour": 99,
    "namespace_writes_per_hour": 99,
    "runbook_writes_per_hour": 99,
}
NODES = {"nodes": True, "service_open_writes_max": 99}

# One worker of its own: it says that it is ready, waits for a line, and tries once.
WORKER = """
import sys
from tests_of_the_last_slot import attempt
print("ready", flush=True)
sys.stdin.readline()
print(attempt(sys.argv[1], sys.argv[2]), flush=True)
"""


def guard_of(engine: Engine, now: datetime = NOON, **limits: Any) -> GuardActivities:
    """A worker's guard over these books; the runbook may write by itself."""
    policy = Policy(
        runbooks={"Restart": RunbookPolicy(autonomy="auto")},
        limits=Limits.model_validate({"namespaces": ("shop",)} | ROOMY | limits),
    )
    books = (Reservations(engine), Pauses(engine), Storms(engine))
    return GuardActivities(*books, policy, lambda: now)


def wanted(number: str, kind: str = "Deployment", **changes: Any) -> ReserveCall:
    """Ask for the lock of a workload, or a node, that nobody else wants."""
    namespace = "" if kind == "Node" else "shop"
    target = Target(cluster="default", namespace=namespace, kind=kind, name=f"w{number}")
    around = Surroundings(nodes=50, control_plane=False, pool="blue")
    plan = Plan(
        action="kubernetes.rollout_restart", target=target, uid="u", generation=1, before="a",
        after="b", summary="restart", kubectl="kubectl", at=NOON, around=around,
    ).model_copy(update=changes)  # fmt: skip
    judged = JudgeCall(
        key=f"inc-{number}/1/2", incident=f"inc-{number}", runbook="Restart", service="auth",
        actor="firebreak", plan=plan,
    )  # fmt: skip
    return ReserveCall(judge=judged, expires_seconds=600)


def settle(
    guard: GuardActivities, call: ReserveCall, state: Literal["done", "released", "unknown"]
) -> None:
    """Close what `wanted` asked for."""
    judged = call.judge
    guard.settle(
        SettleCall(
            key=judged.key,
            incident=judged.incident,
            runbook="Restart",
            state=state,
            at=NOON,
            target=judged.plan.target,
            action=judged.plan.action,
        )
    )


def attempt(url: str, number: str) -> str:
    """One worker with its own connections tries once; how it ended."""
    engine = open_engine(url)
    try:
        return guard_of(engine, cluster_open_writes_max=1).reserve(wanted(number)).state
    except FirebreakError as err:
        return f"{type(err).__name__}: {err}"
    finally:
        engine.dispose()


@pytest.fixture
def engines(url: str) -> Iterator[list[Engine]]:
    """Four workers' engines over the same books."""
    opened = [open_engine(url) for _ in range(4)]
    yield opened
    for engine in opened:
        engine.dispose()


@pytest.mark.parametrize(
    ("rule", "limits", "kind"),
    [
        (
            "cluster_open",
            {"cluster_open_writes_max": 1, "service_open_writes_max": 9},
            "Deployment",
        ),
        (
            "cluster_rate",
            {"cluster_writes_per_hour": 1, "service_open_writes_max": 9},
            "Deployment",
        ),
        ("service_open", {}, "Deployment"),
        ("pool_open", NODES, "Node"),
    ],
)
def test_of_four_workers_one_takes_the_last_slot(
    engines: list[Engine], rule: str, limits: dict[str, Any], kind: str
) -> None:
    """Each wants another target, so no lock stands between them; ten times over."""
    barrier = Barrier(4)

    def one(turn: int, index: int) -> str:
        guard, call = guard_of(engines[index], **limits), wanted(f"{turn}{index}", kind)
        barrier.wait(timeout=20)
        try:
            guard.reserve(call)
        except Refused as err:
            return "refused" if f"[{rule}]" in err.message else err.message
        return f"{turn}{index}"

    with ThreadPoolExecutor(4) as pool:
        for turn in range(10):
            ends = list(pool.map(lambda index: one(turn, index), range(4)))  # noqa: B023 - awaited in the same turn
            (winner,) = set(ends) - {"refused"}
            assert ends.count("refused") == 3
            settle(guard_of(engines[0]), wanted(winner, kind), "released")


def test_of_two_processes_one_takes_the_last_slot(url: str, tmp_path: Path) -> None:
    """As two workers on two machines: they share nothing but the database."""
    (tmp_path / "tests_of_the_last_slot.py").write_text(Path(__file__).read_text())
    root = Path(__file__).parents[2]
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WORKER, url, number],
                    env={"PYTHONPATH": f"{tmp_path}:{root}"},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in ("1", "2")
        ]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        ends = [worker.communicate(timeout=30)[0].strip() for worker in _told(workers)]
    assert ends.count("open") == 1
    (loser,) = [end for end in ends if end != "open"]
    assert loser.startswith("Refused: ")
    assert "1 write under way" in loser


def _told(workers: list["subprocess.Popen[str]"]) -> list["subprocess.Popen[str]"]:
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    return workers


@pytest.mark.parametrize(
    ("state", "room"), [("released", True), ("done", False), ("unknown", False)]
)
def test_what_was_released_gives_its_slot_back(
    engine: Engine, state: Literal["done", "released", "unknown"], room: bool
) -> None:
    """Nothing was written; what may have been written counts like what was."""
    guard = guard_of(engine, cluster_writes_per_hour=1)
    guard.reserve(wanted("1"))
    settle(guard, wanted("1"), state)
    if room:
        assert guard.reserve(wanted("2")).state == "open"
        return
    with pytest.raises(Refused, match=r"had 1 write in the last hour; at most 1 \[cluster_rate\]"):
        guard.reserve(wanted("2"))


def test_a_slot_whose_holder_died_is_free_when_its_lock_is_over(engine: Engine) -> None:
    """Nobody is writing any more; it still counts in the rates."""
    guard_of(engine).reserve(wanted("1"))
    still = NOON + timedelta(seconds=600)
    with pytest.raises(Refused, match=r"\[service_open\]"):
        guard_of(engine, still).reserve(wanted("2"))
    over = still + timedelta(seconds=CLOCK_SKEW_SECONDS_MAX)
    with pytest.raises(Refused, match=r"\[cluster_rate\]"):
        guard_of(engine, over, cluster_writes_per_hour=1).reserve(wanted("2"))
    assert guard_of(engine, over).reserve(wanted("2")).state == "open"


def test_what_is_refused_leaves_no_lock(engine: Engine) -> None:
    """Not even one of several: all keys of a plan are taken, or none."""
    guard = guard_of(engine, service_open_writes_max=9)
    others = ("default/shop/Deployment/a", "default/shop/Deployment/b")
    guard.reserve(wanted("1", also_locks=others[1:]))
    with pytest.raises(Busy):
        guard.reserve(wanted("2", also_locks=others))
    with pytest.raises(Refused):
        guard_of(engine).reserve(wanted("3", also_locks=others[:1]))
    free = [Reservations(engine).history([key], NOON) for key in (others[0], _key("2"), _key("3"))]
    assert free == [(), (), ()]


def _key(number: str) -> str:
    return wanted(number).judge.plan.target.key


def test_the_same_key_again_meets_no_limit(engine: Engine) -> None:
    """A retried activity asks for what it has."""
    guard = guard_of(engine, cluster_writes_per_hour=1, cluster_open_writes_max=1)
    first = guard.reserve(wanted("1"))
    assert guard.reserve(wanted("1")) == first
