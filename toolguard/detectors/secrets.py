"""Secrets in a call's arguments: sees where each would go, because that decides whether it matters.

A message, a page or a request to a host that did not issue it makes a secret public; a file or a command only spreads
it; a request that signs in with it is what it is for. Values that the person wrote in the request weigh less. A value
that calls itself an example counts where it leaves, and one under cover (cut up, encoded) even where it does not.
Leaves alone what stands under a parameter made for it (`password`), placeholders, hashes, UUIDs and public keys;
secrets in files that are sent are the business of the network family.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from toolguard.core.acts import Contact, FileOp
from toolguard.core.model import Confidence, EffectClass, Finding, Severity, strings
from toolguard.core.reading import Reading
from toolguard.core.secrets.formats import FORMATS
from toolguard.core.secrets.hidden import ENCODED as MOST_ENCODED
from toolguard.core.secrets.hidden import Hidden, encoded_secrets, may_be_encoded, split_secrets
from toolguard.core.secrets.names import is_secret_name
from toolguard.core.secrets.seed_phrases import find_seed_phrases
from toolguard.core.secrets.spans import GENERIC, UNREAD, Budget, Span, find, may_hold_secret, merged
from toolguard.core.secrets.values import looks_random
from toolguard.core.session.facts import Facts
from toolguard.core.urls import parse
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
SPLIT: Final = FindingKind(
    "secret.split",
    Severity.HIGH,
    Confidence.MEDIUM,
    "a secret is cut into pieces, which hides it",
    ("CWE-200", "CWE-522"),
)
ENCODED: Final = FindingKind(
    "secret.encoded",
    Severity.HIGH,
    Confidence.MEDIUM,
    "a secret is encoded, which hides it, and would leave or be written",
    ("CWE-200", "CWE-261"),
)
SEED: Final = FindingKind(
    "secret.seed-phrase",
    Severity.HIGH,
    Confidence.MEDIUM,
    "a wallet's recovery phrase would leave or be written",
    ("CWE-200", "CWE-312"),
)
NOT_READ: Final = FindingKind(
    "secret.not-read",
    Severity.HIGH,
    Confidence.HIGH,
    "the arguments are too large, or offer too many places to look for secrets, so the rest was not read",
    ("CWE-770",),
)

FINDINGS: Final = (IN_MESSAGE, IN_REQUEST, AS_CREDENTIAL, IN_FILE, IN_ARGUMENT, SPLIT, ENCODED, SEED, NOT_READ)

MOST: Final = 20
"""Findings of one call; a file full of keys needs no more to be stopped."""

_PUBLIC: Final = frozenset(
    """
    gist paste pastebin snippet issue comment tweet toot publish post share wiki page discussion pull merge review
    message channel release announcement blog note ticket
    """.split()
)
"""Words in the name of a writing tool whose result other people read."""

_ENGINES: Final = frozenset(
    "web internet online google bing brave duckduckgo ddg tavily exa serp serpapi kagi yandex baidu perplexity".split()
)
_SEARCHING: Final = frozenset("search query lookup ask google bing duckduckgo ddg tavily serpapi kagi".split())
"""Words in the names of tools that hand a question to a search engine, which keeps it."""

_ONLY_AT_HOME: Final = frozenset(
    "aws google stripe openai anthropic slack discord telegram sendgrid digitalocean square heroku figma pypi".split()
)
"""Issuers whose secrets are accepted nowhere else: no product of theirs runs on hosts of other people."""
_HEADER: Final = re.compile(r"(?:-H|--header|[\"']?headers[\"']?\s*[:=])[^\n]{0,80}\Z")

_ISSUERS: Final = {one.id: one.issuer.split()[0].split(".")[0].lower() for one in FORMATS}
_DOMAINS: Final = {
    "aws": ("amazonaws", "amazon", "aws"),
    "google": ("googleapis", "google"),
    "microsoft": ("microsoftonline",),
    "hugging": ("huggingface",),
    "discord": ("discord", "discordapp"),
    "square": ("squareup", "squareupsandbox"),
    "npm": ("npmjs",),
}
"""Where an issuer's domains are not called like the issuer."""

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
    texts = reading.texts
    if not texts and not reading.unread:  # what is too large to be read asks anyway
        texts = tuple(strings(reading.call.arguments))
    found: list[Finding] = []
    together = "\n".join([text for _, text in texts])
    leaves = _leaves(reading, facts)
    if may_hold_secret(together) or any(_is_named(*one) for one in texts if one[0].count("/") > 1):
        found += _open(reading, facts, texts, leaves=leaves)
    found += [
        SPLIT.at(f"{SPLIT.sentence}: {_NAMES[one.rule]}", one.pointer, one.start, one.end)
        for one in split_secrets(texts)
    ]
    if leaves or any(use.op is FileOp.WRITE and use.content for use in reading.files):
        found += _under_cover(reading, facts, texts, found)
    return found[:MOST]


def _open(reading: Reading, facts: Facts, texts: Sequence[tuple[str, str]], *, leaves: bool) -> Iterator[Finding]:
    """Secrets as they are."""
    budget, for_examples, left = Budget(), Budget(_EXAMPLES), MOST
    for pointer, text in texts:
        if left <= 0:
            return
        spans = merged(find(text, budget))
        if not spans and _is_named(pointer, text):
            spans = (Span(0, len(text), "named-secret"),)
        for span in spans[:left]:
            left -= 1
            yield _finding(reading, facts, pointer, text, span)
        if leaves and not spans and left > 0:
            for span in merged(find(text, for_examples, examples=True)):
                left -= 1
                yield from _example(reading, facts, pointer, text, span)


_EXAMPLES: Final = 500
"""Places of a call that are looked at for what calls itself an example."""


def _example(reading: Reading, facts: Facts, pointer: str, text: str, span: Span) -> Iterator[Finding]:
    """A value with the form of a secret and a word for "example" in it: a reviewer can tell in a second."""
    secret = text[span.start : span.end]
    kind = _where(reading, facts, pointer, text, span)
    if span.rule == UNREAD or kind not in (IN_MESSAGE, IN_REQUEST) or _is_public(reading, facts):
        return
    told = facts.origin_of(secret).kind == "prompt"
    message = f"{kind.sentence}, unless it is the example that it says it is: {_NAMES.get(span.rule, 'a secret')}"
    confidence = Confidence.LOW if told else Confidence.HIGH
    yield kind.at(message, pointer, span.start, span.end, severity=Severity.MEDIUM, confidence=confidence)


def _under_cover(
    reading: Reading, facts: Facts, texts: Sequence[tuple[str, str]], found: Sequence[Finding]
) -> Iterator[Finding]:
    """Encoded secrets and recovery phrases, which count in a file, too."""
    budget, room = Budget(MOST_ENCODED), _ROOM
    for pointer, text in texts:
        room -= len(text)
        if room < 0:
            return
        for span in find_seed_phrases(text):
            if _goes(reading, facts, pointer, text, span) is not None:
                asked = facts.said(text[span.start : span.end])
                yield SEED.at("", pointer, span.start, span.end, severity=Severity.MEDIUM if asked else None)
        if not may_be_encoded(text):
            continue
        seen = [one for one in found if one.pointer == pointer]
        for one in encoded_secrets(pointer, text, budget):
            if not any(_overlaps(one, other) for other in seen) and _reports(reading, facts, text, one):
                yield ENCODED.at(f"{ENCODED.sentence}: {_NAMES.get(one.rule, 'a secret')}", pointer, one.start, one.end)


_ROOM: Final = 262_144
"""Characters of a call that are looked at for what is under cover."""


def _reports(reading: Reading, facts: Facts, text: str, one: Hidden) -> bool:
    kind = _goes(reading, facts, one.pointer, text, Span(one.start, one.end, one.rule))
    # A Kubernetes manifest holds its secrets in base 64 because it must; that is as open as any other file.
    return kind is not None and not (kind is IN_FILE and _is_manifest(text))


def _is_manifest(text: str) -> bool:
    return "kind: Secret" in text or '"kind": "Secret"' in text or '"kind":"Secret"' in text


def _overlaps(one: Hidden, other: Finding) -> bool:
    return other.start is None or other.end is None or (one.start < other.end and other.start < one.end)


def _goes(reading: Reading, facts: Facts, pointer: str, text: str, span: Span) -> FindingKind | None:
    """How it would leave or be written; None where it stays in the call or signs in."""
    kind = _where(reading, facts, pointer, text, span)
    return kind if kind in (IN_MESSAGE, IN_REQUEST, IN_FILE) else None


def _leaves(reading: Reading, facts: Facts) -> bool:
    """The call takes something out of the machine: it sends, has a partner on the network, or asks a search engine."""
    return (
        bool(reading.contacts)
        or facts.classification.effect_class is EffectClass.SEND
        or _asks_engine(reading.call.tool)
    )


@lru_cache(maxsize=1024)
def _asks_engine(tool: str) -> bool:
    words = frozenset(split_name(tool))
    return bool(words & _ENGINES) and bool(words & _SEARCHING)


def _is_named(pointer: str, text: str) -> bool:
    """A random value under a secret's name inside an object; a parameter of the tool itself is made for it."""
    return pointer.count("/") > 1 and is_secret_name(pointer.rpartition("/")[2]) and looks_random(text)


def _finding(reading: Reading, facts: Facts, pointer: str, text: str, span: Span) -> Finding:
    if span.rule == UNREAD:
        return NOT_READ.at("", pointer, span.start, span.end)
    secret = text[span.start : span.end]
    kind = _where(reading, facts, pointer, text, span)
    confidence = Confidence.MEDIUM if span.rule in GENERIC else None
    severity = None
    if kind in (IN_MESSAGE, IN_REQUEST) and facts.origin_of(secret).kind == "prompt":
        severity = Severity.MEDIUM  # the person gave it away in so many words; still worth a look with anything else
        confidence = Confidence.MEDIUM
    named = _NAMES.get(span.rule, "a secret")
    return kind.at(f"{kind.sentence}: {named}", pointer, span.start, span.end, severity=severity, confidence=confidence)


def _where(reading: Reading, facts: Facts, pointer: str, text: str, span: Span) -> FindingKind:
    secret, rule = text[span.start : span.end], span.rule
    contacts = [one for one in reading.contacts if not one.listens and _is_made(one)]
    carrying = [one for one in contacts if _carries(one, secret)]
    if any(not _belongs(rule, one.address) for one in carrying):
        return IN_REQUEST
    sharing = [one for one in contacts if _shares(one, pointer)]
    if sharing and _in_header(pointer, text, span.start) and any(_is_stranger(rule, one.address) for one in sharing):
        return IN_REQUEST
    if carrying or sharing:
        return AS_CREDENTIAL
    if any(use.op is FileOp.WRITE and secret in (use.content or "") for use in reading.files):
        return IN_FILE
    if facts.classification.effect_class is EffectClass.SEND or _is_public(reading, facts):
        return IN_MESSAGE
    return IN_REQUEST if _asks_engine(reading.call.tool) else IN_ARGUMENT


def _is_public(reading: Reading, facts: Facts) -> bool:
    """The call writes what other people read, without sending it to anyone."""
    writes = facts.classification.effect_class in (EffectClass.WRITE, EffectClass.UNKNOWN)
    return writes and bool(_PUBLIC & frozenset(split_name(reading.call.tool)))


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
    return bool(issuer) and host.split(".")[-2:-1] in [[name] for name in _DOMAINS.get(issuer, (issuer,))]


def _in_header(pointer: str, text: str, start: int) -> bool:
    return "header" in pointer.lower() or _HEADER.search(text, max(0, start - 120), start) is not None


def _is_stranger(rule: str, address: str) -> bool:
    """Someone who can do nothing with this secret but keep it."""
    if _ISSUERS.get(rule) not in _ONLY_AT_HOME or _belongs(rule, address):
        return False
    link = parse(address)
    return link is not None and link.place in ("public", "relay")
