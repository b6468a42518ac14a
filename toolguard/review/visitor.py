"""Who sits in front of the browser: the session cookie, the token against forged forms, and reading what they sent.

A cookie is the only thing a browser adds by itself, so every change also needs the form's token, which another
site cannot read (and, before that, the origin checks of shield.py).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from toolguard.review.shield import BODY_LIMIT

if TYPE_CHECKING:
    from toolguard.guard import Guard, Reviewer

SESSION_SECONDS: Final = 14 * 24 * 3600
FIELDS: Final = 60
# A path of our own pages, with a query. No scheme, no host, no `//`: signing in never sends anyone elsewhere.
_OWN_PATH: Final = re.compile(r"/(?:[A-Za-z0-9_.~-]+/?)*(?:\?[A-Za-z0-9_.~%&=+-]*)?")


@dataclass(frozen=True, slots=True)
class Visitor:
    """A signed-in reviewer."""

    reviewer: Reviewer
    secret: str

    @property
    def csrf(self) -> str:
        """The form token: follows from the session's secret, so nothing is stored, and does not give it away."""
        return hmac.new(self.secret.encode(), b"toolguard/csrf/v1", hashlib.sha256).hexdigest()


def guard_of(request: Request) -> Guard:
    guard: Guard = request.app.state.guard
    return guard


def cookie_name(request: Request) -> str:
    """Cookies of one host are shared by all its ports: each port has a name of its own, so two guards do not sign each
    other's people out. Under https the prefix binds the cookie to this very host."""
    if is_https(request):
        return "__Host-toolguard"
    server = request.scope.get("server")
    return f"toolguard-{server[1] if server else 0}"


def is_https(request: Request) -> bool:
    return request.url.scheme == "https" or guard_of(request).config.review.url.startswith("https:")


async def visitor(request: Request) -> Visitor | None:
    """The reviewer whose session this is."""
    secret = request.cookies.get(cookie_name(request), "")
    if not secret or not secret.isascii():
        return None
    reviewer = await run_in_threadpool(guard_of(request).reviewers.by_session, secret)
    return Visitor(reviewer, secret) if reviewer is not None else None


async def bearer(request: Request) -> Reviewer | None:
    """The reviewer whose token the Authorization header carries."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or not token.isascii():
        return None
    return await run_in_threadpool(guard_of(request).reviewers.by_token, token)


def keep(response: Response, request: Request, secret: str) -> None:
    """Give the browser its session."""
    response.set_cookie(
        cookie_name(request),
        secret,
        max_age=SESSION_SECONDS,
        path="/",
        secure=is_https(request),
        httponly=True,
        samesite="strict",
    )


def forget(response: Response, request: Request) -> None:
    response.delete_cookie(cookie_name(request), path="/", secure=is_https(request), httponly=True, samesite="strict")


async def body(request: Request) -> bytes:
    """The whole body. Raises HTTPException 413 as soon as it is too large, whatever the headers said."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > BODY_LIMIT:
            raise HTTPException(413, f"A body may have {BODY_LIMIT:,} bytes at most.")
    return bytes(received)


async def form(request: Request) -> dict[str, str]:
    """The fields of a form that one of our pages sent. Raises HTTPException when it is none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "This address takes the form that its page sends.")
    try:
        pairs = parse_qsl(
            (await body(request)).decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS
        )
    except ValueError:
        raise HTTPException(400, "This form cannot be read.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise HTTPException(400, "This form has a field twice.")
    return fields


def is_genuine(visitor: Visitor, fields: dict[str, str]) -> bool:
    """Whether the form came from a page that this session was given."""
    return hmac.compare_digest(visitor.csrf, fields.get("csrf", "").encode("ascii", "replace").decode())


def own_path(text: str | None) -> str:
    """A path to go on to after signing in; the list when it is none of ours."""
    return text if text and len(text) <= 500 and _OWN_PATH.fullmatch(text) else "/"
