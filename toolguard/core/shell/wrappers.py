"""Programs that run other programs: from one command to the commands and program texts inside it.

One table for prefixes (`sudo`, `timeout`, `docker exec`...), one for interpreters (`bash -c`, `psql -c`...),
and core/shell/launchers.py for those with a grammar of their own (`find`, `ssh`, `xargs`, `git`, editors).
"""

from __future__ import annotations

from collections.abc import Iterator

from toolguard.core.shell.commands.runners import INTERPRETERS, POWERSHELLS, PREFIXES, SHELLS
from toolguard.core.shell.inner import ASSIGNMENT, Inside, behind, operand_at, option_words, program
from toolguard.core.shell.launchers import LAUNCHERS, shell_text
from toolguard.core.shell.words import Command

__all__ = ["Inside", "inside", "program"]


def inside(command: Command) -> tuple[list[Command], list[Inside]]:
    """The commands and program texts that a command runs; both empty for an ordinary one."""
    name = program(command.name)
    commands: list[Command] = []
    texts: list[Inside] = []
    special = LAUNCHERS.get(name)
    if special is not None:
        for found in special(command):
            commands.append(found) if isinstance(found, Command) else texts.append(found)
        if commands or texts:
            return commands, texts
    if name in SHELLS:
        return [], list(shell_text(command))
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
        ASSIGNMENT.match(command.words[at].text) or (name == "env" and command.words[at].inner)
    ):
        at += 1  # `env A=1 command`, `env $(cat .env) command`
    if at >= len(command.words) or (name == "command" and command.args[0] in ("-v", "-V", "-pv", "-pV")):
        return None
    return behind(command, command.words[at:], name)


def _interpreter(command: Command, options: frozenset[str], language: str) -> Iterator[Inside]:
    found = False
    for word in option_words(command, options):
        found = True
        yield Inside(language, word.text, word.known, word.inner)
    if found:
        return
    operands = [word for word in command.words[1:] if not word.text.startswith("-")]
    if language != "sql" and any(word.text == "-" for word in command.words[1:3]):
        operands = []  # `python3 - --yes`: the text comes from the pipe, the rest are its arguments
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
