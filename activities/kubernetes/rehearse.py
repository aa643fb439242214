"""Ask the API server whether it would accept a write, before anybody is asked to approve it.

A rehearsal goes through authorisation, admission and validation (`dryRun=All`) and persists
nothing. It does not compare the resourceVersion: whether the state is still the planned one is
asked at the write itself, and a busy object would make the plan fail by chance. Controllers do not
run for it, so that neither a quota for pods nor a missing node shows here.
"""

from collections.abc import Callable
from typing import Literal

from activities.kubernetes.client import Answer, Cluster, Patch, Place
from activities.kubernetes.raw import Object
from contracts.errors import NotFound, Refused, Rejected

Accepted = Literal["accepted"]
ACCEPTED: Accepted = "accepted"
_VERSION_PATH = "/metadata/resourceVersion"


def dry_run(cluster: Cluster, place: Place, patch: Patch) -> Accepted:
    """Rehearse a patch; raises as `rehearse` does."""
    unversioned = patch._replace(body=_unversioned(patch.body))
    return rehearse(f"{place}", lambda: cluster.patch(place, unversioned, dry_run=True))


def rehearse(what: str, send: Callable[[], Answer]) -> Accepted:
    """Send a write that was made with `dry_run=True`; `what` names its object for the message.

    Raises Refused with the server's own sentence when it would not accept the write; Unavailable
    (BudgetSpent, Conflict) when it does not say so for good.
    """
    try:
        send()
    except (Rejected, NotFound) as err:
        said = f"{what}: the API server would not accept this write: {err.message}"
        raise Refused(said, err.fix) from None
    return ACCEPTED


def _unversioned(body: Object | list[Object]) -> Object | list[Object]:
    if isinstance(body, list):
        return [operation for operation in body if operation.get("path") != _VERSION_PATH]
    metadata = {k: v for k, v in (body.get("metadata") or {}).items() if k != "resourceVersion"}
    return body | {"metadata": metadata}
