"""Bodies of routes that change something: JSON from programs, forms from our own pages.

A browser sends its cookie by itself, also for a page of somebody else; so whatever comes with a
cookie must carry the token of our form, and come from our own origin. A bearer token is proof
enough.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from contracts.errors import InvalidInput
from contracts.policy import Person
from gateway.doors import doors
from gateway.errors import ForgedForm, UnsupportedMedia
from gateway.identity import Signed, require_signed
from gateway.strict_json import parse

FORM_TOKEN = "csrf"  # noqa: S105 - the name of a form field
_SESSION_TOKEN = "csrf"  # noqa: S105 - the name of a session key
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_FIELDS_MAX = 50

B = TypeVar("B", bound=BaseModel)


def form_token(request: Request) -> str:
    """The token that our forms carry; made at sign-in, lasts as long as the session."""
    return str(request.session.get(_SESSION_TOKEN, ""))


def new_form_token(request: Request) -> None:
    """Give the session a fresh token."""
    request.session[_SESSION_TOKEN] = secrets.token_urlsafe(32)


def check_origin(request: Request) -> None:
    """Refuse what another site's page sends."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise ForgedForm("the request comes from another site")
    origin = request.headers.get("origin")
    if origin is None:
        return
    own = (urlsplit(doors(request).public_url).netloc, request.headers.get("host", ""))
    if urlsplit(origin).netloc not in own or not urlsplit(origin).netloc:
        raise ForgedForm("the request comes from another site")


async def require_sender(
    request: Request, signed: Annotated[Signed, Depends(require_signed)]
) -> Person:
    """A FastAPI dependency: the person, sure that they meant to send this."""
    if signed.by_cookie:
        check_origin(request)
        sent = request.headers.get("x-csrf-token") or await _field(request, FORM_TOKEN)
        known = form_token(request)
        if not known or not hmac.compare_digest(sent.encode(), known.encode()):
            raise ForgedForm("the form's token is missing or old")
    return signed.person


async def _field(request: Request, name: str) -> str:
    if media_type(request) not in _FORMS:
        return ""
    form = await request.form(max_files=0, max_fields=_FIELDS_MAX)
    return str(form.get(name, ""))


def media_type(request: Request) -> str:
    """The content type without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(request: Request) -> bool:
    """Whether the body calls itself JSON, in UTF-8, uncompressed."""
    kind, _, rest = request.headers.get("content-type", "").lower().partition(";")
    charset = rest.partition("charset=")[2].strip(' "')
    plain = request.headers.get("content-encoding", "identity").lower() == "identity"
    named = kind.strip() == "application/json" or kind.strip().endswith("+json")
    return named and plain and charset in ("", "utf-8", "utf8")


def body_of(model: type[B]) -> Callable[[Request], Awaitable[B]]:
    """A FastAPI dependency that reads a JSON or form body into `model`.

    Raises:
        NotJson, UnsupportedMedia, InvalidInput: with the field at fault.

    """

    async def read(request: Request) -> B:
        try:
            return model.model_validate(await _values(request))
        except ValidationError as err:
            raise InvalidInput(_faults(err)) from err

    return read


async def _values(request: Request) -> Any:
    if media_type(request) in _FORMS:
        form = await request.form(max_files=0, max_fields=_FIELDS_MAX)
        return {name: value for name, value in form.items() if value != ""}
    body = await request.body()
    if not body:
        return {}
    if not is_json(request):
        raise UnsupportedMedia("this route reads JSON or a form")
    return parse(body)


def _faults(err: ValidationError) -> str:
    faults = err.errors(include_url=False, include_input=False)
    texts = (f"{_place(f)}: {f['msg'].removeprefix('Value error, ')}" for f in faults[:5])
    return "; ".join(texts)


def _place(fault: ErrorDetails) -> str:
    return ".".join(map(str, fault["loc"])) or "the body"


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """The `openapi_extra` of a route that uses `body_of(model)`."""
    schema = model.model_json_schema()
    media = {"schema": schema}
    content = {"application/json": media, "application/x-www-form-urlencoded": media}
    return {"requestBody": {"content": content, "required": True}}
