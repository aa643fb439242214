"""What looks have found, in the words of a summary, and what there is to ask: what several
runbooks say alike.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from contracts import Case
from contracts.signals import QUERY_CHARS_MAX

QUERIES_MAX = 3
QUOTAS_SHOWN_MAX = 3

Facts = Mapping[str, Any]


def pods_seen(states: Facts) -> str:
    """`1 of 3 pods are ready (crash_loop 2)`, of the facts of PodStates."""
    if states.get("pods_total") is None:
        return "its pods could not be read"
    causes = ", ".join(f"{cause} {count}" for cause, count in (states.get("causes") or {}).items())
    counted = f"{states.get('pods_ready')} of {states['pods_total']} pods are ready"
    return f"{counted} ({causes})" if causes else counted


def not_ready(states: Facts) -> list[str]:
    """The names of the pods that are not ready, without those that were evicted and replaced."""
    pods = [pod for pod in states.get("pods") or [] if pod.get("cause") != "evicted"]
    return [pod["pod"] for pod in pods if not pod.get("ready")]


def room_seen(around: Facts) -> str:
    """`web is at its maximum of 6; quota q: pods 6 of 6`, of the facts of Surroundings."""
    told = []
    if scaler := around.get("autoscaler"):
        at = "at" if scaler.get("at_max") else "below"
        told.append(f"{scaler.get('name')} is {at} its maximum of {scaler.get('max')}")
    for quota in (around.get("quotas") or [])[:QUOTAS_SHOWN_MAX]:
        figures = f"{quota.get('resource')} {quota.get('used')} of {quota.get('hard')}"
        told.append(f"quota {quota.get('name')}: {figures}")
    return "; ".join(told)


def load_seen(used: Facts) -> str:
    """`its busiest pod uses 91 % of its CPU limit`, of the facts of Metrics."""
    share = used.get("cpu_of_limit")
    return "" if share is None else f"its busiest pod uses {share:.0%} of its CPU limit"


def told_by(answer: Facts) -> str:
    """`the query gives 0.7`, of the facts of PromQL; nothing where nobody answers queries."""
    value = answer.get("value")
    return "" if value is None else f"the query gives {value}"


def queries_of(case: Case) -> list[str]:
    """The PromQL to ask: the parameter `query`, or else the expressions of the alerts' rules, from
    the links that Prometheus gives them.
    """
    told = [case.params.get("query")]
    if not told[0]:
        links = [parse_qs(alert.generator_url.partition("?")[2]) for alert in case.alerts]
        told = [query for link in links for query in link.get("g0.expr", [])]
    fit = [query for query in told if isinstance(query, str) and len(query) <= QUERY_CHARS_MAX]
    return list(dict.fromkeys(query for query in fit if query.strip()))[:QUERIES_MAX]
