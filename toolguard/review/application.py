"""All routes of the reviewers' side, and what surrounds them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from toolguard import channels
from toolguard.channels import anchoring, tracing
from toolguard.channels.slack import Slack
from toolguard.errors import StoreError
from toolguard.guard import retaining
from toolguard.review import audit_pages, callbacks, pages, passkey_pages, rest, slack_actions, standing_pages
from toolguard.review.answers import STATIC, JsonResponse, problem, refusal_page, static_bytes
from toolguard.review.feed import Feed
from toolguard.review.noting import Noting
from toolguard.review.shield import Shield
from toolguard.review.visitor import guard_of
from toolguard.store.search import SearchIndex

if TYPE_CHECKING:
    from toolguard.guard import Guard

INDEX_SECONDS: Final = 1.0
"""At most so long in one go is spent on the search index."""
TEND_EVERY: Final = 5.0
"""Seconds between two looks for requests whose time is over and calls whose process is gone."""


def application(guard: Guard) -> Starlette:
    """The application of one guard; people whom the configuration declares are enrolled first.

    Raises ConfigError when a secret that it names cannot be read.
    """
    for declared in guard.config.reviewers:
        guard.reviewers.declare(declared)
    told = channels.opened(guard.config.channels)
    beside_the_log = _beside_the_log(guard)
    app = Starlette(
        routes=[
            *pages.ROUTES,
            *passkey_pages.ROUTES,
            *standing_pages.ROUTES,
            *audit_pages.ROUTES,
            *callbacks.ROUTES,
            *slack_actions.ROUTES,
            Route("/static/{name}", static_file),
            Route("/healthz", health),
            Route("/readyz", readiness),
            Mount("/api/v1", routes=rest.routes()),
            # Anything else below /api answers as JSON too.
            Route("/api/{rest:path}", rest.nothing_here, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ],
        middleware=[Middleware(Noting, guard=guard), Middleware(Shield, url=guard.config.review.url)],
        exception_handlers={HTTPException: on_http_error, StoreError: on_store_error, Exception: on_error},  # type: ignore[dict-item]  # Starlette's type is invariant in the exception
        lifespan=_lifespan,
    )
    app.state.guard = guard
    app.state.feed = Feed(guard)
    app.state.channels = told
    app.state.beside_the_log = beside_the_log
    app.state.presses = [slack_actions.Presses(guard, channel) for channel in told if isinstance(channel, Slack)]
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        guard: Guard = app.state.guard
        running = [tasks.create_task(_tend(guard)), tasks.create_task(app.state.feed.run())]
        if app.state.channels:
            delivery = channels.Delivery(guard, app.state.channels, guard.now)
            running.append(tasks.create_task(delivery.run()))
        running += [tasks.create_task(each.run()) for each in app.state.beside_the_log]
        sockets = slack_actions.sockets(guard, app.state.presses)
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            for closing in (*sockets, *app.state.presses):
                await run_in_threadpool(closing.close)


def _beside_the_log(guard: Guard) -> list[anchoring.Anchoring | tracing.Tracing]:
    """What tells others of the log, as configured. Raises ConfigError when a secret cannot be read."""
    settings = guard.config.audit
    found: list[anchoring.Anchoring | tracing.Tracing] = []
    if settings.anchors:
        found.append(anchoring.Anchoring(guard, anchoring.opened(settings.anchors), guard.now))
    if settings.traces is not None:
        found.append(tracing.Tracing(guard, tracing.opened(settings.traces), version("toolguard-firewall")))
    return found


async def _tend(guard: Guard) -> None:
    """Requests end on time also while nobody looks, so that no page has to write when it is read; and the log's search
    index follows, so that nobody who searches waits for it."""
    index = SearchIndex(guard.store)
    while True:
        with contextlib.suppress(StoreError):
            await run_in_threadpool(guard.tend)
            await run_in_threadpool(index.catch_up, INDEX_SECONDS)
            await run_in_threadpool(retaining.apply_if_due, guard)
        await asyncio.sleep(TEND_EVERY)


async def static_file(request: Request) -> Response:
    """The style sheet, the script and the icon; their addresses carry a digest, so they never grow old."""
    name = request.path_params["name"]
    if name not in STATIC:
        raise HTTPException(404, "There is no such file.")
    return Response(
        static_bytes(name), media_type=STATIC[name], headers={"cache-control": "public, max-age=31536000, immutable"}
    )


async def health(request: Request) -> Response:
    """The process answers."""
    return JsonResponse({"status": "ok"})


async def readiness(request: Request) -> Response:
    """The database answers too."""
    try:
        await run_in_threadpool(guard_of(request).version)
    except StoreError:
        return JsonResponse({"status": "the database does not answer"}, 503)
    return JsonResponse({"status": "ok"})


async def on_http_error(request: Request, error: HTTPException) -> Response:
    if request.url.path.startswith("/api/"):
        answer = problem(error.status_code, error.detail)
    else:
        answer = refusal_page(error.status_code, _WORDS.get(error.status_code, error.detail))
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


_WORDS: Final = {404: "There is no such page.", 405: "This page cannot be used like that."}


async def on_store_error(request: Request, error: StoreError) -> Response:
    """Nothing is decided while the log cannot be written; the operator's terminal has the reason."""
    text = "The database cannot be used right now, so nothing can be decided. `toolguard doctor` says why."
    return (
        problem(503, text, code="log_unavailable") if request.url.path.startswith("/api/") else refusal_page(503, text)
    )


async def on_error(request: Request, error: Exception) -> Response:
    """Starlette logs the traceback; whoever asked learns nothing about our insides."""
    text = "toolguard failed on this request; nothing was decided by it."
    return problem(500, text) if request.url.path.startswith("/api/") else refusal_page(500, text)
