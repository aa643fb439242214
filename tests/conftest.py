"""Fixtures that several folders share: the real Temporal dev server, started once a run."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from devserver import DEV_SERVER_FLAGS
from workflows.plugin import firebreak_plugin

TEMPORAL = Path(sys.executable).with_name("temporal")
SKIPPING = ["--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"]
# The bridge's threads must settle before the interpreter ends, or it aborts now and then.
SETTLE_SECONDS = 0.3


@pytest_asyncio.fixture(scope="session", loop_scope="session", name="temporal")
async def _temporal() -> AsyncIterator[WorkflowEnvironment]:
    """A real dev server whose workflows' clocks a test may move forward."""
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=os.fspath(TEMPORAL),
        dev_server_log_level="error",
        dev_server_extra_args=[*DEV_SERVER_FLAGS, *SKIPPING],
        plugins=[firebreak_plugin()],
    ) as environment:
        yield environment
    await asyncio.sleep(SETTLE_SECONDS)
