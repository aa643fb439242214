"""Writes what a workflow says into the journal, and deletes what is too old to keep.

The journal makes a repeat of either nothing.
"""

from temporalio import activity

from contracts.calls import FORGET, RECORD, ForgetCall, Forgotten
from contracts.journal import Record, Recorded
from toil.journal import Journal


class RecordActivities:
    """`record` is one activity, so that a line and its effects on the row are one transaction."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    @activity.defn(name=RECORD)
    def record(self, record: Record) -> Recorded:
        """Record all of it or nothing.

        Raises:
            Unavailable: the database does not answer.

        """
        return self._journal.record(record)

    @activity.defn(name=FORGET)
    def forget(self, call: ForgetCall) -> Forgotten:
        """Delete old evidence, and when alerts began that long ago; raises Unavailable."""
        self._journal.forget_beginnings(call.before)
        return Forgotten(evidence=self._journal.forget_evidence(call.before))
