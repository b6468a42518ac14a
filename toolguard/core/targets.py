"""Finds the arguments that say whom or what a call would reach: recipients, accounts, places, amounts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import Final

from toolguard.core.model import Json, pointer
from toolguard.core.verbs import split_name

VALUES: Final = 64
"""At most so many targets of a call are looked at; a longer list is judged by its length."""

LONGEST: Final = 400
"""A value of more characters is a text, not a target."""


SHOWN: Final = 4_000
"""Characters of a text that are kept."""


class Aim(StrEnum):
    """What kind of target a value names."""

    RECIPIENT = "recipient"
    ACCOUNT = "account"
    PLACE = "place"
    """A URL, a host, a path."""
    THING = "thing"
    """Any other named or numbered object."""
    AMOUNT = "amount"
    TEXT = "text"
    """Not a target but what is said: subject, body, content."""


@dataclass(frozen=True, slots=True)
class Target:
    """One value of the arguments that names a target."""

    aim: Aim
    key: str
    value: str
    pointer: str


_KEYS: Final = {
    Aim.RECIPIENT: """to cc bcc recipient recipients receiver receivers email emails mail address addresses user users
        username participant participants attendee attendees guest guests channel channels phone invitee invitees member
        members contact contacts destination audience group collaborator assignee reviewer friend person people handle
        mobile chat room number""",
    Aim.ACCOUNT: """account accounts iban payee beneficiary wallet card payment_method bank creditor vendor merchant
        supplier swift routing""",
    Aim.PLACE: """url urls uri link href host hostname domain endpoint webhook path paths file files filename filenames
        folder directory dir dest destination target source src output location website site page server bucket""",
    Aim.THING: """id ids name names repo repository branch ref table database project item items order product symbol
        stock ticker key device service cluster namespace role permission event title label query city""",
    Aim.AMOUNT: "amount amounts price total value sum quantity qty limit budget cost fee tip",
    Aim.TEXT: """body content contents message text subject description note notes comment reason html data payload
        caption summary memo details code script command sql""",
}
_AIM_OF: Final = {word: aim for aim, text in reversed(_KEYS.items()) for word in text.split()}

EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
# An address of e-mail, anywhere in a text.
URL: Final = re.compile(r"(?:https?|ftp|wss?)://[^\s\"'<>)\]}]{1,400}|www\.[\w-]{1,63}\.[^\s\"'<>)\]}]{2,300}")
# A web address, with or without its scheme.
ACCOUNT: Final = re.compile(r"\b(?:[A-Z]{2}\d{2}[A-Z0-9]{6,30}|0x[0-9a-fA-F]{16,64}|[13][a-km-zA-HJ-NP-Z1-9]{25,39})\b")
# IBAN-like numbers, hexadecimal and base58 wallets.


@lru_cache(maxsize=2048)
def aim_of_key(key: str) -> Aim | None:
    """What the name of a parameter says that its values are; the last telling word counts (`recipient_email`)."""
    words = split_name(key)
    for word in reversed(words):
        aim = _AIM_OF.get(word)
        if aim is Aim.THING and len(words) > 1 and word in ("id", "ids", "name", "names", "number", "key"):
            # `account_id`, `user_name`: the word before says whose.
            before = _AIM_OF.get(words[-2])
            return before if before in (Aim.RECIPIENT, Aim.ACCOUNT) else aim
        if aim is not None:
            return aim
    return None


def aim_of_value(value: str) -> Aim | None:
    """What the form of a value says."""
    if "@" in value and EMAIL.fullmatch(value):
        return Aim.RECIPIENT
    if ("://" in value or value.startswith("www.")) and URL.match(value) and " " not in value:
        return Aim.PLACE
    if value[:1].isalnum() and ACCOUNT.fullmatch(value):
        return Aim.ACCOUNT
    return Aim.PLACE if value.startswith(("/", "~/", "./", "../")) and "\n" not in value else None


_last: tuple[object, tuple[Target, ...]] = (None, ())
# One call is asked about by the classifier, the session and several detectors. The entry holds the arguments, so that
# no other object can take their identity.


def targets(arguments: Mapping[str, Json]) -> tuple[Target, ...]:
    """The values of a call that name something, in document order, at most VALUES."""
    global _last  # noqa: PLW0603 - one entry; the answer is the same without it
    before, known = _last
    if before is arguments:
        return known
    found = _targets(arguments)
    _last = (arguments, found)
    return found


def _targets(arguments: Mapping[str, Json]) -> tuple[Target, ...]:
    found: list[Target] = []
    for key, value, where in _leaves(arguments):
        if isinstance(value, bool) or value is None:
            continue
        text = value[:SHOWN] if isinstance(value, str) else str(value)
        aim = aim_of_key(key)
        if isinstance(value, str):
            formed = aim_of_value(value) if len(value) <= LONGEST else None
            if formed is not None and aim is not Aim.TEXT:
                aim = formed if aim in (None, Aim.THING, Aim.PLACE) else aim
            if len(value) > LONGEST:
                aim = Aim.TEXT
        elif aim not in (Aim.AMOUNT, Aim.ACCOUNT):
            aim = Aim.THING if aim is not None else None
        if aim is not None and text:
            found.append(Target(aim, key, text, where))
            if len(found) >= VALUES:
                break
    return tuple(found)


def _leaves(arguments: Mapping[str, Json]) -> Iterator[tuple[str, Json, str]]:
    """Leaves with the name of the nearest member above them; most arguments are flat, so the stack comes second."""
    for key, value in islice(arguments.items(), VALUES):
        where = "/" + key.replace("~", "~0").replace("/", "~1")
        if type(value) is not str and isinstance(value, dict | list | tuple | Mapping):
            yield from _inner(key, value, where)
        else:
            yield key, value, where


def _inner(key: str, value: Json, where: str) -> Iterator[tuple[str, Json, str]]:
    stack: list[tuple[str, Json, str]] = [(key, value, where)]
    budget = 4 * VALUES
    while stack and budget:
        budget -= 1
        key, value, where = stack.pop()
        if isinstance(value, Mapping):
            stack.extend((str(k), v, where + pointer(k)) for k, v in reversed(list(value.items())[:VALUES]))
        elif isinstance(value, list | tuple):
            stack.extend((key, value[i], f"{where}/{i}") for i in range(min(len(value), VALUES) - 1, -1, -1))
        else:
            yield key, value, where


def first(found: Sequence[Target], *aims: Aim) -> Target | None:
    """The first target of the first of these kinds that there is."""
    for aim in aims:
        for target in found:
            if target.aim is aim:
                return target
    return None
