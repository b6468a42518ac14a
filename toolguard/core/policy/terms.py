"""What an approval must fulfil: terms that rules set, and how the terms of several rules become one set of obligations.

INVARIANT: the obligations of an asked call are never weaker than the terms of any rule that asked
(tests/core/test_terms.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from toolguard.core.model import Effect, Json, Obligations


@dataclass(frozen=True, slots=True)
class Terms:
    """What a rule demands of an approval; None where it leaves the policy's own terms alone."""

    need: int | None = None
    groups: tuple[str, ...] = ()
    each: tuple[tuple[str, int], ...] = ()
    """Groups that must each give so many approvals, for example dba 1 and security 1."""
    strength: int | None = None
    separation: str | None = None
    hold: float | None = None
    """Seconds that an adapter keeps the call open before it settles."""
    decide_within: int | None = None
    use_within: int | None = None
    justification: bool = False
    in_client: bool | None = None
    """Whether the person may also answer in the client; every voice that asks must say so."""


def strictest(base: Obligations, voices: Iterable[Terms]) -> Obligations:
    """The policy's own terms, sharpened by every rule that asks."""
    result, in_client = base, []
    for terms in voices:
        result = _sharpen(result, terms)
        in_client.append(base.in_client if terms.in_client is None else terms.in_client)
    return replace(result, in_client=bool(in_client) and all(in_client))


def _sharpen(base: Obligations, terms: Terms) -> Obligations:
    groups, each = _meet(base, terms)
    hold = terms.hold if base.hold is None else base.hold
    return replace(
        base,
        need=max(base.need, terms.need or 1, sum(count for _, count in each)),
        groups=groups,
        each=each,
        strength=max(base.strength, terms.strength or 0),
        separation="owner" if terms.separation == "owner" else base.separation,
        decide_within=min(base.decide_within, terms.decide_within or base.decide_within),
        use_within=min(base.use_within, terms.use_within or base.use_within),
        justification=base.justification or terms.justification,
        hold=hold if hold is None or terms.hold is None else min(hold, terms.hold),
    )


def _meet(base: Obligations, terms: Terms) -> tuple[tuple[str, ...], tuple[tuple[str, int], ...]]:
    """Groups that satisfy both. Where that cannot be said as one union, every group must give its full number."""
    each = dict(base.each)
    for group, count in terms.each:
        each[group] = max(count, each.get(group, 0))
    groups = tuple(g for g in base.groups if g in terms.groups) if terms.groups else base.groups
    if not base.groups:
        groups = terms.groups
    sides = [(base.groups, base.need), (terms.groups, terms.need or 1)]
    if each or (base.groups and terms.groups and not groups):
        for names, need in sides:
            for group in names:
                each[group] = max(need, each.get(group, 0))
        groups = ()
    return groups, tuple(sorted(each.items()))


def plain(value: Json) -> Json:
    """What a frozen value says, as JSON: what a digest covers. The digest, and what is derived, are left out."""
    if isinstance(value, Mapping):
        return {key: plain(child) for key, child in value.items() if key != "digest" and key[0] != "_"}
    if isinstance(value, list | tuple):
        return [plain(child) for child in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Effect):
        return value.word
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)
