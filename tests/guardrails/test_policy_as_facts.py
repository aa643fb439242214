"""How the policy file becomes facts: autonomy and approvers."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from contracts.calls import JudgeCall
from contracts.policy import Autonomy, Person, Policy, RunbookPolicy, Service
from contracts.target import Target
from guardrails import facts_of, judge

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("runbook", "service", "expected"),
    [
        (None, None, "observe"),
        ("auto", None, "auto"),
        ("auto", "ask", "ask"),
        ("auto", "observe", "observe"),
        ("observe", "auto", "observe"),
        (None, "auto", "observe"),
        ("auto", "auto", "auto"),
    ],
)
def test_the_more_cautious_of_runbook_and_service_holds(
    runbook: Autonomy | None, service: Autonomy | None, expected: Autonomy
) -> None:
    """Neither a team nor a runbook can talk the other into more than it allows."""
    policy = Policy(
        runbooks={"Restart": RunbookPolicy(autonomy=runbook)} if runbook else {},
        services=(Service(name="user-auth", autonomy=service),),
    )
    assert policy.autonomy_of("Restart", "user-auth") == expected


@pytest.mark.parametrize(
    ("here", "limit", "expected"),
    [("auto", None, "auto"), ("observe", None, "observe"), ("auto", "ask", "ask")],
)
def test_a_runbook_may_be_allowed_something_else_on_one_service(
    here: Autonomy, limit: Autonomy | None, expected: Autonomy
) -> None:
    """More or less than elsewhere, but never more than the service allows at all."""
    restart = RunbookPolicy(autonomy="ask", services={"user-auth": here})
    policy = Policy(
        runbooks={"restart": restart}, services=(Service(name="user-auth", autonomy=limit),)
    )
    assert policy.autonomy_of("restart", "user-auth") == expected
    assert policy.autonomy_of("restart", "another") == "ask"


def test_a_runbook_that_ships_asks_and_a_new_one_observes() -> None:
    """What nobody has spoken for writes nothing; what is spoken for is not overruled."""
    said = Policy(runbooks={"rollback": RunbookPolicy(autonomy="auto")})
    policy = said.knowing(["restart", "rollback"])
    assert policy.autonomy_of("restart", "") == "ask"
    assert policy.autonomy_of("rollback", "") == "auto"
    assert policy.autonomy_of("brand_new", "") == "observe"


def test_an_approver_who_is_no_person_does_not_count(call_with: Callable[..., JudgeCall]) -> None:
    """An id that nobody has can never answer, and an id that stands twice counts once."""
    policy = Policy(
        people=(Person(id="ana", name="Ana"),),
        services=(Service(name="user-auth", approvers=("ana", "gone", "ana")),),
    )
    call = call_with().model_copy(update={"service": "user-auth"})
    assert facts_of(policy, call, NOW).approvers == ("ana",)


CART = Target(cluster="default", namespace="shop", kind="Deployment", name="cart")
NODE = Target(cluster="default", namespace="", kind="Node", name="n1")
PEOPLE = tuple(Person(id=name, name=name) for name in ("ana", "ben", "cho"))


def shop(autonomy: Autonomy, *approvers: str) -> Policy:
    """Runbooks of this policy go alone, but for what the service `cart` says."""
    cart = Service(name="cart", target=CART, autonomy=autonomy, approvers=approvers)
    nodes = Service(name="nodes", target=NODE, approvers=("ana", "ben"))
    auto = RunbookPolicy(autonomy="auto")
    return Policy(people=PEOPLE, services=(nodes, cart), runbooks={"RollbackDeployment": auto})


@pytest.mark.parametrize("autonomy", ["observe", "ask", "auto"])
def test_a_drain_goes_no_further_than_the_strictest_service_that_it_moves(
    call_with: Callable[..., JudgeCall], autonomy: Autonomy
) -> None:
    """The node's own service cannot speak for the workloads on it."""
    drain = call_with(target=NODE, service="nodes", also_locks=(CART.key,))
    facts = facts_of(shop(autonomy, "ben", "cho"), drain, NOW)
    assert (facts.autonomy, facts.approvers) == (autonomy, ("ben",))
    assert facts.services == (("nodes", NODE.key), ("cart", CART.key))
    alone = facts_of(shop(autonomy, "ben", "cho"), call_with(target=NODE, service="nodes"), NOW)
    assert (alone.autonomy, alone.approvers) == ("auto", ("ana", "ben"))


def test_where_nobody_may_approve_for_all_services_a_drain_is_denied(
    call_with: Callable[..., JudgeCall],
) -> None:
    """Ana and Ben may for the node, only Cho for what runs on it."""
    drain = call_with(target=NODE, service="nodes", also_locks=(CART.key,))
    verdict = judge(drain, facts_of(shop("ask", "cho"), drain, NOW))
    assert "approvers" in {reason.rule for reason in verdict.denials}
    assert verdict.approvers == ()
    (reason,) = [r for r in verdict.denials if r.rule == "approvers"]
    assert reason.text == "1 must approve for nodes and cart, but nobody may"
    assert "name as `approvers` of each of nodes and cart people who may" in reason.fix


def test_a_node_of_no_service_leaves_it_to_those_of_its_workloads(
    call_with: Callable[..., JudgeCall],
) -> None:
    """Mia is no responder, and the only one who may for the cart; without workloads that belong to
    a service, every responder may.
    """
    mia = Person(id="mia", name="Mia", roles=("manager",))
    cart = Service(name="cart", target=CART, approvers=("mia",))
    policy = Policy(people=(*PEOPLE, mia), services=(cart,))
    drain = call_with(target=NODE, also_locks=(CART.key,))
    assert facts_of(policy, drain, NOW).approvers == ("mia",)
    assert facts_of(policy, call_with(target=NODE), NOW).approvers == ("ana", "ben", "cho")


@pytest.mark.parametrize(
    ("actor", "said"),
    [("firebreak", "but nobody may"), ("ana", "but nobody may (besides ana, who asked)")],
)
def test_a_question_that_nobody_may_answer_says_what_to_configure(
    call_with: Callable[..., JudgeCall], actor: str, said: str
) -> None:
    """A service whose only approver left, or asked; it is denied, not asked in vain."""
    approver = "ana" if actor == "ana" else "gone"
    web = Service(name="web", target=CART, approvers=(approver,), autonomy="ask")
    auto = RunbookPolicy(autonomy="auto")
    policy = Policy(people=PEOPLE, services=(web,), runbooks={"RollbackDeployment": auto})
    call = call_with(target=CART, service="web", actor=actor)
    verdict = judge(call, facts_of(policy, call, NOW))
    (reason,) = [r for r in verdict.denials if r.rule == "approvers"]
    assert reason.text.endswith(said)
    assert "Under [[services]], name as `approvers` of web people who may" in reason.fix
