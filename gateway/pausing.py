"""The kill switch, switched by a person, from whichever door.

Whoever sees something going wrong must be able to stop it, so pausing needs no second person.
Nothing in here waits for a workflow: each write looks at the switch by itself. A scope that stops
nothing is refused, because whoever switched it would believe that something was stopped.
"""

import difflib
import logging
import re

from starlette.concurrency import run_in_threadpool

from contracts.approval import Approval
from contracts.calls import pause_scopes
from contracts.errors import InvalidInput, NotFound, ReasonMissing
from contracts.policy import Person
from contracts.words import listed
from gateway.doors import Doors
from gateway.identity import must_act
from gateway.naming import name_of
from toil.pauses import Pause

logger = logging.getLogger(__name__)

SCOPE = r"^(all|(cluster|namespace|runbook):[A-Za-z0-9][A-Za-z0-9._-]{0,252})$"
SCOPE_CHARS_MAX = 300
REASON_CHARS_MAX = 500
KNOWN_SHOWN_MAX = 20
_EXAMPLES = "Write all, or e.g. namespace:shop, cluster:default or runbook:restart_crash_loop."


async def switch_on(here: Doors, person: Person, scope: str, reason: str) -> None:
    """Stop every write in the scope from now on; what is being written this second ends.

    Raises:
        NotAllowed: the person may not change what runs.
        InvalidInput: there is no such scope, or nothing is written there in any case.
        ReasonMissing: the reason says nothing.

    """
    must_act(person)
    _require_scope(scope)
    if not reason.strip():
        raise ReasonMissing("say in a few words why, because the next person reads it")
    await run_in_threadpool(_require_known, here, scope)
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


def _require_known(here: Doors, scope: str) -> None:
    kind, _, name = scope.partition(":")
    known = known_scopes(here)
    # Which runbooks there are is known once a worker has told; until then none is refused.
    if scope in known or (kind == "runbook" and not any(s.startswith("runbook:") for s in known)):
        return
    names = [s.removeprefix(f"{kind}:") for s in known if s.startswith(f"{kind}:")]
    near = difflib.get_close_matches(name, names, n=1)
    shown = listed([*near, *(n for n in names if n not in near)][:KNOWN_SHOWN_MAX], "or")
    fix = f"Nothing was paused. Name {shown or 'none: there is none'}, or write all."
    told = {
        "cluster": f"cluster {name} is not configured",
        "namespace": f"Firebreak writes in no namespace that is called '{name}'",
        "runbook": f"there is no runbook '{name}'",
    }
    raise InvalidInput(told[kind], fix)


def known_scopes(here: Doors) -> tuple[str, ...]:
    """Everything that can be paused, as it is written."""
    policy = here.policy
    named = (service.target.namespace for service in policy.services if service.target)
    namespaces = sorted({*policy.limits.namespaces, *filter(None, named)})
    runbooks = sorted(served.name for served in here.catalogue.page(here.clock()).items)
    return (
        "all",
        *(f"cluster:{name}" for name in policy.clusters),
        *(f"namespace:{name}" for name in namespaces),
        *(f"runbook:{name}" for name in runbooks),
    )


def pauses_on(here: Doors, asked: Approval) -> tuple[Pause, ...]:
    """The switches under which what was agreed to is not written now."""
    # A drain writes in the namespaces of its pods, too.
    keys = (key.split("/") for key in asked.plan.also_locks)
    others = {f"namespace:{parts[1]}" for parts in keys if len(parts) > 1}
    return here.pauses.blocking([*pause_scopes(asked.runbook, asked.target), *sorted(others)])


def scope_text(scope: str) -> str:
    """What people call a scope: `everything`, or as it is written."""
    return "everything" if scope == "all" else scope


def pause_text(here: Doors, pause: Pause) -> str:
    """`everything, by Ben: database migration`."""
    return f"{scope_text(pause.scope)}, by {name_of(here.policy, pause.person)}: {pause.reason}"
