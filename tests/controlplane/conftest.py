"""What the tests of the control plane itself need."""

import os

import pytest
from clusters import binaries_or_absent

from tools.controlplane.binaries import Binaries


@pytest.fixture(name="binaries", scope="session")
def _binaries() -> Binaries:
    """The programs; a loud skip, or in CI a failure, where they are not."""
    return binaries_or_absent(os.environ)
