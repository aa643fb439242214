"""The door for Slack: clicks, commands and views; it asks workflows and repaints nothing."""
