"""What a worker is made of: settings -> clients -> activities.

A composition root, and the one place that knows every client. Whoever opens the parts closes them;
what is done with them is for `worker`.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx
from sqlalchemy import Engine
from temporalio.client import Client

import runbooks
from activities import pagerduty
from activities.alerts import AlertsResolvedCheck
from activities.catalogue import CatalogueActivities
from activities.directory.directory import Directory
from activities.directory.groups import GroupActivities, Groups
from activities.directory.pagerduty import Schedules
from activities.directory.usergroups import ANSWER_SECONDS, UserGroups
from activities.guard import GuardActivities
from activities.intake import IntakeActivities
from activities.kubernetes import Brakes, Cluster, all_activities, open_cluster
from activities.kubernetes.waiting import sleep_unless_stopping
from activities.messages import Channel, MessageActivities
from activities.pagerduty import PagerDutyChannel
from activities.prometheus import Prometheus, PromQLBelowCheck, PromQLLook
from activities.record import RecordActivities
from activities.slack import poster as slack_poster
from activities.slack.channel import SlackChannel
from activities.slack.client import SlackApi, open_bot, open_client
from activities.weather import WeatherWatch
from activities.webhook import WebhookChannel
from contracts.approval import Pages
from contracts.errors import InvalidInput
from contracts.policy import Policy
from settings import Settings
from toil.database import open_engine, require_current
from toil.journal import Journal
from toil.memberships import Memberships
from toil.messages import Messages
from toil.pauses import Pauses
from toil.reservations import Reservations
from toil.storms import Storms
from workflows.authoring.folders import Loaded, load
from workflows.trigger import triggers_of

logger = logging.getLogger(__name__)

# Groups are read beside the activities: a busy worker must not make everybody a stranger.
GROUP_READERS_MAX = 8

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
        slack = SlackApi(open_bot(settings.slack_bot_token, settings.slack_api_url))
        bodies = Journal(parts.engine).evidence_body
        found[slack_poster.NAME] = SlackChannel(slack, rows, bodies, utc_now)
    if settings.pagerduty_routing_key:
        url, key = settings.pagerduty_events_url, settings.pagerduty_routing_key
        found[pagerduty.CHANNEL] = PagerDutyChannel(url, key, parts.http, rows)
    return found


def pages_of(policy: Policy, found: Collection[str]) -> Pages:
    """Who is called when a question stays unanswered, by the channels that there are."""
    people = policy.slack.pages if slack_poster.NAME in found else ()
    return Pages(people=people, pagerduty=pagerduty.CHANNEL in found)


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
    found = channels(parts)
    pages = pages_of(parts.policy, found)
    catalogue = CatalogueActivities(parts.policy, triggers, messenger=bool(found), pages=pages)
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
