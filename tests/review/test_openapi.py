"""The OpenAPI document: it names every address for programs, and schemathesis finds what it says of them to be so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.routing import BaseRoute, Mount, Route

from tests.review.conftest import Site, config, guard, site
from tests.review.test_passkeys import problems
from toolguard.guard import Guard
from toolguard.review.application import application
from toolguard.review.openapi import document
from toolguard.review.shield import FOR_PROGRAMS, OPEN_TO_ANY_NAME

__all__ = ["config", "guard", "site"]

STREAM = "/api/v1/events"
"""Never ends by itself, so it is left out of what is tried at random."""


def operations(routes: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Path and method of every address that is no page."""
    for route in routes:
        if isinstance(route, Mount):
            yield from operations(list(route.routes), prefix + route.path)
        elif isinstance(route, Route) and "{rest" not in route.path:
            path = prefix + route.path
            if path.startswith(FOR_PROGRAMS) or path in OPEN_TO_ANY_NAME:
                yield from ((path, method.lower()) for method in (route.methods or set()) - {"HEAD"})


def test_every_address_for_programs_is_in_the_document_and_no_other(guard: Guard) -> None:
    documented = {(path, method) for path, methods in document()["paths"].items() for method in methods}

    assert set(operations(list(application(guard).routes))) == documented


def test_nothing_that_is_tried_at_random_is_a_fault_of_the_server(site: Site, tmp_path: Path) -> None:
    for number in range(3):
        site.ask(command=f"make {number}")

    ran = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{site.url}/api/v1/openapi.json"),
            *("--url", site.url, "--header", f"Authorization: Bearer {site.token}", "--exclude-path", STREAM),
            # A vote on a made-up request is refused although it is well-formed, and a method that the document does
            # not name may be refused by shield.py before anything else.
            *("--exclude-checks", "positive_data_acceptance,unsupported_method"),
            *(
                "--phases",
                "coverage,fuzzing",
                "--max-examples",
                "2",
                "--generation-deterministic",
                "--request-timeout",
                "10",
                "--no-color",
            ),
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=tmp_path,
    )

    assert ran.returncode == 0, ran.stdout[-4_000:] + ran.stderr[-2_000:]
    assert problems(site.guard) == []


@pytest.mark.parametrize("after", ["x", "-1", "1e9", "9" * 40, "\u0663"])
def test_a_stream_that_is_asked_for_in_odd_words_is_no_fault_either(site: Site, after: str) -> None:
    with (
        httpx.Client(base_url=site.url, headers={"authorization": f"Bearer {site.token}"}) as client,
        client.stream("GET", STREAM, params={"after": after}) as answer,
    ):
        assert answer.status_code in (200, 400)
