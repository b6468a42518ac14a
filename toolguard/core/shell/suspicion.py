"""What a shell command shows by its form: names and texts that are decided only when it runs, shells for somebody to
type into.

These are pure questions about one command; core/shell/collect.py asks them and notes the answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from toolguard.core.acts import Act, Place
from toolguard.core.model import Confidence, EffectClass, Severity
from toolguard.core.shell import operands, wrappers
from toolguard.core.shell.commands import runners
from toolguard.core.shell.words import Command

DOWNLOADERS: Final = frozenset(
    """curl wget fetch aria2c axel lwp-download http https xh lynx links w3m GET ftp tftp scp sftp rsync nc ncat
    netcat socat git gsutil s3cmd ipfs gdown httpie iwr invoke-webrequest invoke-restmethod nslookup dig
    host""".split()
)
DECODERS: Final = frozenset(
    """base64 base32 xxd openssl gunzip zcat bzip2 xz uudecode rev tr rot13 gpg perl python ruby node awk printf
    sed hexdump od""".split()
)
_LOCAL: Final = frozenset("cat head tail sed envsubst grep tee sort jq yq less m4 tac".split())
_SETUP: Final = frozenset(
    """ssh-agent pyenv rbenv nodenv conda mamba brew direnv starship dircolors lesspipe kubectl helm gh pip npm
    register-python-argcomplete zoxide fnm mise rtx asdf nvm thefuck docker-machine minikube opam luarocks perl
    keychain gpg-agent resize tput stack cargo rustup uv pipx poetry atuin gcloud aws_completer complete
    keychain luaver fzf atuin mcfly""".split()
)
"""Programs that print shell code to set up an environment; running what they print is how they are meant to be used."""
_SHELL_WORD: Final = re.compile(
    r"(?<![\w./#!-])!?(?:/usr)?(?:/local)?/bin/(?:ba|z|k|da|c|tc|a|fi|mk)?sh(?![\w./=-])|(?:^|[\s'\"(:|!])!(?:ba|z)?sh\b|:(?:shell|sh|terminal)\b|\bshell-escape\b"
)
"""A shell named in the arguments of a program that is not one: `!/bin/sh`, `exec:/bin/sh`, `:shell`."""
_READS: Final = frozenset({"read", "list", "none", "delete", "rmdir", "truncate", "mode", "owner", "make", "move"})
# A shell whose streams are somebody else's: sh 0<&1, bash -i >& /dev/tcp/..., nc -e /bin/sh.
_HANDED_OVER: Final = re.compile(
    r"/dev/(?:tcp|udp)/[\w.$({]|/inet[46]?/(?:tcp|udp)/\d+/|\b(?:ba|z|k|da|a)?sh\s+(?:-\w+\s+)?(?:[0-2]?<&\s?[0-9]|[0-2]?>&\s?[03-9]|<\s*/dev/tty|<\s*\$?\(?tty)|\b(?:nc|ncat|netcat)\b[^\n|;&]{0,80}\s-(?:\w*[ec])\s+\S*(?:sh|cmd)\b"
    r"|\bexec:['\"]?(?:/bin/)?(?:ba)?sh\b|\bmkfifo\b[^\n]{0,120}\b(?:nc|ncat|openssl|telnet)\b|\b(?:ba|z)?sh\s+-i\b[^\n]{0,40}[<>]"
)
_CONTROL: Final = re.compile(r"\s*(?:show|help|info|ping|stats?|list|get|version|status)\b", re.IGNORECASE)
"""Words with which a command to a control socket only asks."""
_ESCAPE_CALL: Final = re.compile(
    r"\b(?:system|exec|popen|os\.execute|callCommand|run-shell-command|shell_exec|spawn)\s*\(?\s*(['\"])(.{2,500}?)\1"
)
"""A call inside a script argument that hands text to a shell."""


_HINTS: Final = (
    "/dev/tcp",
    "/dev/udp",
    "/inet",
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


def acts(
    command: Command, inner: list[Command], texts: list[wrappers.Inside], program: str, place: Place
) -> Iterator[Act]:
    """Everything that is suspicious in the form of one command."""
    yield from _name(command, program, place)
    if not inner and not texts:
        yield from _bare(command, program, place)
    for inside in texts:
        if not inside.text or (not inside.known and (inside.text.startswith("$") or inside.language != "shell")):
            yield from _unseen(inside, program, place)
    if _starts_shell(command, program):
        yield Act(
            EffectClass.EXECUTE, f"makes {program} start a shell", "shell.opens-shell", place=place, program=program
        )


def _hidden(
    sentence: str, place: Place, program: str, severity: Severity | None = None, confidence: Confidence | None = None
) -> Act:
    return Act(
        EffectClass.EXECUTE,
        sentence,
        "shell.runs-hidden",
        place=place,
        program=program,
        severity=severity,
        confidence=confidence,
    )


def _name(command: Command, program: str, place: Place) -> Iterator[Act]:
    """The name of the program is not in the text."""
    head = command.words[0]
    severity, confidence = Severity.HIGH, Confidence.MEDIUM
    if not head.known and ("/" not in head.text or head.text.endswith(")") or head.inner):
        sentence = f"which program runs is decided only when it runs (`{head.text[:60]}`)"
        if re.fullmatch(r"\$\w+", head.text):  # one plain variable: `$PYTHON`, `$CC` are usual
            severity = Severity.MEDIUM
    elif head.globbed and len(head.text) > 1 and head.text != "[[" and not _CONVERTS.match(head.text):
        sentence, confidence = f"the name of the program is a pattern (`{head.text[:60]}`)", Confidence.HIGH
    else:
        return
    yield Act(
        EffectClass.EXECUTE,
        sentence,
        "shell.dynamic-command",
        place=place,
        program=program,
        severity=severity,
        confidence=confidence,
    )


_CONVERTS: Final = re.compile(
    r"\[(?:System\.)?(?:Convert\]::To\w+|Math\]::\w+|Guid\]::NewGuid|DateTime\]::\w+|String\]::\w+|IO\.Path\]::\w+"
    r"|BitConverter\]::\w+|Environment\]::(?!Exit|FailFast|Set)\w+)",
    re.IGNORECASE,
)
"""A function of .NET that turns values into values, as PowerShell writes it: no pattern for names of files."""
_ASKS: Final = frozenset({"--version", "--help", "-version"})


def _bare(command: Command, program: str, place: Place) -> Iterator[Act]:
    """A shell that is given nothing to run waits for somebody to type."""
    plain = all(arg.startswith(("-", "+")) or arg == "/dev/stdin" for arg in command.args)
    if program in runners.SHELLS | runners.POWERSHELLS and plain and not _ASKS & set(command.args):
        sentence = f"opens {program} for somebody to type into"
        yield Act(EffectClass.EXECUTE, sentence, "shell.opens-shell", place=place, program=program)
    elif program == "su":
        yield Act(EffectClass.GRANT, "becomes another user", "identity.privilege", place=place, program=program)


def sources(inside: wrappers.Inside) -> set[str]:
    """The programs that a text comes from, down their pipes."""
    names: set[str] = set()
    for source in inside.source:
        at: Command | None = source
        while at is not None and len(names) < 50:
            names.add(wrappers.program(at.name))
            at = at.upstream
    return names


def _unseen(inside: wrappers.Inside, program: str, place: Place) -> Iterator[Act]:
    """A text is run that is not in the call: what that means depends on where it comes from."""
    names = sources(inside)
    if names & DOWNLOADERS:
        sentence = f"hands what it downloads straight to {program}"
        yield Act(EffectClass.EXECUTE, sentence, "shell.runs-download", place=place, program=program)
    elif names & (DECODERS - _LOCAL) and not names & _SETUP:
        yield _hidden(f"decodes a text and hands it to {program}: what runs cannot be seen here", place, program)
    elif names and names <= _LOCAL | _SETUP | {""}:
        return
    elif inside.language in ("shell", "powershell", "cmd"):
        sentence = f"{program} runs a text that is put together only when it runs"
        yield _hidden(sentence, place, program, Severity.MEDIUM, Confidence.HIGH if names else Confidence.MEDIUM)


_SHELL_AS_VALUE: Final = runners.SHELLS | frozenset(
    "docker podman kubectl useradd usermod chsh adduser git sudo make cmake env script".split()
)
"""Programs that take a shell as an ordinary argument, or whose arguments are read as commands anyway."""
_STARTS_ANYWAY: Final = frozenset({"man", "tmux", "screen", "systemctl", "apt", "apt-get", "crontab"})
_SCRIPTED: Final = frozenset({"sed", "awk", "gawk", "mawk", "nawk"})
_SCRIPT_RUNS: Final = re.compile(
    r"\be\s+(?:exec\b|/)|\bsystem\s*\(|\|\s*getline|/e\b"
)  # what runs a command in sed and awk


def _starts_shell(command: Command, program: str) -> bool:
    """A program that is no shell is told to start one."""
    if program in _SHELL_AS_VALUE:
        return False
    rule = operands.rule_of(program)
    if (rule == "read-rest" and program not in _SCRIPTED) or (rule in _READS and program not in _STARTS_ANYWAY):
        return False
    # Cheap first: each form of the pattern holds one of these.
    texts = [w.text[:4000] for w in command.words[1:] if "sh" in w.text or ":term" in w.text]
    return any(_SHELL_WORD.search(text) and (program not in _SCRIPTED or _SCRIPT_RUNS.search(text)) for text in texts)


def escapes(command: Command, program: str) -> Iterator[str]:
    """Shell texts in calls that stand inside an argument: `awk 'BEGIN {system("...")}'`."""
    if program in ("sed", "gsed"):
        for word in command.words[1:]:
            one = _SED_RUNS.match(word.text)
            if one:
                yield one[1]
    if program not in _SHELL_AS_VALUE and operands.rule_of(program) not in _READS:
        for word in command.words[1:]:
            for match in _ESCAPE_CALL.finditer(word.text[:4000]):
                yield match[2]


_SED_RUNS: Final = re.compile(r"\s*(?:\d+|\$|/[^/]*/)?(?:,(?:\d+|\$|/[^/]*/))?\s*e\s+([^\n;]+)")  # sed's command e


_STOPS: Final = frozenset({"stop", "kill"})
_STARTS: Final = frozenset({"start", "restart", "up"})


def started_again(commands: tuple[Command, ...]) -> frozenset[int]:
    """Which commands stop what a later one of the same program starts again: `docker kill web && docker start web`."""
    found: set[int] = set()
    split = [_around(command, _STARTS) for command in commands]
    for index, command in enumerate(commands if any(split) else ()):
        stopped = _around(command, _STOPS)
        if stopped is not None and stopped in split[index + 1 :]:
            found.add(index)
    return frozenset(found)


def _around(command: Command, verbs: frozenset[str]) -> tuple[str, tuple[str, ...], tuple[str, ...]] | None:
    """The program, and its operands before and behind the verb; None where no such verb or nothing else stands."""
    words = tuple(arg for arg in command.args if not arg.startswith("-"))
    at = next((i for i, word in enumerate(words[:2]) if word in verbs), None)
    return None if at is None or len(words) < 2 else (command.name, words[:at], words[at + 1 :])


_CONTAINERS: Final = frozenset("docker podman nerdctl ctr kubectl oc docker-compose".split())
_MINER: Final = re.compile(
    r"(?:^|[\s/=])(?:xmrig|xmr-stak|minerd|cpuminer|ethminer|nbminer|lolminer|phoenixminer|t-rex"
    r"|teamredminer|cgminer|bfgminer)(?=[\s:/@.-]|$)"
)


def mines(program: str, args: tuple[str, ...]) -> bool:
    """The address of a mining pool, or a container that is started from the image of a miner."""
    text = " ".join(args)
    if "stratum+" in text:
        return True
    return program in _CONTAINERS and bool({"run", "create"} & set(args[:8])) and _MINER.search(text) is not None


def encrypts(program: str, args: tuple[str, ...]) -> bool:
    """The command turns files into what only a key opens."""
    if program in ("gpg", "gpg2"):
        return any(arg in ("-c", "-e", "--symmetric", "--encrypt") for arg in args)
    if program == "openssl":
        return "enc" in args[:1] and not {"-d", "-base64", "-a"}.intersection(args)
    return program in ("ccrypt", "ccencrypt", "mcrypt", "age", "rage", "aescrypt") and "-d" not in args


def tells_daemon(command: Command, program: str) -> bool:
    """A command goes to the control socket of a running service, and does not only ask."""
    to_socket = program in ("socat", "nc", "ncat") and any(".sock" in arg for arg in command.args)
    return to_socket and bool(command.stdin) and not _CONTROL.match(command.stdin or "")


def only_prints(commands: tuple[Command, ...]) -> bool:
    """Nothing but text programs, none of which writes a file: talking about a thing is not the thing."""
    return all(
        command.name in _PRINTERS
        and not (command.name == "awk" and any("|&" in arg for arg in command.args))
        and command.upstream is None
        and not any(redirect.op in (">", ">>", "<", ">&", "&>") for redirect in command.redirects)
        for command in commands
    )


_PRINTERS: Final = frozenset({"echo", "printf", "grep", "rg", "cat", "git", "sed", "awk", ""})
