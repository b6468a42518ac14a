"""Programs that run other programs: from one command to the commands and program texts inside it.

One table for prefixes (`sudo`, `timeout`, `docker exec`...), one for interpreters (`bash -c`, `psql -c`...),
and a few functions for those with a grammar of their own (`find`, `ssh`, `xargs`, `git`, editors).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from toolguard.core.shell.commands.runners import INTERPRETERS, POWERSHELLS, PREFIXES, SHELLS
from toolguard.core.shell.words import Command, Word, below


@dataclass(frozen=True, slots=True)
class Inside:
    """A program text that a command hands to an interpreter."""

    language: str
    """`shell`, `python`, `sql`, `powershell`, `cmd`, or the name of another language."""
    text: str
    known: bool = True
    source: tuple[Command, ...] = ()
    """Commands that produce the text, where it is not known."""


_VERSIONED: Final = re.compile(r"(python|pypy|perl|ruby|php|lua|node|tclsh|pip)\d*(?:\.\d+)*$")  # python3.11 is python
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")  # NAME=value before a command


@lru_cache(maxsize=2048)
def program(name: str) -> str:
    """The name of a program without version or `.exe`, for looking it up."""
    lowered = name.lower()
    if lowered.endswith(".exe"):
        return lowered.removesuffix(".exe")
    match = _VERSIONED.fullmatch(name)
    if match:
        return match[1]
    return "ld.so" if name.startswith(("ld-linux", "ld-musl", "ld.so")) else name


def operand_at(words: tuple[Word, ...], valued: frozenset[str], skip: int = 0, start: int = 1) -> int:
    """Index of the operand number `skip` (from 0), options and their values passed over; len(words) if there is
    none.
    """
    index = start
    while index < len(words):
        text = words[index].text
        if text == "--":
            index += 1
            if skip == 0:
                return index
            skip, valued, index = skip - 1, frozenset(), index + 1
            continue
        if text.startswith("-") and text != "-":
            index += 2 if text in valued else 1
            continue
        if skip == 0:
            return index
        skip -= 1
        index += 1
    return index


_Finder = Callable[[Command], Iterator[Command | Inside]]
"""What finds the commands and texts that one kind of program runs."""


def inside(command: Command) -> tuple[list[Command], list[Inside]]:
    """The commands and program texts that a command runs; both empty for an ordinary one."""
    name = program(command.name)
    commands: list[Command] = []
    texts: list[Inside] = []
    special = _SPECIAL.get(name)
    if special is not None:
        for found in special(command):
            commands.append(found) if isinstance(found, Command) else texts.append(found)
        if commands or texts:
            return commands, texts
    if name in SHELLS:
        return [], list(_shell(command))
    if name in POWERSHELLS or name in ("powershell", "cmd"):
        return [], list(_windows(command, name))
    if name in INTERPRETERS:
        return [], list(_interpreter(command, *INTERPRETERS[name]))
    prefixed = _behind(command, name)
    return ([prefixed] if prefixed is not None else []), texts


def _behind(command: Command, name: str) -> Command | None:
    """The command behind a prefix program."""
    prefix, start = PREFIXES.get(name), 1
    if prefix is None:
        for words in (2, 3):
            key = " ".join([name, *[word.text for word in command.words[1:words]]])
            if len(command.words) > words and key in PREFIXES:
                prefix, start = PREFIXES[key], words
    if prefix is None:
        return None
    at = operand_at(command.words, prefix.valued, prefix.skip, start)
    while at < len(command.words) and (
        _ASSIGNMENT.match(command.words[at].text) or (name == "env" and command.words[at].inner)
    ):
        at += 1  # `env A=1 command`, `env $(cat .env) command`
    if at >= len(command.words) or (name == "command" and command.args[0] in ("-v", "-V", "-pv", "-pV")):
        return None
    return behind(command, command.words[at:], name)


def behind(command: Command, words: tuple[Word, ...], name: str) -> Command:
    """A command that another one runs, at the same place and with the same streams."""
    env = command.env
    if name == "env":
        set_here = [word for word in command.words[: len(command.words) - len(words)] if _ASSIGNMENT.match(word.text)]
        env = tuple((w.text.partition("=")[0], replace(w, text=w.text.partition("=")[2])) for w in set_here)
    return replace(command, words=words, via=(*command.via, name), env=env)


def _option(command: Command, options: frozenset[str]) -> Iterator[Word]:
    """Values of an option: `-c text`, `-ctext` (one letter), `--command=text`."""
    words = command.words
    for index, word in enumerate(words[1:], 1):
        head, eq, value = word.text.partition("=")
        if word.text in options:
            if index + 1 < len(words):
                yield words[index + 1]
        elif eq and head in options:
            yield replace(word, text=value)
        elif len(word.text) > 2 and word.text[:2] in options and not word.text.startswith("--"):
            yield replace(word, text=word.text[2:])


def _shell(command: Command) -> Iterator[Inside]:
    words = command.words
    for index, word in enumerate(words[1:], 1):
        text = word.text
        if re.fullmatch(r"[-+][a-zA-Z]*c[a-zA-Z]*|--command", text) and index + 1 < len(words):
            body = next((w for w in words[index + 1 :] if not w.text.startswith("-")), words[index + 1])
            yield Inside("shell", body.text, body.known, body.inner)
            return
        if not text.startswith(("-", "+")) or text == "-":
            if word.inner:  # bash <(curl ...)
                yield Inside("shell", "", False, word.inner)
            if text not in ("-", "/dev/stdin"):
                return
    if command.stdin is not None:
        yield Inside("shell", command.stdin)
    elif command.upstream is not None:
        yield Inside("shell", "", False, (command.upstream,))


def _interpreter(command: Command, options: frozenset[str], language: str) -> Iterator[Inside]:
    found = False
    for word in _option(command, options):
        found = True
        yield Inside(language, word.text, word.known, word.inner)
    if found:
        return
    operands = [word for word in command.words[1:] if not word.text.startswith("-")]
    if language == "sql" and program(command.name) == "duckdb" and len(operands) > 1:
        yield Inside(language, operands[-1].text, operands[-1].known, operands[-1].inner)
    for word in operands[:1]:
        if word.inner:
            yield Inside(language, "", False, word.inner)
    if language == "sql" or not operands:
        if command.stdin is not None:
            yield Inside(language, command.stdin)
        elif command.upstream is not None:
            yield Inside(language, "", False, (command.upstream,))


def _windows(command: Command, name: str) -> Iterator[Inside]:
    """powershell -Command TEXT, -EncodedCommand BASE64 and cmd /c TEXT: the rest of the line is the text."""
    words = command.words
    for index, word in enumerate(words[1:], 1):
        text = word.text.lower()
        rest = words[index + 1 :]
        known = all(w.known for w in rest)
        if name == "cmd":
            if text in ("/c", "/k", "/r", "//c"):
                yield Inside("cmd", " ".join(w.text for w in rest), known)
                return
        elif (
            text.startswith("-e") and text not in ("-executionpolicy", "-ep", "-ex", "-exec", "-executionpol") and rest
        ):
            yield Inside("powershell-encoded", rest[0].text, rest[0].known)
            return
        elif text in ("-c", "-command", "/c", "-com", "-comm") or (not text.startswith(("-", "/")) and index == 1):
            body = rest if text.startswith(("-", "/")) else words[index:]
            yield Inside(
                "powershell",
                " ".join(w.text for w in body),
                all(w.known for w in body),
                tuple(c for w in body for c in w.inner),
            )
            return


# --- programs with a grammar of their own ----------------------------------------------------------------------------


def _find(command: Command) -> Iterator[Command | Inside]:
    words = command.words
    name = next((words[i + 1].text for i, word in enumerate(words[:-1]) if word.text in ("-name", "-iname")), "*")
    roots = tuple(word for word in _roots(words)) or (Word("."),)
    for index, word in enumerate(words):
        if word.text not in ("-exec", "-execdir", "-ok", "-okdir"):
            continue
        end = next((i for i in range(index + 1, len(words)) if words[i].text in (";", "+")), len(words))
        body: list[Word] = []
        for part in words[index + 1 : end]:
            if part.text == "{}":
                body += [replace(root, text=f"{root.text.rstrip('/')}/{name}") for root in roots]
            elif "{}" in part.text:
                body.append(replace(part, text=part.text.replace("{}", f"{roots[0].text.rstrip('/')}/{name}")))
            else:
                body.append(part)
        if body:
            yield behind(command, tuple(body), "find")


def _roots(words: tuple[Word, ...]) -> Iterator[Word]:
    for word in words[1:]:
        if word.text.startswith("-") and word.text in ("-H", "-L", "-P"):
            continue
        if word.text.startswith(("-", "(", "!")):
            return
        yield word


def _xargs(command: Command) -> Iterator[Command | Inside]:
    valued = frozenset("-I -n -P -L -d -s -a -E --max-args --max-procs --replace --delimiter --arg-file".split())
    at = operand_at(command.words, valued)
    words = command.words[at:]
    if not words:
        return
    fed = (
        tuple(Word(text) for text in command.stdin.split()[:50])
        if command.stdin is not None
        else (Word(_fed_from(command.upstream), False),)
    )
    marker = next(
        (w.text for w in _option(command, frozenset({"-I", "--replace"}))), "{}" if "-i" in command.args else ""
    )
    if marker:
        body = tuple(replace(w, text=w.text.replace(marker, fed[0].text if fed else "")) for w in words)
    else:
        body = words + fed
    yield replace(behind(command, body, "xargs"), stdin=None, upstream=None)


def _fed_from(upstream: Command | None) -> str:
    """Where the words that xargs appends come from: below the roots of a find, else unknown."""
    if upstream is not None and upstream.name == "find":
        return below(upstream)
    return "$(...)"


_SSH_VALUED: Final = frozenset("-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w".split())


def _ssh(command: Command) -> Iterator[Command | Inside]:
    for word in _option(command, frozenset({"-o"})):
        name, _, value = word.text.partition("=")
        if name.strip().lower() in ("proxycommand", "localcommand", "knownhostscommand"):
            yield Inside("shell", value.lstrip(";"), word.known)
    at = operand_at(command.words, _SSH_VALUED)
    rest = command.words[at + 1 :]
    if rest:
        yield Inside(
            "shell", " ".join(w.text for w in rest), all(w.known for w in rest), tuple(c for w in rest for c in w.inner)
        )
    elif command.stdin is not None and at < len(command.words):
        yield Inside("shell", command.stdin)


def _joined(command: Command) -> Iterator[Command | Inside]:
    words = command.words[1:]
    if words:
        text = " ".join(word.text for word in words)
        yield Inside("shell", text, all(w.known for w in words), tuple(c for w in words for c in w.inner))


def _sourced(command: Command) -> Iterator[Command | Inside]:
    for word in command.words[1:2]:
        if word.inner:
            yield Inside("shell", "", False, word.inner)
        elif word.text in ("/dev/stdin", "-"):
            yield from _shell(replace(command, words=command.words[:1]))


def _quoted_command(*options: str) -> _Finder:
    chosen = frozenset(options)

    def found(command: Command) -> Iterator[Command | Inside]:
        for word in _option(command, chosen):
            yield Inside("shell", word.text, word.known, word.inner)

    return found


def _su(command: Command) -> Iterator[Command | Inside]:
    for word in _option(command, frozenset({"-c", "--command", "--session-command"})):
        yield Inside("shell", word.text, word.known, word.inner)


def _runuser(command: Command) -> Iterator[Command | Inside]:
    yield from _su(command)
    at = operand_at(command.words, frozenset({"-u", "-g", "-G", "--user"}))
    if "-u" in command.args and at < len(command.words):
        yield behind(command, command.words[at:], "runuser")


def _env(command: Command) -> Iterator[Command | Inside]:
    for word in _option(command, frozenset({"-S", "--split-string"})):
        yield Inside("shell", word.text, word.known)


def _scheduled(command: Command) -> Iterator[Command | Inside]:
    """at, batch: what arrives on standard input runs later."""
    if command.stdin is not None:
        yield Inside("shell", command.stdin)


def _kubectl(command: Command) -> Iterator[Command | Inside]:
    if not {"exec", "run", "debug"} & set(command.args[:6]):
        return
    for index, word in enumerate(command.words):
        if word.text == "--" and index + 1 < len(command.words):
            yield behind(command, command.words[index + 1 :], "kubectl")
            return


def _git(command: Command) -> Iterator[Command | Inside]:
    for word in _option(command, frozenset({"-c"})):
        name, _, value = word.text.partition("=")
        if value.startswith("!"):
            yield Inside("shell", value[1:], word.known)
        elif name.lower() in (
            "core.pager",
            "core.editor",
            "core.sshcommand",
            "core.fsmonitor",
            "sequence.editor",
            "diff.external",
        ):
            yield Inside("shell", value, word.known)
    args = command.args
    for marker in ("foreach", "run", "--exec", "-x", "--tree-filter", "--index-filter", "--msg-filter"):
        if marker in args and {"submodule", "bisect", "rebase", "filter-branch"} & set(args):
            rest = command.words[args.index(marker) + 2 :]
            if marker == "run":
                yield behind(command, rest, "git")
            else:
                yield Inside("shell", " ".join(word.text for word in rest if not word.text.startswith("-")))


def _trap(command: Command) -> Iterator[Command | Inside]:
    for word in command.words[1:2]:
        if not word.text.startswith("-"):
            yield Inside("shell", word.text, word.known)


def _last(command: Command) -> Iterator[Command | Inside]:
    """tmux new 'cmd', screen -dm cmd, script -c: the words after the options, joined."""
    at = operand_at(command.words, frozenset("-t -s -S -n -c -F -x -y -L -f -e".split()))
    words = command.words[at:]
    if (
        command.name == "tmux"
        and words
        and words[0].text
        in ("new", "new-session", "new-window", "neww", "split-window", "respawn-pane", "run-shell", "send-keys", "run")
    ):
        inner = replace(command, words=(words[0], *words[1:]))
        start = operand_at(inner.words, frozenset("-t -s -S -n -c -F -x -y -e".split()))
        words = tuple(w for w in inner.words[start:] if w.text not in ("Enter", "C-m"))
        if words:
            yield Inside("shell", " ".join(word.text for word in words))
    elif command.name == "screen" and words:
        yield Inside("shell", " ".join(word.text for word in words))


def _sqlite(command: Command) -> Iterator[Command | Inside]:
    operands = [word for word in command.words[1:] if not word.text.startswith("-")]
    for word in operands[1:]:
        if word.text.startswith((".shell", ".system")):
            yield Inside("shell", word.text.partition(" ")[2], word.known)
        else:
            yield Inside("sql", word.text, word.known, word.inner)
    if len(operands) < 2 and command.stdin is not None:
        yield Inside("sql", command.stdin)


def _start_stop(command: Command) -> Iterator[Command | Inside]:
    for word in _option(command, frozenset({"-x", "--exec", "-a", "--startas"})):
        yield behind(command, (word,), command.name)


def _fd(command: Command) -> Iterator[Command | Inside]:
    for index, word in enumerate(command.words):
        if word.text in ("-x", "-X", "--exec", "--exec-batch"):
            yield behind(command, (*command.words[index + 1 :], Word("./*", False)), "find")
            return


def _cloud_ssh(command: Command) -> Iterator[Command | Inside]:
    for word in _option(command, frozenset({"--command", "--scripts"})):
        yield Inside("shell", word.text, word.known, word.inner)


def _ansible(command: Command) -> Iterator[Command | Inside]:
    modules = {word.text for word in _option(command, frozenset({"-m", "--module-name"}))}
    if not modules or modules & {"shell", "command", "raw", "ansible.builtin.shell", "ansible.builtin.command"}:
        for word in _option(command, frozenset({"-a", "--args"})):
            yield Inside("shell", word.text, word.known)


_SPECIAL: Final[dict[str, _Finder]] = {
    "find": _find,
    "gfind": _find,
    "fd": _fd,
    "fdfind": _fd,
    "xargs": _xargs,
    "gxargs": _xargs,
    "ssh": _ssh,
    "autossh": _ssh,
    "sftp": _quoted_command("-D"),
    "plink": _ssh,
    "eval": _joined,
    "source": _sourced,
    ".": _sourced,
    "su": _su,
    "runuser": _runuser,
    "env": _env,
    "at": _scheduled,
    "batch": _scheduled,
    "kubectl": _kubectl,
    "oc": _kubectl,
    "git": _git,
    "trap": _trap,
    "tmux": _last,
    "screen": _last,
    "script": _quoted_command("-c", "--command"),
    "sg": _quoted_command("-c"),
    "vagrant": _quoted_command("-c", "--command"),
    "watch": _joined,
    "sqlite3": _sqlite,
    "sqlite": _sqlite,
    "start-stop-daemon": _start_stop,
    "gcloud": _cloud_ssh,
    "az": _cloud_ssh,
    "ansible": _ansible,
    "wsl": _quoted_command("-e", "--exec"),
    "coproc": _joined,
}
