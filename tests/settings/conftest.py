"""The policy file of a test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.policy import Policy
from settings import read_policy

Read = Callable[[str], Policy]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write the text to a file and read it."""

    def reading(text: str) -> Policy:
        path = tmp_path / "firebreak.toml"
        path.write_text(text, encoding="utf-8")
        return read_policy(path)

    return reading
