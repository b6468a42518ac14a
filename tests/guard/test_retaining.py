"""Retention by itself: as configured, once an hour for all processes, recorded, and never against a hold."""

from __future__ import annotations

from collections.abc import Callable

from tests.guard.conftest import Clock, asked, call
from toolguard.config_audit import AuditSettings, RetentionSettings
from toolguard.core.model import Outcome, OutcomeKind
from toolguard.guard import Guard, Permit, retaining
from toolguard.store import audit, retention
from toolguard.store.proving import verify_file

DAY = 86_400


def ran(guard: Guard, **arguments: object) -> None:
    permit = guard.begin(call("read_file", **arguments))  # type: ignore[arg-type]  # the names are arguments of the call
    assert isinstance(permit, Permit)
    guard.finish(permit, Outcome(OutcomeKind.SUCCEEDED, "ok", 2, "", 1.0))
    guard.store.flush()


def retained(guard_with: Callable[..., Guard], older_than: int = 0, keep: int = 0) -> Guard:
    return guard_with(audit=AuditSettings(retention=RetentionSettings(older_than, keep)))


def told(guard: Guard) -> list[dict[str, object]]:
    return [event["body"] for event in audit.read(guard.store, limit=1_000) if event["kind"] == "retention.applied"]


def test_what_is_older_goes_once_an_hour_and_the_log_says_so(guard_with: Callable[..., Guard], clock: Clock) -> None:
    guard = retained(guard_with, older_than=30 * DAY)
    ran(guard, text="old-words")
    clock.forward(days=31)
    ran(guard, text="new-words")

    first = retaining.apply_if_due(guard)

    assert first is not None
    assert first.events > 0
    (applied,) = told(guard)
    assert applied["reason"] == "configured: older than 720 h"
    bodies = str([event["body"] for event in audit.read(guard.store, limit=1_000)])
    assert "new-words" in bodies
    assert "old-words" not in bodies
    assert retaining.apply_if_due(guard) is None
    clock.forward(hours=1)
    again = retaining.apply_if_due(guard)
    assert again is not None
    assert (again.events, len(told(guard))) == (0, 1), "where nothing goes nothing is said"
    assert verify_file(guard.config.database).problems == []


def test_another_process_does_not_do_it_again(guard_with: Callable[..., Guard], clock: Clock) -> None:
    one, other = retained(guard_with, older_than=DAY), retained(guard_with, older_than=DAY)

    assert retaining.apply_if_due(one) is not None
    assert retaining.apply_if_due(other) is None
    clock.forward(days=-2)
    assert retaining.apply_if_due(other) is not None, "a clock that was set back stops nothing"


def test_beyond_a_size_the_oldest_go(guard_with: Callable[..., Guard]) -> None:
    guard = retained(guard_with, keep=3_000)
    for number in range(6):
        ran(guard, text=f"words-{number} " * 50)

    made = retaining.apply_if_due(guard)

    assert made is not None
    assert made.events > 0
    left = sum(len(row["body"]) for row in guard.store.read("SELECT b.body FROM audit_body b JOIN audit_event e "
                                                            "USING (seq) WHERE e.kind LIKE 'call.%'"))  # fmt: skip
    assert left <= 3_000
    assert verify_file(guard.config.database).problems == []


def test_without_a_configuration_nothing_goes(guard: Guard, clock: Clock) -> None:
    ran(guard, text="old-words")
    clock.forward(days=1_000)

    assert retaining.apply_if_due(guard) is None


def test_a_hold_and_an_open_request_keep_what_is_old(guard_with: Callable[..., Guard], clock: Clock) -> None:
    guard = retained(guard_with, older_than=DAY)
    pending = asked(guard, text="waits")
    ran(guard, text="held-words")
    retention.hold(guard.store, "case", {"session": "files"}, "legal", reviewer="bob")
    clock.forward(days=2)

    made = retaining.apply_if_due(guard)

    assert made is not None
    assert made.events == 0
    assert retention.free(guard.store, "case", "closed", reviewer="bob")
    clock.forward(hours=2)
    made = retaining.apply_if_due(guard)
    assert made is not None
    assert made.events > 0
    bodies = str([event["body"] for event in audit.read(guard.store, limit=1_000)])
    assert "held-words" not in bodies
    assert guard.approvals.show(pending.request_id) is not None
