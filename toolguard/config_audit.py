"""What toolguard.yaml says about the audit log: witnesses outside, how long contents stay, where spans go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AnchorSettings:
    """A witness outside that gets the log's signed checkpoint now and then."""

    name: str
    kind: str
    """`file`, `webhook` or `rfc3161`."""
    url: str = ""
    path: str = ""
    """Of a file: where checkpoints are appended, best on another machine or medium."""
    secret: str = ""
    """Of a webhook: `whsec_...` or `whsk_...`; as written, resolved where it is used."""
    allow: tuple[str, ...] = ()
    """`host:port` pairs inside the network, or of plain http, that may be sent to."""


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """When contents are removed by themselves; nothing is while both are zero."""

    older_than: int = 0
    """Seconds."""
    keep: int = 0
    """Bytes of contents."""


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """An OpenTelemetry collector that gets a span of every call."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """As written: a value may be `env:NAME` or `file:PATH`."""
    arguments: bool = False
    """Whether spans carry the redacted arguments."""
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """All of it."""

    anchors: tuple[AnchorSettings, ...] = ()
    anchor_every: float = 3_600.0
    """Seconds between two statements to one witness; what is newer is unprotected."""
    retention: RetentionSettings = RetentionSettings()
    traces: TraceSettings | None = None
