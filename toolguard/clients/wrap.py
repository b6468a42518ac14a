"""How a server entry is put behind the proxy, recognised there, and taken out again.

INVARIANT: unwrapping what was wrapped gives back the text to the byte (tests/clients/test_wrap.py). The original
command moves, as it is spelled, to the head of the argument list; nothing else is touched, so nothing but the entry
itself is needed to undo it, not even this machine's records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Final

from toolguard.clients.entry import Edit, Entry, NewMember, Span

REMOTE_MEMBERS: Final = ("url", "serverUrl", "httpUrl")
"""Members that name a server's address; `url` in every client here, the others where files are shared with more."""

OWN_OPTIONS: Final = ("--name", "--agent", "--home", "--config")

# The marks of a list that was not there before: a space inside each bracket. A list that the user wrote empty gets the
# new arguments straight after its bracket, so the two can be told apart when undoing.
_OWN_OPEN, _OWN_CLOSE = "[ ", " ]"


@dataclass(frozen=True, slots=True)
class Launcher:
    """How a client starts this toolguard."""

    argv: tuple[str, ...]
    """The interpreter or executable and what precedes `proxy`."""
    options: Mapping[str, str]
    """Options of `proxy` beside the names."""

    def head(self, server: str, client: str, kept: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Everything up to the original command; `kept` are options that a person added."""
        options = {"--name": server, "--agent": client, **self.options}
        return (*self.argv, "proxy", *(word for pair in options.items() for word in pair), *kept, "--")


@dataclass(frozen=True, slots=True)
class Wrapping:
    """A wrapped entry, taken apart."""

    launch: tuple[str, ...]
    """What precedes `proxy`."""
    options: tuple[str, ...]
    """Between `proxy` and `--`."""
    argv: tuple[str, ...]
    """What the proxy starts."""

    @property
    def head(self) -> tuple[str, ...]:
        return (*self.launch, "proxy", *self.options, "--")

    def option(self, name: str) -> str | None:
        """The value of an option."""
        words = self.options
        return next((words[at + 1] for at, word in enumerate(words[:-1]) if word == name), None)

    @property
    def added(self) -> tuple[str, ...]:
        """The options that `install` does not write itself."""
        words, kept, at = self.options, [], 0
        while at < len(words):
            if words[at] in OWN_OPTIONS:
                at += 2
                continue
            kept.append(words[at])
            at += 1
        return tuple(kept)


def kind(entry: Entry) -> str:
    """`wrapped`, `apart` (reached through `toolguard connect`), `stdio` (could be wrapped), `remote` (reached by URL),
    or `broken`."""
    command = entry.members.get("command")
    if wrapping(entry):
        return "wrapped"
    if is_apart(entry):
        return "apart"
    if isinstance(command, str) and command and (entry.args or "args" not in entry.members):
        return "stdio"
    return "remote" if any(isinstance(entry.members.get(name), str) for name in REMOTE_MEMBERS) else "broken"


def wrapping(entry: Entry) -> Wrapping | None:
    """How the entry runs behind a proxy; None when it does not."""
    words = [word if isinstance(word, str) else "" for word in entry.argv]
    if "proxy" not in words or "--" not in words[words.index("proxy") :]:
        return None
    verb = words.index("proxy")
    end = words.index("--", verb)
    if not _is_toolguard(words[:verb]) or not words[end + 1 :]:
        return None
    return Wrapping(tuple(words[:verb]), tuple(words[verb + 1 : end]), tuple(words[end + 1 :]))


def is_apart(entry: Entry) -> bool:
    """Whether it reaches a server of a toolguard that another user runs."""
    words = [word if isinstance(word, str) else "" for word in entry.argv]
    return "connect" in words and _is_toolguard(words[: words.index("connect")])


def is_ours(present: Wrapping, client: str) -> bool:
    """Whether `install` wrote it for this client; what a person wrote by hand is left alone."""
    return present.option("--agent") == client and present.option("--name") is not None


def _is_toolguard(launch: list[str]) -> bool:
    """Whether these words start toolguard: its executable alone, or Python with nothing but flags and the module."""
    match launch:
        case [executable]:
            return _stem(executable) == "toolguard"
        case [executable, *flags, "-m", "toolguard"]:
            return _stem(executable).startswith(("python", "pypy")) and all(flag.startswith("-") for flag in flags)
        case _:
            return False


def _stem(executable: str) -> str:
    """The name of a program, whichever system wrote its path."""
    return PureWindowsPath(PurePosixPath(executable).name).name.removesuffix(".exe")


def wrap(text: str, entry: Entry, client: str, launcher: Launcher, quote: Callable[[str], str]) -> list[Edit]:
    """The edits that put a stdio entry behind the proxy; for one already there, those that bring it up to date."""
    if entry.command is None or (entry.args is None and entry.new_args is None):
        return []
    present = wrapping(entry)
    if present:
        return _renew(entry, present, launcher.head(entry.name, client, present.added), quote)
    executable, *arguments = (quote(word) for word in launcher.head(entry.name, client))
    original = text[entry.command.start : entry.command.end]
    return [Edit(entry.command, executable), _insertion(entry, ", ".join([*arguments, original]))]


def _renew(entry: Entry, present: Wrapping, head: tuple[str, ...], quote: Callable[[str], str]) -> list[Edit]:
    if present.head == head or entry.command is None:
        return []
    executable, *arguments = (quote(word) for word in head)
    last = entry.elements[len(present.head) - 2]
    return [Edit(entry.command, executable), Edit(Span(entry.elements[0].start, last.end), ", ".join(arguments))]


def _insertion(entry: Entry, inserted: str) -> Edit:
    if entry.elements:
        return Edit(_at(entry.elements[0].start), f"{inserted}, ")
    if entry.args is not None:
        return Edit(_at(entry.args.start + 1), inserted)
    new = entry.new_args or NewMember(0, "", "")
    return Edit(_at(new.at), f"{new.before}{_OWN_OPEN}{inserted}{_OWN_CLOSE}{new.after}")


def _at(offset: int) -> Span:
    return Span(offset, offset)


def unwrap(text: str, entry: Entry) -> list[Edit]:
    """The edits that take a wrapped entry out from behind the proxy."""
    present = wrapping(entry)
    if present is None or entry.command is None or entry.args is None:
        return []
    original = entry.elements[len(present.head) - 1]
    command = Edit(entry.command, text[original.start : original.end])
    rest = entry.elements[len(present.head) :]
    if rest:
        return [command, Edit(Span(entry.elements[0].start, rest[0].start), "")]
    written = text[entry.args.start : entry.args.end]
    if (
        entry.args_member
        and written.startswith(_OWN_OPEN + text[entry.elements[0].start])
        and written.endswith(_OWN_CLOSE)
    ):
        return [command, Edit(entry.args_member, "")]
    return [command, Edit(Span(entry.elements[0].start, original.end), "")]
