"""Examines toolguard itself: home, database, log, clock, reviewers, separation, review page.

Nothing is repaired here and nothing is created: what does not exist yet is said to be missing.
"""

from __future__ import annotations

import http.client
import json
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shlex import quote
from typing import Final
from urllib.parse import urlsplit

from toolguard.clients.check import Check
from toolguard.config import Config
from toolguard.errors import StoreError
from toolguard.guard import Guard
from toolguard.store import audit, engine
from toolguard.store.proving import verify_file

# No clock that is right shows a time before this code was written.
_WRITTEN: Final = datetime(2026, 11, 1, tzinfo=UTC)
# Between machines that keep time this is never exceeded.
_CLOCK_TOLERANCE: Final = timedelta(minutes=2)
_SERVE_SECONDS: Final = 3.0


def examine_home(config: Config) -> Iterator[Check]:
    """Folder, database and keys: whose they are and who may read them. Looks before anything opens them."""
    home = config.home
    if not home.exists():
        yield Check("home", "note", f"{home} does not exist yet", "`toolguard install` or the first call creates it")
        return
    if hasattr(os, "getuid") and home.stat().st_uid != os.getuid():
        what = f"{home} belongs to another user (uid {home.stat().st_uid})"
        yield Check("home", "note", what, "right if toolguard runs under a user of its own")
    loose = [(path, mode) for path in _private_files(config) if (mode := _mode(path)) & 0o077]
    for path, mode in loose:
        wanted = "700" if path.is_dir() else "600"
        yield Check(
            "home", "problem", f"{path} is open to other users (mode {mode:o})", f"chmod {wanted} {quote(str(path))}"
        )
    if not loose:
        yield Check("home", "ok", f"{home} is private")
    if config.file and _mode(config.file) & 0o022:
        what = f"{config.file} can be changed by other users"
        yield Check("configuration", "problem", what, f"chmod go-w {quote(str(config.file))}")


def _private_files(config: Config) -> Iterator[Path]:
    yield config.home
    for pattern in ("*.db*", "keys", "keys/*", "backups", "backups/*"):
        yield from sorted(config.home.glob(pattern))


def _mode(path: Path) -> int:
    """Permission bits; none for a file that is gone by now, as SQLite's come and go."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return 0


def examine_clock(now: datetime, newest: str) -> Check:
    """`newest` is the time of the newest audit event, empty for none."""
    if now < _WRITTEN:
        return Check(
            "clock",
            "problem",
            f"the clock shows {now:%Y-%m-%d}, before this toolguard was made",
            "set the clock; approvals expire by it",
        )
    if newest and datetime.fromisoformat(newest) > now + _CLOCK_TOLERANCE:
        return Check(
            "clock",
            "problem",
            f"the newest audit event is of {newest}, in the future",
            "the clock was set back: set it right, else approvals live too long",
        )
    return Check("clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def examine_sqlite(version: tuple[int, ...]) -> Check:
    shown = ".".join(str(part) for part in version)
    if not engine.has_wal_reset_bug(version):
        return Check("sqlite", "ok", f"SQLite {shown}")
    return Check(
        "sqlite",
        "note",
        f"SQLite {shown} has the WAL-reset bug; toolguard's file lock keeps its own programs clear of it",
        "let no other program write to the database, or use a Python with SQLite 3.51.3 or newer",
    )


def examine_reviewers(guard: Guard) -> Check:
    names = [reviewer.name for reviewer in guard.reviewers.list()]
    if not names:
        return Check(
            "reviewers", "problem", "nobody can approve: no reviewer is enrolled", "toolguard reviewers add NAME"
        )
    return Check(
        "reviewers",
        "ok",
        f"{len(names)} enrolled: {', '.join(name for name in names[:5])}{' ...' if len(names) > 5 else ''}",
    )


def examine_separation(config: Config) -> Check:
    """Which rule holds between who runs an agent and who approves its calls."""
    rule = {
        "agent": "you may approve calls of your own agent, each such vote is marked self-attested",
        "owner": "nobody may approve calls of their own agent",
    }[config.approvals.separation]
    return Check("separation", "ok", f"{config.approvals.separation}: {rule}")


def examine_serve(config: Config) -> Check:
    """Whether the review page answers, and whether it is ours that answers there."""
    url = config.review.url
    try:
        answer = _health(url)
    except (OSError, http.client.HTTPException):
        return Check(
            "serve",
            "note",
            f"no review page at {url}: calls that must be asked wait and then settle",
            "toolguard serve",
        )
    except ValueError as error:
        return Check("serve", "problem", f"review.url `{url}` is no address: {error}", "correct it in toolguard.yaml")
    if answer != "ok":
        return Check(
            "serve", "problem", f"something else answers at {url}", "set another port in toolguard.yaml, review.port"
        )
    return Check("serve", "ok", f"the review page answers at {url}")


def _health(url: str) -> str:
    """The status that the page reports, empty when what answers there is another. Raises ValueError for no address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it needs http:// or https:// and a host")
    kind_of = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind_of(parts.hostname, parts.port, timeout=_SERVE_SECONDS)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/healthz")
        body = connection.getresponse().read(65536)
    finally:
        connection.close()
    try:
        return str(json.loads(body).get("status"))
    except (ValueError, AttributeError, RecursionError):
        return ""


def examine_audit(guard: Guard) -> Check:
    guard.store.flush()
    report = verify_file(guard.config.database)
    if report.ok:
        anchor = "" if report.anchored else ", confirmed by nothing outside this machine"
        return Check("audit", "ok", f"{report.events} events, consistent{anchor}")
    first = report.problems[0]
    return Check("audit", "problem", f"the audit log does not hold: {first.what}", "toolguard audit verify")


def examine_house(config: Config, now: datetime) -> Iterator[Check]:
    """Everything about toolguard itself."""
    yield from examine_home(config)
    yield examine_serve(config)
    if config.home.exists() and not os.access(config.home, os.R_OK | os.X_OK):
        yield Check("database", "note", "out of this user's reach", "run `toolguard doctor` as its owner for the rest")
    elif not config.database.exists():
        yield examine_clock(now, "")
        yield Check("reviewers", "problem", "nobody can approve: no reviewer is enrolled", "toolguard install CLIENT")
    else:
        yield from _examine_database(config, now)


def _examine_database(config: Config, now: datetime) -> Iterator[Check]:
    try:
        with Guard.open(config) as guard:
            yield Check("database", "ok", f"{config.database} opens")
            yield examine_sqlite(engine.version(guard.store))
            yield examine_clock(now, audit.newest_time(guard.store))
            yield examine_audit(guard)
            yield examine_reviewers(guard)
            yield examine_separation(config)
    except StoreError as error:
        yield Check("database", "problem", str(error), error.hint)
