"""What may stand in toolguard.yaml: pydantic models, from which the JSON Schemas are made.

The border, and nothing else: config_file.py turns what passed here into the values of config.py and of `core.policy`.
Unknown keys and combinations without a meaning are errors.
"""

from __future__ import annotations

import difflib
import re
from datetime import time
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from toolguard.config import LOOPBACK
from toolguard.core.grants import MOST_SECONDS, MOST_USES
from toolguard.core.model import EffectClass, Reach
from toolguard.core.policy.breakers import Counted
from toolguard.core.policy.budgets import Scope
from toolguard.core.policy.matching import FACT_VALUES, FACTS
from toolguard.core.policy.policy import Preset
from toolguard.core.regex import PatternError, compile_pattern

UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION: Final = r"^[0-9]{1,6}(ms|s|m|h|d)$"
SIZES: Final = {"KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
SIZE: Final = r"^[1-9][0-9]{0,5}(KB|MB|GB)$"
NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
POINTER: Final = r"^(/([^~/]|~[01])*)+$"
ADDRESS: Final = r"^https?://[^\s]+$"
ORIGIN: Final = r"^https?://[^\s/?#]+$"
AAGUID: Final = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
PATTERNS: Final = {
    # What a pattern wants, in words for the error.
    NAME: "a name is up to 64 letters, digits, `.`, `_` and `-`",
    POINTER: "write a JSON Pointer like `/path` or `/items/*/price`",
    ADDRESS: "write an address like `https://tools.example.com/mcp`",
    AAGUID: "write an AAGUID like `ee882879-721c-4913-9775-3dfcce97072a`",
    ORIGIN: "write an origin like `https://review.example.com`",
}
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
STRENGTHS: Final = ("in_client", "local", "account", "signed", "passkey")


def duration(value: Any) -> float:
    """Seconds of a text like `50s`. Raises ValueError."""
    if not isinstance(value, str) or not re.fullmatch(DURATION, value):
        raise ValueError("a duration is a number and a unit: `50s`, `60m`, `8h`, `2d`")
    number, unit = re.fullmatch(r"([0-9]+)([a-z]+)", value).groups()  # type: ignore[union-attr]  # DURATION matched
    return int(number) * UNITS[unit]


def size(value: Any) -> int:
    """Bytes of a text like `500MB`. Raises ValueError."""
    if not isinstance(value, str) or not re.fullmatch(SIZE, value):
        raise ValueError("a size is a number and a unit: `500MB`, `20GB`")
    return int(value[:-2]) * SIZES[value[-2:]]


def _clock(value: Any) -> time:
    if not isinstance(value, str) or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError("a time of day is written like `22:00`")
    return time.fromisoformat(value)


def _zone(value: Any) -> str:
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
        raise ValueError("not a time zone; write one like `Europe/Berlin` or `UTC`") from error


def _expression(value: Any) -> str:
    try:
        return compile_pattern(value).source
    except (PatternError, AttributeError, TypeError) as error:
        raise ValueError(f"not a regular expression of RE2: {error}") from error


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


class _OneOrMore:
    """A single entry may stand without its list; the schema says so too."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, default: GetJsonSchemaHandler) -> JsonSchemaValue:
        listed = default(core)
        return {"anyOf": [listed["items"], listed]}


_SPAN = {"type": "string", "pattern": DURATION, "examples": ["50s", "60m", "8h"]}
Short = Annotated[float, BeforeValidator(duration), Field(ge=0, le=3600), WithJsonSchema(_SPAN)]
Long = Annotated[float, BeforeValidator(duration), Field(ge=1, le=7 * 86400), WithJsonSchema(_SPAN)]
Span = Annotated[float, BeforeValidator(duration), Field(ge=1, le=366 * 86400), WithJsonSchema(_SPAN)]
Spell = Annotated[float, BeforeValidator(duration), Field(ge=10, le=366 * 86400), WithJsonSchema(_SPAN)]
Age = Annotated[float, BeforeValidator(duration), Field(ge=3600, le=36_600 * 86400), WithJsonSchema(_SPAN)]
Size = Annotated[
    int, BeforeValidator(size), WithJsonSchema({"type": "string", "pattern": SIZE, "examples": ["500MB", "20GB"]})
]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
Name = Annotated[str, Field(pattern=NAME)]
Globs = Annotated[list[Text], BeforeValidator(_listed), Field(min_length=1), _OneOrMore()]
Names = Annotated[list[Name], BeforeValidator(_listed), Field(min_length=1), _OneOrMore()]
Classes = Annotated[list[EffectClass], BeforeValidator(_listed), Field(min_length=1), _OneOrMore()]
Reaches = Annotated[list[Reach], BeforeValidator(_listed), Field(min_length=1), _OneOrMore()]
Clock = Annotated[
    time, BeforeValidator(_clock), WithJsonSchema({"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"})
]
Zone = Annotated[str, BeforeValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Berlin"]})]
Expression = Annotated[str, BeforeValidator(_expression), WithJsonSchema({"type": "string", "format": "regex"})]
Pointer = Annotated[str, Field(pattern=POINTER)]
Scalar = str | int | float | bool | None
Strength = Literal["in_client", "local", "account", "signed", "passkey"]
Separation = Literal["agent", "owner"]


class Section(BaseModel):
    """A mapping of the file; knows its own keys, so that a misspelt one can be answered with the nearest."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _knows_its_keys(cls, value: Any) -> Any:
        allowed = [field.alias or name for name, field in cls.model_fields.items()]
        for key in value if isinstance(value, dict) else ():
            if key not in allowed:
                near = difflib.get_close_matches(key, allowed, 1, 0.6)
                meant = f"did you mean `{near[0]}`? " if near else ""
                raise PydanticCustomError(
                    "unknown_key",
                    "unknown key; {meant}allowed here: {allowed}",
                    {"key": key, "meant": meant, "allowed": ", ".join(allowed)},
                )
        return value


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


Windows = Annotated[list[TimeSection], BeforeValidator(_listed), Field(min_length=1), _OneOrMore()]


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
    count: Annotated[list[Counted], BeforeValidator(_listed), Field(min_length=1), _OneOrMore()] = [Counted.DENIED]
    by: Literal[Scope.AGENT, Scope.SESSION, Scope.ALL] = Scope.AGENT


class GrantsSection(Section):
    """The most that a reviewer may allow for a while with an approval."""

    longest: Annotated[float, BeforeValidator(duration), Field(ge=60, le=MOST_SECONDS), WithJsonSchema(_SPAN)] = float(
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


class ServerSection(Section):
    """A tool server: a command to start, or the address of one that runs."""

    command: Text | None = None
    args: list[str] = []
    env: dict[str, str] = {}
    url: Annotated[str, Field(pattern=ADDRESS, max_length=2000)] | None = None
    auth: Literal["none"] | None = None
    trusted: bool = False

    @model_validator(mode="after")
    def _is_one_of_two_kinds(self) -> Self:
        if (self.command is None) is (self.url is None):
            raise ValueError("a server has either a `command` or a `url`")
        if self.command is None and (self.args or self.env):
            raise ValueError("`args` and `env` belong to a server with a `command`")
        if self.command is not None and self.auth is not None:
            raise ValueError("`auth` belongs to a server with a `url`")
        if self.auth == "none" and urlsplit(self.url or "").hostname not in LOOPBACK:
            raise ValueError("`auth: none` is for servers on this machine only")
        return self


class ApprovalsSection(Section):
    """Times and separation of approvals where no rule says otherwise."""

    hold: Short = 50.0
    hold_by_client: dict[Text, Short] = {}
    in_client: bool = False
    decide_within: Long = 3600.0
    use_within: Long = 900.0
    separation: Separation | None = None


class ReviewSection(Section):
    """Where `toolguard serve` listens, and the address that links name."""

    host: Text = "127.0.0.1"
    port: int = Field(default=8787, ge=1, le=65535)
    url: Annotated[str, Field(pattern=ORIGIN)] | None = None


class RedactSection(Section):
    """What counts as a secret beside the known formats."""

    keys: list[Text] = []


class ReviewerSection(Section):
    """A person who may decide. `serve` enrols who is missing; removing the entry removes nobody."""

    groups: list[Name] = []
    person: Annotated[str, Field(max_length=64)] = ""
    slack: Annotated[str, Field(pattern=r"^$|^T[A-Z0-9]{2,20}/[UW][A-Z0-9]{2,20}$")] = ""
    keys: list[Text] = []


class ChannelSection(Section):
    """A way to reach reviewers. Secrets may be written as `env:NAME` or `file:PATH`; only `serve` reads them."""

    kind: Literal["webhook", "slack", "teams", "apprise"]
    url: Text = ""
    secret: Text = ""
    token: Text = ""
    app_token: Text = ""
    channel: Text = ""
    groups: list[Name] = []
    when: Literal["always", "reminded"] = "always"
    allow: list[Annotated[str, Field(pattern=r"^[^\s:/]+:[0-9]{1,5}$")]] = []

    @model_validator(mode="after")
    def _complete(self) -> Self:
        wanted = {"webhook": ("url", "secret"), "slack": ("token", "channel"), "teams": ("url",), "apprise": ("url",)}
        for name in wanted[self.kind]:
            if not getattr(self, name):
                raise PydanticCustomError("incomplete", f"a channel of kind `{self.kind}` needs `{name}`")
        return self


class AnchorSection(Section):
    """A witness outside that gets the log's signed checkpoint. Its secret may be `env:NAME` or `file:PATH`."""

    kind: Literal["file", "webhook", "rfc3161"]
    url: Text = ""
    path: Text = ""
    secret: Text = ""
    allow: list[Annotated[str, Field(pattern=r"^[^\s:/]+:[0-9]{1,5}$")]] = []

    @model_validator(mode="after")
    def _complete(self) -> Self:
        wanted = {"file": {"path"}, "webhook": {"url", "secret"}, "rfc3161": {"url"}}[self.kind]
        for name in ("path", "url", "secret"):
            if bool(getattr(self, name)) is not (name in wanted):
                says = "needs" if name in wanted else "has no"
                raise PydanticCustomError("incomplete", f"an anchor of kind `{self.kind}` {says} `{name}`")
        return self


class RetentionSection(Section):
    """When contents of old events are removed by themselves; hashes and headers stay."""

    older_than: Age | None = None
    keep: Size | None = None


class TracesSection(Section):
    """An OpenTelemetry collector that gets an `execute_tool` span of every call, as OTLP/HTTP with JSON."""

    url: Annotated[str, Field(pattern=ADDRESS)]
    headers: dict[Text, Text] = {}
    arguments: bool = False
    allow: list[Annotated[str, Field(pattern=r"^[^\s:/]+:[0-9]{1,5}$")]] = []


class AuditSection(Section):
    """The audit log: witnesses outside, how long contents stay, where spans go."""

    anchors: dict[Name, AnchorSection] = {}
    anchor_every: Spell = 3600.0
    retention: RetentionSection = RetentionSection()
    traces: TracesSection | None = None


class ReminderSection(Section):
    """Say again that a request waits: so long after it came, or so long before its time is over. It decides nothing."""

    after: Long | None = None
    before: Long | None = None
    to: Names

    @model_validator(mode="after")
    def _has_one_moment(self) -> Self:
        if (self.after is None) is (self.before is None):
            raise ValueError("a reminder comes either `after` or `before`")
        return self


class ConfigSection(Section):
    """toolguard.yaml."""

    model_config = ConfigDict(title="toolguard.yaml")

    agent: Name = "agent"
    servers: dict[Name, ServerSection] = {}
    roots: list[Text] | None = None
    policy: PolicySection = PolicySection()
    approvals: ApprovalsSection = ApprovalsSection()
    review: ReviewSection = ReviewSection()
    durability: Literal["balanced", "full"] = "balanced"
    redact: RedactSection = RedactSection()
    prompts: Literal["off", "tail", "full"] = "tail"
    reviewers: dict[Text, ReviewerSection] = {}
    channels: dict[Name, ChannelSection] = {}
    reminders: list[ReminderSection] = []
    audit: AuditSection = AuditSection()

    @model_validator(mode="after")
    def _reminders_reach_somebody(self) -> Self:
        known = {*self.channels, *(group for channel in self.channels.values() for group in channel.groups)}
        for name in (name for reminder in self.reminders for name in reminder.to):
            if name not in known:
                raise ValueError(f"`{name}` is neither a channel nor a group that a channel reaches")
        return self

    @model_validator(mode="after")
    def _identities_are_of_one_person(self) -> Self:
        seen: set[str] = set()
        for mark in (mark for one in self.reviewers.values() for mark in (one.slack, *one.keys) if mark):
            if mark in seen:
                raise ValueError("two reviewers have the same key or Slack user, so one person would count for two")
            seen.add(mark)
        return self
