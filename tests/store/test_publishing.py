"""A copy of the log for others: it verifies, holds no credential, and answers what examples/datasette.json asks."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.store.scenes import opened, play
from toolguard.errors import StoreError
from toolguard.guard import Guard
from toolguard.store import audit
from toolguard.store.proving import verify_file
from toolguard.store.publishing import publish

METADATA = json.loads((Path(__file__).parents[2] / "examples" / "datasette.json").read_text(encoding="utf-8"))
DATABASE: dict[str, Any] = METADATA["databases"]["audit"]


@pytest.fixture
def guard(home: Path) -> Iterator[Guard]:
    with opened(home) as made:
        play(made, text="plain words")
        yield made


@pytest.fixture
def copy(guard: Guard, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    guard.checkpoints.write_if_due(now=True)
    publish(guard.store, tmp_path / "audit.db")
    connection = sqlite3.connect(tmp_path / "audit.db")
    connection.row_factory = sqlite3.Row
    yield connection
    connection.close()


def test_a_copy_is_one_file_that_verifies_like_the_log(guard: Guard, copy: sqlite3.Connection, tmp_path: Path) -> None:
    report, original = verify_file(tmp_path / "audit.db"), verify_file(guard.config.database)

    assert report.problems == []
    assert (report.head, report.root) == (original.head, original.root)
    assert (tmp_path / "audit.db").stat().st_mode & 0o077 == 0
    assert [file.name for file in tmp_path.glob("audit.db*")] == ["audit.db"]


def test_credentials_and_memories_stay_behind_also_in_free_pages(
    guard: Guard, copy: sqlite3.Connection, tmp_path: Path
) -> None:
    content = (tmp_path / "audit.db").read_bytes()

    hashes = [row["secret_hash"] for row in guard.store.read("SELECT secret_hash FROM credential")]
    tokens = [row["claim_token"] for row in guard.store.read("SELECT claim_token FROM execution")]
    assert hashes
    assert not [one for one in [*hashes, *tokens] if one.encode() in content]
    assert copy.execute("SELECT count(*) FROM session_memory").fetchone()[0] == 0


def test_a_call_is_one_row_with_its_votes_and_its_end(guard: Guard, copy: sqlite3.Connection) -> None:
    rows = copy.execute("SELECT * FROM calls ORDER BY seq").fetchall()

    assert len(rows) == len(audit.read(guard.store, kind="call.decided"))
    assert [(row["effect"], row["approval"], row["votes"], row["outcome"]) for row in rows] == [
        ("allow", None, None, "succeeded"),
        ("allow", None, None, "failed"),
        ("deny", None, None, None),
        ("ask", "consumed", "bob0: approve", "succeeded"),
        ("ask", "denied", "bob0: deny", None),
    ]


def test_datasette_is_told_only_of_tables_columns_and_queries_that_are_there(copy: sqlite3.Connection) -> None:
    for name, table in DATABASE["tables"].items():
        columns = {row["name"] for row in copy.execute(f'PRAGMA table_info("{name}")')}
        assert columns, f"no table `{name}`"
        named = {table.get("sort"), table.get("sort_desc"), table.get("label_column"), *table.get("facets", ())}
        assert named | set(table.get("columns", ())) <= columns | {None}
    for query in DATABASE["queries"].values():
        copy.execute(query["sql"], {"call_id": "ca_1"}).fetchall()


def test_nothing_is_overwritten(guard: Guard, tmp_path: Path) -> None:
    target = tmp_path / "there.db"
    target.write_text("mine", encoding="utf-8")

    with pytest.raises(StoreError, match="there already"):
        publish(guard.store, target)
    with pytest.raises(StoreError, match="cannot be written"):
        publish(guard.store, tmp_path / "no" / "folder.db")
    assert target.read_text(encoding="utf-8") == "mine"
