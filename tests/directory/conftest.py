"""A small server of the documented answers, and the people whom they name."""

from collections.abc import Iterator

import httpx
import pytest
from upstreams import Upstream, serving

from contracts.policy import Person

ANA = Person(id="ana", name="Ana Example", email="ana@example.com", slack="U01", pagerduty="PANA1")
BEN = Person(id="ben", name="Ben Example", email="Ben@Example.com", slack="U02", pagerduty="PBEN1")
CHO = Person(id="cho", name="Cho Example", email="cho@example.com", slack="U03")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A server that runs until the test is over."""
    with serving() as server:
        yield server


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """An HTTP client for one test."""
    with httpx.Client(trust_env=False) as opened:
        yield opened
