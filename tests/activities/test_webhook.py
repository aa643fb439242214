"""The outgoing webhook against a real HTTP receiver on loopback."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

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


class Receiver(HTTPServer):
    """Answers as told and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.status = 202
        self.headers: dict[str, str] = {}
        self.received: list[tuple[str, dict[str, str], Any]] = []

    @property
    def url(self) -> SecretStr:
        """Where to post to."""
        return SecretStr(f"http://127.0.0.1:{self.server_port}{PATH}")


class Answer(BaseHTTPRequestHandler):
    """One request."""

    server: Receiver

    def do_POST(self) -> None:
        """Keep it and answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, dict(self.headers), json.loads(body)))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that runs until the test is over."""
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.01,))
        thread.start()
        yield receiver
        receiver.shutdown()
        thread.join()


def send(url: SecretStr, token: str | None = "t0ken") -> str:
    """Send the view once."""
    with httpx.Client() as client:
        return WebhookChannel(url, SecretStr(token) if token else None, client).send(VIEW, "key-7")


def test_the_incident_is_posted_with_its_key_and_token(receiver: Receiver) -> None:
    """JSON with the revision; receivers that keep the key see a repeat as one."""
    assert send(receiver.url) == "key-7"
    ((path, headers, body),) = receiver.received
    assert path == PATH
    assert headers["Idempotency-Key"] == "key-7"
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["Content-Type"] == "application/json"
    assert (body["revision"], body["incident"]["id"]) == (7, "inc-1")
    assert body["url"] == "https://firebreak.test/incidents/inc-1"


def test_without_a_token_none_is_sent(receiver: Receiver) -> None:
    """Some receivers have their secret in the path."""
    send(receiver.url, token=None)
    assert "Authorization" not in receiver.received[0][1]


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422, 301, 307])
def test_a_refusal_is_final_and_hides_the_address(receiver: Receiver, status: int) -> None:
    """A redirect is one too: it is not followed, so the token goes nowhere else."""
    receiver.status = status
    receiver.headers = {"Location": receiver.url.get_secret_value()}
    with pytest.raises(Rejected, match=f"127.0.0.1 answered {status}") as caught:
        send(receiver.url)
    assert "s3cr3t" not in caught.value.message
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 408, 425, 429])
def test_what_may_pass_is_tried_again(receiver: Receiver, status: int) -> None:
    """The receiver's own failures and its "later"."""
    receiver.status = status
    with pytest.raises(Unavailable, match=f"answered {status}") as caught:
        send(receiver.url)
    assert caught.value.after_seconds is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("86400", 300.0), ("soon", None), ("-5", None), ("²", None), ("", None)],
)
def test_the_pause_that_is_asked_for_is_kept_within_bounds(
    receiver: Receiver, header: str, seconds: float | None
) -> None:
    """A number of seconds up to five minutes; anything else is not a number to wait for."""
    receiver.status = 429
    receiver.headers = {"Retry-After": header}
    with pytest.raises(Unavailable) as caught:
        send(receiver.url)
    assert caught.value.after_seconds == seconds


def test_a_receiver_that_is_away_is_tried_again(receiver: Receiver) -> None:
    """No connection, no address in the text."""
    receiver.server_close()
    with pytest.raises(Unavailable) as caught:
        send(receiver.url)
    assert caught.value.message == "127.0.0.1: ConnectError"
