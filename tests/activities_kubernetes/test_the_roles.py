"""deploy/rbac/ grants exactly what the steps need, each in the file that the table names."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from activities.kubernetes.verbs import NEEDS, OWNER, Permission, needed
from contracts import kubernetes as steps
from contracts.step import Action, Check, Look, Step

RBAC = Path(__file__).resolve().parents[2] / "deploy" / "rbac"
EVERYTHING = needed(NEEDS, nodes=True)
FILES = {path.stem: list(yaml.safe_load_all(path.read_text())) for path in RBAC.glob("*.yaml")}


def granted(file: str, role: dict[str, Any], *, everywhere: bool) -> Iterator[Permission]:
    """What one role of a file grants."""
    for rule in role["rules"]:
        assert set(rule) == {"apiGroups", "resources", "verbs"}
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                yield from (
                    Permission(verb, group, resource, file, everywhere) for verb in rule["verbs"]
                )


def test_every_step_of_a_cluster_has_its_permissions() -> None:
    """A new step without a row would fail at night, with 403."""
    kinds = [k for _, k in inspect.getmembers(steps, inspect.isclass) if issubclass(k, Step)]
    wanted = {kind.activity for kind in kinds if kind not in (Look, Action, Check)}
    assert set(NEEDS) == wanted | {OWNER}


@pytest.mark.parametrize("file", sorted(FILES))
def test_a_file_grants_what_the_table_says_and_no_more(file: str) -> None:
    """One shared ClusterRole a file, and one binding of it."""
    role, binding = FILES[file]
    everywhere = binding["kind"] == "ClusterRoleBinding"
    given = list(granted(file, role, everywhere=everywhere))
    assert sorted(given) == sorted(p for p in EVERYTHING if p.file == file)
    assert len(set(given)) == len(given)
    assert binding["roleRef"]["name"] == role["metadata"]["name"] == f"firebreak-{file}"
    # `kubectl -n NAMESPACE apply` says which namespace it is bound in.
    assert "namespace" not in binding["metadata"]
    accounts = {(s["kind"], s["namespace"], s["name"]) for s in binding["subjects"]}
    writes = any(p.verb in ("create", "patch", "delete") for p in given)
    names = ("actor",) if writes else ("actor", "reader")
    assert accounts == {("ServiceAccount", "firebreak", name) for name in names}


def test_every_permission_of_the_table_is_in_a_file() -> None:
    """The remedy of the doctor is a file that is there."""
    assert {p.file for p in EVERYTHING} == set(FILES)


def test_what_must_never_be_granted_is_not_even_asked_for() -> None:
    """No secrets, no whole updates, no collections, no star."""
    for p in EVERYTHING:
        assert p.verb not in ("update", "deletecollection", "impersonate", "escalate", "bind")
        assert "*" not in (p.verb, p.group, p.resource)
        assert p.resource != "secrets"


def test_without_nodes_nothing_is_asked_for_the_whole_cluster() -> None:
    """Where `nodes = false`, namespaces are the border."""
    assert not any(p.everywhere for p in needed(NEEDS, nodes=False))
    assert needed(["kubernetes.cordon"], nodes=False) == ()
