"""The names in an SQL statement: which tables it touches, which columns it shows, which functions it calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from toolguard.core import verbs
from toolguard.core.model import EffectClass
from toolguard.core.sql import words
from toolguard.core.sql.tokens import Token

_TABLE_WORDS: Final = frozenset("from join into update table truncate".split())
BETWEEN: Final = frozenset(
    "or replace if not exists only temp temporary global local unlogged external materialized transient unique "
    "clustered nonclustered concurrently ignore low_priority overwrite definer algorithm recursive columnar lateral "
    "security outer inner public".split()
)
"""Words that stand between a verb or FROM and the name of the table or object."""


def tables(tokens: Sequence[Token]) -> tuple[str, ...]:
    """Names behind FROM, JOIN, INTO, UPDATE, TABLE and their commas; names of CTEs and subqueries stay out."""
    found: dict[str, None] = {}
    ctes: set[str] = set()
    expecting = False
    i, count = 0, len(tokens)
    while i < count:
        token = tokens[i]
        if token.kind == "word" and token.text in _TABLE_WORDS:
            expecting = not (token.text == "from" and i and in_function(tokens, i))
        elif token.text == "as" and i + 1 < count and tokens[i + 1].text == "(" and i:
            ctes.add(tokens[i - 1].text)
            expecting = False
        elif expecting and (name := _table_at(tokens, i)):
            i = name_at(tokens, i)[1] - 1
            if not (i + 1 < count and tokens[i + 1].text == "("):
                found[name] = None
            # A comma after a name and its alias goes on with the list of tables.
            ahead = [t.text for t in tokens[i + 1 : i + 4]]
            expecting = "," in ahead[:3] and "(" not in ahead and "=" not in ahead
            if expecting:
                i += ahead.index(",") + 1
        elif expecting and token.text not in BETWEEN:
            expecting = False
        i += 1
    return tuple(name for name in found if name not in ctes)


def _table_at(tokens: Sequence[Token], at: int) -> str:
    word = tokens[at].text in BETWEEN and not (at + 1 < len(tokens) and tokens[at + 1].text == ".")
    return "" if word else name_at(tokens, at)[0]


def name_at(tokens: Sequence[Token], at: int) -> tuple[str, int]:
    """The qualified name that begins here, in lower case, and where it ends; empty when none begins here.

    T-SQL writes names in brackets and leaves a schema out: `[a]..[b]` is read as `a.b`.
    """
    parts: list[str] = []
    while at < len(tokens):
        bracket = tokens[at].text == "[" and at + 2 < len(tokens) and tokens[at + 2].text == "]"
        token = tokens[at + 1] if bracket else tokens[at]
        if token.kind not in ("word", "quoted"):
            break
        parts.append(token.text.lower())
        at += 3 if bracket else 1
        if at + 1 >= len(tokens) or tokens[at].text != ".":
            break
        while at < len(tokens) and tokens[at].text == ".":
            at += 1
    return ".".join(parts), at


def columns(tokens: Sequence[Token]) -> list[str]:
    """What stands between SELECT and FROM, without qualifiers and aliases; a literal is the same everywhere."""
    listed: list[str] = []
    for token in tokens[1:] if tokens and tokens[0].text in ("select", "with") else tokens:
        if token.text == "from":
            break
        if token.text in ("select", "distinct", ".", "(", ")"):
            continue
        if token.text == ",":
            listed.append(",")
        elif token.text == "*":
            return [f"* of {id(tokens)}"]
        else:
            listed.append("?" if token.kind in ("string", "number") or token.text == "null" else token.text)
    return [part for part in listed if part != ","][-4:]


def in_function(tokens: Sequence[Token], at: int) -> bool:
    """`EXTRACT(YEAR FROM x)`, `TRIM(BOTH FROM x)`, `SUBSTRING(x FROM 2)`, `IS DISTINCT FROM`: not the clause."""
    if tokens[at - 1].text == "distinct" and at > 1 and tokens[at - 2].text in ("is", "not"):
        return True
    depth = 0
    for i in range(at - 1, max(-1, at - 40), -1):
        text = tokens[i].text
        if text == ")":
            depth += 1
        elif text == "(":
            if depth == 0:
                return i > 0 and tokens[i - 1].text in (
                    "extract",
                    "trim",
                    "substring",
                    "overlay",
                    "position",
                    "substr",
                )
            depth -= 1
    return False


def is_cte(body: Sequence[Token], at: int) -> bool:
    """`WITH name (columns) AS (...)`: the parenthesis lists columns."""
    depth = 0
    for i in range(at + 1, min(len(body) - 1, at + 80)):
        depth += (body[i].text == "(") - (body[i].text == ")")
        if depth == 0:
            return body[i + 1].text == "as" and i + 2 < len(body) and body[i + 2].text in ("(", "materialized", "not")
    return False


def names_credentials(name: str) -> bool:
    """Whether a column or table of this name holds what nobody should read out or set."""
    parts = [part for part in name.lower().replace("-", "_").split("_") if part]
    if any(part in words.CREDENTIAL_WORDS or part.endswith(_JOINED) for part in parts):
        # `token_count`, `password_changed_at`: about a secret, not the secret.
        return parts[-1] not in _ABOUT
    return any(pair in words.CREDENTIAL_PAIRS for pair in pairwise(parts)) and parts[-1] not in _ABOUT


_JOINED: Final = ("password", "passwordhash", "passwordsalt", "passwd", "passhash")
"""Ends of names that are written without a mark between their words."""
_ABOUT: Final = frozenset(
    "at on date time count counts type types expired expires expiry id ids status length policy age changed updated "
    "created attempts hint required enabled used limit usage name code".split()
)


def calls(body: Sequence[Token]) -> Iterator[tuple[str, Token | None, int, int]]:
    """Each function call: its qualified name, its first argument, and where the name stands."""
    for i in range(len(body) - 1):
        after = body[i + 1]
        if after.text != "(" or after.kind != "op":
            continue
        token = body[i - 1] if body[i].text == "]" and i > 1 else body[i]
        if token.kind not in ("word", "quoted"):
            continue
        name, start = token.text.lower(), i
        while start > 1 and body[start - 1].text == "." and body[start - 2].kind in ("word", "quoted"):
            name, start = f"{body[start - 2].text.lower()}.{name}", start - 2
        before = body[start - 1].text if start else ""
        # `INSERT INTO t (columns)`: a name, but for the functions of T-SQL that may stand there.
        if before in ("into", "table", "view", "index") and not name.startswith("open"):
            continue
        if before in ("as", "with", ",") and is_cte(body, i):
            continue
        yield name, (body[i + 2] if i + 2 < len(body) else None), body[start].start, token.end


def file_hazard(path: str) -> str:
    """A file beside the database is DuckDB's daily bread; one elsewhere or behind a URL is not."""
    outside = path.startswith(("/", "~", "\\")) or ".." in path or "://" in path or path[1:2] == ":"
    return "file-access" if outside else "local-file"


def function_hazard(name: str, argument: Token | None) -> str:
    """What is wrong with calling this function, or nothing."""
    if name.rpartition(".")[2] in words.FILE_READERS:
        path = argument.text.strip("'") if argument and argument.kind == "string" else "/"
        return file_hazard(path)
    return _hazard_of_name(name)


@lru_cache(maxsize=4096)
def _hazard_of_name(name: str) -> str:
    short = name.rpartition(".")[2]
    writes = _writes(short)
    for candidate in (name, short):
        beginning = max((b for b, _ in words.FAMILIES if _begins_with(candidate, b)), key=len, default="")
        if candidate in words.COMPUTES or any(
            candidate.startswith(family) and len(family) >= len(beginning) and (family.endswith("_") or not writes)
            for family in words.READ_FAMILIES
        ):
            return ""
        if beginning:
            return next(what for b, what in words.FAMILIES if b == beginning)
    if short.startswith(("pg_", "sys_", "lo_", "x$", "sysproc")) or name.startswith(("pg_catalog.", "sys.")):
        return "server"
    return "writing-function" if writes else "unknown-function"


def _writes(name: str) -> bool:
    """The function's own name says that it changes something."""
    told = verbs.of_name(verbs.split_name(name))
    return told is not None and told[1] and told[0] is not EffectClass.READ


def _begins_with(name: str, beginning: str) -> bool:
    """Whole names, packages (`utl_http.request`), and families: beginnings that end in a mark or are long enough."""
    if beginning[-1] in "_.$" or len(beginning) > 8 or beginning in ("dblink", "sp_oa"):
        return name.startswith(beginning)
    return name == beginning or name.startswith(beginning + ".")
