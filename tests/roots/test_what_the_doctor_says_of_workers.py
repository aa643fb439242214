"""What `firebreak doctor` says of workers: which of them live, and whether they can post."""

from pathlib import Path

import pytest
from temporalio.client import Client

import doctor
from contracts.calls import NOTIFY_QUEUE, QUEUE
from gateway import pollers
from gateway.pollers import Poller, polling, posting, unposted
from roots.programs import Program, ready

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


@pytest.mark.asyncio(loop_scope="session")
async def test_a_real_worker_says_what_it_posts_to(
    tmp_path: Path, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporal tells it to whoever asks, whatever token stands in that shell."""
    client = await Client.connect(settings["FIREBREAK_TEMPORAL_ADDRESS"])
    for name in ("mute", "talker"):
        (tmp_path / name).mkdir()
    token = {"FIREBREAK_SLACK_BOT_TOKEN": "xoxb-of-a-worker"}
    with Program(tmp_path / "mute", module="worker", **settings) as mute:
        ready(mute)
        ok, detail, fix = await doctor._posted(client)
        assert (ok, detail.startswith(f"no worker posts there ({mute.pid}@")) == (False, True)
        assert "FIREBREAK_SLACK_BOT_TOKEN" in fix
        with Program(tmp_path / "talker", module="worker", **settings, **token) as talker:
            ready(talker)
            ok, detail, _ = await doctor._posted(client)
            assert (ok, "1 of 2 workers do not" in detail) == (False, True)
            assert (f"{mute.pid}@" in detail, f"{talker.pid}@" in detail) == (True, False)
            ok, detail, _ = await doctor._polled(client, QUEUE)
            assert (ok, detail.startswith("2 polling: ")) == (True, True)
            assert all(f"{one.pid}@" in detail for one in (mute, talker))
    monkeypatch.setattr(pollers, "SEEN_SECONDS_MAX", -1)
    ok, detail, fix = await doctor._polled(client, NOTIFY_QUEUE)
    assert (ok, detail.startswith("nobody polls: ")) == (False, True)
    assert "firebreak worker" in fix
