"""What every answer and every body of this app must be, whichever route made it.

Plain ASGI, so that streams stay streams.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.errors import TooLarge

ALERT_BYTES_MAX = 10_000_000
BODY_BYTES_MAX = 65_536
# A view comes back whole with each submission.
SLACK_BYTES_MAX = 1_000_000
_DIGITS_MAX = 18

# Pico's icons are data: images; everything else is ours. No inline script or style exists.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def _is_more(digits: str, bytes_max: int) -> bool:
    # Python refuses to read numbers of thousands of digits, so their length is looked at first.
    return len(digits) > _DIGITS_MAX or int(digits) > bytes_max


def _bytes_max(path: str) -> int:
    """How much the door at that path takes."""
    if path.startswith("/slack/"):
        return SLACK_BYTES_MAX
    return ALERT_BYTES_MAX if path.startswith("/alerts/") else BODY_BYTES_MAX


class SafeAnswers:
    """Adds the security headers; nothing but static files may be stored by a cache."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with `send` wrapped."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        stored = "no-cache" if scope["path"].startswith("/static/") else "no-store"

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS | {"Cache-Control": stored})
                headers.add_vary_header("Accept")
            await send(message)

        await self.app(scope, receive, send_safely)


class BoundedBodies:
    """Raises `TooLarge` into whoever reads more of a body than its door takes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with `receive` wrapped."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        bytes_max = _bytes_max(scope["path"])
        announced, seen = Headers(scope=scope).get("content-length", ""), 0
        promised_too_much = announced.isdecimal() and _is_more(announced, bytes_max)

        async def receive_bounded() -> Message:
            nonlocal seen
            if promised_too_much:
                raise TooLarge(f"the body is larger than {bytes_max} bytes")
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > bytes_max:
                raise TooLarge(f"the body is larger than {bytes_max} bytes")
            return message

        await self.app(scope, receive_bounded, send)
