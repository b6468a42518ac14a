"""Files and folders, whoever names them: a shell command, a program or a file tool.

Sees deletion of trees and system files, writes to system places, reads of credentials, wide-open permissions, paths
that climb out of where they began, and changes outside the declared roots. Leaves alone reading and writing in the
project and in temporary folders, build results, and reading what every user of a machine may read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from toolguard.core.acts import FileOp, FileUse
from toolguard.core.model import Confidence, Finding, Severity
from toolguard.core.paths import Kind, climbs, is_absolute, kinds, normal, resolved, within
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.detectors.kinds import CRITICAL, HIGH, LIKELY, LOW, MEDIUM, SURE, FindingKind, hints_once

FINDINGS: Final = (
    FindingKind("paths.deletes-root", CRITICAL, SURE, "deletes a whole system, home or disk", ("CWE-73",)),
    FindingKind("paths.deletes-tree", MEDIUM, SURE, "deletes a folder and everything in it", ("CWE-73",)),
    FindingKind("paths.deletes-system", HIGH, SURE, "deletes a file that the system or its users need", ("CWE-73",)),
    FindingKind("paths.writes-system", MEDIUM, SURE, "changes a place of the operating system", ("CWE-73",)),
    FindingKind("paths.writes-disk", CRITICAL, SURE, "writes to a raw disk or to memory", ("CWE-73",)),
    FindingKind("paths.reads-credentials", HIGH, SURE, "reads keys, tokens or stored passwords", ("CWE-522",)),
    FindingKind("paths.seeks-credentials", MEDIUM, SURE, "searches for keys, tokens or stored passwords", ("CWE-522",)),
    FindingKind("paths.reads-private", MEDIUM, SURE, "reads what often holds secrets or private things", ("CWE-200",)),
    FindingKind("paths.reads-memory", HIGH, SURE, "reads the memory or environment of other programs", ("CWE-200",)),
    FindingKind("paths.collects", MEDIUM, SURE, "reads through a whole disk or all homes", ("CWE-200",)),
    FindingKind("paths.opens-permissions", MEDIUM, SURE, "lets everybody change files", ("CWE-732",)),
    FindingKind("paths.changes-owner", MEDIUM, SURE, "changes who owns files", ("CWE-732",)),
    FindingKind("paths.climbs", MEDIUM, SURE, "climbs out of the folder it begins in", ("CWE-22",)),
    FindingKind("paths.runs-temporary", MEDIUM, LIKELY, "runs a program that everybody can change", ("CWE-379",)),
    FindingKind("paths.outside-roots", LOW, SURE, "changes something outside the declared folders", ("CWE-73",)),
)  # fmt: skip
_BY_ID: Final = {kind.id: kind for kind in FINDINGS}

_UNKNOWN: Final = re.compile(
    r"^\$(?!HOME|HISTFILE|\{HOME|env:)|^\x00|^\$\("
)  # a path whose beginning only a run could tell
_EVERYTHING: Final = re.compile(
    r"^(?:\./)?(?:\*|\.\*|\.|\.\.|\.\[.*|\.git)/?$|^\.\./|/\.git$"
)  # the working folder itself, or the history of a project
_WORLD: Final = re.compile(
    r"0?o?[0-7]?[0-7][0-7][2367]$|[ugo]*[ao][ugo]*\+[rwxX]*w|\+[rwxX]*w[rwxX]*$|[ugo]*o[ugo]*=[rwx]*w|a=[rwx]*w"
)  # 777, a+w, o+w
_HARMLESS_MODE: Final = re.compile(
    r"[ugoa]*(?:\+[rxX]+|-[rwxXst]+)$|0?[4-7]00$"
)  # lets run or read, or takes rights away
_CARRIES: Final = frozenset(
    {
        "tar",
        "zip",
        "7z",
        "rsync",
        "scp",
        "cp",
        "grep",
        "egrep",
        "rg",
        "bsdtar",
        "shutil.copytree",
        "shutil.make_archive",
    }
)
_PROTECTED: Final = frozenset({Kind.SYSTEM, Kind.STARTUP, Kind.ACCOUNTS, Kind.CREDENTIALS, Kind.NETWORK})


LOOKS_AT: Final = ("files",)


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    return hints_once(_found(reading, facts))


def _found(reading: Reading, facts: Facts) -> Iterator[Finding]:
    for use in reading.files:
        found = kinds(use.path)
        if Kind.HARMLESS in found:
            continue
        yield from _BY_OP[use.op](use, found, facts)
        if climbs(use.path) and use.op is not FileOp.LIST:
            yield _at("paths.climbs", use, f"{use.path[:200]} climbs out of the folder it begins in")


def _at(
    finding: str, use: FileUse, message: str, severity: Severity | None = None, confidence: Confidence | None = None
) -> Finding:
    return _BY_ID[finding].at(
        message, use.place.pointer, use.place.start, use.place.end, severity=severity, confidence=confidence
    )


def _inside(use: FileUse, facts: Facts) -> bool:
    around = facts.surroundings
    return not use.remote and bool(around.roots) and within(resolved(use.path, around.cwd), around.roots)


def _delete(use: FileUse, found: frozenset[Kind], facts: Facts) -> Iterator[Finding]:
    path = use.path[:200]
    if use.recursive:
        yield from _delete_tree(use, found, facts)
    elif (found & _PROTECTED and not (use.filtered and not found & {Kind.SYSTEM, Kind.ACCOUNTS})) or (
        Kind.ROOT in found and not use.filtered
    ):
        yield _at("paths.deletes-system", use, f"deletes {path}, which the system or its users need")
    elif Kind.ROOT in found and use.program in ("find", "gfind") and normal(use.path) != "~":
        yield _at("paths.deletes-tree", use, f"deletes whatever fits anywhere below {path}")
    elif _UNKNOWN.match(use.path) and use.program == "xargs":
        yield _at("paths.deletes-tree", use, "deletes files that are chosen only when it runs", MEDIUM, LIKELY)
    yield from _outside(use, found, facts)


def _delete_tree(use: FileUse, found: frozenset[Kind], facts: Facts) -> Iterator[Finding]:
    path = use.path[:200]
    if Kind.ROOT in found:
        yield _at("paths.deletes-root", use, f"deletes {path} and everything in it")
    elif found & {Kind.SYSTEM, Kind.LOGS, Kind.ACCOUNTS, Kind.CREDENTIALS, Kind.STARTUP}:
        yield _at("paths.deletes-tree", use, f"deletes the system folder {path} and everything in it", HIGH, SURE)
    elif _UNKNOWN.match(use.path):
        yield _at(
            "paths.deletes-tree",
            use,
            f"deletes a folder that is chosen only when it runs (`{path[:60]}`) and everything in it".replace(
                "\x00", "…"
            ),
            # A shell variable may be empty, and then the rest of the path is what is deleted; Python's cannot.
            MEDIUM if use.path == "\x00" else HIGH,
            LIKELY,
        )
    elif _EVERYTHING.search(use.path):
        yield _at("paths.deletes-tree", use, f"deletes everything below {path}", HIGH, SURE)
    elif use.remote:
        yield _at("paths.deletes-tree", use, f"deletes {path} and everything in it on another machine", MEDIUM, SURE)
    elif Kind.TEMPORARY in found or Kind.GENERATED in found:
        yield _at("paths.deletes-tree", use, f"deletes {path} and everything in it", LOW, SURE)
    elif not is_absolute(use.path) or _inside(use, facts):
        yield _at("paths.deletes-tree", use, f"deletes {path} and everything in it", MEDIUM, LIKELY)
    else:
        yield _at("paths.deletes-tree", use, f"deletes {path} and everything in it, outside the declared folders")


def _write(use: FileUse, found: frozenset[Kind], facts: Facts) -> Iterator[Finding]:
    path = use.path[:200]
    if found & {Kind.DISK, Kind.MEMORY}:
        yield _at("paths.writes-disk", use, f"writes to {path}")
    elif found & {Kind.CREDENTIALS, Kind.NETWORK} or (Kind.SYSTEM in found and _BINARIES.match(normal(use.path))):
        yield _at("paths.writes-system", use, f"changes {path}", HIGH, LIKELY)
    elif normal(use.path) == "/" and (use.remote or use.program in ("tar", "bsdtar", "unzip", "cpio")):
        yield _at("paths.writes-system", use, "writes to the root folder, over whatever is there")
    elif Kind.SYSTEM in found and not found & {Kind.LOGS, Kind.STARTUP, Kind.ACCOUNTS}:
        yield _at("paths.writes-system", use, f"changes {path}, a place of the operating system")
    yield from _outside(use, found, facts)


_BINARIES: Final = re.compile(
    r"/(?:usr/)?s?bin/|/(?:usr/)?lib\d*/|/boot|/sys/|/proc/|c:/windows/system32"
)  # what other programs run or rely on


def _outside(use: FileUse, found: frozenset[Kind], facts: Facts) -> Iterator[Finding]:
    if (
        facts.surroundings.roots
        and not use.remote
        and is_absolute(use.path)
        and Kind.TEMPORARY not in found
        and not _inside(use, facts)
    ):
        yield _at("paths.outside-roots", use, f"changes {use.path[:200]}, outside the declared folders")


def _read(use: FileUse, found: frozenset[Kind], facts: Facts) -> Iterator[Finding]:
    path = use.path[:200]
    if Kind.CREDENTIALS in found:
        yield _at("paths.reads-credentials", use, f"reads {path}, which holds keys, tokens or passwords")
    elif Kind.MEMORY in found or (Kind.DISK in found and use.program == "dd"):
        yield _at("paths.reads-memory", use, f"reads {path}")
    elif Kind.ACCOUNTS in found:
        known = (
            normal(use.path) in ("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/shells", "/etc/login.defs")
            or "/ssh" in use.path
        )
        yield _at(
            "paths.reads-private",
            use,
            f"reads {path}, which says who may log in or do what",
            LOW if known else MEDIUM,
            LIKELY if known else SURE,
        )
    elif Kind.HISTORY in found:
        yield _at("paths.reads-private", use, f"reads the record of commands {path}")
    elif Kind.SECRETS in found:
        yield _at("paths.reads-private", use, f"reads {path}, which usually holds secrets", MEDIUM, LIKELY)
    elif use.program in _PROGRAMS_CODE and normal(use.path).startswith("~/.") and is_absolute(use.path):
        yield _at("paths.reads-private", use, f"reads {path}, somebody's own settings")
    if (
        use.recursive
        and Kind.ROOT in found
        and use.program in _CARRIES
        and normal(use.path).rstrip("/*") in ("", "~", "/home", "/users", "/root", "/etc", "/var", "/home/*", "c:")
    ):
        yield _at("paths.collects", use, f"reads through everything below {path}")


_PROGRAMS_CODE: Final = frozenset({"python", "code", "pathlib.Path.read_text"})


def _list(use: FileUse, found: frozenset[Kind], facts: Facts) -> Iterator[Finding]:
    if use.recursive and Kind.CREDENTIALS in found:
        yield _at("paths.seeks-credentials", use, f"searches for {use.path.rpartition('/')[2][:100]}")
    elif use.program in _LINKERS and found & {Kind.CREDENTIALS, Kind.MEMORY, Kind.DISK}:
        yield _at("paths.reads-credentials", use, f"makes a link to {use.path[:200]}, which is as good as a copy")
    elif use.recursive and _KEY_NAMES.search(normal(use.path)):
        yield _at(
            "paths.seeks-credentials", use, f"searches homes or the whole disk for {use.path.rpartition('/')[2][:100]}"
        )


_LINKERS: Final = frozenset({"ln", "os.symlink", "os.link", "pathlib.Path.symlink_to"})

# What find and locate look for, from somebody's home or further up.
_KEY_NAMES: Final = re.compile(
    r"^(?:~|/home|/users|/root|/etc|/var|/opt|/srv|/mnt)?/any/(?:[^/]*\.(?:pem|key|p12|pfx|kdbx?|ppk|jks|keystore|ovpn|wallet|keytab)\*?$"
    r"|[^/]*(?:passw|secret|credential|id_rsa|id_dsa|id_ed25519|wallet|\.env|htpasswd|private.?key)[^/]*$)"
)


def _mode(use: FileUse, found: frozenset[Kind], facts: Facts) -> Iterator[Finding]:
    mode, path = use.content or "", use.path[:200]
    opens = bool(_WORLD.match(mode))
    if Kind.ROOT in found:
        yield _at(
            "paths.opens-permissions", use, f"changes the rights of {path}", CRITICAL if use.recursive else HIGH, SURE
        )
    elif found & _PROTECTED and not _HARMLESS_MODE.match(mode):
        yield _at("paths.opens-permissions", use, f"changes the rights of {path}", HIGH if opens else MEDIUM, SURE)
    elif opens and use.recursive:
        yield _at("paths.opens-permissions", use, f"lets everybody change everything below {path}")
    elif opens:
        yield _at("paths.opens-permissions", use, f"lets everybody change {path}")


def _owner(use: FileUse, found: frozenset[Kind], facts: Facts) -> Iterator[Finding]:
    path, owner = use.path[:200], (use.content or "").lower()
    if found & (_PROTECTED | {Kind.ROOT}):
        yield _at("paths.changes-owner", use, f"changes the owner of {path}", HIGH, SURE)
    elif owner.partition(":")[0] in ("root", "0", "administrator", "system"):
        yield _at("paths.changes-owner", use, f"gives {path} to {owner.partition(':')[0]}")
    elif use.recursive and is_absolute(use.path) and not _inside(use, facts):
        yield _at("paths.changes-owner", use, f"changes the owner of everything below {path}", MEDIUM, LIKELY)


def _execute(use: FileUse, found: frozenset[Kind], facts: Facts) -> Iterator[Finding]:
    if Kind.TEMPORARY in found and not within(use.path, facts.surroundings.roots or ("\x00",)):
        confidence = SURE if use.privileged else LIKELY
        yield _at(
            "paths.runs-temporary",
            use,
            f"runs {use.path[:200]}, from a folder that everybody can write to",
            MEDIUM,
            confidence,
        )


_BY_OP: Final = {
    FileOp.DELETE: _delete,
    FileOp.WRITE: _write,
    FileOp.READ: _read,
    FileOp.LIST: _list,
    FileOp.MODE: _mode,
    FileOp.OWNER: _owner,
    FileOp.EXECUTE: _execute,
}
