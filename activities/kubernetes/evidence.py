"""Keep what a look found: the body in the journal, a digest and an excerpt in Temporal's history.

Text of other programs is cleaned before it is cut, never after: half a secret matches no pattern.
The values of literal environment variables are blanked, because programs print them when they die.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from activities.kubernetes.raw import Object
from contracts.model import digest_of
from contracts.redact import env_values, redact
from contracts.step import BODY_BYTES_MAX, EXCERPT_BYTES_MAX, Evidence, StepCall


class Shelf(Protocol):
    """Where evidence bodies are kept (`toil.journal.Journal`)."""

    def keep_evidence(
        self,
        key: str,
        incident: str,
        *,
        kind: str,
        title: str,
        body: str,
        digest: str,
        at: datetime,
    ) -> None:
        """Keep a body under its digest; the same key again changes nothing."""


class Cleaner:
    """Removes the secrets that these pod templates (or pods) hand to their programs."""

    def __init__(self, templates: Iterable[Object]) -> None:
        self._values = {value for template in templates for value in env_values(template)}

    def __call__(self, text: str) -> str:
        """The text without these values and without what looks like a secret."""
        return redact(text, self._values)


def keep(
    shelf: Shelf, call: StepCall[Any], title: str, parts: tuple[str, str], facts: Object
) -> Evidence:
    """Store a cleaned body and describe it. `parts` are the body and what to quote of it.

    The key on the shelf ends in the digest: a look that is repeated finds other text, and history
    must name the body that it belongs to.
    """
    body, quoted = tail(parts[0], BODY_BYTES_MAX), parts[1]
    kind, digest = call.step.activity.rpartition(".")[2], digest_of(body)
    key = f"{call.key}/{digest}"
    shelf.keep_evidence(
        key, call.incident, kind=kind, title=title, body=body, digest=digest, at=call.at
    )
    return Evidence(
        key=call.key,
        kind=kind,
        target=call.step.target,
        title=title,
        excerpt=tail(quoted, EXCERPT_BYTES_MAX),
        digest=digest,
        size_bytes=len(body.encode()),
        facts=facts,
    )


def tail(text: str, bytes_max: int) -> str:
    """The end of the text, whole lines where possible, at most `bytes_max` bytes of UTF-8."""
    data = text.encode()
    if len(data) <= bytes_max:
        return text
    cut = data[-bytes_max:].decode("utf-8", errors="ignore")
    return cut.partition("\n")[2] or cut


def head(text: str, bytes_max: int) -> str:
    """The beginning of the text, whole lines where possible."""
    data = text.encode()
    if len(data) <= bytes_max:
        return text
    cut = data[:bytes_max].decode("utf-8", errors="ignore")
    return cut.rpartition("\n")[0] or cut
