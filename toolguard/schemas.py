"""The JSON Schemas under schemas/, made from the models: `python -m toolguard.schemas schemas` writes them.

`openapi.json` is made by toolguard/review/openapi.py. Documents that leave us (audit events, messages) are described
here; what comes in is described where it is read.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from toolguard.cli.policy_cases import CasesFile
from toolguard.config_schema import ConfigSection, PolicySection
from toolguard.core.approvals import ExecutionState, RequestState
from toolguard.core.canonical import pretty
from toolguard.core.events import KINDS
from toolguard.core.model import Confidence, EffectClass, Json, Severity
from toolguard.guard.replaying import RecordedSession

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
HASH: Final = "^[0-9a-f]{64}$"
MOMENT: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z$"


class _Sent(BaseModel):
    """A document that we write; readers must ignore members that they do not know."""

    model_config = ConfigDict(extra="allow")


Kind = Annotated[
    str,
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(KINDS)},
                {"type": "string", "pattern": r"^[a-z]+\.[a-z_]+$", "not": {"enum": list(KINDS)}},
            ]
        }
    ),
]


class AuditEvent(_Sent):
    """One event of the log, as `toolguard audit list --json` prints it: a fact, in the past tense."""

    model_config = ConfigDict(title="An audit event")

    seq: int = Field(ge=1, description="Position in the log, without gaps.")
    v: Literal[1] = Field(description="Version of this format.")
    log_id: str = Field(description="Which log this is; every event of one log says the same.")
    ts: str = Field(pattern=MOMENT, description="When, in UTC.")
    kind: Kind = Field(
        description="What happened. Later versions may add kinds; what they mean says docs/reference.md."
    )
    agent: str | None = Field(default=None, description="Configured name of the agent.")
    person: str | None = Field(default=None, description="On whose behalf the agent acts.")
    session: str | None = None
    server: str | None = None
    tool: str | None = None
    reviewer: str | None = Field(default=None, description="Who decided, by name.")
    channel: str | None = Field(default=None, description="How they decided, for example `web`.")
    call_id: str | None = None
    request_id: str | None = None
    execution_id: str | None = None
    grant_id: str | None = None
    effect: Literal["allow", "ask", "deny"] | None = None
    score: int | None = Field(default=None, ge=0, le=100)
    outcome: str | None = Field(default=None, description="The state that the event led to.")
    call_fp: str | None = Field(default=None, pattern=HASH, description="Fingerprint of the call.")
    policy_digest: str | None = Field(default=None, pattern=HASH, description="The policy in force.")
    body_hash: str = Field(pattern=HASH, description='SHA-256 of "toolguard/body/v1", NUL and the body as stored.')
    prev_hash: str = Field(pattern=HASH, description="row_hash of the event before; zeros for the first.")
    row_hash: str = Field(
        pattern=HASH,
        description='SHA-256 of "toolguard/event/v1", NUL and the canonical JSON of the members above.',
    )
    body: dict[str, Any] | None = Field(default=None, description="Contents; null when retention removed them.")


class ShownFinding(_Sent):
    """Why a call is risky: what was seen, and where."""

    id: str
    severity: Severity
    confidence: Confidence
    points: int = Field(ge=0, le=100, description="Points combine, they do not add up.")
    pointer: str = Field(description="JSON Pointer into the arguments; empty for the call as a whole.")
    start: int | None = None
    end: int | None = None
    message: str


class ShownPrincipal(_Sent):
    """On whose behalf the call is made."""

    agent: str
    person: str
    session: str


class ShownVote(_Sent):
    """One reviewer's answer."""

    reviewer: str
    choice: Literal["approve", "deny"]
    channel: str
    strength: int
    at: str
    reason: str
    self_attested: bool


class ShownExecution(_Sent):
    """The one use of an approval."""

    id: str
    state: ExecutionState


class Approval(_Sent):
    """An approval request, as page, REST, command line and messages show it. Secrets are markers."""

    model_config = ConfigDict(title="An approval request")

    id: str
    state: RequestState
    request_digest: str = Field(pattern=HASH, description="What a vote must echo.")
    code: str = Field(pattern="^[0-9A-Z]{3}-[0-9A-Z]{3}$", description="The code that the agent's message shows too.")
    server: str
    tool: str
    arguments: dict[str, Any]
    effect_class: EffectClass = Field(alias="class")
    headline: str
    target: str
    score: int = Field(ge=0, le=100)
    findings: list[ShownFinding]
    principal: ShownPrincipal
    client: str
    prompt: str | None = None
    justification: str | None = Field(default=None, description="What the agent says: a claim.")
    created: str = Field(pattern=MOMENT)
    decide_by: str = Field(pattern=MOMENT)
    use_by: str | None = None
    requirement: dict[str, Any]
    votes: list[ShownVote]
    execution: ShownExecution | None = None


class Message(_Sent):
    """What a webhook receives, and what the event stream sends."""

    model_config = ConfigDict(title="A message about an approval request")

    type: Literal["approval.created", "approval.changed"]
    timestamp: str = Field(pattern=MOMENT)
    approval: Approval = Field(alias="data", description="As it stands now.")


MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "config.schema.json": ConfigSection,
    "policy.schema.json": PolicySection,
    "policy-tests.schema.json": CasesFile,
    "session.schema.json": RecordedSession,
    "audit-event.schema.json": AuditEvent,
    "webhook.schema.json": Message,
}


def schema(model: type[BaseModel]) -> dict[str, Json]:
    """The JSON Schema of a model."""
    return {"$schema": DIALECT, **model.model_json_schema(by_alias=True)}


def write(folder: Path) -> list[Path]:
    """Write every schema into a folder; the files."""
    folder.mkdir(exist_ok=True)
    files = []
    for name, model in MODELS.items():
        file = folder / name
        file.write_text(pretty(schema(model)) + "\n", encoding="utf-8")
        files.append(file)
    return files


if __name__ == "__main__":
    write(Path(sys.argv[1]))
