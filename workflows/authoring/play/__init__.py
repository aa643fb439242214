"""Plays a runbook without a cluster: in this process, or on a real Temporal server."""
