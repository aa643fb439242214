"""One attempt at a drain: rounds of evictions, until the planned pods are gone or the time is over.

In one round a controller loses one pod at most, and no more than `LEAVING_MAX` are on their way
out; a pod whose budget is spent waits for a later round. What an attempt knows of the work before
it comes from the cluster alone: from the pods that are left, and from the cordon's signature.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.affected import Owners
from activities.kubernetes.client import ANYWHERE, Answer, Cluster
from activities.kubernetes.cordon import UNSCHEDULABLE, YES, cordon_change
from activities.kubernetes.drain_filter import NAMED_MAX, controller_uid, few, shown, sort_pods
from activities.kubernetes.ensure import Change, Ensurer
from activities.kubernetes.failures import BudgetSpent, Conflict
from activities.kubernetes.nodes import Node, read_planned_node
from activities.kubernetes.plans import kubectl
from activities.kubernetes.pod_writes import is_terminating, options_for
from activities.kubernetes.raw import Object
from activities.kubernetes.subject import Subject
from activities.kubernetes.waiting import Clock, Sleep
from contracts.calls import EnsureCall
from contracts.errors import NotFound, OutcomeUnknown, PlanChanged, Stop
from contracts.kubernetes import Drain
from contracts.plan import Plan
from contracts.step import Receipt
from contracts.target import Target
from contracts.words import counted

LEAVING_MAX = 5
ROUND_SECONDS = 1.0
ASK_AGAIN_SECONDS = 5.0
# The lock outlives the write by 5 minutes; what the drain knows must be told before the write's
# own time is over.
UNTIL_LOCK_SECONDS = 330
_POD = "pod/"
BEGUN = "a part of the drain is done"


class Tools(NamedTuple):
    """What an attempt works with."""

    ensurer: Ensurer
    clock: Clock
    sleep: Sleep


@dataclass(frozen=True)
class Leaving(Subject):
    """A pod that was planned, empty once it is gone; and its node."""

    node: Node = field(default_factory=lambda: Node({}))


def pods_on(cluster: Cluster, node: str) -> list[Object]:
    """Every pod of the node, in all namespaces."""
    return cluster.list_all("Pod", ANYWHERE, fields=f"spec.nodeName={node}")


class Draining:
    """One attempt. `call.plan` pins the pods."""

    def __init__(self, tools: Tools, cluster: Cluster, call: EnsureCall[Drain]) -> None:
        self._tools = tools
        self._cluster = cluster
        self._call = call
        self._pinned = {
            uid: name.removeprefix(_POD)
            for name, uid in call.plan.pins.items()
            if name.startswith(_POD)
        }
        # Those that nobody has told to go yet, as far as was seen last.
        self._staying = set(self._pinned)
        self._written = self._begun = False
        self._later: dict[str, datetime] = {}
        self._why: dict[str, str] = {}

    def run(self) -> Receipt:
        """The receipt once every planned pod is gone."""
        try:
            closed = self._close()
            return self._empty(closed)
        except (Stop, OutcomeUnknown) as err:
            if not self._begun:
                raise
            raise self._in_part(err) from None

    def _in_part(self, err: Stop | OutcomeUnknown) -> OutcomeUnknown:
        """Whoever reads it goes on by hand. What became unknown says already what is done."""
        told = err.message if isinstance(err, OutcomeUnknown) else f"{self._so_far}; {err.message}"
        plan = self._call.plan
        fix = f"Finish it by hand: {plan.kubectl}"
        if plan.pins[UNSCHEDULABLE] != YES:
            back = kubectl(self._cluster, plan.target, "uncordon", plan.target.name)
            fix += f"; or give the node back: {back}"
        return OutcomeUnknown(told, fix)

    def _close(self) -> Receipt:
        """Cordon it. Before anything is written, the pods must still be those of the plan."""
        call = self._call
        node = read_planned_node(self._cluster, call.plan)
        self._left()
        self._begun = node.cordoned_by == call.key or self._may_have_evicted()
        came = [] if self._begun else self._others()
        if came:
            named = ", ".join(shown(pod) for pod in came[:NAMED_MAX])
            raise PlanChanged(f"{call.plan.target}: pods came since the plan: {named}")
        change = cordon_change(call.plan, call.key, self._so_far)
        return self._counted(self._tools.ensurer.bring_about(call, change))

    def _may_have_evicted(self) -> bool:
        """A pod that went before our cordon went by itself. Only a node that was closed already
        carries no signature of ours; there, an earlier attempt may have evicted what is missing.
        """
        if activity.info().attempt == 1 or self._call.plan.pins[UNSCHEDULABLE] != YES:
            return False
        return len(self._staying) < len(self._pinned)

    def _empty(self, closed: Receipt) -> Receipt:
        for _ in range(Drain.takes_seconds):
            left = self._left()
            activity.heartbeat({"pods": len(self._pinned), "left": len(left)})
            if not self._waited_for(left):
                return self._receipt(closed, left)
            self._refuse_late(left)
            self._evict_some(left)
            self._tools.sleep(ROUND_SECONDS)
        raise self._unfinished(self._left())

    @property
    def _so_far(self) -> str:
        """What is done, for whoever has to go on; empty while nothing is."""
        if not self._begun:
            return ""
        gone = [name for uid, name in self._pinned.items() if uid not in self._staying]
        stay = [name for uid, name in self._pinned.items() if uid in self._staying]
        told = f"{BEGUN}: {self._call.plan.target} was cordoned, and {len(gone)} of "
        told += f"{counted(len(self._pinned), 'pod')} evicted" + (f" ({few(gone)})" if gone else "")
        return told + (f"; not yet: {few(stay)}" if stay else "")

    def _counted(self, receipt: Receipt) -> Receipt:
        if receipt.did == "written":
            self._written = self._begun = True
        return receipt

    def _left(self) -> list[Object]:
        """The planned pods that are still there."""
        pods = pods_on(self._cluster, self._call.plan.target.name)
        left = sorted((pod for pod in pods if raw.uid_of(pod) in self._pinned), key=shown)
        self._staying = {raw.uid_of(pod) for pod in left if not is_terminating(pod)}
        return left

    def _others(self) -> list[Object]:
        """The pods that a drain would move, too, but that came after the plan."""
        pods = pods_on(self._cluster, self._call.plan.target.name)
        rest = [pod for pod in pods if raw.uid_of(pod) not in self._pinned]
        daemons = Owners(self._cluster, self._call.plan.target.cluster).daemon_sets(rest)
        return sort_pods(rest, daemons, lose_empty_dirs=True).of("evict", "unmanaged")

    def _waited_for(self, left: list[Object]) -> bool:
        """On a node that is not ready nobody ends a pod: there, having been told is enough."""
        if not left or any(not is_terminating(pod) for pod in left):
            return bool(left)
        return read_planned_node(self._cluster, self._call.plan).ready

    def _evict_some(self, left: list[Object]) -> None:
        leaving = [pod for pod in left if is_terminating(pod)]
        busy, room = {controller_uid(pod) for pod in leaving}, LEAVING_MAX - len(leaving)
        for pod in left:
            controller = controller_uid(pod)
            due = self._later.get(raw.uid_of(pod), self._tools.clock()) <= self._tools.clock()
            if room < 1:
                return
            if is_terminating(pod) or controller in busy or not due:
                continue
            # One whose budget is spent answers for its siblings, too.
            busy.add(controller)
            room -= self._evict(pod)

    def _evict(self, pod: Object) -> bool:
        """Whether it is on its way out. One refused by its budget is asked about later."""
        uid = raw.uid_of(pod)
        try:
            receipt = self._tools.ensurer.bring_about(self._call_about(pod), self._change(pod))
        except BudgetSpent as err:
            pause = timedelta(seconds=err.after_seconds or ASK_AGAIN_SECONDS)
            self._later[uid], self._why[uid] = self._tools.clock() + pause, err.message
            return False
        self._counted(receipt)
        self._staying.discard(uid)
        self._why.pop(uid, None)
        return True

    def _call_about(self, pod: Object) -> EnsureCall[Drain]:
        """The same call, so that the kill switch of the pod's own namespace counts, too."""
        call = self._call
        namespace = raw.text(pod, "metadata", "namespace")
        about = Target(
            cluster=call.plan.target.cluster, namespace=namespace, kind="Pod", name=raw.name_of(pod)
        )
        return call.model_copy(update={"step": call.step.model_copy(update={"target": about})})

    def _change(self, pod: Object) -> Change[Leaving]:
        plan, namespace = self._call.plan, raw.text(pod, "metadata", "namespace")
        name, options = raw.name_of(pod), options_for(raw.uid_of(pod))

        def send(cluster: Cluster, current: Leaving) -> Answer:
            try:
                return Answer(current.raw, cluster.evict(namespace, name, options).at)
            except NotFound as err:
                # It went by itself right before: looked at once more, it is done.
                raise Conflict(err.message) from None

        return Change(
            read=lambda cluster: _read_leaving(cluster, plan, pod),
            is_done=lambda current: not current.raw or is_terminating(current.raw),
            moved=lambda current: "" if current.node.unschedulable else "somebody uncordoned it",
            prepare=lambda cluster, current: lambda: send(cluster, current),
            conflicts_end=True,
            begun=self._so_far,
        )

    def _refuse_late(self, left: list[Object]) -> None:
        over = self._call.expires_at
        if over and over - self._tools.clock() < timedelta(seconds=UNTIL_LOCK_SECONDS):
            raise self._unfinished(left)

    def _unfinished(self, left: list[Object]) -> OutcomeUnknown:
        plan = self._call.plan
        told = [f"{shown(pod)} ({self._why.get(raw.uid_of(pod), 'leaving')})" for pod in left]
        gone = f"{len(self._pinned) - len(left)} of {len(self._pinned)} pods are gone"
        text = f"its time is over: {plan.target} is cordoned, {gone}; still there: "
        return OutcomeUnknown(text + ", ".join(told[:NAMED_MAX]))

    def _receipt(self, closed: Receipt, left: list[Object]) -> Receipt:
        plan, others = self._call.plan, self._others()
        said = f"Drained {plan.target}: {counted(len(self._pinned), 'pod')} evicted"
        if left:
            said += f", {len(left)} of them still ending on a node that is not ready"
        if others:
            said += f"; {len(others)} newer pods were left alone"
        did = "written" if self._written else "already_done"
        return closed.model_copy(update={"did": did, "summary": said})


def _read_leaving(cluster: Cluster, plan: Plan, pod: Object) -> Leaving:
    """Read the node, and last, right before anything is sent, the pod."""
    node = read_planned_node(cluster, plan)
    place = (raw.text(pod, "metadata", "namespace"), raw.name_of(pod))
    try:
        found = cluster.get("Pod", *place)
    except NotFound:
        return Leaving({}, node.read_at, node)
    same = raw.uid_of(found.body) == raw.uid_of(pod)
    return Leaving(found.body if same else {}, found.at, node)
