"""The weakest evidence with which some call could be approved, over policies."""

from __future__ import annotations

import pytest

from toolguard.core.model import Effect, Obligations
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Policy, Preset, Rule
from toolguard.core.policy.terms import Terms

PASSKEY = Terms(strength=4)


def asks(match: Match, terms: Terms = PASSKEY, unless: Match | None = None) -> Rule:
    return Rule(f"asks {match} {unless}", Effect.ASK, match, unless, terms)


EVERY, RISKY, DROPS = Match(), Match(least_score=40), Match(tool=("drop*",))
POLICIES = [
    # strength, what, policy
    (0, "nothing said", Policy()),
    (4, "the policy's own terms", Policy(obligations=Obligations(strength=4))),
    (4, "a rule for every call", Policy(rules=(asks(EVERY),))),
    (4, "a rule for what the preset asks about", Policy(rules=(asks(RISKY),))),
    (0, "a rule for some of it", Policy(rules=(asks(Match(least_score=60)),))),
    (0, "a rule with an exception", Policy(rules=(asks(EVERY, unless=DROPS),))),
    (0, "a rule for one tool", Policy(rules=(asks(DROPS),))),
    (0, "another rule asks for less", Policy(rules=(asks(RISKY), asks(DROPS, Terms())))),
    (2, "another rule asks for a little less", Policy(rules=(asks(RISKY), asks(DROPS, Terms(strength=2))))),
    (4, "a rule for every call beside one that asks for less", Policy(rules=(asks(EVERY), asks(DROPS, Terms())))),
    (0, "a rule that may err, and then asks", Policy(rules=(asks(RISKY), Rule("may", Effect.ALLOW, DROPS)))),
    (4, "a rule that may err, and then denies", Policy(
        rules=(asks(RISKY), Rule("may", Effect.ALLOW, DROPS)), on_error=Effect.DENY)),
    (0, "a preset that asks about more", Policy(Preset.STRICT, (asks(RISKY),))),
    (4, "that preset and a rule for every call", Policy(Preset.STRICT, (asks(EVERY),))),
]  # fmt: skip


@pytest.mark.parametrize(("strength", "policy"), [pytest.param(s, p, id=what) for s, what, p in POLICIES])
def test_a_policy_is_as_strong_as_its_weakest_approval(strength: int, policy: Policy) -> None:
    assert policy.least_strength == strength
