"""Looks at every connection and says what is wrong and what to do: `firebreak doctor`.

A composition root that only reads. Each look is bounded, and none stops the others.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Engine
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

import runbooks
from activities.kubernetes import Cluster
from activities.kubernetes.client import ANYWHERE
from contracts.calls import NOTIFY_QUEUE, QUEUE, cluster_queue
from contracts.errors import FirebreakError, Unavailable
from contracts.policy import Policy
from settings import Settings, read_policy, read_settings
from toil.database import open_engine, require_current
from toil.journal import IncidentQuery, Journal
from toil.pauses import Pauses
from worker import check_runbooks, open_clusters, temporal_address
from workflows.authoring.folders import load
from workflows.connection import connect

LOOK_SECONDS_MAX = 10
INCIDENTS_MAX = 200
QUARANTINE_LOOKED_BACK = timedelta(days=1)


class Finding(NamedTuple):
    """One thing that was looked at; `fix` says what to do when it is not `ok`."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


async def examine() -> list[Finding]:
    """Everything, in the order in which a person would mend it.

    Raises:
        InvalidInput: settings or policy cannot be read, so nothing else can be looked at.

    """
    settings = read_settings()
    policy = read_policy(settings.config)
    people = sum("responder" in person.roles for person in policy.people)
    detail = f"{len(policy.people)} people, {people} responders, {len(policy.sources)} sources"
    findings = [Finding("policy", people > 0, detail, "Add a responder under [[people]].")]
    findings += _runbooks(settings, policy)
    with ExitStack() as closing:
        engine = open_engine(settings.database_url)
        closing.callback(engine.dispose)
        findings += await asyncio.to_thread(_books, engine)
        findings += await asyncio.to_thread(_clusters, settings, policy)
        findings += [finding async for finding in _temporal(settings, policy, engine)]
    return [f._replace(fix="") if f.ok else f for f in findings]


def _runbooks(settings: Settings, policy: Policy) -> Iterator[Finding]:
    """What a worker would serve, and each file that it would not."""
    try:
        loaded = load(runbooks, settings.runbook_folders)
        loaded.require_unique()
        check_runbooks(policy, loaded)
    except FirebreakError as err:
        yield Finding("runbooks", ok=False, detail=err.message, fix=err.fix)
        return
    names = ", ".join(found.name for found in loaded.runbooks)
    yield Finding("runbooks", bool(names), names or "none", "Reinstall Firebreak.")
    for fault in loaded.faults:
        detail = f"{fault.path}:{fault.line} is not served: {fault.reason}"
        yield Finding(f"runbook {fault.path.stem}", ok=False, detail=detail, fix=fault.remedy)


def _tried(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, ok=True, detail=look())
    except FirebreakError as err:
        return Finding(name, ok=False, detail=err.message, fix=err.fix)


def _books(engine: Engine) -> Iterator[Finding]:
    def schema() -> str:
        require_current(engine)
        return "reachable, the schema is this version's"

    found = _tried("database", schema)
    yield found
    if not found.ok:
        return
    since = datetime.now(UTC) - QUARANTINE_LOOKED_BACK
    bad = [item for item in Journal(engine).quarantined() if item.at >= since]
    why = f"{len(bad)} alerts of the last day could not be accepted"
    newest = f"; newest from {bad[0].source}: {bad[0].reason}" if bad else ""
    yield Finding("quarantine", not bad, why + newest, "Correct the sender's labels.")
    pauses = Pauses(engine).all()
    what = ", ".join(f"{p.scope} by {p.person}: {p.reason}" for p in pauses) or "off"
    yield Finding("kill switch", not pauses, what, "`firebreak resume SCOPE` when it is safe.")


def _clusters(settings: Settings, policy: Policy) -> list[Finding]:
    with ExitStack() as closing:
        try:
            clusters = open_clusters(settings, policy, closing)
        except FirebreakError as err:
            return [Finding("clusters", ok=False, detail=err.message, fix=err.fix)]
        return [
            _tried(f"cluster {name}", lambda: _namespaces(cluster, policy))  # noqa: B023 - called at once
            for name, cluster in clusters.items()
        ]


def _namespaces(cluster: Cluster, policy: Policy) -> str:
    for namespace in policy.limits.namespaces:
        cluster.get("Namespace", ANYWHERE, namespace)
    listed = ", ".join(policy.limits.namespaces)
    return f"readable: {listed}" if listed else "no namespace is allowed, so nothing is written"


async def _temporal(settings: Settings, policy: Policy, engine: Engine) -> AsyncIterator[Finding]:
    try:
        async with asyncio.timeout(LOOK_SECONDS_MAX):
            client = await connect(temporal_address(settings))
    except (FirebreakError, TimeoutError) as err:
        fix = err.fix if isinstance(err, FirebreakError) else "Check FIREBREAK_TEMPORAL_ADDRESS."
        yield Finding("Temporal", ok=False, detail=str(err) or "no answer", fix=fix)
        return
    yield Finding("Temporal", ok=True, detail=f"answers at {settings.temporal_address}")
    for queue in (QUEUE, *map(cluster_queue, policy.clusters), NOTIFY_QUEUE):
        yield await _bounded(f"worker of {queue}", _pollers(client, queue))
    yield await _bounded("open incidents", _open_incidents(client, engine))


async def _bounded(name: str, look: Awaitable[tuple[bool, str, str]]) -> Finding:
    try:
        async with asyncio.timeout(LOOK_SECONDS_MAX):
            return Finding(name, *await look)
    except TimeoutError:
        return Finding(name, ok=False, detail=f"no answer in {LOOK_SECONDS_MAX} s")
    except (RPCError, Unavailable) as err:
        return Finding(name, ok=False, detail=str(err))


async def _pollers(client: Client, queue: str) -> tuple[bool, str, str]:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    )
    answer = await client.workflow_service.describe_task_queue(request)
    count = len(answer.pollers)
    return count > 0, f"{count} polling", "Start `firebreak worker` with this policy file."


async def _open_incidents(client: Client, engine: Engine) -> tuple[bool, str, str]:
    """Rows that are open while their workflow does not run: a book that tells no truth."""
    query = IncidentQuery(limit=INCIDENTS_MAX)
    page = await asyncio.to_thread(Journal(engine).incidents, query)
    opened = [item for item in page.items if item.status != "closed"]
    lost = [item.id for item in opened if not await _runs(client, item.workflow)]
    detail = f"{len(opened)} open" + (f", not running: {', '.join(lost)}" if lost else "")
    return not lost, detail, "Read their history in Temporal's own pages; handle them by hand."


async def _runs(client: Client, workflow: str) -> bool:
    try:
        described = await client.get_workflow_handle(workflow).describe()
    except RPCError as err:
        if err.status != RPCStatusCode.NOT_FOUND:
            raise
        return False
    return described.status == WorkflowExecutionStatus.RUNNING
