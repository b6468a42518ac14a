"""Colours for shell and SQL: which part of a text is a comment, a string, a keyword.

Only for the eye: what a text *means* is read elsewhere, by parsers. Every character of the text is in exactly one
token or in none, and a wrong guess changes a colour, never what is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 65_536
"""Characters that get colours; what follows is drawn plain."""


@dataclass(frozen=True, slots=True)
class Token:
    start: int
    end: int
    kind: str
    """`command`, `option`, `variable`, `string`, `comment`, `number`, `operator`, `keyword` or `danger`."""


def tokens(text: str, language: str) -> tuple[Token, ...]:
    """The coloured parts of a text in order; empty for a language without colours."""
    reader = _READERS.get(language)
    return tuple(reader(text[:LONGEST])) if reader else ()


# One alternative a kind, told apart by its first character, so that no text takes more than linear time.
_SHELL: Final = re.compile(
    r"""
      (?P<comment>(?:(?<=\s)|(?<=^))\#[^\n]*)
    | (?P<string>\$?'[^']*'?|"(?:\\.|[^"\\])*"?)
    | (?P<variable>\$\{[^}\n]*\}?|\$[A-Za-z_]\w*|\$[@*\#?$!0-9-])
    | (?P<operator>&&|\|\||;;|\$\(|[|&;()`]|[0-9&]?>>?&?[0-9-]?|<<?<?)
    | (?P<space>\s+)
    | (?P<word>(?:\\.|[^\s|&;()`<>"'$\\]|\\\n)+|\\|\$)
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_OPENS_COMMAND: Final = frozenset({"&&", "||", ";", ";;", "|", "&", "(", "$(", "`"})
_SHELL_KEYWORDS: Final = frozenset(
    [
        "if",
        "then",
        "elif",
        "else",
        "fi",
        "for",
        "while",
        "until",
        "do",
        "done",
        "case",
        "esac",
        "in",
        "function",
        "{",
        "}",
        "!",
        "time",
    ]
)
_BEFORE_COMMAND: Final = frozenset(["sudo", "doas", "env", "nohup", "time", "exec", "command", "xargs"])


def _shell(text: str) -> Iterable[Token]:
    at_command = True
    for match in _SHELL.finditer(text):
        kind, word = str(match.lastgroup), match.group()
        if kind == "space":
            at_command = at_command or "\n" in word
            continue
        if kind == "operator":
            at_command = word in _OPENS_COMMAND
        elif kind == "word":
            kind, at_command = _shell_word(word, at_command)
        else:
            at_command = False
        if kind:
            yield Token(match.start(), match.end(), kind)


def _shell_word(word: str, at_command: bool) -> tuple[str, bool]:
    """The colour of a word, and whether the next word is a command too."""
    if at_command and word in _SHELL_KEYWORDS:
        return "keyword", True
    if at_command and re.match(r"[A-Za-z_]\w*\+?=", word):  # NAME=value before a command
        return "variable", True
    if at_command:
        return "command", word in _BEFORE_COMMAND
    return ("option" if word.startswith("-") and len(word) > 1 else ""), False


_SQL: Final = re.compile(
    r"""
      (?P<comment>--[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/)?)
    | (?P<string>'(?:[^']|'')*'?)
    # An identifier in brackets ends within 128 characters (the longest that SQL Server takes), else it is none.
    | (?P<name>"(?:[^"]|"")*"?|`[^`]*`?|\[[A-Za-z_][^\]\n]{0,127}\])
    | (?P<number>\b[0-9]+(?:\.[0-9]+)?\b)
    | (?P<word>[^\W\d]\w*)
    | (?P<operator>[;=<>!]+)
    """,
    re.VERBOSE,
)
_SQL_DANGER: Final = frozenset(
    [
        "delete",
        "drop",
        "truncate",
        "alter",
        "grant",
        "revoke",
        "update",
        "insert",
        "replace",
        "merge",
        "attach",
        "exec",
        "execute",
        "call",
        "copy",
        "vacuum",
    ]
)
_SQL_KEYWORDS: Final = frozenset(
    [
        "add",
        "all",
        "and",
        "any",
        "as",
        "asc",
        "begin",
        "between",
        "by",
        "cascade",
        "case",
        "check",
        "column",
        "commit",
        "constraint",
        "create",
        "cross",
        "current",
        "database",
        "default",
        "desc",
        "distinct",
        "else",
        "end",
        "except",
        "exists",
        "explain",
        "false",
        "fetch",
        "for",
        "foreign",
        "from",
        "full",
        "function",
        "group",
        "having",
        "if",
        "in",
        "index",
        "inner",
        "intersect",
        "into",
        "is",
        "join",
        "key",
        "left",
        "like",
        "limit",
        "materialized",
        "natural",
        "not",
        "null",
        "offset",
        "on",
        "or",
        "order",
        "outer",
        "over",
        "partition",
        "pragma",
        "primary",
        "procedure",
        "recursive",
        "references",
        "returning",
        "right",
        "rollback",
        "role",
        "row",
        "schema",
        "select",
        "set",
        "show",
        "table",
        "temp",
        "temporary",
        "then",
        "to",
        "transaction",
        "trigger",
        "true",
        "union",
        "unique",
        "use",
        "user",
        "using",
        "values",
        "view",
        "when",
        "where",
        "window",
        "with",
    ]
)


def _sql(text: str) -> Iterable[Token]:
    for match in _SQL.finditer(text):
        kind = str(match.lastgroup)
        if kind == "word":
            word = match.group().lower()
            kind = "danger" if word in _SQL_DANGER else "keyword" if word in _SQL_KEYWORDS else ""
        if kind == "name":
            kind = ""
        if kind:
            yield Token(match.start(), match.end(), kind)


_READERS: Final = {"shell": _shell, "sql": _sql}
