"""Which objects may be touched at all: one that was found, where the policy lets us, and whose
owners did not say no. An empty list allows nothing.
"""

from contracts.calls import JudgeCall
from contracts.plan import Reason
from contracts.target import KINDS
from guardrails.facts import Facts, namespace_of
from guardrails.words import deny

_PARTS_OF_A_LOCK_KEY = 4


def explicit_target(call: JudgeCall, _facts: Facts) -> Reason | None:
    """The plan is about one object that was found: a known kind, a name, a uid, a namespace, and
    locks that say what they lock.
    """
    target, locks = call.plan.target, call.plan.lock_keys
    missing = [
        what
        for what, there in (
            ("a kind Firebreak knows", target.kind in KINDS),
            ("the uid of the object", bool(call.plan.uid)),
            ("a namespace", bool(target.namespace) or target.kind == "Node"),
            # Under a namespace it would be another lock on the same node.
            (
                "a place of its own: a node has no namespace",
                target.kind != "Node" or not target.namespace,
            ),
            ("whole lock keys", all(k.count("/") == _PARTS_OF_A_LOCK_KEY - 1 for k in locks)),
        )
        if not there
    ]
    if not missing:
        return None
    fix = "Name exactly one workload; nothing is ever done to a selection."
    return deny("explicit_target", f"{target} lacks {' and '.join(missing)}", fix)


def _namespaces(call: JudgeCall) -> list[str]:
    """Every namespace that is touched: of the target, and of what else is locked."""
    target = call.plan.target
    others = [namespace_of(key) for key in call.plan.also_locks if "/" in key]
    mine = [] if target.kind == "Node" else [target.namespace]
    return list(dict.fromkeys([*mine, *others]))


def namespaces(call: JudgeCall, facts: Facts) -> Reason | None:
    """Only listed namespaces are touched; an empty list allows none."""
    allowed = facts.limits.namespaces
    outside = [name for name in _namespaces(call) if name not in allowed]
    if not outside:
        return None
    listed = ", ".join(allowed) or "none; an empty list means no namespace, never every one"
    named = ", ".join(f"'{name}'" for name in outside)
    fix = f"Add {named} to `namespaces` under [limits] in firebreak.toml to allow it."
    return deny("namespaces", f"namespace {named} is not allowed (allowed: {listed})", fix)


def protected_namespaces(call: JudgeCall, facts: Facts) -> Reason | None:
    """Protected namespaces are out of bounds even when they are listed as allowed."""
    kept = [n for n in _namespaces(call) if n in facts.limits.protected_namespaces]
    if not kept:
        return None
    named = ", ".join(f"'{name}'" for name in kept)
    text = f"namespace {named} is protected"
    return deny("protected_namespaces", text, "Handle it by hand.")


def nodes(call: JudgeCall, facts: Facts) -> Reason | None:
    """A node has no namespace that could allow it, so nodes are allowed as a whole, or not."""
    if call.plan.target.kind != "Node" or facts.limits.nodes:
        return None
    fix = "Set `nodes = true` under [limits] in firebreak.toml, or handle the node by hand."
    return deny("nodes", f"{call.plan.target}: nodes are not allowed (nodes = false)", fix)


def control_plane(call: JudgeCall, _facts: Facts) -> Reason | None:
    """A node that runs the control plane is never touched; nor one of which nobody knows."""
    is_one = call.plan.around.control_plane
    if call.plan.target.kind != "Node" or is_one is False:
        return None
    text = f"{call.plan.target} runs the control plane"
    if is_one is None:
        text = f"{call.plan.target}: nobody looked whether it runs the control plane"
    return deny("control_plane", text, "Handle the node by hand.")


def opt_out(call: JudgeCall, _facts: Facts) -> Reason | None:
    """The workload's owners can keep Firebreak away with an annotation."""
    if not call.plan.opted_out:
        return None
    text = f"{call.plan.target} carries the opt-out annotation"
    return deny("opt_out", text, "Handle it by hand, or ask its owners to take it off.")


def opt_in(call: JudgeCall, facts: Facts) -> Reason | None:
    """Where the policy wants it, owners let Firebreak in with an annotation, or it stays out."""
    if call.plan.opted_in or not facts.limits.require_opt_in:
        return None
    text = f"{call.plan.target} does not carry the opt-in annotation (require_opt_in = true)"
    fix = 'Ask its owners to annotate it with `firebreak.dev/opt-in: "true"`.'
    return deny("opt_in", text, fix)
