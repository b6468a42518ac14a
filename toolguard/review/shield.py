"""What every request and answer passes: whose address it was sent to, where it came from, how large it is.

The page is an ordinary web site on the reviewer's own machine, so any other site open in the same browser can send
requests to it. A name that is not ours is refused (DNS rebinding), a change that another site started is refused
(Origin and Sec-Fetch-Site), and no answer may be framed, sniffed, cached or referred from.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from toolguard.review.answers import problem, refusal_page

BODY_LIMIT: Final = 64 * 1024
"""A vote with its longest reason is under 3 kB."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]", "toolguard.localhost")

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow, noarchive",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
# `/healthz` and `/readyz` are asked by watchdogs under whatever name they have, and say nothing worth protecting.
OPEN_TO_ANY_NAME: Final = frozenset({"/healthz", "/readyz"})


FOR_PROGRAMS: Final = ("/api/", "/webhooks/", "/slack/")
# Their callers prove themselves with a token or a signature in every request, never with a cookie.


class Shield:
    """Wraps the application; `url` is the address that links name, when it is not the one we listen on."""

    def __init__(self, app: ASGIApp, url: str = "") -> None:
        self.app = app
        self.named = urlsplit(url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await (self._refusal(scope) or self.app)(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        """The answer to a request that must not reach a route."""
        headers = Headers(scope=scope)
        if scope["path"] not in OPEN_TO_ANY_NAME and not self.is_our_name(headers, scope):
            return _answer(scope, 421, "This address is not one that toolguard answers to.")
        if _length(headers) > BODY_LIMIT:
            return _answer(scope, 413, f"A body may have {BODY_LIMIT:,} bytes at most.")
        if scope["method"] not in SAFE and not self.is_from_us(headers, scope):
            return _answer(
                scope, 403, "This request came from another site, or by an address that is neither https nor loopback."
            )
        return None

    def is_our_name(self, headers: Headers, scope: Scope) -> bool:
        hosts = headers.getlist("host")
        return len(hosts) == 1 and hosts[0].lower() in self._names(scope)

    def _names(self, scope: Scope) -> set[str]:
        names = {self.named.netloc.lower()} if self.named.netloc else set()
        server = scope.get("server")
        if server is None or server[1] is None:  # a Unix socket has no name of its own
            return names
        address, port = server
        spelled = f"[{address}]" if ":" in address else address
        for name in (*LOOPBACK_NAMES, spelled):
            names.add(f"{name}:{port}")
            if port == 80:
                names.add(name)
        return names

    def is_from_us(self, headers: Headers, scope: Scope) -> bool:
        """Whether one of our own pages started this change; a program with a token has neither header."""
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if origin not in (None, "null") and origin not in self._origins(headers):
            return False
        if site is not None:
            return site == "same-origin"
        # Our pages send no referrer, which turns Origin into `null` (Fetch standard, section 3.2); the browser then
        # still sends Sec-Fetch-Site on https and loopback. Without either, only a program with a token may write.
        return origin not in (None, "null") or (origin is None and _is_program(headers, scope))

    def _origins(self, headers: Headers) -> set[str]:
        origins = {f"http://{headers['host'].lower()}"}
        if self.named.netloc:
            origins.add(f"{self.named.scheme}://{self.named.netloc}".lower())
        return origins


def _is_program(headers: Headers, scope: Scope) -> bool:
    return str(scope["path"]).startswith(FOR_PROGRAMS) and "cookie" not in headers


def _length(headers: Headers) -> int:
    value = headers.get("content-length", "0")
    return int(value) if value.isascii() and value.isdigit() else BODY_LIMIT + 1


def _answer(scope: Scope, status: int, text: str) -> ASGIApp:
    return problem(status, text) if str(scope["path"]).startswith(FOR_PROGRAMS) else refusal_page(status, text)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending
