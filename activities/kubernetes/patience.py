"""Wait for a disruption budget: ask again slowly, for a bounded time, then say no.

The API server counts healthy pods by itself; asking faster changes nothing. A refusal by a budget
has written nothing, so what ends the waiting is a refusal, too.
"""

from collections.abc import Callable

from temporalio import activity

from activities.kubernetes.failures import BudgetSpent
from activities.kubernetes.waiting import Sleep
from contracts.errors import Refused
from contracts.step import Receipt

ASK_AGAIN_SECONDS = 5.0
BUDGET_WAIT_SECONDS = 60.0


def within_budget(write: Callable[[], Receipt], sleep: Sleep) -> Receipt:
    """The receipt of `write`, which is tried again while it raises BudgetSpent.

    Raises Refused after `BUDGET_WAIT_SECONDS`; BudgetSpent when the server asks for a longer
    pause than that; and what `write` raises.
    """
    left_seconds = BUDGET_WAIT_SECONDS
    for _ in range(int(BUDGET_WAIT_SECONDS / ASK_AGAIN_SECONDS) + 1):
        try:
            return write()
        except BudgetSpent as err:
            said, pause_seconds = err, err.after_seconds or ASK_AGAIN_SECONDS
        if pause_seconds > BUDGET_WAIT_SECONDS:
            raise said
        if pause_seconds > left_seconds:
            break
        activity.heartbeat({"waiting_for": said.message})
        sleep(pause_seconds)
        left_seconds -= pause_seconds
    raise Refused(
        f"{said.message}; still so after {BUDGET_WAIT_SECONDS:.0f} s; nothing was written",
        "Get more of its pods ready, or look at its PodDisruptionBudget (`kubectl get pdb`).",
    )
