"""Gathers what a text would do, through every text that it runs in turn: shell in Python in shell in SQL.

One `Collector` reads one call. It counts its work (texts, commands, depth); what lies beyond the budget is `unread`.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field, replace
from typing import Final

from toolguard.core import paths
from toolguard.core.acts import Act, Contact, FileOp, FileUse, Place
from toolguard.core.code import python as code
from toolguard.core.code import scripts
from toolguard.core.model import Confidence, EffectClass, Severity
from toolguard.core.shell import grammar as shell
from toolguard.core.shell import operands, payments, suspicion, windows, wrappers
from toolguard.core.shell.commands import acts as table_acts
from toolguard.core.shell.commands import runners
from toolguard.core.shell.words import Command, Word

MAX_TEXTS: Final = 120
MAX_INNER: Final = 65_536
MAX_COMMANDS: Final = 700
MAX_FILES: Final = 400
MAX_PATH_SIZE: Final = 65_536
MAX_CONTACTS: Final = 120
MAX_DEPTH: Final = 12

_SQL: Final = re.compile(
    r"\s*+(?:drop\s+(?:table|database|schema|index|view|user|role)|truncate\s+(?:table\s+)?[\w.\"`]+\s*;?\s*$"
    r"|delete\s+from|insert\s+into|update\s+\S+\s+set|alter\s+(?:table|database|user|role)"
    r"|grant\s+.+\s+(?:on|to)|revoke\s+.+\s+(?:on|from)|select\s.+\sfrom)\b",
    re.IGNORECASE | re.DOTALL,
)
"""SQL that was handed to a shell: some tools give it to whatever understands it."""
_META: Final = re.compile(r"^[ \t]*+(?:\\[^\n]*|\.[a-z][^\n]*)$", re.MULTILINE)
"""Lines that a database's own shell understands and its server does not: `\\dt`, `.tables`."""
_UNSETTLED: Final = re.compile(r"\$\(\.\.\.\)|\$\w+|\s*")  # nothing but what a run would put there
_HISTORY: Final = frozenset("HISTFILE HISTSIZE HISTFILESIZE HISTCONTROL HISTIGNORE PROMPT_COMMAND".split())
_RUNS_VALUE: Final = frozenset(
    """PAGER EDITOR VISUAL GIT_PAGER GIT_EDITOR GIT_SSH_COMMAND GIT_EXTERNAL_DIFF GIT_SEQUENCE_EDITOR SYSTEMD_EDITOR
    BROWSER LESSOPEN MANPAGER AUTOM4TE PROMPT_COMMAND BASH_ENV ENV PS4 RUBYOPT PERL5OPT PYTHONSTARTUP
    SUDO_EDITOR""".split()
)
"""Variables whose value another program runs."""
_LOADS_VALUE: Final = frozenset(
    """LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH NODE_OPTIONS PERL5LIB
    PYTHONPATH""".split()
)
"""Variables that name code which another program loads."""
_LOADED: Final = re.compile(r"\.(?:so|dylib)\b|--require|-r\b")  # a library, or an option that loads a file
_CHOOSES: Final = {
    name: frozenset(programs.split())
    for name, programs in (
        *((name, "rails rake") for name in ("RAILS_ENV", "RACK_ENV", "DATABASE_URL")),
        ("DJANGO_SETTINGS_MODULE", "python manage.py django-admin"),
        ("PGHOST", "dropdb"),
        ("DOCKER_HOST", "docker docker-compose podman nerdctl"),
    )
}
"""Variables that say which of several databases, settings or machines a command of these programs is about."""
_IMAGE_MAKERS: Final = frozenset({"truncate", "dd", "fallocate"})
_PROXY: Final = frozenset({"http_proxy", "https_proxy", "all_proxy"})
_RUNS_FILE: Final = runners.SHELLS | {"python", "perl", "ruby", "node", "php", ".", "source"}
_DECODES: Final = frozenset({"-d", "-D", "--decode", "-r", "-rp"})


@dataclass(slots=True)
class Collector:
    """What has been found so far in one call."""

    acts: list[Act] = field(default_factory=list)
    files: list[FileUse] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    nested: list[tuple[str, str, Place]] = field(default_factory=list)
    """Texts in languages that others read: (language, text, place), for example SQL after `psql -c`."""
    unread: list[tuple[str, str, Place]] = field(default_factory=list)
    """(reason, sentence, place)."""
    texts: int = 0
    inner: int = 0
    """Characters of texts inside texts; each level of an `eval` of an `eval` is read anew."""
    path_size: int = 0
    """Characters of the paths so far."""
    commands: int = 0
    via: tuple[str, ...] = ()
    """Programs that the text under reading runs through: `ssh`, `sudo`..."""
    folder: str = ""
    """Where the last `cd` of the text went; empty when it stayed."""
    saved: set[str] = field(default_factory=set)
    """Names of files that were downloaded, to see whether they are run later in the same text."""
    written: dict[str, str] = field(default_factory=dict)
    """What the text itself wrote into files that it may run later."""
    chosen: dict[str, str] = field(default_factory=dict)
    """Variables of the text that say what later commands are about."""
    encrypts: bool = False
    """Something was encrypted so far; deleting the original after that is what extortion does."""

    # --- texts --------------------------------------------------------------------------------------------------

    def text(self, language: str, text: str, place: Place, depth: int = 0) -> None:
        """Read a text in a language and everything that it runs."""
        self.texts += 1
        self.inner += len(text) if depth else 0
        if self.texts > MAX_TEXTS or depth > MAX_DEPTH or self.inner > MAX_INNER:
            self._too_much(place)
            return
        if language == "shell":
            self.shell(text, place, depth)
        elif language in ("powershell", "cmd"):
            self.windows(language, text, place, depth)
        elif language == "powershell-encoded":
            self._encoded(text, place, depth)
        elif language in ("sql", "mongo"):
            statements = _META.sub("", text) if language == "sql" else text
            if statements.strip():
                self.nested.append((language, statements, place))
            scripts.read(language, text, place, self, depth)
        elif language == "python":
            code.read(text, place, self, depth)
        else:
            scripts.read(language, text, place, self, depth)

    @property
    def is_full(self) -> bool:
        """The budget of this call is used up."""
        return self.texts > MAX_TEXTS or self.inner > MAX_INNER or self.commands > MAX_COMMANDS

    def _too_much(self, place: Place) -> None:
        if any(reason == "too-large" for reason, _, _ in self.unread):
            return
        self.unread.append(("too-large", "it holds more nested text than can be looked through", place))

    def shell(self, text: str, place: Place, depth: int = 0, *, spans: bool = False) -> None:
        """Read a shell text. With `spans`, places point to each command in it."""
        script = shell.parse(text)
        if windows.CALLS_NET.match(text):  # PowerShell; what another shell would make of the rest of it counts, too
            self.windows("powershell", text, place, depth)
            rest = (one for one in script.commands if not one.name.startswith("["))
            script = shell.Script(tuple(rest))
        if script.unread == "too-large":
            self.unread.append(("too-large", "the command is too long or too deeply nested to be read", place))
        elif script.unread:
            self.unread.append(("not-parsed", "the command cannot be parsed as shell", place))
        for name in script.bombs:
            self.add("shell.fork-bomb", EffectClass.EXECUTE, f"`{name}` starts copies of itself without end", place)
        again = suspicion.started_again(script.commands)
        for index, command in enumerate(script.commands):
            before = len(self.acts)
            self.command(command, Place(place.pointer, command.start, command.end) if spans else place, depth)
            if index in again:
                self.acts[before:] = [_interrupted(act) for act in self.acts[before:]]
        if _SQL.match(text):
            self.nested.append(("sql", text, place))
        if suspicion.hands_over(text) and script.commands and not suspicion.only_prints(script.commands):
            sentence = "connects a shell to another stream, so that somebody else can type into it"
            self.add("shell.reverse-shell", EffectClass.GRANT, sentence, place)

    def _encoded(self, text: str, place: Place, depth: int) -> None:
        """powershell -EncodedCommand: base64 of UTF-16."""
        self.add("shell.runs-hidden", EffectClass.EXECUTE, "runs a command given in encoded form", place, "powershell")
        try:
            plain = base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-16-le")
        except (binascii.Error, ValueError):
            return
        self.text("powershell", plain, place, depth + 1)

    def windows(self, language: str, text: str, place: Place, depth: int) -> None:
        """Read a PowerShell or cmd text."""
        if len(text) > windows.MAX_TEXT:
            self.unread.append(("too-large", "the program is too long to be read", place))
        if windows.DYNAMIC.search(text):
            sentence = "which program runs is decided only when it runs"
            self.add("shell.dynamic-command", EffectClass.EXECUTE, sentence, place, language)
        if windows.MULTIPLIES.search(text):
            self.add("shell.fork-bomb", EffectClass.EXECUTE, "starts copies of itself without end", place, language)
        commands = windows.parse(language, text)
        if len(commands) >= windows.MAX_COMMANDS:
            self._too_much(place)
        for command in commands:
            self.command(command, place, depth, dialect=language)
        if not windows.only_reads(commands, text):
            scripts.read(language, text, place, self, depth)

    # --- one command --------------------------------------------------------------------------------------------

    def command(self, command: Command, place: Place, depth: int = 0, *, dialect: str = "shell") -> None:
        """Everything that one command does, and what it runs."""
        self.commands += 1
        if self.commands > MAX_COMMANDS or depth > MAX_DEPTH:
            self._too_much(place)
            return
        if len(command.words) > 1 and command.words[0].text in ("!", "$"):  # an escape to the shell, a copied prompt
            command = replace(command, words=command.words[1:])
        if command.env:
            self._environment(command, place, depth)
        via = (*self.via, *command.via)
        privileged = bool(via) and not runners.PRIVILEGED.isdisjoint(via)
        program = wrappers.program(command.name)
        if command.words:
            self._runs(command, program, place, depth, dialect)
            program = windows.ALIASES.get(program.lower(), program) if dialect != "shell" else program
        if dialect != "shell":
            uses = windows.uses(command, program, place)
        else:
            remote = bool(via) and not runners.REMOTE.isdisjoint(via)
            uses = operands.uses(command, program, place, remote=remote, privileged=privileged)
        for use in uses:
            self.use(self._placed(use), command.args)
        if program in ("cd", "pushd", "set-location") and command.args:
            self.folder = self._joined(command.args[-1]) if command.words[-1].known else ""
        if privileged and program not in runners.PRIVILEGED:
            sentence = f"runs {program or 'a command'} with the rights of another user"
            self.add("shell.privileged", EffectClass.EXECUTE, sentence, place, program)

    def _runs(self, command: Command, program: str, place: Place, depth: int, dialect: str) -> None:
        """What the tables and the form of a command say, and everything that it runs in turn."""
        inner, texts = wrappers.inside(command)
        self.acts.extend(suspicion.acts(command, inner, texts, program, place))
        if program in self.saved or command.name in self.saved:
            self._downloaded(command.words[0].text, place, program)
        outer, folder = self.via, self.folder
        self.via = (*outer, *command.via, program)
        for one in inner:
            self.command(one, place, depth + 1)
        for inside in texts:
            if inside.text and (inside.known or not _UNSETTLED.fullmatch(inside.text)):
                self.text(inside.language, inside.text, place, depth + 1)
        for escape in suspicion.escapes(command, program):
            self.text("shell", escape, place, depth + 1)
        self.via, self.folder = outer, folder
        named = windows.ALIASES.get(program.lower(), program) if dialect != "shell" else program
        self._by_table(command, named, place, inner, wraps=bool(inner or texts))

    def _by_table(self, command: Command, program: str, place: Place, inner: list[Command], *, wraps: bool) -> None:
        """What the tables say; of a program that runs another one only its own options count."""
        own = len(command.words) - len(inner[0].words) if inner and program in runners.PREFIXED else len(command.words)
        args = tuple(word.text for word in command.words[1 : max(own, 1)])
        # What the environment chooses reads like an operand: `RAILS_ENV=test rails db:drop`.
        env = {**self.chosen, **{name: value.text for name, value in command.env if name in _CHOOSES}}
        chosen = tuple(f"{name}={value}" for name, value in env.items() if program in _CHOOSES[name])
        acts = table_acts(program, args + chosen, place, wraps=wraps)
        self.acts.extend(act for act in acts if not self._makes_image(act, args))
        if suspicion.mines(program, args):
            self.add("system.exhausts", EffectClass.EXECUTE, "mines cryptocurrency", place, program)
        self.encrypts = self.encrypts or suspicion.encrypts(program, args)
        if program == "cat" and _ENDLESS.intersection(args) and any(">" in r.op for r in command.redirects):
            self.add("system.exhausts", EffectClass.EXECUTE, "fills the disk without end", place, program)
        if program == "yes" and command.redirects:
            self.add("system.exhausts", EffectClass.EXECUTE, "prints without end", place, program)
        if suspicion.tells_daemon(command, program):
            sentence = f"tells a running service: {(command.stdin or '').strip()[:80]}"
            self.add("infrastructure.applies", EffectClass.ADMINISTER, sentence, place, program)
        if program in suspicion.DECODERS and _DECODES & set(args):
            self.saved.update(r.target.text.rpartition("/")[2] for r in command.redirects if ">" in r.op)

    def _makes_image(self, act: Act, args: tuple[str, ...]) -> bool:
        """A file system goes into a file that the same text has just made: nothing is there to lose."""
        if act.finding != "system.destroys-disk" or not act.program.startswith(("mkfs", "mke2fs", "mkswap")):
            return False
        made = {use.path for use in self.files if use.op is FileOp.WRITE and use.program in _IMAGE_MAKERS}
        return any(self._joined(arg) in made for arg in args if not arg.startswith(("-", "/dev/")))

    def _environment(self, command: Command, place: Place, depth: int) -> None:
        """Assignments that make the shell or the next program behave otherwise."""
        for name, value in command.env:
            shown = value.text[:80]
            if name in _CHOOSES and (not command.words or command.name in ("export", "declare", "typeset")):
                self.chosen[name] = value.text
            if name in _HISTORY and not value.text.startswith(f"${name}"):
                sentence = f"changes {name}, so that commands are not recorded as usual"
                self.add("evasion.history", EffectClass.WRITE, sentence, place)
            if name in _RUNS_VALUE and value.text and command.words:
                if value.text.startswith(("/", "./", "~")) and not value.text.startswith(("/usr/", "/bin/")):
                    sentence = f"makes another program run {shown} by way of {name}"
                    self.add("shell.runs-hidden", EffectClass.EXECUTE, sentence, place, command.name)
                self.text("shell", value.text, place, depth + 1)
            elif name in _LOADS_VALUE and _LOADED.search(value.text):
                sentence = f"loads {shown} into the program by way of {name}"
                self.add("shell.runs-hidden", EffectClass.EXECUTE, sentence, place, command.name)
            elif name.lower() in _PROXY:
                self.add("network.tunnels", EffectClass.SEND, f"sends traffic through {shown}", place, command.name)

    # --- what was found -----------------------------------------------------------------------------------------

    def _joined(self, path: str) -> str:
        return path if paths.is_absolute(path) or not self.folder else f"{self.folder.rstrip('/')}/{path}"

    def _placed(self, use: FileUse | Contact) -> FileUse | Contact:
        """A relative path belongs to the folder that the text has changed to."""
        if not self.folder or isinstance(use, Contact) or use.path.startswith(("/", "~", "$", "\x00")):
            return use
        return replace(use, path=self._joined(use.path))

    def use(self, use: FileUse | Contact, told: tuple[str, ...] = ()) -> None:
        """Note a file use or a contact, and what follows from it; `told` are the words of the command that makes it."""
        if isinstance(use, Contact):
            self._contact(use, told)
            return
        self.path_size += len(use.path)
        if len(self.files) > MAX_FILES or self.path_size > MAX_PATH_SIZE:
            self._too_much(use.place)
            return
        self.files.append(use)
        name = use.path.rpartition("/")[2]
        runs = use.op is FileOp.EXECUTE or (
            use.op is FileOp.READ and (use.program in _RUNS_FILE or use.program == name)
        )
        if runs and name in self.saved:
            self._downloaded(use.path, use.place, use.program)
        elif runs and name in self.written:
            self.text(_script_language(use.program, name), self.written.pop(name), use.place, MAX_DEPTH - 4)
        if use.op is FileOp.WRITE and use.content and name:
            self.written[name] = self.written.get(name, "") * use.append + use.content
        elif use.op is FileOp.DELETE and self.encrypts and use.program != "mv":
            self.add("code.encrypts", EffectClass.DELETE, "encrypts files and deletes the originals", use.place)
        if use.op is FileOp.WRITE and use.content and suspicion.hands_over(use.content):
            sentence = f"writes a script into {use.path[:200]} that hands a shell to another stream"
            self.add("shell.reverse-shell", EffectClass.GRANT, sentence, use.place, use.program)

    def _contact(self, use: Contact, told: tuple[str, ...]) -> None:
        if len(self.contacts) > MAX_CONTACTS:
            self._too_much(use.place)
            return
        self.contacts.append(use)
        if use.program != "tool" and payments.pays(use, told):
            sentence = f"orders a payment at {use.address[:100]}"
            self.add("infrastructure.moves-money", EffectClass.SPEND, sentence, use.place, use.program)
        if use.saves_to and use.method in ("GET", "POST", "DOWNLOAD"):
            name = use.saves_to.rpartition("/")[2] or use.address.partition("?")[0].rpartition("/")[2]
            self.saved.add(name)

    def _downloaded(self, path: str, place: Place, program: str) -> None:
        sentence = f"runs {path[:200]}, which was downloaded or decoded just before"
        self.add("shell.runs-download", EffectClass.EXECUTE, sentence, place, program)

    def add(
        self,
        finding: str,
        effect_class: EffectClass,
        sentence: str,
        place: Place,
        program: str = "shell",
        severity: Severity | None = None,
        confidence: Confidence | None = None,
    ) -> None:
        """Note an act that amounts to a finding."""
        act = Act(
            effect_class, sentence, finding, "", place=place, program=program, severity=severity, confidence=confidence
        )
        self.acts.append(act)


def _interrupted(act: Act) -> Act:
    """A stop that the same text takes back is an interruption."""
    if act.finding not in ("infrastructure.deletes", "infrastructure.stops-service"):
        return act
    return replace(act, effect_class=EffectClass.ADMINISTER, severity=Severity.LOW)


_ENDLESS: Final = frozenset({"/dev/zero", "/dev/urandom", "/dev/random", "/dev/full"})


def _script_language(program: str, name: str) -> str:
    """The language of a file that is run: what runs it says so, else its ending."""
    if program in _LANGUAGES:
        return _LANGUAGES[program]
    return _LANGUAGES.get(name.rpartition(".")[2], "shell")


_LANGUAGES: Final = {
    "python": "python", "py": "python", "node": "javascript", "js": "javascript", "perl": "perl", "pl": "perl",
    "ruby": "ruby", "rb": "ruby", "php": "php", "ps1": "powershell", "pwsh": "powershell",
}  # fmt: skip


def argv(words: list[str]) -> Command:
    """A command given as a list of words, without a shell."""
    return Command(tuple(Word(text, quoted=True) for text in words), 0, 0)
