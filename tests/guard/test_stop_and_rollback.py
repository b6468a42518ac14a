"""The stop switch, and a log that is not the one it was."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.guard.conftest import asked, call
from tests.guard.test_guard import kinds, permit, refusal, vote
from toolguard.core.approvals import RefusalCode
from toolguard.guard import Guard, Pending, Permit, Reviewer


def test_while_stopped_nothing_is_asked_or_claimed_and_safe_calls_go_on(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)
    vote(guard, pending, reviewer)

    guard.stop_switch.stop(reviewer, "something odd", "cli")

    assert refusal(guard.resume(pending)).code is RefusalCode.STOPPED
    assert refusal(guard.begin(call(what="attic"))).code is RefusalCode.STOPPED
    assert isinstance(guard.begin(call("read_file")), Permit)
    assert isinstance(guard.stop_switch.since, str)

    guard.stop_switch.release(reviewer, "cli")

    assert not guard.stop_switch.since
    permit(guard.resume(pending))
    assert [kind for kind in kinds(guard) if kind.startswith("guard.")] == ["guard.stopped", "guard.released"]


def test_a_restored_backup_stops_claims_until_a_person_confirms(
    guard: Guard, guard_with: Callable[..., Guard], reviewer: Reviewer, tmp_path: Path
) -> None:
    pending = asked(guard)
    vote(guard, pending, reviewer)
    guard.close()
    database = guard.config.database
    backup = tmp_path / "backup.db"
    shutil.copy(database, backup)
    later = guard_with()
    permit(later.begin(call()))
    later.close()

    shutil.copy(backup, database)
    restored = guard_with()

    answer = restored.begin(call())
    assert refusal(answer).code is RefusalCode.LOG_ROLLED_BACK
    assert kinds(restored).count("log.rolled_back") == 1
    assert isinstance(restored.begin(call("read_file")), Permit)

    assert restored.doubt.confirm(reviewer, "restored after the disk failed", "cli")
    assert not restored.doubt.confirm(reviewer, "again", "cli")

    assert not isinstance(restored.begin(call()), Pending)
