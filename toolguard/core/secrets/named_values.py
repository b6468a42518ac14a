"""Whether a value that stands after a secret's name is a secret itself: `password: ...`, `Authorization: ...`."""

from __future__ import annotations

import base64
import binascii

from toolguard.core.regex import compiled
from toolguard.core.secrets.names import is_password_name, is_secret_variable
from toolguard.core.secrets.values import is_placeholder, is_reference, looks_random


def separates(name: bytes, before: bytes, separator: bytes, quote_mark: bytes, long: bool) -> bool:
    """Whether this separator ties a value to this name at all; `long`: the value is, so a space is enough."""
    plain = separator.strip(b" \"'`\\")
    if separator[:1] == b">":
        return before == b"<"
    if separator.lstrip(b"\"'")[:1] == b",":
        return before in (b'"', b"'") and bool(quote_mark)
    if separator.strip() == b"" or not (set(plain) & set(b":=") or plain.lower().startswith((b"is", b"was"))):
        flag = name.startswith(b"-") or before == b"-" or name.lower().endswith((b"bearer", b"authorization"))
        return flag or long
    return True


def rule_of(name: bytes, separator: bytes, value: bytes, quoted: bool, after: bytes) -> str | None:
    """The rule under which a value after a secret's name is a secret itself."""
    if is_placeholder(value) or is_reference(value) or (not quoted and after in (b"(", b"[")):
        return None
    text_name = name.decode("ascii").lower()
    if text_name.endswith(("authorization", "bearer", "cookie")) or text_name in ("auth", "_auth"):
        return "header-credential" if _is_credential(value) else None
    if is_password_name(text_name) or "contribsys" in text_name:
        return "named-password" if _is_password(name, separator, value, quoted) else None
    return "named-secret" if looks_random(value) else None


def _is_credential(value: bytes) -> bool:
    """What follows `Authorization:` and its scheme."""
    if looks_random(value, 8):
        return True
    try:
        return b":" in base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False


def _is_password(name: bytes, separator: bytes, value: bytes, quoted: bool) -> bool:
    """People choose words as passwords; programs assign words to them all the time. Digits or signs decide, or a form
    in which only literals stand: `PASSWORD=word`, `--password word`."""
    if b" " in value or len(value) > 128:
        return False
    if not value.isalpha():
        return quoted or not _is_variable(value)
    tight = separator.strip(b"\"'`\\") in (b"=", b">") or name.startswith(b"-")
    return (tight or (quoted and b"=" in separator)) and len(value) >= 6 and not _is_variable(value)


def _is_variable(value: bytes) -> bool:
    """The value is a variable that holds a secret: `dbPassword2`, but not `DbPassword!2`, which is no name."""
    named = compiled(r"[^!#%^*~]*[!?]?").fullmatch(value) is not None
    return named and is_secret_variable(value.decode("latin-1"))
