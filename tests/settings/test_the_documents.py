"""The example and the reference page hold every setting and key, and no others."""

import ast
import re
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import contracts.policy
import runbooks
from contracts.policy import Policy
from contracts.target import Target
from settings import PREFIX, Settings, read_policy
from workflows.authoring.folders import load

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "deploy/firebreak.example.toml"
REFERENCE = ROOT / "docs/reference/settings.md"
TABLES = {
    "people": "Person",
    "services": "Service",
    "sources": "Source",
    "freezes": "Freeze",
    "limits": "Limits",
    "runbooks": "RunbookPolicy",
    "incident": "IncidentRules",
    "oncall": "OnCall",
    "slack": "SlackPolicy",
    "toil": "ToilPolicy",
}


def keys_of(value: Any) -> set[str]:
    """All keys of a table, or of all tables of a list."""
    tables = value if isinstance(value, list) else [value]
    return {key for table in tables for key in table}


def test_the_example_is_a_valid_policy() -> None:
    """It can be copied and used as it is."""
    policy = read_policy(EXAMPLE)
    assert policy.limits.namespaces == ("shop",)
    assert policy.approvers_of("user-auth") == ("ana", "ben", "oncall:primary")


def test_the_example_shows_every_table() -> None:
    """Nothing that can be set is left out."""
    assert keys_of(tomllib.loads(EXAMPLE.read_text())) == set(Policy.model_fields)


@pytest.mark.parametrize("table", sorted(TABLES))
def test_the_example_shows_every_key(table: str) -> None:
    """Each key of each table, at least once."""
    model: type[BaseModel] = getattr(contracts.policy, TABLES[table])
    shown = tomllib.loads(EXAMPLE.read_text())[table]
    tables = list(shown.values()) if table == "runbooks" else shown
    assert keys_of(tables) == set(model.model_fields)


def test_the_example_shows_a_whole_target() -> None:
    """A target has four parts."""
    services = tomllib.loads(EXAMPLE.read_text())["services"]
    assert set(services[0]["target"]) == set(Target.model_fields)


def test_the_example_names_runbooks_that_exist() -> None:
    """An autonomy for a runbook of another name would not be in force."""
    assert set(read_policy(EXAMPLE).runbooks) <= {item.name for item in load(runbooks).runbooks}


def test_the_reference_names_every_setting_and_no_other() -> None:
    """A row for each, and no row for what is gone."""
    rows = re.findall(rf"^\| `{PREFIX}(\w+)` \|", REFERENCE.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(name.upper() for name in Settings.model_fields)


def test_every_setting_is_documented_where_it_is_declared() -> None:
    """Settings are documentation: a docstring stands under each."""
    tree = ast.parse((ROOT / "settings.py").read_text())
    body = next(node for node in tree.body if getattr(node, "name", "") == "Settings").body  # type: ignore[attr-defined]  # a class has a body
    documented = {
        ast.unparse(field.target)
        for field, below in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
    }
    assert documented == set(Settings.model_fields)
