"""The guardrails as a table: what each rule is held to, what it may say, why, and which test holds
it. The figures come from `Limits`, the rulings and reasons from the rules themselves.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from contracts.limits import Limits
from guardrails.judge import _too_few
from guardrails.rules import NAMES, RULES
from tools.markdown import one_line, table

HEADS = ("Rule", "Default", "Unit", "Ruling", "Why", "Test")
RULINGS = ("deny", "ask", "allow")
_SAYS = {"_full": "deny"}
_NONE = "none"
_TESTS = "tests/guardrails/"


class Held(NamedTuple):
    """What holds a rule: its keys under `[limits]` with their units, or where else it is set; and
    the test of its edge.
    """

    test: str
    units: Mapping[str, str] = MappingProxyType({})
    elsewhere: str = ""


def _rule(name: str) -> str:
    return f"{_TESTS}test_rules.py::test_{name}"


def _around(name: str) -> str:
    return f"{_TESTS}test_surroundings.py::test_{name}"


def _counted(name: str) -> str:
    return f"{_TESTS}test_counted_rules.py::test_{name}"


_RATE = _counted("a_rate_is_full_at_its_figure_and_counts_only_its_own")
ROWS: dict[str, Held] = {
    "kill_switch": Held(
        _rule("a_kill_switch_denies_and_names_who_pulled_it"), elsewhere="`firebreak pause`"
    ),
    "explicit_target": Held(_rule("a_plan_needs_one_explicit_target")),
    "namespaces": Held(
        _rule("an_empty_allow_list_denies_every_namespace_and_says_so"), {"namespaces": "names"}
    ),
    "protected_namespaces": Held(
        _rule("a_protected_namespace_is_denied_even_when_it_is_listed"),
        {"protected_namespaces": "names"},
    ),
    "nodes": Held(_around("nodes_are_denied_unless_they_are_allowed"), {"nodes": "yes or no"}),
    "control_plane": Held(_around("a_node_is_touched_only_where_the_others_are_well")),
    "opt_out": Held(
        _rule("an_opted_out_workload_is_denied"), elsewhere='`firebreak.dev/opt-out: "true"`'
    ),
    "opt_in": Held(
        _around("where_owners_must_opt_in_silence_is_a_no"), {"require_opt_in": "yes or no"}
    ),
    "storm": Held(
        _around("in_a_storm_nothing_is_written_and_the_plan_is_still_told"),
        {
            "storm_targets_max": "targets",
            "storm_window_seconds": "s",
            "storm_quiet_seconds": "s",
        },
    ),
    "dry_run": Held(_rule("a_dry_run_is_denied_with_what_it_would_do"), elsewhere="`--dry-run`"),
    "restores": Held(_around("taking_back_without_proof_is_denied")),
    "cooldown": Held(_rule("a_target_rests_after_a_write"), {"cooldown_seconds": "s"}),
    "attempts": Held(
        _rule("done_and_unknown_writes_use_up_the_budget"),
        {"attempts_max": "writes", "attempts_window_seconds": "s"},
    ),
    "runbook_rate": Held(_RATE, {"runbook_writes_per_hour": "writes an hour"}),
    "namespace_rate": Held(_RATE, {"namespace_writes_per_hour": "writes an hour"}),
    "cluster_rate": Held(_RATE, {"cluster_writes_per_hour": "writes an hour"}),
    "cluster_open": Held(
        _counted("only_so_many_writes_are_under_way_in_a_cluster"),
        {"cluster_open_writes_max": "writes at once"},
    ),
    "service_open": Held(
        _counted("one_write_at_a_time_to_a_service"),
        {"service_open_writes_max": "writes at once"},
    ),
    "pool_open": Held(
        _counted("one_write_at_a_time_to_a_node_pool"), {"pool_open_writes_max": "writes at once"}
    ),
    "unhealthy_nodes": Held(
        _around("a_node_is_touched_only_where_the_others_are_well"),
        {"unhealthy_nodes_share_max": "share of the nodes, or one"},
    ),
    "ready_left": Held(
        _around("enough_ready_pods_are_left_after_one_goes"), {"ready_left_min": "ready pods"}
    ),
    "disruption_budget": Held(
        _around("disruption_budgets_are_kept"), elsewhere="PodDisruptionBudget"
    ),
    "capacity": Held(_around("a_lack_of_room_is_told"), elsewhere="ResourceQuota, nodes"),
    "blast_radius": Held(
        _around("a_large_share_of_the_ready_pods_needs_a_person"),
        {"blast_share_max": "share of the ready pods"},
    ),
    "drained_workloads": Held(
        f"{_TESTS}test_nodes.py::test_a_drain_of_more_than_is_looked_at_afterwards_asks",
        elsewhere="20 Deployments and StatefulSets",
    ),
    "outage": Held(_around("an_outage_asks_with_its_reason")),
    "paused": Held(_around("a_paused_workload_rolls_nothing_out"), elsewhere="`spec.paused`"),
    "autoscaler": Held(
        _around("an_autoscalers_number_is_not_moved_without_a_person"),
        elsewhere="HorizontalPodAutoscaler, ScaledObject",
    ),
    "managed": Held(
        _around("what_is_declared_elsewhere_is_changed_there"),
        elsewhere="Argo CD, Flux, Helm, operators",
    ),
    "failed_verification": Held(
        _around("one_failed_verification_takes_auto_back_to_ask"),
        {"failed_verification_days": "days"},
    ),
    "chronic": Held(
        _around("what_heals_again_and_again_asks_and_names_the_owner_upstream"),
        {"chronic_heals_max": "runs that healed", "chronic_days": "days"},
    ),
    "freeze": Held(
        _rule("a_freeze_asks_from_its_first_to_before_its_last_moment"), elsewhere="`[[freezes]]`"
    ),
    "autonomy": Held(
        _rule("an_observing_runbook_is_denied_and_says_what_it_would_do"),
        elsewhere="`[runbooks.NAME]`, `[[services]]`",
    ),
    "approvers": Held(
        _rule("a_question_that_too_few_may_answer_is_a_denial"), {"approvals_needed": "people"}
    ),
}


def rules() -> str:
    """The table, in the order in which the rules are asked."""
    return table(HEADS, (_row(name) for name in NAMES))


def _row(name: str) -> tuple[str, ...]:
    held = ROWS[name]
    defaults = "; ".join(f"`{key}` {_value(key)}" for key in held.units)
    function = next((rule for rule in RULES if rule.__name__ == name), None)
    why = (
        inspect.getdoc(function)
        if function
        else ("A question that too few people may answer would only expire.")
    )
    units = ", ".join(dict.fromkeys(held.units.values()))
    told = (defaults or held.elsewhere or _NONE, units or _NONE, ", ".join(rulings_of(name)))
    return (f"`{name}`", *told, one_line(why), f"`{held.test}`")


def _value(key: str) -> str:
    value = Limits.model_fields[key].default
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def rulings_of(name: str) -> tuple[str, ...]:
    """What a rule may say, read from its text, strictest first."""
    function = next((rule for rule in RULES if rule.__name__ == name), _too_few)
    said = set(_calls(ast.parse(inspect.getsource(function))))
    return tuple(ruling for ruling in RULINGS if ruling in said)


def _calls(source: ast.Module) -> Iterator[str]:
    for node in ast.walk(source):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield _SAYS.get(node.func.id, node.func.id)
