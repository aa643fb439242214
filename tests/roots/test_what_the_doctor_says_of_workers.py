"""What `firebreak doctor` says of workers: which of them live, and whether they can post."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

import doctor
from contracts.calls import NOTIFY_QUEUE, QUEUE
from gateway import pollers
from gateway.pollers import Poller, polling, posting, unposted
from roots.programs import Program, ready, until

OLD = pollers.SEEN_SECONDS_MAX + 1
MUTE, TALKER = posting("7@a", []), posting("8@b", ["slack", "webhook"])


def test_who_polls_is_named_with_when_they_were_seen() -> None:
    """So that a worker that was just killed can be told from one that lives."""
    two = [Poller(TALKER, 0.2), Poller("7@a", 41)]
    assert polling(two) == "2 polling: 8@b seen 1 s ago, 7@a seen 41 s ago"
    assert polling([]) == "nobody polls"


def test_who_was_not_seen_for_longer_than_a_poll_takes_is_dead() -> None:
    """Temporal remembers it for minutes; that is told, and it does not count."""
    assert polling([Poller("8@b", 3), Poller("7@a", OLD)]) == "1 polling: 8@b seen 3 s ago"
    assert polling([Poller("7@a", 200)]) == "nobody polls: 7@a seen 3 min ago"
    assert not Poller("7@a", OLD).alive


def test_a_worker_without_the_token_is_named() -> None:
    """One of several is enough to lose messages; who is dead loses none."""
    assert unposted([Poller(MUTE, 1)], "slack") == "no worker posts there (7@a seen 1 s ago)"
    both = [Poller(TALKER, 1), Poller(MUTE, 2)]
    assert unposted(both, "slack") == "1 of 2 workers do not post there (7@a seen 2 s ago)"
    assert unposted([Poller(TALKER, 1), Poller(MUTE, OLD)], "slack") == ""
    assert "no worker" in unposted([Poller(TALKER, 1)], "pagerduty")


Look = Callable[[Client], Coroutine[Any, Any, tuple[bool, str, str]]]


def found(address: str, look: Look, start: str) -> tuple[bool, str, str]:
    """What is found once it begins like this: a worker that is ready polls a moment later."""

    async def looked() -> tuple[bool, str, str]:
        return await look(await Client.connect(address))

    def wanted() -> tuple[bool, str, str] | None:
        answer = asyncio.run(looked())
        return answer if answer[1].startswith(start) else None

    answer = until(wanted)
    assert answer is not None
    return answer


def test_a_real_worker_says_what_it_posts_to(
    tmp_path: Path, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporal tells it to whoever asks, whatever token stands in that shell."""
    address, polled = settings["FIREBREAK_TEMPORAL_ADDRESS"], doctor._polled
    with Program(tmp_path, module="worker", **settings) as mute:
        ready(mute)
        ok, _, fix = found(address, doctor._posted, f"no worker posts there ({mute.pid}@")
        assert (ok, "FIREBREAK_SLACK_BOT_TOKEN" in fix) == (False, True)
        who = f"1 polling: {mute.pid}@"
        assert found(address, lambda client: polled(client, QUEUE), who)[0]
    monkeypatch.setattr(pollers, "SEEN_SECONDS_MAX", -1)
    ok, _, fix = found(address, lambda client: polled(client, NOTIFY_QUEUE), "nobody polls: ")
    assert (ok, "firebreak worker" in fix) == (False, True)
