"""An app at a socket with nothing of a library in between: it acknowledges, and keeps the rest."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import websocket
from contract_slack.either_slack import CALL_SECONDS, JSON, Caller

# Whoever waits for what should not come waits this long.
ABSENT_SECONDS = 0.5


class Wire:
    """One connection; `heard` are the envelopes, oldest first."""

    def __init__(self, url: str) -> None:
        self.heard: list[JSON] = []
        self._changed = threading.Condition()
        self._socket = websocket.create_connection(url)
        self.hello: JSON = json.loads(self._socket.recv())
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        try:
            for raw in iter(self._socket.recv, ""):
                envelope = json.loads(raw)
                self._socket.send(json.dumps({"envelope_id": envelope["envelope_id"]}))
                with self._changed:
                    self.heard.append(envelope)
                    self._changed.notify_all()
        except (websocket.WebSocketException, OSError):
            return

    def wait(self, condition: Callable[[], bool], seconds: float = CALL_SECONDS) -> bool:
        """Whether it has become so in time."""
        with self._changed:
            return self._changed.wait_for(condition, seconds)

    def last(self) -> JSON:
        """The payload of the newest envelope, once there is one."""
        assert self.wait(lambda: bool(self.heard))
        return dict(self.heard[-1]["payload"])

    def close(self) -> None:
        """Hang up."""
        self._socket.abort()  # type: ignore[no-untyped-call]  # the library's
        self._thread.join(CALL_SECONDS)
        self._socket.shutdown()  # type: ignore[no-untyped-call]  # the library's


@contextmanager
def wire(call: Caller) -> Iterator[Wire]:
    """Connected until the block ends."""
    one = Wire(call("apps.connections.open", call.slack.app_token)["url"])
    try:
        yield one
    finally:
        one.close()
