"""What shell commands do to files and to the network: from operands, options and redirections to file uses and
contacts.

A table says what a program does with its operands; the few with a grammar of their own (`dd`, `tar`, `curl`...) have a
function. A program that is not known is taken to read whatever looks like a path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from toolguard.core.acts import Contact, FileOp, FileUse, Place
from toolguard.core.paths import looks_like_path
from toolguard.core.shell import in_place, transfers, uploads
from toolguard.core.shell.commands.operand_rules import OPERANDS
from toolguard.core.shell.transfers import Use, has_flag, operands, option
from toolguard.core.shell.words import Command, Word

_ONE_OPERAND: Final = frozenset(
    {"python", "perl", "ruby", "node", "php", "lua", "bash", "sh", "zsh", "dash", "ksh", "source", "."}
)
"""Only the first operand is a file of theirs: a script that they run."""
_INLINE: Final = re.compile(r"-[a-z]*[ceEr]")  # -c, -lc, -e: a text follows
_WRITES: Final = frozenset({">", ">>", "&>", "&>>", ">|", "<>"})


def rule_of(program: str) -> str:
    """What the table says that a program does with its operands; `unknown` for a program that is not in it."""
    return OPERANDS[program][0] if program in OPERANDS else "unknown"


def uses(command: Command, program: str, place: Place, *, remote: bool, privileged: bool) -> Iterator[Use]:
    """Every file use and contact of one simple command."""
    for redirect in command.redirects:
        if redirect.op in _WRITES and not redirect.target.text.isdigit():
            yield FileUse(
                FileOp.WRITE,
                redirect.target.text,
                place,
                append=">>" in redirect.op,
                remote=remote,
                privileged=privileged,
                content=_written(command),
                program=program or ">",
            )
        elif redirect.op == "<":
            yield FileUse(
                FileOp.READ, redirect.target.text, place, remote=remote, privileged=privileged, program=program
            )
        path = redirect.target.text
        if path.startswith(("/dev/tcp/", "/dev/udp/")):
            yield Contact("//" + ":".join(path.split("/")[3:5]), place, "RAW", program=program)
    special = _SPECIAL.get(program)
    if special is not None:
        for use in special(command, place):
            yield _marked(use, remote, privileged)
        return
    for use in _by_table(command, program, place):
        yield _marked(use, remote, privileged)


def _marked(use: Use, remote: bool, privileged: bool) -> Use:
    if isinstance(use, FileUse) and (remote or privileged):
        return FileUse(
            use.op,
            use.path,
            use.place,
            use.recursive,
            use.filtered,
            use.append,
            remote,
            privileged,
            use.content,
            use.program,
        )
    return use


def _written(command: Command) -> str | None:
    """What a redirected command would write, where the text says so."""
    if command.name == "echo" or command.name == "printf":
        return " ".join(command.args)
    if command.stdin is not None:
        return command.stdin
    return "" if command.name in ("", ":", "true") else None


def _by_table(command: Command, program: str, place: Place) -> Iterator[Use]:
    rule, valued = OPERANDS.get(program, ("unknown", frozenset()))
    words = operands(command, valued)
    if rule == "none":
        return
    if rule == "unknown":
        for word in command.words[:1] + tuple(words):
            if looks_like_path(word.text):
                op = FileOp.EXECUTE if word is command.words[0] else FileOp.READ
                yield FileUse(op, word.text, place, program=program)
        for name, value in _named(command.args):
            if looks_like_path(value):
                op = (
                    FileOp.WRITE
                    if name in ("o", "out", "output", "of", "outfile", "output-file", "log-file")
                    else FileOp.READ
                )
                yield FileUse(op, value, place, program=program)
        return
    if looks_like_path(command.words[0].text) and "/tmp/" in command.words[0].text:  # noqa: S108 - a word of the call
        yield FileUse(FileOp.EXECUTE, command.words[0].text, place, program=program)
    yield from _RULES[rule](command, words, program, place)


def _named(args: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """`--name=value`, `name=value` and `--output value`."""
    for index, arg in enumerate(args):
        head, eq, value = arg.partition("=")
        if eq and value:
            yield head.lstrip("-"), value.lstrip("@")
        elif arg in ("-o", "--output", "--out", "-O", "--outfile") and index + 1 < len(args):
            yield "output", args[index + 1]


def _all(op: FileOp, words: list[Word], place: Place, program: str, **more: bool | str | None) -> Iterator[FileUse]:
    for word in words:
        if word.text and word.text != "-":
            yield FileUse(op, word.text, place, program=program, **more)  # type: ignore[arg-type]  # the keys are FileUse's


def _read(command: Command, words: list[Word], program: str, place: Place) -> Iterator[Use]:
    if program in ("perl", "ruby") and (files := in_place.rewritten(command)):
        yield from _all(FileOp.WRITE, files, place, program, append=True)
        return
    chosen = words[:1] if program in _ONE_OPERAND else words
    if program in _ONE_OPERAND and any(_INLINE.fullmatch(arg) for arg in command.args):
        return  # the operand is a program text, which is read as one
    op = FileOp.EXECUTE if program in _ONE_OPERAND else FileOp.READ
    yield from _all(
        op, chosen, place, program, recursive=has_flag(command, "-r", "-R", "--recursive") and program == "diff"
    )
    for name in option(command, "-o", "--output") if program in ("sort", "jq", "gpg", "gpg2", "base64") else ():
        yield FileUse(FileOp.WRITE, name, place, program=program)


def _read_rest(command: Command, words: list[Word], program: str, place: Place) -> Iterator[Use]:
    given = has_flag(command, "-e", "-f", "--regexp", "--file", "--expression")
    files = words if given else words[1:]
    rewrites = program in ("sed", "gsed") and any(
        a.startswith(("-i", "--in-place")) or (a[:1] == "-" and a[1:2].isalpha() and "i" in a[1:3])
        for a in command.args
    )
    rewrites = rewrites or (program in ("gawk", "awk") and "inplace" in command.args)
    if rewrites:
        files = [word for word in files if not word.text.startswith(("s/", "s|", "s#")) and word.text]
        yield from _all(FileOp.WRITE, files, place, program, append=True)
        return
    recursive = program in ("rg", "ag", "ack") or has_flag(command, "-r", "-R", "--recursive")
    yield from _all(FileOp.READ, files, place, program, recursive=recursive and bool(files))


def _list(command: Command, words: list[Word], program: str, place: Place) -> Iterator[Use]:
    if program in ("locate", "mlocate", "plocate"):  # looks through every name of the machine
        for word in words:
            yield FileUse(FileOp.LIST, f"/any/{word.text.lstrip('*/')}", place, recursive=True, program=program)
        return
    if program != "find":
        yield from _all(FileOp.LIST, words, place, program)
        return
    args = command.args
    end = next(
        (i for i, arg in enumerate(args) if arg.startswith(("-", "(", "!")) and arg not in ("-H", "-L", "-P")),
        len(args),
    )
    filtered = any(
        arg in args
        for arg in (
            "-name",
            "-iname",
            "-path",
            "-mtime",
            "-mmin",
            "-empty",
            "-size",
            "-newer",
            "-regex",
            "-ipath",
            "-atime",
            "-ctime",
            "-perm",
            "-user",
            "-inum",
            "-samefile",
            "-maxdepth",
        )
    )
    roots = [arg for arg in args[:end] if arg not in ("-H", "-L", "-P")] or ["."]
    for root in roots:
        yield FileUse(FileOp.LIST, root, place, recursive=True, filtered=filtered, program=program)
        if "-delete" in args or (filtered and _DELETERS.intersection(_executed(args))):
            yield FileUse(FileOp.DELETE, root, place, recursive=not filtered, filtered=filtered, program=program)
    for name in option(command, "-name", "-iname", "-path", "-wholename", "-ipath"):
        yield FileUse(
            FileOp.LIST, f"{roots[0].rstrip('/')}/any/{name.lstrip('*/')}", place, recursive=True, program=program
        )
    for name in option(command, "-fprint", "-fprintf", "-fls"):
        yield FileUse(FileOp.WRITE, name, place, program=program)


_DELETERS: Final = frozenset({"rm", "unlink", "shred", "srm", "/bin/rm", "/usr/bin/rm"})


def _executed(args: tuple[str, ...]) -> tuple[str, ...]:
    """The programs that a find runs."""
    return tuple(args[i + 1] for i, arg in enumerate(args[:-1]) if arg in ("-exec", "-execdir", "-ok", "-okdir"))


def _delete(command: Command, words: list[Word], program: str, place: Place) -> Iterator[Use]:
    recursive = has_flag(command, "-r", "-R", "--recursive") or program in ("rimraf", "trash", "trash-put")
    below_find = "find" in command.via and not recursive
    yield from _all(FileOp.DELETE, words, place, program, recursive=recursive, filtered=below_find)


def _rmdir(command: Command, words: list[Word], program: str, place: Place) -> Iterator[Use]:
    yield from _all(FileOp.DELETE, words, place, program, filtered=True)


def _target(command: Command, words: list[Word]) -> tuple[list[Word], list[str]]:
    """Sources and destination of cp, mv, ln: the last operand, or the value of `-t`."""
    chosen = option(command, "-t", "--target-directory")
    if chosen:
        return words, chosen
    return words[:-1], [word.text for word in words[-1:]] if len(words) > 1 else []


def _move(command: Command, words: list[Word], program: str, place: Place) -> Iterator[Use]:
    sources, targets = _target(command, words)
    lost = targets == ["/dev/null"]  # a folder there is gone, as after rm -r
    yield from _all(FileOp.DELETE, sources, place, program, recursive=lost, filtered=not lost)
    for target in targets:
        yield FileUse(FileOp.WRITE, _into(target, sources), place, program=program)


def _copy(command: Command, words: list[Word], program: str, place: Place) -> Iterator[Use]:
    sources, targets = _target(command, words)
    recursive = has_flag(command, "-r", "-R", "-a", "--recursive", "--archive") and "find" not in command.via
    yield from _all(FileOp.READ, sources, place, program, recursive=recursive)
    for target in targets:
        yield FileUse(FileOp.WRITE, _into(target, sources), place, program=program)
    for mode in option(command, "-m", "--mode") if program == "install" else ():
        yield from (FileUse(FileOp.MODE, target, place, content=mode, program=program) for target in targets)


def _into(target: str, sources: list[Word]) -> str:
    """The place that a copy gets: a folder named with a closing slash gets the source's name."""
    return target + sources[0].text.rpartition("/")[2] if target.endswith("/") and len(sources) == 1 else target


def _link(command: Command, words: list[Word], program: str, place: Place) -> Iterator[Use]:
    sources, targets = _target(command, words)
    for source in sources:
        yield FileUse(FileOp.LIST, source.text, place, program=program)
    for target in targets:
        yield FileUse(FileOp.WRITE, target, place, append=True, program=program)


def _write(command: Command, words: list[Word], program: str, place: Place) -> Iterator[Use]:
    content = None if program == "touch" else command.stdin
    append = program == "touch" or has_flag(command, "-a", "--append")
    yield from _all(FileOp.WRITE, words, place, program, append=append, content=content)


def _truncate(command: Command, words: list[Word], program: str, place: Place) -> Iterator[Use]:
    yield from _all(FileOp.WRITE, words, place, program, content="")


def _make(command: Command, words: list[Word], program: str, place: Place) -> Iterator[Use]:
    yield from _all(FileOp.WRITE, words, place, program, append=True)


def _mode(command: Command, words: list[Word], program: str, place: Place) -> Iterator[Use]:
    modes = [
        arg
        for arg in command.args
        if re.fullmatch(r"[-+=ugoarwxXst,0-7]+", arg) and not re.fullmatch(r"-[RvcfhHLP]+", arg)
    ]
    mode = modes[0] if modes else ""
    files = [word for word in words if word.text != mode] or []
    recursive = has_flag(command, "-R", "--recursive")
    yield from _all(
        FileOp.MODE, files, place, program, recursive=recursive, content=mode, filtered="find" in command.via
    )


def _owner(command: Command, words: list[Word], program: str, place: Place) -> Iterator[Use]:
    recursive = has_flag(command, "-R", "--recursive")
    owner = words[0].text if words else ""
    yield from _all(FileOp.OWNER, words[1:], place, program, recursive=recursive, content=owner)


def _edit(command: Command, words: list[Word], program: str, place: Place) -> Iterator[Use]:
    scripted = program in ("ed", "ex", "sudoedit") or has_flag(command, "-es", "-Es")
    yield from _all(FileOp.WRITE if scripted else FileOp.READ, words, place, program, append=True)


_Rule = Callable[[Command, list[Word], str, Place], Iterator[Use]]
_RULES: Final[dict[str, _Rule]] = {
    "read": _read,
    "read-rest": _read_rest,
    "list": _list,
    "delete": _delete,
    "rmdir": _rmdir,
    "move": _move,
    "copy": _copy,
    "link": _link,
    "write": _write,
    "truncate": _truncate,
    "make": _make,
    "mode": _mode,
    "owner": _owner,
    "edit": _edit,
}


# --- programs with a grammar of their own ----------------------------------------------------------------------------


def _dd(command: Command, place: Place) -> Iterator[Use]:
    for arg in command.args:
        name, _, value = arg.partition("=")
        if name == "if":
            yield FileUse(FileOp.READ, value, place, program="dd")
        elif name == "of":
            yield FileUse(FileOp.WRITE, value, place, program="dd", content="")


def _tar(command: Command, place: Place) -> Iterator[Use]:
    args = command.args
    letters = next((arg.lstrip("-") for arg in args if not arg.startswith("--")), "")
    files = option(command, "-f", "--file") or (
        [args[1]] if "f" in letters and len(args) > 1 and not args[0].startswith("--") else []
    )
    clustered = [args[i + 1] for i, arg in enumerate(args[:-1]) if re.fullmatch(r"-?[a-zA-Z]*f", arg)]
    archive = (clustered or files or ["-"])[0]
    rest = [
        w
        for w in operands(command, frozenset({"-C", "-f", "--exclude", "--transform", "-T", "-X"}))
        if w.text != archive and w.text != args[0]
    ]
    if "c" in letters or "--create" in args or "r" in letters:
        yield FileUse(FileOp.WRITE, archive, place, append=True, program="tar")
        for word in rest:
            yield FileUse(FileOp.READ, word.text, place, recursive=True, program="tar")
    else:
        yield FileUse(FileOp.READ, archive, place, program="tar")
        for folder in option(command, "-C", "--directory") if "x" in letters or "--extract" in args else ():
            yield FileUse(FileOp.WRITE, folder, place, append=True, program="tar")


def _zip(command: Command, place: Place) -> Iterator[Use]:
    words = operands(command, frozenset({"-x", "-i", "-P", "-b", "-n", "-t", "-d", "-p"}))
    for word in words[:1]:
        yield FileUse(FileOp.WRITE, word.text, place, append=True, program=command.name)
    for word in words[1:]:
        if word.text.startswith(("/", "~", ".")) or "." in word.text:
            yield FileUse(FileOp.READ, word.text, place, recursive=True, program=command.name)


_Special = Callable[[Command, Place], Iterator[Use]]
_SPECIAL: Final[dict[str, _Special]] = {
    "dd": _dd,
    "tar": _tar,
    "bsdtar": _tar,
    "curl": transfers.curl,
    "wget": transfers.wget,
    "http": transfers.httpie,
    "https": transfers.httpie,
    "xh": transfers.httpie,
    "nc": transfers.nc,
    "ncat": transfers.nc,
    "netcat": transfers.nc,
    "telnet": transfers.nc,
    "socat": transfers.socat,
    "openssl": transfers.openssl,
    "scp": transfers.transfer,
    "rsync": transfers.transfer,
    "sftp": transfers.transfer,
    "ssh": transfers.remote_shell,
    "dig": transfers.dns,
    "nslookup": transfers.dns,
    "host": transfers.dns,
    "mail": uploads.mail,
    "mailx": uploads.mail,
    "s-nail": uploads.mail,
    "mutt": uploads.mail,
    "neomutt": uploads.mail,
    "sendmail": uploads.mail,
    "ftp": uploads.ftp,
    "lftp": uploads.ftp,
    "ping": uploads.ping,
    "ping6": uploads.ping,
    "traceroute": uploads.ping,
    "drill": transfers.dns,
    "kdig": transfers.dns,
    **dict.fromkeys(uploads.NAMES, uploads.copied),
    "zip": _zip,
    "7z": _zip,
    "7za": _zip,
    "rar": _zip,
}
