"""Rows that others go by: who may do what, who is paid how much and where, what was done by whom.

A WHERE that picks one such row makes the change no smaller, so these are looked for in narrowed statements too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from toolguard.core.sql import words
from toolguard.core.sql.conditions import only_old
from toolguard.core.sql.names import name_at, names_credentials
from toolguard.core.sql.statement import Hazard, hazard
from toolguard.core.sql.tokens import Token

LARGE_CHANGE: Final = 10_000
"""A balance or salary that changes by this much at once, whatever the currency."""
LARGE_AMOUNT: Final = 1_000_000
"""A balance or salary that is set to this."""
LARGE_FACTOR: Final = 2
"""A balance or salary multiplied by this."""

_AFTER_SET: Final = frozenset("where from returning order limit option when".split())
_RIGHTS_TABLE: Final = re.compile(
    r"(?:.*_)?(?:admins?|administrators?|superusers?|sudoers)|roles_users"
    r"|(?:.*_)?(?:users?|accounts?|members?|group|team|org)_?(?:roles?|permissions?|privileges?)"
    r"|(?:.*_)?roles?_?(?:users?|members?|assignments?|permissions?)"
)
_TRAIL: Final = re.compile(
    r"(?:.*_)?audit(?:ing|_?(?:log|trail|event|entr|record|histor)\w*)?(?:_.*)?"
    r"|(?:.*_)?(?:security|access|auth|login|signin|admin|activity|sys|system|transaction|change)_?(?:logs?|history|trail|journal)"
    r"|(?:.*_)?security_?events?|(?:.*_)?ledger(?:_entries)?"
)
_MARKS: Final = frozenset("processed archived exported synced reviewed acknowledged status notified indexed".split())
"""Columns of a log that its own readers keep: how far they have come."""
_PAID_WORDS: Final = frozenset("iban bban swift bic payee".split())
_PAID_PAIRS: Final = frozenset(
    {
        ("account", "number"), ("account", "no"), ("acct", "number"), ("acct", "no"), ("acc", "number"),
        ("routing", "number"), ("routing", "no"), ("sort", "code"), ("bank", "account"), ("bank", "details"),
        ("payout", "address"), ("payout", "account"), ("payout", "email"), ("payout", "method"), ("wallet", "address"),
        ("paypal", "email"), ("deposit", "account"), ("deposit", "address"),
        ("withdrawal", "address"), ("withdrawal", "account"), ("payment", "address"), ("swift", "code"),
        ("btc", "address"), ("beneficiary", "account"), ("beneficiary", "name"),
    }
)  # fmt: skip
_ABOUT_PAY: Final = frozenset("id at status verified".split())
_PAID_JOINED: Final = frozenset("".join(pair) for pair in _PAID_PAIRS)
_AMOUNTS: Final = frozenset("balance salary wage credits overdraft bonus".split())
_SECOND_FACTOR: Final = frozenset("mfa totp otp 2fa tfa twofactor factor".split())
_NAMED_POWERS: Final = frozenset("admin administrator superuser superadmin sysadmin root".split())
_POWER_IN_JSON: Final = re.compile(
    r'"(?:user_?)?(?:roles?|is_?admin|is_?superuser)"\s*:\s*(?:\[\s*)?(?:true|"(?:admin|administrator|superuser|superadmin|root)")'
)
_OFF: Final = frozenset("false 0 null f off".split())


class Assigned(NamedTuple):
    """One `column = value` of an UPDATE."""

    column: str
    value: Sequence[Token]
    start: int
    end: int


def of_note(
    kind: str, names: Sequence[str], body: Sequence[Token], condition: Sequence[Token] | None
) -> Iterator[Hazard]:
    """What a statement of this kind does to rows that others go by; at most one of each sort."""
    kind = "insert" if kind in ("replace", "upsert") else kind
    target = _target(kind, names, body)
    table = target.rpartition(".")[2]
    if kind in ("insert", "update", "delete") and target.startswith(_CATALOGS):
        yield hazard("settings", f"{kind} in the catalogue: {target}", body[0].start, body[-1].end)
    assigned = list(_assigned(body)) if kind in ("update", "merge") else []
    yield from _powers(kind, table, assigned, body)
    for one in assigned:
        if _is_paid(one.column) and _text(one.value) != "null":
            yield hazard("money-rows", f"set {one.column}", one.start, one.end)
            break
        if _is_large(one):
            yield hazard("money-rows", f"set {one.column} by a large amount", one.start, one.end)
            break
    if kind in ("update", "delete") and _TRAIL.fullmatch(table) and not _is_upkeep(assigned, condition):
        yield hazard("trail-rows", f"{kind} in {table}", body[0].start, body[-1].end)


def _target(kind: str, names: Sequence[str], body: Sequence[Token]) -> str:
    """The table that is changed. An INSERT may list columns behind it, which then look like arguments of a function."""
    at = next((i for i, token in enumerate(body) if token.text == "into"), 0) if kind == "insert" else 0
    return name_at(body, at + 1)[0] if at else next(iter(names), "")


_CATALOGS: Final = ("pg_catalog.", "mysql.", "information_schema.", "sys.", "sqlite_master", "sqlite_schema", "pg_auth")


def _powers(kind: str, table: str, assigned: Sequence[Assigned], body: Sequence[Token]) -> Iterator[Hazard]:
    """Rows by which an application knows its users: a password set, a role given, a second factor switched off."""
    for one in assigned:
        if _gives_power(one):
            yield hazard("account-rows", f"set {one.column}", one.start, one.end)
            return
    if kind == "insert":
        yield from _added(table, body)


def _added(table: str, body: Sequence[Token]) -> Iterator[Hazard]:
    """A row of an administrator, or one in a table of who may do what."""
    if _RIGHTS_TABLE.fullmatch(table):
        yield hazard("account-rows", f"a row in {table}", body[0].start, body[-1].end)
        return
    values = next((i for i, token in enumerate(body) if token.text == "values"), len(body))
    named = [token.text.lower() for token in body[:values] if token.kind in ("word", "quoted")]
    listed = bool(set(named) & words.POWER_COLUMNS)
    # Without a list of columns the role is one of the values.
    unlisted = values < len(body) and body[values - 1].text != ")" and bool(words.USER_TABLE.fullmatch(table))
    wanted = words.POWER_VALUES if listed else _NAMED_POWERS if unlisted else frozenset[str]()
    for token in body:
        if token.kind == "string" and token.text.strip("'").lower() in wanted:
            yield hazard("account-rows", f"a row with {token.text}", token.start, token.end)
            return
    for one in _paired(body, values) if listed else ():
        if one.column in words.POWER_COLUMNS and _text(one.value) in words.POWER_VALUES:
            yield hazard("account-rows", f"a row with {one.column}", one.start, one.end)
            return


def _paired(body: Sequence[Token], values: int) -> Iterator[Assigned]:
    """`(a, b) VALUES (1, 2)`: the columns of an INSERT with the values of its first row."""
    columns = [token for token in body[:values] if token.kind in ("word", "quoted")]
    row: list[list[Token]] = [[]]
    depth = 0
    for token in body[values + 1 :]:
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0:
            break
        if token.text == "," and depth == 1:
            row.append([])
        elif depth > 1 or token.text != "(":
            row[-1].append(token)
    for column, value in zip(columns[-len(row) :], row, strict=False):
        if value:
            yield Assigned(column.text.lower(), value, value[0].start, value[-1].end)


def _assigned(body: Sequence[Token]) -> Iterator[Assigned]:
    """The assignments behind each SET outside parentheses."""
    depth, start = 0, 0
    for i, token in enumerate(body):
        depth += (token.text == "(") - (token.text == ")")
        if depth:
            continue
        ends = token.text == "," or (token.kind == "word" and token.text in _AFTER_SET)
        if start and ends:
            yield from _assignment(body[start:i])
            start = i + 1 if token.text == "," else 0
        if token.kind == "word" and token.text == "set":
            start = i + 1
    if start:
        yield from _assignment(body[start:])


def _assignment(tokens: Sequence[Token]) -> Iterator[Assigned]:
    if tokens and tokens[0].text == "(":  # SET (a, b) = (1, 2)
        equals = next((i for i, token in enumerate(tokens) if token.text == "="), len(tokens) - 1)
        for column in tokens[1:equals]:
            if column.kind in ("word", "quoted"):
                yield Assigned(column.text.lower(), tokens[equals + 1 :] or tokens, tokens[0].start, tokens[-1].end)
        return
    name, at = name_at(tokens, 0)
    if name and at + 1 < len(tokens) and tokens[at].text == "=":
        yield Assigned(name.rpartition(".")[2], tokens[at + 1 :], tokens[0].start, tokens[-1].end)


def _text(value: Sequence[Token]) -> str:
    """The value's first token, without quotes and the letter before them."""
    return value[0].text.lower().lstrip("nb").strip("'") if value[0].kind == "string" else value[0].text.lower()


def _gives_power(one: Assigned) -> bool:
    value = _text(one.value)
    parts = one.column.split("_")
    if names_credentials(one.column):
        return not (value in ("null", "") and parts[-1] in ("token", "tokens", "otp", "pin"))
    if _SECOND_FACTOR & set(parts) and value in _OFF:
        return True
    if one.column in words.POWER_COLUMNS and value in words.POWER_VALUES:
        return True
    if any(token.kind == "string" and _POWER_IN_JSON.search(token.text.lower()) for token in one.value):
        return True
    # WordPress keeps roles as a serialized text in `meta_value`.
    return (one.column in words.POWER_COLUMNS or one.column == "meta_value") and any(
        token.kind == "string" and _NAMED_POWERS & set(re.split(r"[\W_]+", token.text.lower())) for token in one.value
    )


def _is_paid(column: str) -> bool:
    parts = column.split("_")
    return (
        parts[-1] in _PAID_WORDS
        or column in _PAID_JOINED
        or parts[0] == "iban"
        or (parts[-1] not in _ABOUT_PAY and any(pair in _PAID_PAIRS for pair in pairwise(parts)))
    )


def _is_large(one: Assigned) -> bool:
    """`balance + 1000000`, `salary * 10`, `balance = 99999999`."""
    parts = set(one.column.split("_"))
    # An amount that is set belongs to an invoice or an order; one that is raised belongs to an account.
    raised = "amount" in parts and len(one.value) > 1
    if not (_AMOUNTS & parts or one.column == "credit_limit" or raised):
        return False
    values = [token for token in one.value if token.kind == "number" or token.text in ("+", "-", "*")]
    if len(one.value) == 1:
        return bool(values) and _amount(values[0]) >= LARGE_AMOUNT
    return any(
        _amount(after) >= (LARGE_FACTOR if sign.text == "*" else LARGE_CHANGE)
        for sign, after in pairwise(values)
        if sign.kind == "op" and after.kind == "number"
    )


def _amount(token: Token) -> float:
    return 0.0 if token.text[:2].lower() == "0x" else float(token.text.replace("_", ""))


def _is_upkeep(assigned: Sequence[Assigned], condition: Sequence[Token] | None) -> bool:
    """Retention of a log by age, or a mark that somebody has read it so far."""
    if assigned:
        return all(one.column.endswith("_at") or _MARKS & set(one.column.split("_")) for one in assigned)
    return condition is not None and only_old(condition)
