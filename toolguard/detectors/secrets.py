"""Secrets in a call's arguments: sees where each would go, because that decides whether it matters.

A message, a page or a request to a host that did not issue it makes a secret public; a file or a command only spreads
it; a request that signs in with it is what it is for. Values that the person wrote in the request weigh less.
Leaves alone what stands under a parameter made for it (`password`), placeholders, hashes, UUIDs and public keys;
secrets in files that are sent are the business of the network family.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote

from toolguard.core.acts import Contact, FileOp
from toolguard.core.facts import Facts
from toolguard.core.model import Confidence, EffectClass, Finding, Severity, strings
from toolguard.core.reading import Reading
from toolguard.core.secret_formats import FORMATS
from toolguard.core.secret_names import is_secret_name
from toolguard.core.secret_spans import GENERIC, UNREAD, Budget, Span, find, may_hold_secret, merged
from toolguard.core.secret_values import looks_random
from toolguard.core.verbs import split_name
from toolguard.detectors.kinds import FindingKind

IN_MESSAGE: Final = FindingKind(
    "secret.in-message",
    Severity.HIGH,
    Confidence.HIGH,
    "a secret would be sent to people or published",
    ("CWE-200", "OWASP-LLM02"),
)
IN_REQUEST: Final = FindingKind(
    "secret.in-request",
    Severity.HIGH,
    Confidence.MEDIUM,
    "a secret would go to a host that did not issue it",
    ("CWE-201", "CWE-598", "OWASP-LLM02"),
)
AS_CREDENTIAL: Final = FindingKind(
    "secret.as-credential",
    Severity.LOW,
    Confidence.MEDIUM,
    "a request signs in with a secret that is written out in the call",
    ("CWE-214",),
)
IN_FILE: Final = FindingKind(
    "secret.in-file",
    Severity.LOW,
    Confidence.MEDIUM,
    "a secret would be written into a file",
    ("CWE-312", "CWE-798"),
)
IN_ARGUMENT: Final = FindingKind(
    "secret.in-argument",
    Severity.LOW,
    Confidence.MEDIUM,
    "a secret is written out in the call",
    ("CWE-214", "CWE-522"),
)
NOT_READ: Final = FindingKind(
    "secret.not-read",
    Severity.HIGH,
    Confidence.HIGH,
    "the arguments are too large, or offer too many places to look for secrets, so the rest was not read",
    ("CWE-770",),
)

FINDINGS: Final = (IN_MESSAGE, IN_REQUEST, AS_CREDENTIAL, IN_FILE, IN_ARGUMENT, NOT_READ)

MOST: Final = 20
"""Findings of one call; a file full of keys needs no more to be stopped."""

_PUBLIC: Final = frozenset(
    """
    gist paste pastebin snippet issue comment tweet toot publish post share wiki page discussion pull merge review
    message channel release announcement blog note ticket
    """.split()
)
"""Words in the name of a writing tool whose result other people read."""

_ISSUERS: Final = {one.id: one.issuer.split()[0].split(".")[0].lower() for one in FORMATS}
_DOMAINS: Final = {"aws": "amazonaws", "google": "googleapis", "microsoft": "microsoftonline", "hugging": "huggingface"}
"""Where an issuer's domain is not called like the issuer."""

_NAMES: Final = {one.id: one.sentence for one in FORMATS} | {
    "jwt": "a signed token (JWT)",
    "private-key": "a private key",
    "discord-token": "a Discord bot token",
    "url-password": "a password in an address",
    "named-password": "a password",
    "named-secret": "a value that its name calls a secret",
    "header-credential": "a credential in a header",
    "user-option": "a password in a command's option",
}


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """Where each secret in the arguments would go."""
    texts = reading.texts or strings(reading.call.arguments)
    if may_hold_secret("\n".join(text for _, text in texts)) or any(_is_named(*one) for one in texts):
        return _findings(reading, facts, texts)
    return ()


def _findings(reading: Reading, facts: Facts, texts: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    left, budget = MOST, Budget()
    for pointer, text in texts:
        spans = merged(find(text, budget))
        if not spans and _is_named(pointer, text):
            spans = (Span(0, len(text), "named-secret"),)
        for span in spans:
            if left == 0:
                return
            left -= 1
            yield _finding(reading, facts, pointer, text, span)


def _is_named(pointer: str, text: str) -> bool:
    """A random value under a secret's name inside an object; a parameter of the tool itself is made for it."""
    return pointer.count("/") > 1 and is_secret_name(pointer.rpartition("/")[2]) and looks_random(text)


def _finding(reading: Reading, facts: Facts, pointer: str, text: str, span: Span) -> Finding:
    if span.rule == UNREAD:
        return NOT_READ.at("", pointer, span.start, span.end)
    secret = text[span.start : span.end]
    kind = _where(reading, facts, pointer, secret, span.rule)
    confidence = Confidence.MEDIUM if span.rule in GENERIC else None
    severity = None
    if kind in (IN_MESSAGE, IN_REQUEST) and facts.origin_of(secret).kind == "prompt":
        severity = Severity.MEDIUM  # the person gave it away in so many words; still worth a look with anything else
        confidence = Confidence.MEDIUM
    named = _NAMES.get(span.rule, "a secret")
    return kind.at(f"{kind.sentence}: {named}", pointer, span.start, span.end, severity=severity, confidence=confidence)


def _where(reading: Reading, facts: Facts, pointer: str, secret: str, rule: str) -> FindingKind:
    contacts = [one for one in reading.contacts if not one.listens and _is_made(one)]
    carrying = [one for one in contacts if _carries(one, secret)]
    if any(not _belongs(rule, one.address) for one in carrying):
        return IN_REQUEST
    if carrying or any(_shares(one, pointer) for one in contacts):
        return AS_CREDENTIAL
    if any(use.op is FileOp.WRITE and secret in (use.content or "") for use in reading.files):
        return IN_FILE
    effect = facts.classification.effect_class
    if effect is EffectClass.SEND or (
        effect in (EffectClass.WRITE, EffectClass.UNKNOWN) and _PUBLIC & frozenset(split_name(reading.call.tool))
    ):
        return IN_MESSAGE
    return IN_ARGUMENT


def _is_made(contact: Contact) -> bool:
    """The call makes this contact; an address deep inside its arguments is something it talks about."""
    return contact.program not in ("", "tool") or contact.place.pointer.count("/") == 1


def _shares(contact: Contact, pointer: str) -> bool:
    """The secret stands in the command that makes the contact, or beside its address among the headers."""
    return contact.place.pointer == pointer or "header" in pointer.lower() or "auth" in pointer.lower()


def _carries(contact: Contact, secret: str) -> bool:
    """It stands in what the request says; not in the part of the address that signs in."""
    if contact.body and (secret in contact.body or secret in unquote(contact.body)):
        return True
    _, _, behind_host = contact.address.partition("://")[2].partition("/")
    return secret in behind_host or secret in unquote(behind_host)


def _belongs(rule: str, address: str) -> bool:
    """The host is the issuer's own, by its name: api.github.com for a GitHub token, but not github.com.example.net."""
    issuer = _ISSUERS.get(rule, "")
    host = address.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0].lower()
    return bool(issuer) and host.split(".")[-2:-1] == [_DOMAINS.get(issuer, issuer)]
