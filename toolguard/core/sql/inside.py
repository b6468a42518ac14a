"""What stands inside a statement beyond its first word: other statements, targets of INTO, files, secrets, powers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from toolguard.core.sql import injection, words
from toolguard.core.sql.names import file_hazard, in_function, name_at, names_credentials
from toolguard.core.sql.statement import Hazard, hazard
from toolguard.core.sql.temporary import is_temporary
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
    main = _main(kind, body)
    scripts = has_word(body, "transform", "map", "reduce")
    for i, token in enumerate(body[1:], 1):
        if token.kind == "word":
            after = body[i + 1] if i + 1 < len(body) else None
            if i != main and token.text in words.HIDDEN and _begins(kind, token.text, previous, after):
                yield hazard("hidden-statement", token.text, token.start, token.end)
            elif token.text == "into" and kind in _INTO:
                yield from _into(body, i)
            elif token.text == "using" and after is not None and after.kind == "string" and scripts:
                yield hazard("command", "using a script", token.start, after.end)
            elif token.text.startswith("@") and previous.end == token.start and previous.kind in ("word", "quoted"):
                yield hazard("network", f"the linked table {previous.text}{token.text}", previous.start, token.end)
        elif token.kind == "string" and previous.text in ("from", "join") and len(token.text) > 2:
            # DuckDB, Spark and others read a file where a table may stand.
            yield hazard(file_hazard(token.text.strip("'")), f"from {token.text}", token.start, token.end)
        previous = token


def _main(kind: str, body: Sequence[Token]) -> int:
    """Where the statement behind a list of CTEs begins, which is the statement itself and not hidden in it."""
    depth = 0
    for i, token in enumerate(body) if body[0].text == "with" else ():
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.text == kind and token.kind == "word":
            return i
    return 0


def whole(kind: str, body: Sequence[Token]) -> Iterator[Hazard]:
    """What only the statement as a whole shows: appended queries and conditions."""
    if kind in ("select", "with"):
        yield from injection.unions(body)
    always = injection.tautology(body)
    if always is not None:
        yield always


def secrets(names: Sequence[str], body: Sequence[Token]) -> Iterator[Hazard]:
    """Tables and columns that hold credentials; `names` are the statement's tables."""
    for table in names:
        parts = table.split(".")
        # `pg_catalog.pg_shadow`, `master.sys.sql_logins`: the same table under a longer name.
        if any(".".join(parts[i:]) in words.CATALOG_CREDENTIALS for i in range(len(parts))):
            yield hazard("credentials", f"the table {table}", body[0].start, body[-1].end)
        elif names_credentials(table.rpartition(".")[2]) and body[0].text != "delete":
            yield hazard("secret-column", f"the table {table}", body[0].start, body[-1].end)
    if body[0].text in ("create", "insert") and has_word(body, "select"):
        body = body[next(i for i, token in enumerate(body) if token.text == "select") :]
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


def _into(body: Sequence[Token], at: int) -> Iterator[Hazard]:
    """SELECT ... INTO a variable or a temporary table keeps nothing; into another table or a file it does."""
    name, after = name_at(body, at + 1)
    first = name.partition(".")[0]
    if not name or first.startswith(("@", ":")) or first in _NOT_INTO or is_temporary(name):
        return
    what = "file-access" if first in ("outfile", "dumpfile") else "select-into"
    yield hazard(what, f"into {name}", body[at].start, body[after - 1].end)


_NOT_INTO: Final = frozenset("temp temporary select from".split())


def follows(body: Sequence[Token]) -> Iterator[Hazard]:
    """A statement behind one that makes something: T-SQL needs no semicolon between them."""
    depth = 0
    for previous, token, after in zip(body, body[1:], body[2:], strict=False):
        depth += (token.text == "(") - (token.text == ")")
        if depth or token.kind != "word" or token.text not in words.HIDDEN:
            continue
        if previous.text != "commit" and after.text != "grants" and _begins("create", token.text, previous, after):
            yield hazard("hidden-statement", token.text, token.start, token.end)
            return


def of_file(body: Sequence[Token]) -> tuple[str, bool]:
    """What COPY does with its file, and whether it loads a table from it.

    Snowflake's `COPY INTO t FROM @stage` loads from a place set up for that; DuckDB's files lie beside the database.
    """
    depth = 0
    for token, after in pairwise(body):
        depth += (token.text == "(") - (token.text == ")")
        if depth or token.kind != "word" or token.text not in ("from", "to") or body[0].text != "copy":
            continue
        loads = token.text == "from"
        if loads and after.text.startswith("@") and body[2].kind in ("word", "quoted") and body[2].text[0] not in "@$":
            return "local-file", True
        if after.kind == "string":
            return file_hazard(after.text.strip("'")), loads
    return "file-access", has_word(body, "from")
