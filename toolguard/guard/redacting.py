"""The redactor of a configuration: its key, the names of its secrets, and the values that it gives to servers."""

from __future__ import annotations

from toolguard.config import Config
from toolguard.core.secrets.redact import Redactor
from toolguard.store.keys import redaction_key


def redactor_of(config: Config) -> Redactor:
    """Raises StoreError when the key cannot be read or made."""
    key_id, key = redaction_key(config.home)
    known = {f"{server}.{name}": value for server, one in config.servers.items() for name, value in one.env.items()}
    return Redactor(key, key_id, config.redact_keys, known)
