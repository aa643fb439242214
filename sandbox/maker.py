"""How controllers make pods: through admission, with what happens when it refuses.

Whoever is refused tries again later and later, as the controllers' work queues do; the last refusal
is kept, because the owner's status tells it. It must run under the store's lock.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.events import Recorder
from sandbox.objects import Object, uid_of
from sandbox.placing import default_tolerations
from sandbox.quotas import QuotaController
from sandbox.resources import PODS
from sandbox.status import ApiError
from sandbox.store import Store

_BACK_OFF_FIRST_SECONDS, _BACK_OFF_MAX_SECONDS = 0.5, 16.0


@dataclass
class Refusal:
    """Why the owner's last pod was refused, and when the next try is due."""

    message: str
    wait_seconds: float
    again_at: datetime


class PodMaker:
    """Creates pods for controllers; thread-safe only under the store's lock."""

    def __init__(self, store: Store, events: Recorder, quotas: QuotaController) -> None:
        self._store = store
        self._events = events
        self._quotas = quotas
        self._refusals: dict[str, Refusal] = {}

    def create(self, owner: Object, pod: Object, now: datetime) -> Object | None:
        """The stored pod, or None when it was refused now or is not due for another try."""
        last = self._refusals.get(uid_of(owner))
        if last is not None and now < last.again_at:
            return None
        default_tolerations(pod["spec"])
        try:
            self._quotas.admit(pod)
        except ApiError as error:
            self._refuse(owner, str(error), now)
            return None
        self._refusals.pop(uid_of(owner), None)
        return self._store.create(PODS, pod)

    def refusal(self, owner: Object) -> str:
        """The last refusal of the owner's pods, or the empty string when none stands."""
        last = self._refusals.get(uid_of(owner))
        return last.message if last else ""

    def _refuse(self, owner: Object, message: str, now: datetime) -> None:
        last = self._refusals.get(uid_of(owner))
        wait = _BACK_OFF_FIRST_SECONDS if last is None else last.wait_seconds * 2
        wait = min(wait, _BACK_OFF_MAX_SECONDS)
        again = now + timedelta(seconds=wait)
        self._refusals[uid_of(owner)] = Refusal(message, wait, again)
        what = ("Warning", "FailedCreate", f"Error creating: {message}")
        self._events.record(owner, what, f"{owner['kind'].lower()}-controller", now)
