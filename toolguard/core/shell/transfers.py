"""Programs that move content over the network: what they send, what they fetch, and what they do to files on the
way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from toolguard.core.acts import Contact, FileOp, FileUse, Place
from toolguard.core.paths import looks_like_path
from toolguard.core.shell.commands.names import is_in
from toolguard.core.shell.words import Command, Word

Use = FileUse | Contact


def operands(command: Command, valued: frozenset[str]) -> list[Word]:
    """The words that are neither options nor their values."""
    found: list[Word] = []
    skip = literal = False
    for word in command.words[1:]:
        text = word.text
        if skip:
            skip = False
        elif literal or not text.startswith("-") or text == "-":
            found.append(word)
        elif text == "--":
            literal = True
        else:
            skip = text in valued
    return found


def option(command: Command, *names: str) -> list[str]:
    """Values of an option in all its spellings."""
    values: list[str] = []
    args = command.args
    for index, arg in enumerate(args):
        head, eq, value = arg.partition("=")
        if arg in names and index + 1 < len(args):
            values.append(args[index + 1])
        elif eq and head in names and head.startswith("--"):
            values.append(value)
        elif len(arg) > 2 and arg[1] != "-" and arg[:2] in names:
            values.append(arg[2:])
    return values


def has_flag(command: Command, *names: str) -> bool:
    """One of these options is given; a one-letter one also inside a cluster."""
    for arg in command.args:
        if arg.startswith("--"):
            if arg.partition("=")[0] in names:
                return True
        elif arg.startswith("-") and any(
            arg == name or (len(name) == 2 and name[1] in arg[1:] and arg[1:].isalpha()) for name in names
        ):
            return True
    return False


_CURL_VALUED: Final = frozenset(
    """-X -H -d -o -u -A -e -b -c -F -T -m -w -x -E -K -r -s: -C -D -y -Y -z -t -Q -U --request --header --data
        --data-raw --data-binary --data-urlencode --json --form --form-string --output --user --user-agent --referer
        --cookie --cookie-jar --upload-file --max-time --write-out --proxy --cert --key --cacert --config --range
        --connect-timeout --retry --retry-delay --resolve --interface --url --output-dir --limit-rate --url-query
        --connect-to --socks5 --socks5-hostname --dump-header --max-redirs --oauth2-bearer --unix-socket
        --dns-servers --ciphers""".split()
)


def curl(command: Command, place: Place) -> Iterator[Use]:
    method = (option(command, "-X", "--request") or [""])[0].upper().strip()
    bodies = option(
        command,
        "-d",
        "--data",
        "--data-raw",
        "--data-binary",
        "--data-urlencode",
        "--data-ascii",
        "--json",
        "-F",
        "--form",
    )
    uploads = option(command, "-T", "--upload-file")
    sends = [*uploads, *(m[1] for body in bodies for m in [re.search(r"(?:^|=)[@<]([^;]+)", body)] if m)]
    outputs = option(command, "-o", "--output")
    saves = outputs[0] if outputs else ("./" if has_flag(command, "-O", "--remote-name", "-J") else "")
    for name in sends:
        if name in ("-", ".") and command.upstream is not None:
            yield from _piped(command, place)
        elif name != "-":
            yield FileUse(FileOp.READ, name, place, program="curl")
    if outputs:
        yield FileUse(FileOp.WRITE, saves, place, program="curl")
    for name in option(command, "-K", "--config", "-b", "--cookie", "-E", "--key"):
        if looks_like_path(name):
            yield FileUse(FileOp.READ, name, place, program="curl")
    default = "PUT" if uploads else ("POST" if bodies else ("HEAD" if has_flag(command, "-I", "--head") else "GET"))
    addresses = [w.text for w in operands(command, _CURL_VALUED)] + option(command, "--url")
    body = " ".join(bodies) if bodies else None
    if "-" in sends and (
        command.stdin is not None or (command.upstream is not None and command.upstream.name in _PLAIN_TEXT)
    ):
        sends.remove("-")
    sends += _told(command)
    for address in _through_socket(command) or addresses:
        yield Contact(address, place, method or default, tuple(sends), body, saves, program="curl")
    for proxy in option(command, "-x", "--proxy", "--socks5", "--socks5-hostname"):
        yield Contact(proxy, place, "PROXY", program="curl")


def _through_socket(command: Command) -> list[str]:
    """The socket of this machine that curl talks to; the host in the address is then a name only."""
    return ["unix:" + path for path in option(command, "--unix-socket", "--abstract-unix-socket")]


_PLAIN_TEXT: Final = frozenset({"echo", "printf", "jq", "date", "uuidgen", "python", "python3"})
_TELLING: Final = frozenset(
    """cat env printenv set base64 base32 xxd tar zip gzip head tail whoami hostname id uname ifconfig ip ps find
        ls history grep gpg security tac od strings awk sed netstat""".split()
)
"""Programs whose output, put into a request, is content of this machine."""


def _told(command: Command) -> list[str]:
    """Content of this machine that command substitutions put into a request: files by name, else `-`."""
    found: list[str] = []
    for inner in [inner for word in command.words for inner in word.inner]:
        if inner.name in _TELLING:
            found += [arg for arg in inner.args if looks_like_path(arg)] or ["-"]
    return found


def _piped(command: Command, place: Place) -> Iterator[Use]:
    if command.upstream is not None:
        for arg in command.upstream.args:
            if looks_like_path(arg):
                yield FileUse(FileOp.READ, arg, place, program=command.name)


_WGET_VALUED: Final = frozenset(
    """-O -o -P -U -t -T -a -i -e --header --post-data --post-file --body-data --body-file --method --user
    --password --output-document --directory-prefix --user-agent --tries --timeout -A -R -D -l --level
    -Q -w""".split()
)


def wget(command: Command, place: Place) -> Iterator[Use]:
    outputs = option(command, "-O", "--output-document")
    folders = option(command, "-P", "--directory-prefix")
    sends = option(command, "--post-file", "--body-file")
    bodies = option(command, "--post-data", "--body-data")
    for name in outputs + folders:
        if name != "-":
            yield FileUse(FileOp.WRITE, name, place, append=name in folders, program="wget")
    for name in sends:
        yield FileUse(FileOp.READ, name, place, program="wget")
    method = (option(command, "--method") or ["POST" if sends or bodies else "GET"])[0].upper()
    saves = outputs[0] if outputs else "./"
    for word in operands(command, _WGET_VALUED):
        yield Contact(
            word.text,
            place,
            method,
            tuple(sends),
            bodies[0] if bodies else None,
            "" if saves == "-" else saves,
            program="wget",
        )


def httpie(command: Command, place: Place) -> Iterator[Use]:
    words = [w.text for w in operands(command, frozenset({"-a", "-o", "--auth", "--output", "--session"}))]
    methods = [w for w in words[:1] if w.isupper() and w.isalpha()]
    rest = words[len(methods) :]
    sends = [m[1] for w in rest[1:] for m in [re.search(r"(?:=|:=|@)@?(\S+)$", w)] if m and "@" in w]
    method = methods[0] if methods else ("POST" if any("=" in w for w in rest[1:]) else "GET")
    for address in rest[:1]:
        yield Contact(address, place, method, tuple(sends), program=command.name)


def nc(command: Command, place: Place) -> Iterator[Use]:
    words = [
        w.text
        for w in operands(command, frozenset("-p -w -s -e -c -i -q -x -X -O -I -T --exec --sh-exec -g -G".split()))
    ]
    listens = has_flag(command, "-l", "--listen")
    sends = [r.target.text for r in command.redirects if r.op == "<" and not r.target.text.startswith("/dev/")]
    if has_flag(command, "-z"):  # only asks whether a port is open
        return
    if command.upstream is not None and command.upstream.name not in ("echo", "printf", "yes"):
        sends += [arg for arg in command.upstream.args if looks_like_path(arg)] or ["-"]
    bound = option(command, "-s", "--source") or words[:1]
    address = "//" + ":".join(words[:2]) if words and not listens else ""
    if listens and bound and is_in("here", bound[0]):  # only programs of this machine can connect
        address, listens = "//" + bound[0], False
    if address or listens:
        yield Contact(address, place, "RAW", tuple(sends), listens=listens, program=command.name)


def socat(command: Command, place: Place) -> Iterator[Use]:
    sends = [
        w.text.split(":", 1)[1].split(",")[0]
        for w in command.words[1:]
        if re.match(r"(?i)(?:file|open|gopen):", w.text)
    ]
    for word in command.words[1:]:
        match = re.match(
            r"(?i)(?:tcp|udp|openssl|ssl|socks|proxy|sctp)[46]?(?:-(connect|listen|sendto|datagram))?:([^,]+)",
            word.text,
        )
        if match and not re.search(r",bind=(?:localhost|127\.)", word.text):  # else only this machine can connect
            listens = (match[1] or "").lower() == "listen"
            yield Contact(
                "" if listens else "//" + match[2], place, "RAW", tuple(sends), listens=listens, program="socat"
            )


def openssl(command: Command, place: Place) -> Iterator[Use]:
    for address in option(command, "-connect"):
        sends = [r.target.text for r in command.redirects if r.op == "<" and not r.target.text.startswith("/dev/")]
        yield Contact("//" + address, place, "RAW", tuple(sends), program="openssl")
    for name in option(command, "-in", "-inkey"):
        yield FileUse(FileOp.READ, name, place, program="openssl")
    for name in option(command, "-out", "-keyout"):
        yield FileUse(FileOp.WRITE, name, place, program="openssl")


_REMOTE_PATH: Final = re.compile(
    r"^(?:rsync://|scp://|sftp://)?(?:[\w.$~+-]+@)?([\w.-]+|\[[0-9a-fA-F:]+\]):(?!\\)(.*)$"
)  # [user@]host:path


_COPY_VALUED: Final = frozenset(
    """-e -i -P -p -l -o -F -c -S -J -b -B -D -R -s -X --rsh --exclude --include --filter --files-from --port
    --password-file --log-file""".split()
)
_RSYNC_FLAGS: Final = frozenset("-P -p -l -o -c -S -b -D -R -s -X -F -i -J".split())
"""Options that take a value in scp and sftp but none in rsync."""
_DELETES: Final = """--delete --del --delete-after --delete-before --delete-during --delete-excluded
    --delete-delay""".split()


def transfer(command: Command, place: Place) -> Iterator[Use]:
    """scp, rsync, sftp: the last operand is the destination; one of both sides may be remote."""
    program = command.name
    valued = _COPY_VALUED - _RSYNC_FLAGS if program == "rsync" else _COPY_VALUED
    words = [word.text for word in operands(command, valued)]
    if not words:
        return
    sources, target = (words[:-1], words[-1]) if len(words) > 1 else (words, "")
    yield from _copied_from(command, sources, target, place)
    yield from _copied_to(command, sources, target, place)
    for line in (command.stdin or "").splitlines() if program == "sftp" else ():
        parts = line.split()
        if len(parts) > 1 and parts[0] in ("put", "mput", "reput"):
            yield Contact("//" + words[0], place, "UPLOAD", tuple(parts[1:2]), program=program)


def _copied_from(command: Command, sources: list[str], target: str, place: Place) -> Iterator[Use]:
    program, removes = command.name, has_flag(command, "--remove-source-files")
    for source in sources:
        match = _REMOTE_PATH.match(source)
        if match:
            yield Contact("//" + match[1], place, "DOWNLOAD", saves_to=target, program=program)
            yield FileUse(FileOp.READ, match[2], place, remote=True, program=program)
        else:
            yield FileUse(FileOp.READ, source, place, recursive=has_flag(command, "-r", "-a"), program=program)
        if removes:
            yield FileUse(FileOp.DELETE, source, place, recursive=True, program=program)


def _copied_to(command: Command, sources: list[str], target: str, place: Place) -> Iterator[Use]:
    program = command.name
    remote = _REMOTE_PATH.match(target)
    path = (remote[2] or ".") if remote else target
    if remote:
        local = tuple(source for source in sources if not _REMOTE_PATH.match(source))
        yield Contact("//" + remote[1], place, "UPLOAD", local, program=program)
    if path:
        append = program == "rsync" and not remote
        yield FileUse(FileOp.WRITE, path, place, append=append, remote=bool(remote), program=program)
    if path and has_flag(command, *_DELETES) and not has_flag(command, "-n", "--dry-run"):
        yield FileUse(FileOp.DELETE, path, place, recursive=True, remote=bool(remote), program=program)


def remote_shell(command: Command, place: Place) -> Iterator[Use]:
    for name in option(command, "-i", "-F", "-E"):
        yield FileUse(FileOp.LIST, name, place, program="ssh")
    words = operands(command, frozenset("-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w".split()))
    dumps = tuple(f"dump by {name}" for name in _dumped(command.upstream))
    for word in words[:1]:
        host = "//" + word.text.rpartition("@")[2]
        yield Contact(host, place, "UPLOAD" if dumps else "SHELL", dumps, program="ssh")


_DUMPERS: Final = frozenset("pg_dump pg_dumpall pg_basebackup mysqldump mariadb-dump mongodump mongoexport".split())


def _dumped(source: Command | None) -> Iterator[str]:
    """The programs up the pipe that print a whole database."""
    while source is not None:
        if source.name in _DUMPERS:
            yield source.name
        source = source.upstream


def dns(command: Command, place: Place) -> Iterator[Use]:
    for word in command.words[1:]:
        if word.inner:
            yield Contact("//" + word.text, place, "DNS", ("-",), program=command.name)
        elif "." in word.text and not word.text.startswith(("-", "+", "@")):
            yield Contact("//" + word.text, place, "DNS", program=command.name)
