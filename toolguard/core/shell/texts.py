"""Ordinary programs that take a program text or a command as an argument: `vim -c`, `tar --to-command`, `bq query`.

Each function finds the texts inside one such command; TEXTS at the end says which program is whose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from toolguard.core.shell.inner import Finder, Inside, behind, option_words
from toolguard.core.shell.words import Command, Word


def _runs_text(language: str, *subcommands: str) -> Finder:
    """`rails runner TEXT`: the word behind a subcommand is a program."""
    chosen = frozenset(subcommands)

    def found(command: Command) -> Iterator[Command | Inside]:
        words = command.words
        for index, word in enumerate(words[:-1]):
            if word.text in chosen:
                texts = [w for w in words[index + 1 :] if not w.text.startswith("-")]
                yield from (Inside(language, w.text, w.known, w.inner) for w in texts[-1:])
                return

    return found


def option_text(language: str, *options: str) -> Finder:
    """The value of an option is a program."""
    chosen = frozenset(options)

    def found(command: Command) -> Iterator[Command | Inside]:
        for word in option_words(command, chosen):
            yield Inside(language, word.text, word.known, word.inner)

    return found


def _each(command: Command) -> Iterator[Command | Inside]:
    """hyperfine 'a' 'b', concurrently 'a' 'b': each operand is a text for a shell."""
    for word in command.words[1:]:
        if " " in word.text and not word.text.startswith("-"):
            yield Inside("shell", word.text, word.known)


def _python(command: Command) -> Iterator[Command | Inside]:
    """python -m pip, python manage.py shell -c TEXT."""
    words = command.words
    for index, word in enumerate(words[1:-1], 1):
        if word.text == "-m":
            yield behind(command, words[index + 1 :], "python")
            return
        if not word.text.startswith("-"):
            if word.text.endswith("manage.py"):
                yield from _project_script(replace(command, words=words[index:]))
            return


def _project_script(command: Command) -> Iterator[Command | Inside]:
    for word in option_words(command, frozenset({"-c", "--command"})):
        yield Inside("sql" if "dbshell" in command.args else "python", word.text, word.known, word.inner)


def _cloud(command: Command) -> Iterator[Command | Inside]:
    yield from _cloud_ssh(command)
    if "ssh" in command.args[:4]:
        yield from _after_dashes(command)
    for word in option_words(command, frozenset({"--sql"})):
        yield Inside("sql", word.text, word.known)


def _cloud_ssh(command: Command) -> Iterator[Command | Inside]:
    for word in option_words(command, frozenset({"--command", "--scripts"})):
        yield Inside("shell", word.text, word.known, word.inner)


def _aws(command: Command) -> Iterator[Command | Inside]:
    for word in option_words(command, frozenset({"--sql", "--query-string"})):
        yield Inside("sql", word.text, word.known)
    if "execute-command" in command.args[:3]:
        for word in option_words(command, frozenset({"--command"})):
            yield Inside("shell", word.text, word.known)
    if "send-command" in command.args[:3]:
        for word in option_words(command, frozenset({"--parameters"})):
            for text in _SSM_COMMANDS.findall(word.text):
                yield Inside("shell", text.strip(" []\"'"), word.known)


_SSM_COMMANDS: Final = re.compile(r"commands\"?\s*[=:]\s*(\[[^\]]*\]|[^,]+)")  # commands=["a","b"], commands=a


def _editor(command: Command) -> Iterator[Command | Inside]:
    """vim -c ':!CMD', vim +':r !CMD': what an editor hands to the shell."""
    given = list(option_words(command, frozenset({"-c", "--cmd"})))
    given += [replace(word, text=word.text[1:]) for word in command.words[1:] if word.text.startswith("+")]
    for word in given:
        escape = _EDITOR_ESCAPE.match(word.text)
        if escape:
            yield Inside("shell", escape[1], word.known)


_EDITOR_ESCAPE: Final = re.compile(
    r":?\s*(?:\d+|%|\$)?\s*(?:r(?:ead)?\s*|w(?:rite)?\s*|sil(?:ent)?!?\s+)?!\s*(.+)", re.DOTALL
)


def _debugger(command: Command) -> Iterator[Command | Inside]:
    for word in option_words(command, frozenset({"-ex", "-iex", "--eval-command", "-o"})):
        head, _, rest = word.text.strip().partition(" ")
        if head in ("shell", "!", "pipe") or head.startswith("!"):
            yield Inside("shell", rest if head != "!" + head[1:] else word.text.strip()[1:], word.known)
        elif head in ("python", "py", "python-interactive", "pi", "script"):
            yield Inside("python", rest, word.known)


def _archiver(command: Command) -> Iterator[Command | Inside]:
    """tar --checkpoint-action=exec=CMD, --to-command=CMD, -I CMD, zip -TT CMD."""
    for word in option_words(command, frozenset({"--checkpoint-action"})):
        if word.text.startswith("exec="):
            yield Inside("shell", word.text[5:], word.known)
    options = frozenset(
        {"--to-command", "--use-compress-program", "--rsh-command", "--info-script", "--new-volume-script"}
    )
    for word in option_words(command, options):
        yield Inside("shell", word.text, word.known)


def _made(command: Command) -> Iterator[Command | Inside]:
    """make -f - reads its rules from standard input; lines that begin with a tab go to a shell."""
    if command.stdin is not None and any(arg in ("-f-", "-", "/dev/stdin") for arg in command.args):
        for line in command.stdin.splitlines():
            if line.startswith("\t"):
                yield Inside("shell", line.lstrip("\t@-+"))
    for word in option_words(command, frozenset({"--eval"})):
        for text in _MAKE_SHELL.findall(word.text):
            yield Inside("shell", text, word.known)


_MAKE_SHELL: Final = re.compile(r"\$\(shell\s+([^)]+)\)")


def _after_dashes(command: Command) -> Iterator[Command | Inside]:
    """doppler run -- CMD, colima ssh -- CMD: what stands behind the two dashes."""
    for index, word in enumerate(command.words):
        if word.text == "--" and index + 1 < len(command.words):
            yield from words_or_text(command, command.words[index + 1 :])
            return


def _after_execute(command: Command) -> Iterator[Command | Inside]:
    """xterm -e CMD: the rest of the line."""
    for index, word in enumerate(command.words[:-1]):
        if word.text in ("-e", "-x", "--execute", "--command"):
            yield from words_or_text(command, command.words[index + 1 :])
            return


def words_or_text(command: Command, words: tuple[Word, ...]) -> Iterator[Command | Inside]:
    """One word is a text for a shell, several are a command and its words."""
    if len(words) == 1:
        yield Inside("shell", words[0].text, words[0].known, words[0].inner)
    elif words:
        yield behind(command, words, command.name)


def _sqlite(command: Command) -> Iterator[Command | Inside]:
    operands = [word for word in command.words[1:] if not word.text.startswith("-")]
    told = [word.text for word in operands[1:]] or [command.stdin or "."]
    if operands and operands[0].text == ":memory:" and not any(_LEAVES_MEMORY.search(text) for text in told):
        return  # it is gone when the command ends
    for word in operands[1:]:
        if word.text.startswith((".shell", ".system")):
            yield Inside("shell", word.text.partition(" ")[2], word.known)
        else:
            yield Inside("sql", word.text, word.known, word.inner)
    if len(operands) < 2 and command.stdin is not None:
        yield Inside("sql", command.stdin)


_LEAVES_MEMORY: Final = re.compile(
    r"\battach\b|\binto\s+['\"]|^\s*\.|\b(?:writefile|readfile|load_extension|edit|fileio)\b",
    re.IGNORECASE | re.MULTILINE,
)
"""What reaches a file from a database in memory: another database, a copy, the shell's own commands and functions."""


def _ansible(command: Command) -> Iterator[Command | Inside]:
    modules = {word.text for word in option_words(command, frozenset({"-m", "--module-name"}))}
    if not modules or modules & {"shell", "command", "raw", "ansible.builtin.shell", "ansible.builtin.command"}:
        for word in option_words(command, frozenset({"-a", "--args"})):
            yield Inside("shell", word.text, word.known)


TEXTS: Final[dict[str, Finder]] = {
    "sftp": option_text("shell", "-D"),
    "python": _python,
    "manage.py": _project_script,
    "django-admin": _project_script,
    "rails": _runs_text("ruby", "runner", "r"),
    "bin/rails": _runs_text("ruby", "runner", "r"),
    "gitlab-rails": _runs_text("ruby", "runner"),
    "bq": _runs_text("sql", "query"),
    "turso": _runs_text("sql", "shell"),
    "databricks": _runs_text("sql", "execute"),
    "snow": option_text("sql", "-q", "--query"),
    "wrangler": option_text("sql", "--command"),
    "heroku": option_text("sql", "-c", "--command"),
    "artisan": option_text("php", "--execute"),
    "aws": _aws,
    "vi": _editor,
    "vim": _editor,
    "nvim": _editor,
    "ex": _editor,
    "view": _editor,
    "gdb": _debugger,
    "lldb": _debugger,
    "tar": _archiver,
    "bsdtar": _archiver,
    "gtar": _archiver,
    "rsync": option_text("shell", "-e", "--rsh", "--rsync-path"),
    "zip": option_text("shell", "-TT", "--unzip-command"),
    "invoke-sqlcmd": option_text("sql", "-Query", "-query", "-q"),
    "Invoke-Sqlcmd": option_text("sql", "-Query", "-query", "-q"),
    "make": _made,
    "gmake": _made,
    "hyperfine": _each,
    "concurrently": _each,
    "nodemon": option_text("shell", "-x", "--exec"),
    "nix-shell": option_text("shell", "--run", "--command"),
    "flyctl": option_text("shell", "-C", "--command"),
    "fly": option_text("shell", "-C", "--command"),
    "xterm": _after_execute,
    "konsole": _after_execute,
    "alacritty": _after_execute,
    "kitty": _after_execute,
    "gnome-terminal": _after_dashes,
    "multipass": _after_dashes,
    "colima": _after_dashes,
    "limactl": _after_dashes,
    "doppler": _after_dashes,
    "op": _after_dashes,
    "aws-vault": _after_dashes,
    "chamber": _after_dashes,
    "dotenv": _after_dashes,
    "dotenvx": _after_dashes,
    "infisical": _after_dashes,
    "guix": _after_dashes,
    "mosh": _after_dashes,
    "nomad": _after_dashes,
    "watchexec": _after_dashes,
    "sops": _each,
    "script": option_text("shell", "-c", "--command"),
    "sg": option_text("shell", "-c"),
    "vagrant": option_text("shell", "-c", "--command"),
    "sqlite3": _sqlite,
    "sqlite": _sqlite,
    "gcloud": _cloud,
    "az": _cloud_ssh,
    "ansible": _ansible,
    "wsl": option_text("shell", "-e", "--exec"),
}
