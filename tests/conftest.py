"""Fixtures that several folders share: Temporal's real dev server and the clusters, once a run."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio
from clusters import (
    live_fixture,
    real_cluster_fixture,
    real_server_fixture,
    sandbox_server_fixture,
)
from temporal_server import temporal_options
from temporalio.testing import WorkflowEnvironment

from workflows.plugin import firebreak_plugin

__all__ = [
    "live_fixture",
    "real_cluster_fixture",
    "real_server_fixture",
    "sandbox_server_fixture",
]
SKIPPING = ["--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"]
# The bridge's threads must settle before the interpreter ends, or it aborts now and then.
SETTLE_SECONDS = 0.3


@pytest_asyncio.fixture(scope="session", loop_scope="session", name="temporal")
async def _temporal() -> AsyncIterator[WorkflowEnvironment]:
    """A real dev server whose workflows' clocks a test may move forward."""
    async with await WorkflowEnvironment.start_time_skipping_v2(
        **temporal_options(SKIPPING), plugins=[firebreak_plugin()]
    ) as environment:
        yield environment
    await asyncio.sleep(SETTLE_SECONDS)
