"""The reviewers' side on the web: pages, REST API, live events. No credential of an agent or a proxy works here.

Importing this package loads no web library; `app` and `serve` do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from toolguard.guard import Guard


def app(guard: Guard) -> Starlette:
    """The ASGI application; it closes nothing that it was given."""
    from toolguard.review.application import application

    return application(guard)


def serve(guard: Guard, host: str | None = None, port: int | None = None) -> None:
    """Listen until a signal ends it. Host and port default to the configuration's.

    Raises ConfigError when the address cannot be used.
    """
    from toolguard.review.server import run

    run(guard, host or guard.config.review.host, guard.config.review.port if port is None else port)
