"""Parts of pages that are made from the code: each stands between `<!-- name -->` and `<!-- /name -->`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

Part = Callable[[], Iterator[str]]
"""Lines of the page."""


def rendered(page: str, parts: Mapping[str, Part]) -> str:
    """The page with these parts written anew."""
    for name, part in parts.items():
        before, begin, rest = page.partition(f"<!-- {name} -->")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        page = before + "\n".join((begin, *part(), end)) + after
    return page


def write(page: Path, parts: Mapping[str, Part]) -> None:
    page.write_text(rendered(page.read_text(encoding="utf-8"), parts), encoding="utf-8")
