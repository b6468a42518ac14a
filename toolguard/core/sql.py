"""Reads SQL: what each statement does, to which tables, and which of its parts are not those of an ordinary statement.

An allow-list: a text passes for a read only if each statement begins as one, holds no word that could begin another
statement, and calls only functions known to compute. Everything else is named. No grammar is needed for that, so all
dialects are read by one file, and where they disagree about quoting every reading counts (`sql_tokens.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from toolguard.core import sql_words as words
from toolguard.core.model import EffectClass
from toolguard.core.sql_tokens import Comment, Lexed, Token, TooMuch, readings

READ: Final = EffectClass.READ


@dataclass(frozen=True, slots=True)
class Hazard:
    """A part of an SQL text that makes it more than an ordinary statement of its kind."""

    what: str
    """The last part of a finding's id: `file-access`, `command`, `whole-table`..."""
    detail: str
    """The words that show it, for the sentence."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement."""

    kind: str
    """Leading keywords in lower case: `select`, `drop table`, `delete`."""
    effect_class: EffectClass
    tables: tuple[str, ...] = ()
    """What it reads or changes; the changed ones first."""
    start: int = 0
    end: int = 0
    everything: bool = False
    """It reaches every row or the object as a whole: no WHERE, or one that is always true."""


@dataclass(frozen=True, slots=True)
class Sql:
    """An SQL text, read."""

    statements: tuple[Statement, ...]
    hazards: tuple[Hazard, ...] = ()
    parsed: bool = True
    """False when no reading is certain; then it must not pass for a read."""

    @property
    def effect_class(self) -> EffectClass:
        """The gravest of the statements' classes."""
        classes = {statement.effect_class for statement in self.statements}
        return next(
            (c for c in GRAVEST if c in classes),
            READ if self.parsed else EffectClass.UNKNOWN,
        )


GRAVEST: Final = (
    EffectClass.EXECUTE,
    EffectClass.GRANT,
    EffectClass.ADMINISTER,
    EffectClass.DELETE,
    EffectClass.SPEND,
    EffectClass.SEND,
    EffectClass.WRITE,
    EffectClass.UNKNOWN,
    READ,
)
"""From the class one would rather be asked about; several in one call are shown as the gravest."""


def read_sql(text: str, dialect: str | None = None) -> Sql:
    """What this text would do. Total: what cannot be read is marked so.

    `dialect` is a hint for which nothing is needed today: every reading of every dialect counts.
    """
    try:
        lexed = list(readings(text))
    except TooMuch:
        return Sql(
            (),
            (Hazard("unread", "too long or too ambiguous", 0, len(text)),),
            parsed=False,
        )
    if not lexed:
        return Sql(
            (),
            (Hazard("unread", "a quote or comment that never ends", 0, len(text)),),
            parsed=False,
        )
    read = [_Reader(text, one).read() for one in lexed]
    hazards = dict.fromkeys(hazard for one in read for hazard in one.hazards)
    gravest = min(read, key=lambda one: GRAVEST.index(one.effect_class))
    return Sql(gravest.statements, tuple(hazards), parsed=True)


def _split(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Statements between semicolons. Blocks of procedural code are cut too: their parts are then judged one by one."""
    start = 0
    for i, token in enumerate(tokens):
        if token.text == ";" and token.kind == "op":
            if i > start:
                yield tokens[start:i]
            start = i + 1
    if start < len(tokens):
        yield tokens[start:]


class _Reader:
    """Reads one reading of a text; gathers hazards on the way."""

    def __init__(self, text: str, lexed: Lexed) -> None:
        self.text = text
        self.lexed = lexed
        self.hazards: list[Hazard] = []

    def read(self) -> Sql:
        statements = [self._statement(tokens) for tokens in _split(self.lexed.tokens)]
        if len(statements) > 1:
            self._stacked(statements)
        for comment in self.lexed.comments:
            if comment.executed:
                self._add("version-comment", "code inside /*! */", comment.start, comment.end)
        self._cut_off(self.lexed.comments, self.lexed.tokens)
        return Sql(tuple(statements), tuple(self.hazards))

    def _add(self, what: str, detail: str, start: int, end: int) -> None:
        self.hazards.append(Hazard(what, detail[:80], start, end))

    def _stacked(self, statements: Sequence[Statement]) -> None:
        ordinary = [s for s in statements if s.kind not in ("set", "use", "begin", "start transaction")]
        if len(ordinary) > 1 or any(s.effect_class is not READ for s in statements):
            last = statements[-1]
            self._add(
                "stacked",
                f"{len(statements)} statements",
                statements[0].start,
                last.end,
            )

    def _cut_off(self, comments: Sequence[Comment], tokens: Sequence[Token]) -> None:
        """A comment right behind a text literal at the very end: how an injected value drops the rest of a query."""
        for comment in comments:
            before = [t for t in tokens if t.end <= comment.start]
            if (
                comment.line
                and before
                and before[-1].kind == "string"
                and comment.start - before[-1].end <= 1
                and not self.text[comment.end :].strip()
                and any(t.text == "where" for t in before)
            ):
                self._add(
                    "cut-off",
                    "a comment after a text literal",
                    comment.start,
                    comment.end,
                )

    # One statement.

    def _statement(self, tokens: Sequence[Token]) -> Statement:
        first = next((i for i, t in enumerate(tokens) if t.text != "("), 0)
        head = tokens[first]
        start, end = tokens[0].start, tokens[-1].end
        tables = self._tables(tokens)
        effect = words.STATEMENTS.get(head.text) if head.kind == "word" else None
        if effect is None:
            self._add("unknown-statement", head.text, head.start, head.end)
            return Statement(head.text, EffectClass.UNKNOWN, tables, start, end)
        body = tokens[first:]
        kind, effect, everything = self._look(head.text, effect, body)
        self._functions(body)
        self._tables_hazards(tables, body)
        if kind in (
            "select",
            "with",
            "values",
            "table",
            "update",
            "delete",
            "insert",
            "from",
            "merge",
            "explain",
        ):
            self._inside(kind, body)
        return Statement(kind, self._raised(effect, start, end), tables, start, end, everything)

    def _raised(self, effect: EffectClass, start: int, end: int) -> EffectClass:
        """A read that runs code, reaches out or changes settings is no read."""
        found = {h.what for h in self.hazards if start <= h.start < end}
        for what, raised in _RAISES:
            if what in found and GRAVEST.index(raised) < GRAVEST.index(effect):
                effect = raised
        return effect

    def _look(self, head: str, effect: EffectClass, body: Sequence[Token]) -> tuple[str, EffectClass, bool]:
        """The statement's kind, class and whether it reaches everything, after a look at the words behind the first."""
        if head in ("select", "values", "table", "from"):
            return (
                head,
                effect,
                head != "values" and not _has(body, "where", "limit", "top", "fetch"),
            )
        if head == "with":
            return self._cte(body)
        if head in ("explain", "desc", "describe"):
            return self._explain(head, body)
        if head in ("update", "delete"):
            everything = not _has(body, "where", "limit") or self._tautology(body, report=False)
            if everything:
                self._add("whole-table", head, body[0].start, body[-1].end)
            return head, effect, everything
        if head == "pragma":
            return self._pragma(body)
        if head == "set":
            return self._set(body)
        if head in _OBJECT_STATEMENTS:
            return self._object(head, effect, body)
        if head in ("copy", "unload", "export"):
            return self._copy(head, body)
        if head in _TRANSACTION:
            if head in ("start", "begin", "end") and len(body) > 2 and not _has(body[1:3], *_TRANSACTION_WORDS):
                self._add("procedural", head, body[0].start, body[0].end)
                return head, EffectClass.EXECUTE, False
            return ("start transaction" if head == "start" else head), effect, False
        if head in _HAZARD_OF:
            self._add(_HAZARD_OF[head], _words(body, 2), body[0].start, body[-1].end)
        elif head in ("replace", "upsert", "insert", "merge") and _has(body[:4], "overwrite"):
            self._add("whole-table", f"{head} overwrite", body[0].start, body[-1].end)
        return head, effect, False

    def _cte(self, body: Sequence[Token]) -> tuple[str, EffectClass, bool]:
        """The verb behind the list of a WITH, outside parentheses, is what runs; writing parts inside are found by `_inside`."""
        depth = 0
        for i, token in enumerate(body):
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0 and i and token.kind == "word" and token.text in _MAIN_VERBS:
                kind, effect, everything = self._look(token.text, words.STATEMENTS[token.text], body[i:])
                return ("with" if kind == "select" else kind), effect, everything
        return "with", READ, False

    def _explain(self, head: str, body: Sequence[Token]) -> tuple[str, EffectClass, bool]:
        """EXPLAIN alone only plans; with ANALYZE it runs the statement. MySQL's DESCRIBE is the same word."""
        for i, token in enumerate(body[1:], 1):
            if (
                token.kind == "word"
                and token.text in _MAIN_VERBS
                and not (token.text in ("table", "values") or body[i - 1].text == ".")
            ):
                if not any(t.text in ("analyze", "analyse", "profile") for t in body[1:i]):
                    return "explain", READ, False
                inner, effect, everything = self._look(token.text, words.STATEMENTS[token.text], body[i:])
                return (
                    ("explain" if effect is READ else f"explain analyze {inner}"),
                    effect,
                    everything,
                )
        return head, READ, False

    def _pragma(self, body: Sequence[Token]) -> tuple[str, EffectClass, bool]:
        names = [t.text for t in body if t.kind in ("word", "quoted")]
        # `PRAGMA name(value)` sets as well, except for the ones that describe what is in the parentheses.
        if "=" not in [t.text for t in body] and any(name in words.READ_PRAGMAS for name in names[1:3]):
            return "pragma", READ, False
        self._add("settings", _words(body, 3), body[0].start, body[-1].end)
        return "pragma", EffectClass.ADMINISTER, False

    def _set(self, body: Sequence[Token]) -> tuple[str, EffectClass, bool]:
        """Harmless settings of one's own session pass; roles, global settings and everything unknown do not."""
        names = [t.text.lstrip("@") for t in body[1:4] if t.kind in ("word", "quoted")]
        scope = [n for n in names if n in ("session", "local")]
        name = next((n for n in names if n not in ("session", "local")), "")
        variable = len(body) > 1 and body[1].text.startswith("@") and not body[1].text.startswith("@@")
        if (name in words.HARMLESS_SETTINGS and "authorization" not in names) or variable:
            return "set", READ, False
        what = "role" if name in ("role", "authorization") or "authorization" in names else "settings"
        self._add(what, " ".join(["set", *scope, name]), body[0].start, body[-1].end)
        return (
            "set",
            (EffectClass.GRANT if what == "role" else EffectClass.ADMINISTER),
            False,
        )

    def _object(self, head: str, effect: EffectClass, body: Sequence[Token]) -> tuple[str, EffectClass, bool]:
        """CREATE, ALTER, DROP, TRUNCATE, COMMENT, RENAME: the kind of object decides."""
        rest = [t.text.lower() for t in body[1:9] if t.kind in ("word", "quoted")]
        skipped = [w for w in rest if w not in _BETWEEN]
        thing = next(
            (w for w in skipped if w in _OBJECTS),
            skipped[0] if skipped and head != "truncate" else "table",
        )
        kind, start, end = f"{head} {thing}", body[0].start, body[-1].end
        if thing in words.ACCOUNT_OBJECTS:
            self._add("account", kind, start, end)
            return kind, EffectClass.GRANT, False
        if head in ("drop", "truncate", "purge"):
            small = thing in words.SMALL_OBJECTS or "temporary" in rest[:2] or "temp" in rest[:2]
            self._add("drop-small" if small else "drop", kind, start, end)
            return kind, EffectClass.DELETE, True
        if thing in words.CODE_OBJECTS:
            self._add("code-object", kind, start, end)
            return kind, EffectClass.EXECUTE, False
        if thing in ("system", "server", "instance", "database", "configuration") and head == "alter":
            self._add("settings", kind, start, end)
            return kind, EffectClass.ADMINISTER, False
        if head == "create" and "replace" in rest[:2] and thing == "table":
            self._add("drop", "create or replace table", start, end)
            return kind, EffectClass.DELETE, True
        if head == "alter" and _has(body[2:], *_DESTRUCTIVE_CHANGES):
            self._add("alter", kind, start, end)
        return kind, effect, False

    def _copy(self, head: str, body: Sequence[Token]) -> tuple[str, EffectClass, bool]:
        """COPY moves rows between a table and the client, a file, a bucket or a program."""
        span = (body[0].start, body[-1].end)
        for token, after in pairwise(body):
            if token.text in ("to", "from", "into") and after.text == "program":
                self._add("command", f"{head} {token.text} program", *span)
                return head, EffectClass.EXECUTE, False
        if _has(body, "stdin", "stdout"):
            return head, (EffectClass.WRITE if _has(body, "stdin") else READ), False
        self._add("file-access", f"{head} with a file", *span)
        return (
            head,
            (EffectClass.WRITE if _has(body, "from") else EffectClass.SEND),
            False,
        )

    # Inside a statement.

    def _inside(self, kind: str, body: Sequence[Token]) -> None:
        """Writing parts of a CTE, statements that follow without a semicolon, INTO, injected conditions."""
        previous = body[0]
        for i, token in enumerate(body[1:], 1):
            if token.kind == "word":
                after = body[i + 1] if i + 1 < len(body) else None
                if token.text in words.HIDDEN and self._begins(kind, token.text, previous, after):
                    self._add("hidden-statement", token.text, token.start, token.end)
                elif token.text == "into" and kind in (
                    "select",
                    "with",
                    "table",
                    "from",
                    "explain",
                ):
                    self._into(after, token)
                elif (
                    token.text == "using"
                    and after is not None
                    and after.kind == "string"
                    and _has(body, "transform", "map", "reduce")
                ):
                    self._add("command", "using a script", token.start, after.end)
                elif token.text == "union" and kind in ("select", "with"):
                    self._union(body, i)
            elif token.kind == "string" and previous.text in ("from", "join") and len(token.text) > 2:
                self._file_table(token)
            previous = token
        self._tautology(body, report=True)

    @staticmethod
    def _begins(kind: str, word: str, previous: Token, after: Token | None) -> bool:
        """Whether this word begins a statement here, and is not the name of a column, a function or a clause."""
        if after is None or after.text in (
            ",",
            ")",
            ".",
            "=",
            "<",
            ">",
            "::",
            "(",
            "]",
        ):
            return False
        if previous.text == "(":
            return True
        if previous.kind == "op" and previous.text not in (")", "]", "*"):
            return False
        if previous.text in words.BEFORE_NAME:
            return False
        # `FOR UPDATE`, `ON DELETE CASCADE`, `WHEN MATCHED THEN UPDATE`, `ON CONFLICT DO UPDATE`.
        return previous.text not in ("for", "on", "then", "do", "key") and not (kind == "merge" and word != "exec")

    def _into(self, after: Token | None, token: Token) -> None:
        if after is None or after.text.startswith(("@", ":")):
            return
        what = "file-access" if after.text in ("outfile", "dumpfile") else "select-into"
        self._add(what, f"into {after.text}", token.start, after.end)

    def _file_table(self, token: Token) -> None:
        """DuckDB, Spark and others read a file where a table may stand."""
        self._add(
            _file_hazard(token.text.strip("'")),
            f"from {token.text}",
            token.start,
            token.end,
        )

    def _union(self, body: Sequence[Token], at: int) -> None:
        """A second query over other tables with other columns, appended: what an injected UNION looks like."""
        depth = sum((t.text == "(") - (t.text == ")") for t in body[:at])
        if depth:
            return
        first, second = body[:at], body[at + 1 :]
        if second and second[0].text in ("all", "distinct"):
            second = second[1:]
        mine, theirs = set(self._tables(first)), set(self._tables(second))
        if theirs and not mine & theirs and mine and _columns(first) != _columns(second):
            self._add(
                "union",
                f"union with {', '.join(sorted(theirs))}",
                body[at].start,
                body[-1].end,
            )

    def _tautology(self, body: Sequence[Token], *, report: bool) -> bool:
        """`OR 1=1`, `WHERE true`: a condition that lets every row through."""
        for i, token in enumerate(body):
            if token.kind != "word" or token.text not in ("or", "where", "having"):
                continue
            left, *rest = body[i + 1 : i + 5] or [token]
            alone = token.text != "where" or not rest or rest[0].text != "and"
            if len(rest) >= 2 and rest[0].text in ("=", "<=", ">=", "like") and _same(left, rest[1]):
                follows = rest[2].text if len(rest) > 2 else ""
                if (token.text == "or" or not report) and (token.text == "or" or follows != "and"):
                    if report:
                        self._add(
                            "tautology",
                            f"or {left.text}={rest[1].text}",
                            token.start,
                            rest[1].end,
                        )
                    return True
            elif not report and token.text == "where" and alone and left.text in ("true", "1") and len(body) <= i + 2:
                return True
        return False

    # Names.

    @staticmethod
    def _tables(tokens: Sequence[Token]) -> tuple[str, ...]:
        """Names behind FROM, JOIN, INTO, UPDATE, TABLE and their commas; names of CTEs and subqueries stay out."""
        found: dict[str, None] = {}
        ctes: set[str] = set()
        expecting = False
        i, count = 0, len(tokens)
        while i < count:
            token = tokens[i]
            if token.kind == "word" and token.text in _TABLE_WORDS:
                expecting = not (token.text == "from" and i and _in_function(tokens, i))
            elif token.text == "as" and i + 1 < count and tokens[i + 1].text == "(" and i:
                ctes.add(tokens[i - 1].text)
                expecting = False
            elif expecting and token.kind in ("word", "quoted") and token.text not in _BETWEEN:
                name = token.text
                while i + 2 < count and tokens[i + 1].text == "." and tokens[i + 2].kind in ("word", "quoted"):
                    name, i = f"{name}.{tokens[i + 2].text}", i + 2
                if not (i + 1 < count and tokens[i + 1].text == "("):
                    found[name.lower()] = None
                # A comma after a name and its alias goes on with the list of tables.
                ahead = [t.text for t in tokens[i + 1 : i + 4]]
                expecting = "," in ahead[:3] and "(" not in ahead and "=" not in ahead
                if expecting:
                    i += ahead.index(",") + 1
            elif expecting and token.text not in ("[", "]"):
                expecting = False
            i += 1
        return tuple(name for name in found if name not in ctes)

    def _tables_hazards(self, tables: Sequence[str], body: Sequence[Token]) -> None:
        span = (body[0].start, body[-1].end)
        for table in tables:
            if table in words.CATALOG_CREDENTIALS:
                self._add("credentials", f"the table {table}", *span)
            elif _names_credentials(table.rpartition(".")[2]):
                self._add("secret-column", f"the table {table}", *span)
            elif "@" in table.strip("@"):
                self._add("network", f"the linked table {table}", *span)
        if body[0].text not in (
            "select",
            "with",
            "copy",
            "table",
            "values",
            "unload",
            "export",
        ):
            return
        for i, token in enumerate(body):
            named = (
                token.kind == "quoted"
                or (token.kind == "word" and "_" in token.text)
                or (token.kind == "word" and token.text in words.CREDENTIAL_WORDS)
            )
            if token.text == "from" and not _in_function(body, i):
                break
            if named and _names_credentials(token.text):
                self._add("secret-column", f"the column {token.text}", token.start, token.end)

    def _functions(self, body: Sequence[Token]) -> None:
        for i in range(len(body) - 1):
            after = body[i + 1]
            if after.text != "(" or after.kind != "op":
                continue
            token = body[i]
            if token.text == "]" and i > 1:
                token = body[i - 1]
            if token.kind not in ("word", "quoted") or (i and body[i - 1].text in ("into", "table", "view", "index")):
                continue
            name, start = token.text.lower(), i
            while start > 1 and body[start - 1].text == "." and body[start - 2].kind in ("word", "quoted"):
                name, start = f"{body[start - 2].text.lower()}.{name}", start - 2
            if start and body[start - 1].text in ("as", "with", ",") and _is_cte(body, i):
                continue
            what = _function_hazard(name, body[i + 2] if i + 2 < len(body) else None)
            if what:
                self._add(what, f"{name}()", body[start].start, token.end)


_MAIN_VERBS: Final = frozenset("select insert update delete merge replace values table create".split())
_TABLE_WORDS: Final = frozenset("from join into update table truncate".split())
_BETWEEN: Final = frozenset(
    "or replace if not exists only temp temporary global local unlogged external materialized transient unique "
    "clustered nonclustered concurrently ignore low_priority overwrite definer algorithm recursive columnar lateral "
    "algorithm security outer inner public".split()
)
_OBJECTS: Final = (
    words.CODE_OBJECTS
    | words.ACCOUNT_OBJECTS
    | words.SMALL_OBJECTS
    | frozenset("table database schema column tablespace system keyspace collection bucket catalog warehouse".split())
)
_OBJECT_STATEMENTS: Final = frozenset("create alter drop truncate rename purge undrop".split())
_DESTRUCTIVE_CHANGES: Final = frozenset("drop rename disable owner modify truncate detach security".split())
_TRANSACTION: Final = frozenset("begin start commit end rollback savepoint release abort".split())
_TRANSACTION_WORDS: Final = frozenset(
    "transaction work tran isolation deferred immediate exclusive read atomic".split()
)
_HAZARD_OF: Final = {
    **dict.fromkeys("call exec execute do prepare load install bulk".split(), "command"),
    **dict.fromkeys("grant revoke deny reassign security".split(), "account"),
    **dict.fromkeys(
        "kill shutdown flush reset dbcc reconfigure change stop system checkpoint".split(),
        "server",
    ),
    **dict.fromkeys("attach detach backup restore put get import".split(), "file-access"),
    **dict.fromkeys("notify listen unlisten".split(), "server"),
    **dict.fromkeys("lock unlock".split(), "lock"),
    **dict.fromkeys("rm remove discard".split(), "drop"),
    "waitfor": "wait",
}
_RAISES: Final = (
    ("command", EffectClass.EXECUTE),
    ("credentials", EffectClass.GRANT),
    ("role", EffectClass.GRANT),
    ("settings", EffectClass.ADMINISTER),
    ("server", EffectClass.ADMINISTER),
    ("lock", EffectClass.ADMINISTER),
    ("network", EffectClass.SEND),
    ("file-access", EffectClass.SEND),
    ("select-into", EffectClass.WRITE),
    ("hidden-statement", EffectClass.WRITE),
    ("writing-function", EffectClass.WRITE),
    ("unknown-function", EffectClass.UNKNOWN),
)
"""Hazards that make a statement more than its first word says."""


def _has(tokens: Sequence[Token], *names: str) -> bool:
    return any(t.text in names and t.kind == "word" for t in tokens)


def _words(tokens: Sequence[Token], count: int) -> str:
    return " ".join(t.text for t in tokens[:count])


def _same(left: Token, right: Token) -> bool:
    """Two literals of the same value, or a column and itself."""
    return left.kind in ("string", "number") and right.kind == left.kind and left.text == right.text


def _columns(tokens: Sequence[Token]) -> list[str]:
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


def _in_function(tokens: Sequence[Token], at: int) -> bool:
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


def _is_cte(body: Sequence[Token], at: int) -> bool:
    """`WITH name (columns) AS (...)`: the parenthesis lists columns."""
    depth = 0
    for i in range(at + 1, min(len(body) - 1, at + 80)):
        depth += (body[i].text == "(") - (body[i].text == ")")
        if depth == 0:
            return body[i + 1].text == "as" and i + 2 < len(body) and body[i + 2].text in ("(", "materialized", "not")
    return False


def _names_credentials(name: str) -> bool:
    parts = [part for part in name.lower().replace("-", "_").split("_") if part]
    if any(part in words.CREDENTIAL_WORDS for part in parts):
        # `token_count`, `password_changed_at`: about a secret, not the secret.
        return parts[-1] not in _ABOUT
    return any(pair in words.CREDENTIAL_PAIRS for pair in pairwise(parts)) and parts[-1] not in _ABOUT


_ABOUT: Final = frozenset(
    "at on date time count counts type types expired expires expiry id ids status length policy age changed updated "
    "created attempts hint required enabled used limit usage name code".split()
)


def _file_hazard(path: str) -> str:
    """A file beside the database is DuckDB's daily bread; one elsewhere or behind a URL is not."""
    outside = path.startswith(("/", "~", "\\")) or ".." in path or "://" in path or path[1:2] == ":"
    return "file-access" if outside else "local-file"


def _function_hazard(name: str, argument: Token | None) -> str:
    """What is wrong with calling this function, or nothing."""
    short = name.rpartition(".")[2]
    if short in words.FILE_READERS:
        path = argument.text.strip("'") if argument and argument.kind == "string" else "/"
        return _file_hazard(path)
    for candidate in (name, short):
        beginning = max(
            (b for b, _ in words.FAMILIES if _begins_with(candidate, b)),
            key=len,
            default="",
        )
        known = candidate in words.PURE or any(
            candidate.startswith(family) and len(family) >= len(beginning) for family in words.READ_FAMILIES
        )
        if known:
            return ""
        if beginning:
            return next(what for b, what in words.FAMILIES if b == beginning)
    if short.startswith(("pg_", "sys_", "lo_", "x$", "sysproc")) or name.startswith(("pg_catalog.", "sys.")):
        return "server"
    return "unknown-function"


def _begins_with(name: str, beginning: str) -> bool:
    """Beginnings that end in a letter or digit are whole names, unless they are long enough to be a family."""
    if beginning[-1] in "_.$" or len(beginning) > 8 or beginning in ("dblink", "sp_oa"):
        return name.startswith(beginning)
    return name == beginning
