"""Conditions that narrow down in form only: what a WHERE lets through when it lets every row through in practice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from toolguard.core.sql.names import name_at, tables
from toolguard.core.sql.tokens import Token, has_word

DEEP: Final = 8
"""A condition with more parentheses inside each other than this counts as one that lets everything through."""

FAR_YEAR: Final = 2050
"""An upper bound from this year on bounds nothing that a database holds today."""
EARLY_YEAR: Final = 1990
"""A lower bound up to this year bounds no moment at which a row was made."""
LARGE: Final = 10**9
"""An upper bound from here on bounds no number of a row."""

_TAIL: Final = frozenset("order limit returning option group fetch when settings commit rollback go".split())
"""Clauses behind a condition."""
_NOW: Final = frozenset(
    "now current_timestamp current_date getdate getutcdate sysdate sysdatetime sysutcdatetime systimestamp "
    "localtimestamp curdate clock_timestamp today".split()
)
_MADE: Final = frozenset("created create inserted registered ordered signed joined placed added".split())
"""A column named like this holds a moment that has passed for every row."""
_MADE_JOINED: Final = tuple(f"{word}{end}" for word in _MADE for end in ("at", "on", "date", "time", "utc"))
_MAYBE_NULL: Final = frozenset(
    "deleted archived expired cancelled canceled old legacy deprecated processed note notes comment phone error parent "
    "locked closed ended failed".split()
)
_MAYBE_ZERO: Final = frozenset(
    "stock quantity qty balance count counter retries attempts errors failed failures score points discount remaining "
    "available unread pending".split()
)
_KEYS: Final = re.compile(r"(?:.*_)?id|rowid|rownum")
_YEAR: Final = re.compile(r"[a-z]?'(\d{4})-?\d\d", re.IGNORECASE)
_ANY_TEXT: Final = frozenset("% %% _% %_% .* ^.*$ ^ .+".split())


def lets_all_through(condition: Sequence[Token], target: str = "") -> bool:
    """Whether every row of the table `target` fulfils this: `1=1`, `id > 0`, `id IN (SELECT id FROM target)`..."""
    depth = 0
    for i, token in enumerate(condition):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and i and token.kind == "word" and token.text in _TAIL:
            condition = condition[:i]
            break
    return _wide(condition, target, 0)


def only_old(condition: Sequence[Token]) -> bool:
    """Rows up to an age: a bound from above in a chain of ANDs, and none from below. What retention deletes by."""
    bounds = [token.text for token in condition if token.text in ("<", "<=", ">", ">=", "between")]
    return bool(bounds) and set(bounds) <= {"<", "<="} and not has_word(condition, "or", "not")


def _wide(tokens: Sequence[Token], target: str, deep: int) -> bool:
    tokens = _stripped(tokens)
    if not tokens:
        return False
    if deep > DEEP:
        return True
    either = list(_divided(tokens, "or"))
    if len(either) > 1:
        return _complete(either) or any(_wide(part, target, deep + 1) for part in either)
    both = list(_divided(tokens, "and"))
    if len(both) > 1:
        return all(_wide(part, target, deep + 1) for part in both)
    return _always(tokens, target)


def _stripped(tokens: Sequence[Token]) -> Sequence[Token]:
    """Without the parentheses that enclose all of it."""
    opened = closed = 0
    while opened < len(tokens) and tokens[opened].text == "(":
        opened += 1
    while closed < len(tokens) - opened and tokens[-1 - closed].text == ")":
        closed += 1
    enclosing = min(opened, closed)
    depth = lowest = 0
    for token in tokens[enclosing : len(tokens) - enclosing]:
        depth += (token.text == "(") - (token.text == ")")
        lowest = min(lowest, depth)
    enclosing = max(0, enclosing + lowest)
    return tokens[enclosing : len(tokens) - enclosing]


def _divided(tokens: Sequence[Token], word: str) -> Iterator[Sequence[Token]]:
    """The parts between ANDs or ORs outside parentheses; the AND of a BETWEEN divides nothing."""
    depth = start = 0
    between = False
    for i, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if depth or token.kind != "word":
            continue
        if token.text == "between":
            between = True
        elif token.text == "and" and between:
            between = False
        elif token.text == word:
            yield tokens[start:i]
            start = i + 1
    yield tokens[start:]


_OPPOSITE: Final = {
    "=": ("<>", "!="),
    "<>": ("=",),
    "!=": ("=",),
    "<": (">=",),
    ">": ("<=",),
    "<=": (">",),
    ">=": ("<",),
}


def _complete(either: Sequence[Sequence[Token]]) -> bool:
    """Two parts of an OR that leave no row out: `a = 1 OR a <> 1`, `a OR NOT a`, `a IS NULL OR a IS NOT NULL`."""
    texts = [tuple(token.text for token in _stripped(part)) for part in either[:12] if len(part) < 30]
    for one in texts:
        for other in texts:
            if _without_not(one) == _without_not(other) and (one.count("not") - other.count("not")) % 2:
                return True
            if len(one) == len(other) > 2 and one[:-2] == other[:-2]:
                flags = {one[-1], other[-1]}
                if one[-2] == other[-2] == "=" and flags in ({"true", "false"}, {"0", "1"}):
                    return True
                if one[-1] == other[-1] and other[-2] in _OPPOSITE.get(one[-2], ()):
                    return True
    return False


def _without_not(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if text != "not"]


def _always(tokens: Sequence[Token], target: str) -> bool:
    """One comparison that every row fulfils."""
    nots = next((i for i, token in enumerate(tokens) if token.text != "not"), len(tokens))
    tokens, turned = _stripped(tokens[nots:]), bool(nots % 2)
    known = _known(tokens, target)
    if known is not None:
        return known is not turned
    if not has_word(tokens, "from") and (has_word(tokens, "select") or not any(map(_is_column, tokens))):
        return True  # nothing of a row stands in it: always true, or of no use
    if tokens and tokens[0].text == "exists":
        return not turned and not _narrows(tokens)
    column, after = _left(tokens)
    rest = list(tokens[after:])
    if turned and rest and rest[0].text in _OPPOSITE:
        rest[0] = rest[0]._replace(text=_OPPOSITE[rest[0].text][0])
    elif turned:
        return False
    return bool(column) and _covers(column, rest, target)


def _is_column(token: Token) -> bool:
    return token.kind == "quoted" or (token.kind == "word" and token.text not in _CONSTANT)


_CONSTANT: Final = _NOW | frozenset("true false null is not in between and or like".split())


def _narrows(query: Sequence[Token]) -> bool:
    """Whether a query inside leaves rows out. One that only tells what to begin with does not."""
    at = next((i for i, token in enumerate(query) if token.text == "where" and token.kind == "word"), 0)
    if has_word(query, "join", "having", "limit", "top", "fetch", "except", "intersect", "qualify"):
        return True
    # A query in its WHERE is not looked into: how deep they may stand in each other has no end.
    return bool(at) and (has_word(query[at:], "select") or not lets_all_through(_stripped(query[at + 1 : -1])))


def _known(tokens: Sequence[Token], target: str) -> bool | None:
    """The truth of a comparison without columns, or of a column with itself; None where rows decide."""
    if len(tokens) == 1:
        text = tokens[0].text
        if text in ("true", "false", "null"):
            return text == "true"
        return _number(tokens) != 0 if tokens[0].kind == "number" else None
    at = next((i for i, token in enumerate(tokens) if token.text in _COMPARED), None)
    if at is None:
        return None
    left, right = tokens[:at], tokens[at + 1 :]
    sign = tokens[at].text
    if _unqualified(left, target) == _unqualified(right, target):
        return sign in ("=", "==", "<=", ">=", "<=>", "like")
    mine, theirs = _number(left), _number(right)
    if mine is not None and theirs is not None:
        return {"=": mine == theirs, "<": mine < theirs, ">": mine > theirs}.get(sign, mine != theirs)
    if len(left) == len(right) == 1 and left[0].kind == right[0].kind == "string":
        return sign in ("<>", "!=") or (sign == "like" and right[0].text.strip("'") in _ANY_TEXT)
    return None


def _unqualified(tokens: Sequence[Token], target: str) -> list[str]:
    texts = [token.text for token in tokens]
    return texts[2:] if len(texts) == 3 and texts[1] == "." and texts[0] == target.rpartition(".")[2] else texts


_COMPARED: Final = frozenset("= == <= >= <=> < > <> != like".split())


def _number(tokens: Sequence[Token]) -> float | None:
    sign = -1 if tokens and tokens[0].text == "-" else 1
    if sign < 0:
        tokens = tokens[1:]
    if len(tokens) != 1 or tokens[0].kind != "number" or tokens[0].text[:2].lower() == "0x":
        return None
    return sign * float(tokens[0].text.replace("_", ""))


def _left(tokens: Sequence[Token]) -> tuple[str, int]:
    """The column on the left, also inside a function such as LENGTH, and where the comparison goes on."""
    name, after = name_at(tokens, 0)
    if after < len(tokens) and name and tokens[after].text == "(":
        close = next((i for i in range(after, len(tokens)) if tokens[i].text == ")"), len(tokens) - 1)
        return name_at(tokens, after + 1)[0].rpartition(".")[2] or name, close + 1
    if after < len(tokens) and tokens[after].text.startswith("::"):  # a cast, read as one word
        after += 1
    return name.rpartition(".")[2], after


def _covers(column: str, rest: Sequence[Token], target: str) -> bool:
    texts = [token.text for token in rest[:4]]
    sign, value = (texts[0] if texts else ""), rest[1:]
    parts = set(column.split("_"))
    if texts[:3] == ["is", "not", "null"]:
        return _is_made(column) or not (parts & _MAYBE_NULL or column.endswith(("_at", "_on", "_date", "_by")))
    if texts[:2] == ["not", "in"]:
        return len(value) < 6 and _nothing(value[2:-1]) and not parts & _MAYBE_ZERO
    if sign in ("like", "ilike", "~", "~*", "regexp", "rlike", "similar"):
        pattern = next((token.text.strip("'") for token in value if token.kind == "string"), "")
        return pattern in _ANY_TEXT or (pattern == "%@%" and "mail" in column)
    if sign in ("<>", "!="):
        return _nothing(value) and not parts & _MAYBE_ZERO
    if sign == "in":
        return _in_all(column, value, target)
    if texts[:2] == ["=", "any"]:
        return _in_all(column, value[1:], target)
    if sign == "between":
        middle = next((i for i, token in enumerate(value) if token.text == "and"), 0)
        return _from_below(column, ">=", value[:middle]) and _from_above(column, value[middle + 1 :])
    if sign in (">", ">="):
        return _from_below(column, sign, value)
    return sign in ("<", "<=") and _from_above(column, value)


def _is_made(column: str) -> bool:
    return bool(set(column.split("_")) & _MADE) or column.endswith(_MADE_JOINED)


def _nothing(value: Sequence[Token]) -> bool:
    """A value that no row holds in a column like this: an empty text, zero, less than zero."""
    number = _number(value)
    return (len(value) == 1 and value[0].text == "''") or (number is not None and number <= 0)


def _from_below(column: str, sign: str, value: Sequence[Token]) -> bool:
    number, year = _number(value), _year(value)
    parts = set(column.split("_"))
    if number is not None:
        least = number + (sign == ">")
        if least > 1:
            return least == 2 and _KEYS.fullmatch(column) is not None
        return least <= 0 or not parts & _MAYBE_ZERO
    return year is not None and (year <= 1900 or (year <= EARLY_YEAR and _is_made(column)))


def _from_above(column: str, value: Sequence[Token]) -> bool:
    number, year = _number(value), _year(value)
    if number is not None:
        return number >= LARGE or (number >= 99_999 and set(value[0].text) == {"9"})
    if year is not None:
        return year >= FAR_YEAR
    if has_word(value, "select") and has_word(value, "max"):
        return not _narrows(value)
    made = _is_made(column)
    return made and has_word(value, *_NOW) and (len(value) <= 3 or _in_future(value))


def _in_future(value: Sequence[Token]) -> bool:
    texts = [token.text for token in value]
    return "-" not in texts and ("+" in texts or texts[0] in ("dateadd", "date_add", "timestampadd", "adddate"))


def _year(value: Sequence[Token]) -> int | None:
    """The year of the date that stands here, as text or in a function or cast of one."""
    if any(token.text in ("+", "-", "select") for token in value):
        return None
    first = next((token.text for token in value if token.kind == "string"), "")
    found = _YEAR.match(first)
    return int(found.group(1)) if found else None


def _in_all(column: str, value: Sequence[Token], target: str) -> bool:
    """`id IN (SELECT id FROM target)`, `order_id IN (SELECT id FROM orders)`: a list that holds every value."""
    if len(value) < 3 or value[1].text != "select":
        return False
    if _narrows(value):
        return False
    chosen = name_at(value, 2)[0].rpartition(".")[2]
    from_tables = [name.rpartition(".")[2] for name in tables(value)]
    if len(from_tables) != 1 or not chosen:
        return False
    same = from_tables[0] == target.rpartition(".")[2]
    return (same and chosen == column) or (chosen == "id" and column == f"{from_tables[0].removesuffix('s')}_id")
