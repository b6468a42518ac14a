"""What toolguard.yaml says beside the policy, as the log keeps it: an event whenever it is not what it was.

Values that may hold secrets (commands, addresses, headers) stand there as keyed digests: a change shows, they do not.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from toolguard.config import Config
from toolguard.core.canonical import parse, text
from toolguard.core.model import Json
from toolguard.core.secrets.redact import Redactor
from toolguard.store import audit, meta
from toolguard.store.database import Database


def note(database: Database, config: Config, redactor: Redactor) -> None:
    """Record the configuration if it differs from the one before; without a file there is nothing to record, unless
    there was one. Raises StoreError."""
    key = f"configuration:{config.agent}"
    before = meta.value(database, key)
    if config.file is None and before is None:
        return
    told = _told(config, redactor)
    if before == text(told):
        return
    known: dict[str, Json] = parse(before) if before else {}
    changed = sorted(name for name in told.keys() | known.keys() if told.get(name) != known.get(name))
    with database.write(full=True) as tx:
        meta.keep(tx, key, text(told))
        audit.append(tx, "configuration.loaded", {**told, "changed": changed}, agent=config.agent)


def _told(config: Config, redactor: Redactor) -> dict[str, Json]:
    def hidden(value: object) -> str:
        return redactor.mac(text(_plain(value)))

    return {
        "file": redactor.text(str(config.file or "")),
        "roots": [redactor.text(root) for root in config.roots],
        "servers": {name: hidden(server) for name, server in config.servers.items()},
        "approvals": _plain(config.approvals),
        "review": {"host": config.review.host, "port": config.review.port, "url": redactor.text(config.review.url)},
        "durability": config.durability,
        "prompts": config.prompts,
        "redact_keys": list(config.redact_keys),
        "reviewers": {one.name: list(one.groups) for one in config.reviewers},
        "reviewers_digest": hidden(config.reviewers),
        "channels": {one.name: {"kind": one.kind, "settings": hidden(one)} for one in config.channels},
        "anchors": {one.name: {"kind": one.kind, "settings": hidden(one)} for one in config.audit.anchors},
        "anchor_every": str(config.audit.anchor_every),
        "retention": _plain(config.audit.retention),
        "traces": hidden(config.audit.traces) if config.audit.traces else None,
    }


def _plain(value: Any) -> Json:
    """Frozen values as JSON; numbers as texts, since some are fractions."""
    if isinstance(value, dict):
        return {str(name): _plain(inside) for name, inside in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inside) for inside in value]
    if hasattr(value, "__dataclass_fields__"):
        return _plain(asdict(value))
    return value if value is None or isinstance(value, bool) else str(value)
