"""Personal data that leave: sees card numbers, bank accounts and social security numbers by their check digits, and
lists of e-mail addresses, in calls that send, publish or make requests.

Leaves alone the same data in parameters made for them (`card_number` of a payment), in files and reads, and what the
person wrote in the request. Names, streets and birthdays have no form to go by and are not looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from toolguard.core import personal
from toolguard.core.facts import Facts
from toolguard.core.model import Confidence, EffectClass, Finding, Severity, strings
from toolguard.core.reading import Reading
from toolguard.detectors.kinds import FindingKind

CARD: Final = FindingKind(
    "personal-data.card-number",
    Severity.MEDIUM,
    Confidence.MEDIUM,
    "a payment card's number would leave inside a text",
    ("CWE-359",),
)
IBAN: Final = FindingKind(
    "personal-data.bank-account",
    Severity.LOW,
    Confidence.MEDIUM,
    "a bank account's number would leave inside a text",
    ("CWE-359",),
)
NATIONAL: Final = FindingKind(
    "personal-data.national-id",
    Severity.MEDIUM,
    Confidence.MEDIUM,
    "a social security number would leave inside a text",
    ("CWE-359",),
)
ADDRESSES: Final = FindingKind(
    "personal-data.address-list",
    Severity.MEDIUM,
    Confidence.MEDIUM,
    "a list of e-mail addresses would leave",
    ("CWE-359",),
)

FINDINGS: Final = (CARD, IBAN, NATIONAL, ADDRESSES)

A_LIST: Final = 20
"""Different addresses in one text that make it a list of people."""

_KINDS: Final = {personal.CARD: CARD, personal.IBAN: IBAN, personal.NATIONAL: NATIONAL}
_MOST: Final = 20


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """Personal data inside texts of a call that sends something out."""
    bodies = [one.body for one in reading.contacts if one.body]
    if facts.classification.effect_class is not EffectClass.SEND and not bodies:
        return ()
    return _findings(reading, facts)


def _findings(reading: Reading, facts: Facts) -> Iterator[Finding]:
    left = _MOST
    for pointer, text in reading.texts or strings(reading.call.arguments):
        if personal.addresses(text, A_LIST) >= A_LIST:
            yield ADDRESSES.at("", pointer)
        for span in personal.find_personal(text):
            number = text[span.start : span.end]
            if number == text.strip() or facts.origin_of(number).kind == "prompt":
                continue  # the parameter is made for it, or the person said it
            if left == 0:
                return
            left -= 1
            yield _KINDS[span.rule].at("", pointer, span.start, span.end)
