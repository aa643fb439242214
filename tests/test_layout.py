"""The house: where modules are, that their flat names mean ours, and which way imports point.

`workflows`, `toil` and others are names that other distributions install, too. Whichever is first
on the path wins in silence, so it is checked that ours is.
"""

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "contracts",
    "workflows",
    "activities",
    "runbooks",
    "guardrails",
    "toil",
    "gateway",
    "sandbox",
}
MODULES = {
    "worker",
    "parts",
    "cli",
    "terminal",
    "authoring",
    "tryout",
    "backtest",
    "settings",
    "stack",
    "devserver",
    "demo",
    "demoslack",
    "playing",
    "staging",
    "rehearsal",
    "doctor",
    "timekeeping",
}
BESIDE = {"tests", "tools", "bench", "docs"}
LINT_SECONDS_MAX = 60


@pytest.fixture(name="project", scope="module")
def _project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("name", sorted(PACKAGES | MODULES))
def test_a_flat_name_means_the_module_of_this_repository(name: str) -> None:
    """Another distribution's `workflows` on the path would be imported instead of ours."""
    found = importlib.util.find_spec(name)
    assert found is not None, f"{name} is not found; run `make install`"
    where = Path(found.origin or "").resolve()
    taken = f"{name} comes from {where}; uninstall what brought it, or use a virtual environment"
    assert where.is_relative_to(ROOT), taken
    assert "site-packages" not in where.parts, taken


def test_the_house_has_these_rooms_and_no_other() -> None:
    """A further top-level package would be a name more that can clash."""
    rooms = {p.parent.name for p in ROOT.glob("*/*.py")} - BESIDE
    doors = {p.stem for p in ROOT.glob("*.py")}
    assert rooms == PACKAGES, "move it into one of the packages"
    assert doors == MODULES, "move it into one of the packages"


def test_what_is_installed_is_what_is_there(project: dict[str, Any]) -> None:
    """A package that pyproject.toml leaves out works in the clone and nowhere else."""
    there = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for package in PACKAGES
        for path in (ROOT / package).rglob("__init__.py")
    }
    setuptools = project["tool"]["setuptools"]
    assert set(setuptools["packages"]) == there, "add it to [tool.setuptools] packages"
    assert set(setuptools["py-modules"]) == MODULES, "add it to [tool.setuptools] py-modules"


def test_every_package_is_under_the_rules_of_imports(project: dict[str, Any]) -> None:
    """A package that the linter does not know may import what it likes."""
    assert set(project["tool"]["importlinter"]["root_packages"]) == PACKAGES


def test_every_arrow_points_down() -> None:
    """The diagram of the house is held by import-linter; its answer names the import at fault."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LINT_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert ", 0 broken." in done.stdout
