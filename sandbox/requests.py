"""One request and one response, free of sockets, so that the API can be read without HTTP.

Parsing is strict where the real server is strict, and reading a parameter never has an effect.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.objects import Object
from sandbox.status import ApiError, bad_request, not_implemented


@dataclass(frozen=True)
class Request:
    """What came in. `headers` are lower case; `user` is empty until the token was known."""

    method: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = b""
    user: str = ""
    verb: str = ""

    def param(self, name: str) -> str:
        """The first value of a query parameter, or the empty string."""
        return self.query.get(name, [""])[0]

    def number(self, name: str) -> int | None:
        """An integer parameter, or None; raises ApiError 400 for anything else."""
        text = self.param(name)
        if not text:
            return None
        if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit():
            raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
        return int(text)

    def flag(self, name: str) -> bool:
        """A boolean parameter as the real server reads it: everything but 0 and false is true."""
        return name in self.query and self.param(name).lower() not in {"0", "false"}

    @property
    def user_agent(self) -> str:
        """The User-Agent header, under which writes are counted."""
        return self.headers.get("user-agent", "")

    @property
    def field_manager(self) -> str:
        """The fieldManager parameter."""
        return self.param("fieldManager")

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def body(self) -> Any:
        """The decoded body; None when it is empty; raises ApiError 400 when it is no JSON, 501 when
        it is protobuf.
        """
        if not self.raw:
            return None
        if self.media_type.endswith("protobuf"):
            raise not_implemented(f"bodies of type {self.media_type}")
        try:
            return json.loads(self.raw, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise bad_request(f"error decoding the body: json parse error: {error}") from error

    @property
    def dry_run(self) -> tuple[str, ...]:
        """The dryRun values; a DELETE with a body is asked through the body alone.

        The real server reads DeleteOptions from the body *or* from the query, never from both.
        """
        if self.method == "DELETE" and self.raw:
            body = self.body
            return tuple(body.get("dryRun") or ()) if isinstance(body, dict) else ()
        return tuple(value for value in self.query.get("dryRun", []) if value)


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"invalid number {text}")


@dataclass(frozen=True)
class Response:
    """What goes out. `effective` says that a stored object really changed; `stream` are the parts
    of an answer that goes on, after `content`.
    """

    code: int
    content: bytes
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    effective: bool = False
    stream: Iterator[bytes] | None = None


def json_response(code: int, body: Object, *, effective: bool = False) -> Response:
    """An answer that is one JSON document."""
    return Response(code, json.dumps(body).encode(), effective=effective)


def text_response(code: int, text: str, **headers: str) -> Response:
    """An answer in plain text; underscores in header names become dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(code, text.encode(), "text/plain; charset=utf-8", named)


def error_response(error: ApiError) -> Response:
    """The Status of an error; Retry-After is sent only when it is positive."""
    seconds = error.retry_after_seconds
    headers = {"Retry-After": str(seconds)} if seconds > 0 else {}
    return Response(error.code, json.dumps(error.body()).encode(), headers=headers)
