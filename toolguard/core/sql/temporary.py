"""Tables that end with the session, and those in a schema for trying things out: changing them costs nobody rows.

A name counts only as long as it must mean the temporary table: a second DROP, a ROLLBACK or another search path let the
same name mean a real one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from toolguard.core.sql.names import BETWEEN, name_at
from toolguard.core.sql.tokens import Token, has_word

_SCHEMAS: Final = frozenset("temp tempdb tmp scratch sandbox playground _session".split())
_REBUILT: Final = frozenset("staging stg".split())
"""Schemas whose tables are made anew by every load: replacing one is ordinary, dropping one is not."""
_TEMPORARY: Final = frozenset("temp temporary".split())
_FORGETS: Final = frozenset("rollback abort use discard".split())


def is_temporary(name: str) -> bool:
    """By its name alone: T-SQL's `#x` and `@x`, a schema for temporary or tried-out tables."""
    *schemas, table = name.split(".")
    if table.startswith("#") or (table.startswith("@") and not schemas and table[1:2] != "@"):
        return True
    return any(schema in _SCHEMAS or schema.startswith("pg_temp") for schema in schemas)


def replaces_rebuilt(body: Sequence[Token]) -> bool:
    """CREATE OR REPLACE TABLE of one that is made anew as a matter of course."""
    at = next((i for i, token in enumerate(body) if token.text == "table"), len(body))
    name, _ = name_at(body, _behind(body, at))
    return is_temporary(name) or any(schema in _REBUILT for schema in name.split(".")[:-1])


class Temporaries:
    """Which names mean temporary tables, from one statement of a text to the next."""

    def __init__(self) -> None:
        self._made: set[str] = set()

    def holds(self, name: str) -> bool:
        return name in self._made or is_temporary(name)

    def changed_by(self, head: str, body: Sequence[Token]) -> bool:
        """Whether this statement changes temporary tables and nothing else. Remembers what it makes and drops."""
        if head in _FORGETS or (head == "set" and has_word(body[:4], "search_path", "schema", "role", "authorization")):
            self._made.clear()
            return False
        if head == "select":
            return self._made_by_select(body)
        if head == "create":
            return self._created(body)
        if head in ("drop", "truncate"):
            return self._dropped(head, body)
        return head in ("insert", "delete", "update") and self._rows(body)

    def _created(self, body: Sequence[Token]) -> bool:
        at = next((i for i, token in enumerate(body[:6]) if token.text == "table"), 0)
        name, _ = name_at(body, _behind(body, at + 1))
        if not at or not name:
            return False
        said = has_word(body[:at], *_TEMPORARY)
        ends_early = any(one.text == "commit" and two.text == "drop" for one, two in pairwise(body))
        if said and not ends_early:
            self._made.add(name)
        return said or is_temporary(name)

    def _made_by_select(self, body: Sequence[Token]) -> bool:
        at = next((i for i, token in enumerate(body) if token.text == "into" and token.kind == "word"), 0)
        if not at or at + 1 >= len(body):
            return False
        said = body[at + 1].text in _TEMPORARY
        name, _ = name_at(body, _behind(body, at + 1))
        if said and name:
            self._made.add(name)
        return bool(name) and not name.startswith("@") and (said or is_temporary(name))

    def _dropped(self, head: str, body: Sequence[Token]) -> bool:
        """`DROP TABLE a, b` with nothing behind: T-SQL needs no semicolon before the next statement."""
        said = len(body) > 1 and body[1].text in _TEMPORARY and head == "drop"
        at = 2 if said else 1
        if head == "drop" and not (at < len(body) and body[at].text == "table"):
            return False
        at = _behind(body, at)
        names = []
        while at < len(body):
            name, at = name_at(body, at)
            names.append(name)
            if at >= len(body) or body[at].text != ",":
                break
            at += 1
        rest = [token.text for token in body[at:]]
        if (
            len(names) != len({*names})
            or not names
            or not all(said or (name and self.holds(name)) for name in names)
            or rest not in _ENDINGS
        ):
            return False
        if head == "drop":
            self._made.difference_update(names)
        return True

    def _rows(self, body: Sequence[Token]) -> bool:
        at = 1
        while at < len(body) and body[at].text in ("into", "from", "only", "overwrite", "table"):
            at += 1
        name, after = name_at(body, at)
        alone = after >= len(body) or body[after].text not in (",", "from", "join")
        return bool(name) and self.holds(name) and alone


_ENDINGS: Final[tuple[list[str], ...]] = ([], ["cascade"], ["restrict"], ["purge"])


def _behind(body: Sequence[Token], at: int) -> int:
    """Past the words that stand before a name."""
    while at < len(body) and (body[at].text in BETWEEN or body[at].text == "table") and not _dot(body, at + 1):
        at += 1
    return at


def _dot(body: Sequence[Token], at: int) -> bool:
    return at < len(body) and body[at].text == "."
