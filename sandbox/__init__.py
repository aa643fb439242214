"""A Kubernetes API small enough for a laptop with no cluster.

What it does, it does as the real API does it; what it does not do, it refuses with 501 and a
Status of reason NotImplemented, never silently. It must never be told about alerts, runbooks or
approvals: to the rest of the system it is just another cluster.
"""

from sandbox.containers import Pace
from sandbox.faults import Fault, FaultKind
from sandbox.journal import Record
from sandbox.requests import Request
from sandbox.server import SandboxServer, Timing

__all__ = ["Fault", "FaultKind", "Pace", "Record", "Request", "SandboxServer", "Timing"]
