"""One line for the reviewer, written from the parsed call: what it would do, to what, how much of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from toolguard.core import verbs
from toolguard.core.acts import FileOp, FileUse
from toolguard.core.model import EffectClass
from toolguard.core.reading import Language, Reading
from toolguard.core.targets import Aim, Target, first

LONGEST: Final = 140

_FILE_VERBS: Final = {
    FileOp.READ: "Read",
    FileOp.LIST: "List",
    FileOp.WRITE: "Write",
    FileOp.DELETE: "Delete",
    FileOp.MODE: "Change the permissions of",
    FileOp.OWNER: "Change the owner of",
    FileOp.EXECUTE: "Run",
}
_MESSAGES: Final = {
    "email": "an e-mail", "mail": "an e-mail", "gmail": "an e-mail", "sms": "a text message", "text": "a text message",
    "tweet": "a post", "post": "a post", "dm": "a direct message", "message": "a message", "slack": "a Slack message",
    "comment": "a comment", "reply": "a reply", "invite": "an invitation", "fax": "a fax", "notification": "a "
    "notification",
}  # fmt: skip


_WHOLE_TABLE: Final = {
    "drop table": "Delete the table",
    "truncate table": "Delete every row of the table",
    "alter table": "Change the columns or rules of the table",
}
_ABBREVIATIONS: Final = frozenset(
    "ai api aws cpu crm css csv db dns ec2 erp ftp gcp gpu html http https id imap ip json jwt llm mcp pdf pr rds s3 "
    "sdk sms smtp sql ssh ssl tls ui uri url uuid vm vpc vpn xml yaml".split()
)
_SPLIT_NUMBER: Final = re.compile(r"\b([a-z]{1,2}) ([0-9]+)\b")
"""`s3` comes in two words."""
PRIVILEGED: Final = "shell.privileged"


def of(reading: Reading, effect: EffectClass, found: Sequence[Target]) -> str:
    """The headline of a call of this class with these targets."""
    line = (
        _sql(reading)
        or _program(reading, effect)
        or _money(reading, effect, found)
        or _message(reading, effect, found)
        or _files(reading.files, effect)
        or _plain(reading, found)
    )
    clean = " ".join(line.split())
    return clean if len(clean) <= LONGEST else clean[: LONGEST - 1] + "…"


def _sql(reading: Reading) -> str:
    if not reading.sql:
        return ""
    statements = [(s, f.text) for f, sql in reading.sql for s in sql.statements]
    if not statements:
        return ""
    statement, text = max(statements, key=lambda pair: verbs.RISK.index(pair[0].effect_class))
    table = statement.tables[0] if statement.tables else ""
    others = len(statements) - 1
    more = f" (and {others} more SQL statement{'' if others == 1 else 's'})" if others else ""
    if statement.kind == "delete" and table:
        return f"Delete {'every row' if statement.everything else 'rows'} of the table {table}{more}"
    if statement.kind == "update" and table:
        return f"Change {'every row' if statement.everything else 'rows'} of the table {table}{more}"
    if statement.kind in _WHOLE_TABLE and table:
        return f"{_WHOLE_TABLE[statement.kind]} {table}{more}"
    if statement.kind == "insert" and table:
        return f"Add rows to the table {table}{more}"
    if statement.kind == "select" and table:
        return f"Read the table {', '.join(statement.tables[:3])}{more}"
    return f"Run SQL: {text[statement.start : statement.end]}{more}"


def _program(reading: Reading, effect: EffectClass) -> str:
    shown = [
        f for f in reading.fragments if not f.nested and f.language not in (Language.TEXT, Language.URL, Language.PATH)
    ]
    if not shown:
        return ""
    deleted = [use for use in reading.files if use.op is FileOp.DELETE]
    if effect is EffectClass.DELETE and deleted:
        return _files(deleted, effect)
    if effect is EffectClass.EXECUTE and deleted and any(act.finding == PRIVILEGED for act in reading.acts):
        what, _, path = _files(deleted, EffectClass.DELETE).partition(": ")
        return f"{what}, with the rights of another user" + (f": {path}" if path else "")
    acts = [act.sentence for act in reading.acts if act.effect_class is effect and act.sentence]
    if acts:
        return acts[0][:1].upper() + acts[0][1:]
    fragment = shown[0]
    lines = fragment.text.strip().splitlines() or [""]
    more = f" (and {len(lines) - 1} more lines)" if len(lines) > 1 else ""
    names = {Language.PYTHON: "Python", Language.POWERSHELL: "PowerShell", Language.CODE: fragment.dialect or "code"}
    language = names.get(fragment.language, "")
    return f"Run{' ' + language if language else ''}: {lines[0]}{more}"


def _money(reading: Reading, effect: EffectClass, found: Sequence[Target]) -> str:
    if effect is not EffectClass.SPEND:
        return ""
    amount = first(found, Aim.AMOUNT)
    whom = first(found, Aim.ACCOUNT, Aim.RECIPIENT)
    if amount is None:
        return ""
    currency = next((str(v) for k, v in reading.call.arguments.items() if k.lower() in ("currency", "unit")), "")
    verb = "Pay" if whom else _title(reading.call.tool) + ":"
    return f"{verb} {amount.value}{' ' + currency if currency else ''}{' to ' + whom.value if whom else ''}"


def _message(reading: Reading, effect: EffectClass, found: Sequence[Target]) -> str:
    if effect is not EffectClass.SEND or reading.contacts:
        return ""
    words = verbs.split_name(reading.call.tool)
    what = next((_MESSAGES[word] for word in words if word in _MESSAGES), "")
    to = [t.value for t in found if t.aim is Aim.RECIPIENT]
    if not what or not to:
        return ""
    return f"Send {what} to {_some(to)}"


def _files(files: Sequence[FileUse], effect: EffectClass) -> str:
    changed = [use for use in files if use.op not in (FileOp.READ, FileOp.LIST)]
    if not changed or effect is EffectClass.READ:
        return ""
    use = changed[0]
    if use.op is FileOp.DELETE and use.recursive:
        folders = len({u.path for u in changed if u.op is FileOp.DELETE})
        what = "1 folder and everything in it" if folders == 1 else f"{folders} folders and everything in them"
        return f"Delete {what}: {use.path}"
    return f"{_FILE_VERBS[use.op]} {_some([u.path for u in changed if u.op is use.op])}"


def _plain(reading: Reading, found: Sequence[Target]) -> str:
    named = first(found, Aim.RECIPIENT, Aim.ACCOUNT, Aim.PLACE, Aim.THING)
    return _title(reading.call.tool) + (f": {named.value}" if named else "")


@lru_cache(maxsize=1024)
def _title(tool: str) -> str:
    words = _SPLIT_NUMBER.sub(r"\1\2", " ".join(verbs.split_name(tool))) or tool
    title = " ".join(word.upper() if word in _ABBREVIATIONS else word for word in words.split(" "))
    return title[:1].upper() + title[1:]


def _some(values: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(values))
    return ", ".join(distinct[:3]) + (f" and {len(distinct) - 3} more" if len(distinct) > 3 else "")
