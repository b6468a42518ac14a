"""Exports of the log, as lines of bytes, in every format that other programs read. Reads by number of event, in short
reads of their own, so no export holds up a call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from toolguard.core.canonical import compact
from toolguard.core.exports import cef, csv, ocsf, otlp
from toolguard.core.model import Json
from toolguard.core.secrets.redact import readable
from toolguard.store import audit, lines
from toolguard.store.database import Database

FORMATS: Final = ("jsonl", "csv", "otlp", "ocsf", "cef")
_BATCH: Final = 1_000
LOOK_SECONDS: Final = 0.5
"""How soon a follower sees a new event."""
Event = dict[str, Json]


def export(
    database: Database, format: str, version: str, *, after: int = 0, follow: bool = False, arguments: bool = False
) -> Iterator[bytes]:
    """Lines with their line breaks. `follow` never ends by itself; `arguments` puts redacted arguments into spans."""
    if format == "jsonl":
        yield from lines.write(database, after)
        return
    if format == "csv":
        yield csv.header().encode()
    shape = _shape(format, version, otlp.Spans(with_arguments=arguments))
    for event in _events(database, after, follow=follow):
        line = shape(event)
        if line is not None:
            yield line


def _shape(format: str, version: str, spans: otlp.Spans) -> Callable[[Event], bytes | None]:
    def as_span(event: Event) -> bytes | None:
        span = spans.take(event)
        return compact(otlp.request([span], version)) + b"\n" if span else None

    shapes: dict[str, Callable[[Event], bytes | None]] = {
        "csv": lambda event: csv.row(event).encode(),
        "ocsf": lambda event: compact(ocsf.record(event, version)) + b"\n",
        "cef": lambda event: (cef.line(event, version) + "\n").encode(),
        "otlp": as_span,
    }
    return shapes[format]


def _events(database: Database, after: int, *, follow: bool) -> Iterator[Event]:
    while True:
        batch = audit.read(database, after=after, limit=_BATCH)
        for event in batch:
            event["body"] = readable(event["body"])
            yield event
        if batch:
            after = batch[-1]["seq"]
        elif not follow:
            return
        else:
            time.sleep(LOOK_SECONDS)
