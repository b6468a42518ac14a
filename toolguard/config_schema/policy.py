"""The section `policy` of toolguard.yaml: rules, budgets, breakers, and what they match."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from toolguard.config_schema.section import Section
from toolguard.config_schema.values import (
    AAGUID,
    SPAN,
    Classes,
    Clock,
    Expression,
    Globs,
    Long,
    Name,
    Names,
    OneOrMore,
    Pointer,
    Reaches,
    Short,
    Span,
    Text,
    Zone,
    duration,
    listed,
)
from toolguard.core.grants import MOST_SECONDS, MOST_USES
from toolguard.core.policy.breakers import Counted
from toolguard.core.policy.budgets import Scope
from toolguard.core.policy.matching import FACT_VALUES, FACTS
from toolguard.core.policy.policy import Preset

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
STRENGTHS: Final = ("in_client", "local", "account", "signed", "passkey")
Scalar = str | int | float | bool | None
Strength = Literal["in_client", "local", "account", "signed", "passkey"]
Separation = Literal["agent", "owner"]


class ScoreSection(Section):
    """Bounds of the risk score, both included."""

    least: int | None = Field(default=None, alias="min", ge=0, le=100)
    most: int | None = Field(default=None, alias="max", ge=0, le=100)


class TimeSection(Section):
    """Hours of the day; a window that ends before it begins crosses midnight and belongs to the day it begins on."""

    start: Clock = Field(alias="from")
    end: Clock = Field(alias="to")
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = Field(default=list(DAYS), min_length=1)
    zone: Zone = "UTC"


Windows = Annotated[list[TimeSection], BeforeValidator(listed), Field(min_length=1), OneOrMore()]


class ArgumentSection(Section):
    """What must hold for the values at one JSON Pointer; all members that are given."""

    glob: Globs | None = None
    re2: Expression | None = None
    one_of: list[Scalar] | None = Field(default=None, alias="in", min_length=1)
    equals: Scalar = None
    least: float | None = Field(default=None, alias="min", allow_inf_nan=False)
    most: float | None = Field(default=None, alias="max", allow_inf_nan=False)
    under: Globs | None = None
    present: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("a test needs one of glob, re2, in, equals, min, max, under, present")
        if self.present is not None and len(self.model_fields_set) > 1:
            raise ValueError("`present` stands alone")
        if "equals" in self.model_fields_set and self.one_of is not None:
            raise ValueError("`equals` and `in` exclude each other")
        return self


class FactsSection(Section):
    """What the session has shown so far."""

    tainted: bool | None = None
    private_read: bool | None = None
    instructed: bool | None = None
    first_of_class: bool | None = None
    target_from: Literal["prompt", "result", "arguments", "nowhere"] | None = None
    definition: Literal["pinned", "changed", "added", "unknown"] | None = None


assert set(FactsSection.model_fields) == set(FACTS)  # noqa: S101 - a fact that policies could not name
assert set(FACT_VALUES) <= set(FACTS)  # noqa: S101 - the same


class MatchSection(Section):
    """Which calls; every member that is given must hold, and within a list any entry."""

    server: Globs | None = None
    tool: Globs | None = None
    classes: Classes | None = Field(default=None, alias="class")
    finding: Globs | None = None
    score: ScoreSection | None = None
    agent: Globs | None = None
    person: Globs | None = None
    session: Globs | None = None
    target: Globs | None = None
    reach: Reaches | None = None
    environment: Globs | None = None
    facts: FactsSection | None = None
    arguments: dict[Pointer, ArgumentSection] | None = None
    windows: Windows | None = Field(default=None, alias="time")
    no_other_arguments: bool = False


class TermsSection(Section):
    """What an approval must fulfil."""

    TERMS: ClassVar = ("need", "groups", "each", "strength", "separation", "hold", "decide_within", "use_within")
    need: int | None = Field(default=None, ge=1, le=20)
    groups: Names | None = None
    each: dict[Name, Annotated[int, Field(ge=1, le=20)]] | None = None
    strength: Strength | None = None
    separation: Separation | None = None
    hold: Short | None = None
    decide_within: Long | None = None
    use_within: Long | None = None
    justification: bool = False
    in_client: bool | None = None

    def _demands(self) -> list[str]:
        return sorted(self.model_fields_set & {*self.TERMS, "justification", "in_client"})

    @model_validator(mode="after")
    def _groups_are_said_once(self) -> Self:
        if self.groups is not None and self.each is not None:
            raise ValueError("`groups` (any of them) and `each` (all of them) exclude each other")
        return self


class RuleSection(TermsSection):
    """A voice: where `match` covers a call and `unless` does not, it says `effect`."""

    name: Name
    match: MatchSection = MatchSection()
    unless: MatchSection | None = None
    effect: Literal["allow", "ask", "deny"]
    reason: Text | None = None

    @model_validator(mode="after")
    def _terms_belong_to_asking(self) -> Self:
        if self.effect != "ask" and self._demands():
            raise ValueError(f"only a rule that asks has terms: {', '.join(self._demands())}")
        return self


class BudgetSection(TermsSection):
    """So many calls, or so much of an amount, in any window of `per`; a call beyond it meets `effect`."""

    name: Name
    match: MatchSection = MatchSection()
    limit: float = Field(gt=0, allow_inf_nan=False)
    per: Span
    by: Scope = Scope.SESSION
    amount: Pointer | None = None
    effect: Literal["ask", "deny"] = "ask"


class BreakerSection(Section):
    """So many calls asked about or denied in any window of `per`, and everything stops until a person releases it."""

    name: Name
    limit: int = Field(ge=1, le=100_000)
    per: Span
    count: Annotated[list[Counted], BeforeValidator(listed), Field(min_length=1), OneOrMore()] = [Counted.DENIED]
    by: Literal[Scope.AGENT, Scope.SESSION, Scope.ALL] = Scope.AGENT


class GrantsSection(Section):
    """The most that a reviewer may allow for a while with an approval."""

    longest: Annotated[float, BeforeValidator(duration), Field(ge=60, le=MOST_SECONDS), WithJsonSchema(SPAN)] = float(
        MOST_SECONDS
    )
    uses: int = Field(default=MOST_USES, ge=0, le=MOST_USES)


class PolicySection(Section):
    """What is permitted."""

    preset: Preset = Preset.BALANCED
    rules: list[RuleSection] = []
    budgets: list[BudgetSection] = []
    breakers: list[BreakerSection] = []
    grants: GrantsSection = GrantsSection()
    passkey_models: list[Annotated[str, Field(pattern=AAGUID)]] = []
    on_error: Literal["ask", "deny"] = "ask"

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        seen: set[str] = set()
        names = [one.name for one in self.rules] + [one.name for one in self.budgets]
        for name in names + [one.name for one in self.breakers]:
            if name in seen:
                raise ValueError(f"two rules are named `{name}`")
            if name.startswith(("toolguard.", "preset.")):
                raise ValueError(f"`{name}` is the name of a built-in rule; choose another")
            seen.add(name)
        return self
