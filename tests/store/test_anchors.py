"""Witnesses outside: a file, a webhook, a time-stamping authority; what they were told, and what it proves later."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.channels.conftest import Receiver, receiver
from tests.cli.conftest import Run, run
from tests.store import authority
from tests.store.authority import Authority
from tests.store.scenes import opened, play
from tests.store.test_export import schema
from tests.store.test_verify import rehash
from toolguard.channels.anchoring import Anchoring
from toolguard.config import Config
from toolguard.config_audit import AnchorSettings, AuditSettings
from toolguard.core.canonical import text
from toolguard.core.proof import signed_note
from toolguard.core.proof.cosignature import WitnessKey, witness_key
from toolguard.core.proof.webhook_signature import Key, Verified, verify
from toolguard.guard import Guard
from toolguard.guard.times import utc_now
from toolguard.store import anchors, audit, timestamps
from toolguard.store import checkpoints as notes
from toolguard.store.anchors import Told
from toolguard.store.checkpoints import Checkpoints
from toolguard.store.database import Database
from toolguard.store.proving import verify_file
from toolguard.store.report import Report
from toolguard.store.signing import is_signed
from toolguard.store.timestamps import NoStamp
from toolguard.store.verify_anchors import Anchor, Trust

__all__ = ["receiver", "run"]
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    folder = tmp_path_factory.mktemp("authority") / "tsa"
    authority.found(folder)
    with authority.serving(folder) as listening:
        yield listening


@pytest.fixture
def guard(home: Path) -> Iterator[Guard]:
    with opened(home) as made:
        play(made)
        made.checkpoints.write_if_due(now=True)
        yield made


def tell(guard: Guard, settings: AnchorSettings) -> Told:
    newest = notes.newest(guard.store)
    assert newest is not None
    return asyncio.run(Anchoring(guard, [settings], utc_now).tell(settings, newest))


def stamped_by(tsa: Authority) -> AnchorSettings:
    return AnchorSettings("time", "rfc3161", tsa.url, allow=(tsa.place,))


def sent_to(receiver: Receiver) -> AnchorSettings:
    return AnchorSettings("auditor", "webhook", receiver.url, secret=SECRET, allow=(receiver.place,))


def checked(guard: Guard, *outside: Anchor, trust: Trust = Trust()) -> Report:
    guard.store.flush()
    return verify_file(guard.config.database, outside, trust)


def believing(tsa: Authority) -> Trust:
    return Trust(tsa.root.read_bytes())


# -- a file -----------------------------------------------------------------------------------------------------------


def test_a_file_elsewhere_grows_by_a_checkpoint_each_time_and_confirms_the_log(guard: Guard, tmp_path: Path) -> None:
    settings = AnchorSettings("usb", "file", path=str(tmp_path / "anchors.txt"))

    assert tell(guard, settings).error == ""
    guard.checkpoints.write_if_due(now=True)
    assert tell(guard, settings).error == ""

    kept = (tmp_path / "anchors.txt").read_text(encoding="utf-8")
    assert len(signed_note.find_all(kept)) == 2
    report = checked(guard, kept)
    assert (report.problems, report.anchored, report.receipts) == ([], True, 2)
    assert not checked(guard).anchored


def test_a_medium_that_is_gone_is_in_the_log_once_and_harms_nothing(guard: Guard, tmp_path: Path) -> None:
    settings = AnchorSettings("usb", "file", path=str(tmp_path / "gone" / "anchors.txt"))

    assert "cannot be written" in tell(guard, settings).error
    tell(guard, settings)

    assert [e["kind"] for e in audit.read(guard.store) if e["kind"].startswith("anchor")] == ["anchor.failed"]
    (tmp_path / "gone").mkdir()
    assert tell(guard, settings).error == ""
    assert checked(guard).problems == []


# -- when -------------------------------------------------------------------------------------------------------------


def test_a_witness_is_told_when_that_is_due_and_something_is_new(home: Path, tmp_path: Path) -> None:
    moment = datetime(2026, 11, 22, 12, tzinfo=UTC)
    settings = AnchorSettings("usb", "file", path=str(tmp_path / "anchors.txt"))
    with Guard(Config(home=home, audit=AuditSettings((settings,), anchor_every=60)), clock=lambda: moment) as guard:
        anchoring = Anchoring(guard, [settings], lambda: moment)

        def step() -> bool:
            guard.checkpoints.write_if_due(now=True)
            return asyncio.run(anchoring.step(settings)) is not None

        assert step()
        assert not step()
        moment += timedelta(seconds=61)
        assert step()
        (tmp_path / "anchors.txt").unlink()
        (tmp_path / "anchors.txt").mkdir()
        moment += timedelta(seconds=61)
        assert step()
        assert not step(), "after a failure some time passes"
        moment += timedelta(seconds=61)
        assert step()


# -- a time-stamping authority ----------------------------------------------------------------------------------------


def test_a_time_stamp_in_the_log_confirms_it_to_whoever_believes_the_authority(guard: Guard, tsa: Authority) -> None:
    assert tell(guard, stamped_by(tsa)).error == ""

    unbelieved = checked(guard)
    believed = checked(guard, trust=believing(tsa))

    assert (unbelieved.problems, unbelieved.anchored, unbelieved.receipts) == ([], False, 1)
    assert (believed.problems, believed.anchored) == ([], True)
    (witness,) = believed.witnesses
    assert "CN=stamper" in witness["by"]
    assert abs((datetime.fromisoformat(witness["at"]) - utc_now()).total_seconds()) < 600


@pytest.mark.guarantee("audit:witnesses-outside")
def test_receipts_kept_elsewhere_confirm_the_log_and_know_when_it_was_cut(guard: Guard, tsa: Authority) -> None:
    tell(guard, stamped_by(tsa))
    receipts = "".join(text(receipt) + "\n" for receipt in anchors.receipts(guard.store))
    response = base64.b64decode(json.loads(receipts)["answer"])

    for outside in (receipts, response, json.dumps([json.loads(receipts)])):
        report = checked(guard, outside, trust=believing(tsa))
        assert report.problems == []
        assert any("CN=stamper" in witness["by"] for witness in report.witnesses)
    guard.close()
    size = json.loads(receipts)["size"]
    cut(guard.config.database, size - 1)

    report = verify_file(guard.config.database, [receipts], believing(tsa))

    assert any("its tail was cut" in problem.what for problem in report.problems)


def cut(path: Path, size: int) -> None:
    """As its owner could: the newest events and everything beside the log that knew of them are gone."""
    connection = sqlite3.connect(path)
    connection.executescript(
        f"DROP TRIGGER audit_event_stays; DELETE FROM audit_event WHERE seq > {size};"
        f"DELETE FROM audit_body WHERE seq > {size}; DELETE FROM audit_checkpoint WHERE size > {size};"
    )
    connection.close()
    path.with_name("audit-checkpoint.txt").unlink()


def test_a_file_of_notes_that_openssl_had_stamped_is_an_anchor_too(
    guard: Guard, tsa: Authority, tmp_path: Path
) -> None:
    newest = notes.newest(guard.store)
    assert newest is not None
    file = tmp_path / "anchors.txt"
    file.write_text(newest["note"] + "\n", encoding="utf-8")
    authority.openssl(tmp_path, "ts", "-query", "-data", "anchors.txt", "-sha256", "-cert", "-out", "anchors.tsq")
    stamp = authority.reply(tsa.folder, (tmp_path / "anchors.tsq").read_bytes())

    report = checked(guard, file.read_text(encoding="utf-8"), stamp, trust=believing(tsa))

    assert report.problems == []
    assert [w["by"] for w in report.witnesses if "stamper" in w["by"]] == ["time stamp of CN=stamper,O=tests"]
    assert not checked(guard, stamp, trust=believing(tsa)).ok, "the text that it speaks about is not there"


@pytest.mark.guarantee("audit:witnesses-outside")
def test_a_whole_rewrite_contradicts_its_time_stamps(guard: Guard, tsa: Authority) -> None:
    """Who holds the log's key can write a log of March in June, but has no stamp of March for it."""
    tell(guard, stamped_by(tsa))
    guard.close()
    path = guard.config.database
    rewrite(path, shift=timedelta(days=-90))

    report = verify_file(path, (), believing(tsa))

    assert any("its time stamp was made at" in p.what or "never had" in p.what for p in report.problems)


def rewrite(path: Path, shift: timedelta) -> None:
    """Every event in another time, hashed anew, signed anew, the stamps got anew from the authority."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    for name in ("audit_event_keeps", "audit_event_stays", "audit_event_once"):
        connection.execute(f"DROP TRIGGER {name}")
    rows = [
        dict(row) for row in connection.execute("SELECT e.*, b.body FROM audit_event e JOIN audit_body b USING (seq)")
    ]
    for row in rows:
        row["ts"] = (
            (datetime.fromisoformat(row["ts"]) + shift).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )
    rehash(rows)
    for row in rows:
        connection.execute(
            "UPDATE audit_event SET ts = ?, prev_hash = ?, row_hash = ? WHERE seq = ?",
            (row["ts"], row["prev_hash"], row["row_hash"], row["seq"]),
        )
    connection.execute("DELETE FROM audit_checkpoint")
    connection.commit()
    connection.close()
    path.with_name("audit-checkpoint.txt").unlink()
    database = Database(path, clock=lambda: rows[-1]["ts"])
    with database.write(full=True) as tx:
        Checkpoints(database).write(tx)
    database.close()


NOTE = b"a checkpoint"


def stamp_of(tsa: Authority, content: bytes = NOTE, *more: str) -> bytes:
    return authority.reply(tsa.folder, timestamps.query(content)[0], *more)


def test_a_stamp_verifies_with_its_chain_and_as_a_bare_token(tsa: Authority) -> None:
    roots, digest = tsa.root.read_bytes(), hashlib.sha256(NOTE).digest()

    for content in (stamp_of(tsa), stamp_of(tsa, NOTE, "-token_out")):
        assert timestamps.verified(content, digest, roots).authority == "CN=stamper,O=tests"
    two = roots + (tsa.folder / "between.pem").read_bytes()
    assert timestamps.verified(stamp_of(tsa), digest, two).digest == digest


def test_a_stamp_of_somebody_else_or_for_something_else_is_refused(tsa: Authority, tmp_path: Path) -> None:
    authority.found(tmp_path / "other")
    stamp, digest = stamp_of(tsa), hashlib.sha256(NOTE).digest()
    no_stamper = ("-signer", "signer.pem", "-inkey", "signer.key")
    cases = {
        "another root": (stamp, digest, (tmp_path / "other" / "root.pem").read_bytes()),
        "another content": (stamp, hashlib.sha256(b"other").digest(), tsa.root.read_bytes()),
        "nothing": (b"", digest, tsa.root.read_bytes()),
        "no stamp": (b"0" * 40, digest, tsa.root.read_bytes()),
        "half a stamp": (stamp[: len(stamp) // 2], digest, tsa.root.read_bytes()),
        "a refusal": (bytes.fromhex("30053003020102"), digest, tsa.root.read_bytes()),
    }
    with pytest.raises(AssertionError, match="purpose"):  # openssl itself refuses to stamp with such a certificate
        stamp_of(tsa, NOTE, *no_stamper)

    accepted = []
    for name, (content, wanted, roots) in cases.items():
        try:
            timestamps.verified(content, wanted, roots)
        except NoStamp:
            continue
        accepted.append(name)

    assert accepted == []


def test_no_flipped_bit_of_what_is_signed_in_a_stamp_goes_unseen(tsa: Authority) -> None:
    stamp, digest = stamp_of(tsa), hashlib.sha256(NOTE).digest()
    roots, true = tsa.root.read_bytes(), timestamps.verified(stamp, digest, tsa.root.read_bytes())
    lied = []
    for at in range(0, len(stamp), 7):  # 7 and 8 share no factor: every bit of a byte has its turn
        flipped = stamp[:at] + bytes([stamp[at] ^ (1 << at % 8)]) + stamp[at + 1 :]
        try:
            found = timestamps.verified(flipped, digest, roots)
        except NoStamp:
            continue
        if (found.at, found.digest) != (
            true.at,
            true.digest,
        ):  # bits that nobody signs may change, what it says may not
            lied.append(at)

    assert lied == []


def test_an_answer_to_another_request_or_of_another_time_is_not_recorded(tsa: Authority) -> None:
    query, nonce = timestamps.query(NOTE)
    answer = authority.reply(tsa.folder, query)

    assert timestamps.answered(answer, NOTE, nonce, utc_now()).digest == hashlib.sha256(NOTE).digest()
    for content, number, now in (
        (NOTE, (nonce or 0) + 1, utc_now()),
        (b"other", nonce, utc_now()),
        (NOTE, nonce, utc_now() + timedelta(hours=1)),
    ):
        with pytest.raises(NoStamp):
            timestamps.answered(answer, content, number, now)


def test_an_authority_that_is_away_is_a_failure_in_the_log(guard: Guard) -> None:
    told = tell(guard, AnchorSettings("time", "rfc3161", "http://127.0.0.1:9/", allow=("127.0.0.1:9",)))

    assert told.error
    assert [e["kind"] for e in audit.read(guard.store) if e["kind"].startswith("anchor")] == ["anchor.failed"]
    assert checked(guard).problems == []


# -- a webhook --------------------------------------------------------------------------------------------------------


def test_a_webhook_gets_the_signed_checkpoint_and_what_it_kept_confirms_the_log(
    guard: Guard, receiver: Receiver
) -> None:
    receiver.answers.append((200, {}, b'{"receipt": "r-17"}'))

    assert tell(guard, sent_to(receiver)).error == ""

    got = receiver.next()
    headers = [(name.encode(), value.encode()) for name, value in got.headers]
    assert isinstance(verify(headers, got.body, [Key("k", SECRET)], utc_now().timestamp(), is_signed), Verified)
    assert got.json["type"] == "audit.checkpoint"
    assert list(schema("audit-checkpoint").iter_errors(got.json)) == []
    event = next(e for e in audit.read(guard.store) if e["kind"] == "anchor.made")
    assert event["body"]["answer"] == '{"receipt": "r-17"}'
    kept = got.body.decode()
    assert checked(guard, kept).anchored_size == got.json["data"]["size"]
    assert not checked(guard, kept.replace('"root":"', '"root":"0')).problems, "the note itself counts"
    forged = kept.replace(got.json["data"]["note"].split("\n")[2], base64.b64encode(b"\0" * 32).decode())
    assert not checked(guard, forged).ok


def witness(name: str = "witness.example/w1") -> tuple[Ed25519PrivateKey, str, WitnessKey]:
    private = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
    key = WitnessKey(name, 4, private.public_key().public_bytes_raw())
    published = f"{name}+{key.hash.hex()}+{base64.b64encode(bytes([4]) + key.public).decode()}"
    return private, published, witness_key(published)


def cosigned(note: str, seconds: int) -> str:
    """The line of a witness that saw this note."""
    private, _, key = witness()
    body = note.partition("\n\n")[0] + "\n"
    signature = private.sign(f"cosignature/v1\ntime {seconds}\n{body}".encode())
    return f"\u2014 {key.name} " + base64.b64encode(key.hash + seconds.to_bytes(8) + signature).decode() + "\n"


def test_the_cosignature_that_a_witness_answers_verifies_from_the_log_alone(guard: Guard, receiver: Receiver) -> None:
    newest = notes.newest(guard.store)
    assert newest is not None
    receiver.answers.append((200, {}, cosigned(newest["note"], 1_795_000_000).encode()))
    tell(guard, sent_to(receiver))
    _, _, key = witness()

    believed = checked(guard, trust=Trust(witnesses=(key,)))

    assert believed.problems == []
    assert believed.witnesses == [
        {"size": newest["size"], "by": "witness witness.example/w1", "at": "2026-11-18T11:06:40Z"}
    ]
    assert not checked(guard).anchored
    other = WitnessKey(key.name, 4, Ed25519PrivateKey.from_private_bytes(b"x" * 32).public_key().public_bytes_raw())
    assert not checked(guard, trust=Trust(witnesses=(other,))).anchored
    for forged in (
        cosigned(newest["note"].replace(str(newest["size"]), "1", 1), 1_795_000_000),
        cosigned(newest["note"], 1)[:-20] + "\n",
    ):
        report = checked(guard, newest["note"] + forged, trust=Trust(witnesses=(key,)))
        assert [w["at"] for w in report.witnesses if key.name in w["by"]] == ["2026-11-18T11:06:40Z"]


@pytest.mark.parametrize(
    "text", ["", "w", "w+00000000+AAAA", witness()[1][:-2], witness()[1].replace("+", "-", 1), witness("other")[1][5:]]
)
def test_what_is_no_key_of_a_witness_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        witness_key(text)


def test_a_receipt_for_a_checkpoint_that_never_was_is_evidence(guard: Guard) -> None:
    newest = notes.newest(guard.store)
    assert newest is not None
    read = signed_note.read(newest["note"])
    assert read is not None
    foreign = signed_note.written(*read).replace(f"\n{newest['size']}\n", f"\n{newest['size'] - 1}\n", 1)
    with guard.store.write(full=True) as tx:
        anchors.record(tx, Told("auditor", "webhook", foreign, "thanks"), newest["size"])

    report = checked(guard)

    assert [p.what for p in report.problems] == ["its receipt is for a checkpoint that this log never had"]


def test_the_command_line_takes_a_stamp_as_its_authority_sent_it(
    guard: Guard, tsa: Authority, tmp_path: Path, run: Run
) -> None:
    newest = notes.newest(guard.store)
    assert newest is not None
    (tmp_path / "a.tsr").write_bytes(stamp_of(tsa, newest["note"].encode()))
    guard.close()
    words = ("audit", "verify", str(guard.config.database), "--anchor", str(tmp_path / "a.tsr"), "--require-anchor")

    ran = run(*words, "--tsa-ca", str(tsa.root))

    assert ran.status == 0
    assert f"{newest['size']} events: time stamp of CN=stamper,O=tests, 20" in ran.out
    assert run(*words).status == 2
    other = tmp_path / "other"
    authority.found(other)
    refused = run(*words, "--tsa-ca", str(other / "root.pem"))
    assert (refused.status, "cannot be believed" in refused.out) == (1, True)
