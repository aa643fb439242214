"""Questions to workflows on behalf of a person: bounded, idempotent, with honest refusals.

An update that gets no answer in time may still arrive later; its id makes the second try the
same one, so "not recorded, try again" is always safe advice.
"""

import re
import uuid
from typing import TypeVar

from fastapi import Request

from contracts.errors import InvalidInput, Unavailable
from contracts.model import Contract
from gateway.doors import Doors
from gateway.errors import NotRecorded
from gateway.temporal import Start, Update

_KEY = re.compile(r"[\x21-\x7e]{1,200}")

A = TypeVar("A", bound=Contract)


def idempotency_key(request: Request) -> str:
    """The caller's key, or one minted here; equal keys from one caller mean one request."""
    given = request.headers.get("idempotency-key")
    if given is None:
        return uuid.uuid4().hex
    if not _KEY.fullmatch(given):
        raise InvalidInput("Idempotency-Key is not 1 to 200 printable ASCII characters")
    return given


async def ask(here: Doors, workflow: str, update: Update, answer: type[A]) -> A:
    """Ask a workflow that runs.

    Raises:
        NotRecorded: it did not answer in time.
        Stop: its own refusal, or NotFound when it does not run.

    """
    try:
        return await here.temporal.update(workflow, update, answer)
    except Unavailable as err:
        raise NotRecorded(f"not recorded: {err.message}") from err


async def ask_or_start(here: Doors, start: Start, update: Update, answer: type[A]) -> A:
    """Ask a workflow, starting it if it does not run; raises as `ask` does."""
    try:
        return await here.temporal.update_with_start(start, update, answer)
    except Unavailable as err:
        raise NotRecorded(f"not recorded: {err.message}") from err
