"""A server of a test's own on loopback: answers as it is told, and keeps what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

GATE_SECONDS_MAX = 30


class Said(NamedTuple):
    """One answer."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = MappingProxyType({})


class Asked(NamedTuple):
    """One request as it came."""

    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""

    @property
    def form(self) -> dict[str, list[str]]:
        """The body as a form."""
        return parse_qs(self.body.decode())

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Upstream(ThreadingHTTPServer):
    """Answers what `answer` says, and keeps what it was asked. `gate` holds every answer back."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: Callable[[Asked], Said] = lambda _: Said(b"{}")
        self.asked: list[Asked] = []
        self.gate = threading.Event()
        self.gate.set()

    @property
    def url(self) -> str:
        """Its base, without a last slash."""
        return f"http://127.0.0.1:{self.server_port}"

    def says(self, body: Any, status: int = 200, **headers: str) -> None:
        """Answer the same to everything; what is no text goes out as JSON. A header's name has
        underscores where it has hyphens.
        """
        told = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = lambda _: Said(told, status, named)


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Upstream

    def do_GET(self) -> None:
        """Keep it and answer."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Keep its body too."""
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        asked = Asked(parts.path, parse_qs(parts.query), dict(self.headers), body)
        self.server.asked.append(asked)
        self.server.gate.wait(GATE_SECONDS_MAX)
        said = self.server.answer(asked)
        self.send_response(said.status)
        for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Upstream]:
    """One that runs until the block ends."""
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.gate.set()
            server.shutdown()
            thread.join()
