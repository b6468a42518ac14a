"""Events as CSV (RFC 4180), one row an event, for spreadsheets.

A cell that a spreadsheet would take for a formula begins with an apostrophe: texts of calls are foreign
(https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from toolguard.core.canonical import text
from toolguard.core.model import Json

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
COLUMNS: Final = (
    "seq", "ts", "kind", "agent", "person", "session", "server", "tool", "reviewer", "channel", "effect", "score",
    "outcome", "class", "headline", "findings", "call_id", "request_id", "execution_id", "grant_id", "call_fp",
    "policy_digest", "log_id", "row_hash", "body",
)  # fmt: skip


def header() -> str:
    return ",".join(COLUMNS) + "\r\n"


def row(event: Mapping[str, Json]) -> str:
    body = event.get("body") or {}
    findings = " ".join(str(finding.get("id", "")) for finding in body.get("findings") or [])
    more = {"class": body.get("class"), "headline": body.get("headline"), "findings": findings}
    cells = {**event, **more, "body": text(body) if body else ""}
    return ",".join(_cell(cells.get(name)) for name in COLUMNS) + "\r\n"


def _cell(value: Json) -> str:
    if value is None:
        return ""
    shown = str(value).replace("\0", "\\0")
    if not isinstance(value, int | float) and shown.startswith(_FORMULA):
        shown = "'" + shown
    return '"' + shown.replace('"', '""') + '"' if any(char in shown for char in ',"\r\n') else shown
