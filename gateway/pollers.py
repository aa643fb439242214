"""Who takes the work of a queue, as Temporal remembers it, for `firebreak doctor`.

Temporal remembers a worker for minutes after its death, and hears of a living one at least once a
minute: so who was not seen for longer does not count. It only reads.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from contracts.words import counted, minutes_text

# A poll that finds nothing ends after a minute, and the next one begins.
SEEN_SECONDS_MAX = 75
NAMED_MAX = 5
# What a worker that posts messages adds to its name, before the channels that it has.
POSTS_TO = " posts to "


class Poller(NamedTuple):
    """One worker: its name, and how long ago Temporal heard of it."""

    identity: str
    seen_seconds: float

    @property
    def alive(self) -> bool:
        """Whether it still polls, as far as can be told."""
        return self.seen_seconds <= SEEN_SECONDS_MAX

    @property
    def name(self) -> str:
        """Its process and host."""
        return self.identity.partition(POSTS_TO)[0]

    @property
    def channels(self) -> frozenset[str]:
        """What it posts to; empty also where it is older than that sentence."""
        return frozenset(self.identity.partition(POSTS_TO)[2].split("+")) - {""}


def posting(identity: str, channels: Sequence[str]) -> str:
    """The name of a worker that posts to these channels."""
    return f"{identity}{POSTS_TO}{'+'.join(channels)}"


async def pollers_of(client: Client, queue: str) -> list[Poller]:
    """Everybody who took activities of that queue within minutes, the newest first. Temporal tells
    of one part of a queue: of several workers one may be missing for a minute.

    Raises:
        RPCError: Temporal does not say.

    """
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    )
    answer = await client.workflow_service.describe_task_queue(request)
    now = datetime.now(UTC)
    known = (
        Poller(one.identity, (now - one.last_access_time.ToDatetime(UTC)).total_seconds())
        for one in answer.pollers
    )
    return sorted(known, key=lambda poller: poller.seen_seconds)


def polling(pollers: Sequence[Poller]) -> str:
    """How many poll, and when each was last seen; of the dead, the last one."""
    alive = [one for one in pollers if one.alive]
    shown = _named(alive or pollers)
    head = f"{len(alive)} polling" if alive else "nobody polls"
    return f"{head}: {shown}" if shown else head


def _named(pollers: Sequence[Poller]) -> str:
    return ", ".join(
        f"{one.name} seen {minutes_text(max(1, one.seen_seconds))} ago"
        for one in pollers[:NAMED_MAX]
    )


def unposted(pollers: Sequence[Poller], channel: str) -> str:
    """Which of those who live do not post to that channel, in words; empty when all do."""
    alive = [one for one in pollers if one.alive]
    silent = [one for one in alive if channel not in one.channels]
    names = _named(silent)
    if not silent:
        return ""
    if silent == alive:
        return f"no worker posts there ({names})"
    return f"{len(silent)} of {counted(len(alive), 'worker')} do not post there ({names})"
