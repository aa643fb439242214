"""The incidents that are not closed, whichever door asks; read from the journal alone."""

from contracts.journal import IncidentStatus
from contracts.views import IncidentView
from toil.journal import IncidentQuery, Journal

NOT_CLOSED: tuple[IncidentStatus, ...] = (
    "open",
    "waiting",
    "acting",
    "verifying",
    "escalated",
    "taken_over",
)
EACH_MAX = 200


def under_way(journal: Journal, each_max: int = EACH_MAX) -> list[IncidentView]:
    """Newest first, at most `each_max` of each status; raises Unavailable without the database."""
    queries = (IncidentQuery(status=status, limit=each_max) for status in NOT_CLOSED)
    found = [item for query in queries for item in journal.incidents(query).items]
    return sorted(found, key=lambda item: item.opened_at, reverse=True)
