"""A client's file is replaced whole or not at all."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from toolguard.clients import file as files
from toolguard.errors import ConfigError

NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "mcp.json"
    found.write_bytes(b'{"a": 1}\r\n')
    return found


def test_the_new_text_replaces_the_old_and_leaves_nothing_beside_it(path: Path) -> None:
    files.write(files.read(path), '{"a": 2}\r\n')

    assert path.read_bytes() == b'{"a": 2}\r\n'
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o660])
def test_the_mode_stays(path: Path, mode: int) -> None:
    path.chmod(mode)

    files.write(files.read(path), "{}")

    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_symbolic_link_stays_one_and_its_target_is_replaced(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(path)

    files.write(files.read(link), "{}")

    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == "{}"


def test_a_byte_order_mark_stays(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf{}")
    file = files.read(path)

    files.write(file, "{ }")

    assert file.text == "{}"
    assert path.read_bytes() == b"\xef\xbb\xbf{ }"


def test_a_file_that_changed_since_it_was_read_is_left_alone(path: Path) -> None:
    file = files.read(path)
    path.write_bytes(b"newer")

    with pytest.raises(ConfigError, match="changed by another program"):
        files.write(file, "{}")

    assert path.read_bytes() == b"newer"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_vanished_is_not_made_anew(path: Path) -> None:
    file = files.read(path)
    path.unlink()

    with pytest.raises(ConfigError, match="cannot be written"):
        files.write(file, "{}")

    assert not path.exists()


def test_text_that_is_not_utf_8_is_refused_with_its_place(path: Path) -> None:
    path.write_bytes(b'{\n "a": "\xff"}')

    with pytest.raises(ConfigError, match="not UTF-8") as caught:
        files.read(path)

    assert (caught.value.line, caught.value.column) == (2, 8)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        files.read(tmp_path)


def test_backups_are_private_and_never_overwrite_each_other(path: Path, tmp_path: Path) -> None:
    first = files.back_up(files.read(path), tmp_path / "backups", NOW)
    path.write_bytes(b"second")
    second = files.back_up(files.read(path), tmp_path / "backups", NOW)

    assert first.read_bytes() == b'{"a": 1}\r\n'
    assert second.read_bytes() == b"second"
    assert {stat.S_IMODE(one.stat().st_mode) for one in (first, second)} == {0o600}
    assert stat.S_IMODE(os.stat(tmp_path / "backups").st_mode) == 0o700
