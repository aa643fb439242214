"""The house: every process real, the cluster a sandbox, one for the tests of a file."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from endtoend.house import POLICY, House


@pytest.fixture(scope="module", name="policy")
def _policy() -> str:
    """The policy file of the house; a test file may have its own."""
    return POLICY


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="house")
async def _house(tmp_path_factory: pytest.TempPathFactory, policy: str) -> AsyncIterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    await house.start(policy)
    try:
        yield house
    finally:
        await house.stop()
