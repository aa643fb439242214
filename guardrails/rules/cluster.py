"""What the state of the whole cluster says: in a storm, and with sick nodes, only observe."""

from contracts.calls import JudgeCall
from contracts.plan import Reason
from guardrails.facts import Facts
from guardrails.kinds import UNCORDON
from guardrails.storm import storm_fix, storm_words
from guardrails.words import deny, minutes, percent


def storm(call: JudgeCall, facts: Facts) -> Reason | None:
    """Many targets at once have one cause, and it is not in any of them."""
    seen, limits = facts.storm, facts.limits
    if seen is None:
        return None
    text = (
        f"{storm_words(seen)}; from more than {limits.storm_targets_max} in "
        f"{minutes(limits.storm_window_seconds)} on Firebreak only observes "
        f"(it would do this: {call.plan.summary})"
    )
    return deny("storm", text, storm_fix(seen))


def unhealthy_nodes(call: JudgeCall, facts: Facts) -> Reason | None:
    """One sick node is repaired; with many, taking one more away makes it worse. A share that
    rounds down to none still leaves the first sick node to be repaired. Giving a node
    back never makes it worse, so an uncordon is not held to it.
    """
    around, share = call.plan.around, facts.limits.unhealthy_nodes_share_max
    if call.plan.target.kind != "Node" or call.plan.action == UNCORDON:
        return None
    fix = "Find what the nodes have in common; handle them by hand."
    if around.nodes == 0:
        text = f"{call.plan.target}: nobody counted the cluster's nodes"
        return deny("unhealthy_nodes", text, fix)
    if around.unhealthy_nodes <= max(1, int(around.nodes * share)):
        return None
    text = (
        f"{around.unhealthy_nodes} of {around.nodes} nodes are unhealthy "
        f"({percent(around.unhealthy_nodes / around.nodes)}); at most {percent(share)}, "
        "or one node, may be"
    )
    return deny("unhealthy_nodes", text, fix)
