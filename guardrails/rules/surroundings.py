"""Who else has a say in the workload: an autoscaler, a person who paused it, GitOps, an operator.

What they declare comes back, or fights with us; a change belongs where it is declared.
"""

from contracts.calls import JudgeCall
from contracts.plan import Reason
from guardrails.facts import Facts
from guardrails.kinds import NODES, ONE_POD, RESTART, RESUME, ROLLBACKS, SCALE, WITHOUT_ROLLOUT
from guardrails.words import ask, deny

_BACK = {
    "argocd": "Revert it in git, or `argocd app rollback` the application (after its auto-sync is "
    "off).",
    "flux": "Revert it in git and let Flux reconcile.",
    "helm": "`helm rollback` the release, or revert the chart's values.",
}


def paused(call: JudgeCall, _facts: Facts) -> Reason | None:
    """Somebody paused its rollouts: a new template would change nothing until it is resumed."""
    if not call.plan.around.paused or call.plan.action in WITHOUT_ROLLOUT:
        return None
    target = call.plan.target
    if call.plan.action == RESUME:
        fix = "Agree if whoever paused it is done."
        return ask("paused", f"somebody paused {target}", fix)
    name = f"{target.kind.lower()}/{target.name}"
    fix = f"Resume it first: kubectl -n {target.namespace} rollout resume {name}"
    return deny("paused", f"{target} is paused: nothing would roll out", fix)


def autoscaler(call: JudgeCall, _facts: Facts) -> Reason | None:
    """The number of pods is an autoscaler's: its bounds are somebody's decision."""
    owner = call.plan.around.autoscaler
    if not owner or call.plan.action != SCALE:
        return None
    text = f"{owner} owns the number of pods ({call.plan.before} → {call.plan.after})"
    return ask("autoscaler", text, "Agree if its bounds may be moved for a while.")


def managed(call: JudgeCall, _facts: Facts) -> Reason | None:
    """What is declared elsewhere is changed there: GitOps, a chart, an operator's resource."""
    by, action = call.plan.around.managed_by, call.plan.action
    if not by or action in NODES:
        return None
    who = f"{by} ({call.plan.around.manager})" if call.plan.around.manager else by
    if by == "operator":
        text = f"{call.plan.target} belongs to {who}, which would undo it"
        return deny("managed", text, "Act on the resource that owns it.")
    if action in ONE_POD or (action == RESTART and by in ("argocd", "helm")):
        return None
    if action in ROLLBACKS:
        text = f"{call.plan.target} is declared by {who}: a rollback here would not last"
        return deny("managed", text, _BACK[by])
    text = f"{call.plan.target} is declared by {who}, which may take this back"
    if action == RESTART and by == "flux":
        text = f"{call.plan.target} is declared by {who}, which may replace the pods once more"
    return ask("managed", text, "Agree if it has to hold only until the declaration is changed.")
