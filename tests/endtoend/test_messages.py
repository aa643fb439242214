"""A dead webhook delays nothing; back, it gets the newest revision, once."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from devserver import free_port
from endtoend.house import House

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what it is sent."""

    def __init__(self, port: int) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        super().__init__(("127.0.0.1", port), Inbox)


class Inbox(http.server.BaseHTTPRequestHandler):
    """Takes a message."""

    server: Receiver

    def do_POST(self) -> None:
        """Keep the body and its idempotency key."""
        length = int(self.headers["Content-Length"])
        self.server.bodies.append(json.loads(self.rfile.read(length)))
        self.server.keys.append(self.headers["Idempotency-Key"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture(name="port")
def _port() -> int:
    return free_port()


@pytest.fixture(name="receiver")
def _receiver(port: int) -> Iterator[Receiver]:
    receiver = Receiver(port)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    yield receiver
    receiver.shutdown()
    receiver.server_close()


async def test_a_dead_webhook_delays_nothing_and_hears_the_newest_once(
    house: House, port: int, request: pytest.FixtureRequest
) -> None:
    """The whole incident passes while nobody listens; then one true message arrives."""
    namespace = "row-20"
    await house.break_deployment(namespace)
    worker = house.worker(FIREBREAK_WEBHOOK_URL=f"http://127.0.0.1:{port}/hook")
    await house.alert(namespace)
    approval = await house.open_approval(namespace)
    await house.approve(approval)
    await house.until(lambda: house.image(namespace).endswith(":1.0"))
    await house.alert(namespace, "resolved")
    incident = await house.incident(approval["incident"], "closed")

    receiver: Receiver = request.getfixturevalue("receiver")
    await house.until(lambda: receiver.bodies)

    assert receiver.bodies[0]["incident"]["status"] == "closed"
    assert receiver.bodies[0]["revision"] == incident["revision"]
    await house.alert(namespace, minute=5)
    again = await house.until(lambda: len(receiver.bodies) > 1)
    assert again
    assert len(set(receiver.keys)) == len(receiver.keys)
    assert [body["revision"] for body in receiver.bodies] == sorted(
        {body["revision"] for body in receiver.bodies}
    )
    house.end(worker)
