"""HTTP/1.1 with keep-alive on a loopback address: bytes in, bytes out, nothing decided.

Connections are remembered, because a server that is told to stop must be able to end the threads
that wait on idle ones.
"""

import logging
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sandbox.gate import Gate
from sandbox.requests import Request, Response, error_response
from sandbox.status import ApiError, bad_request, not_implemented

logger = logging.getLogger(__name__)

BODY_BYTES_MAX = 3 * 1024 * 1024
IDLE_SECONDS = 60
JOIN_SECONDS = 2.0


class Transport(ThreadingHTTPServer):
    """The listening socket, and one daemon thread for each connection."""

    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], gate: Gate) -> None:
        self.gate = gate
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start the thread of one connection, remembered before it runs."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._lock:
            self._open[request] = thread
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - inherited
        """A client that goes away is no error; everything else is a bug and is logged as one."""
        if isinstance(sys.exception(), ConnectionError | TimeoutError):
            return
        extra = {"client": str(client_address)}
        logger.error("sandbox connection failed", exc_info=sys.exception(), extra=extra)

    def close_connections(self) -> None:
        """End what still waits; bounded by JOIN_SECONDS for each connection."""
        with self._lock:
            left = dict(self._open)
        for connection in left:
            _shut(connection)
        for thread in left.values():
            thread.join(JOIN_SECONDS)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The peer was faster.
        return


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "firebreak-sandbox"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    # One buffer for head and body: two small packets would wait for each other.
    wbufsize = -1
    server: Transport

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _serve(self) -> None:
        try:
            response = self.server.gate.answer(self._request())
        except ApiError as error:
            self.close_connection = True
            response = error_response(error)
        if response is None:
            self._reset()
        else:
            self._send(response)

    # The base class finds a method's handler by these names.
    do_DELETE = do_GET = do_HEAD = _serve  # noqa: N815
    do_OPTIONS = do_PATCH = do_POST = do_PUT = _serve  # noqa: N815

    def _request(self) -> Request:
        parts = urlsplit(self.path)
        return Request(
            method=self.command,
            path=parts.path,
            query=parse_qs(parts.query, keep_blank_values=True),
            headers={name.lower(): value for name, value in self.headers.items()},
            raw=self._body(),
        )

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding"):
            raise not_implemented("chunked request bodies")
        length = self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit():
            raise bad_request("Content-Length must be a number of bytes")
        if int(length) > BODY_BYTES_MAX:
            message = f"Request entity too large: limit is {BODY_BYTES_MAX}"
            raise ApiError(413, "RequestEntityTooLarge", message)
        return self.rfile.read(int(length))

    def _send(self, response: Response) -> None:
        self.send_response(response.code)
        self.send_header("Content-Type", response.media_type)
        if response.stream is not None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(response.content)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if response.stream is not None:
            self._send_parts(response.stream)
        elif self.command != "HEAD":
            self.wfile.write(response.content)
        self.wfile.flush()

    def _send_parts(self, parts: Iterator[bytes]) -> None:
        """Chunked, each part as soon as it is there; a client may leave at any moment."""
        self.wfile.flush()
        for part in parts:
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header tells the cluster's time, which clients compare with its conditions."""
        at = self.server.gate.clock().timestamp() if timestamp is None else timestamp
        return super().date_time_string(at)

    def _reset(self) -> None:
        """Cut the connection with a TCP reset: the client cannot know what happened."""
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Malformed HTTP and unknown methods get a Status too, never a page."""
        self.close_connection = True
        reason = "NotImplemented" if code == HTTPStatus.NOT_IMPLEMENTED else "BadRequest"
        self._send(error_response(ApiError(code, reason, message or explain or "malformed HTTP")))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - inherited
        logger.debug("sandbox http", extra={"line": format % args})
