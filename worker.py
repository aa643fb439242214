"""The Temporal worker: its parts, with their activities -> runbooks -> run.

A composition root: the only place where the deterministic side and the effectful side meet. It
refuses to start when a step has no activity or an activity no step.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from datetime import timedelta

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Interceptor, Worker

from activities.complete import check_complete as check_complete  # noqa: PLC0414 - of this root
from activities.errors import ErrorInterceptor
from activities.heartbeat import HeartbeatInterceptor
from contracts.calls import NOTIFY_QUEUE, QUEUE, cluster_queue
from contracts.errors import FirebreakError, InvalidInput, Retry, Unavailable
from contracts.policy import Policy
from gateway.pollers import posting
from parts import (
    Activities,
    Parts,
    book_activities,
    channels,
    cluster_activities,
    message_activities,
    open_parts,
    utc_now,
)
from settings import Settings, configure_logging, read_policy, read_settings
from toil.catalogue import Catalogue
from workflows.authoring.portraits import served
from workflows.connection import Address, connect
from workflows.directory import RefreshGroups, schedule_groups
from workflows.housekeeping import Housekeeping, schedule_housekeeping
from workflows.incident import Incident
from workflows.messenger import Messenger
from workflows.triage import Triage
from workflows.weather import Weather, schedule_weather

logger = logging.getLogger(__name__)

GRACE = timedelta(seconds=20)
STICKY = timedelta(seconds=2)
CACHED_WORKFLOWS_MAX = 500
# The bridge's threads must settle before the interpreter ends, or it aborts now and then.
SETTLE_SECONDS = 0.3

PLUMBING = (Incident, Triage, Messenger, Housekeeping, Weather, RefreshGroups)


def build_workers(parts: Parts, client: Client, threads: ThreadPoolExecutor) -> list[Worker]:
    """One worker a queue: `firebreak`, one for each cluster, `firebreak.notify`."""
    cluster_side = cluster_activities(parts)
    check_complete(cluster_side)
    queues: dict[str, Activities] = {QUEUE: book_activities(parts, client)}
    queues |= {cluster_queue(name): cluster_side for name in parts.clusters}
    queues[NOTIFY_QUEUE], told = message_activities(parts), sorted(channels(parts))
    return [
        Worker(
            client,
            task_queue=queue,
            workflows=[*PLUMBING, *parts.loaded.classes] if queue == QUEUE else [],
            activities=activities,
            # Temporal keeps it, so `doctor` can say whether a worker has the token that it needs.
            identity=posting(client.identity, told) if queue == NOTIFY_QUEUE else None,
            activity_executor=threads,
            max_concurrent_activities=parts.settings.worker_threads,
            max_cached_workflows=CACHED_WORKFLOWS_MAX,
            graceful_shutdown_timeout=GRACE,
            sticky_queue_schedule_to_start_timeout=STICKY,
        )
        for queue, activities in queues.items()
    ]


def interceptors() -> list[Interceptor]:
    """The activity side's interceptors, outermost first."""
    return [ErrorInterceptor(), HeartbeatInterceptor()]


def temporal_address(settings: Settings) -> Address:
    """Where the settings say that Temporal is."""
    return Address(
        settings.temporal_address,
        settings.temporal_namespace,
        settings.temporal_api_key,
        settings.temporal_tls,
    )


def _runtime(settings: Settings) -> Runtime | None:
    if settings.metrics_port is None:
        return None
    metrics = PrometheusConfig(
        bind_address=f"{settings.metrics_host}:{settings.metrics_port}", durations_as_seconds=True
    )
    return Runtime(telemetry=TelemetryConfig(metrics=metrics))


async def serve(
    settings: Settings,
    policy: Policy,
    stop: asyncio.Event,
    outer: Sequence[Interceptor] = (),
    ready: asyncio.Event | None = None,
) -> None:
    """Work until `stop` is set, then let running activities finish, `GRACE` at most.

    `outer` interceptors stand around ours, e.g. for tracing; `ready` is set when work is taken.
    """
    try:
        await _work(settings, policy, stop, [*outer, *interceptors()], ready or asyncio.Event())
    finally:
        await asyncio.sleep(SETTLE_SECONDS)


async def _work(
    settings: Settings,
    policy: Policy,
    stop: asyncio.Event,
    around: Sequence[Interceptor],
    ready: asyncio.Event,
) -> None:
    with ExitStack() as closing:
        parts = open_parts(settings, policy, closing)
        client = await connect(temporal_address(settings), around, _runtime(settings))
        await _require_namespace(client)
        threads = closing.enter_context(ThreadPoolExecutor(settings.worker_threads))
        async with AsyncExitStack() as running:
            for worker in build_workers(parts, client, threads):
                await running.enter_async_context(worker)
            await schedule_housekeeping(client)
            await schedule_weather(client)
            await schedule_groups(client, wanted=bool(parts.policy.groups()))
            logger.info("worker ready", extra={"clusters": sorted(parts.clusters)})
            ready.set()
            telling = asyncio.create_task(asyncio.to_thread(_tell, parts))
            await stop.wait()
            telling.cancel()


def _tell(parts: Parts) -> None:
    """Write down what is served, for pages. Nothing that runs waits for it."""
    told = served(parts.loaded, parts.policy, utc_now())
    try:
        Catalogue(parts.engine).serve(told)
    except Retry as err:
        logger.warning("the books were not told what is served", extra={"why": err.message})


async def _require_namespace(client: Client) -> None:
    try:
        request = DescribeNamespaceRequest(namespace=client.namespace)
        await client.workflow_service.describe_namespace(request)
    except RPCError as err:
        if err.status is not RPCStatusCode.NOT_FOUND:
            raise Unavailable(f"Temporal does not describe its namespace: {err}") from err
        fix = "Create it, or correct FIREBREAK_TEMPORAL_NAMESPACE."
        raise InvalidInput(f"Temporal has no namespace '{client.namespace}'", fix) from err


async def serve_until_signal(settings: Settings, policy: Policy) -> None:
    """Work until SIGTERM or SIGINT."""
    await serve(settings, policy, stop_on_signals())


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set, for the loop that runs now."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def main() -> int:
    """`python worker.py`; the exit code is 0 after a signal, 1 for a refusal to start, 3 when
    something it needs to start is unreachable.
    """
    try:
        settings = read_settings()
        configure_logging(settings.log_format)
        asyncio.run(serve_until_signal(settings, read_policy(settings.config)))
    except FirebreakError as err:
        sys.stderr.write(f"firebreak worker: {err.message}\n{err.fix}\n")
        return 3 if isinstance(err, Retry) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
