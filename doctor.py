"""Looks at every connection and says what is wrong and what to do: `firebreak doctor`.

A composition root that only reads. Each look is bounded, and none stops the others.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from sqlalchemy import Engine
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

import runbooks
from activities.kubernetes import Cluster
from activities.kubernetes.client import ANYWHERE
from activities.kubernetes.verbs import Permission, missing, needed
from activities.slack import poster as slack_poster
from contracts.calls import NOTIFY_QUEUE, QUEUE, cluster_queue
from contracts.errors import FirebreakError, InvalidInput, Rejected, Retry, Unavailable
from contracts.groups import group_label
from contracts.policy import Policy
from contracts.words import counted, minutes_text
from devserver import ADDRESS_FILE
from gateway.app import slack_keys
from gateway.client import Api
from gateway.pollers import Poller, pollers_of, polling, unposted
from gateway.slack.faults import channels_of, slack_health
from gateway.under_way import under_way
from parts import check_runbooks, open_clusters
from settings import Settings, read_policy, read_settings
from stack import CLIENT_FILE
from staging import PLAYED_FILE
from terminal import remedy
from toil.database import open_engine, require_current
from toil.journal import Journal
from toil.memberships import Membership, Memberships
from toil.pauses import Pauses
from worker import temporal_address
from workflows.authoring.folders import Loaded, load
from workflows.authoring.steps import activities_of
from workflows.connection import connect

LOOK_SECONDS_MAX = 10
OPEN_EACH_MAX = 50
QUARANTINE_LOOKED_BACK = timedelta(days=1)
READ_BY = "Start `firebreak worker` with this policy file: it reads every group once a minute."
_REFUSED = "ConnectionRefused"
UNREAD = "Mend what it says; until then, name people among the approvers as well."


class Finding(NamedTuple):
    """One thing that was looked at; `fix` says what to do when it is not `ok`, and `away` that it
    did not answer at all.
    """

    name: str
    ok: bool
    detail: str
    fix: str = ""
    away: bool = False


async def examine(state: Path | None = None) -> list[Finding]:
    """Everything, in the order in which a person would mend it. With the state folder of a `demo`
    or `up`, that one, and whether it runs.

    Raises:
        InvalidInput: settings or policy cannot be read, so nothing else can be looked at.

    """
    settings, policy = subject_of(state)
    people = sum("responder" in person.roles for person in policy.people)
    everybody = counted(len(policy.people), "person", "people")
    sources = counted(len(policy.sources), "source")
    detail = f"{everybody}, {counted(people, 'responder')}, {sources}"
    findings = [Finding("policy", people > 0, detail, "Add a responder under [[people]].")]
    loaded, told = _runbooks(settings, policy)
    findings += told
    if state is not None:
        findings.append(await asyncio.to_thread(_tried, "gateway", lambda: _gateway(state)))
    with ExitStack() as closing:
        engine = open_engine(settings.database_url)
        closing.callback(engine.dispose)
        findings += await asyncio.to_thread(_books, engine, policy)
        findings += await asyncio.to_thread(_clusters, settings, policy, loaded)
        findings += await asyncio.to_thread(_senders, settings, policy)
        findings += await _slack(settings, policy)
        findings += [finding async for finding in _temporal(settings, policy, engine)]
    return [f._replace(fix="") if f.ok else f for f in findings]


def subject_of(state: Path | None) -> tuple[Settings, Policy]:
    """The settings and the policy of this process, or of what was started with that state folder.

    Raises:
        InvalidInput: nothing was ever started there, or what it left cannot be read.

    """
    if state is None:
        settings = read_settings()
        return settings, read_policy(settings.config)
    if not (state / CLIENT_FILE).is_file():
        fix = "Name the folder that `firebreak demo` or `up` says it keeps its state in."
        raise InvalidInput(f"nothing of Firebreak's was started with {state}", fix)
    given: dict[str, Any] = {"state": state}
    address = state / ADDRESS_FILE
    if address.is_file():
        given["temporal_address"] = address.read_text()
    if not (state / PLAYED_FILE).is_file():
        settings = read_settings(**given)
        return settings, read_policy(settings.config)
    try:
        played = json.loads((state / PLAYED_FILE).read_text())
        return read_settings(**given, **played["settings"]), Policy.model_validate(played["policy"])
    except (OSError, ValueError, KeyError, TypeError) as err:
        fix = "Start the demo anew; it writes that file when it starts."
        raise InvalidInput(f"{state / PLAYED_FILE} cannot be read: {err}", fix) from err


def _gateway(state: Path) -> str:
    client = json.loads((state / CLIENT_FILE).read_text())
    with Api(client["url"], client["token"]) as api:
        ready = api.ready()
    if not ready.get("ready"):
        parts = ", ".join(f"{name}: {word}" for name, word in ready.items() if name != "ready")
        raise Unavailable(f"{client['url']} is not ready ({parts})")
    return f"answers at {client['url']}"


def _runbooks(settings: Settings, policy: Policy) -> tuple[Loaded | None, list[Finding]]:
    """What a worker would serve, and each file that it would not."""
    try:
        loaded = load(runbooks, settings.runbook_folders)
        loaded.require_unique()
        check_runbooks(policy, loaded)
    except FirebreakError as err:
        return None, [Finding("runbooks", ok=False, detail=err.message, fix=err.fix)]
    names = ", ".join(found.name for found in loaded.runbooks)
    findings = [Finding("runbooks", bool(names), names or "none", "Reinstall Firebreak.")]
    for fault in loaded.faults:
        detail = f"{fault.path}:{fault.line} is not served: {fault.reason}"
        name = f"runbook {fault.path.stem}"
        findings.append(Finding(name, ok=False, detail=detail, fix=fault.remedy))
    return loaded, findings


def _tried(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, ok=True, detail=look())
    except FirebreakError as err:
        return _failed(name, err)


def _failed(name: str, err: FirebreakError) -> Finding:
    away = isinstance(err, Retry)
    return Finding(name, ok=False, detail=err.message, fix=remedy(err), away=away)


def _books(engine: Engine, policy: Policy) -> Iterator[Finding]:
    def schema() -> str:
        require_current(engine)
        return "reachable, the schema is this version's"

    found = _unmade(engine) or _tried("database", schema)
    yield found
    if not found.ok:
        return
    since = datetime.now(UTC) - QUARANTINE_LOOKED_BACK
    bad = [item for item in Journal(engine).quarantined() if item.at >= since]
    why = f"{counted(len(bad), 'alert')} of the last day could not be accepted"
    newest = f"; newest from {bad[0].source}: {bad[0].reason}" if bad else ""
    yield Finding("quarantine", not bad, why + newest, "Correct the sender's labels.")
    pauses = Pauses(engine).all()
    what = ", ".join(f"{p.scope} by {p.person}: {p.reason}" for p in pauses) or "off"
    yield Finding("kill switch", not pauses, what, "`firebreak resume SCOPE` when it is safe.")
    known = {group.name: group for group in Memberships(engine).all()}
    for name in policy.groups():
        yield _group(name, known.get(name), datetime.now(UTC))


def _unmade(engine: Engine) -> Finding | None:
    """A database that nobody has made yet; to connect would make an empty file."""
    path = engine.url.database if engine.url.get_backend_name() == "sqlite" else None
    if path is None or Path(path).exists():
        return None
    fix = "Start `firebreak up`, which makes it; or run `firebreak db upgrade`."
    return Finding("database", ok=False, detail=f"there is no {path} yet", fix=fix)


def _group(name: str, known: Membership | None, now: datetime) -> Finding:
    """Who is in it, and how fresh that is: what is too old is nobody, wherever it is asked."""
    label, fault = group_label(name), known.fault.rstrip(".") if known else ""
    if known is None or known.read_at is None:
        detail = f"never read{f': {fault}' if fault else ''}; nobody of it may approve"
        return Finding(label, ok=False, detail=detail, fix=READ_BY if not fault else UNREAD)
    ago = minutes_text((now - known.read_at).total_seconds())
    people = ", ".join(sorted(known.people)) or "nobody of the policy"
    detail = f"{people}; read {ago} ago" + (f", and not since: {fault}" if fault else "")
    if not known.is_fresh(now):
        detail += "; too long, so nobody of it may approve"
        return Finding(label, ok=False, detail=detail, fix=UNREAD if fault else READ_BY)
    if not known.people:
        fix = "Correct the schedule, or have its people named under [[people]]."
        return Finding(label, ok=False, detail=detail, fix=fix)
    return Finding(label, ok=not fault, detail=detail, fix=UNREAD)


def _clusters(settings: Settings, policy: Policy, loaded: Loaded | None) -> list[Finding]:
    with ExitStack() as closing:
        try:
            clusters = open_clusters(settings, policy, closing)
        except FirebreakError as err:
            return [_failed("clusters", err)]
        found: list[Finding] = []
        for name, cluster in clusters.items():
            found.append(_tried(f"cluster {name}", lambda: _namespaces(cluster, policy)))  # noqa: B023 - called at once
            # Who cannot be reached cannot be asked for permissions, either.
            if loaded is not None and not found[-1].away:
                found += _permissions(name, cluster, policy, loaded)
        return found


def _permissions(name: str, cluster: Cluster, policy: Policy, loaded: Loaded) -> Iterator[Finding]:
    """What the runbooks' steps need in each allowed namespace, asked of the API server."""
    wanted = needed(activities_of(loaded.runbooks), nodes=policy.limits.nodes)
    for namespace in policy.limits.namespaces:
        about = [p for p in wanted if not p.everywhere]
        yield _access(f"permissions in {name}/{namespace}", cluster, about, namespace)
    if policy.limits.nodes:
        about = [p for p in wanted if p.everywhere]
        yield _access(f"permissions on nodes of {name}", cluster, about, ANYWHERE)


def _access(name: str, cluster: Cluster, wanted: list[Permission], namespace: str) -> Finding:
    try:
        lacking = missing(cluster, wanted, namespace)
    except Rejected as err:
        fix = "Use a cluster that answers SelfSubjectAccessReview; nothing is known until then."
        return Finding(name, ok=False, detail=f"cannot tell: {err.message}", fix=fix)
    except FirebreakError as err:
        return _failed(name, err)
    if not lacking:
        return Finding(name, ok=True, detail=f"all {len(wanted)} that the runbooks need")
    detail = f"lacks {len(lacking)} of {len(wanted)}: {', '.join(map(str, lacking))}"
    return Finding(name, ok=False, detail=detail, fix=_grant(cluster, lacking, namespace))


def _grant(cluster: Cluster, lacking: Iterable[Permission], namespace: str) -> str:
    """The command that grants exactly the roles in which these permissions are."""
    files = dict.fromkeys(f"-f deploy/rbac/{permission.file}.yaml" for permission in lacking)
    context = [f"--context {cluster.context}"] if cluster.context else []
    where = [f"-n {namespace}"] if namespace else []
    return " ".join(["kubectl", *context, *where, "apply", *files])


def _namespaces(cluster: Cluster, policy: Policy) -> str:
    if not policy.limits.namespaces:
        fix = "Name under [limits] the `namespaces` that may be written to."
        raise InvalidInput("no namespace is allowed, so nothing is ever written", fix)
    for namespace in policy.limits.namespaces:
        cluster.get("Namespace", ANYWHERE, namespace)
    return f"readable: {', '.join(policy.limits.namespaces)}"


def _senders(settings: Settings, policy: Policy) -> Iterator[Finding]:
    """Each Prometheus, and the webhook, which is knocked at without a message."""
    with httpx.Client(timeout=LOOK_SECONDS_MAX, follow_redirects=False) as http:
        for cluster, url in policy.prometheus.items():
            yield _tried(f"Prometheus of {cluster}", lambda: _prometheus(http, url))  # noqa: B023 - called at once
        if settings.webhook_url is not None:
            where = httpx.URL(settings.webhook_url.get_secret_value())
            yield _tried("webhook", lambda: _webhook(http, where))


def _prometheus(http: httpx.Client, url: str) -> str:
    try:
        answer = http.get(f"{url.rstrip('/')}/api/v1/query", params={"query": "vector(1)"})
    except httpx.TransportError as err:
        fix = "Correct `prometheus` in firebreak.toml, or start it."
        raise Unavailable(f"{url} does not answer ({type(err).__name__})", fix) from None
    if answer.is_error or '"success"' not in answer.text:
        fix = "Give the base URL of a Prometheus, without /api."
        raise Rejected(f"{url} answers {answer.status_code}, not as a Prometheus", fix)
    return f"answers queries at {url}"


def _webhook(http: httpx.Client, url: httpx.URL) -> str:
    # The address may hold a secret: only its host is told.
    try:
        answer = http.options(url)
    except httpx.TransportError as err:
        fix = "Correct FIREBREAK_WEBHOOK_URL, or start the receiver."
        raise Unavailable(f"{url.host} does not answer ({type(err).__name__})", fix) from None
    return f"{url.host} answers ({answer.status_code} to OPTIONS; no message was sent)"


async def _slack(settings: Settings, policy: Policy) -> list[Finding]:
    """Whose bot it is, and one finding for each thing that is wrong; none without Slack."""
    try:
        health = await slack_health(slack_keys(settings), policy)
    except FirebreakError as err:
        return [_failed("slack", err)]
    known = [Finding("slack", ok=True, detail=health.detail)] if health.detail else []
    wrong = (
        Finding("slack", ok=False, detail=f.detail, fix=f.fix, away=f.away) for f in health.faults
    )
    return [*known, *wrong]


async def _temporal(settings: Settings, policy: Policy, engine: Engine) -> AsyncIterator[Finding]:
    try:
        async with asyncio.timeout(LOOK_SECONDS_MAX):
            client = await connect(temporal_address(settings))
    except (FirebreakError, TimeoutError) as err:
        yield _no_temporal(settings.temporal_address, str(err))
        return
    yield Finding("Temporal", ok=True, detail=f"answers at {settings.temporal_address}")
    for queue in (QUEUE, *map(cluster_queue, policy.clusters), NOTIFY_QUEUE):
        yield await _bounded(f"worker of {queue}", _polled(client, queue))
    if channels_of(policy):
        yield await _bounded("posting to slack", _posted(client))
    yield await _bounded("open incidents", _open_incidents(client, engine))


def _no_temporal(address: str, why: str) -> Finding:
    """Its client speaks of what it is made of; whoever forgot to start it wants a word of that."""
    detail = f"nobody answers at {address}"
    if why and _REFUSED not in why:
        detail = why
    fix = "Start `firebreak up`, which brings one, or Temporal; or set FIREBREAK_TEMPORAL_ADDRESS."
    return Finding("Temporal", ok=False, detail=detail, fix=fix, away=True)


async def _bounded(name: str, look: Awaitable[tuple[bool, str, str]]) -> Finding:
    try:
        async with asyncio.timeout(LOOK_SECONDS_MAX):
            return Finding(name, *await look)
    except TimeoutError:
        return Finding(name, ok=False, detail=f"no answer in {LOOK_SECONDS_MAX} s", away=True)
    except (RPCError, Unavailable) as err:
        return Finding(name, ok=False, detail=str(err), away=True)


async def _polled(client: Client, queue: str) -> tuple[bool, str, str]:
    pollers = await pollers_of(client, queue)
    alive = any(one.alive for one in pollers)
    return alive, polling(pollers), "Start `firebreak worker` with this policy file."


async def _posted(client: Client) -> tuple[bool, str, str]:
    """Whether the workers have what they need to post; this process's token says nothing of it."""
    pollers: list[Poller] = await pollers_of(client, NOTIFY_QUEUE)
    silent = unposted(pollers, slack_poster.NAME)
    fix = "Start it anew with FIREBREAK_SLACK_BOT_TOKEN in its environment."
    return not silent, silent or "every worker that runs can", fix


async def _open_incidents(client: Client, engine: Engine) -> tuple[bool, str, str]:
    """Rows that are open while their workflow does not run: a book that tells no truth."""
    opened = await asyncio.to_thread(under_way, Journal(engine), OPEN_EACH_MAX)
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
