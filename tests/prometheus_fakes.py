"""A server in the place of a Prometheus that answers as told, and how activities ask it."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from activities_kubernetes.shop import Shelf
from temporalio.testing import ActivityEnvironment

from activities.prometheus import Prometheus, PromQLBelowCheck, PromQLLook
from contracts.signals import PromQL, PromQLBelow
from contracts.step import CheckCall, CheckResult, Evidence, StepCall
from contracts.target import Target

TARGET = Target(cluster="lab", namespace="shop", kind="Deployment", name="web")
START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


class Canned(ThreadingHTTPServer):
    """Answers the next of `answers` (status, body), the last one for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.answers: list[tuple[int, bytes]] = []
        self.asked: list[tuple[str, dict[str, list[str]], dict[str, str]]] = []
        self.headers: dict[str, str] = {}

    @property
    def url(self) -> str:
        """Its base URL, below a path as behind a proxy."""
        return f"http://127.0.0.1:{self.server_port}/prom/"

    def will_say(self, *results: Any, status: int = 200) -> None:
        """Answer these results one after another: vectors of (labels, value), or raw bodies."""
        self.answers = [(status, body if isinstance(body, bytes) else ok(body)) for body in results]

    def next_answer(self) -> tuple[int, bytes]:
        """The next one."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Page(BaseHTTPRequestHandler):
    """The one page of the canned server."""

    server: Canned

    def do_POST(self) -> None:
        """Keep the question and answer."""
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append((self.path, parse_qs(form), dict(self.headers)))
        status, body = self.server.next_answer()
        self.send_response(status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Say nothing."""


def ok(series: list[tuple[dict[str, str], str]], **more: Any) -> bytes:
    """A successful answer with these series."""
    result = [{"metric": labels, "value": [1.0, value]} for labels, value in series]
    data = {"resultType": "vector", "result": result}
    return json.dumps({"status": "success", "data": data, **more}).encode()


@pytest.fixture(name="canned")
def canned_fixture() -> Iterator[Canned]:
    """One that runs until the test is over."""
    with Canned() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(name="http")
def http_fixture() -> Iterator[httpx.Client]:
    """The worker's client."""
    with httpx.Client() as client:
        yield client


def look(prometheus: Prometheus, query: str = "up", **options: Any) -> tuple[Evidence, str]:
    """Ask a query: what history keeps, and the body on the shelf."""
    shelf = Shelf()
    step = PromQL(target=TARGET, query=query, **options)
    call: StepCall[Any] = StepCall(key="inc-1/1/1", incident="inc-1", at=START, step=step)
    evidence: Evidence = ActivityEnvironment().run(PromQLLook(prometheus, shelf).look, call)
    return evidence, shelf.body


class Checked:
    """A check on a clock that moves only while it sleeps."""

    def __init__(self, prometheus: Prometheus) -> None:
        self.now = START
        self.naps: list[float] = []
        self.heartbeats: list[Any] = []
        self.check = PromQLBelowCheck(prometheus, lambda: self.now, self.sleep)
        self.environment = ActivityEnvironment()
        self.environment.on_heartbeat = lambda *details: self.heartbeats.append(details)

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.naps.append(seconds)
        self.now += timedelta(seconds=seconds)

    def run(
        self, threshold: float = 0.5, *, steady_seconds: int = 0, within_seconds: int = 60
    ) -> CheckResult:
        """Wait for the query `up` to be below."""
        step = PromQLBelow(
            target=TARGET, query="up", threshold=threshold, steady_seconds=steady_seconds
        )
        call: CheckCall[Any] = CheckCall(
            key="inc-1/1/1", incident="inc-1", at=START, within_seconds=within_seconds, step=step
        )
        result: CheckResult = self.environment.run(self.check.check, call)
        return result


@pytest.fixture(name="checked")
def checked_fixture(canned: Canned, http: httpx.Client) -> Checked:
    """The check, asking the canned server."""
    return Checked(Prometheus({"lab": canned.url}, http))
