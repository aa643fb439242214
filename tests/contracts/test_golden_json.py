"""What was recorded once can be read for ever: every golden file decodes with today's models.

The files are written by `tools/golden.py` and never changed. Where one of these tests fails, the
model is at fault, not the file: a run in flight holds what the file holds.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tools.golden import GOLDEN, models, sample_of, version, write_missing

FILES = sorted(GOLDEN.glob("*/*.json"))


def name_of(path: Path) -> str:
    """`<version>/<Model>`."""
    return f"{path.parent.name}/{path.stem}"


def model_of(path: Path) -> type[BaseModel]:
    """Today's model of a golden file."""
    found = models().get(path.stem)
    assert found is not None, f"{path.stem} is gone, but runs in flight may hold it; bring it back"
    return found


def differences(golden: Any, now: Any, at: str = "") -> list[str]:
    """Where `now` lacks or changes what `golden` has; fields that are new do not count."""
    if isinstance(golden, dict) and isinstance(now, dict):
        lost = [f"{at}.{key} is lost" for key in golden.keys() - now.keys()]
        kept = golden.keys() & now.keys()
        return lost + [d for key in kept for d in differences(golden[key], now[key], f"{at}.{key}")]
    if isinstance(golden, list) and isinstance(now, list) and len(golden) == len(now):
        pairs = enumerate(zip(golden, now, strict=True))
        return [d for place, (old, new) in pairs for d in differences(old, new, f"{at}.{place}")]
    return [] if golden == now else [f"{at} was {golden!r} and is now {now!r}"]


@pytest.mark.parametrize("name", models())
def test_every_model_has_a_golden_file(name: str) -> None:
    """A model without one could be changed, and nobody would notice what it breaks."""
    have = {path.stem for path in FILES}
    assert name in have, f"run `python tools/golden.py` and commit {name}.json"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_golden_file_decodes_to_the_same_values(path: Path) -> None:
    """No field that was ever written is lost, renamed or read as something else."""
    golden = path.read_text()
    decoded = model_of(path).model_validate_json(golden)
    assert differences(json.loads(golden), decoded.model_dump(mode="json")) == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_golden_file_of_a_newer_sender_decodes_too(path: Path) -> None:
    """An older worker ignores the fields it does not know, and reads the rest."""
    golden = json.loads(path.read_text())
    model = model_of(path)
    newer = golden | {"added_by_a_newer_version": {"nested": [1, None]}}
    assert model.model_validate(newer) == model.model_validate(golden)


@pytest.mark.parametrize("model", models().values(), ids=models())
def test_a_sample_sets_every_field(model: type[BaseModel]) -> None:
    """A golden file shows the whole model, so that no field escapes the comparison."""
    sample = sample_of(model)
    assert sample.model_fields_set == set(model.model_fields)
    assert model.model_validate_json(sample.model_dump_json()) == sample


def test_the_writer_never_touches_a_file_that_is_there(tmp_path: Path) -> None:
    """What was recorded cannot be re-recorded to make a test pass."""
    first = write_missing(tmp_path)
    first[0].write_text("{}")
    first[1].unlink()
    assert write_missing(tmp_path) == [first[1]]
    assert first[0].read_text() == "{}"


def test_differences_are_found_where_they_are() -> None:
    """The comparison tells a lost, a changed and a shortened value, and lets new ones pass."""
    golden = {"kept": 1, "lost": 2, "nested": {"list": [1, 2]}, "short": [1, 2]}
    now = {"kept": 1, "new": 3, "nested": {"list": [1, 5]}, "short": [1]}
    assert sorted(differences(golden, now)) == [
        ".lost is lost",
        ".nested.list.1 was 2 and is now 5",
        ".short was [1, 2] and is now [1]",
    ]


def test_the_present_version_has_its_files() -> None:
    """A release starts its own folder, so that its samples hold the fields it has added."""
    assert (GOLDEN / version()).is_dir(), "run `python tools/golden.py` and commit the new folder"
