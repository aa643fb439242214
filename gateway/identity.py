"""Who is at the door: a source or a person by token, or a person by the session cookie.

The policy file keeps SHA-256 of tokens only; comparison is constant-time over all of them. The
cookie names the person and a proof of the token it was obtained with, so that taking a token out
of the file ends its sessions.
"""

import base64
import binascii
import hashlib
import hmac
import logging
from collections.abc import Iterable
from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from contracts.errors import NotAllowed
from contracts.policy import Person, Role, Source, SourceKind
from gateway.doors import Doors, doors
from gateway.errors import Unauthenticated

logger = logging.getLogger(__name__)

SESSION_PERSON = "person"
SESSION_PROOF = "proof"
ACTING: tuple[Role, ...] = ("responder", "admin")
READING: tuple[Role, ...] = ("responder", "manager", "author", "admin")
_TOKEN_BYTES_MAX = 4_096


class Signed(NamedTuple):
    """A person, and whether the browser's cookie says so (then forms need their token)."""

    person: Person
    by_cookie: bool


def digest_of_token(token: str) -> str:
    """What the policy file keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def holds(digests: Iterable[str], digest: str) -> bool:
    """Whether `digest` is among them; takes the same time wherever it stands."""
    return sum(hmac.compare_digest(known, digest) for known in digests) > 0


def sent_token(request: Request) -> str:
    """The token of the Authorization header: Bearer, or the password of Basic; else empty."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    value = value.strip()
    if len(value) > _TOKEN_BYTES_MAX:
        return ""
    if scheme.lower() == "bearer":
        return value
    return _basic_password(value) if scheme.lower() == "basic" else ""


def _basic_password(value: str) -> str:
    try:
        pair = base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return pair.partition(":")[2]


def person_of_token(doors_: Doors, token: str) -> Person | None:
    """The person whose token this is."""
    digest = digest_of_token(token)
    found = [p for p in doors_.policy.people if holds(p.token_sha256, digest)]
    return found[0] if token and found else None


def source_of_token(doors_: Doors, token: str) -> Source | None:
    """The source whose token this is."""
    digest = digest_of_token(token)
    found = [s for s in doors_.policy.sources if holds(s.token_sha256, digest)]
    return found[0] if token and found else None


def require_source(request: Request, kind: SourceKind) -> Source:
    """The source that sends; raises Unauthenticated, or NotAllowed for another door's token."""
    source = source_of_token(doors(request), sent_token(request))
    if source is None:
        logger.warning("unknown sender", extra={"path": request.url.path})
        fix = "Send the token of a [[sources]] entry, as Bearer or as the password of Basic."
        raise Unauthenticated("the sender's token is missing or unknown", fix)
    if source.kind != kind:
        fix = f"Send it to the door for {source.kind}, or use a token of a {kind} source."
        raise NotAllowed(f"this token belongs to source {source.name} ({source.kind})", fix)
    return source


def proof_of(doors_: Doors, token_digest: str) -> str:
    """What a cookie carries instead of the token's digest."""
    secret = doors_.session_secret.get_secret_value().encode()
    return hmac.new(secret, token_digest.encode(), hashlib.sha256).hexdigest()


def _by_cookie(request: Request) -> Person | None:
    here = doors(request)
    person = here.policy.person(str(request.session.get(SESSION_PERSON, "")))
    proof = str(request.session.get(SESSION_PROOF, ""))
    if person is None:
        return None
    proofs = [proof_of(here, digest) for digest in person.token_sha256]
    return person if holds(proofs, proof) else None


def signed_in(request: Request) -> Signed | None:
    """The person at the door, or None. A token that is sent is the only thing looked at."""
    if "authorization" in request.headers:
        person = person_of_token(doors(request), sent_token(request))
        return Signed(person, by_cookie=False) if person else None
    person = _by_cookie(request)
    return Signed(person, by_cookie=True) if person else None


def require_signed(request: Request) -> Signed:
    """A FastAPI dependency: somebody we know, or Unauthenticated."""
    signed = signed_in(request)
    if signed is None:
        raise Unauthenticated("you are not signed in")
    return signed


def require_reader(signed: Annotated[Signed, Depends(require_signed)]) -> Person:
    """A FastAPI dependency: a person who may look."""
    return _with_role(signed.person, READING)


def require_known(request: Request) -> str:
    """A FastAPI dependency for machines' pages: the name of a person or a source."""
    source = source_of_token(doors(request), sent_token(request))
    return source.name if source else require_signed(request).person.id


def _with_role(person: Person, roles: tuple[Role, ...]) -> Person:
    if not set(person.roles) & set(roles):
        wanted, have = " or ".join(roles), " and ".join(person.roles) or "none"
        fix = f"Ask somebody with the role {wanted}, or have yours changed in firebreak.toml."
        raise NotAllowed(f"this needs the role {wanted}; {person.name} has {have}", fix)
    return person


def must_act(person: Person) -> Person:
    """Raise NotAllowed unless the person may change what runs."""
    return _with_role(person, ACTING)
