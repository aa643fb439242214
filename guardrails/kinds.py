"""What the actions have in common, as far as the rules tell them apart.

An action that no group names is judged as the worst of them: rules ask what a known action does
*not* do, never what an unknown one does.
"""

from contracts.kubernetes import (
    Cordon,
    DeletePod,
    Drain,
    EvictPod,
    Restore,
    ResumeRollout,
    RollbackDeployment,
    RollbackSet,
    RolloutRestart,
    Scale,
    Uncordon,
)

EVICT, DELETE_POD = EvictPod.activity, DeletePod.activity
SCALE, RESUME, RESTORE = Scale.activity, ResumeRollout.activity, Restore.activity
RESTART, CORDON = RolloutRestart.activity, Cordon.activity
DRAIN, UNCORDON = Drain.activity, Uncordon.activity

ONE_POD = frozenset({EVICT, DELETE_POD})
# The API server holds these to the disruption budgets.
EVICTIONS = frozenset({EVICT, DRAIN})
# They take ready pods away by themselves; a rollout leaves that to its strategy.
REMOVALS = frozenset({EVICT, DELETE_POD, SCALE, DRAIN})
ROLLBACKS = frozenset({RollbackDeployment.activity, RollbackSet.activity})
NODES = frozenset({CORDON, UNCORDON, DRAIN})
# What they do shows even while rollouts of the workload are paused.
WITHOUT_ROLLOUT = REMOVALS | NODES | {RESTORE}
