"""Changing the arguments of a call before anybody approves it, on a page of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from toolguard.core.canonical import canonical, pretty
from toolguard.core.layout.leaves import label, leaves
from toolguard.core.layout.visible import escape
from toolguard.core.model import Json
from toolguard.core.secrets.redact import readable
from toolguard.core.strict_json import NotStrict, parse
from toolguard.review.answers import page
from toolguard.review.frame import everywhere, requested, signed_in, submitted
from toolguard.review.visitor import Visitor, guard_of

if TYPE_CHECKING:
    from toolguard.guard import RequestView

FORM_BYTES: Final = 16 * 1024
"""Of arguments in this form, whose encoding may triple them; longer ones are changed by REST or command line."""
DEPTH: Final = 64
SHOWN_CHANGES: Final = 40
SHOWN_LETTERS: Final = 4_000


@dataclass(frozen=True, slots=True)
class Change:
    """One place where an edited call differs from what the agent asked for."""

    where: str
    before: str
    """Empty where the agent sent nothing."""
    after: str
    """Empty where the value was taken out."""


def changes(view: RequestView) -> list[Change]:
    """What reviewers changed, place by place."""
    return list(_changes(view.edited.asked, view.arguments))[:SHOWN_CHANGES] if view.edited else []


def _changes(asked: Json, arguments: Json) -> Iterator[Change]:
    before, after = (dict(leaves(readable(value))) for value in (asked, arguments))
    for where in dict.fromkeys((*before, *after)):
        old, new = (_words(side, where) for side in (before, after))
        if old != new:
            yield Change(label(where), *(_only_changed(old, new) if "\n" in old + new else (old, new)))


def _only_changed(old: str, new: str) -> tuple[str, str]:
    """Of long texts the lines that differ; the call below shows them all."""
    lines = list(unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0))[2:]
    sides = ["\n".join(line[1:] for line in lines if line.startswith(sign)) for sign in "-+"]
    return sides[0][:SHOWN_LETTERS], sides[1][:SHOWN_LETTERS]


def _words(side: dict[str, Json], where: str) -> str:
    if where not in side:
        return ""
    value = side[where]
    return value if isinstance(value, str) and value else canonical(value).decode()


@signed_in
async def form(request: Request, visitor: Visitor) -> Response:
    """The arguments as JSON to write in, markers of secrets included."""
    return await _form(request, visitor, await requested(request))


@submitted
async def edit(request: Request, visitor: Visitor, fields: dict[str, str]) -> Response:
    """Put what was written in the place of the arguments; people then answer the call as it is now."""
    view = await requested(request)
    written = fields.get("arguments", "")
    try:
        arguments = parse(written, max_depth=DEPTH)
    except NotStrict as error:
        return await _form(request, visitor, view, written, f"Nothing was changed: this is no JSON: {error}.", 422)
    result = await run_in_threadpool(
        lambda: guard_of(request).edits.edit(
            view.id, visitor.reviewer, arguments, request_digest=fields.get("request_digest", ""), channel="web"
        )
    )
    if result.accepted and result.request is not None:
        return RedirectResponse(_address(result.request), 303)
    alert = result.text[:1].upper() + result.text[1:] + "."
    return await _form(request, visitor, view, written, alert, 422 if result.code == "bad_edit" else 409)


async def _form(
    request: Request, visitor: Visitor, view: RequestView, written: str = "", alert: str = "", status: int = 200
) -> Response:
    text = escape(pretty(view.arguments))
    return page(
        "edit.html",
        status,
        view=view,
        open=view.state == "pending",
        written=written or text,
        lines=min(24, max(6, (written or text).count("\n") + 2)),
        too_long=len(text.encode()) > FORM_BYTES,
        hides="$redacted" in text,
        alert=alert,
        **await everywhere(request, visitor),
    )


def _address(view: RequestView) -> str:
    return f"/approvals/{quote(view.id, safe='')}"


ROUTES: Final = [
    Route("/approvals/{id}/edit", form, methods=["GET"]),
    Route("/approvals/{id}/edit", edit, methods=["POST"]),
]
