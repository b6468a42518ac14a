"""Reads PowerShell and cmd.exe lines into commands: enough of their quoting and joining to find what runs with which
words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from toolguard.core.acts import Contact, FileOp, FileUse, Place
from toolguard.core.shell.words import Command, Word

MAX_TEXT: Final = 65_536
MAX_COMMANDS: Final = 400

ALIASES: Final = {
    "iex": "invoke-expression", "icm": "invoke-command", "iwr": "invoke-webrequest", "irm": "invoke-restmethod",
    "wget": "invoke-webrequest", "curl": "invoke-webrequest", "rm": "remove-item", "del": "remove-item",
    "erase": "remove-item", "ri": "remove-item", "rd": "remove-item", "rmdir": "remove-item", "cp": "copy-item",
    "copy": "copy-item", "cpi": "copy-item", "mv": "move-item", "move": "move-item", "mi": "move-item",
    "cat": "get-content", "gc": "get-content", "type": "get-content", "ls": "get-childitem", "dir": "get-childitem",
    "gci": "get-childitem", "kill": "stop-process", "spps": "stop-process", "saps": "start-process",
    "start": "start-process", "sc": "sc", "ni": "new-item", "md": "new-item", "mkdir": "new-item",
    "sp": "set-itemproperty", "rp": "remove-itemproperty", "ren": "rename-item", "rni": "rename-item",
    "ac": "add-content", "clc": "clear-content", "cli": "clear-item", "gp": "get-itemproperty",
    "clhy": "clear-history", "nal": "new-alias", "sal": "set-alias",
}  # fmt: skip
"""Short names of cmdlets, and cmd's built-in commands by the cmdlet that does the same."""

# Strings, subexpressions and separators; inside quotes nothing separates.
_TOKEN: Final = re.compile(r"\"(?:[^\"`^]|[`^].|\"\")*\"|'(?:[^']|'')*'|&&|\|\||[;|\n{}()&]|[^\s;|\"'\n{}()&]+")
_CARET: Final = re.compile(r"\^(.)")  # cmd's escape; scattered through a word it hides the word
_TICK: Final = re.compile(r"`(.)")  # PowerShell's escape
_BREAKS: Final = frozenset({"&&", "||", ";", "|", "\n", "{", "}", "(", ")", "&"})
_SIMPLE_VARIABLE: Final = re.compile(
    r"^[ \t]*+\$(\w+)[ \t]*=[ \t]*(['\"])((?:(?!\2)[^\n])*+)\2[ \t]*\r?$", re.MULTILINE
)  # $name = 'text'


def parse(language: str, text: str) -> list[Command]:
    """The commands of a line or script, each with its words; a rough reading that errs towards seeing too much."""
    text = _with_values(text[:MAX_TEXT])[:MAX_TEXT]
    if "]::" in text:
        text = _FILE_CALL.sub(lambda m: f"({_FILE_CMDLETS[m[1].lower()]} {m[2]}", text)
    text = _CARET.sub(r"\1", text) if language == "cmd" else _TICK.sub(r"\1", text)
    commands: list[Command] = []
    words: list[Word] = []
    upstream: Command | None = None
    owed = -1  # the request whose body is the value of the parenthesis that follows
    for piece in _TOKEN.findall(text):
        if piece not in _BREAKS:  # a word
            quoted = piece[:1] in "\"'"
            words.append(Word(piece[1:-1] if quoted and len(piece) > 1 else piece, quoted=quoted))
            continue
        if words:
            commands.append(_made(words, upstream))
            owed = _paid(commands, owed, opens=piece == "(")
            words = []
        upstream = commands[-1] if piece == "|" and commands else None
        if len(commands) >= MAX_COMMANDS:
            break
    if words:
        commands.append(_made(words, upstream))
    return commands


_FILE_CMDLETS: Final = {
    "readall": "get-content", "readlines": "get-content", "open": "get-content", "writeall": "set-content",
    "append": "add-content", "delete": "remove-item", "copy": "copy-item", "move": "move-item", "create": "new-item",
}  # fmt: skip
_FILE_CALL: Final = re.compile(
    r"\[(?:System\.)?IO\.(?:File|Directory)\]::(" + "|".join(_FILE_CMDLETS) + r")\w*\(\s*('[^'\n]*'|\"[^\"\n]*\")",
    re.IGNORECASE,
)
"""Functions of .NET for files, by the cmdlet that does the same: `[IO.File]::ReadAllText('notes.txt')`."""
CALLS_NET: Final = re.compile(r"\s*(?:\$\w+\s*=\s*)?\[[A-Za-z][\w.]*\]::\w+(?:\(|[.;\s]|$)")
"""A text that begins with a function or a constant of .NET, as PowerShell writes it."""


def _with_values(text: str) -> str:
    """The text with variables that are plainly assigned in it replaced by their values."""
    values = {name: value for name, _, value in _SIMPLE_VARIABLE.findall(text)[:50]}
    return _USED.sub(lambda m: values.get(m[1] or m[2], m[0]), text) if values else text


_USED: Final = re.compile(r"\$(?:(\w+)|\{(\w+)\})(?!\s*=)")


def _paid(commands: list[Command], owed: int, *, opens: bool) -> int:
    """`-Body (Get-Content .env)`: the file belongs to the request. Returns the request that now waits for its body."""
    last = commands[-1]
    if opens and last.args and last.args[-1].lower() in ("-body", "-infile", "-form"):
        return len(commands) - 1
    name = last.name.lower()
    if owed >= 0 and ALIASES.get(name, name) == "get-content" and last.args:
        file = next((word for word in last.words[1:] if not word.text.startswith("-")), last.words[1])
        commands[owed] = replace(commands[owed], words=(*commands[owed].words, Word("-infile"), file))
    return -1


def _made(words: list[Word], upstream: Command | None) -> Command:
    while words and words[0].text in (
        "@",
        "call",
        "Call",
        "CALL",
        ".",
        "=",
        "return",
        "if",
        "foreach",
        "do",
        "try",
        "start",
        "%",
    ):
        starts = words[0].text == "start"
        words = words[1:] or words
        while starts and len(words) > 1 and (words[0].text.startswith("/") or words[0].quoted):
            words = words[1:]  # `start "title" /b program`
        if len(words) == 1:
            break
    if len(words) > 2 and re.fullmatch(r"\$[\w:]+", words[0].text) and words[1].text in ("=", "+="):
        words = words[2:]
    head = words[0].text.replace("\\", "/").rpartition("/")[2] or words[0].text
    return Command((Word(head), *words[1:]), 0, 0, upstream=upstream)


# `&('i'+'ex')`, `.("Remove-Item")`, `& $name`: the name of the command is computed.
DYNAMIC: Final = re.compile(
    r"(?:^|[;|{(\s])[&.]\s*\(\s*(?:\$|[\"'][^\"']*[\"']\s*(?:\+|-f|-join|-replace|\.))|&\s*\(\s*(?:gcm|Get-Command)\b",
    re.IGNORECASE,
)
MULTIPLIES: Final = re.compile(
    r"%0\s*\|\s*%0|%0\s*&\s*%0|while\s*\(\s*(?:\$true|1)\s*\)\s*\{\s*(?:Start-Process|saps|start)\b", re.IGNORECASE
)

_SHAPES: Final = frozenset(
    """get-content get-childitem get-itemproperty where-object select-object sort-object format-table
    format-list out-string out-host out-null write-host write-output measure-object select-string ? sort select where
    fl ft sls echo""".split()
)
_METHOD: Final = re.compile(r"[\w)\]]\.\w+\s*\(")  # a method is called: it may do anything
_FIELD: Final = re.compile(r"\$_[.\w]*$")  # `{ $_.Name -eq 'x' }`
_LOOKS: Final = re.compile(r"get-(?!clipboard|credential|process)\w+$", re.IGNORECASE)


def only_reads(commands: list[Command], text: str) -> bool:
    """Every command looks at something or shapes what another one prints, so words that name worse are texts."""
    if "$(" in text or "]::" in text or _METHOD.search(text):
        return False
    names = [ALIASES.get(command.name.lower(), command.name.lower()) for command in commands]
    return bool(names) and all(name in _SHAPES or _LOOKS.match(name) or _FIELD.match(name) for name in names)


_TARGETS: Final = {
    "remove-item": FileOp.DELETE, "clear-content": FileOp.WRITE, "clear-item": FileOp.WRITE,
    "set-content": FileOp.WRITE, "add-content": FileOp.WRITE, "out-file": FileOp.WRITE, "new-item": FileOp.WRITE,
    "get-content": FileOp.READ, "get-childitem": FileOp.LIST, "rename-item": FileOp.WRITE,
    "invoke-item": FileOp.EXECUTE, "tee-object": FileOp.WRITE, "export-csv": FileOp.WRITE,
    "import-csv": FileOp.READ, "import-module": FileOp.EXECUTE, "select-string": FileOp.READ,
    "get-itemproperty": FileOp.READ, "compress-archive": FileOp.READ, "expand-archive": FileOp.READ,
}  # fmt: skip
_VALUED: Final = frozenset(
    {
        "-value",
        "-encoding",
        "-itemtype",
        "-name",
        "-filter",
        "-include",
        "-exclude",
        "-type",
        "-method",
        "-body",
        "-headers",
        "-contenttype",
        "-useragent",
        "-erroraction",
        "-ea",
        "-pattern",
    }
)


_FETCHES: Final = frozenset(
    """invoke-webrequest invoke-restmethod start-bitstransfer bitsadmin certutil certoc curl.exe mpcmdrun
    desktopimgdownldr esentutl expand extrac32 replace hh ieexec finger ftp tftp""".split()
)
_RECURSES: Final = frozenset({"-recurse", "-r", "-rec", "-force", "/s", "/q"})
_DRIVE: Final = re.compile(r"[a-zA-Z]:[\\/]")  # a path that begins with a drive


def uses(command: Command, program: str, place: Place) -> Iterator[FileUse | Contact]:
    """File uses and contacts of a cmdlet."""
    name, args = program.lower(), command.args
    lowered = [arg.lower() for arg in args]
    named = {lowered[i].rstrip(":"): args[i + 1] for i in range(len(args) - 1) if lowered[i].startswith("-")}
    plain = [
        arg
        for i, arg in enumerate(args)
        if (not arg.startswith(("-", "/")) or (arg.startswith("/") and (len(arg) > 2 or len(arg) == 1)))
        and (i == 0 or lowered[i - 1] not in _VALUED)
    ]
    if name == "remove-item" and not plain and not named.keys() & {"-path", "-literalpath"} and command.upstream:
        yield from _listed(command.upstream, lowered, place)
    elif name in ("start-process", "invoke-item") and plain:
        yield FileUse(FileOp.EXECUTE, named.get("-filepath") or plain[0], place, program=name)
        yield from _mentioned(name, args[1:], place)
    elif name == "send-mailmessage":
        files = tuple(named[key] for key in ("-attachments", "-attachment") if key in named)
        yield from (FileUse(FileOp.READ, file, place, program=name) for file in files)
        yield Contact("//" + named.get("-to", "").rpartition("@")[2], place, "MAIL", files, program=name)
    elif name in _TARGETS:
        yield from _target(name, named, plain, lowered, place)
    elif name in ("copy-item", "move-item"):
        yield from _copied(name, named, plain, lowered, place)
    elif name in _FETCHES:
        yield from _fetched(name, named, args, place)
    else:
        yield from _mentioned(name, args, place)
    for index, arg in enumerate(args[:-1]):
        if arg in (">", ">>"):
            yield FileUse(FileOp.WRITE, args[index + 1], place, append=arg == ">>", program=name)


def _listed(source: Command, lowered: list[str], place: Place) -> Iterator[FileUse]:
    """Get-ChildItem ... | Remove-Item: what is listed is deleted."""
    name = source.name.lower()
    if ALIASES.get(name, name) != "get-childitem":
        return
    told = [arg.lower() for arg in source.args]
    chosen = bool({"-filter", "-include"} & set(told))
    path = next((arg for arg in source.args if not arg.startswith("-")), ".")
    recursive = bool(_RECURSES & {*told, *lowered}) and not chosen
    yield FileUse(FileOp.DELETE, path, place, recursive, filtered=chosen, program="remove-item")


def _target(
    name: str, named: dict[str, str], plain: list[str], lowered: list[str], place: Place
) -> Iterator[FileUse | Contact]:
    path = named.get("-path") or named.get("-literalpath") or named.get("-filepath") or next(iter(plain), "")
    if path:
        op = _TARGETS[name]
        recursive = name == "remove-item" and bool(_RECURSES & set(lowered))
        append = name in ("add-content", "new-item")
        content = named.get("-value") if op is FileOp.WRITE else None
        yield FileUse(op, path, place, recursive, append=append, content=content, program=name)


def _copied(
    name: str, named: dict[str, str], plain: list[str], lowered: list[str], place: Place
) -> Iterator[FileUse | Contact]:
    found = [path for path in (named.get("-path", ""), *plain) if path]
    copies = name == "copy-item"
    for source in found[:1]:
        op = FileOp.READ if copies else FileOp.DELETE
        yield FileUse(op, source, place, copies and "-recurse" in lowered, filtered=True, program=name)
    target = named.get("-destination") or (found[1] if len(found) > 1 else "")
    if target:
        yield FileUse(FileOp.WRITE, target, place, program=name)


def _fetched(name: str, named: dict[str, str], args: tuple[str, ...], place: Place) -> Iterator[FileUse | Contact]:
    saved = named.get("-outfile") or named.get("-o") or named.get("-destination") or ""
    sends = (named["-infile"],) if "-infile" in named else ()
    method = named.get("-method", "GET").upper()
    for arg in args:
        if "://" in arg:
            yield Contact(arg, place, method, sends, named.get("-body"), saved, program=name)
    if saved:
        yield FileUse(FileOp.WRITE, saved, place, program=name)


def _mentioned(name: str, args: tuple[str, ...], place: Place) -> Iterator[FileUse | Contact]:
    """Addresses and paths in the words of any other command."""
    for arg in args:
        if "://" in arg:
            yield Contact(arg, place, program=name)
        elif "\\" in arg or _DRIVE.match(arg):
            yield FileUse(FileOp.READ, arg, place, program=name)
