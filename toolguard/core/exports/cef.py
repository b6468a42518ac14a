"""Events in the Common Event Format, one line an event: header fields escape backslash and bar, extension values
backslash, equals sign and line breaks (ArcSight CEF, revision 25)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from toolguard.core.model import Json

_EXTENSION: Final = (
    # Of the format's own dictionary where there is a word for it, else a custom string with its label.
    ("externalId", "seq"), ("end", "ts"), ("suser", "person"), ("sproc", "agent"), ("dhost", "server"),
    ("requestMethod", "tool"), ("act", "effect"), ("outcome", "outcome"), ("duser", "reviewer"),
)  # fmt: skip
_CUSTOM: Final = (("cs1", "session"), ("cs2", "call_id"), ("cs3", "request_id"), ("cs4", "log_id"), ("cs5", "row_hash"))
_MESSAGE: Final = 1_023
"""Characters of `msg` that the format allows."""


def line(event: Mapping[str, Json], version: str) -> str:
    """Without a line break."""
    body = event.get("body") or {}
    score = event.get("score")
    severity = min(10, (score or 0) // 10)
    name = str(body.get("headline") or event["kind"])
    head = "|".join(_header(part) for part in ("toolguard", "toolguard", version, str(event["kind"]), name[:512]))
    pairs = [(key, str(event[column])) for key, column in _EXTENSION if event.get(column) is not None]
    for key, column in _CUSTOM:
        if event.get(column) is not None:
            pairs += [(key, str(event[column])), (f"{key}Label", column)]
    if score is not None:
        pairs += [("cn1", str(score)), ("cn1Label", "score")]
    findings = " ".join(str(finding.get("id", "")) for finding in body.get("findings") or [])
    said = findings or str(body.get("reason") or body.get("error") or "")
    if said:
        pairs.append(("msg", said[:_MESSAGE]))
    return f"CEF:0|{head}|{severity}|" + " ".join(f"{key}={_value(value)}" for key, value in pairs)


def _header(text: str) -> str:
    return _one_line(text).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    text = text.replace("\\", "\\\\").replace("=", "\\=").replace("\r", "\\r").replace("\n", "\\n")
    return _one_line(text)


def _one_line(text: str) -> str:
    """No control character and no other line break reaches a log that is read line by line."""
    return "".join(char if char.isprintable() else " " for char in text)
