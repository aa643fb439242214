"""A small server of the documented answers, and the people whom they name."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from contracts.policy import Person

ANA = Person(id="ana", name="Ana Example", email="ana@example.com", slack="U01", pagerduty="PANA1")
BEN = Person(id="ben", name="Ben Example", email="Ben@Example.com", slack="U02", pagerduty="PBEN1")
CHO = Person(id="cho", name="Cho Example", email="cho@example.com", slack="U03")


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
    form: dict[str, list[str]]


class Upstream(ThreadingHTTPServer):
    """Answers what `answer` says, and keeps what it was asked. `gate` holds every answer back."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer: Callable[[Asked], Said] = lambda _: Said(b"{}")
        self.asked: list[Asked] = []
        self.gate = threading.Event()
        self.gate.set()

    @property
    def url(self) -> str:
        """Its base, without a last slash."""
        return f"http://127.0.0.1:{self.server_port}"

    def says(self, body: Any, status: int = 200) -> None:
        """Answer the same to everything; what is no text goes out as JSON."""
        told = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answer = lambda _: Said(told, status)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Upstream

    def do_GET(self) -> None:
        """Keep it and answer."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Keep its form too."""
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        form = parse_qs(body.decode())
        asked = Asked(parts.path, parse_qs(parts.query), dict(self.headers), form)
        self.server.asked.append(asked)
        self.server.gate.wait(30)
        said = self.server.answer(asked)
        self.send_response(said.status)
        for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Say nothing."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A server that runs until the test is over."""
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.gate.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """An HTTP client for one test."""
    with httpx.Client(trust_env=False) as opened:
        yield opened
