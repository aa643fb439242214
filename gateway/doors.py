"""What the doors are given: values, the books, and a way to reach Temporal.

`gateway.app.create_app` makes them from settings, tests make them from fakes; a route finds them
on its request. Nothing in here is read from the environment.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

import httpx
from fastapi import Request
from pydantic import SecretStr

from contracts.policy import Policy
from gateway.metrics import Metrics
from gateway.slack.line import Line
from gateway.temporal import Temporal
from toil.catalogue import Catalogue
from toil.deliveries import Deliveries
from toil.journal import Journal
from toil.ledger import Ledger
from toil.memberships import Memberships
from toil.pauses import Pauses
from toil.storms import Storms


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Everything a route may use. `ping_database` raises `Unavailable`; `clock` gives UTC;
    `transport` carries what a door asks of a sender, and None is the network; `slack` says whether
    Slack is heard.
    """

    policy: Policy
    journal: Journal
    pauses: Pauses
    storms: Storms
    ledger: Ledger
    catalogue: Catalogue
    memberships: Memberships
    deliveries: Deliveries
    temporal: Temporal
    ping_database: Callable[[], None]
    clock: Callable[[], datetime]
    session_secret: SecretStr
    public_url: str
    metrics: Metrics
    transport: httpx.AsyncBaseTransport | None = None
    slack: Line = field(default_factory=Line)


def doors(request: Request) -> Doors:
    """The doors of the app that serves this request (a FastAPI dependency)."""
    return cast("Doors", request.app.state.doors)
