"""Debian's real programs for tests: found, or their absence said loudly."""

import os
import shutil
from pathlib import Path

import pytest


def program(name: str) -> Path:
    """The program's path. Without it: an error under CI, a skip that says so elsewhere."""
    found = shutil.which(name)
    if found is not None:
        return Path(found)
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed, and CI must have it; see .ci/run")
    pytest.skip(f"{name} is not installed (Debian's package of that name has it)")
