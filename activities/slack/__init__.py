"""Brings incidents to Slack: what is posted, what is edited, and never twice."""
