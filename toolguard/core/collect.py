"""Gathers what a text would do, through every text that it runs in turn: shell in Python in shell in SQL.

One `Collector` reads one call. It counts its work (texts, commands, depth); what lies beyond the budget is left in `unread`.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field, replace
from typing import Final

from toolguard.core import code, operands, paths, scripts, shell, windows, wrappers
from toolguard.core.acts import Act, Contact, FileOp, FileUse, Place
from toolguard.core.commands import acts as table_acts
from toolguard.core.commands import runners
from toolguard.core.model import Confidence, EffectClass, Severity
from toolguard.core.shell import Command, Word

MAX_TEXTS: Final = 120
MAX_COMMANDS: Final = 2000
MAX_DEPTH: Final = 12

DOWNLOADERS: Final = frozenset(
    "curl wget fetch aria2c axel lwp-download http https xh lynx links w3m GET ftp tftp scp sftp rsync nc ncat netcat socat git gsutil s3cmd ipfs gdown httpie iwr invoke-webrequest invoke-restmethod nslookup dig host".split()
)
_DECODERS: Final = frozenset(
    "base64 base32 xxd openssl gunzip zcat bzip2 xz uudecode rev tr rot13 gpg perl python ruby node awk printf sed hexdump od".split()
)
_LOCAL: Final = frozenset("cat head tail sed envsubst grep tee sort jq yq less m4 tac".split())
_SETUP: Final = frozenset(
    "ssh-agent pyenv rbenv nodenv conda mamba brew direnv starship dircolors lesspipe kubectl helm gh pip npm register-python-argcomplete zoxide fnm mise rtx asdf nvm thefuck docker-machine minikube opam luarocks perl keychain gpg-agent resize tput stack cargo rustup uv pipx poetry atuin gcloud aws_completer complete keychain luaver fzf atuin mcfly".split()
)
"""Programs that print shell code to set up an environment; running what they print is how they are meant to be used."""
_SHELL_WORD: Final = re.compile(
    r"(?<![\w./#!-])!?(?:/usr)?(?:/local)?/bin/(?:ba|z|k|da|c|tc|a|fi|mk)?sh(?![\w./=-])|(?:^|[\s'\"(:|!])!(?:ba|z)?sh\b|:(?:shell|sh|terminal)\b|\bshell-escape\b"
)
"""A shell named in the arguments of a program that is not one: `!/bin/sh`, `exec:/bin/sh`, `:shell`."""
_READS: Final = frozenset({"read", "list", "none", "delete", "rmdir", "truncate", "mode", "owner", "make", "move"})
# A shell whose streams are somebody else's: sh 0<&1, bash -i >& /dev/tcp/..., nc -e /bin/sh.
_HANDED_OVER: Final = re.compile(
    r"/dev/(?:tcp|udp)/[\w.$({]|\b(?:ba|z|k|da|a)?sh\s+(?:-\w+\s+)?(?:[0-2]?<&\s?[0-9]|[0-2]?>&\s?[03-9]|<\s*/dev/tty|<\s*\$?\(?tty)|\b(?:nc|ncat|netcat)\b[^\n|;&]{0,80}\s-(?:\w*[ec])\s+\S*(?:sh|cmd)\b"
    r"|\bexec:['\"]?(?:/bin/)?(?:ba)?sh\b|\bmkfifo\b[^\n]{0,120}\b(?:nc|ncat|openssl|telnet)\b|\b(?:ba|z)?sh\s+-i\b[^\n]{0,40}[<>]"
)
_SQL: Final = re.compile(
    r"\s*(?:drop\s+(?:table|database|schema|index|view|user|role)|truncate\s+(?:table\s+)?[\w.\"`]+\s*;?\s*$|delete\s+from|insert\s+into|update\s+\S+\s+set|alter\s+(?:table|database|user|role)|grant\s+.+\s+(?:on|to)|revoke\s+.+\s+(?:on|from)|select\s.+\sfrom)\b",
    re.IGNORECASE | re.DOTALL,
)
"""SQL that was handed to a shell: some tools give it to whatever understands it."""
_META: Final = re.compile(r"^\s*(?:\\[^\n]*|\.[a-z][^\n]*)$", re.MULTILINE)
"""Lines that a database's own shell understands and its server does not: `\\dt`, `.tables`."""
_CONTROL: Final = re.compile(r"\s*(?:show|help|info|ping|stats?|list|get|version|status)\b", re.IGNORECASE)
"""Words with which a command to a control socket only asks."""
_HISTORY: Final = frozenset({"HISTFILE", "HISTSIZE", "HISTFILESIZE", "HISTCONTROL", "HISTIGNORE", "PROMPT_COMMAND"})
_RUNS_VALUE: Final = frozenset(
    {
        "PAGER",
        "EDITOR",
        "VISUAL",
        "GIT_PAGER",
        "GIT_EDITOR",
        "GIT_SSH_COMMAND",
        "GIT_EXTERNAL_DIFF",
        "GIT_SEQUENCE_EDITOR",
        "SYSTEMD_EDITOR",
        "BROWSER",
        "LESSOPEN",
        "MANPAGER",
        "AUTOM4TE",
        "PROMPT_COMMAND",
        "BASH_ENV",
        "ENV",
        "PS4",
        "RUBYOPT",
        "PERL5OPT",
        "PYTHONSTARTUP",
        "SUDO_EDITOR",
    }
)
"""Variables whose value another program runs."""
_LOADS_VALUE: Final = frozenset(
    {
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "LD_AUDIT",
        "DYLD_INSERT_LIBRARIES",
        "DYLD_LIBRARY_PATH",
        "NODE_OPTIONS",
        "PERL5LIB",
        "PYTHONPATH",
    }
)


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
    commands: int = 0
    via: tuple[str, ...] = ()
    """Programs that the text under reading runs through: `ssh`, `sudo`..."""
    folder: str = ""
    """Where the last `cd` of the text went; empty when it stayed."""
    saved: set[str] = field(default_factory=set)
    """Names of files that were downloaded, to see whether they are run later in the same text."""

    # --- texts --------------------------------------------------------------------------------------------------

    def text(self, language: str, text: str, place: Place, depth: int = 0, *, known: bool = True) -> None:
        """Read a text in a language and everything that it runs."""
        self.texts += 1
        if self.texts > MAX_TEXTS or depth > MAX_DEPTH:
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

    def _too_much(self, place: Place) -> None:
        self.unread.append(("too-large", "it holds more nested text than can be looked through", place))

    def shell(self, text: str, place: Place, depth: int = 0, *, spans: bool = False) -> None:
        """Read a shell text. With `spans`, places point to each command in it."""
        script = shell.parse(text)
        if script.unread == "too-large":
            self.unread.append(("too-large", "the command is too long or too deeply nested to be read", place))
        elif script.unread:
            self.unread.append(("not-parsed", "the command cannot be parsed as shell", place))
        for name in script.bombs:
            self._act(
                "shell.fork-bomb", EffectClass.EXECUTE, f"`{name}` starts copies of itself without end", place, "shell"
            )
        for command in script.commands:
            at = Place(place.pointer, command.start, command.end) if spans else place
            self.command(command, at, depth)
        if _SQL.match(text):
            self.nested.append(("sql", text, place))
        if hands_over(text) and script.commands and not self._only_prints(script.commands):
            self._act(
                "shell.reverse-shell",
                EffectClass.GRANT,
                "connects a shell to another stream, so that somebody else can type into it",
                place,
                "shell",
            )

    @staticmethod
    def _only_prints(commands: tuple[Command, ...]) -> bool:
        """Nothing but text programs, none of which writes a file: talking about a thing is not the thing."""
        return all(
            c.name in ("echo", "printf", "grep", "rg", "cat", "git", "sed", "awk", "")
            and not any(r.op in (">", ">>", "<", ">&", "&>") for r in c.redirects)
            and c.upstream is None
            for c in commands
        )

    def _encoded(self, text: str, place: Place, depth: int) -> None:
        """powershell -EncodedCommand: base64 of UTF-16."""
        self._act("shell.runs-hidden", EffectClass.EXECUTE, "runs a command given in encoded form", place, "powershell")
        try:
            plain = base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-16-le")
        except (binascii.Error, ValueError):
            return
        self.text("powershell", plain, place, depth + 1)

    def windows(self, language: str, text: str, place: Place, depth: int) -> None:
        for command in windows.parse(language, text):
            self.command(command, place, depth, dialect=language)
        scripts.read(language, text, place, self, depth)

    # --- one command --------------------------------------------------------------------------------------------

    def command(self, command: Command, place: Place, depth: int = 0, *, dialect: str = "shell") -> None:
        """Everything that one command does, and what it runs."""
        self.commands += 1
        if self.commands > MAX_COMMANDS or depth > MAX_DEPTH:
            if self.commands == MAX_COMMANDS + 1 or depth > MAX_DEPTH:
                self._too_much(place)
            return
        self._environment(command, place, depth)
        if len(command.words) > 1 and command.words[0].text in (
            "!",
            "$",
        ):  # a program's escape to the shell, a copied prompt
            command = replace(command, words=command.words[1:])
        via = (*self.via, *command.via)
        remote = any(name in runners.REMOTE for name in via)
        privileged = any(name in runners.PRIVILEGED for name in via)
        program = wrappers.program(command.name)
        if command.words:
            self._named(command, program, place)
            inner, texts = wrappers.inside(command)
            self._inside(command, program, place, depth, inner, texts)
            program = windows.ALIASES.get(program.lower(), program) if dialect != "shell" else program
            self._by_table(command, program, place, inner, texts)
            self._shell_in_arguments(command, program, place)
        if dialect != "shell":
            uses = windows.uses(command, program, place)
        else:
            uses = operands.uses(command, program, place, remote=remote, privileged=privileged)
        for use in uses:
            self.use(self._placed(use))
        if program in ("cd", "pushd", "set-location") and command.args:
            self.folder = self._joined(command.args[-1]) if command.words[-1].known else ""
        if privileged and program not in runners.PRIVILEGED:
            self._act(
                "shell.privileged",
                EffectClass.EXECUTE,
                f"runs {program or 'a command'} with the rights of another user",
                place,
                program,
            )

    def _by_table(
        self, command: Command, program: str, place: Place, inner: list[Command], texts: list[wrappers.Inside]
    ) -> None:
        """What the tables say; of a program that runs another one only its own options count."""
        own = len(command.words) - len(inner[0].words) if inner and program in runners.PREFIXED else len(command.words)
        args = tuple(word.text for word in command.words[1 : max(own, 1)])
        self.acts.extend(table_acts(program, args, place, wraps=bool(inner or texts)))
        if any(arg.startswith(("stratum+", "stratum:")) for arg in args):
            self._act("system.exhausts", EffectClass.EXECUTE, "mines cryptocurrency", place, program)
        if program in _DECODERS and any(arg in ("-d", "-D", "--decode", "-r", "-rp") for arg in args):
            self.saved.update(r.target.text.rpartition("/")[2] for r in command.redirects if ">" in r.op)
        if program == "yes" and command.redirects:
            self._act("system.exhausts", EffectClass.EXECUTE, "prints without end", place, program)

    def _joined(self, path: str) -> str:
        return path if paths.is_absolute(path) or not self.folder else f"{self.folder.rstrip('/')}/{path}"

    def _placed(self, use: FileUse | Contact) -> FileUse | Contact:
        """A relative path belongs to the folder that the text has changed to."""
        if not self.folder or isinstance(use, Contact) or use.path.startswith(("/", "~", "$", "\x00")):
            return use
        return replace(use, path=self._joined(use.path))

    def use(self, use: FileUse | Contact) -> None:
        """Note a file use or a contact, and what follows from it."""
        if isinstance(use, Contact):
            self.contacts.append(use)
            if use.saves_to and use.method in ("GET", "POST", "DOWNLOAD"):
                name = use.saves_to.rpartition("/")[2] or use.address.partition("?")[0].rpartition("/")[2]
                self.saved.add(name)
            return
        self.files.append(use)
        if (
            use.op in (FileOp.EXECUTE, FileOp.READ)
            and use.path.rpartition("/")[2] in self.saved
            and use.program
            in (*runners.SHELLS, "python", "perl", "ruby", "node", "php", ".", "source", use.path.rpartition("/")[2])
        ):
            self._act(
                "shell.runs-download",
                EffectClass.EXECUTE,
                f"runs {use.path}, which was downloaded just before",
                use.place,
                use.program,
            )
        if use.op is FileOp.WRITE and use.content and hands_over(use.content):
            self._act(
                "shell.reverse-shell",
                EffectClass.GRANT,
                f"writes a script into {use.path} that hands a shell to another stream",
                use.place,
                use.program,
            )

    def _act(
        self,
        finding: str,
        effect_class: EffectClass,
        sentence: str,
        place: Place,
        program: str,
        severity: Severity | None = None,
        confidence: Confidence | None = None,
    ) -> None:
        self.acts.append(
            Act(effect_class, sentence, finding, place=place, program=program, severity=severity, confidence=confidence)
        )

    add = _act

    def _named(self, command: Command, program: str, place: Place) -> None:
        """Commands whose name is not in the text, or that run a shell for somebody to type into."""
        head = command.words[0]
        if not head.known and ("/" not in head.text or head.text.endswith(")") or head.inner):
            simple = re.fullmatch(r"\$\w+", head.text) is not None
            sentence = f"which program runs is decided only when it runs (`{head.text[:60]}`)"
            self._act(
                "shell.dynamic-command",
                EffectClass.EXECUTE,
                sentence,
                place,
                program,
                Severity.MEDIUM if simple else Severity.HIGH,
                Confidence.MEDIUM,
            )
        elif head.globbed and len(head.text) > 1 and head.text not in ("[", "[["):
            self._act(
                "shell.dynamic-command",
                EffectClass.EXECUTE,
                f"the name of the program is a pattern (`{head.text[:60]}`)",
                place,
                program,
                Severity.HIGH,
                Confidence.HIGH,
            )
        elif (
            program in ("socat", "nc", "ncat")
            and any(".sock" in arg for arg in command.args)
            and command.stdin
            and not _CONTROL.match(command.stdin)
        ):
            self._act(
                "infrastructure.applies",
                EffectClass.ADMINISTER,
                f"tells a running service: {command.stdin.strip()[:80]}",
                place,
                program,
            )
        elif program in self.saved:
            self._act(
                "shell.runs-download",
                EffectClass.EXECUTE,
                f"runs {head.text}, which was downloaded just before",
                place,
                program,
            )

    def _environment(self, command: Command, place: Place, depth: int) -> None:
        for name, value in command.env:
            if name in _HISTORY and not value.text.startswith(f"${name}"):
                self._act(
                    "evasion.history",
                    EffectClass.WRITE,
                    f"changes {name}, so that commands are not recorded as usual",
                    place,
                    "shell",
                )
            if name in _RUNS_VALUE and value.text and command.words:
                if value.text.startswith(("/", "./", "~")) and " " not in value.text:
                    self.files.append(FileUse(FileOp.EXECUTE, value.text, place, program=name))
                    if "/tmp/" in value.text or not value.text.startswith(("/usr/", "/bin/")):
                        self._act(
                            "shell.runs-hidden",
                            EffectClass.EXECUTE,
                            f"makes another program run {value.text[:80]} by way of {name}",
                            place,
                            command.name,
                        )
                self.text("shell", value.text, place, depth + 1)
            elif name in _LOADS_VALUE and re.search(r"\.(?:so|dylib)\b|--require|-r\b", value.text):
                self._act(
                    "shell.runs-hidden",
                    EffectClass.EXECUTE,
                    f"loads {value.text[:80]} into the program by way of {name}",
                    place,
                    command.name,
                )
            elif name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
                self._act(
                    "network.tunnels", EffectClass.SEND, f"sends traffic through {value.text[:80]}", place, command.name
                )

    def _inside(
        self,
        command: Command,
        program: str,
        place: Place,
        depth: int,
        commands: list[Command],
        texts: list[wrappers.Inside],
    ) -> None:
        """Read the commands and texts that a command runs."""
        if not commands and not texts:
            self._bare(command, program, place)
            return
        outer, folder = self.via, self.folder
        self.via = (*outer, *command.via, program)
        for inner in commands:
            self.command(inner, place, depth + 1)
        for inside in texts:
            if inside.text and (inside.known or not re.fullmatch(r"\$\(\.\.\.\)|\$\w+|\s*", inside.text)):
                self.text(inside.language, inside.text, place, depth + 1)
            if not inside.text or (not inside.known and (inside.text.startswith("$") or inside.language != "shell")):
                self._runs_unseen(command, inside, program, place)
        self.via, self.folder = outer, folder

    def _bare(self, command: Command, program: str, place: Place) -> None:
        """A shell that is given nothing to run waits for somebody to type."""
        if program in runners.SHELLS | {"powershell", "pwsh"}:
            if all(arg.startswith(("-", "+")) or arg in ("-", "/dev/stdin") for arg in command.args) and not {
                "--version",
                "--help",
                "-version",
            } & set(command.args):
                self._act(
                    "shell.opens-shell",
                    EffectClass.EXECUTE,
                    f"opens {program} for somebody to type into",
                    place,
                    program,
                )
        elif program == "su":
            self._act("identity.privilege", EffectClass.GRANT, "becomes another user", place, program)

    def _runs_unseen(self, command: Command, inside: wrappers.Inside, program: str, place: Place) -> None:
        """A text is run that is not in the call: what it is depends on where it comes from."""
        names = set()
        for source in inside.source:
            at: Command | None = source
            while at is not None and len(names) < 50:
                names.add(wrappers.program(at.name))
                at = at.upstream
        if names & DOWNLOADERS:
            self._act(
                "shell.runs-download",
                EffectClass.EXECUTE,
                f"hands what it downloads straight to {program}",
                place,
                program,
            )
        elif names & (_DECODERS - _LOCAL) and not names & _SETUP:
            self._act(
                "shell.runs-hidden",
                EffectClass.EXECUTE,
                f"decodes a text and hands it to {program}: what runs cannot be seen here",
                place,
                program,
            )
        elif names and names <= _LOCAL | _SETUP | {""}:
            return
        elif inside.language in ("shell", "powershell", "cmd"):
            severity, confidence = (Severity.MEDIUM, Confidence.HIGH) if names else (Severity.MEDIUM, Confidence.MEDIUM)
            self._act(
                "shell.runs-hidden",
                EffectClass.EXECUTE,
                f"{program} runs a text that is put together only when it runs",
                place,
                program,
                severity,
                confidence,
            )

    def _shell_in_arguments(self, command: Command, program: str, place: Place) -> None:
        rule = operands._TABLE.get(program, ("unknown", frozenset()))[0]
        if program in runners.SHELLS or program in (
            "docker",
            "podman",
            "kubectl",
            "useradd",
            "usermod",
            "chsh",
            "adduser",
            "git",
            "sudo",
            "make",
            "cmake",
            "env",
            "script",
        ):
            return
        scripted = rule == "read-rest" and program in ("sed", "awk", "gawk", "mawk", "nawk", "ed", "vim", "vi")
        if (rule in _READS and program not in ("man", "tmux", "screen", "systemctl", "apt", "apt-get", "crontab")) or (
            rule == "read-rest" and not scripted
        ):
            return
        for word in command.words[1:]:
            text = word.text[:4000]
            if scripted and not re.search(r"\be\s+(?:exec\b|/)|\bsystem\s*\(|\|\s*getline|/e\b", text):
                continue
            if _SHELL_WORD.search(text):
                self._act("shell.opens-shell", EffectClass.EXECUTE, f"makes {program} start a shell", place, program)
                return
        for word in command.words[1:]:
            for match in _ESCAPE_CALL.finditer(word.text[:4000]):
                self.text("shell", match[2], place, MAX_DEPTH - 2)


_ESCAPE_CALL: Final = re.compile(
    r"\b(?:system|exec|popen|os\.execute|callCommand|run-shell-command|shell_exec|spawn)\s*\(?\s*(['\"])(.{2,500}?)\1"
)
"""A call inside a script argument that hands text to a shell."""


_HINTS: Final = (
    "/dev/tcp",
    "/dev/udp",
    "<&",
    ">&0",
    ">& 0",
    ">&3",
    ">&4",
    ">&9",
    "/dev/tty",
    "(tty",
    "mkfifo",
    "exec:",
    "nc ",
    "ncat",
    "netcat",
    "sh -i",
)
"""One of these stands in every text that the pattern below them matches; looking for them first is cheaper."""


def hands_over(text: str) -> bool:
    """A text that connects a shell to somebody else's stream."""
    head = text[:20_000]
    return any(hint in head for hint in _HINTS) and _HANDED_OVER.search(head) is not None


def argv(words: list[str]) -> Command:
    """A command given as a list of words, without a shell."""
    return Command(tuple(Word(text, quoted=True) for text in words), 0, 0)


def is_path(text: str) -> bool:
    return paths.looks_like_path(text)
