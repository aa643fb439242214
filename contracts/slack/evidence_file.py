"""The file beside a question: called after what is in it, with a sentence that says what it is."""

import re

from contracts.message import Asked, Finding
from contracts.slack import limits
from contracts.slack.telling import sentence
from contracts.slack.untrusted import fallback

NAME_CHARS_MAX = 64
_NO_NAME = re.compile(r"[^a-z0-9]+")


def file_name(finding: Finding) -> str:
    """`logs-of-3-pods-of-deployment-shop-user-auth.txt`: letters of ASCII, whatever was found."""
    words = _NO_NAME.sub("-", finding.title.lower()).strip("-")
    return f"{words[:NAME_CHARS_MAX].strip('-') or 'evidence'}.txt"


def file_text(asked: Asked, finding: Finding) -> str:
    """The sentence above it, which Slack parses: nothing in it can be a mention or a link."""
    title = finding.title[: limits.SENTENCE_CHARS_MAX].rstrip(" .")
    about = asked.approval.plan.summary[: limits.SUMMARY_CHARS_MAX]
    return fallback(sentence(f"{title or 'What was found'}, in full, for the question: {about}"))
