"""What the shell does to text before a command sees it, and what `echo` and its kin print: settled without running
anything.

Everything here works on strings and is bounded by their length; what cannot be settled is None.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from toolguard.core.shell.words import Command

MAX_OUTPUT: Final = 65_536
MAX_GROWTH: Final = 1_000_000
"""Characters that replacing or repeating may produce."""
MAX_BRACES: Final = 64

FIXED: Final = {"HOME": "~", "IFS": " ", "USER": "user", "PWD": ".", "SHELL": "/bin/sh", "EUID": "1000", "UID": "1000"}
"""Variables that every shell has, by the value that matters for judging."""

_ESCAPE: Final = re.compile(r"\\(\n|.)", re.DOTALL)  # a backslash outside quotes keeps the next character, joins lines
_ESCAPE_DOUBLE: Final = re.compile(r"\\([$`\"\\])|\\\n")  # inside double quotes only these are escapes
# Backslash sequences of $'...' and of printf and echo -e.
_ANSI: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|0?([0-7]{1,3})|(.))", re.DOTALL
)
_ANSI_LETTERS: Final = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}
_PARAMETER: Final = re.compile(r"[!#]?([A-Za-z_]\w*|[0-9@*#?$!-])")  # the name at the start of ${...}
_SLICE: Final = re.compile(r":\s*(-?\d+)(?::\s*(-?\d+))?$")  # ${name:offset:length}


def unescape(text: str) -> str:
    """A word outside quotes without its backslashes."""
    return _ESCAPE.sub(lambda m: "" if m[1] == "\n" else m[1], text) if "\\" in text else text


def unescape_double(text: str) -> str:
    """The inside of double quotes without its escapes."""
    return _ESCAPE_DOUBLE.sub(lambda m: m[1] or "", text) if "\\" in text else text


def ansi_c(text: str) -> str:
    """The escapes of $'...', `printf` and `echo -e`, replaced."""
    return _ANSI.sub(_ansi, text) if "\\" in text else text


def _ansi(match: re.Match[str]) -> str:
    for digits, radix in ((match[1] or match[2] or match[3], 16), (match[4], 8)):
        if digits:
            code = int(digits, radix)
            return chr(code) if code < 0x110000 else "�"
    letter = match[5]
    return _ANSI_LETTERS.get(letter, letter if letter in "\\'\"?" else "\\" + letter)


def braces(text: str) -> list[str]:
    """`a{b,c}` as `ab` and `ac`; a text without such a group is one word."""
    words, done = [text], False
    while not done and len(words) < MAX_BRACES:
        done = True
        for index, word in enumerate(words):
            group = _group(word)
            if group is not None:
                start, end, parts = group
                words[index : index + 1] = [word[:start] + part + word[end:] for part in parts]
                done = False
                break
    return [word for word in words if word] or [text]


def _group(word: str) -> tuple[int, int, list[str]] | None:
    """The first innermost `{a,b}` of a word."""
    close = word.find("}")
    while close != -1:
        start = word.rfind("{", 0, close)
        if start != -1 and word[start - 1 : start] != "$":
            parts = word[start + 1 : close].split(",")
            if len(parts) > 1:
                return start, close + 1, parts
        close = word.find("}", close + 1)
    return None


def parameter_name(body: str) -> str:
    """The variable of `${body}`."""
    match = _PARAMETER.match(body)
    return match[1] if match else ""


def parameter(body: str, name: str, value: str | None) -> str | None:
    """`${body}` when `name` has this value (None: not known); None when the result is not known either."""
    if body.startswith(("!", "#")):
        return None
    rest = body[len(name) :]
    if not rest:
        return value
    if name == "PATH" and _SLICE.match(rest):  # ${PATH:0:1} is the usual way to write a slash without one
        value = "/usr/local/bin"
    if name == "HOME" and _SLICE.match(rest):
        value = "/home/user"
    if (rest[0] == ":" and rest[1:2] in ("-", "=")) or rest[0] in "-=":
        return value or rest.lstrip(":")[1:].strip("\"'")
    if (rest[0] == ":" and rest[1:2] == "+") or rest[0] == "+":
        return rest.lstrip(":")[1:].strip("\"'") if value else ("" if value is not None else None)
    if value is None:
        return None
    return _edited(rest, value)


def _edited(rest: str, value: str) -> str | None:
    """Cutting, replacing and changing case of a known value."""
    cut = _SLICE.match(rest)
    if cut:
        start = int(cut[1])
        length = None if cut[2] is None else int(cut[2])
        tail = value[start:]
        return tail if length is None else tail[:length]
    if rest.startswith("/"):
        pattern, _, replacement = rest.lstrip("/").partition("/")
        if any(c in pattern for c in "*?[") or not pattern or len(value) * len(replacement) > MAX_GROWTH:
            return None
        return value.replace(pattern, replacement) if rest.startswith("//") else value.replace(pattern, replacement, 1)
    simple = {
        "^^": value.upper(),
        ",,": value.lower(),
        "^": value[:1].upper() + value[1:],
        ",": value[:1].lower() + value[1:],
    }
    if rest in simple:
        return simple[rest]
    trimmed = rest.lstrip("#%")
    if not any(c in trimmed for c in "*?["):
        return value.removeprefix(trimmed) if rest[0] == "#" else value.removesuffix(trimmed)
    return None


def output(command: Command) -> str | None:
    """What a command prints, where its text alone settles that; None otherwise."""
    if not command.words or not all(word.known for word in command.words):
        return None
    if any(redirect.op in (">", ">>", "&>", "&>>") and redirect.fd in ("", "1") for redirect in command.redirects):
        return None
    printer = _PRINTERS.get(command.name)
    if printer is None:
        return None
    try:
        text = printer(list(command.args), command.stdin)
    except (ValueError, binascii.Error, IndexError):
        return None
    return text if text is None or len(text) <= MAX_OUTPUT else None


def _echo(args: list[str], _: str | None) -> str:
    flags = ""
    while args and re.fullmatch(r"-[neE]+", args[0]):
        flags += args.pop(0)[1:]
    text = " ".join(args)
    if "e" in flags:
        text = ansi_c(text)
    return text if "n" in flags else text + "\n"


def _printf(args: list[str], _: str | None) -> str | None:
    if args and args[0] == "--":
        args = args[1:]
    if not args or args[0] == "-v":
        return None
    form, values = ansi_c(args[0]), args[1:]
    slots = len(re.findall(r"%[sbqdxc]", form))
    if not values or not slots:
        return form.replace("%%", "%").replace("%s", "")
    if len(form) * (len(values) // slots + 1) > MAX_GROWTH:
        return None
    out = ""
    while values:
        out += _filled(form, values[:slots])
        values = values[slots:]
    return out.replace("%%", "%")


def _filled(form: str, values: list[str]) -> str:
    """A format of printf with its slots filled in order."""
    rest = iter(values)
    return re.sub(r"%([sbqdxc])", lambda m: ansi_c(next(rest, "")) if m[1] == "b" else next(rest, ""), form)


def _cat(args: list[str], stdin: str | None) -> str | None:
    return stdin if not [arg for arg in args if arg != "-"] else None


def _base64(args: list[str], stdin: str | None) -> str | None:
    if stdin is None:
        return None
    if any(arg in ("-d", "-D", "--decode", "-di", "-id", "-d -i") for arg in args):
        compact = "".join(stdin.split())
        return base64.b64decode(compact + "=" * (-len(compact) % 4)).decode("utf-8", "replace")
    return base64.b64encode(stdin.encode()).decode() + "\n"


def _base32(args: list[str], stdin: str | None) -> str | None:
    if stdin is None or not any(arg in ("-d", "-D", "--decode") for arg in args):
        return None
    return base64.b32decode("".join(stdin.split())).decode("utf-8", "replace")


def _xxd(args: list[str], stdin: str | None) -> str | None:
    if stdin is None or not any("r" in arg for arg in args if arg.startswith("-")):
        return None
    return bytes.fromhex("".join(stdin.split())).decode("utf-8", "replace")


def _openssl(args: list[str], stdin: str | None) -> str | None:
    if stdin is None or "-d" not in args or not ("base64" in args or "-base64" in args or "-a" in args):
        return None
    return base64.b64decode("".join(stdin.split())).decode("utf-8", "replace")


def _rev(_: list[str], stdin: str | None) -> str | None:
    return None if stdin is None else "\n".join(line[::-1] for line in stdin.split("\n"))


def _tac(_: list[str], stdin: str | None) -> str | None:
    return None if stdin is None else "\n".join(reversed(stdin.splitlines())) + "\n"


_SETS: Final = {"[:upper:]": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "[:lower:]": "abcdefghijklmnopqrstuvwxyz"}
_RANGE: Final = re.compile(r"(.)-(.)", re.DOTALL)  # a-z in the sets of tr


def _tr(args: list[str], stdin: str | None) -> str | None:
    if stdin is None or not args:
        return None
    sets = [
        _RANGE.sub(lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))), _SETS.get(arg, ansi_c(arg)))
        for arg in args
        if not arg.startswith("-")
    ]
    if "-d" in args:
        return stdin.translate({ord(c): None for c in sets[0]})
    if args[0].startswith("-") or len(sets) != 2 or not sets[1]:
        return None
    source, target = sets[0], sets[1].ljust(len(sets[0]), sets[1][-1])
    return stdin.translate({ord(a): b for a, b in zip(source, target, strict=False)})


def _which(args: list[str], _: str | None) -> str | None:
    return f"/usr/bin/{args[-1]}\n" if args and not args[-1].startswith("-") else None


def _sed(args: list[str], stdin: str | None) -> str | None:
    """Only plain replacements, the ones used to disguise a word."""
    match = re.fullmatch(r"s(.)([^.*\[\\^$]*)\1([^&\\]*)\1(g?)", args[-1], re.DOTALL) if args else None
    if stdin is None or match is None or len(args) > 1 or not match[2] or len(stdin) * len(match[3]) > MAX_GROWTH:
        return None
    return stdin.replace(match[2], match[3], -1 if match[4] else 1)


def _rot13(_: list[str], stdin: str | None) -> str | None:
    return None if stdin is None else codecs.encode(stdin, "rot13")


_PRINTERS: Final[dict[str, Callable[[list[str], str | None], str | None]]] = {
    "echo": _echo,
    "printf": _printf,
    "cat": _cat,
    "base64": _base64,
    "base32": _base32,
    "xxd": _xxd,
    "openssl": _openssl,
    "rev": _rev,
    "tac": _tac,
    "tr": _tr,
    "sed": _sed,
    "which": _which,
    "mktemp": lambda _, __: "/tmp/tmp.XXXXXX\n",  # noqa: S108 - what it would print
    "rot13": _rot13,
    "pwd": lambda _, __: ".\n",
}
