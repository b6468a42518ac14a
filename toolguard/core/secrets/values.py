"""Whether a value looks like a secret: random enough, and no placeholder, variable or word."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Final

from toolguard.core.regex import compiled

_UUID: Final = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"

_PLACEHOLDER: Final = (
    # Words and signs that people write where a secret belongs; searched in short values only, since a long random
    # text holds some of them by chance.
    r"(?i:example|sample|placeholder|your|change.?me|insert|replace|dummy|fake|redacted|todo|foobar|tbd|[_ -]here|"
    r"tokenhere|keyhere|x{5}|x{4}\z|\*{3}|\.{3}|#{4}|-{5}|_{5}|\$\{|\{\{|\$\(|<%|%\(|%s|undefined|lorem|not.?set|"
    r"no.?secret|test.?token|my.?secret|my.?token|my.?pass|my.?api|some.?token|some.?pass|access_token\z)"
)

_FILLER: Final = r"(?i:example|your|placeholder|insert|replace|x{5}|\*{3}|\.{3}|#{4}|here\z|abcdefghijkl|0{12}|a{8})"
"""What stands in tokens of documentation; fewer words than above, since a token's letters come by chance."""

_EXAMPLE: Final = r"(?i:[_.-]?(?:example|sample|dummy|fake|test)[_.-]?)"
"""Words that make a value look like an example and are as easily added to a real one."""

_WORDS: Final = frozenset(
    b"""password passwd pass pwd passphrase secret token user username test none null nil true false string str text
    required optional value key apikey api_key undefined empty default hidden masked unset basic bearer digest
    password1 pass123 env vault n/a na ssm self object bytes bool int any""".split()
)
"""Values that are words about secrets."""

_REFERENCE: Final = (
    # A variable, a template, a path or an address instead of a value.
    r"\$\{?[A-Za-z_][0-9A-Za-z_]*(?::[^}]*)?\}?|<[^>]*>|\[[^\]]*\]|\{\{?[^}]*\}?\}|%[A-Za-z_][0-9A-Za-z_]*%|"
    r"(?:\./|\.\./|~/|/[a-z]+/)[^\n]*|[a-z]+://[^\n]*|"
    r"[A-Za-z_$][0-9A-Za-z_$]*(?:(?:\.|->|::)[A-Za-z_$][0-9A-Za-z_$]*)+|"
    r"[0-9A-Za-z_./-]*\.(?:pem|key|crt|json|ya?ml|txt|env|cfg|conf|ini|toml|p12|pfx|jks|py|js|ts|go|rb|java|html?|md|png)|"
    r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|!(?i:vault|secret|env|include|ref|sub|getatt|lookup)(?:[ |].*)?|x:[0-9]+(?::.*)?|"
    r"(?i:arn:aws|projects/|op://|vault:|ssm:|secretref:|env:|file:|data:image)[^\n]*"
)


def shannon(text: bytes) -> float:
    """Bits per byte."""
    if not text:
        return 0.0
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def is_filler(body: bytes) -> bool:
    """Whether the body of a token was never issued: all of one letter, the alphabet in order, a word for "example"."""
    if len(body) >= 8 and len(set(body.lower().translate(None, b"-_."))) <= 3:
        return True
    return len(body) <= 96 and compiled(_FILLER).search(body) is not None


def without_example_words(value: bytes) -> bytes:
    """What is left of a value that says of itself that it is an example, so that it can be judged like any other."""
    at, kept = 0, b""
    while len(value) <= 512 and (word := compiled(_EXAMPLE).search(value, at)) is not None:
        kept += value[at : word.start()]
        at = word.end()
    return kept + value[at:]


def is_placeholder(value: bytes) -> bool:
    """Whether someone wrote this where a secret belongs."""
    if value.lower() in _WORDS:
        return True
    if len(set(value.lower())) <= (3 if len(value) >= 6 else 1):
        return True
    return len(value) <= 96 and compiled(_PLACEHOLDER).search(value) is not None


def is_reference(value: bytes) -> bool:
    """Whether the value only says where a secret is to be had."""
    return compiled(_REFERENCE).fullmatch(value) is not None


def looks_random(value: bytes | str, shortest: int = 10) -> bool:
    """Whether a value under a telling name is one that no person and no program would name something.

    Random letters change between cases and digits all the time; names and sentences seldom do.
    """
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass")
    size = len(value)
    if size < shortest or b" " in value or is_placeholder(value) or is_reference(value):
        return False
    if compiled(_UUID).fullmatch(value):
        return value[14:15] not in _ORDERLY_VERSIONS
    digits = sum(byte in _DIGITS for byte in value)
    letters = sum(byte in _LETTERS for byte in value)
    if not letters or letters + digits < 0.7 * size:
        return False
    if digits and size >= 16 and compiled("[0-9a-f]+|[0-9A-F]+").fullmatch(value):
        return shannon(value) >= 2.5
    if digits and size in _DIGEST_SIZES and value.isalnum() and (value == value.lower() or value == value.upper()):
        return shannon(value) >= 3.0
    if digits:
        return _changes(value) >= 0.22 and shannon(value) >= 2.8
    return size >= 20 and _changes(value) >= 0.19 and shannon(value) >= 3.8


_DIGITS: Final = frozenset(b"0123456789")
_LETTERS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


_DIGEST_SIZES: Final = (32, 40, 64)
_ORDERLY_VERSIONS: Final = b"123567"
"""UUID versions made of time, machine or a name (RFC 9562): identifiers. The rest are taken for random."""


def _changes(value: bytes) -> float:
    """How often neighbours differ in kind. Signs do not count, since they join words, nor does a word's capital."""
    pairs = [(_kind(a), _kind(b)) for a, b in pairwise(value)]
    inside = [a != b and (a, b) != (1, 2) for a, b in pairs if a < 3 and b < 3]
    return sum(inside) / len(inside) if inside else 0.0


def kinds(body: bytes) -> int:
    """How many of digits, capitals and small letters stand in it."""
    return len({_kind(byte) for byte in body} - {3})


def _kind(byte: int) -> int:
    """0 digit, 1 upper case, 2 lower case, 3 the rest."""
    if 48 <= byte <= 57:
        return 0
    if 65 <= byte <= 90:
        return 1
    return 2 if 97 <= byte <= 122 else 3
