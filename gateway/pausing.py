"""The kill switch, switched by a person, from whichever door.

Whoever sees something going wrong must be able to stop it, so pausing needs no second person.
Nothing in here waits for a workflow: each write looks at the switch by itself.
"""

import logging
import re

from starlette.concurrency import run_in_threadpool

from contracts.errors import InvalidInput, NotFound, ReasonMissing
from contracts.policy import Person
from gateway.doors import Doors
from gateway.identity import must_act

logger = logging.getLogger(__name__)

SCOPE = r"^(all|(cluster|namespace|runbook):[A-Za-z0-9][A-Za-z0-9._-]{0,252})$"
SCOPE_CHARS_MAX = 300
REASON_CHARS_MAX = 500
_EXAMPLES = "Write all, or e.g. namespace:shop, cluster:default or runbook:restart_crash_loop."


async def switch_on(here: Doors, person: Person, scope: str, reason: str) -> None:
    """Stop every write in the scope from now on; what is being written this second ends.

    Raises:
        NotAllowed: the person may not change what runs.
        InvalidInput: there is no such scope.
        ReasonMissing: the reason says nothing.

    """
    must_act(person)
    _require_scope(scope)
    if not reason.strip():
        raise ReasonMissing("say in a few words why, because the next person reads it")
    kind, _, name = scope.partition(":")
    if kind == "cluster" and name not in here.policy.clusters:
        known = ", ".join(here.policy.clusters)
        raise InvalidInput(f"cluster {name} is not configured", f"Name one of {known}.")
    await run_in_threadpool(here.pauses.put, scope, reason.strip(), person.id, here.clock())
    logger.warning("paused", extra={"scope": scope, "person": person.id})


async def switch_off(here: Doors, person: Person, scope: str) -> None:
    """Let the scope run again; raises NotFound if it is not paused, else as `switch_on` does."""
    must_act(person)
    _require_scope(scope)
    if not await run_in_threadpool(here.pauses.clear, scope):
        on = [pause.scope for pause in await run_in_threadpool(here.pauses.all)]
        fix = f"Name one of those that are: {', '.join(on[:10])}." if on else "Nothing is paused."
        raise NotFound(f"'{scope}' is not paused", fix)
    logger.warning("resumed", extra={"scope": scope, "person": person.id})


def _require_scope(scope: str) -> None:
    """A sentence instead of a pattern, since a person typed it in a hurry."""
    if not re.fullmatch(SCOPE, scope):
        raise InvalidInput(f"'{scope}' is nothing that can be paused", _EXAMPLES)
