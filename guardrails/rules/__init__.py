"""The guardrails, one function each: a plan and the facts in, a reason or nothing out.

Each is named as its reasons are. A rule never looks at another rule's answer and never loosens
one; `judge` joins them. Every text carries the figures it was decided on, because a person reads
it in the middle of the night.
"""

from collections.abc import Callable

from contracts.calls import JudgeCall
from contracts.plan import Reason
from guardrails.facts import Facts
from guardrails.rules import cluster, consent, counted, disruption, history, scope, surroundings

Rule = Callable[[JudgeCall, Facts], Reason | None]

APPROVERS = "approvers"

# They hold for every write.
ALWAYS: tuple[Rule, ...] = (
    consent.kill_switch,
    scope.explicit_target,
    scope.namespaces,
    scope.protected_namespaces,
    scope.nodes,
    scope.control_plane,
    scope.opt_out,
    scope.opt_in,
    cluster.storm,
    consent.dry_run,
    consent.restores,
)
# What is counted over all targets; asked once more where the lock is taken.
COUNTED: tuple[Rule, ...] = (
    counted.runbook_rate,
    counted.namespace_rate,
    counted.cluster_rate,
    counted.cluster_open,
    counted.service_open,
    counted.pool_open,
)
# They hold for a new write; one that takes an own write back was judged with it.
NEW: tuple[Rule, ...] = (
    history.cooldown,
    history.attempts,
    *COUNTED,
    cluster.unhealthy_nodes,
    disruption.ready_left,
    disruption.disruption_budget,
    disruption.capacity,
    disruption.blast_radius,
    disruption.drained_workloads,
    disruption.outage,
    surroundings.paused,
    surroundings.autoscaler,
    surroundings.managed,
    history.failed_verification,
    history.chronic,
    consent.freeze,
    consent.autonomy,
)
RULES: tuple[Rule, ...] = (*ALWAYS, *NEW)
# `approvers` is said by the judge itself, of all the others together.
NAMES: tuple[str, ...] = (*(rule.__name__ for rule in RULES), APPROVERS)
