"""The ordered commands of a runbook, read from its source, and the baseline they must fit. Pure."""
