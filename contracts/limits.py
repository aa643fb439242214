"""The guardrails' figures, as `[limits]` of `firebreak.toml` gives them.

They are values only: `guardrails/` reads them, and nothing here decides.
"""

from pydantic import Field

from contracts.model import Contract


class Limits(Contract):
    """The guardrails' figures. Shares are 0 to 1; `writes` are those that were made, may have been
    made, or are being made; a write that takes back another one is not counted.
    """

    namespaces: tuple[str, ...] = ()
    protected_namespaces: tuple[str, ...] = (
        "kube-system",
        "kube-public",
        "kube-node-lease",
        "firebreak",
    )
    nodes: bool = False
    require_opt_in: bool = False
    cooldown_seconds: int = Field(default=900, ge=0)
    attempts_max: int = Field(default=2, ge=1)
    attempts_window_seconds: int = Field(default=3600, ge=1)
    approvals_needed: int = Field(default=1, ge=1, le=5)
    runbook_writes_per_hour: int = Field(default=6, ge=1)
    namespace_writes_per_hour: int = Field(default=6, ge=1)
    cluster_writes_per_hour: int = Field(default=10, ge=1)
    cluster_open_writes_max: int = Field(default=3, ge=1)
    service_open_writes_max: int = Field(default=1, ge=1)
    pool_open_writes_max: int = Field(default=1, ge=1)
    storm_targets_max: int = Field(default=20, ge=1)
    storm_window_seconds: int = Field(default=300, ge=1, le=3600)
    storm_quiet_seconds: int = Field(default=600, ge=0, le=86_400)
    unhealthy_nodes_share_max: float = Field(default=0.1, ge=0, le=1)
    blast_share_max: float = Field(default=0.5, ge=0, le=1)
    ready_left_min: int = Field(default=2, ge=0)
    failed_verification_days: int = Field(default=7, ge=1, le=90)
    chronic_heals_max: int = Field(default=3, ge=1)
    chronic_days: int = Field(default=7, ge=1, le=90)
