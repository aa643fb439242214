"""The outgoing webhook against a real HTTP receiver on loopback."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import SecretStr
from upstreams import Upstream, serving

from activities.webhook import WebhookChannel
from contracts.errors import Rejected, Unavailable
from contracts.message import MessageView
from contracts.views import IncidentDetail

VIEW = MessageView(
    incident=IncidentDetail(
        id="inc-1",
        workflow="incident/x",
        status="waiting",
        summary="latency",
        opened_at=datetime(2026, 11, 21, tzinfo=UTC),
        revision=7,
    ),
    url="https://firebreak.test/incidents/inc-1",
)
PATH = "/hook/s3cr3t-path"


@pytest.fixture
def receiver() -> Iterator[Upstream]:
    """A receiver that runs until the test is over."""
    with serving() as server:
        server.says(b"", 202)
        yield server


def hook(receiver: Upstream) -> SecretStr:
    """Where to post to."""
    return SecretStr(receiver.url + PATH)


def send(url: SecretStr, token: str | None = "t0ken") -> str:
    """Send the view once."""
    with httpx.Client() as client:
        return WebhookChannel(url, SecretStr(token) if token else None, client).send(VIEW, "key-7")


def test_the_incident_is_posted_with_its_key_and_token(receiver: Upstream) -> None:
    """JSON with the revision; receivers that keep the key see a repeat as one."""
    assert send(hook(receiver)) == "key-7"
    (asked,) = receiver.asked
    assert asked.path == PATH
    assert asked.headers["Idempotency-Key"] == "key-7"
    assert asked.headers["Authorization"] == "Bearer t0ken"
    assert asked.headers["Content-Type"] == "application/json"
    assert (asked.json["revision"], asked.json["incident"]["id"]) == (7, "inc-1")
    assert asked.json["url"] == "https://firebreak.test/incidents/inc-1"


def test_without_a_token_none_is_sent(receiver: Upstream) -> None:
    """Some receivers have their secret in the path."""
    send(hook(receiver), token=None)
    assert "Authorization" not in receiver.asked[0].headers


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422, 301, 307])
def test_a_refusal_is_final_and_hides_the_address(receiver: Upstream, status: int) -> None:
    """A redirect is one too: it is not followed, so the token goes nowhere else."""
    receiver.says(b"", status, Location=hook(receiver).get_secret_value())
    with pytest.raises(Rejected, match=f"127.0.0.1 answered {status}") as caught:
        send(hook(receiver))
    assert "s3cr3t" not in caught.value.message
    assert len(receiver.asked) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 408, 425, 429])
def test_what_may_pass_is_tried_again(receiver: Upstream, status: int) -> None:
    """The receiver's own failures and its "later"."""
    receiver.says(b"", status)
    with pytest.raises(Unavailable, match=f"answered {status}") as caught:
        send(hook(receiver))
    assert caught.value.after_seconds is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("86400", 300.0), ("soon", None), ("-5", None), ("²", None), ("", None)],
)
def test_the_pause_that_is_asked_for_is_kept_within_bounds(
    receiver: Upstream, header: str, seconds: float | None
) -> None:
    """A number of seconds up to five minutes; anything else is not a number to wait for."""
    receiver.says(b"", 429, Retry_After=header)
    with pytest.raises(Unavailable) as caught:
        send(hook(receiver))
    assert caught.value.after_seconds == seconds


def test_a_receiver_that_is_away_is_tried_again(receiver: Upstream) -> None:
    """No connection, no address in the text."""
    receiver.server_close()
    with pytest.raises(Unavailable) as caught:
        send(hook(receiver))
    assert caught.value.message == "127.0.0.1: ConnectError"


def test_a_receiver_that_asks_for_a_pause_is_not_asked_before(receiver: Upstream) -> None:
    """Not by another incident either, and not because another channel is tried again sooner."""
    receiver.says(b"", 429, Retry_After="7")
    now = [100.0]
    with httpx.Client() as client:
        channel = WebhookChannel(hook(receiver), None, client, lambda: now[0])
        for passed, left in ((0, 7), (5, 2)):
            now[0] += passed
            with pytest.raises(Unavailable) as caught:
                channel.send(VIEW, "key-7")
            assert caught.value.after_seconds == left
        assert len(receiver.asked) == 1
        receiver.says(b"", 202)
        now[0] += 2
        assert channel.send(VIEW, "key-7") == "key-7"
