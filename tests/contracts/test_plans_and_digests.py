"""The digest binds an approval to a plan: what would be done, to which object, in which state."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.approval import Decision
from contracts.model import canonical_json, digest_of
from contracts.plan import Plan, Reason, Verdict

NIGHT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
TARGET = {"cluster": "default", "namespace": "shop", "kind": "Deployment", "name": "user-auth"}


def plan(**changes: Any) -> Plan:
    """A rollback of user-auth to revision 1."""
    values: dict[str, Any] = {
        "action": "kubernetes.rollback_deployment",
        "target": TARGET,
        "uid": "u-1",
        "generation": 2,
        "before": "revision 2",
        "after": "revision 1",
        "summary": "roll user-auth back",
        "kubectl": "kubectl rollout undo deployment/user-auth",
        "at": NIGHT,
        "pins": {"template": "sha256:aa", "replica_set": "user-auth-1"},
    }
    return Plan.model_validate(values | changes)


@pytest.mark.parametrize(
    "change",
    [
        {"action": "kubernetes.rollout_restart"},
        {"target": TARGET | {"name": "billing"}},
        {"target": TARGET | {"cluster": "west"}},
        {"uid": "u-2"},
        {"generation": 3},
        {"before": "revision 3"},
        {"after": "revision 0"},
        {"pins": {"template": "sha256:bb", "replica_set": "user-auth-1"}},
        {"pins": {}},
    ],
)
def test_another_deed_another_object_or_another_state_has_another_digest(
    change: dict[str, Any],
) -> None:
    """An approval of one of them is worth nothing for the other."""
    assert plan(**change).digest != plan().digest


@pytest.mark.parametrize(
    "change",
    [
        {"findings": ("3 pods crash-loop",)},
        {"blast": {"pods": 3, "ready": 1, "desired": 3}},
        {"summary": "in other words"},
        {"kubectl": "kubectl --context west rollout undo deployment/user-auth"},
        {"at": datetime(2026, 11, 21, 3, 5, tzinfo=UTC)},
        {"opted_out": True},
        {"noop": True},
        {"pins": {"replica_set": "user-auth-1", "template": "sha256:aa"}},
    ],
)
def test_what_is_only_for_people_does_not_change_the_digest(change: dict[str, Any]) -> None:
    """Pods crash while somebody reads; that must not void what they are about to approve."""
    assert plan(**change).digest == plan().digest


def test_the_digest_survives_the_journey() -> None:
    """It is computed anew where a plan arrives, never taken from what was sent."""
    sent = plan().model_dump(mode="json")
    assert Plan.model_validate(sent).digest == sent["digest"]
    assert Plan.model_validate(sent | {"digest": "sha256:forged"}).digest == sent["digest"]


def test_the_digest_is_a_known_value() -> None:
    """It stands in histories and in the journal: another way to compute it would void them all."""
    expected = "sha256:5f28f162054a6654c75e552402aeb0e7bcaf7305763af00823ab3eb5304d5e02"
    assert plan().digest == expected


def test_the_lock_of_a_plan_is_its_target() -> None:
    """Two plans for one workload never write at once, whatever they are."""
    assert plan().lock_keys == plan(action="kubernetes.rollout_restart").lock_keys
    assert plan().lock_keys == ("default/shop/Deployment/user-auth",)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none() | st.lists(st.booleans())))
def test_equal_values_have_equal_json(values: dict[str, Any]) -> None:
    """Whatever the order in which their keys were set."""
    turned = dict(reversed(values.items()))
    assert canonical_json(turned) == canonical_json(values)
    assert digest_of(turned) == digest_of(values)


def test_canonical_json_is_compact_and_keeps_characters() -> None:
    """No spaces, sorted keys, no escapes: the one form that is hashed."""
    assert canonical_json({"b": [1, None], "a": "é"}) == '{"a":"é","b":[1,null]}'


def test_a_verdict_knows_the_reasons_that_forbid() -> None:
    """Only those are told when it refuses."""
    forbids = Reason(rule="freeze", ruling="deny", text="no")
    asks = Reason(rule="autonomy", ruling="ask", text="ask first")
    assert Verdict(ruling="deny", reasons=(asks, forbids)).denials == (forbids,)


def test_a_double_click_is_one_decision_and_another_mind_is_another() -> None:
    """Temporal drops an update whose id it has seen."""
    first = Decision(approval="apr-1", person="ana", decision="approve")
    again = Decision(approval="apr-1", person="ana", decision="approve", reason="as said")
    other = Decision(approval="apr-1", person="ana", decision="deny", reason="no")
    assert first.update_id == again.update_id == "apr-1:ana:approve"
    assert other.update_id != first.update_id
