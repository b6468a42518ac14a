"""What is permitted: rules, budgets and a preset, all of them frozen data.

A policy says nothing about how a call is judged (core/decide.py) or written down (config.py). INVARIANT: no rule of
a user can lift a built-in denial (tests/core/test_decide.py).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Final

from toolguard.core.canonical import digest
from toolguard.core.grants import GrantLimits
from toolguard.core.model import Effect, Obligations
from toolguard.core.policy.breakers import Breaker
from toolguard.core.policy.budgets import Budget
from toolguard.core.policy.matching import Match
from toolguard.core.policy.terms import Terms, plain


class Preset(StrEnum):
    """How strict the policy is where no rule speaks."""

    OBSERVE = "observe"
    BALANCED = "balanced"
    STRICT = "strict"


ASK_AT: Final = 40
"""The score from which a preset asks; MEDIUM severity with HIGH confidence alone is just above it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A voice: where `match` covers a call and `unless` does not, it says `effect`."""

    name: str
    effect: Effect
    match: Match = Match()
    unless: Match | None = None
    terms: Terms = Terms()
    reason: str = ""
    """The operator's own words, for people."""
    digest: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", digest("toolguard/rule/v1", plain(asdict(self))))


@dataclass(frozen=True, slots=True)
class Policy:
    """All that decides what a finding leads to."""

    preset: Preset = Preset.BALANCED
    rules: tuple[Rule, ...] = ()
    budgets: tuple[Budget, ...] = ()
    obligations: Obligations = Obligations()
    """Terms of an approval where no rule says otherwise."""
    on_error: Effect = Effect.ASK
    """The voice of a rule that errs: ask or deny."""
    grants: GrantLimits = field(default_factory=GrantLimits)
    """The most that may be allowed for a while."""
    passkey_models: tuple[str, ...] = ()
    """AAGUIDs (lower case) of the makes of passkeys that count; every make where none is named."""
    breakers: tuple[Breaker, ...] = ()
    """What stops everything by itself; none where the policy names none."""
    digest: str = field(init=False, default="")
    """Of everything above; recorded as the policy's revision."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", digest("toolguard/policy/v1", plain(asdict(self))))

    def withholds(self, server: str, tool: str) -> bool:
        """Whether a rule denies every call of this tool, so that clients need not see it at all."""
        return self.preset is not Preset.OBSERVE and any(
            rule.effect is Effect.DENY and rule.unless is None and rule.match.names(server, tool) for rule in self.rules
        )

    def wants_reason(self, server: str, tool: str) -> bool:
        """Whether some call of this tool may be asked about only after its agent said what it is for."""
        voices = [(rule.effect, rule.terms, rule.match) for rule in self.rules]
        voices += [(budget.effect, budget.terms, budget.match) for budget in self.budgets]
        return self.preset is not Preset.OBSERVE and (
            self.obligations.justification
            or any(
                effect is Effect.ASK and terms.justification and match.concerns(server, tool)
                for effect, terms, match in voices
            )
        )

    @property
    def least_strength(self) -> int:
        """The weakest evidence with which some call could be approved; rules of `match: {}` speak for every call."""
        voices = [(rule.effect, rule.match, rule.unless, rule.terms) for rule in self.rules]
        voices += [(budget.effect, budget.match, None, budget.terms) for budget in self.budgets]
        asks = [(match, unless, terms.strength or 0) for effect, match, unless, terms in voices if effect is Effect.ASK]
        plain_asks = [(match, strength) for match, unless, strength in asks if unless is None]
        always = max([self.obligations.strength, *(strength for match, strength in plain_asks if match == Match())])
        scored = [
            strength
            for match, strength in plain_asks
            if match == Match(least_score=match.least_score) and (match.least_score or 0) <= ASK_AT
        ]
        by_preset = max([always, *scored]) if self.preset is Preset.BALANCED else always
        can_err = self.on_error is Effect.ASK and any(rule.effect is not Effect.ASK for rule in self.rules)
        return min([by_preset, *([always] if can_err else []), *(max(always, strength) for _, _, strength in asks)])


def _built_in(name: str, reason: str, *findings: str) -> Rule:
    return Rule(name, Effect.DENY, Match(findings=findings), reason=reason)


BUILT_IN: Final[tuple[Rule, ...]] = (
    # The only denials that no operator wrote. A finding leads here by its id, never by its score.
    _built_in(
        "toolguard.own-files",
        "toolguard's files and the clients' configuration are out of bounds for the agent they guard",
        "guard.own-files",
        "guard.client-configuration",
    ),
    _built_in(
        "toolguard.own-controls",
        "toolguard's command line and ports are for people, not for the agent they guard",
        "guard.own-command",
        "guard.own-port",
    ),
    _built_in("toolguard.unknown-tool", "the server does not offer this tool", "definition.unknown-tool"),
)
MALFORMED: Final = _built_in("toolguard.malformed", "the call is malformed", "guard.malformed")
"""Holds under every preset, `observe` included: such a call means different things to different readers."""
