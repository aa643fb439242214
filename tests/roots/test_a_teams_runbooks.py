"""A team's own folder in a real worker: what it serves, and what refuses the start."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

import runbooks
from parts import utc_now
from roots.programs import Done, Program, ran, ready, until
from toil.catalogue import Catalogue
from toil.database import open_engine
from workflows.authoring.folders import load

SHIPPED = [found.name for found in load(runbooks).runbooks]
MODEL = Path(__file__).parents[2] / "runbooks" / "restart_crash_loop.py"
Start = Callable[..., Done]


def own(name: str) -> str:
    """A runbook of that name for an alert of its own."""
    text = MODEL.read_text().replace("restart_crash_loop", name)
    return text.replace("KubePodCrashLooping", f"Alert_{name}")


@pytest.fixture(name="team")
def _team(tmp_path: Path, settings: dict[str, str]) -> Path:
    """A folder with one good runbook and three bad files, in the settings."""
    folder = tmp_path / "team"
    folder.mkdir()
    (folder / "roots_good.py").write_text(own("good_one"))
    (folder / "roots_broken.py").write_text("def\n")
    (folder / "roots_clock.py").write_text(own("clock").replace("lines=200", "lines=hash(self)"))
    (folder / "roots_raises.py").write_text(own("raises") + '\nSIZE = int("no such disk")\n')
    settings["FIREBREAK_RUNBOOKS"] = str(folder)
    return folder


@pytest.fixture(name="engine")
def _engine(settings: dict[str, str]) -> Iterator[Engine]:
    """The worker's books."""
    engine = open_engine(settings["FIREBREAK_DATABASE_URL"])
    yield engine
    engine.dispose()


@pytest.mark.usefixtures("team")
def test_bad_files_stop_no_good_one(
    tmp_path: Path, settings: dict[str, str], engine: Engine
) -> None:
    """Each is an error in the log, and a fault on the page; the worker works."""
    with Program(tmp_path, module="worker", **settings) as program:
        log = ready(program)
        until(lambda: Catalogue(engine).page(utc_now()).at)
        program.stop()
    page = Catalogue(engine).page(utc_now())
    bad = {Path(line["file"]).name for line in log if " is not served: " in line["message"]}
    assert bad == {"roots_broken.py", "roots_clock.py", "roots_raises.py"}
    assert {Path(fault.path).name for fault in page.faults} == bad
    assert {item.name: item.autonomy for item in page.items} == {
        "good_one": "observe",
        **dict.fromkeys(SHIPPED, "ask"),
    }


def test_a_name_that_stands_twice_refuses_the_start(
    tmp_path: Path, team: Path, settings: dict[str, str]
) -> None:
    """And names both files."""
    (team / "roots_twin.py").write_text(own("good_one"))

    done = ran(tmp_path, module="worker", **settings)

    assert done.code == 1
    assert "roots_good.py" in done.err
    assert "roots_twin.py" in done.err


def test_a_folder_that_is_not_there_refuses_the_start(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    """A worker without its team's runbooks would leave every alert to people."""
    done = ran(tmp_path, module="worker", **settings, FIREBREAK_RUNBOOKS=str(tmp_path / "gone"))

    assert done.code == 1
    assert "there is no folder" in done.err


@pytest.mark.usefixtures("team")
def test_doctor_names_each_bad_file(tmp_path: Path, settings: dict[str, str]) -> None:
    """With its line and its remedy, beside everything that is well."""
    done = ran(tmp_path, "doctor", "--json", **settings)

    assert done.code == 1
    checks: dict[str, Any] = {check["name"]: check for check in done.json["checks"]}
    assert "good_one" in checks["runbooks"]["detail"]
    assert checks["runbooks"]["ok"]
    assert "roots_broken.py:1" in checks["runbook roots_broken"]["detail"]
    assert not checks["runbook roots_raises"]["ok"]
    assert "ValueError: invalid literal" in checks["runbook roots_raises"]["detail"]
    assert checks["runbook roots_clock"]["fix"]
    assert checks["database"]["ok"]
    assert checks["Temporal"]["ok"]
