"""The policy as values: who may approve, which service an alert means, what may not stand twice."""

from typing import Any

import pytest
from pydantic import ValidationError

from contracts.policy import Limits, Person, Policy, Service, Source
from contracts.target import Target

WEB = Target(cluster="default", namespace="shop", kind="Deployment", name="user-auth")
PEOPLE = (
    Person(id="ana", name="Ana", teams=("identity",)),
    Person(id="ben", name="Ben", teams=("identity",), roles=("manager",)),
    Person(id="cho", name="Cho", teams=("payments",)),
)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"people": [{"id": "ana", "name": "A"}, {"id": "ana", "name": "B"}]}, "people: ana"),
        ({"services": [{"name": "web"}, {"name": "web"}]}, "services: web"),
        (
            {"sources": [{"name": "am", "kind": "generic"}, {"name": "am", "kind": "audit"}]},
            "sources: am",
        ),
    ],
)
def test_a_name_that_stands_twice_is_refused(policy: dict[str, Any], message: str) -> None:
    """Which of the two is meant would depend on their order."""
    with pytest.raises(ValidationError, match=f"{message} is defined twice; keep one"):
        Policy.model_validate(policy)


def test_one_name_may_serve_a_person_a_service_and_a_source() -> None:
    """They are different things."""
    policy = Policy(
        people=(Person(id="web", name="W"),),
        services=(Service(name="web"),),
        sources=(Source(name="web", kind="alertmanager"),),
    )
    assert policy.person("web") == Person(id="web", name="W")
    assert policy.person("gone") is None


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        (Service(name="web", approvers=("cho",), team="identity"), ("cho",)),
        (Service(name="web", team="identity"), ("ana",)),
        (Service(name="web", team="nobody"), ("ana", "cho")),
        (Service(name="web"), ("ana", "cho")),
    ],
)
def test_a_service_is_approved_for_by_its_own_people_first(
    service: Service, expected: tuple[str, ...]
) -> None:
    """Its own list, else its team's responders, else every responder; a manager is none."""
    assert Policy(people=PEOPLE, services=(service,)).approvers_of("web") == expected


def test_without_a_service_every_responder_may_approve() -> None:
    """An alert that belongs to nobody is anybody's."""
    assert Policy(people=PEOPLE).approvers_of("unknown") == ("ana", "cho")


def test_a_service_is_found_by_its_target_before_its_matchers() -> None:
    """The workload says more than a label that a rule's author chose."""
    by_label = Service.model_validate({"name": "shop", "matchers": ['namespace="shop"']})
    by_target = Service(name="user-auth", target=WEB)
    policy = Policy(services=(by_label, by_target))
    assert policy.service_of(WEB, {"namespace": "shop"}) == by_target
    assert policy.service_of(None, {"namespace": "shop"}) == by_label
    assert policy.service_of(None, {"namespace": "billing"}) is None


def test_of_several_services_the_first_in_the_file_is_meant() -> None:
    """The order of the file is the order of the question."""
    first = Service.model_validate({"name": "one", "matchers": ["team=web"]})
    second = Service.model_validate({"name": "two", "matchers": ["team=web"]})
    assert Policy(services=(first, second)).service_of(None, {"team": "web"}) == first


def test_a_service_needs_all_its_matchers_and_none_match_nothing() -> None:
    """A service that names no alerts must not catch all of them."""
    strict = Service.model_validate({"name": "web", "matchers": ["team=web", 'env!="test"']})
    assert strict.matches({"team": "web"})
    assert not strict.matches({"team": "web", "env": "test"})
    assert not Service(name="web").matches({"team": "web"})


def test_a_matcher_that_is_none_is_refused_with_the_file() -> None:
    """Read as text, refused as a whole, and said in Alertmanager's terms."""
    with pytest.raises(ValidationError, match="is not a matcher"):
        Service.model_validate({"name": "web", "matchers": ["team"]})


def test_a_service_survives_json() -> None:
    """Matchers are text in the file and values everywhere else."""
    service = Service.model_validate({"name": "web", "matchers": ['team=~"web|shop"']})
    assert Service.model_validate_json(service.model_dump_json()) == service


@pytest.mark.parametrize("person_id", ["", "Ana", "ana/ben", "-ana", "a" * 64])
def test_an_id_is_short_and_plain(person_id: str) -> None:
    """It becomes part of an update's id and of a ledger key."""
    with pytest.raises(ValidationError):
        Person(id=person_id, name="Ana")


@pytest.mark.parametrize(
    "limits",
    [
        {"approvals_needed": 0},
        {"approvals_needed": 6},
        {"attempts_max": 0},
        {"cooldown_seconds": -1},
        {"attempts_window_seconds": 0},
    ],
)
def test_a_limit_that_would_limit_nothing_is_refused(limits: dict[str, int]) -> None:
    """Zero approvals would be no approval."""
    with pytest.raises(ValidationError):
        Limits.model_validate(limits)


def test_nothing_may_be_written_anywhere_by_default() -> None:
    """An empty file allows no namespace, and protects the cluster's own."""
    limits = Policy().limits
    assert limits.namespaces == ()
    assert "kube-system" in limits.protected_namespaces


def test_a_group_of_fewer_than_three_is_never_shown() -> None:
    """The least group can be raised, not lowered."""
    with pytest.raises(ValidationError):
        Policy.model_validate({"toil": {"min_group": 2}})
