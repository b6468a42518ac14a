"""The JSON Schemas under schemas/, made from the models: `python -m toolguard.schemas schemas` writes them.

`openapi.json` is made by toolguard/review/openapi.py. Documents that leave us (audit events, messages) are described
here; what comes in is described where it is read.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, WithJsonSchema

from toolguard.cli.policy_cases import CasesFile
from toolguard.config_schema.file import ConfigSection
from toolguard.config_schema.policy import PolicySection
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


Hash = Annotated[str, Field(pattern=HASH)]
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


class _Exact(BaseModel):
    """A document whose every byte is covered by a hash: it has no other members."""

    model_config = ConfigDict(extra="forbid")


class Manifest(_Exact):
    """Which log, which events, which keys."""

    format: Literal["toolguard/export/v1"]
    log_id: str
    first: int = Field(ge=1)
    last: int = Field(ge=1)
    prev_hash: str = Field(pattern=HASH, description="row_hash of the event before the first; zeros for a whole log.")
    tree: list[Hash] = Field(description="Hashes of the complete subtrees before the first event, the largest first.")
    keys: list[Hash] = Field(description="Public keys that the log names as its own, in order.")
    checkpoints: int = Field(ge=0)


class ManifestLine(_Exact):
    """The first line."""

    manifest: Manifest


class EventLine(_Exact):
    """One event."""

    body: dict[str, Any] | None = Field(description="Contents; null when retention removed them.")
    header: dict[str, str | int] = Field(description="Every other member of an event, without nulls.")
    row_hash: str = Field(pattern=HASH)


class CheckpointLine(_Exact):
    """A signed note; these stand last."""

    checkpoint: str = Field(pattern="^toolguard/[0-9a-f]{32}\n")


class ExportLine(RootModel[ManifestLine | EventLine | CheckpointLine]):
    """One line of `toolguard audit export --format jsonl`, in canonical JSON."""

    model_config = ConfigDict(title="A line of an exported log")


class Proof(_Exact):
    """What `toolguard audit prove` prints: an event, and the way from it to a signed checkpoint."""

    model_config = ConfigDict(title="The proof of one event")

    format: Literal["toolguard/proof/v1"]
    header: dict[str, str | int] = Field(description="Every member of the event but `row_hash` and `body`.")
    body: str | None = Field(description="The very text that `body_hash` is of; null when retention removed it.")
    path: list[Hash] = Field(description="RFC 9162, section 2.1.3.")
    checkpoint: str = Field(description="A C2SP signed note.")
    public_key: Hash = Field(description="Ed25519, of the log at that size.")


class Receipt(_Sent):
    """What a witness answered, as `toolguard audit receipts` prints it, one a line."""

    model_config = ConfigDict(title="The receipt of a witness")

    format: Literal["toolguard/receipt/v1"]
    at: str = Field(pattern=MOMENT)
    seq: int = Field(ge=1, description="The event that holds it.")
    anchor: str
    kind: Literal["file", "webhook", "rfc3161"]
    size: int = Field(ge=1, description="Up to which event the witness knows the log.")
    note: str = Field(description="The checkpoint that it was told, a C2SP signed note.")
    answer: str = Field(description="A time stamp in base 64, lines of a cosignature, what else it said, or nothing.")


class ToldCheckpoint(_Sent):
    """The log as it stands."""

    log_id: str
    size: int = Field(ge=1)
    root: str = Field(pattern=HASH)
    note: str = Field(description="A C2SP signed note; keep it.")


class CheckpointMessage(_Sent):
    """What an anchor of kind `webhook` receives, signed by Standard Webhooks."""

    model_config = ConfigDict(title="A message about the audit log")

    type: Literal["audit.checkpoint"]
    timestamp: str = Field(pattern=MOMENT)
    log: ToldCheckpoint = Field(alias="data")


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
    "audit-export.schema.json": ExportLine,
    "audit-proof.schema.json": Proof,
    "audit-receipt.schema.json": Receipt,
    "audit-checkpoint.schema.json": CheckpointMessage,
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
