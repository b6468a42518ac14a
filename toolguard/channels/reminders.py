"""Reminders and escalation: who is told again, or for the first time, of what nobody has decided.

A reminder is an event and rows of the outbox, in one transaction, once for each request whatever crashes. It decides
nothing and moves no deadline.
"""

from __future__ import annotations

from toolguard.config_channels import Reminder
from toolguard.guard import Guard
from toolguard.guard.requests import request_columns
from toolguard.guard.times import later
from toolguard.store import audit, records, reminders


def raise_due(guard: Guard) -> int:
    """Raise what fell due; how many. Looking takes no lock that calls wait for. Raises StoreError."""
    return sum(
        _raise(guard, reminder, request_id)
        for reminder in guard.config.reminders
        for request_id in _waiting(guard, reminder)
    )


def _waiting(guard: Guard, reminder: Reminder) -> list[str]:
    now = guard.store.now()
    if reminder.after is not None:
        return reminders.due_after(guard.store, reminder.name, later(now, -reminder.after))
    return reminders.due_before(guard.store, reminder.name, later(now, reminder.before or 0.0))


def _raise(guard: Guard, reminder: Reminder, request_id: str) -> bool:
    with guard.store.write(full=False) as tx:
        row = records.request(tx, request_id)
        if row is None or row["state"] != "pending" or row["decide_by"] <= tx.now:
            return False
        if not reminders.raise_once(tx, row, reminder.name, reminder.to):
            return False
        contents = {"reminder": reminder.name, "to": list(reminder.to), "decide_by": row["decide_by"]}
        audit.append(tx, "reminder.raised", contents, **request_columns(row))
    return True
