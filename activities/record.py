"""Writes what a workflow says into the journal; the journal makes a repeat nothing."""

from temporalio import activity

from contracts.calls import RECORD
from contracts.journal import Record, Recorded
from toil.journal import Journal


class RecordActivities:
    """One activity, so that a workflow's line and its effects on the row are one transaction."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    @activity.defn(name=RECORD)
    def record(self, record: Record) -> Recorded:
        """Record all of it or nothing.

        Raises:
            Unavailable: the database does not answer.

        """
        return self._journal.record(record)
