"""Where the programs come from, when they are built anew, and what is said without them."""

import os
import shutil
from pathlib import Path

import pytest
from clusters import absent, binaries_or_absent

from tools.controlplane import build
from tools.controlplane.binaries import (
    CONTROLPLANE,
    KWOK,
    PROGRAMS,
    Binaries,
    MissingError,
    find_binaries,
    find_kubectl,
)


@pytest.fixture(name="sources")
def _sources(tmp_path: Path) -> Path:
    """A copy of what the build depends on."""
    (tmp_path / "kwok").mkdir()
    for name in build.SOURCES:
        shutil.copy(build.HERE / name, tmp_path / name)
    return tmp_path


def program(folder: Path, name: str) -> Path:
    """An executable file that does nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name", build.SOURCES)
def test_a_changed_source_is_another_build(sources: Path, name: str) -> None:
    """An old binary must never be taken for that of a new pin."""
    assert build.key_of(sources) == build.key_of()
    with (sources / name).open("a") as file:
        file.write("\n")
    assert build.key_of(sources) != build.key_of()


def test_another_flag_is_another_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compiled in depends on it."""
    before = build.key_of()
    monkeypatch.setattr(build, "FLAGS", (*build.FLAGS, "-race"))
    assert build.key_of() != before


def test_what_is_built_is_not_built_again(tmp_path: Path) -> None:
    """`make controlplane` costs nothing when there is nothing to do; here is no Go at all."""
    environ = {"XDG_CACHE_HOME": str(tmp_path), "PATH": ""}
    folder = build.folder_of(environ)
    for name in (CONTROLPLANE, KWOK):
        program(folder, name)
    assert build.build(environ) == folder


@pytest.mark.parametrize(
    ("version", "expected"),
    [("go1.26.0", True), ("go1.27.3", True), ("go2.0", True), ("go1.25.9", False), ("", False)],
)
def test_an_old_go_is_not_taken(version: str, expected: bool) -> None:
    """The pinned Kubernetes does not compile with it."""
    assert build.is_new_enough(version) is expected


def test_a_go_that_was_installed_into_the_cache_is_used(tmp_path: Path) -> None:
    """Where the machine has none, or an old one, the wheel's is next, and is installed once."""
    environ = {"XDG_CACHE_HOME": str(tmp_path), "PATH": str(tmp_path / "bin")}
    old = program(tmp_path / "bin", "go")
    old.write_text("#!/bin/sh\necho go1.19.8\n")
    new = program(build.cache_of(environ) / "go" / "go" / "bin", "go")
    new.write_text("#!/bin/sh\necho go1.27.3\n")
    assert build.find_go(environ) == new


def test_without_programs_it_says_what_to_run(tmp_path: Path) -> None:
    """Every one that lacks is named, and so is the command."""
    with pytest.raises(MissingError, match=r"etcd, .*kwok: not in .*; run `make controlplane`"):
        find_binaries({}, tmp_path)


def test_named_assets_come_before_the_build(tmp_path: Path) -> None:
    """Whoever sets the variable means it; what the folder lacks is taken from the build."""
    own = program(tmp_path / "assets", "kube-apiserver")
    for name in (CONTROLPLANE, KWOK):
        program(tmp_path / "built", name)
    found = find_binaries({"KUBEBUILDER_ASSETS": str(own.parent)}, tmp_path / "built")
    assert set(found.commands) == set(PROGRAMS)
    assert found.command("kube-apiserver", "--help") == [str(own), "--help"]
    assert found.command("etcd") == [str(tmp_path / "built" / "controlplane"), "etcd"]


def test_assets_that_lack_a_program_are_named(tmp_path: Path) -> None:
    """The usual assets have no controllers and no kubelet."""
    own = program(tmp_path / "assets", "etcd")
    with pytest.raises(MissingError, match="kwok: neither in KUBEBUILDER_ASSETS nor in "):
        find_binaries({"KUBEBUILDER_ASSETS": str(own.parent)}, tmp_path / "built")


def test_somebodys_cluster_needs_kubectl_alone(tmp_path: Path) -> None:
    """The build's, or the one on PATH; without any it says what to do."""
    nowhere = tmp_path / "nothing"
    with pytest.raises(MissingError, match="install it, or run `make controlplane`"):
        find_kubectl({"PATH": ""}, nowhere)
    own = program(tmp_path / "bin", "kubectl")
    environ = {"PATH": str(own.parent)}
    assert find_kubectl(environ, nowhere) == (str(own),)
    built = program(tmp_path / "built", CONTROLPLANE)
    assert find_kubectl(environ, built.parent) == (str(built), "kubectl")


def test_on_a_laptop_the_absence_is_a_skip_that_says_why(tmp_path: Path) -> None:
    """Nobody has to wait ten minutes to run the other tests."""
    with pytest.raises(pytest.skip.Exception, match="run `make controlplane`"):
        binaries_or_absent({"XDG_CACHE_HOME": str(tmp_path)})


def test_in_ci_the_absence_is_a_failure(tmp_path: Path) -> None:
    """A suite that left half of itself out would be green."""
    with pytest.raises(pytest.fail.Exception, match="run `make controlplane`"):
        binaries_or_absent({"XDG_CACHE_HOME": str(tmp_path), "CI": "true"})
    with pytest.raises(pytest.fail.Exception, match="no real control plane: so it is"):
        absent({"CI": "true"}, "so it is")


def test_the_programs_are_of_one_version(binaries: Binaries) -> None:
    """The server's own kubectl is neither too old nor too new for it."""
    assert all(os.access(command[0], os.X_OK) for command in binaries.commands.values())
