"""Exports: the verifiable one down to the bit, the others against the published schemas, all with hostile values."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict  # type: ignore[import-untyped]  # stubs: a package of their own
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # its stubs are a package of their own
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema  # type: ignore[import-untyped]  # has none
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.store.scenes import HOSTILE, opened, play
from toolguard.core.canonical import parse
from toolguard.core.proof import tree
from toolguard.guard import Guard
from toolguard.store import anchors, audit, checkpoints
from toolguard.store.anchors import Told
from toolguard.store.exporting import FORMATS, export
from toolguard.store.proofs import prove
from toolguard.store.proving import verify_file

PAGE = Path(__file__).parents[2] / "docs" / "audit.md"
SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.fixture
def guard(home: Path) -> Iterator[Guard]:
    with opened(home) as made:
        play(made)
        made.checkpoints.write_if_due(now=True)
        yield made


def exported(guard: Guard, form: str, **options: Any) -> bytes:
    return b"".join(export(guard.store, form, "1.2.3", **options))


def lines_of(guard: Guard, form: str, **options: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in exported(guard, form, **options).splitlines()]


@pytest.fixture
def file(guard: Guard, tmp_path: Path) -> Path:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(exported(guard, "jsonl"))
    return path


# -- JSON lines -------------------------------------------------------------------------------------------------------


def test_an_export_verifies_and_knows_every_event(guard: Guard, file: Path) -> None:
    report = verify_file(file)

    assert report.problems == []
    assert report.events == audit.head(guard.store)[0]
    assert report.checkpoints >= 1
    assert report.root == verify_file(guard.config.database).root


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")))


def test_every_line_proof_and_receipt_is_as_its_schema_says(guard: Guard) -> None:
    newest = checkpoints.newest(guard.store)
    assert newest is not None
    with guard.store.write(full=True) as tx:
        anchors.record(tx, Told("usb", "file", newest["note"]), newest["size"])
    lines = lines_of(guard, "jsonl")
    proofs = [prove(guard.store, guard.checkpoints, seq) for seq in range(1, audit.head(guard.store)[0] + 1)]
    kept = list(anchors.receipts(guard.store))

    assert {tuple(sorted(line)) for line in lines} == {("manifest",), ("body", "header", "row_hash"), ("checkpoint",)}
    for name, documents in (("audit-export", lines), ("audit-proof", proofs), ("audit-receipt", kept)):
        assert documents
        assert [error.message for document in documents for error in schema(name).iter_errors(document)] == []
        assert not schema(name).is_valid({**documents[0], "format": "other", "manifest": 1})


def test_a_part_verifies_against_the_checkpoints_of_the_whole(guard: Guard, tmp_path: Path) -> None:
    path = tmp_path / "part.jsonl"
    path.write_bytes(exported(guard, "jsonl", after=7))

    report = verify_file(path)

    assert report.problems == []
    assert report.is_part
    assert report.checkpoints >= 1


@pytest.mark.guarantee("audit:tampering-shows")
@pytest.mark.parametrize("each", [5, pytest.param(1, marks=pytest.mark.soak)])
def test_no_single_flipped_bit_of_an_export_goes_unseen(home: Path, tmp_path: Path, each: int) -> None:
    with opened(home) as guard:
        guard.record("message.refused", {"why": "no JSON", "factor": 1.5e-7})
        guard.checkpoints.write_if_due(now=True)
        whole = exported(guard, "jsonl")
    path = tmp_path / "audit.jsonl"
    path.write_bytes(whole)
    assert verify_file(path).ok

    missed = []
    for number in range(0, 8 * len(whole), each):  # 5 and 8 share no factor: every bit of a byte has its turn
        at, bit = divmod(number, 8)
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :])
        if not _is_refused(path):
            missed.append((at, bit))

    assert missed == []


def _is_refused(path: Path) -> bool:
    from toolguard.errors import StoreError

    try:
        return not verify_file(path).ok
    except StoreError:
        return True  # not even recognisable as an export


def drop(number: int) -> Callable[[list[bytes]], None]:
    return lambda rows: rows.pop(number) and None  # type: ignore[return-value]  # called for its effect


FORGERIES: dict[str, Callable[[list[bytes]], None]] = {
    "an event less": drop(5),
    "the last event less": drop(-2),
    "a checkpoint less": drop(-1),
    "an event twice": lambda rows: rows.insert(5, rows[5]),
    "two swapped": lambda rows: rows.insert(5, rows.pop(6)),
    "contents gone": lambda rows: rows.__setitem__(
        4, re.sub(rb'^\{"body":\{.*?\},"header"', b'{"body":null,"header"', rows[4])
    ),
    "spaces": lambda rows: rows.__setitem__(4, rows[4].replace(b'":', b'": ')),
    "a member more": lambda rows: rows.__setitem__(4, rows[4].replace(b'"header":{', b'"header":{"aaa":1,')),
    "no last line break": lambda rows: rows.__setitem__(-1, rows[-1].rstrip(b"\n")),
    "an empty line": lambda rows: rows.insert(3, b"\n"),
    "no manifest": drop(0),
    "another key in the manifest": lambda rows: rows.__setitem__(
        0, re.sub(rb'"keys":\["[0-9a-f]{4}', b'"keys":["0000', rows[0])
    ),
}  # fmt: skip


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_export_is_refused(file: Path, forge: Callable[[list[bytes]], None]) -> None:
    rows = file.read_bytes().splitlines(keepends=True)
    forge(rows)
    file.write_bytes(b"".join(rows))

    assert _is_refused(file)


# -- the proof of one event -------------------------------------------------------------------------------------------


def checker() -> str:
    """The program in docs/audit.md."""
    blocks = re.findall(r"^```python3\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (program,) = [block for block in blocks if "toolguard/event/v1" in block]
    return str(program)


def checks(proof: dict[str, Any], tmp_path: Path) -> str:
    """What the documented program says, run by a bare interpreter that cannot import toolguard."""
    (tmp_path / "proof.json").write_text(json.dumps(proof), encoding="utf-8")
    program = "import sys; sys.modules['toolguard'] = None\n" + checker()
    ran = subprocess.run(
        [sys.executable, "-I", "-c", program, "proof.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return ran.stdout.strip() if ran.returncode == 0 else ""


def test_the_documented_program_is_about_thirty_lines_and_accepts_true_proofs(guard: Guard, tmp_path: Path) -> None:
    assert len([line for line in checker().splitlines() if line.strip()]) <= 34
    for seq in (1, 4, audit.head(guard.store)[0]):
        assert f"event {seq} " in checks(prove(guard.store, guard.checkpoints, seq), tmp_path)


def forged_proofs(proof: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    def other(**members: Any) -> dict[str, Any]:
        return {**proof, **members}

    path, header, note = proof["path"], proof["header"], proof["checkpoint"]
    yield "a step less", other(path=path[1:])
    yield "a step more", other(path=[*path, path[0]])
    yield "steps swapped", other(path=path[::-1])
    yield "no steps", other(path=[])
    yield "another person", other(header={**header, "person": "mallory"})
    yield "another place", other(header={**header, "seq": header["seq"] + 1})
    yield "other contents", other(body=proof["body"].replace("allow", "alloW", 1) + " ")
    yield "another size", other(checkpoint=re.sub(r"\n(\d+)\n", lambda m: f"\n{int(m[1]) + 1}\n", note, count=1))
    yield "another key", other(public_key="00" * 32)
    for at in range(len(path)):
        flipped = f"{int(path[at][0], 16) ^ 1:x}" + path[at][1:]
        yield f"step {at} flipped", other(path=[*path[:at], flipped, *path[at + 1 :]])


def test_the_documented_program_refuses_forged_proofs(guard: Guard, tmp_path: Path) -> None:
    accepted = [
        name for name, forged in forged_proofs(prove(guard.store, guard.checkpoints, 4)) if checks(forged, tmp_path)
    ]

    assert accepted == []


def test_proofs_of_one_log_prove_nothing_about_another(guard: Guard, tmp_path: Path) -> None:
    with opened(tmp_path / "other") as other:
        play(other)
        foreign = prove(other.store, other.checkpoints, 4)
    own = prove(guard.store, guard.checkpoints, 4)

    assert not checks({**own, "path": foreign["path"]}, tmp_path)
    assert not checks({**own, "checkpoint": foreign["checkpoint"]}, tmp_path)
    assert not tree.includes(b"\0" * 32, 5, 3, b"", [])


# -- other formats ----------------------------------------------------------------------------------------------------


def test_every_ocsf_record_satisfies_the_published_schema(guard: Guard) -> None:
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
    validator = Draft202012Validator(schema.get_class_schema("api_activity", profiles=["security_control"]))

    records = lines_of(guard, "ocsf")

    assert [record["metadata"]["sequence"] for record in records] == list(range(1, audit.head(guard.store)[0] + 1))
    for record in records:
        assert list(validator.iter_errors(record)) == []
        assert record["unmapped"]["row_hash"]


def test_every_span_is_one_that_collectors_take(guard: Guard) -> None:
    spans = []
    for line in lines_of(guard, "otlp", arguments=True):
        (resource,) = line["resourceSpans"]
        (span,) = resource["scopeSpans"][0]["spans"]
        spans.append(span)
        for name in ("traceId", "spanId"):  # OTLP writes ids in hex where protobuf's JSON has base 64
            span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
        message = ParseDict(line, ExportTraceServiceRequest())
        made = message.resource_spans[0].scope_spans[0].spans[0]
        assert (len(made.trace_id), len(made.span_id)) == (16, 8)
        assert made.name.startswith("execute_tool ")
        assert made.start_time_unix_nano <= made.end_time_unix_nano
        names = {attribute.key: attribute.value for attribute in made.attributes}
        assert names["gen_ai.operation.name"].string_value == "execute_tool"
        assert {
            "gen_ai.tool.name",
            "gen_ai.tool.call.id",
            "toolguard.log.seq",
            "toolguard.log.row_hash",
        } <= names.keys()

    decided = [event for event in audit.read(guard.store) if event["kind"] == "call.decided"]
    assert len(spans) == len(decided)
    assert len({span["traceId"] for span in spans}) == 1


def test_spans_hold_no_arguments_unless_asked_for(guard: Guard) -> None:
    assert "notes.txt" not in exported(guard, "otlp").decode()
    assert "notes.txt" in exported(guard, "otlp", arguments=True).decode()


def cef_fields(line: str) -> tuple[list[str], dict[str, str]]:
    """A reader of CEF by its rules: seven bars that are not escaped, then pairs."""
    parts = re.split(r"(?<!\\)(?:\\\\)*\|", line, maxsplit=7)
    pairs = re.findall(r"(\w+)=((?:\\.|[^\\=])*?)(?= \w+=|$)", parts[7])
    return parts[:7], {
        key: re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), value) for key, value in pairs
    }


def test_a_cef_event_is_one_line_that_reads_back(guard: Guard) -> None:
    text = exported(guard, "cef").decode()

    rows = text.split("\n")[:-1]
    assert len(rows) == len(text.splitlines()) == audit.head(guard.store)[0]
    for number, row in enumerate(rows, 1):
        head, fields = cef_fields(row)
        assert head[0] == "CEF:0"
        assert (fields["externalId"], len(fields["cs5"])) == (str(number), 64)
        assert all(char.isprintable() for char in row)
    assert any("bar| equals= back\\slash" in cef_fields(row)[1].get("msg", "") for row in rows)


# Of the dictionary of CEF (ArcSight, revision 25): the keys that a producer may write without a vendor's own.
DICTIONARY = {
    "act", "cn1", "cn1Label", "dhost", "duser", "end", "externalId", "msg", "outcome", "requestMethod", "sproc",
    "suser",
    *(f"cs{n}{label}" for n in range(1, 7) for label in ("", "Label")),
}  # fmt: skip


def test_a_cef_event_uses_only_keys_of_the_dictionary_within_their_lengths(guard: Guard) -> None:
    for row in exported(guard, "cef").decode().split("\n")[:-1]:
        head, fields = cef_fields(row)
        assert fields.keys() <= DICTIONARY
        assert {f"cs{n}" for n in range(1, 7)} & fields.keys() <= {key.removesuffix("Label") for key in fields}
        assert head[6].isdigit()
        assert 0 <= int(head[6]) <= 10
        assert len(fields.get("msg", "")) <= 1_023


def test_the_header_of_csv_is_the_documented_one(guard: Guard) -> None:
    header = exported(guard, "csv").decode().splitlines()[0]

    assert f"`{header}`" in PAGE.read_text(encoding="utf-8")


def test_a_csv_row_reads_back_and_starts_no_formula(guard: Guard) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(guard, "csv").decode(), newline="")))

    assert [int(row["seq"]) for row in rows] == list(range(1, audit.head(guard.store)[0] + 1))
    for row in rows:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())
    reason = next(parse(row["body"])["reason"] for row in rows if row["kind"] == "vote.cast")
    assert reason == HOSTILE


def test_a_formula_is_made_a_text(home: Path) -> None:
    from toolguard.core.exports import csv as rows

    assert rows.row({"seq": 1, "tool": "=1+1", "agent": "-a", "body": None}).startswith("1,,,'-a,,,,'=1+1,")


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_goes_on_after_a_number_without_loss(guard: Guard, form: str) -> None:
    whole, head = exported(guard, form), audit.head(guard.store)[0]

    if form in ("ocsf", "cef"):
        first = whole.splitlines(keepends=True)[: head // 2]
        assert b"".join(first) + exported(guard, form, after=head // 2) == whole
    else:
        assert len(exported(guard, form, after=head // 2)) < len(whole)
