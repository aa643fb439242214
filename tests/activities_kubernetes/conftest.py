"""One sandbox a test: it starts in milliseconds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from activities_kubernetes.shop import Clock, Shop, sandbox_with, start_of_story


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Iterator[Shop]:
    """A cluster without the shop; `open` creates it."""
    clock = Clock(start_of_story())
    with sandbox_with(clock) as server:
        shop = Shop(server, clock, tmp_path)
        yield shop
        shop.close()


@pytest.fixture(name="broken")
def _broken(shop: Shop) -> Shop:
    """The shop with a bad revision 2."""
    shop.open()
    shop.spoil()
    return shop
