"""The exported log as lines of canonical JSON: written from the database, read back for the verifier.

    {"manifest":{...}}                               first: which log, which events, which keys
    {"body":{...},"header":{...},"row_hash":"..."}   one an event; body null where it was removed
    {"checkpoint":"..."}                             the signed notes, last

Reading compares bytes: a line that is not exactly what an export writes is none. A reader that parsed and hashed anew
would not see `1e2` become `1E2`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from toolguard.core.canonical import canonical
from toolguard.core.proof import tree
from toolguard.errors import StoreError
from toolguard.store import audit
from toolguard.store.copies import Copy, Start
from toolguard.store.database import Database

FORMAT: Final = "toolguard/export/v1"
_HEADER: Final = audit.COLUMNS[:-1]
_OPENING: Final = '{"manifest":'


def write(database: Database, after: int = 0) -> Iterator[bytes]:
    """Each line with its line break. With `after` it is a part, which verifies on its own but tells no whole story."""
    head, _ = audit.head(database)
    notes = [row["note"] for row in database.read("SELECT note FROM audit_checkpoint WHERE size > ?", (after,))]
    if after >= head:
        raise StoreError(f"there is no event after {after}", hint="`toolguard audit list` shows the newest")
    frontier, last_hash = tree.Frontier(), audit.GENESIS
    if after:
        for row in database.stream("SELECT row_hash FROM audit_event WHERE seq <= ? ORDER BY seq", (after,)):
            last_hash = row["row_hash"]
            frontier = frontier.append(bytes.fromhex(last_hash))
    manifest = {
        "format": FORMAT,
        "log_id": database.read("SELECT log_id FROM audit_event LIMIT 1")[0]["log_id"],
        "first": after + 1,
        "last": head,
        "prev_hash": last_hash,
        "tree": [part.hex() for part in frontier.hashes],
        "keys": public_keys(database),
        "checkpoints": len(notes),
    }
    yield canonical({"manifest": manifest}) + b"\n"
    rows = database.stream(
        "SELECT e.*, b.body FROM audit_event e LEFT JOIN audit_body b USING (seq) WHERE seq > ? AND seq <= ? "
        "ORDER BY seq",
        (after, head),
    )
    for row in rows:
        yield _event_line(dict(row))
    for note in notes:
        yield canonical({"checkpoint": note}) + b"\n"


def public_keys(database: Database) -> list[str]:
    """Every key that the log names as its own, in order."""
    rows = database.read(
        "SELECT b.body FROM audit_event e JOIN audit_body b USING (seq) "
        "WHERE e.seq = 1 OR e.kind = 'key.rotated' ORDER BY e.seq"
    )
    keys = [json.loads(row["body"]).get("public_key") for row in rows]
    return [key for key in keys if isinstance(key, str)]


def _event_line(row: Mapping[str, Any]) -> bytes:
    header = canonical({name: row[name] for name in _HEADER if row[name] is not None})
    body = (row["body"] or "null").encode()
    return b'{"body":%b,"header":%b,"row_hash":"%b"}\n' % (body, header, row["row_hash"].encode())


class MalformedError(StoreError):
    """A line that no export has written."""


@contextmanager
def read_export(path: Path) -> Iterator[Copy]:
    """An exported file as the verifier takes it. A damaged line raises StoreError from `events`, with its number."""
    manifest, notes = _frame(path)
    start = Start(manifest["first"], manifest["prev_hash"], tuple(manifest["tree"]), tuple(manifest["keys"]))
    yield Copy(_events(path, manifest), None, notes, start)


def is_export(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_OPENING)) == _OPENING.encode()


def _frame(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Manifest and checkpoints. Raises StoreError when they are not as an export writes them."""
    notes: list[str] = []
    manifest: dict[str, Any] = {}
    for number, line in _lines(path):
        if number == 1:
            manifest = _exactly(line, "manifest", number)
        elif line.startswith(b'{"checkpoint":'):
            notes.append(_exactly(line, "checkpoint", number))
        elif notes:
            raise MalformedError(f"line {number} of the export is out of place")
    names = {"format", "log_id", "first", "last", "prev_hash", "tree", "keys", "checkpoints"}
    if manifest.keys() != names or manifest["format"] != FORMAT or manifest["checkpoints"] != len(notes):
        raise MalformedError("the manifest does not fit the lines after it")
    return manifest, notes


def _events(path: Path, manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    row: dict[str, Any] = {"seq": manifest["first"] - 1}
    for number, line in _lines(path):
        if number == 1 or line.startswith(b'{"checkpoint":'):
            continue
        row = _row(line, number)
        if row["log_id"] != manifest["log_id"]:
            raise MalformedError(f"line {number} belongs to another log than the manifest says")
        yield row
    if row["seq"] != manifest["last"]:
        raise MalformedError(f"the manifest says {manifest['last']} events, the export ends at {row['seq']}")


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                raise MalformedError(f"line {number} of the export is cut")
            yield number, line[:-1]


def _exactly(line: bytes, name: str, number: int) -> Any:
    """The one member of a line of the frame."""
    try:
        value = json.loads(line)
        if canonical(value) == line and list(value) == [name]:
            return value[name]
    except (ValueError, AttributeError):
        pass
    raise MalformedError(f"line {number} of the export is not as it was written")


def _row(line: bytes, number: int) -> dict[str, Any]:
    try:
        text = line.decode()
        body, end = json.JSONDecoder().raw_decode(text, len('{"body":'))
        rest = json.loads("{" + text[end + 1 :])
        header, row_hash = rest["header"], rest["row_hash"]
        body_text = None if body is None else text[len('{"body":') : end]
        shown = {**dict.fromkeys(_HEADER), **header, "row_hash": row_hash, "body": body_text}
        if header.keys() <= set(_HEADER) and _event_line(shown) == line + b"\n":
            return shown
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise MalformedError(f"line {number} of the export is not as it was written")
