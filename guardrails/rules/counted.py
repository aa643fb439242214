"""What is counted over all targets: writes an hour, and writes at once.

These rules are asked twice: when a plan is judged, and again inside the transaction that takes the
lock, where nobody else can take the last slot meanwhile.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta

from contracts.calls import JudgeCall
from contracts.plan import Reason
from contracts.words import counted
from guardrails.facts import Facts, Write, namespace_of
from guardrails.words import deny

HOUR = timedelta(hours=1)


def _others(call: JudgeCall, facts: Facts) -> list[Write]:
    # What takes a write back belongs to that write, and was counted with it.
    return [write for write in facts.writes if write.key != call.key and not write.restores]


def _of_the_hour(
    call: JudgeCall, facts: Facts, wanted: Callable[[Write], bool], limit: int
) -> list[Write]:
    """The newest `limit` writes of the last hour, or nothing when there were fewer."""
    since = facts.now - HOUR
    spent = [w for w in _others(call, facts) if (w.open or w.at > since) and wanted(w)]
    spent.sort(key=lambda write: write.at)
    return spent[-limit:] if len(spent) >= limit else []


def _wait(writes: Iterable[Write]) -> str:
    over = min(write.at for write in writes) + HOUR
    return f"Wait until {over:%Y-%m-%d %H:%M:%S} UTC, or do it by hand."


def runbook_rate(call: JudgeCall, facts: Facts) -> Reason | None:
    """A runbook that is needed so often is no longer the right answer."""
    limit = facts.limits.runbook_writes_per_hour
    full = _of_the_hour(call, facts, lambda write: write.runbook == call.runbook, limit)
    if not full:
        return None
    text = f"{call.runbook} wrote {counted(len(full), 'time')} in the last hour; at most {limit}"
    return deny("runbook_rate", text, _wait(full))


def namespace_rate(call: JudgeCall, facts: Facts) -> Reason | None:
    """So many writes to one namespace are a fault of more than one workload."""
    limit = facts.limits.namespace_writes_per_hour
    cluster = call.plan.target.cluster
    for name in sorted({namespace_of(key) for key in call.plan.lock_keys if "/" in key} - {""}):
        full = _of_the_hour(call, facts, _writes_to(cluster, name), limit)
        if full:
            writes = counted(len(full), "write")
            text = f"namespace '{name}' had {writes} in the last hour; at most {limit}"
            return deny("namespace_rate", text, _wait(full))
    return None


def _writes_to(cluster: str, namespace: str) -> Callable[[Write], bool]:
    return lambda write: write.cluster == cluster and namespace in write.namespaces


def cluster_rate(call: JudgeCall, facts: Facts) -> Reason | None:
    """Whatever goes wrong, a cluster sees only so many writes an hour."""
    limit, cluster = facts.limits.cluster_writes_per_hour, call.plan.target.cluster
    full = _of_the_hour(call, facts, lambda write: write.cluster == cluster, limit)
    if not full:
        return None
    text = f"cluster {cluster} had {counted(len(full), 'write')} in the last hour; at most {limit}"
    return deny("cluster_rate", text, _wait(full))


def _full(rule: str, what: str, open_writes: list[Write], limit: int) -> Reason | None:
    if len(open_writes) < limit:
        return None
    holders = ", ".join(sorted(write.key for write in open_writes))
    text = f"{what} has {counted(len(open_writes), 'write')} under way ({holders}); at most {limit}"
    return deny(rule, text, "Run it again when they have settled.")


def cluster_open(call: JudgeCall, facts: Facts) -> Reason | None:
    """Few writes at once: what one of them breaks can still be seen."""
    cluster = call.plan.target.cluster
    under_way = [w for w in _others(call, facts) if w.open and w.cluster == cluster]
    limit = facts.limits.cluster_open_writes_max
    return _full("cluster_open", f"cluster {cluster}", under_way, limit)


def service_open(call: JudgeCall, facts: Facts) -> Reason | None:
    """Two workloads of one service are not disturbed at once."""
    limit = facts.limits.service_open_writes_max
    for name, key in ({call.service: ""} | dict(facts.services)).items():
        under_way = [w for w in _others(call, facts) if w.open and _disturbs(w, name, key)]
        full = _full("service_open", f"service {name}", under_way, limit) if name else None
        if full:
            return full
    return None


def _disturbs(write: Write, service: str, lock_key: str) -> bool:
    # A drain is a write of the node's service, and holds the locks of all it moves.
    return write.service == service or lock_key in write.lock_keys


def pool_open(call: JudgeCall, facts: Facts) -> Reason | None:
    """Two nodes of one pool are not disturbed at once: they carry each other's load."""
    pool = call.plan.pool_key
    if not pool:
        return None
    under_way = [write for write in _others(call, facts) if write.open and write.pool == pool]
    limit, name = facts.limits.pool_open_writes_max, call.plan.around.pool
    what = f"node pool {name}" if name else f"cluster {call.plan.target.cluster}, without pools,"
    return _full("pool_open", what, under_way, limit)
