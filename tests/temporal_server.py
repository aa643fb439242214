"""How the tests start Temporal's real dev server."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devserver import DEV_SERVER_FLAGS

TEMPORAL = Path(sys.executable).with_name("temporal")


def temporal_options(extra: Sequence[str] = ()) -> dict[str, Any]:
    """What every dev server of the tests is started with."""
    return {
        "dev_server_existing_path": os.fspath(TEMPORAL),
        "dev_server_log_level": "error",
        "dev_server_extra_args": [*DEV_SERVER_FLAGS, *extra],
    }
