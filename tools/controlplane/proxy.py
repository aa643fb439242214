"""A proxy in front of a real API server that fails on demand, as the sandbox does.

It speaks TLS with the server's own certificate, so that a client cannot tell the two apart but by
the port. A fault never changes what is sent on: it hides an answer, or keeps a request back.
"""

import http.client
import logging
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from sandbox.faults import Fault, Faults, fault_response
from sandbox.requests import Request, Response
from tools.controlplane.paths import verb_of

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
UPSTREAM_SECONDS_MAX = 120.0
IDLE_SECONDS = 60
JOIN_SECONDS = 5.0
CHUNK_BYTES = 64 * 1024
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "upgrade", "te"}


class Upstream(NamedTuple):
    """The server behind: where it is, how its certificate is checked, what is added to requests."""

    host: str
    port: int
    context: ssl.SSLContext | None
    headers: tuple[tuple[str, str], ...] = ()

    def connect(self) -> http.client.HTTPConnection:
        """A connection that is not yet open."""
        if self.context is None:
            return http.client.HTTPConnection(self.host, self.port, timeout=UPSTREAM_SECONDS_MAX)
        return http.client.HTTPSConnection(
            self.host, self.port, timeout=UPSTREAM_SECONDS_MAX, context=self.context
        )


class FaultProxy:
    """Listens on a free loopback port until `stop`; `faults` are taken as the sandbox takes them.

    With `certificate` (certificate file, key file) it speaks TLS, else plain HTTP.
    """

    def __init__(self, upstream: Upstream, certificate: tuple[str, str] | None = None) -> None:
        self.faults = Faults()
        self._server = _Server(upstream, self.faults, certificate)
        self._thread = threading.Thread(target=self._listen, name="fault-proxy", daemon=True)

    @property
    def url(self) -> str:
        """The address that clients are given."""
        scheme = "http" if self._server.tls is None else "https"
        return f"{scheme}://{HOST}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.cut_all()
        self._server.server_close()
        self._thread.join(JOIN_SECONDS)

    def _listen(self) -> None:
        self._server.serve_forever(poll_interval=0.05)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True
    block_on_close = False

    def __init__(
        self, upstream: Upstream, faults: Faults, certificate: tuple[str, str] | None
    ) -> None:
        self.upstream = upstream
        self.faults = faults
        self.stopping = threading.Event()
        self.tls = _context(certificate) if certificate else None
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((HOST, 0), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the connection's own thread, so that a slow client holds nobody up."""
        request.settimeout(IDLE_SECONDS)
        if self.tls is not None:
            request = self.tls.wrap_socket(request, server_side=True)
        with self._lock:
            self._connections.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            with self._lock:
                self._connections.discard(request)
            request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - inherited
        """A client that goes away, even in the handshake, is no error here."""
        logger.debug("proxy connection ended", exc_info=sys.exception())

    def cut_all(self) -> None:
        """End connections that wait; their threads end with them."""
        self.stopping.set()
        with self._lock:
            left = list(self._connections)
        for connection in left:
            _cut(connection)


def _context(certificate: tuple[str, str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def _cut(connection: socket.socket) -> None:
    try:
        # TLS would say goodbye first; the connection's own descriptor does not.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        # The peer was faster.
        return


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # One buffer for head and body: two small packets would wait for each other.
    wbufsize = -1
    server: _Server
    _upstream: http.client.HTTPConnection | None = None

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError, ssl.SSLError):
            self.close_connection = True
        finally:
            self._forget_upstream()

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            # What a reset connection had left to say is for nobody.
            return

    def _serve(self) -> None:
        body = b"".join(self._body())
        request = self._request(body)
        fault = self.server.faults.take(request)
        if fault is not None and fault.kind == "delay":
            self.server.stopping.wait(fault.delay_seconds)
        if fault is not None and fault.before_commit:
            self._break(fault)
            return
        answer = self._forward(body)
        if fault is not None and fault.after_commit:
            answer.read()
            self._break(fault)
            return
        self._pass_on(answer)

    # The base class finds a method's handler by these names.
    do_DELETE = do_GET = do_HEAD = _serve  # noqa: N815
    do_OPTIONS = do_PATCH = do_POST = do_PUT = _serve  # noqa: N815

    def _request(self, body: bytes) -> Request:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        return Request(
            method=self.command,
            path=parts.path,
            query=query,
            headers={name.lower(): value for name, value in self.headers.items()},
            raw=body,
            verb=verb_of(self.command, parts.path, watches="watch" in query),
        )

    def _body(self) -> Iterator[bytes]:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                """Trailers mean nothing here."""
        else:
            yield self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _forward(self, body: bytes) -> http.client.HTTPResponse:
        """The answer of the server behind, whose body is still to be read.

        A fresh connection each time: one that the server closed meanwhile would lose a write.
        """
        self._forget_upstream()
        upstream = self._upstream = self.server.upstream.connect()
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in (*self.headers.items(), *self.server.upstream.headers):
            if name.lower() not in _HOP_BY_HOP:
                upstream.putheader(name, value)
        if body or self.command in {"POST", "PUT", "PATCH"}:
            upstream.putheader("Content-Length", str(len(body)))
        upstream.endheaders(body)
        return upstream.getresponse()

    def _pass_on(self, answer: http.client.HTTPResponse) -> None:
        """Every header and, as it comes, every byte: a watch must not wait for its end."""
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        length = answer.getheader("Content-Length")
        has_body = self.command != "HEAD" and answer.status not in {204, 304}
        if length is not None:
            self.send_header("Content-Length", length)
        elif has_body:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        if has_body:
            self._pass_on_body(answer, chunked=length is None)

    def _pass_on_body(self, answer: http.client.HTTPResponse, *, chunked: bool) -> None:
        while piece := answer.read1(CHUNK_BYTES):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            self.wfile.flush()
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()

    def _break(self, fault: Fault) -> None:
        if fault.resets:
            self.close_connection = True
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return
        self._send(fault_response(fault))

    def _send(self, response: Response) -> None:
        self.send_response(response.code)
        self.send_header("Content-Type", response.media_type)
        self.send_header("Content-Length", str(len(response.content)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.content)
        self.wfile.flush()

    def _forget_upstream(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
            self._upstream = None

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - inherited
        logger.debug("proxy http", extra={"line": format % args})
