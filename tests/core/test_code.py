"""Python programs are followed to what they do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolguard.core.acts import FileOp, Place
from toolguard.core.shell.collect import Collector


def read(text: str) -> Collector:
    collector = Collector()
    collector.text("python", text, Place("/code"))
    return collector


@pytest.mark.parametrize(
    "text",
    [
        "import os\nos.remove('/etc/x')",
        "from os import remove\nremove('/etc/x')",
        "from os import unlink as u\nu('/etc/x')",
        "import os as o\no.unlink('/etc/x')",
        "p = '/etc/x'\nimport os\nos.remove(p)",
        "d = '/etc'\nimport os\nos.remove(d + '/x')",
        "import os\nos.remove(f'/etc/{\"x\"}')",
        "import os\nos.remove(os.path.join('/etc', 'x'))",
        "import os\nos.remove('/{}/x'.format('etc'))",
        "import os\nos.remove('x/cte/'[::-1])",
        "from pathlib import Path\nPath('/etc/x').unlink()",
        "from pathlib import Path\n(Path('/etc') / 'x').unlink()",
        "import pathlib\np = pathlib.Path('/etc/x')\np.unlink()",
        "__import__('os').remove('/etc/x')",
        "import importlib\nimportlib.import_module('os').remove('/etc/x')",
        "import os\ngetattr(os, 'rem' + 'ove')('/etc/x')",
        "import os\nf = os.remove\nf('/etc/x')",
        "import os\ndef wipe(name):\n    os.remove(name)\nwipe('/etc/x')",
        "import os\nos.system('rm /etc/x')",
        "import subprocess\nsubprocess.run(['rm', '/etc/x'])",
        "import subprocess as s\ns.Popen('rm /etc/x', shell=True)",
        "import os\nos.execvp('rm', ['rm', '/etc/x'])",
        "exec(\"import os; os.remove('/etc/x')\")",
        "import base64\nexec(base64.b64decode('aW1wb3J0IG9zO29zLnJlbW92ZSgnL2V0Yy94Jyk='))",
        "!rm /etc/x",
        "import os\nfor name in ['/etc/x']:\n    os.remove(name)",
    ],
)
def test_a_deletion_is_seen_however_it_is_written(text: str) -> None:
    deleted = [use.path for use in read(text).files if use.op is FileOp.DELETE]

    assert "/etc/x" in deleted


@pytest.mark.parametrize(
    ("text", "op", "path"),
    [
        ("open('a')", FileOp.READ, "a"),
        ("open('a', 'w')", FileOp.WRITE, "a"),
        ("with open('a', mode='ab') as f: f.write(b'')", FileOp.WRITE, "a"),
        ("from pathlib import Path\nPath('a').write_text('x')", FileOp.WRITE, "a"),
        ("import shutil\nshutil.copy('b', 'a')", FileOp.WRITE, "a"),
        ("import shutil\nshutil.move('a', 'b')", FileOp.DELETE, "a"),
        ("import shutil\nshutil.rmtree('a')", FileOp.DELETE, "a"),
        ("import os\nos.chmod('a', 0o777)", FileOp.MODE, "a"),
        ("import os\nos.path.expanduser('~')\nopen(os.path.expanduser('~/a'))", FileOp.READ, "~/a"),
    ],
)
def test_what_happens_to_a_file_is_seen(text: str, op: FileOp, path: str) -> None:
    assert (op, path) in [(use.op, use.path) for use in read(text).files]


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("import requests\nrequests.get('https://x.example/')", "GET"),
        ("import requests\nrequests.post('https://x.example/', json={})", "POST"),
        ("import httpx\nhttpx.delete('https://x.example/')", "DELETE"),
        ("from urllib.request import urlopen\nurlopen('https://x.example/', data=b'')", "POST"),
        ("u = 'https://x.example/'\nimport urllib.request\nurllib.request.urlopen(u)", "GET"),
    ],
)
def test_a_contact_is_seen(text: str, method: str) -> None:
    assert ("https://x.example/", method) in [(one.address, one.method) for one in read(text).contacts]


def test_a_program_that_reads_and_posts_sends_what_it_read() -> None:
    contacts = read("import requests\nrequests.post('https://x.example/', data=open('a').read())").contacts

    assert any(contact.sends == ("a",) for contact in contacts)


@pytest.mark.parametrize(
    "text", ["print(1)", "x = [i for i in range(3)]", "import json\njson.loads('{}')", "model.eval()"]
)
def test_a_program_that_only_computes_does_nothing(text: str) -> None:
    collector = read(text)

    assert not collector.acts
    assert not collector.files
    assert not collector.contacts


def test_a_program_that_does_not_parse_is_said_to_be_unread() -> None:
    assert [reason for reason, _, _ in read("def f(:").unread] == ["not-parsed"]


def test_a_program_beyond_the_budget_is_said_to_be_too_large() -> None:
    assert [reason for reason, _, _ in read("x = 1\n" * 60_000).unread] == ["too-large"]


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="os.remv('/x)\n=[]:+%{}fbdi \\\"!import", max_size=60))
def test_reading_never_raises(text: str) -> None:
    read(text)
