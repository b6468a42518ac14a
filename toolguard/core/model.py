"""The values that everything else passes around; the words are those of ARCHITECTURE.md's vocabulary.

All are frozen. What arrives from outside is checked where it enters; a value of this file is already sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Final

Json = Any
"""Parsed JSON: None, bool, int, float, str, list or dict of these. `Any`, since it is foreign by nature."""

EMPTY: Final[Mapping[str, Json]] = {}


class Effect(IntEnum):
    """What a rule says about a call; the strictest voice wins, so the order is the meaning."""

    ALLOW = 0
    ASK = 1
    DENY = 2

    @property
    def word(self) -> str:
        return self.name.lower()


class EffectClass(StrEnum):
    """What a call does to the world, asked before whether that is bad."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    EXECUTE = "execute"
    SEND = "send"
    SPEND = "spend"
    GRANT = "grant"
    ADMINISTER = "administer"
    UNKNOWN = "unknown"


class Reach(StrEnum):
    """How many things a call touches."""

    ONE = "one"
    MANY = "many"
    ALL = "all"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Confidence(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Principal:
    """On whose behalf a call is made."""

    agent: str
    """The configured name of the agent, never a name that the agent reports of itself."""
    person: str
    """The operating-system user, or the identity that the host application vouches for."""
    session: str
    """Lives as long as the conversation; on stdio it is the server name, so that a retry after a restart attaches."""

    def as_json(self) -> dict[str, Json]:
        return {"agent": self.agent, "person": self.person, "session": self.session}


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool as its server offers it; everything in it is the server's word, untrusted."""

    name: str
    description: str = ""
    input_schema: Mapping[str, Json] = field(default_factory=dict)
    annotations: Mapping[str, Json] = field(default_factory=dict)
    title: str = ""
    rest: Mapping[str, Json] = field(default_factory=dict)
    """Members beside the ones above (output schema, icons, _meta...), kept because the fingerprint covers them."""

    def as_json(self) -> dict[str, Json]:
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.input_schema,
            "annotations": self.annotations,
            "rest": self.rest,
        }


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One request to run one tool with arguments."""

    server: str
    tool: str
    arguments: Mapping[str, Json]
    principal: Principal
    definition: ToolDefinition | None = None
    """The definition pinned for this tool; None when the server never offered it."""
    definition_fp: str = ""
    """Fingerprint of the pinned definition together with how its server is launched; empty when there is none."""
    server_trusted: bool = False
    """The operator marked this server as trusted: its annotations may then lower a risk."""
    prompt: str | None = None
    """What the person asked, where it can be known."""
    justification: str | None = None
    """What the agent says the call is for: a claim, never trusted."""
    client: str = ""
    """The client program as it names itself; shown, never judged by."""
    transport_key: str = ""
    """Connection and request id: the same key is the same try of the same call."""
    other_params: Mapping[str, Json] = field(default_factory=dict)
    """Members of `params` beside name, arguments and _meta; part of what is approved."""

    @property
    def columns(self) -> dict[str, str]:
        """For whom which tool of which server is called: what every row and event about it repeats."""
        return {**self.principal.as_json(), "server": self.server, "tool": self.tool}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a detector saw."""

    id: str
    """`family.what`, for example `shell.recursive-delete`; leads to docs/findings/<id>.md."""
    severity: Severity
    confidence: Confidence
    message: str
    """One sentence for the reviewer, starting in lower case; never holds a secret or markup."""
    pointer: str = ""
    """JSON Pointer (RFC 6901) into the arguments; empty for the call as a whole."""
    start: int | None = None
    """First character of the span inside the string at `pointer`."""
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Classification:
    """What the call does, to what, how far it reaches and whether there is a way back."""

    effect_class: EffectClass
    target: str = ""
    """The thing acted on, in the arguments' own words (a path, a table, a host, a recipient)."""
    reach: Reach = Reach.UNKNOWN
    reversible: bool | None = None
    environment: str = ""
    """`production` where the arguments say so, else empty."""
    headline: str = ""
    """One line for the reviewer written from the parsed call, for example "Delete 1 folder and everything in it"."""


@dataclass(frozen=True, slots=True)
class Obligations:
    """What must be fulfilled before an asked call may run; copied into the approval request at its creation."""

    need: int = 1
    groups: tuple[str, ...] = ()
    strength: int = 0
    """Weakest evidence that counts for approving: 0 in_client, 1 local, 2 account, 3 signed, 4 passkey."""
    separation: str = "agent"
    decide_within: int = 3600
    """Seconds that reviewers have."""
    use_within: int = 900
    """Seconds between the approval and its use."""
    deny_need: int = 1
    justification: bool = False
    each: tuple[tuple[str, int], ...] = ()
    """Groups that must each give so many of the approvals; `need` is never below their sum."""
    hold: float | None = None
    """Seconds that an adapter keeps the call open; None leaves it to the configuration."""
    in_client: bool = False
    """Whether the person may also answer in the client itself, where nothing proves who did."""

    def as_json(self) -> dict[str, Json]:
        return {
            "need": self.need,
            "groups": list(self.groups),
            "strength": self.strength,
            "separation": self.separation,
            "decide_within": self.decide_within,
            "use_within": self.use_within,
            "deny_need": self.deny_need,
            "justification": self.justification,
            "each": dict(self.each),
            "hold": self.hold,
            "in_client": self.in_client,
        }


@dataclass(frozen=True, slots=True)
class MatchedRule:
    """A rule that had a say, with the digest of its content: what an approval binds as "the policy"."""

    name: str
    effect: Effect
    digest: str
    why: str = ""
    """For people: which matcher or finding made it speak."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the core returns for a call."""

    effect: Effect
    score: int
    """0-100, a pure function of the findings."""
    classification: Classification
    findings: tuple[Finding, ...] = ()
    rules: tuple[MatchedRule, ...] = ()
    obligations: Obligations = Obligations()

    @property
    def effect_class(self) -> EffectClass:
        return self.classification.effect_class


class OutcomeKind(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_RUN = "not_run"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an execution ended."""

    kind: OutcomeKind
    result_text: str = ""
    """The result's text, for taint and provenance; only its keyed digest and size reach the log."""
    result_size: int = 0
    """Bytes of the serialised result."""
    error: str = ""
    """For people: why it failed or is not known."""
    duration_ms: float = 0.0


def pointer(*steps: str | int) -> str:
    """A JSON Pointer from its steps."""
    if len(steps) == 1:  # most often; a generator would cost more than the rest
        return "/" + str(steps[0]).replace("~", "~0").replace("/", "~1")
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def strings(value: Json, at: str = "") -> Sequence[tuple[str, str]]:
    """Each string leaf of a JSON value with its pointer, in document order."""
    found: list[tuple[str, str]] = []
    stack: list[tuple[str, Json]] = [(at, value)]
    while stack:
        where, node = stack.pop()
        if isinstance(node, str):
            found.append((where, node))
        elif isinstance(node, Mapping):
            stack.extend((where + pointer(key), child) for key, child in reversed(list(node.items())))
        elif isinstance(node, list | tuple):
            stack.extend((where + pointer(i), node[i]) for i in range(len(node) - 1, -1, -1))
    return found
