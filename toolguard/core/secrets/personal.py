"""Finds personal data that carry their own proof: numbers with check digits, cards with what is needed to use them,
wallets under their name, and lists of addresses.

Names, streets and birthdays have no form that a rule could tell from other words; they are not looked for.
"""

from __future__ import annotations

import hashlib
from typing import Final

from toolguard.core.regex import compiled
from toolguard.core.secrets.spans import Span

CARD: Final = "card-number"
IBAN: Final = "iban"
NATIONAL: Final = "national-id"
CARD_DETAILS: Final = "card-details"
WALLET: Final = "wallet"

_GATE: Final = (
    r"[2-6][0-9]{3}[ -]?[0-9]{4,6}[ -]?[0-9]{4,5}"
    r"|[A-Z]{2}[0-9]{2} ?[0-9A-Z]{4} ?[0-9A-Z]{4}"
    r"|[0-9]{3}-[0-9]{2}-[0-9]{4}"
)
_CARD: Final = r"[2-6](?:[ -]?[0-9]){12,18}"
_IBAN: Final = r"[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,4})?"
_SSN: Final = r"[0-9]{3}-[0-9]{2}-[0-9]{4}"
_SSN_WORDS: Final = r"(?i:\bssn\b|social.?security|tax.?(?:payer|id)|\btin\b)"
_DETAIL: Final = (
    # A card's security code, or the month in which it expires.
    r"(?i:\b(?:cvv2?|cvc2?|csc|(?:security|card|verification)[ _-]?(?:code|value))[\"']?(?:\s+is)?[\s:=]{1,3}[\"']?"
    r"[0-9]{3,4}\b"
    r"|\b(?:exp(?:iry|iration|ires)?|valid[ _-]?(?:thru|through|until|to))(?:[ _-]?date)?[\"']?[\s:=.]{1,3}[\"']?"
    r"(?:(?:0?[1-9]|1[0-2])\s?[/-]\s?(?:20)?[0-9]{2}|20[0-9]{2}-(?:0[1-9]|1[0-2]))\b"
    r"|\bexp(?:iry|iration)?[_-]?month[\"']?\s{0,2}[:=]\s{0,2}[\"']?(?:0?[1-9]|1[0-2])\b)"
)
_NEAR: Final = 200
"""Bytes around a card's number in which its details stand."""
_WALLET: Final = (
    r"(?i:(?:\A|[^0-9a-z])(?:[a-z]{1,15}[_-])?(?:wallet|bitcoin|btc|ethereum|eth|crypto)(?:[_-]?[a-z]{1,15})?)"
    r"[\"']?\s{0,2}[=:]\s{0,2}[\"']?"
    r"([13][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[02-9ac-hj-np-z]{20,80}|0x[0-9a-fA-F]{40})(?:[^0-9A-Za-z]|\z)"
)
_BASE58: Final = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
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
ATTEMPTS: Final = 2_000
"""Places in a text that are looked at, 5 us each; the same holds beyond them."""


def find_personal(text: str) -> list[Span]:
    """Card numbers (Luhn), bank accounts (ISO 7064 mod 97), US social security numbers beside their name."""
    encoded = text.encode("ascii", "replace")[:LONGEST]  # a byte a character, so that offsets are characters
    gate = compiled(_GATE)
    found: list[Span] = []
    at = 0
    for _ in range(ATTEMPTS):
        stop = gate.search(encoded, at)
        if stop is None:
            break
        start = stop.start()
        span = _look(encoded, start)
        if span is not None:
            found.append(span)
            at = span.end
        else:  # nothing can begin inside a number or a word
            behind = compiled("[^0-9A-Za-z]").search(encoded, start)
            at = behind.start() if behind is not None else len(encoded)
    return found


def card_with_details(text: str) -> Span | None:
    """The first card's number with the security code or the expiry beside it, which is all that a purchase needs. The
    numbers that card networks publish for tests count as well.
    """
    encoded = text.encode("ascii", "replace")[:LONGEST]
    if compiled(_DETAIL).search(encoded) is None:
        return None
    at = 0
    for _ in range(ATTEMPTS):
        match = compiled(_CARD).search(encoded, at)
        if match is None:
            return None
        start, at = match.span()
        alone = not (encoded[start - 1 : start].isalnum() or encoded[at : at + 1].isalnum())
        digits = match.group().translate(None, b" -")
        if alone and len(set(digits)) > 1 and _is_issued(digits) and _has_luhn(digits):
            near = encoded[max(0, start - _NEAR) : at + _NEAR]
            if compiled(_DETAIL).search(near) is not None:
                return Span(start, at, CARD_DETAILS)
    return None


def find_wallets(text: str) -> list[Span]:
    """Addresses of cryptocurrency wallets under a name that says so; Bitcoin's older form by its checksum."""
    encoded = text.encode("ascii", "replace")[:LONGEST]
    found: list[Span] = []
    at = 0
    while (match := compiled(_WALLET).search(encoded, at)) is not None:
        start, end = match.span(1)
        if match.group(1)[:1] not in b"13" or _has_base58_check(match.group(1)):
            found.append(Span(start, end, WALLET))
        at = end
    return found


def _has_base58_check(address: bytes) -> bool:
    number = 0
    for letter in address:
        number = number * 58 + _BASE58.index(letter)
    if number >= 1 << 200:
        return False
    raw = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def addresses(text: str, most: int = 1000) -> int:
    """How many different e-mail addresses stand in a text."""
    encoded = text.encode("ascii", "replace")[:LONGEST]
    pattern = compiled(_EMAIL)
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
        match = compiled(source).match(text, start, start + 48)
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
    return _has_luhn(digits) and _is_issued(digits)


def _has_luhn(digits: bytes) -> bool:
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = digit - 48
        if index % 2:
            value = value * 2 - 9 * (value > 4)
        total += value
    return total % 10 == 0


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
    return compiled(_SSN_WORDS).search(text[max(0, start - 40) : start]) is not None
