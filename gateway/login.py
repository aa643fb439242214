"""Sign-in: a token becomes a session cookie, HttpOnly and SameSite=Strict.

The page carries no form token, because a session would have to be begun for a stranger: the
origin is checked instead. SameSite=Strict hides the cookie when a link in a chat leads here, so
the page asks once more by itself, from our own origin, and goes on when the session is there.
"""

import logging
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from contracts.policy import Person
from gateway.doors import Doors, doors
from gateway.errors import Unauthenticated
from gateway.forms import body_of, check_origin, new_form_token, require_sender, takes
from gateway.identity import (
    SESSION_PERSON,
    SESSION_PROOF,
    digest_of_token,
    person_of_token,
    proof_of,
    signed_in,
)
from gateway.pages import render

logger = logging.getLogger(__name__)
router = APIRouter(tags=["sign-in"])

HOME = "/incidents"
SESSION_SECONDS = 12 * 3600

Here = Annotated[Doors, Depends(doors)]


class LoginBody(BaseModel):
    """What the sign-in form sends."""

    token: str = Field(min_length=1, max_length=4096)
    next: str = HOME


def local_path(wanted: str) -> str:
    """`wanted` if it is a path on this host, else the start page."""
    parts = urlsplit(wanted)
    odd = "\\" in wanted or not wanted.isprintable()
    rooted = wanted.startswith("/") and not wanted.startswith("//")
    return HOME if parts.scheme or parts.netloc or odd or not rooted else wanted


@router.get("/login")
async def show(request: Request, next: str = HOME) -> Response:  # noqa: A002 - the query's name
    """The sign-in page; who is signed in goes on."""
    wanted = local_path(next)
    if signed_in(request) is None:
        if request.headers.get("hx-request") == "true":
            return Response(status_code=204)
        return await render(request, "login.html", next=wanted, refused="")
    if request.headers.get("hx-request") == "true":
        return Response(status_code=204, headers={"HX-Redirect": wanted})
    return RedirectResponse(wanted, status_code=303)


@router.post("/login", openapi_extra=takes(LoginBody))
async def sign_in(
    request: Request, here: Here, body: Annotated[LoginBody, Depends(body_of(LoginBody))]
) -> Response:
    """Begin a session; a wrong token shows the page again, or 401 to a program."""
    check_origin(request)
    person = person_of_token(here, body.token)
    if person is None:
        logger.warning("sign-in refused", extra={"path": "/login"})
        return await _refused(request, local_path(body.next))
    _begin(request, here, person, digest_of_token(body.token))
    return RedirectResponse(local_path(body.next), status_code=303)


async def _refused(request: Request, wanted: str) -> Response:
    if "text/html" not in request.headers.get("accept", ""):
        raise Unauthenticated("no person has this token", "Check the token, or ask for a new one.")
    refused = "No person has this token. Check it, or ask whoever keeps firebreak.toml."
    return await render(request, "login.html", 401, next=wanted, refused=refused)


def _begin(request: Request, here: Doors, person: Person, digest: str) -> None:
    request.session.clear()
    request.session[SESSION_PERSON] = person.id
    request.session[SESSION_PROOF] = proof_of(here, digest)
    new_form_token(request)
    logger.info("signed in", extra={"person": person.id})


@router.post("/logout")
async def sign_out(
    request: Request, person: Annotated[Person, Depends(require_sender)]
) -> Response:
    """End the session."""
    request.session.clear()
    logger.info("signed out", extra={"person": person.id})
    return RedirectResponse("/login", status_code=303)
