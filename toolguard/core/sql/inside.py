"""What stands inside a statement beyond its first word: other statements, targets of INTO, files, secrets, powers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from toolguard.core.sql import injection, words
from toolguard.core.sql.names import file_hazard, in_function, names_credentials
from toolguard.core.sql.statement import Hazard, hazard
from toolguard.core.sql.tokens import Token, has_word

_INTO: Final = frozenset("select with table from explain".split())
"""Statements in which INTO makes a table or a file of what is read."""
_SHOWS: Final = frozenset("select with copy table values unload export".split())
"""Statements that show what columns hold."""
_NO_STATEMENT: Final = frozenset(", ) . = < > :: ( ]".split())
"""Behind these a word is a name, not the beginning of a statement."""


def parts(kind: str, body: Sequence[Token]) -> Iterator[Hazard]:
    """Writing parts of a CTE, statements that follow without a semicolon, INTO, files and links where tables stand."""
    previous = body[0]
    scripts = has_word(body, "transform", "map", "reduce")
    for i, token in enumerate(body[1:], 1):
        if token.kind == "word":
            after = body[i + 1] if i + 1 < len(body) else None
            if token.text in words.HIDDEN and _begins(kind, token.text, previous, after):
                yield hazard("hidden-statement", token.text, token.start, token.end)
            elif token.text == "into" and kind in _INTO:
                yield from _into(after, token)
            elif token.text == "using" and after is not None and after.kind == "string" and scripts:
                yield hazard("command", "using a script", token.start, after.end)
            elif token.text.startswith("@") and previous.end == token.start and previous.kind in ("word", "quoted"):
                yield hazard("network", f"the linked table {previous.text}{token.text}", previous.start, token.end)
        elif token.kind == "string" and previous.text in ("from", "join") and len(token.text) > 2:
            # DuckDB, Spark and others read a file where a table may stand.
            yield hazard(file_hazard(token.text.strip("'")), f"from {token.text}", token.start, token.end)
        previous = token


def whole(kind: str, body: Sequence[Token]) -> Iterator[Hazard]:
    """What only the statement as a whole shows: appended queries, conditions, the rows of users."""
    if kind in ("select", "with"):
        yield from injection.unions(body)
    if kind in ("update", "insert"):
        yield from _powers(kind, body)
    always = injection.tautology(body)
    if always is not None:
        yield always


def secrets(names: Sequence[str], body: Sequence[Token]) -> Iterator[Hazard]:
    """Tables and columns that hold credentials; `names` are the statement's tables."""
    for table in names:
        if table in words.CATALOG_CREDENTIALS:
            yield hazard("credentials", f"the table {table}", body[0].start, body[-1].end)
        elif names_credentials(table.rpartition(".")[2]):
            yield hazard("secret-column", f"the table {table}", body[0].start, body[-1].end)
    if body[0].text not in _SHOWS:
        return
    for i, token in enumerate(body):
        named = token.kind == "quoted" or (
            token.kind == "word" and ("_" in token.text or token.text in words.CREDENTIAL_WORDS)
        )
        if token.text == "from" and not in_function(body, i):
            break
        if named and names_credentials(token.text):
            yield hazard("secret-column", f"the column {token.text}", token.start, token.end)


def _begins(kind: str, word: str, previous: Token, after: Token | None) -> bool:
    """Whether this word begins a statement here, and is not the name of a column, a function or a clause."""
    if after is None or after.text in _NO_STATEMENT:
        return False
    if previous.text == "(":
        return True
    if previous.kind == "op" and previous.text not in (")", "]", "*"):
        return False
    if previous.text in words.BEFORE_NAME:
        return False
    # `FOR UPDATE`, `ON DELETE CASCADE`, `WHEN MATCHED THEN UPDATE`, `ON CONFLICT DO UPDATE`.
    return previous.text not in ("for", "on", "then", "do", "key") and not (kind == "merge" and word != "exec")


def _into(after: Token | None, token: Token) -> Iterator[Hazard]:
    if after is None or after.text.startswith(("@", ":")):
        return
    what = "file-access" if after.text in ("outfile", "dumpfile") else "select-into"
    yield hazard(what, f"into {after.text}", token.start, after.end)


def _powers(kind: str, body: Sequence[Token]) -> Iterator[Hazard]:
    """Rows by which an application knows its users: a password set, a role given."""
    for i, token in enumerate(body[:-2]):
        if kind == "update" and body[i + 1].text == "=" and token.kind in ("word", "quoted"):
            value = body[i + 2].text.strip("'").lower()
            if body[i - 1].text in ("set", ",", ".") and (
                names_credentials(token.text) or (token.text in words.POWER_COLUMNS and value in words.POWER_VALUES)
            ):
                yield hazard("account-rows", f"set {token.text}", token.start, body[i + 2].end)
                return
        elif kind == "insert" and token.text in words.POWER_COLUMNS:
            for other in body[i:]:
                if other.kind == "string" and other.text.strip("'").lower() in words.POWER_VALUES:
                    yield hazard("account-rows", f"{token.text} {other.text}", other.start, other.end)
                    return
