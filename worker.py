"""The Temporal worker: settings -> clients -> activities -> runbooks -> run.

A composition root: the only place where the deterministic side and the effectful side meet. It
refuses to start when a step has no activity or an activity no step.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
from sqlalchemy import Engine
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Interceptor, Worker

import runbooks
from activities import pagerduty
from activities.alerts import AlertsResolvedCheck
from activities.catalogue import CatalogueActivities
from activities.complete import check_complete as check_complete  # noqa: PLC0414 - of this root
from activities.directory.directory import Directory
from activities.directory.groups import GroupActivities, Groups
from activities.directory.pagerduty import Schedules
from activities.directory.usergroups import ANSWER_SECONDS, UserGroups
from activities.errors import ErrorInterceptor
from activities.guard import GuardActivities
from activities.heartbeat import HeartbeatInterceptor
from activities.intake import IntakeActivities
from activities.kubernetes import Brakes, Cluster, all_activities, open_cluster
from activities.kubernetes.waiting import sleep_unless_stopping
from activities.messages import Channel, MessageActivities
from activities.pagerduty import PagerDutyChannel
from activities.prometheus import Prometheus, PromQLBelowCheck, PromQLLook
from activities.record import RecordActivities
from activities.slack import poster as slack_poster
from activities.slack.channel import SlackChannel
from activities.slack.client import SlackApi, open_client
from activities.weather import WeatherWatch
from activities.webhook import WebhookChannel
from contracts.calls import NOTIFY_QUEUE, QUEUE, cluster_queue
from contracts.errors import FirebreakError, InvalidInput, Retry, Unavailable
from contracts.policy import Policy
from settings import Settings, configure_logging, read_policy, read_settings
from toil.catalogue import Catalogue
from toil.database import open_engine, require_current
from toil.journal import Journal
from toil.memberships import Memberships
from toil.messages import Messages
from toil.pauses import Pauses
from toil.reservations import Reservations
from toil.storms import Storms
from workflows.authoring.folders import Loaded, load
from workflows.authoring.portraits import served
from workflows.connection import Address, connect
from workflows.directory import RefreshGroups, schedule_groups
from workflows.housekeeping import Housekeeping, schedule_housekeeping
from workflows.incident import Incident
from workflows.messenger import Messenger
from workflows.triage import Triage
from workflows.trigger import triggers_of
from workflows.weather import Weather, schedule_weather

logger = logging.getLogger(__name__)

GRACE = timedelta(seconds=20)
STICKY = timedelta(seconds=2)
CACHED_WORKFLOWS_MAX = 500
# The bridge's threads must settle before the interpreter ends, or it aborts now and then.
SETTLE_SECONDS = 0.3
# Groups are read beside the activities: a busy worker must not make everybody a stranger.
GROUP_READERS_MAX = 8

PLUMBING = (Incident, Triage, Messenger, Housekeeping, Weather, RefreshGroups)
Activities = list[Callable[..., Any]]


class Parts(NamedTuple):
    """What a worker is made of; whoever makes them closes them."""

    settings: Settings
    policy: Policy
    loaded: Loaded
    engine: Engine
    clusters: Mapping[str, Cluster]
    http: httpx.Client
    group_readers: Executor


def utc_now() -> datetime:
    """The wall clock, for limits and deadlines; what is recorded has the workflow's time."""
    return datetime.now(UTC)


def load_runbooks(settings: Settings, policy: Policy) -> tuple[Loaded, Policy]:
    """The runbooks of the settings, and the policy that knows which of them ship.

    Raises:
        InvalidInput: a folder is not there, a name stands twice, or the policy speaks of a runbook
            that is not there: a rule that would not be in force.

    """
    loaded = load(runbooks, settings.runbook_folders)
    loaded.require_unique()
    for fault in loaded.faults:
        keys = {"file": str(fault.path), "line": fault.line, "remedy": fault.remedy}
        logger.error("%s is not served: %s", fault.path.name, fault.reason, extra=keys)
    check_runbooks(policy, loaded)
    return loaded, policy.knowing(found.name for found in loaded.runbooks if found.shipped)


def open_parts(settings: Settings, policy: Policy, closing: ExitStack) -> Parts:
    """Load the runbooks, open the database, the clusters and the HTTP client; `closing` closes
    them.

    Raises:
        SchemaOutdated: the database needs `firebreak db upgrade`.
        InvalidInput: no kubeconfig has a cluster's context, or the runbooks do not fit together.

    """
    loaded, policy = load_runbooks(settings, policy)
    engine = open_engine(settings.database_url)
    closing.callback(engine.dispose)
    require_current(engine)
    clusters = open_clusters(settings, policy, closing)
    http = closing.enter_context(httpx.Client())
    readers = ThreadPoolExecutor(GROUP_READERS_MAX, "groups")
    # One that still waits for an answer ends by its own timeout; nobody needs the answer any more.
    closing.callback(readers.shutdown, wait=False, cancel_futures=True)
    return Parts(settings, policy, loaded, engine, clusters, http, readers)


def open_clusters(settings: Settings, policy: Policy, closing: ExitStack) -> dict[str, Cluster]:
    """The policy's clusters: each is a context of the kubeconfig, `default` its current one.

    Raises:
        InvalidInput: there is no such context.

    """
    clusters: dict[str, Cluster] = {}
    for name in policy.clusters:
        clusters[name] = open_cluster(settings.kubeconfig, None if name == "default" else name)
        closing.callback(clusters[name].close)
    return clusters


def channels(parts: Parts) -> dict[str, Channel]:
    """The channels that the settings name."""
    settings, rows = parts.settings, Messages(parts.engine)
    found: dict[str, Channel] = {}
    if settings.webhook_url:
        webhook = WebhookChannel(settings.webhook_url, settings.webhook_token, parts.http)
        found["webhook"] = webhook
    if settings.slack_bot_token:
        slack = SlackApi(open_client(settings.slack_bot_token, settings.slack_api_url))
        bodies = Journal(parts.engine).evidence_body
        found[slack_poster.NAME] = SlackChannel(slack, rows, bodies, utc_now)
    if settings.pagerduty_routing_key:
        url, key = settings.pagerduty_events_url, settings.pagerduty_routing_key
        found[pagerduty.CHANNEL] = PagerDutyChannel(url, key, parts.http, rows)
    return found


def groups_of(parts: Parts) -> Groups:
    """What reads on-call schedules and user groups."""
    settings = parts.settings
    schedules = Schedules(settings.pagerduty_api_url, settings.pagerduty_token, parts.http)
    slack = None
    if settings.slack_bot_token:
        token, url = settings.slack_bot_token, settings.slack_api_url
        slack = UserGroups(open_client(token, url, timeout_seconds=ANSWER_SECONDS))
    directory = Directory(parts.policy, parts.http, schedules, slack)
    return Groups(directory, Memberships(parts.engine), parts.group_readers)


def book_activities(parts: Parts, client: Client) -> Activities:
    """The activities of the queue `firebreak`: journal, catalogue, guardrails, intake, groups."""
    journal = Journal(parts.engine)
    groups = groups_of(parts)
    guard = GuardActivities(
        Reservations(parts.engine),
        Pauses(parts.engine),
        Storms(parts.engine),
        parts.policy,
        utc_now,
        groups=groups,
    )
    triggers = {found.name: triggers_of(found.runbook) for found in parts.loaded.runbooks}
    catalogue = CatalogueActivities(parts.policy, triggers, messenger=bool(channels(parts)))
    intake = IntakeActivities(journal, client)
    books = RecordActivities(journal)
    return [
        books.record,
        books.forget,
        catalogue.match,
        guard.judge,
        guard.reserve,
        guard.settle,
        guard.weather,
        GroupActivities(groups, parts.policy.groups(), utc_now).refresh,
        intake.locate,
        intake.route,
    ]


def cluster_activities(parts: Parts) -> Activities:
    """The activities of the queue of a cluster: what touches it, and what watches it."""
    journal, token = Journal(parts.engine), parts.settings.prometheus_token
    brakes = Brakes(Pauses(parts.engine), WeatherWatch(Storms(parts.engine), parts.policy.limits))
    prometheus = Prometheus(parts.policy.prometheus, parts.http, token)
    return [
        *all_activities(parts.clusters, journal, brakes),
        PromQLLook(prometheus, journal).look,
        PromQLBelowCheck(prometheus, utc_now, sleep_unless_stopping).check,
        AlertsResolvedCheck(journal, utc_now, sleep_unless_stopping).check,
    ]


def message_activities(parts: Parts) -> Activities:
    """The activity of the queue `firebreak.notify`."""
    url = parts.settings.public_url.rstrip("/")
    journal, messages = Journal(parts.engine), Messages(parts.engine)
    books = MessageActivities(
        journal,
        messages,
        channels(parts),
        url,
        utc_now,
        policy=parts.policy,
        members=Memberships(parts.engine).members,
    )
    return [books.deliver]


def check_runbooks(policy: Policy, loaded: Loaded) -> None:
    """Refuse a policy for a runbook that is not there: it would be a rule not in force.

    Raises:
        InvalidInput: names those tables and the runbooks that are known.

    """
    known = {found.name for found in loaded.runbooks}
    unknown = sorted(set(policy.runbooks) - known)
    # A file with a fault may be the one that is meant; the rule comes into force with its mending.
    if unknown and not loaded.faults:
        tables = ", ".join(f"runbooks.{name}" for name in unknown)
        fix = f"Correct the policy file; the runbooks are: {', '.join(sorted(known))}."
        raise InvalidInput(f"{tables}: there is no such runbook", fix)


def build_workers(parts: Parts, client: Client, threads: ThreadPoolExecutor) -> list[Worker]:
    """One worker a queue: `firebreak`, one for each cluster, `firebreak.notify`."""
    cluster_side = cluster_activities(parts)
    check_complete(cluster_side)
    queues: dict[str, Activities] = {QUEUE: book_activities(parts, client)}
    queues |= {cluster_queue(name): cluster_side for name in parts.clusters}
    queues[NOTIFY_QUEUE] = message_activities(parts)
    return [
        Worker(
            client,
            task_queue=queue,
            workflows=[*PLUMBING, *parts.loaded.classes] if queue == QUEUE else [],
            activities=activities,
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
