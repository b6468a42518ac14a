"""What only SQL Server's dialect writes: statements with no semicolon between them, IF, and procedures that tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from toolguard.core.sql import words
from toolguard.core.sql.names import name_at
from toolguard.core.sql.tokens import Token

_HOLDS_NONE: Final = frozenset("set use declare print begin start commit rollback save".split())
"""First words of statements in which no other one can stand, so that a word that begins one begins the next."""
_BEGINS: Final = words.HIDDEN | frozenset("select print declare".split())
_NOT_BEHIND: Final = frozenset("for as on then do key union all except intersect".split())


def divided(tokens: Sequence[Token], text: str) -> Iterator[Sequence[Token]]:
    """The statements of what stands between two semicolons.

    A line that begins as a statement is one where a temporary table shows the dialect; elsewhere it may be a clause.
    """
    lines = any(token.kind == "word" and token.text[0] == "#" for token in tokens)
    start = depth = 0
    for i, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if depth or i == start or token.kind != "word" or token.text not in _BEGINS:
            continue
        before, head = tokens[i - 1], tokens[start].text
        switched = head == "set" and before.text == "on"
        if (before.text in _NOT_BEHIND and not switched) or (before.kind == "op" and before.text not in (")", "]")):
            continue
        alone = head in _HOLDS_NONE and not (head == "begin" and i - start == 1)
        line = lines and "\n" in text[before.end : token.start] and not _goes_on(head, token.text)
        if alone or line:
            yield tokens[start:i]
            start = i
    yield tokens[start:]


def _goes_on(head: str, word: str) -> bool:
    """`INSERT INTO t` and a line with its SELECT; common table expressions, merges and plans go on with any."""
    return head in ("with", "merge", "explain", "alter", "if", "begin") or (
        word == "select" and head in ("insert", "create")
    )


def branches(body: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """What IF runs and what ELSE runs; the ELSE of a CASE divides nothing."""
    depth = start = 0
    for i, token in enumerate(body):
        depth += (token.text in ("(", "case")) - (token.text in (")", "end"))
        if depth == 0 and token.text == "else" and token.kind == "word":
            yield body[start:i]
            start = i + 1
    yield body[start:]


def behind_if(body: Sequence[Token]) -> int:
    """Where the statement begins that T-SQL's IF guards; 0 when none is found."""
    depth = 0
    for i, token in enumerate(body[1:], 1):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.kind == "word" and token.text in _GUARDED and body[i - 1].text != ".":
            return i
    return 0


_GUARDED: Final = words.HIDDEN | frozenset("select begin set print use declare waitfor with backup restore".split())


def only_tells(body: Sequence[Token]) -> bool:
    """`EXEC sp_help 'dbo.t'`: a procedure that tells, and behind it nothing but names and values."""
    called = body[1:] if body[0].text in ("exec", "execute") else body
    name, after = name_at(called, 0)
    schema, _, short = name.rpartition(".")
    if short not in words.READ_PROCEDURES or schema not in ("", "sys", "dbo", "master", "master.dbo", "master.sys"):
        return False
    return all(
        token.kind in ("string", "number", "quoted")
        or token.text in (",", "=", "null", "default")
        or token.text.startswith("@")
        for token in called[after:]
    )
