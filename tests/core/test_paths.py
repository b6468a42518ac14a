"""A place is recognised in every spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolguard.core.paths import Kind, climbs, kinds, normal, resolved, within


@pytest.mark.parametrize(
    ("path", "spelling"),
    [
        ("/etc//passwd", "/etc/passwd"),
        ("/etc/./passwd", "/etc/passwd"),
        ("/usr/../etc/passwd", "/etc/passwd"),
        ("/../../etc", "/etc"),
        ("file:///etc/passwd", "/etc/passwd"),
        ("/home/ana/.ssh/id_rsa", "~/.ssh/id_rsa"),
        ("/Users/ana/.ssh", "~/.ssh"),
        ("/root/x", "~/x"),
        ("$HOME/x", "~/x"),
        ("${HOME}/x", "~/x"),
        ("~ana/x", "~/x"),
        ("C:\\Users\\ana\\x", "~/x"),
        ("%USERPROFILE%\\x", "~/x"),
        ("%SystemRoot%\\System32", "c:/windows/system32"),
        ("\\\\?\\C:\\Windows\\x", "c:/windows/x"),
        ("src/../a.py", "a.py"),
        ("./a", "a"),
        ("", "."),
        ("/", "/"),
    ],
)
def test_every_spelling_of_a_place_is_one(path: str, spelling: str) -> None:
    assert normal(path) == spelling


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", Kind.ROOT),
        ("/*", Kind.ROOT),
        ("~", Kind.ROOT),
        ("/home/ana", Kind.ROOT),
        ("C:\\", Kind.ROOT),
        ("/etc/shadow", Kind.CREDENTIALS),
        ("~/.ssh/id_ed25519", Kind.CREDENTIALS),
        ("/srv/x/.aws/credentials", Kind.CREDENTIALS),
        ("~/Library/Keychains/login.keychain-db", Kind.CREDENTIALS),
        ("~/.mozilla/firefox/a.default/logins.json", Kind.CREDENTIALS),
        ("~/.ssh/authorized_keys", Kind.ACCOUNTS),
        ("/etc/sudoers.d/x", Kind.ACCOUNTS),
        ("~/.bashrc", Kind.STARTUP),
        ("/etc/cron.d/x", Kind.STARTUP),
        ("project/.git/hooks/pre-commit", Kind.STARTUP),
        ("/var/log/syslog", Kind.LOGS),
        ("~/.zsh_history", Kind.HISTORY),
        ("/proc/1/environ", Kind.MEMORY),
        ("/dev/sda1", Kind.DISK),
        (".env", Kind.SECRETS),
        ("/tmp/x/y", Kind.TEMPORARY),
        ("node_modules/x", Kind.GENERATED),
        ("/dev/null", Kind.HARMLESS),
        ("/etc/hosts", Kind.NETWORK),
        ("/usr/bin/x", Kind.SYSTEM),
    ],
)
def test_a_place_is_of_its_kind(path: str, kind: Kind) -> None:
    assert kind in kinds(path)


@pytest.mark.parametrize(
    "path",
    [
        "src/app.py",
        "README.md",
        "/srv/project/x",
        "~/project/x",
        "data.csv",
        "/system/folder",
        "~/.ssh/id_rsa.pub",
        ".env.example",
    ],
)
def test_an_ordinary_place_is_of_no_kind(path: str) -> None:
    assert not kinds(path)


@pytest.mark.parametrize("path", ["/usr/../etc", "../../../etc", "a/../../../../b", "%2e%2e/x", "....//x", "~/../x"])
def test_a_path_that_climbs_out_is_seen(path: str) -> None:
    assert climbs(path) is (path != "a/../../../../b")


@pytest.mark.parametrize("path", ["../x", "a/../b", "/usr/lib/../lib64/x", "a..b", "...", "/srv/a/../b"])
def test_an_ordinary_relative_path_does_not_climb(path: str) -> None:
    assert not climbs(path)


def test_a_folder_holds_what_lies_below_it_and_not_its_neighbour() -> None:
    assert within("/srv/data/x", ("/srv/data",))
    assert within("/srv/data", ("/srv/data/",))
    assert not within("/srv/database", ("/srv/data",))
    assert not within("/srv/data/../x", ("/srv/data",))


def test_a_relative_path_is_joined_to_the_working_folder() -> None:
    assert resolved("x", "/srv") == "/srv/x"
    assert resolved("/x", "/srv") == "/x"


@given(st.text(max_size=80))
def test_a_normal_form_is_its_own_normal_form(path: str) -> None:
    assert kinds(path) == kinds(path)
    assert ".." not in normal("/" + path.replace("\\", "")).split("/")
