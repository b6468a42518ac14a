"""A time-stamping authority on loopback: `openssl ts` behind a small HTTP server, with a root and a certificate between
it and the one that signs, as public ones have."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_SETTINGS = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
[stamping]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
[signing]
extendedKeyUsage = critical,codeSigning
[between]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
"""


@dataclass(frozen=True, slots=True)
class Authority:
    """Where it listens, and what its users know of it."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/tsa"

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def root(self) -> Path:
        return self.folder / "root.pem"


def openssl(folder: Path, *words: str) -> None:
    program = shutil.which("openssl")
    assert program, "these tests need openssl"
    ran = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr


def certify(folder: Path, name: str, issuer: str, section: str) -> None:
    """A key and a certificate `name.pem`, signed by `issuer`."""
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-subj", f"/O=tests/CN={name}")
    openssl(folder, "req", *key, "-out", f"{name}.csr")
    signing = ("-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial", "-days", "2")
    extensions = ("-extfile", "settings.cnf", "-extensions", section)
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signing, "-out", f"{name}.pem", *extensions)


def found(folder: Path) -> None:
    """Keys and certificates of an authority that signs for time stamps, and of one that must not."""
    folder.mkdir()
    (folder / "settings.cnf").write_text(_SETTINGS.format(folder=folder), encoding="utf-8")
    (folder / "serial").write_text("01\n", encoding="utf-8")
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-subj", "/O=tests/CN=root")
    openssl(folder, "req", "-x509", *key, "-out", "root.pem", "-days", "2")
    certify(folder, "between", "root", "between")
    certify(folder, "stamper", "between", "stamping")
    certify(folder, "signer", "between", "signing")


def reply(folder: Path, query: bytes, *more: str) -> bytes:
    """The answer of the authority to one request."""
    (folder / "query.tsq").write_bytes(query)
    signer = ("-signer", "stamper.pem", "-inkey", "stamper.key", "-chain", "between.pem")
    openssl(
        folder, "ts", "-reply", "-config", "settings.cnf", "-queryfile", "query.tsq", "-out", "a.tsr", *signer, *more
    )
    return (folder / "a.tsr").read_bytes()


@contextmanager
def serving(folder: Path) -> Iterator[Authority]:
    """The authority listens until the end of the block."""

    class Stamping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["content-length"]))
            assert self.headers["content-type"] == "application/timestamp-query"
            answer = reply(folder, query)
            self.send_response(200)
            self.send_header("content-type", "application/timestamp-reply")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stamping)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Authority(server.server_address[1], folder)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
