"""Finds personal data that carry their own proof: numbers with check digits, and lists of addresses.

Names, streets and birthdays have no form that a rule could tell from other words; they are not looked for.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from toolguard.core.regex import BytesPattern, compile_bytes
from toolguard.core.secret_spans import Span

CARD: Final = "card-number"
IBAN: Final = "iban"
NATIONAL: Final = "national-id"

_GATE: Final = (
    r"[2-6][0-9]{3}[ -]?[0-9]{4,6}[ -]?[0-9]{4,5}"
    r"|[A-Z]{2}[0-9]{2} ?[0-9A-Z]{4} ?[0-9A-Z]{4}"
    r"|[0-9]{3}-[0-9]{2}-[0-9]{4}"
)
_CARD: Final = r"[2-6](?:[ -]?[0-9]){12,18}"
_IBAN: Final = r"[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,4})?"
_SSN: Final = r"[0-9]{3}-[0-9]{2}-[0-9]{4}"
_SSN_WORDS: Final = r"(?i:\bssn\b|social.?security|tax.?(?:payer|id)|\btin\b)"
_EMAIL: Final = r"[0-9A-Za-z._%+-]+@[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)+"

_IBAN_LENGTHS: Final = {
    # ISO 13616 registry.
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "CH": 21,
    "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18,
    "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23,
    "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27,
    "MD": 24, "ME": 22, "MK": 19, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29,
    "VA": 22, "XK": 20,
}  # fmt: skip

LONGEST: Final = 262_144
"""Bytes that are looked at; personal data beyond them are not claimed to be found."""


def find_personal(text: str) -> list[Span]:
    """Card numbers (Luhn), bank accounts (ISO 7064 mod 97), US social security numbers beside their name."""
    encoded = text.encode("ascii", "replace")[:LONGEST]  # a byte a character, so that offsets are characters
    gate = _compiled(_GATE)
    found: list[Span] = []
    at = 0
    while (stop := gate.search(encoded, at)) is not None:
        span = _look(encoded, stop.start())
        if span is not None:
            found.append(span)
        at = span.end if span is not None else stop.start() + 1
    return found


def addresses(text: str, most: int = 1000) -> int:
    """How many different e-mail addresses stand in a text."""
    encoded = text.encode("ascii", "replace")[:LONGEST]
    pattern = _compiled(_EMAIL)
    seen: set[bytes] = set()
    at = 0
    while len(seen) < most and (match := pattern.search(encoded, at)) is not None:
        seen.add(match.group().lower())
        at = match.end()
    return len(seen)


def _look(text: bytes, start: int) -> Span | None:
    if text[start - 1 : start].isalnum() or text[start - 1 : start] in (b"-", b".", b"/", b"_"):
        return None
    for rule, source, proof in ((IBAN, _IBAN, _is_iban), (CARD, _CARD, _is_card), (NATIONAL, _SSN, _is_ssn)):
        match = _compiled(source).match(text, start, start + 48)
        if match is None or text[match.end() : match.end() + 1].isalnum():
            continue
        if proof(match.group()) and (rule != NATIONAL or _is_named(text, start)):
            return Span(start, match.end(), rule)
    return None


def _is_card(written: bytes) -> bool:
    """ISO/IEC 7812: an issuer's beginning, a usual length, and the Luhn digit."""
    digits = written.translate(None, b" -")
    if len(digits) not in (13, 14, 15, 16, 19) or len(set(digits)) < 4:
        return False
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = digit - 48
        if index % 2:
            value = value * 2 - 9 * (value > 4)
        total += value
    return total % 10 == 0 and _is_issued(digits)


def _is_issued(digits: bytes) -> bool:
    """Visa, Mastercard, American Express, Discover, Diners, JCB, UnionPay, Maestro by beginning and length."""
    size, two, four = len(digits), int(digits[:2]), int(digits[:4])
    return (
        (digits[:1] == b"4" and size in (13, 16, 19))
        or (
            size == 16
            and (51 <= two <= 55 or 2221 <= four <= 2720 or 3528 <= four <= 3589 or four == 6011 or two == 65)
        )
        or (size == 15 and two in (34, 37))
        or (size == 14 and two in (36, 38, 39))
        or (size in (16, 19) and two == 62)
    )


def _is_iban(written: bytes) -> bool:
    plain = written.replace(b" ", b"").decode("ascii")
    if _IBAN_LENGTHS.get(plain[:2]) != len(plain):
        return False
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1


def _is_ssn(written: bytes) -> bool:
    """Numbers that the Social Security Administration gives out."""
    area, group, serial = written.split(b"-")
    return area not in (b"000", b"666") and area < b"900" and group != b"00" and serial != b"0000"


def _is_named(text: bytes, start: int) -> bool:
    return _compiled(_SSN_WORDS).search(text[max(0, start - 40) : start]) is not None


@cache
def _compiled(source: str) -> BytesPattern:
    return compile_bytes(source)
