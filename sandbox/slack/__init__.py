"""A Slack small enough for a laptop, as strict as the real one, with a page for people."""

from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Channel, User, UserGroup, Workspace

__all__ = ["Channel", "SlackServer", "User", "UserGroup", "Workspace"]
