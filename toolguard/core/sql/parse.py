"""Reads SQL: what each statement does, to which tables, and which of its parts are not those of an ordinary statement.

An allow-list: a text passes for a read only if each statement begins as one, holds no word that could begin another
statement, and calls only functions known to compute. Everything else is named. No grammar is needed for that, so all
dialects are read by one file, and where they disagree about quoting every reading counts (`sql/tokens.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from toolguard.core.model import EffectClass
from toolguard.core.sql import injection, inside, rows, tsql, words
from toolguard.core.sql.conditions import lets_all_through
from toolguard.core.sql.names import BETWEEN, calls, function_hazard, tables
from toolguard.core.sql.statement import GRAVEST, READ, Hazard, Sql, Statement, hazard
from toolguard.core.sql.temporary import Temporaries, replaces_rebuilt
from toolguard.core.sql.tokens import Lexed, Token, TooMuch, has_word, readings

__all__ = ["GRAVEST", "Hazard", "Sql", "Statement", "read_sql"]

FUNCTIONS: Final = 200
"""Different functions of one statement that are looked up; the first look at a name takes 0.1 ms."""

TRANSACTION: Final = 20
"""A transaction of more statements than this is not judged statement by statement: nobody would read it so."""

Look = tuple[str, EffectClass, bool]
"""A statement's kind, its class, and whether it reaches everything."""


def read_sql(text: str, dialect: str | None = None) -> Sql:
    """What this text would do. Total: what cannot be read is marked so.

    `dialect` is a hint that nothing needs today: every reading of every dialect counts.
    """
    try:
        lexed = list(readings(text))
    except TooMuch:
        return Sql((), (Hazard("unread", "too long or too ambiguous", 0, len(text)),), parsed=False)
    if not any(one.complete for one in lexed):
        return Sql((), (Hazard("unread", "a quote or comment that never ends", 0, len(text)),), parsed=False)
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
        self.temporaries = Temporaries()
        self.broken = False
        """A statement breaks off in this reading: a server that reads it so refuses it."""

    def read(self) -> Sql:
        pieces = [piece for part in _split(self.lexed.tokens) for piece in tsql.divided(part, self.text)]
        statements = [self._statement(piece) for piece in pieces]
        if len(statements) > 1 and not self.broken:
            self._stacked(statements)
        for comment in self.lexed.comments:
            if comment.executed:
                self._add("version-comment", "code inside /*! */", comment.start, comment.end)
        self.hazards.extend(injection.cut_off(self.text, self.lexed.comments, self.lexed.tokens))
        return Sql(tuple(statements), tuple(self.hazards))

    def _add(self, what: str, detail: str, start: int, end: int) -> None:
        self.hazards.append(hazard(what, detail, start, end))

    def _stacked(self, statements: Sequence[Statement]) -> None:
        """Several statements, unless they are visibly one piece of work: then each is judged by itself.

        That is a transaction from its beginning to its end, and one statement with what prepares it: settings,
        variables, temporary tables. An injected statement comes behind somebody else's query, so neither begins it.
        """
        kinds = [statement.kind for statement in statements]
        begun = kinds[0] in _BEGINS
        if begun and kinds[-1] in _ENDS and not _ENDS & set(kinds[1:-1]) and len(kinds) <= TRANSACTION:
            return
        prepared = begun or kinds[0] in _PREPARES or statements[0].temporary
        passing = _PREPARES | _BEGINS | (_TRANSACTION if prepared else frozenset())
        counted = [s for s in statements if s.kind not in passing and not s.temporary]
        if len(counted) > 1 or (not prepared and any(s.effect_class is not READ for s in statements)):
            last = statements[-1]
            self._add("stacked", f"{len(statements)} statements", statements[0].start, last.end)

    def _statement(self, tokens: Sequence[Token]) -> Statement:
        first = next((i for i, t in enumerate(tokens) if t.text != "("), 0)
        head, body = tokens[first], tokens[first:]
        start, end = tokens[0].start, tokens[-1].end
        if head.text == "if" and head.kind == "word" and (behind := tsql.behind_if(body)):
            return self._guarded(body, behind)
        if self._breaks_off(body):
            self.broken = True
            return Statement(head.text, READ, (), start, end)
        names = tables(tokens)
        effect = words.STATEMENTS.get(head.text) if head.kind == "word" else None
        if effect is None and head.text.startswith(("sp_", "xp_")):
            effect = EffectClass.EXECUTE
        if effect is None:
            self._add("unknown-statement", head.text, head.start, head.end)
            return Statement(head.text, EffectClass.UNKNOWN, names, start, end)
        own = self.temporaries.changed_by(head.text, body)
        kind, effect, everything = self._of_temporary(head.text, body) if own else self._look(head.text, effect, body)
        self._calls(body)
        self.hazards.extend(inside.secrets(names, body))
        if kind in _WITH_PARTS:
            self.hazards.extend(inside.parts(kind, body))
            self.hazards.extend(inside.whole(kind, body))
        elif kind in _MAKES:
            self.hazards.extend(inside.follows(body))
        if not own:
            self.hazards.extend(rows.of_note(kind, names, body, _condition(body)))
        own = own or (effect is READ and bool(names) and all(self.temporaries.holds(name) for name in names))
        return Statement(kind, self._raised(effect, start, end), names, start, end, everything, own)

    def _guarded(self, body: Sequence[Token], behind: int) -> Statement:
        """IF: its condition calls functions, and each of its branches may run."""
        self._calls(body[:behind])
        read = [self._statement(branch) for branch in tsql.branches(body[behind:]) if branch]
        return min(read, key=lambda one: GRAVEST.index(one.effect_class))

    def _of_temporary(self, head: str, body: Sequence[Token]) -> Look:
        if head in ("drop", "truncate"):
            self._add("drop-small", f"{head} of a temporary table", body[0].start, body[-1].end)
        return (f"{head} table" if head in _OBJECT_STATEMENTS else head), EffectClass.WRITE, False

    def _breaks_off(self, body: Sequence[Token]) -> bool:
        """`DROP TABLE #t` where `#` begins a comment: the name is missing, so nothing runs."""
        if body[0].text not in _NAMES_FIRST or len(self.lexed.comments) == 0:
            return False
        at = 1
        while at < len(body) and (body[at].text in BETWEEN or body[at].text in ("table", "into", "from")):
            at += 1
        missing = at >= len(body) or (body[at].kind == "word" and body[at].text in _RESERVED)
        return missing and self.text[body[at - 1].end :].lstrip().startswith("#")

    def _calls(self, body: Sequence[Token]) -> None:
        called: set[str] = set()
        for name, argument, begin, finish in calls(body) if body[0].text != "pragma" else ():
            called.add(name)
            if len(called) > FUNCTIONS:
                self._add("unread", "too many functions", begin, finish)
                break
            if what := function_hazard(name, argument):
                self._add(what, f"{name}()", begin, finish)

    def _raised(self, effect: EffectClass, start: int, end: int) -> EffectClass:
        """A read that runs code, reaches out or changes settings is no read."""
        found = {h.what for h in self.hazards if start <= h.start < end}
        for what, raised in _RAISES:
            if what in found and GRAVEST.index(raised) < GRAVEST.index(effect):
                effect = raised
        return effect

    def _look(self, head: str, effect: EffectClass, body: Sequence[Token]) -> Look:
        """The statement's kind, class and whether it reaches everything, after a look at the words behind the first."""
        return _LOOKS.get(head, _Reader._other)(self, head, effect, body)

    def _query(self, head: str, effect: EffectClass, body: Sequence[Token]) -> Look:
        return head, effect, head != "values" and not has_word(body, "where", "limit", "top", "fetch")

    def _rows(self, head: str, effect: EffectClass, body: Sequence[Token]) -> Look:
        condition = _condition(body)
        everything = condition is None or lets_all_through(condition, next(iter(tables(body)), ""))
        if everything:
            self._add("whole-table", head, body[0].start, body[-1].end)
        return head, effect, everything

    def _transaction(self, head: str, effect: EffectClass, body: Sequence[Token]) -> Look:
        if head in ("start", "begin", "end") and len(body) > 2 and not has_word(body[1:2], *_TRANSACTION_WORDS):
            self._add("procedural", head, body[0].start, body[0].end)
            return head, EffectClass.EXECUTE, False
        return ("start transaction" if head == "start" else head), effect, False

    def _other(self, head: str, effect: EffectClass, body: Sequence[Token]) -> Look:
        span = (body[0].start, body[-1].end)
        if tsql.only_tells(body):
            return "exec", READ, False
        if head in _HAZARD_OF:
            self._add(_HAZARD_OF[head], _words(body, 2), *span)
        elif head == "vacuum" and " retain 0 " in _words(body, 9):
            self._add("alter", "vacuum that keeps no older version", *span)
        elif head == "vacuum" and has_word(body, "into"):
            self._add("file-access", "vacuum into a file", *span)
        elif head == "merge" and has_word(body, "delete", "update") and _always_on(body):
            self._add("whole-table", "merge on every row", *span)
        elif head == "merge" and has_word(body, "delete") and " by source " in f" {_words(body, len(body))} ":
            self._add("whole-table", "merge that deletes what its source does not hold", *span)
        elif head.startswith(("sp_", "xp_")):
            self._add("command", head, *span)
        elif head == "insert" and has_word(body[:4], "overwrite"):
            self._add("whole-table", "insert overwrite", *span)
        return head, effect, False

    def _cte(self, head: str, effect: EffectClass, body: Sequence[Token]) -> Look:
        """The verb behind the list of a WITH, outside parentheses, is what runs; `inside.parts` finds writing ones."""
        depth = 0
        for i, token in enumerate(body):
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0 and i and token.kind == "word" and token.text in _MAIN_VERBS:
                kind, effect, everything = self._look(token.text, words.STATEMENTS[token.text], body[i:])
                return ("with" if kind == "select" else kind), effect, everything
        return "with", READ, False

    def _explain(self, head: str, effect: EffectClass, body: Sequence[Token]) -> Look:
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
                if effect is not READ:
                    self._add("hidden-statement", f"explain analyze {inner}", body[0].start, token.end)
                return ("explain" if effect is READ else f"explain analyze {inner}"), effect, everything
        return head, READ, False

    def _pragma(self, head: str, effect: EffectClass, body: Sequence[Token]) -> Look:
        names = [t.text for t in body if t.kind in ("word", "quoted")]
        # `PRAGMA name(value)` sets as well, except for the ones that describe what is in the parentheses.
        if "=" not in [t.text for t in body] and any(name in words.READ_PRAGMAS for name in names[1:3]):
            return "pragma", READ, False
        self._add("settings", _words(body, 3), body[0].start, body[-1].end)
        return "pragma", EffectClass.ADMINISTER, False

    def _set(self, head: str, effect: EffectClass, body: Sequence[Token]) -> Look:
        """Harmless settings of one's own session pass; roles, global settings and everything unknown do not."""
        names = [t.text.lstrip("@") for t in body[1:4] if t.kind in ("word", "quoted")]
        scope = [n for n in names if n in ("session", "local")]
        name = next((n for n in names if n not in ("session", "local")), "")
        variable = len(body) > 1 and body[1].text.startswith("@") and not body[1].text.startswith("@@")
        if (name in words.HARMLESS_SETTINGS and "authorization" not in names) or variable:
            return "set", READ, False
        what = "role" if name in ("role", "authorization") or "authorization" in names else "settings"
        self._add(what, " ".join(["set", *scope, name]), body[0].start, body[-1].end)
        return "set", (EffectClass.GRANT if what == "role" else EffectClass.ADMINISTER), False

    def _object(self, head: str, effect: EffectClass, body: Sequence[Token]) -> Look:
        """CREATE, ALTER, DROP, TRUNCATE, COMMENT, RENAME: the kind of object decides."""
        rest = [t.text.lower() for t in body[1:9] if t.kind in ("word", "quoted")]
        skipped = [w for w in rest if w not in BETWEEN]
        thing = (
            "link"
            if "link" in skipped[:3] and head in ("create", "alter")
            else next(
                (w for w in skipped if w in _OBJECTS),
                skipped[0] if skipped and head != "truncate" else "table",
            )
        )
        kind, start, end = f"{head} {thing}", body[0].start, body[-1].end
        if thing in words.ACCOUNT_OBJECTS or rest[:2] == ["default", "privileges"]:
            self._add("account", kind, start, end)
            return kind, EffectClass.GRANT, False
        if head in ("drop", "truncate", "purge"):
            small = thing in words.SMALL_OBJECTS or (head == "drop" and rest[:1] in (["temporary"], ["temp"]))
            self._add("drop-small" if small else "drop", kind, start, end)
            return kind, EffectClass.DELETE, True
        if thing in words.CODE_OBJECTS:
            self._add("code-object", kind, start, end)
            return kind, EffectClass.EXECUTE, False
        if thing in _STEERED and head == "alter":
            self._add("settings", kind, start, end)
            return kind, EffectClass.ADMINISTER, False
        if head == "create" and "replace" in rest[:2] and thing in _HOLDERS and not replaces_rebuilt(body):
            self._add("drop", f"create or replace {thing}", start, end)
            return kind, EffectClass.DELETE, True
        if head == "rename" or (head == "alter" and (has_word(body[2:], *_DESTRUCTIVE_CHANGES) or _mutates(body))):
            self._add("alter", kind, start, end)
        return kind, effect, False

    def _copy(self, head: str, effect: EffectClass, body: Sequence[Token]) -> Look:
        """COPY moves rows between a table and the client, a file, a bucket or a program."""
        span = (body[0].start, body[-1].end)
        for token, after in pairwise(body):
            if token.text in ("to", "from", "into") and after.text == "program":
                self._add("command", f"{head} {token.text} program", *span)
                return head, EffectClass.EXECUTE, False
        if has_word(body, "stdin", "stdout"):
            return head, (EffectClass.WRITE if has_word(body, "stdin") else READ), False
        what, loads = inside.of_file(body)
        self._add(what, f"{head} with a file", *span)
        return head, (EffectClass.WRITE if loads or what == "local-file" else EffectClass.SEND), False


_WITH_PARTS: Final = frozenset("select with values table update delete insert from merge".split())
"""Statements in which another one can hide; EXPLAIN without ANALYZE runs nothing."""
_MAIN_VERBS: Final = frozenset("select insert update delete merge replace values table create".split())
_OBJECTS: Final = (
    words.CODE_OBJECTS
    | words.ACCOUNT_OBJECTS
    | words.SMALL_OBJECTS
    | frozenset(
        "table database schema column tablespace system keyspace collection bucket catalog warehouse account".split()
    )
)
_OBJECT_STATEMENTS: Final = frozenset("create alter drop truncate rename purge undrop".split())
_DESTRUCTIVE_CHANGES: Final = frozenset(
    "drop rename disable owner modify truncate detach security exchange switch data_retention_time_in_days".split()
)
_HOLDERS: Final = frozenset("table database schema".split())
_STEERED: Final = frozenset("system server instance database configuration account warehouse organization".split())
_MAKES: Final = frozenset(["create table", "create index", "create view", "create sequence"])
_PREPARES: Final = frozenset("set use declare".split())
_BEGINS: Final = frozenset(["begin", "start transaction"])
_ENDS: Final = frozenset("commit end rollback abort".split())
_NAMES_FIRST: Final = frozenset("drop truncate delete update insert create alter".split())
"""Statements in which the name of a table stands before anything else."""
_RESERVED: Final = frozenset("select insert update delete drop create alter with grant set where".split())
_TRANSACTION: Final = frozenset("begin start commit end rollback savepoint release abort".split())
_TRANSACTION_WORDS: Final = frozenset(
    "transaction work tran isolation deferred immediate exclusive read atomic".split()
)
_HAZARD_OF: Final = {
    **dict.fromkeys("call exec execute do prepare load install bulk".split(), "command"),
    **dict.fromkeys("grant revoke deny reassign security".split(), "account"),
    **dict.fromkeys("kill shutdown flush reset dbcc reconfigure change stop system checkpoint".split(), "server"),
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


_LOOKS: Final[Mapping[str, Callable[[_Reader, str, EffectClass, Sequence[Token]], Look]]] = {
    **dict.fromkeys("select values table from".split(), _Reader._query),
    **dict.fromkeys("update delete".split(), _Reader._rows),
    **dict.fromkeys("explain desc describe".split(), _Reader._explain),
    **dict.fromkeys("copy unload export".split(), _Reader._copy),
    **dict.fromkeys(_TRANSACTION, _Reader._transaction),
    **dict.fromkeys(_OBJECT_STATEMENTS, _Reader._object),
    "with": _Reader._cte,
    "pragma": _Reader._pragma,
    "set": _Reader._set,
}
"""How to look closer at a statement, by its first word."""


def _mutates(body: Sequence[Token]) -> bool:
    """ClickHouse: ALTER TABLE t DELETE WHERE ..., ALTER TABLE t UPDATE a = 1 WHERE ...; not ON DELETE CASCADE."""
    return any(
        one.text in ("delete", "update") and one.kind == "word" and before.text != "on" and after.text != "cascade"
        for before, one, after in zip(body[2:], body[3:], body[4:], strict=False)
    )


def _words(tokens: Sequence[Token], count: int) -> str:
    return " ".join(t.text for t in tokens[:count])


def _always_on(body: Sequence[Token]) -> bool:
    at = next((i for i, token in enumerate(body) if token.text == "on"), len(body))
    return lets_all_through(body[at + 1 :])


def _condition(body: Sequence[Token]) -> Sequence[Token] | None:
    """What stands behind the WHERE of the statement itself, not of a query inside it."""
    depth = 0
    for i, token in enumerate(body):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.kind == "word" and token.text == "where":
            return body[i + 1 :]
    return None
