"""What injected values do to a query: conditions that are always true, appended queries, a rest that is cut off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from toolguard.core.sql.names import columns, tables
from toolguard.core.sql.statement import Hazard, hazard
from toolguard.core.sql.tokens import Comment, Token

UNIONS: Final = 3
"""Unions of one statement that are looked at; each look reads the whole statement."""


def cut_off(text: str, comments: Sequence[Comment], tokens: Sequence[Token]) -> Iterator[Hazard]:
    """A comment right behind a text literal at the very end: how an injected value drops the rest of a query."""
    for comment in comments[-1:]:
        if not comment.line or text[comment.end :].strip():
            continue
        before = [token for token in tokens if token.end <= comment.start]
        close = before and before[-1].kind == "string" and comment.start - before[-1].end <= 1
        if close and any(token.text == "where" for token in before):
            yield hazard("cut-off", "a comment after a text literal", comment.start, comment.end)


def unions(body: Sequence[Token]) -> Iterator[Hazard]:
    """A second query over other tables with other columns, appended: what an injected UNION looks like."""
    depth = looked = 0
    for at, token in enumerate(body):
        depth += (token.text == "(") - (token.text == ")")
        if depth or token.text != "union" or token.kind != "word":
            continue
        looked += 1
        if looked > UNIONS:
            return
        first, second = body[:at], body[at + 1 :]
        if second and second[0].text in ("all", "distinct"):
            second = second[1:]
        mine, theirs = set(tables(first)), set(tables(second))
        if mine and theirs and not mine & theirs and columns(first) != columns(second):
            yield hazard("union", f"union with {', '.join(sorted(theirs))}", token.start, body[-1].end)
            return


def tautology(body: Sequence[Token]) -> Hazard | None:
    """`OR 1=1`: a condition that lets every row through beside one that does not."""
    for i, token in enumerate(body):
        if token.text == "or" and token.kind == "word" and _is_true(body[i + 1 : i + 12]):
            last = body[min(i + 3, len(body) - 1)]
            return hazard("tautology", " ".join(t.text for t in body[i : i + 4]), token.start, last.end)
    return None


def _is_true(tokens: Sequence[Token]) -> bool:
    """The next comparison is of a literal with itself, or a literal that counts as true."""
    while tokens and tokens[0].text in ("(", "not"):
        tokens = tokens[1:]
    if len(tokens) >= 3 and tokens[1].text in ("=", "<=", ">=", "like", "=="):
        left, right = tokens[0], tokens[2]
        return left.kind in ("string", "number") and right.kind == left.kind and left.text == right.text
    alone = not tokens[1:] or tokens[1].text in (")", "limit", "order", "returning", "or")
    return bool(tokens) and alone and tokens[0].text in ("true", "1")
