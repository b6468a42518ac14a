"""The parts of ARCHITECTURE.md that are made from the code: `python -m tests.architecture_page` writes them anew."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from tests import generated
from tests.guarantees import GUARANTEES, INVARIANTS, Mark, marks
from tests.test_architecture import EXCEPTIONS, PACKAGE, ROWS
from toolguard.core.approvals import EXECUTION, REQUEST, ExecutionEvent, RequestEvent

PAGE: Final = Path(__file__).parent.parent / "ARCHITECTURE.md"


def arrows() -> Iterator[str]:
    """From the outside in: a part imports itself and what stands after it."""
    rows = [", ".join(part.removeprefix("toolguard.") for part in row if _is_there(part)) for row in ROWS]
    yield "```"
    yield from textwrap.wrap(" → ".join(row for row in rows if row), 100, subsequent_indent="    ")
    yield "```"
    yield ""
    pairs = (
        f"`{inner.removeprefix('toolguard.')}` → `{outer.removeprefix('toolguard.')}`"
        for inner, outer in sorted(EXCEPTIONS)
        if _is_there(inner) and _is_there(outer)
    )
    yield f"Outwards on purpose, inside function bodies: {', '.join(pairs)}."


def _is_there(part: str) -> bool:
    path = PACKAGE.parent.joinpath(*part.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


def invariants() -> Iterator[str]:
    held: dict[str, list[Mark]] = {promise: [] for promise in GUARANTEES}
    for mark in marks():
        held.setdefault(mark.guarantee, []).append(mark)
    for number, (sentence, promises) in INVARIANTS.items():
        tests = [held[promise][0] for promise in promises if held[promise]]
        names = ", ".join(dict.fromkeys(f"[`{mark.test}`]({mark.file.as_posix()})" for mark in tests))
        yield f"{number}. **{sentence}** {names}".rstrip()


def states() -> Iterator[str]:
    yield from _matrix("request", REQUEST, RequestEvent)
    yield ""
    yield from _matrix("execution", EXECUTION, ExecutionEvent)


def _matrix(name: str, table: Mapping[tuple[Any, Any], Any], events: Iterable[StrEnum]) -> Iterator[str]:
    """One row for each state with a way out, one column for each event; what is empty cannot happen."""
    columns = list(events)
    yield f"| {name} | {' | '.join(f'`{event}`' for event in columns)} |"
    yield "|---" * (len(columns) + 1) + "|"
    for state in dict.fromkeys(start for start, _ in table):
        cells = [str(table.get((state, event), "")) for event in columns]
        yield f"| **{state}** | {' | '.join(cells)} |"


BLOCKS: Final[dict[str, generated.Part]] = {
    "arrows": arrows,
    "states": states,
    "invariants": invariants,
}


if __name__ == "__main__":
    generated.write(PAGE, BLOCKS)
