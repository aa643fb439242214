"""One shape for every answer: JSON for programs, a calm page for people, errors included.

JSON is the default; HTML only for a client that asks for it. An error says what to do next, and
never shows what the program looked like inside.
"""

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException

from contracts.errors import FirebreakError, Retry
from gateway.errors import status_of
from gateway.middleware import HEADERS
from gateway.pages import render

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 5
_WORDS = {
    404: ("not_found", "Check the address, or begin at /incidents."),
    405: ("method_not_allowed", "See /openapi.json for what this address takes."),
    413: ("too_large", "Send less at once."),
}
_TITLES = {
    401: "Please sign in",
    403: "Not allowed",
    404: "Not found",
    409: "Not any more",
    410: "Too late",
    500: "Something broke",
    501: "Not built yet",
    503: "Not now",
}


def wants_html(request: Request) -> bool:
    """Whether the client asks for HTML: by its Accept header, or because htmx sent it."""
    accepted = request.headers.get("accept", "")
    return "text/html" in accepted or request.headers.get("hx-request") == "true"


def error_body(code: str, message: str, fix: str) -> dict[str, Any]:
    """The JSON of every error."""
    return {"error": {"code": code, "message": message, "fix": fix}}


def install(app: FastAPI) -> None:
    """Answer every error of the tree, of the framework, and every bug in the one shape."""
    app.add_exception_handler(FirebreakError, _ours)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RequestValidationError, _query)
    app.add_exception_handler(Exception, _bug)


async def _ours(request: Request, err: Exception) -> Response:
    if not isinstance(err, FirebreakError):
        raise err
    status = status_of(err)
    if status == HTTPStatus.UNAUTHORIZED and wants_html(request):
        return to_login(request)
    answer = await _answer(request, status, error_body(err.code, err.message, err.fix))
    if status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="firebreak"'
    if isinstance(err, Retry):
        answer.headers["Retry-After"] = str(_RETRY_SECONDS)
    return answer


async def _framework(request: Request, err: Exception) -> Response:
    if not isinstance(err, HTTPException):
        raise err
    code, fix = _WORDS.get(err.status_code, ("http_error", "See /openapi.json."))
    answer = await _answer(request, err.status_code, error_body(code, str(err.detail), fix))
    answer.headers.update(err.headers or {})
    return answer


async def _query(request: Request, err: Exception) -> Response:
    faults = err.errors()[:5] if isinstance(err, RequestValidationError) else []
    text = "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in faults)
    fix = "Correct the parameter; /openapi.json names all of them."
    return await _answer(request, 422, error_body("invalid", text, fix))


async def _bug(request: Request, err: Exception) -> Response:
    logger.error("unhandled error", exc_info=err, extra={"path": request.url.path})
    fix = "Try again; if it lasts, read the gateway's log."
    answer = await _answer(request, 500, error_body("internal", "the gateway failed here", fix))
    # This answer is made outside of our middleware.
    answer.headers.update(HEADERS)
    return answer


async def _answer(request: Request, status: int, body: dict[str, Any]) -> Response:
    if not wants_html(request):
        return JSONResponse(body, status_code=status)
    return await render(
        request, "error.html", status, title=_TITLES.get(status, "That cannot be used"), **body
    )


def to_login(request: Request) -> Response:
    """Send a browser to the sign-in page, and back here afterwards."""
    came_for = request.url.path if request.method == "GET" else "/incidents"
    query = f"?{request.url.query}" if request.method == "GET" and request.url.query else ""
    target = f"/login?next={quote(came_for + query, safe='/')}"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    return RedirectResponse(target, status_code=303)
