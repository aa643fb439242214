"""The worker as its own process: when it refuses to start, how it ends, and how it logs."""

import asyncio
import json
import logging
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity

import runbooks
import worker
from contracts.approval import Pages
from contracts.errors import InvalidInput
from contracts.policy import OnCall, Person, Policy, RunbookPolicy, SlackPolicy
from demo import POLICY_FILE
from parts import (
    Parts,
    check_runbooks,
    cluster_activities,
    groups_of,
    open_parts,
    pages_of,
    utc_now,
)
from roots.programs import Done, Program, ran, ready
from settings import Settings, configure_logging
from toil.database import open_engine, upgrade
from workflows.authoring.folders import load

Activities = list[Callable[..., Any]]
Start = Callable[..., Done]


@pytest.fixture(name="start")
def _start(tmp_path: Path, settings: dict[str, str]) -> Start:
    """`python -m worker` with those settings and others, to its end."""
    return lambda **other: ran(tmp_path, module="worker", **(settings | other))


def test_it_works_until_it_is_told_to_stop(tmp_path: Path, settings: dict[str, str]) -> None:
    """`python worker.py` and `firebreak worker` alike: SIGTERM, seconds, exit code 0."""
    for name, module, words in (("a", "worker", ()), ("b", "cli", ("worker",))):
        (tmp_path / name).mkdir()
        with Program(tmp_path / name, *words, module=module, **settings) as program:
            log = ready(program)
            done = program.stop()
        assert (done.code, done.out) == (0, "")
        assert [line["clusters"] for line in log if line["message"] == "worker ready"] == [
            ["default"]
        ]


def test_its_log_is_json_lines_from_first_to_last(tmp_path: Path, settings: dict[str, str]) -> None:
    """Each with a time, a level, a name and a message."""
    with Program(tmp_path, module="worker", **settings) as program:
        ready(program)
        lines = [json.loads(line) for line in program.stop().err.splitlines()]
    assert lines
    assert all({"timestamp", "levelname", "name", "message"} <= line.keys() for line in lines)


def test_an_old_schema_is_refused(start: Start, tmp_path: Path) -> None:
    """With the command that mends it; a worker never changes the schema by itself."""
    done = start(FIREBREAK_DATABASE_URL=f"sqlite:///{tmp_path / 'empty.db'}")
    assert done.code == 1
    assert "firebreak db upgrade" in done.err
    assert "Traceback" not in done.err


REFUSALS = [
    ({"FIREBREAK_KUBECONFIG": "nowhere"}, 1, "kubeconfig nowhere cannot be used"),
    ({"FIREBREAK_CONFIG": "nowhere.toml"}, 1, "nowhere.toml: cannot be read"),
    ({"FIREBREAK_TEMPORAL_NAMESPACE": "elsewhere"}, 1, "Temporal has no namespace 'elsewhere'"),
    ({"FIREBREAK_TEMPORAL_ADDRESS": "127.0.0.1:1"}, 3, "Temporal does not answer at 127.0.0.1:1"),
    ({"FIREBREAK_WORKER_THREADS": "many"}, 1, "FIREBREAK_WORKER_THREADS"),
]


@pytest.mark.parametrize(("settings_changed", "code", "text"), REFUSALS, ids=range(len(REFUSALS)))
def test_it_refuses_to_start_with_what_cannot_work(
    start: Start, settings_changed: dict[str, str], code: int, text: str
) -> None:
    """In words, with what to do, and not by a traceback."""
    done = start(**settings_changed)
    assert done.code == code
    assert text in done.err
    assert "Traceback" not in done.err


def test_a_context_that_is_not_there_is_refused(start: Start, tmp_path: Path) -> None:
    """A cluster of the policy is a context of the kubeconfig."""
    policy = POLICY_FILE.read_text().replace('["default"]', '["default", "east"]')
    (tmp_path / "two.toml").write_text(policy)
    done = start(FIREBREAK_CONFIG=str(tmp_path / "two.toml"))
    assert done.code == 1
    assert "east" in done.err


def test_a_policy_for_a_runbook_that_is_not_there_is_refused(start: Start, tmp_path: Path) -> None:
    """It would be a rule not in force; the known ones are named."""
    rule = '\n[runbooks.rollback_deployments]\nautonomy = "observe"\n'
    (tmp_path / "typo.toml").write_text(POLICY_FILE.read_text() + rule)
    done = start(FIREBREAK_CONFIG=str(tmp_path / "typo.toml"))
    assert done.code == 1
    assert "runbooks.rollback_deployments" in done.err
    assert "restart_crash_loop, rollback_deployment" in done.err


def test_a_policy_for_a_runbook_that_is_there_is_taken() -> None:
    """By the name of its workflow."""
    policy = Policy(runbooks={"rollback_deployment": RunbookPolicy(autonomy="auto")})
    check_runbooks(policy, load(runbooks))
    with pytest.raises(InvalidInput, match=r"runbooks\.nonsense"):
        check_runbooks(Policy(runbooks={"nonsense": RunbookPolicy()}), load(runbooks))


@pytest.fixture(name="parts")
def _parts(tmp_path: Path, kubeconfig: Path) -> Iterator[Parts]:
    """What a worker with that cluster and empty books is made of."""
    books = f"sqlite:///{tmp_path / 'books.db'}"
    engine = open_engine(books)
    upgrade(engine)
    engine.dispose()
    settings = Settings(database_url=books, kubeconfig=kubeconfig)
    with ExitStack() as closing:
        yield open_parts(settings, Policy(), closing)


@pytest.fixture(name="cluster_activities")
def _cluster_activities(parts: Parts) -> Activities:
    """What the worker serves for a cluster."""
    return cluster_activities(parts)


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ((), Pages()),
        (("webhook",), Pages()),
        (("slack",), Pages(people=("ana",))),
        (("webhook", "pagerduty"), Pages(pagerduty=True)),
        (("slack", "pagerduty"), Pages(people=("ana",), pagerduty=True)),
    ],
)
def test_only_who_can_be_called_is_called(channels: tuple[str, ...], expected: Pages) -> None:
    """`slack.pages` are told in Slack, so without it they are nobody."""
    policy = Policy(slack=SlackPolicy(pages=("ana",)))
    assert pages_of(policy, channels) == expected
    assert not pages_of(Policy(), ("slack", "webhook")).anybody


def test_a_group_is_read_beside_the_activities(parts: Parts) -> None:
    """The one thread of a busy worker waits for the answer; it could not give it, too."""
    ana = OnCall(name="primary", kind="static", people=("ana",))
    policy = Policy(people=(Person(id="ana", name="Ana"),), oncall=(ana,))
    groups = groups_of(parts._replace(policy=policy))
    with ThreadPoolExecutor(1) as threads:
        found = threads.submit(groups.read, ["oncall:primary"], utc_now()).result()
    assert found.members == {"oncall:primary": {"ana"}}


def test_every_step_has_an_activity_and_every_activity_a_step(
    cluster_activities: Activities,
) -> None:
    """One that is missing on either side would be found by a run at night."""
    worker.check_complete(cluster_activities)
    for index in range(len(cluster_activities)):
        lacking = cluster_activities[:index] + cluster_activities[index + 1 :]
        with pytest.raises(InvalidInput, match=r"steps without activity: \['\w+\."):
            worker.check_complete(lacking)


def test_an_activity_without_a_step_is_refused(cluster_activities: Activities) -> None:
    """It could never be asked for."""

    @activity.defn(name="kubernetes.dance")
    def dance() -> None:
        """Nobody's step."""

    with pytest.raises(InvalidInput, match=r"activities without step: \['kubernetes\.dance'\]"):
        worker.check_complete([*cluster_activities, dance])


@pytest.mark.asyncio(loop_scope="session")
async def test_only_one_signal_is_needed() -> None:
    """The event is set by either signal, and stays set."""
    loop = asyncio.get_running_loop()
    stop = worker.stop_on_signals()
    try:
        assert not stop.is_set()
        signal.raise_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            await stop.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


@pytest.fixture(name="root_logger")
def _root_logger() -> Iterator[logging.Logger]:
    """The root logger, given back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:], root.level = handlers, level


@pytest.mark.usefixtures("root_logger")
def test_a_log_line_keeps_its_keys_and_loses_its_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In the text, in the arguments, in the keys and in an exception."""
    secret = "hunter2-hunter2"
    configure_logging("json")
    logger = logging.getLogger("roots")
    logger.info("alert accepted", extra={"fingerprint": "57c6d9296de2ad39", "url": _url(secret)})
    logger.warning("sent to %s", _url(secret))
    try:
        int(_url(secret))
    except ValueError:
        logger.exception("failed")
    told = capsys.readouterr().err
    lines = [json.loads(line) for line in told.splitlines()]
    assert [line["message"].split()[0] for line in lines] == ["alert", "sent", "failed"]
    assert lines[0]["fingerprint"] == "57c6d9296de2ad39"
    assert "ValueError" in lines[2]["exc_info"]
    assert secret not in told


def _url(secret: str) -> str:
    return f"postgres://auth:{secret}@db/auth"
