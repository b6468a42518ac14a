"""What commands print: one JSON document, or lines for a person in which nothing is hidden."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence

import click

from toolguard.cli.frame import line
from toolguard.core.canonical import pretty
from toolguard.core.model import Decision, Finding, Json

__all__ = ["finding_lines", "print_json", "print_lines", "print_table", "shown"]


def print_json(value: Json) -> None:
    """One JSON document, and nothing else, on stdout. Escapes keep a terminal safe and mean the same to a parser."""
    click.echo(_STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", pretty(value)))


# C1 controls, which JSON allows bare and some terminals obey; C0 controls are escaped by every JSON writer.
_STEERING = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def print_lines(lines: Iterable[str]) -> None:
    """Lines for a person; each stays one line."""
    for text in lines:
        click.echo(line(text))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns under a header; the last one is cut to the terminal with a mark that says so."""
    cells = [list(header), *([shown(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    room = shutil.get_terminal_size((160, 24)).columns
    for row in cells:
        text = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        click.echo(text if len(text) <= room else text[: room - 1] + "…")


def shown(value: Json) -> str:
    """A value on one line of a terminal, with hidden characters spelled out."""
    return line(value if isinstance(value, str) else "" if value is None else str(value))


def finding_lines(finding: Finding, points: int) -> list[str]:
    """A finding for a person: what, how much, where."""
    where = f" at {finding.pointer}" if finding.pointer else ""
    span = f" [{finding.start}:{finding.end}]" if finding.start is not None else ""
    return [f"{points:>3}  {finding.id}{where}{span}", f"     {finding.message}"]


def decision_json(decision: Decision) -> dict[str, Json]:
    """A decision as `check --json` prints it."""
    return {
        "effect": decision.effect.word,
        "class": decision.effect_class.value,
        "score": decision.score,
        "headline": decision.classification.headline,
        "target": decision.classification.target,
        "findings": [finding_json(finding) for finding in decision.findings],
        "rules": [{"name": r.name, "effect": r.effect.word, "why": r.why} for r in decision.rules],
        "obligations": decision.obligations.as_json(),
    }


def finding_json(finding: Finding) -> dict[str, Json]:
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "pointer": finding.pointer,
        "start": finding.start,
        "end": finding.end,
        "message": finding.message,
    }
