"""Personal data that leave: sees card numbers, bank accounts and social security numbers by their check digits, cards
with their security code or expiry, wallets under their name, and lists of e-mail addresses, in calls that send, publish
or make requests.

Leaves alone the same data in parameters made for them (`card_number` of a payment), in files and reads, and what the
person wrote in the request. Names, streets and birthdays have no form to go by and are not looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from toolguard.core.acts import Contact
from toolguard.core.model import Confidence, EffectClass, Finding, Severity, strings
from toolguard.core.reading import Reading
from toolguard.core.secrets import personal
from toolguard.core.session.facts import Facts
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

DETAILS: Final = FindingKind(
    "personal-data.card-details",
    Severity.HIGH,
    Confidence.MEDIUM,
    "a payment card's number would leave with its security code or expiry",
    ("CWE-359",),
)
WALLET: Final = FindingKind(
    "personal-data.wallet",
    Severity.MEDIUM,
    Confidence.HIGH,
    "the address of a cryptocurrency wallet would go to a host",
    ("CWE-359",),
)

FINDINGS: Final = (CARD, IBAN, NATIONAL, ADDRESSES, DETAILS, WALLET)

_LOOKS_UP: Final = re.compile(
    r"balance|portfolio|holding|account|address|(?:^|[/.])tx|transaction|nft|token|price|scan\b|explorer|utxo|rpc",
    re.IGNORECASE,
)
"""In addresses of services that are asked about wallets, which are public."""

A_LIST: Final = 20
"""Different addresses in one text that make it a list of people."""

_KINDS: Final = {personal.CARD: CARD, personal.IBAN: IBAN, personal.NATIONAL: NATIONAL}
_MOST: Final = 20


LOOKS_AT: Final = ("contacts", "effects")


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """Personal data inside texts of a call that sends something out."""
    contacts = [one for one in reading.contacts if not one.listens and (one.body or "?" in one.address)]
    sends = facts.classification.effect_class is EffectClass.SEND
    if not sends and not contacts:
        return ()
    return _findings(reading, facts, contacts, sends=sends or any(one.body for one in contacts))


def _findings(reading: Reading, facts: Facts, contacts: list[Contact], *, sends: bool) -> Iterator[Finding]:
    left = _MOST
    for pointer, text in reading.texts or strings(reading.call.arguments):
        if sends and personal.addresses(text, A_LIST) >= A_LIST:
            yield ADDRESSES.at("", pointer)
        for span in personal.find_personal(text):
            number = text[span.start : span.end]
            if number == text.strip() or facts.origin_of(number).kind == "prompt":
                continue  # the parameter is made for it, or the person said it
            if left == 0:
                return
            left -= 1
            # In a sentence to people an account is an invoice's; in a request it is data on the way to a host.
            carried = span.rule == personal.IBAN and any(_carries(one, number) for one in contacts)
            yield _KINDS[span.rule].at(
                "",
                pointer,
                span.start,
                span.end,
                severity=Severity.MEDIUM if carried else None,
                confidence=Confidence.HIGH if carried else None,
            )
    yield from _of_cards(reading, facts, contacts)
    yield from _of_wallets(contacts, facts)


def _of_cards(reading: Reading, facts: Facts, contacts: list[Contact]) -> Iterator[Finding]:
    texts = reading.texts or tuple(strings(reading.call.arguments))
    bodies = [(one.place.pointer, one.body) for one in contacts if one.body]
    for index, (pointer, text) in enumerate((*texts, *bodies)):
        span = personal.card_with_details(text)
        if span is not None and facts.origin_of(text[span.start : span.end]).kind != "prompt":
            inside = index < len(texts)
            yield DETAILS.at("", pointer, span.start if inside else None, span.end if inside else None)
            return


def _of_wallets(contacts: list[Contact], facts: Facts) -> Iterator[Finding]:
    for contact in contacts:
        said = contact.address.partition("?")[2] + "\n" + (contact.body or "")
        if _LOOKS_UP.search(contact.address.partition("?")[0]):
            continue
        for span in personal.find_wallets(said)[:1]:
            if facts.origin_of(said[span.start : span.end]).kind != "prompt":
                yield WALLET.at("", contact.place.pointer, contact.place.start, contact.place.end)


def _carries(contact: Contact, number: str) -> bool:
    return number in contact.address or number in (contact.body or "")
