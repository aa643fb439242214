"""The durable, deterministic side: the runbook's four verbs, incidents, approvals, messages.

Nothing here reads a clock, a file or the network; effects are activities, called by name.
"""

from workflows.runbook import Runbook as Runbook
from workflows.trigger import on_alert as on_alert
