"""Groups are read when it matters, all at once, within seconds, and kept for the doors."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Semaphore

import httpx
import pytest
from directory.conftest import ANA, BEN, CHO
from pydantic import SecretStr
from slack_sdk import WebClient
from sqlalchemy import Engine
from upstreams import Said, Upstream

from activities.directory import Directory, GroupActivities, Groups, Schedules, UserGroups
from activities.directory.groups import (
    FAULT_SECONDS,
    REFRESH_AT_ONCE,
    REUSE_SECONDS,
    WITHIN_SECONDS,
    Bounds,
)
from contracts.calls import RefreshCall
from contracts.errors import NotFound, Rejected, Unavailable
from contracts.groups import USERGROUP
from contracts.policy import OnCall, Policy
from toil.database import open_engine, upgrade
from toil.memberships import Memberships

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PRIMARY, SECONDARY, TEAM = "oncall:primary", "oncall:secondary", "usergroup:S0123"


class Scripted:
    """A source that answers as told, counts its calls, and may wait for a gate."""

    def __init__(self) -> None:
        self.answers: dict[str, frozenset[str] | Exception] = {}
        self.calls: list[str] = []
        self.gates: dict[str, Event] = {}
        self.waiting = Semaphore(0)

    def members(self, group: str, now: datetime) -> frozenset[str]:
        """The scripted people, or the scripted failure."""
        assert now.tzinfo is not None
        self.calls.append(group)
        if group in self.gates:
            self.waiting.release()
            self.gates[group].wait(30)
        answer = self.answers[group]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def memberships(tmp_path: Path) -> Iterator[Memberships]:
    """Real books in a SQLite file."""
    engine: Engine = open_engine(f"sqlite:///{tmp_path / 'books.db'}")
    upgrade(engine)
    yield Memberships(engine)
    engine.dispose()


@pytest.fixture
def threads() -> Iterator[Executor]:
    """Threads for the readers."""
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def source() -> Scripted:
    """A source in which Ana is on call, and Ben is the second."""
    scripted = Scripted()
    scripted.answers = {PRIMARY: frozenset({"ana"}), SECONDARY: frozenset({"ben"})}
    return scripted


@pytest.fixture
def groups(source: Scripted, memberships: Memberships, threads: Executor) -> Groups:
    """The scripted source over the real books."""
    return Groups(source, memberships, threads)


def test_what_is_read_is_kept(groups: Groups, memberships: Memberships) -> None:
    """The doors know it from then on."""
    found = groups.read([PRIMARY, SECONDARY, PRIMARY], NOON)
    assert found.members == {PRIMARY: {"ana"}, SECONDARY: {"ben"}}
    assert found.unread == {}
    assert memberships.groups_of("ana", (PRIMARY, SECONDARY), NOON) == {PRIMARY}


def test_a_group_that_fails_hinders_no_other(
    groups: Groups, source: Scripted, memberships: Memberships
) -> None:
    """It is absent, with the reason, and the books say so too."""
    source.answers[PRIMARY] = Unavailable("calendar.test answered 503", "Wait.")
    found = groups.read([PRIMARY, SECONDARY], NOON)
    assert found.members == {SECONDARY: {"ben"}}
    assert found.unread == {PRIMARY: "calendar.test answered 503"}
    assert memberships.members(PRIMARY, NOON) is None
    assert [g.fault for g in memberships.all() if g.name == PRIMARY] == [
        "calendar.test answered 503. Wait."
    ]


def test_what_was_known_is_no_answer_when_it_cannot_be_read_now(
    groups: Groups, source: Scripted
) -> None:
    """A judgement goes by who is in the group now; a minute ago is not now."""
    groups.read([PRIMARY], NOON)
    source.answers[PRIMARY] = Rejected("calendar.test answered 404")
    found = groups.read([PRIMARY], NOON + timedelta(minutes=1))
    assert (found.members, found.unread) == ({}, {PRIMARY: "calendar.test answered 404"})


def test_one_write_asks_a_schedule_once(groups: Groups, source: Scripted) -> None:
    """It is judged several times within a moment, and a fault need not be waited for each time."""
    assert (REUSE_SECONDS, FAULT_SECONDS) == (5, 10)
    groups.read([PRIMARY], NOON)
    groups.read([PRIMARY], NOON + timedelta(seconds=REUSE_SECONDS))
    assert source.calls == [PRIMARY]
    groups.read([PRIMARY], NOON + timedelta(seconds=REUSE_SECONDS + 1))
    assert source.calls == [PRIMARY, PRIMARY]
    source.answers[SECONDARY] = Unavailable("away")
    groups.read([SECONDARY], NOON)
    again = groups.read([SECONDARY], NOON + timedelta(seconds=FAULT_SECONDS))
    assert (source.calls.count(SECONDARY), again.unread) == (1, {SECONDARY: "away"})
    source.answers[SECONDARY] = frozenset({"ben"})
    found = groups.read([SECONDARY], NOON + timedelta(seconds=FAULT_SECONDS + 1))
    assert found.members == {SECONDARY: {"ben"}}


def test_a_group_with_a_fault_is_asked_again(
    groups: Groups, source: Scripted, memberships: Memberships
) -> None:
    """Another worker could not read it a moment after this one could: then nobody knows."""
    groups.read([PRIMARY], NOON)
    memberships.fault(PRIMARY, "calendar.test answered 503", NOON + timedelta(seconds=1))
    groups.read([PRIMARY], NOON + timedelta(seconds=2))
    assert source.calls == [PRIMARY, PRIMARY]


@pytest.mark.parametrize("error", [AttributeError("https://x.test/s3cr3t"), RecursionError()])
def test_what_nobody_foresaw_hinders_no_other_group(
    groups: Groups,
    source: Scripted,
    memberships: Memberships,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    """The log says where it was; what the error says may be a secret, and stands nowhere."""
    source.answers[PRIMARY] = error
    found = groups.read([PRIMARY, SECONDARY], NOON)
    words = f"it cannot be read ({type(error).__name__})"
    assert found.members == {SECONDARY: {"ben"}}
    assert found.unread == {PRIMARY: words}
    assert memberships.members(SECONDARY, NOON) == frozenset({"ben"})
    (logged,) = [r for r in caplog.records if r.message == "a reader of groups failed"]
    assert "test_reading_groups.py" in logged.__dict__["where"]
    assert "s3cr3t" not in str([r.__dict__ for r in caplog.records])


def test_a_reader_that_hangs_is_not_waited_for(
    groups: Groups, source: Scripted, memberships: Memberships
) -> None:
    """Seconds for all of them together; the others are read meanwhile."""
    source.gates[PRIMARY] = Event()
    began = datetime.now(UTC)
    found = groups.read([PRIMARY, SECONDARY], NOON)
    took = (datetime.now(UTC) - began).total_seconds()
    source.gates[PRIMARY].set()
    assert took < WITHIN_SECONDS + 2
    assert found.members == {SECONDARY: {"ben"}}
    assert found.unread == {PRIMARY: "no answer within 5 s"}
    assert memberships.members(PRIMARY, NOON) is None


def test_every_group_of_the_policy_is_refreshed(groups: Groups, source: Scripted) -> None:
    """The activity says which were read, and which were not."""
    source.answers[TEAM] = Rejected("Slack answered missing_scope")
    desk = GroupActivities(groups, (PRIMARY, SECONDARY, TEAM), lambda: NOON)
    done = desk.refresh(RefreshCall())
    assert (done.read, done.unread) == ((PRIMARY, SECONDARY), (TEAM,))


def test_what_had_no_turn_has_no_fault_and_is_the_first_the_next_time(
    groups: Groups, source: Scripted, memberships: Memberships
) -> None:
    """Slow groups must not make the same ones strangers round after round."""
    bounds = Bounds(seconds=0.2, at_once=2)
    slow, others = ["oncall:s1", "oncall:s2"], [PRIMARY, SECONDARY]
    source.gates = {name: Event() for name in slow}
    source.answers |= dict.fromkeys(slow, frozenset({"cho"}))
    first = groups.read([*slow, *others], NOON, bounds)
    assert first.members == {}
    assert {first.unread[name] for name in slow} == {"no answer within 0 s"}
    assert {first.unread[n][:24] for n in others} == {"there was no time for it"}
    assert {group.name for group in memberships.all()} == set(slow)
    second = groups.read([*slow, *others], NOON + timedelta(minutes=1), bounds)
    assert second.members == {PRIMARY: {"ana"}, SECONDARY: {"ben"}}
    for gate in source.gates.values():
        gate.set()


def test_what_waits_for_a_thread_has_no_fault(source: Scripted, memberships: Memberships) -> None:
    """All threads hang at others' groups: nothing is known of this one."""
    source.gates = {PRIMARY: Event()}
    with ThreadPoolExecutor(1) as pool:
        groups = Groups(source, memberships, pool)
        found = groups.read([PRIMARY, SECONDARY], NOON, Bounds(seconds=0.2))
        source.gates[PRIMARY].set()
    assert found.unread[SECONDARY].startswith("there was no time for it")
    assert source.calls == [PRIMARY]


def test_a_refresh_leaves_readers_for_a_judgement(
    source: Scripted, memberships: Memberships
) -> None:
    """All schedules are slow at once; the question that comes meanwhile is judged all the same."""
    slow = tuple(f"oncall:s{n}" for n in range(20))
    source.answers |= dict.fromkeys(slow, frozenset({"cho"}))
    gate = Event()
    source.gates = dict.fromkeys(slow, gate)
    with ThreadPoolExecutor(2 * REFRESH_AT_ONCE) as pool, ThreadPoolExecutor(1) as worker:
        groups = Groups(source, memberships, pool)
        desk = GroupActivities(groups, slow, lambda: NOON)
        round_ = worker.submit(desk.refresh, RefreshCall())
        assert all(source.waiting.acquire(timeout=10) for _ in range(REFRESH_AT_ONCE))
        found = groups.read([PRIMARY, SECONDARY], NOON)
        gate.set()
        done = round_.result(30)
    assert found.members == {PRIMARY: {"ana"}, SECONDARY: {"ben"}}
    assert (len(done.read), done.unread) == (20, ())


def test_a_refresh_asks_slack_for_some_groups_a_round(groups: Groups, source: Scripted) -> None:
    """Slack answers twenty calls a minute; each group still has its turn before it is stale."""
    teams = tuple(f"{USERGROUP}S{n:02}" for n in range(25))
    source.answers |= dict.fromkeys(teams, frozenset({"cho"}))
    now = [NOON]
    desk = GroupActivities(groups, (*teams, PRIMARY), lambda: now[0])
    rounds = []
    for _ in range(3):
        rounds.append(desk.refresh(RefreshCall()).read)
        now[0] += timedelta(minutes=1)
    assert [len(read) for read in rounds] == [11, 11, 11]
    assert all(PRIMARY in read for read in rounds)
    assert {name for read in rounds for name in read} == {*teams, PRIMARY}


def test_a_refresh_of_another_worker_counts_as_a_turn(
    source: Scripted, memberships: Memberships, threads: Executor
) -> None:
    """Two workers take the rounds as they come; together they reach every group."""
    teams = tuple(f"{USERGROUP}S{n:02}" for n in range(20))
    source.answers |= dict.fromkeys(teams, frozenset({"cho"}))
    times = iter([NOON, NOON + timedelta(minutes=1)])
    for _ in range(2):
        desk = GroupActivities(Groups(source, memberships, threads), teams, lambda: next(times))
        assert len(desk.refresh(RefreshCall()).read) == 10
    assert sorted(source.calls) == sorted(teams)


@pytest.fixture
def directory(upstream: Upstream, client: httpx.Client) -> Callable[..., Directory]:
    """The real directory, with schedules of each kind at the server."""
    policy = Policy(
        people=(ANA, BEN, CHO),
        oncall=(
            OnCall(name="primary", kind="static", people=("ana", "gone")),
            OnCall(name="secondary", kind="ical", url=f"{upstream.url}/a.ics"),
            OnCall(name="boss", kind="pagerduty", schedule="PSCHED1"),
        ),
    )
    schedules = Schedules(upstream.url, SecretStr("t"), client)

    def build(*, slack: bool = True) -> Directory:
        web = WebClient("xoxb-1", f"{upstream.url}/api/", timeout=3, retry_handlers=[])
        return Directory(policy, client, schedules, UserGroups(web) if slack else None)

    return build


def test_each_kind_is_read_where_it_is_kept(
    directory: Callable[..., Directory], upstream: Upstream
) -> None:
    """A list, a calendar, a schedule, a user group."""
    event = b"UID:1\r\nSUMMARY:ben\r\nDTSTART:20261121T000000Z\r\nDTEND:20261122T000000Z\r\n"
    bodies = {
        "/a.ics": b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:t\r\nBEGIN:VEVENT\r\n"
        + event
        + b"END:VEVENT\r\nEND:VCALENDAR\r\n",
        "/oncalls": b'{"oncalls": [{"user": {"email": "cho@example.com"}}], "more": false}',
        "/api/usergroups.users.list": b'{"ok": true, "users": ["U01", "U02"]}',
    }
    upstream.answer = lambda asked: Said(bodies[asked.path])
    read = directory()
    assert read.members(PRIMARY, NOON) == {"ana"}
    assert read.members(SECONDARY, NOON) == {"ben"}
    assert read.members("oncall:boss", NOON) == {"cho"}
    assert read.members(TEAM, NOON) == {"ana", "ben"}


def test_what_nobody_can_read_says_so(directory: Callable[..., Directory]) -> None:
    """A schedule that is not defined, a person, and a user group without Slack."""
    read = directory(slack=False)
    with pytest.raises(NotFound, match="there is no group oncall:gone"):
        read.members("oncall:gone", NOON)
    with pytest.raises(NotFound, match="there is no group ana"):
        read.members("ana", NOON)
    with pytest.raises(Rejected) as caught:
        read.members(TEAM, NOON)
    assert "FIREBREAK_SLACK_BOT_TOKEN" in caught.value.fix


def test_nobody_in_a_group_is_said_in_the_log(
    directory: Callable[..., Directory], upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """It is an answer, and most likely not the one that was meant."""
    upstream.says({"oncalls": [], "more": False})
    assert directory().members("oncall:boss", NOON) == frozenset()
    assert "nobody of the policy is in the group" in caplog.text
