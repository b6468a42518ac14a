"""Programs with a grammar of their own that run others: `find -exec`, `xargs`, `ssh`, `git`, terminals, editors.

Each function finds the commands and texts inside one such command; LAUNCHERS at the end says which program is whose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from toolguard.core.shell import expand
from toolguard.core.shell.inner import Finder, Inside, behind, operand_at, option_words
from toolguard.core.shell.texts import TEXTS, words_or_text
from toolguard.core.shell.words import Command, Word, below


def shell_text(command: Command) -> Iterator[Inside]:
    words = command.words
    for index, word in enumerate(words[1:], 1):
        text = word.text
        if words[index - 1].text in ("-o", "+o", "-O", "+O", "--rcfile", "--init-file"):
            continue  # the value of that option
        if re.fullmatch(r"[-+][a-zA-Z]*c[a-zA-Z]*|--command", text) and index + 1 < len(words):
            body = next((w for w in words[index + 1 :] if not w.text.startswith("-")), words[index + 1])
            yield Inside("shell", body.text, body.known, body.inner)
            return
        if re.fullmatch(r"-[a-zA-Z]*s[a-zA-Z]*|-", text):  # what follows are arguments of the text on standard input
            break
        if not text.startswith(("-", "+")):
            if word.inner:  # bash <(curl ...)
                yield from _substituted(word)
            if text != "/dev/stdin":
                return
    if command.stdin is not None:
        yield Inside("shell", command.stdin)
    elif command.upstream is not None:
        yield Inside("shell", "", False, (command.upstream,))


def _substituted(word: Word) -> Iterator[Inside]:
    """The text of `<(...)`, where its commands settle it."""
    text = expand.output(word.inner[-1])
    yield Inside("shell", "", False, word.inner) if text is None else Inside("shell", text)


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
        (w.text for w in option_words(command, frozenset({"-I", "--replace"}))), "{}" if "-i" in command.args else ""
    )
    if marker:
        source = (command.upstream,) if command.upstream is not None and command.stdin is None else ()
        body = tuple(_filled(w, marker, fed[0].text if fed else "", source) for w in words)
    else:
        body = words + fed
    yield replace(behind(command, body, "xargs"), stdin=None, upstream=None)


def _filled(word: Word, marker: str, text: str, source: tuple[Command, ...]) -> Word:
    """A word with its marker replaced; one that says more than the marker carries the content of the source along."""
    if marker not in word.text:
        return word
    return replace(word, text=word.text.replace(marker, text), inner=source if word.text != marker else word.inner)


def _fed_from(upstream: Command | None) -> str:
    """Where the words that xargs appends come from: below the roots of a find, else unknown."""
    if upstream is not None and upstream.name == "find":
        return below(upstream)
    return "$(...)"


_SSH_VALUED: Final = frozenset("-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w".split())


def _ssh(command: Command) -> Iterator[Command | Inside]:
    for word in option_words(command, frozenset({"-o"})):
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


def _coprocess(command: Command) -> Iterator[Command | Inside]:
    if len(command.words) > 1:
        yield behind(command, command.words[1:], "coproc")


def _sourced(command: Command) -> Iterator[Command | Inside]:
    for word in command.words[1:2]:
        if word.inner:
            yield from _substituted(word)
        elif word.text in ("/dev/stdin", "-"):
            yield from shell_text(replace(command, words=command.words[:1]))


def _su(command: Command) -> Iterator[Command | Inside]:
    for word in option_words(command, frozenset({"-c", "--command", "--session-command"})):
        yield Inside("shell", word.text, word.known, word.inner)


def _runuser(command: Command) -> Iterator[Command | Inside]:
    yield from _su(command)
    at = operand_at(command.words, frozenset({"-u", "-g", "-G", "--user"}))
    if "-u" in command.args and at < len(command.words):
        yield behind(command, command.words[at:], "runuser")


def _env(command: Command) -> Iterator[Command | Inside]:
    for word in option_words(command, frozenset({"-S", "--split-string"})):
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
    for word in option_words(command, frozenset({"-c"})):
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
        yield from words_or_text(command, words)
    elif command.name == "screen":
        yield from words_or_text(command, words)


def _start_stop(command: Command) -> Iterator[Command | Inside]:
    for word in option_words(command, frozenset({"-x", "--exec", "-a", "--startas"})):
        yield behind(command, (word,), command.name)


def _fd(command: Command) -> Iterator[Command | Inside]:
    for index, word in enumerate(command.words):
        if word.text in ("-x", "-X", "--exec", "--exec-batch"):
            yield behind(command, (*command.words[index + 1 :], Word("./*", False)), "find")
            return


LAUNCHERS: Final[dict[str, Finder]] = {
    **TEXTS,
    "find": _find,
    "gfind": _find,
    "fd": _fd,
    "fdfind": _fd,
    "xargs": _xargs,
    "gxargs": _xargs,
    "ssh": _ssh,
    "autossh": _ssh,
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
    "watch": _joined,
    "start-stop-daemon": _start_stop,
    "coproc": _coprocess,
}
