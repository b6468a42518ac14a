"""Retention as configured, by itself: what is older than `older_than` or beyond `keep` loses its contents."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from toolguard.guard.times import iso, later
from toolguard.store import meta, retention
from toolguard.store.retention import Removal

if TYPE_CHECKING:
    from toolguard.guard.guard import Guard

EVERY_SECONDS: Final = 3_600.0
_LAST: Final = "retained"


def apply_if_due(guard: Guard) -> Removal | None:
    """Once an hour, whichever process comes first; None when it is not due or nothing is configured. Raises
    StoreError."""
    settings, now = guard.config.audit.retention, iso(guard.now())
    if not (settings.older_than or settings.keep):
        return None
    if not _is_due(meta.value(guard.store, _LAST), now):
        return None
    with guard.store.write(full=False) as tx:
        if not _is_due(meta.held(tx, _LAST), now):
            return None  # another process was faster
        meta.keep(tx, _LAST, now)
    return apply(guard)


def _is_due(last: str | None, now: str) -> bool:
    return last is None or not last <= now < later(last, EVERY_SECONDS)


def apply(guard: Guard, reason: str = "") -> Removal:
    """Apply what is configured now, by age first. Raises StoreError."""
    settings = guard.config.audit.retention
    removed, ranges = 0, list[list[int]]()
    if settings.older_than:
        before = iso(guard.now() - timedelta(seconds=settings.older_than))
        why = reason or f"configured: older than {settings.older_than // 3600} h"
        made = retention.retain(guard.store, guard.checkpoints, before=before, reason=why)
        removed, ranges = made.events, made.ranges
    if settings.keep:
        why = reason or f"configured: at most {settings.keep} bytes"
        made = retention.retain(guard.store, guard.checkpoints, keep_bytes=settings.keep, reason=why)
        removed, ranges = removed + made.events, ranges + made.ranges
    return Removal(removed, ranges)
