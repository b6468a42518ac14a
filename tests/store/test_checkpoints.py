"""When the log signs itself: after so many events, after so long, with each approval, and when nothing happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.conftest import NOW
from tests.store.scenes import opened, play
from toolguard.guard.times import later
from toolguard.store import audit
from toolguard.store.checkpoints import EVERY_EVENTS, EVERY_SECONDS, IDLE_SECONDS, Checkpoints, newest
from toolguard.store.database import Database
from toolguard.store.proving import verify_file


class Time:
    """One clock for the log and for its rhythm."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def iso(self) -> str:
        return later(NOW, self.seconds)


Made = tuple[Database, Checkpoints, Time]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    time = Time()
    database = Database(tmp_path / "home" / "toolguard.db", clock=time.iso)
    checkpoints = Checkpoints(database, time)
    happen(database, 1, key_id="a1", public_key=checkpoints.key.public.hex())
    checkpoints.write_if_due(now=True)
    return database, checkpoints, time


def happen(database: Database, count: int, **contents: str) -> None:
    for _ in range(count):
        with database.write(full=False) as tx:
            first = audit.is_empty(tx)
            audit.append(tx, "log.opened" if first else "policy.loaded", contents)


def signed(database: Database) -> int:
    found = newest(database)
    return 0 if found is None else int(found["size"])


@pytest.mark.parametrize(
    ("events", "seconds", "due"),
    [
        (EVERY_EVENTS, 0.0, True),
        (EVERY_EVENTS - 1, 0.0, False),
        (EVERY_EVENTS - 1, EVERY_SECONDS, True),
        (1, EVERY_SECONDS, True),
        (1, EVERY_SECONDS - 0.1, False),
        (0, EVERY_SECONDS, False),
    ],
)
def test_a_checkpoint_is_due_after_so_many_events_or_so_long(
    made: Made, events: int, seconds: float, due: bool
) -> None:
    database, checkpoints, time = made
    before = signed(database)
    happen(database, events)
    time.seconds += seconds

    checkpoints.write_if_due()

    assert signed(database) == (before + events if due else before)
    database.close()


@pytest.mark.parametrize(("seconds", "beats"), [(IDLE_SECONDS, 1), (IDLE_SECONDS - 1, 0)])
def test_an_idle_log_beats_once_an_hour_however_many_processes_watch_it(made: Made, seconds: float, beats: int) -> None:
    database, checkpoints, time = made
    others = [Checkpoints(database, time) for _ in range(3)]
    time.seconds += seconds

    for one in (checkpoints, *others, checkpoints):
        one.write_if_due()

    kinds = [event["kind"] for event in audit.read(database)]
    assert kinds.count("log.heartbeat") == beats
    assert signed(database) == len(kinds)
    database.close()
    assert verify_file(database.path).problems == []


def test_a_clock_that_was_set_back_does_not_silence_an_idle_log(made: Made) -> None:
    database, checkpoints, time = made
    monotonic = iter([IDLE_SECONDS, IDLE_SECONDS])
    clock: Callable[[], float] = lambda: next(monotonic, 2 * IDLE_SECONDS)  # noqa: E731 - the clock that only rises
    time.seconds -= 7_200

    other = Checkpoints(database, clock)
    other.write_if_due()
    other.write_if_due()

    assert "log.heartbeat" in [event["kind"] for event in audit.read(database)]
    del checkpoints
    database.close()


def test_every_request_and_every_approval_is_signed_in_its_own_transaction(home: Path) -> None:
    with opened(home) as guard:
        guard.store.duty = lambda: 1e6  # nothing is signed in the background here
        play(guard)
        sizes = {row["size"] for row in guard.store.read("SELECT size FROM audit_checkpoint")}
        seqs = {
            kind: [event["seq"] for event in audit.read(guard.store, kind=kind)]
            for kind in ("approval.requested", "approval.approved")
        }

    assert all(seqs.values())
    for seq in seqs["approval.approved"]:
        assert seq in sizes
    for seq in seqs["approval.requested"]:
        assert min((size for size in sizes if size >= seq), default=1_000_000) <= seq + 1
