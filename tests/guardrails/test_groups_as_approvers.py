"""A group may approve by whoever is in it now; one that is not known is nobody."""

from collections.abc import Callable
from datetime import UTC, datetime

from contracts.calls import JudgeCall
from contracts.plan import Verdict
from contracts.policy import Limits, Person, Policy, RunbookPolicy, Service
from contracts.target import Target
from guardrails import Known, facts_of, groups_asked, judge

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
WEB = Target(cluster="default", namespace="shop", kind="Deployment", name="web")
CART = Target(cluster="default", namespace="shop", kind="Deployment", name="cart")
NODE = Target(cluster="default", namespace="", kind="Node", name="n1")
PEOPLE = tuple(Person(id=name, name=name) for name in ("ana", "ben", "cho"))
PRIMARY, SECONDARY = "oncall:primary", "oncall:secondary"

CallWith = Callable[..., JudgeCall]


def policy(*approvers: str, cart: tuple[str, ...] = (), needed: int = 1) -> Policy:
    """A runbook that asks, on services with these approvers."""
    web = Service(name="web", target=WEB, approvers=approvers)
    other = Service(name="cart", target=CART, approvers=cart)
    nodes = Service(name="nodes", target=NODE, approvers=approvers)
    return Policy(
        people=PEOPLE,
        services=(web, other, nodes),
        runbooks={"RollbackDeployment": RunbookPolicy(autonomy="ask")},
        limits=Limits(namespaces=("shop",), approvals_needed=needed, nodes=True),
    )


def judged(made: Policy, call: JudgeCall, known: Known) -> Verdict:
    """The verdict with these groups."""
    return judge(call, facts_of(made, call, NOW, known))


def reasons(verdict: Verdict) -> str:
    """What is said about who may approve."""
    return "; ".join(f"{r.ruling}: {r.text}" for r in verdict.reasons if r.rule == "approvers")


def test_a_group_stands_among_the_approvers(call_with: CallWith) -> None:
    """The question goes to the group, and the verdict says who that is."""
    call = call_with(target=WEB, service="web")
    known = Known(members={PRIMARY: frozenset({"ben", "cho"})})
    verdict = judged(policy("ana", PRIMARY), call, known)
    assert verdict.ruling == "ask"
    assert verdict.approvers == ("ana", PRIMARY)
    assert verdict.people == ("ana", "ben", "cho")
    assert reasons(verdict) == ""


def test_a_group_that_is_not_known_is_nobody(call_with: CallWith) -> None:
    """Those who are named may answer, and the verdict says why the others may not."""
    call = call_with(target=WEB, service="web")
    known = Known(unread=((PRIMARY, "calendar.test answered 503"),))
    verdict = judged(policy("ana", PRIMARY), call, known)
    assert (verdict.ruling, verdict.approvers, verdict.people) == ("ask", ("ana",), ("ana",))
    assert "on-call primary (calendar.test answered 503)" in reasons(verdict)


def test_nobody_at_all_is_a_denial_with_a_way_out(call_with: CallWith) -> None:
    """A question that nobody may answer would only expire."""
    call = call_with(target=WEB, service="web")
    unread = judged(policy(PRIMARY), call, Known(unread=((PRIMARY, "no answer within 5 s"),)))
    assert unread.ruling == "deny"
    assert "deny: 1 must approve for web, but nobody may" in reasons(unread)
    assert "no answer within 5 s" in reasons(unread)
    empty = judged(policy(PRIMARY), call, Known(members={PRIMARY: frozenset()}))
    assert empty.ruling == "deny"
    assert "nobody may (nobody is in on-call primary now)" in reasons(empty)
    assert all(r.fix for r in (*unread.denials, *empty.denials))


def test_people_are_counted_and_not_groups(call_with: CallWith) -> None:
    """Two must agree: one person who is in two groups is one."""
    call = call_with(target=WEB, service="web")
    made = policy(PRIMARY, SECONDARY, needed=2)
    one = Known(members={PRIMARY: frozenset({"ana"}), SECONDARY: frozenset({"ana"})})
    two = Known(members={PRIMARY: frozenset({"ana"}), SECONDARY: frozenset({"ben"})})
    assert judged(made, call, one).ruling == "deny"
    assert judged(made, call, two).ruling == "ask"


def test_the_requester_is_not_counted_in_a_group(call_with: CallWith) -> None:
    """On call or not, nobody approves their own run."""
    call = call_with(target=WEB, service="web", actor="ana")
    verdict = judged(policy(PRIMARY), call, Known(members={PRIMARY: frozenset({"ana"})}))
    assert verdict.ruling == "deny"
    assert "besides ana, who asked" in reasons(verdict)
    more = judged(policy(PRIMARY), call, Known(members={PRIMARY: frozenset({"ana", "ben"})}))
    assert (more.ruling, more.people) == ("ask", ("ben",))


def test_who_may_for_every_service_may_for_the_drain(call_with: CallWith) -> None:
    """Ben is on call for the node, and named for what runs on it; a common group stays a group."""
    drain = call_with(target=NODE, service="nodes", also_locks=(CART.key,))
    known = Known(members={PRIMARY: frozenset({"ana", "ben"}), SECONDARY: frozenset({"cho"})})
    verdict = judged(policy(PRIMARY, cart=("ben", "cho")), drain, known)
    assert (verdict.approvers, verdict.people) == (("ben",), ("ben",))
    both = judged(policy(PRIMARY, "cho", cart=(SECONDARY, PRIMARY)), drain, known)
    assert (both.approvers, both.people) == ((PRIMARY, "cho"), ("ana", "ben", "cho"))
    assert groups_asked(policy(PRIMARY, cart=(SECONDARY,)), drain) == (PRIMARY, SECONDARY)


def test_what_needs_nobody_says_nothing_of_groups(call_with: CallWith) -> None:
    """An auto runbook is not hindered by a schedule that cannot be read."""
    call = call_with(target=WEB, service="web")
    auto = RunbookPolicy(autonomy="auto")
    made = policy(PRIMARY).model_copy(update={"runbooks": {"RollbackDeployment": auto}})
    verdict = judged(made, call, Known(unread=((PRIMARY, "away"),)))
    assert (verdict.ruling, reasons(verdict)) == ("allow", "")
