"""The two kinds of answer: an HTML page from a template, and JSON, whose errors are problem details (RFC 9457)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final

import jinja2
from starlette.responses import HTMLResponse, Response

from toolguard.core.canonical import canonical
from toolguard.core.layout.drawing import inline
from toolguard.review import words

STATIC: Final[Mapping[str, str]] = {
    "review.css": "text/css",
    "review.js": "text/javascript",
    "passkeys.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


def static_bytes(name: str) -> bytes:
    return files("toolguard.review").joinpath("static", name).read_bytes()


def _static_url(name: str) -> str:
    """The address of a static file with the digest of its content, so that a browser may keep it for ever."""
    return f"/static/{name}?v={_DIGESTS[name]}"


_DIGESTS: Final = {name: hashlib.sha256(static_bytes(name)).hexdigest()[:12] for name in STATIC}

_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("toolguard.review"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals["static"] = _static_url
_TEMPLATES.globals["standing"] = words.standing
_TEMPLATES.globals["channels"] = words.CHANNELS
_TEMPLATES.globals["headline_of"] = words.headline
_TEMPLATES.filters |= {
    "pieces": inline,
    "level": words.level,
    "clock": words.clock,
    "exact": words.exact,
    "ago": words.ago,
    "left": words.left,
}

_RENAMED: Final = {413: "Content Too Large", 422: "Unprocessable Content"}
"""By RFC 9110 in 2022; Python says so from 3.13 on, and our answers do not depend on it."""


def phrase(status: int) -> str:
    """The name of a status in RFC 9110."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase


def page(template: str, status: int = 200, **context: Any) -> Response:
    """A page; every value in it is escaped, whatever it is."""
    return HTMLResponse(_TEMPLATES.get_template(template).render(context), status)


def refusal_page(status: int, text: str) -> Response:
    """A page that says why not, and nothing else."""
    return page("message.html", status, reviewer=None, title=phrase(status), text=text)


class JsonResponse(Response):
    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return canonical(content)


class ProblemResponse(JsonResponse):
    media_type = "application/problem+json"


def problem(status: int, detail: str, *, code: str = "", **members: Any) -> Response:
    """An error as RFC 9457 has it; `code` is for programs, `detail` for people."""
    body = {"type": "about:blank", "title": phrase(status), "status": status, "detail": detail}
    headers = {"www-authenticate": 'Bearer realm="toolguard"'} if status == 401 else None
    return ProblemResponse(body | ({"code": code} if code else {}) | members, status, headers)
