"""Secrets made up at run time from the table of formats, so that none stands in the repository and no scanner trips.

`<<github-token>>` in a case file becomes such a secret; `filled` puts them in.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import string
from collections.abc import Callable
from functools import cache
from re import _constants as sre  # type: ignore[attr-defined]  # the parser's own names for what it returns
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any

from toolguard.core.secrets.formats import FORMATS, SecretFormat
from toolguard.core.secrets.values import is_filler, kinds, shannon

LETTERS = string.ascii_letters + string.digits


def example(one: SecretFormat, seed: int = 0) -> str:
    """A secret of this format that nobody issued."""
    for attempt in range(1000):
        source = random.Random(f"{one.id}/{seed}/{attempt}")
        before, anchor, body = sample(one.before, source), source.choice(one.anchors), sample(one.body, source)
        inside = (before + body).encode()
        if not one.entropy or (
            shannon(inside) > one.entropy + 0.1 and kinds(inside) >= one.kinds and not is_filler(inside)
        ):
            return before + anchor + body
    raise AssertionError(f"no example of {one.id} reaches its own entropy")


def sample(expression: str, source: random.Random) -> str:
    """A random text that the expression matches as a whole."""
    return "".join(_pieces(sre_parser.parse(expression), source))


def _pieces(parsed: Any, source: random.Random) -> list[str]:
    out: list[str] = []
    for operator, argument in parsed:
        if operator is sre.LITERAL:
            out.append(chr(argument))
        elif operator is sre.IN:
            out.append(source.choice(_class(argument)))
        elif operator in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            low, high, inner = argument
            for _ in range(source.randint(low, min(high, low + 12))):
                out += _pieces(inner, source)
        elif operator is sre.SUBPATTERN:
            out += _pieces(argument[-1], source)
        elif operator is sre.BRANCH:
            out += _pieces(source.choice(argument[1]), source)
        else:
            raise AssertionError(f"{operator} stands in no row")
    return out


def _class(argument: Any) -> str:
    letters = ""
    for operator, value in argument:
        letters += chr(value) if operator is sre.LITERAL else "".join(map(chr, range(value[0], value[1] + 1)))
    return letters


def random_text(seed: int, size: int, letters: str = LETTERS) -> str:
    """Random letters that hold a digit, a capital and a small letter."""
    return "7aQ" + "".join(random.Random(seed).choices(letters, k=size - 3))


def jwt(seed: int = 0) -> str:
    def segment(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{segment({'alg': 'HS256'})}.{segment({'sub': str(seed), 'n': 'a'})}.{random_text(seed, 43)}"


def private_key(seed: int = 0) -> str:
    body = "\n".join(random_text(seed + line, 64) for line in range(6))
    return f"-----BEGIN {'PRIVATE'} KEY-----\n{body}\n-----END {'PRIVATE'} KEY-----"


def card(seed: int = 0) -> str:
    """A Visa number with its Luhn digit, never issued on purpose."""
    digits = "4" + "".join(random.Random(seed).choices("0123456789", k=14))
    total = sum(int(d) if i % 2 else int(d) * 2 - 9 * (int(d) > 4) for i, d in enumerate(digits))
    return digits + str(-total % 10)


def wallet(seed: int = 0) -> str:
    """A Bitcoin address with its checksum, whose key nobody has."""
    raw = b"\0" + random.Random(seed).randbytes(20)
    raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
    number, text = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[digit] + text
    return "1" + text


@cache
def named(name: str) -> str:
    """The made-up secret that a case means by `<<name>>`."""
    others = {
        "jwt": jwt(),
        "private-key": private_key(),
        "random": random_text(1, 32),
        "password": "Gr3en" + "-Lamp!7",
        "hex": random.Random(1).randbytes(16).hex(),
        "card": card(),
        "iban": "DE89 3704" + " 0044 0532 0130 00",
        "ssn": "536-90" + "-4399",
        "example-key": "AKIA" + random_text(3, 9, string.ascii_uppercase + string.digits).upper() + "EXAMPLE",
        "phrase": "river lemon cargo pilot velvet march onion tunnel copper sunset badge orbit",
        "test-card": "4111 " + " ".join(["1111"] * 3),
        "wallet": wallet(),
        "many-places": "token: x " * 30_000,
        "addresses": ", ".join(f"person{n}@example.org" for n in range(30)),
    }
    if name in others:
        return others[name]
    form, _, inner = name.partition("-of-")
    if inner:
        return FORMS[form](named(inner))
    return example(next(one for one in FORMATS if one.id == name))


FORMS: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "hex": lambda text: text.encode().hex(),
    "percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "beginning": lambda text: text[: len(text) // 2],
    "end": lambda text: text[len(text) // 2 :],
}
"""`<<base64-of-github-token>>` is that secret in another form."""


def filled(value: Any) -> Any:
    """A case with its made-up secrets in place."""
    if isinstance(value, str):
        return re.sub(r"<<([a-z0-9-]+)>>", lambda match: named(match[1]), value)
    if isinstance(value, dict):
        return {filled(key): filled(child) for key, child in value.items()}
    if isinstance(value, list):
        return [filled(child) for child in value]
    return value
