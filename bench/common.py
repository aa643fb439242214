"""What every bench shares: its options, how it waits, what it starts with, and how it tells.

Nothing is measured here.
"""

import argparse
import asyncio
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
WAIT_SECONDS_MAX = 180.0
POLL_SECONDS = 0.02


def options(doc: str | None) -> argparse.ArgumentParser:
    """The command line of a bench, which says what its module says first."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def tell(result: Mapping[str, Any], table: Table, *, as_json: bool) -> None:
    """Print the result on standard output, for a program or for people."""
    if as_json:
        print(json.dumps(result))
    else:
        Console().print(table)


def environment(**settings: str) -> dict[str, str]:
    """The environment of a process of ours: these settings, and none of whoever runs the bench."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("FIREBREAK_")}
    return kept | settings | {"PYTHONPATH": str(ROOT)}


async def until(holds: Callable[[], Any]) -> None:
    """Wait, for a bounded time, until `holds` (plain or async) gives something true.

    Raises:
        TimeoutError: it did not within WAIT_SECONDS_MAX.

    """
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while True:
            found = holds()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(POLL_SECONDS)
