"""Reads PowerShell and cmd.exe lines into commands: enough of their quoting and joining to find what runs with which
words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from toolguard.core.acts import Contact, FileOp, FileUse, Place
from toolguard.core.shell_words import Command, Word

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
_SIMPLE_VARIABLE: Final = re.compile(r"^\s*\$(\w+)\s*=\s*(['\"])(.*?)\2\s*$", re.MULTILINE)  # $name = 'text'


def parse(language: str, text: str) -> list[Command]:
    """The commands of a line or script, each with its words; a rough reading that errs towards seeing too much."""
    text = text[:MAX_TEXT]
    for name, _, value in _SIMPLE_VARIABLE.findall(text)[:50]:
        text = re.sub(rf"\$\{{?{name}\}}?(?!\s*=)\b", lambda _, value=value: value, text)
    text = _CARET.sub(r"\1", text) if language == "cmd" else _TICK.sub(r"\1", text)
    commands: list[Command] = []
    words: list[Word] = []
    upstream: Command | None = None
    for token in _TOKEN.findall(text):
        if token not in _BREAKS:
            quoted = token[:1] in "\"'"
            words.append(Word(token[1:-1] if quoted and len(token) > 1 else token, quoted=quoted))
            continue
        if words:
            commands.append(_made(words, upstream))
            words = []
        upstream = commands[-1] if token == "|" and commands else None
        if len(commands) >= MAX_COMMANDS:
            break
    if words:
        commands.append(_made(words, upstream))
    return commands


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
        words = words[1:] or words
        if len(words) == 1:
            break
    if len(words) > 2 and re.fullmatch(r"\$[\w:]+", words[0].text) and words[1].text in ("=", "+="):
        words = words[2:]
    head = words[0].text.replace("\\", "/").rpartition("/")[2] or words[0].text
    return Command((Word(head), *words[1:]), 0, 0, upstream=upstream)


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


def uses(command: Command, program: str, place: Place) -> Iterator[FileUse | Contact]:
    """File uses and contacts of a cmdlet."""
    name = program.lower()
    args = command.args
    lowered = [arg.lower() for arg in args]
    recursive = any(arg in ("-recurse", "-r", "-rec", "-force", "/s", "/q") for arg in lowered)
    named = {lowered[i].rstrip(":"): args[i + 1] for i in range(len(args) - 1) if lowered[i].startswith("-")}
    plain = [
        arg
        for i, arg in enumerate(args)
        if not arg.startswith(("-", "/")) or (arg.startswith("/") and len(arg) > 2)
        if i == 0 or lowered[i - 1] not in _VALUED
    ]
    if name in _TARGETS:
        path = named.get("-path") or named.get("-literalpath") or named.get("-filepath") or next(iter(plain), "")
        if path:
            content = named.get("-value") if _TARGETS[name] is FileOp.WRITE else None
            yield FileUse(
                _TARGETS[name],
                path,
                place,
                recursive=recursive and name == "remove-item",
                append=name in ("add-content", "new-item"),
                content=content,
                program=name,
            )
    elif name in ("copy-item", "move-item"):
        paths = [named.get("-path", ""), *plain]
        found = [p for p in paths if p]
        for source in found[:1]:
            yield FileUse(
                FileOp.READ if name == "copy-item" else FileOp.DELETE,
                source,
                place,
                filtered=True,
                recursive="-recurse" in lowered and name == "copy-item",
                program=name,
            )
        target = named.get("-destination") or (found[1] if len(found) > 1 else "")
        if target:
            yield FileUse(FileOp.WRITE, target, place, program=name)
    elif name in (
        "invoke-webrequest",
        "invoke-restmethod",
        "start-bitstransfer",
        "bitsadmin",
        "certutil",
        "certoc",
        "curl.exe",
        "mpcmdrun",
        "desktopimgdownldr",
        "esentutl",
        "expand",
        "extrac32",
        "replace",
        "hh",
        "ieexec",
        "finger",
        "ftp",
        "tftp",
    ):
        saved = named.get("-outfile") or named.get("-o") or named.get("-destination") or ""
        sends = (named["-infile"],) if "-infile" in named else ()
        for arg in args:
            if "://" in arg:
                yield Contact(
                    arg, place, named.get("-method", "GET").upper(), sends, named.get("-body"), saved, program=name
                )
        if saved:
            yield FileUse(FileOp.WRITE, saved, place, program=name)
    else:
        for arg in args:
            if "://" in arg:
                yield Contact(arg, place, "GET", program=name)
            elif "\\" in arg or re.match(r"[a-zA-Z]:[\\/]", arg):
                yield FileUse(FileOp.READ, arg, place, program=name)
    for index, arg in enumerate(args[:-1]):
        if arg in (">", ">>"):
            yield FileUse(FileOp.WRITE, args[index + 1], place, append=arg == ">>", program=name)
