"""Find out why a service is slow or busy, and do the one thing that the evidence speaks for."""

import asyncio

from temporalio import workflow

from contracts import Case, Outcome
from contracts.kubernetes import Events, Metrics, PodLogs, PodStates, RolloutHistory, Surroundings
from contracts.signals import PromQL
from runbooks._capacity import add_pods, full_of
from runbooks._rollback import roll_back, why_blameless
from runbooks._seen import load_seen, pods_seen, queries_of, room_seen, told_by
from workflows import Runbook, on_alert


@on_alert('alertname=~"High.*(Latency|CPU).*"', weight=30)
@workflow.defn(name="relieve_service")
class RelieveService(Runbook):
    """A young rollout is rolled back: a slow release is ready, and slow.

    Otherwise a service whose pods are well and that is at its end, of its autoscaler or of its CPU
    limit, gets half as many pods again until the alerts have stayed away, or for `hold_seconds`
    (an hour) where none fires. What neither explains, people get with everything that was seen.
    """

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Look at everything side by side; then one remedy, or none."""
        target = case.target
        history, states, around, used, _, _, *asked = await asyncio.gather(
            self.look(RolloutHistory(target=target)),
            self.look(PodStates(target=target)),
            self.look(Surroundings(target=target)),
            self.look(Metrics(target=target)),
            self.look(PodLogs(target=target, lines=200)),
            self.look(Events(target=target)),
            *(self.look(PromQL(target=target, query=query)) for query in queries_of(case)),
        )
        blameless = why_blameless(target, history.facts)
        if not blameless:
            return await roll_back(self)
        pods, autoscaler = full_of(around.facts, used.facts)
        if pods and states.facts.get("cause") == "":
            return await add_pods(self, pods, raise_max=autoscaler)

        seen = [blameless, pods_seen(states.facts), room_seen(around.facts), load_seen(used.facts)]
        seen += [told_by(answer.facts) for answer in asked]
        summary = "; ".join([*filter(None, seen), "nothing was written"])
        return Outcome(status="escalated", summary=summary)
