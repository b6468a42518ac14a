"""The words of shell commands: what the shell would make of quotes, escapes, variables and substitutions in a syntax
tree.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from toolguard.core.shell import expand

if TYPE_CHECKING:
    from tree_sitter import (
        Node,  # the door to that library is core/shell/grammar.py; here it is only the name of a type
    )

MAX_DEPTH: Final = 60
MAX_PRODUCED: Final = 1_000_000
"""Characters that variables may add to one text: one that names a long value again and again must not grow."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command after the shell's expansions, as far as the text settles them."""

    text: str
    known: bool = True
    """False when part of it depends on the machine; that part then stands as `$NAME`, `$(...)` or `*`."""
    quoted: bool = False
    inner: tuple[Command, ...] = ()
    """Commands whose output is (part of) this word."""

    @property
    def globbed(self) -> bool:
        """Holds a pattern that the shell would match against files."""
        return not self.quoted and any(c in self.text for c in "*?[")


@dataclass(frozen=True, slots=True)
class Redirect:
    op: str
    """`>`, `>>`, `<`, `<<<`, `<<`, `&>`, `>&`..., without the descriptor."""
    target: Word
    fd: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command."""

    words: tuple[Word, ...]
    start: int
    end: int
    env: tuple[tuple[str, Word], ...] = ()
    """Assignments in front of it, or all of it when `words` is empty."""
    redirects: tuple[Redirect, ...] = ()
    upstream: Command | None = None
    """The command whose output is piped into this one."""
    nested: bool = False
    """Its output is taken as text by another command."""
    stdin: str | None = None
    """What arrives on its standard input, where the text says so."""
    via: tuple[str, ...] = ()
    """Programs that run it, outermost first: `sudo`, `ssh`, `xargs`..."""

    @property
    def name(self) -> str:
        """The program without its folder; empty when it cannot be known."""
        if not self.words:
            return ""
        text = self.words[0].text
        return text.rpartition("/")[2] if text != "/" else text

    @property
    def args(self) -> tuple[str, ...]:
        return tuple(word.text for word in self.words[1:])


class TooMuch(Exception):
    """The work that this text would need is beyond the budget."""


WORDS: Final = frozenset(
    {
        "word",
        "string",
        "raw_string",
        "ansi_c_string",
        "translated_string",
        "concatenation",
        "simple_expansion",
        "expansion",
        "command_substitution",
        "process_substitution",
        "arithmetic_expansion",
        "number",
        "brace_expression",
        "extglob_pattern",
        "regex",
        "special_variable_name",
        "variable_name",
        "array",
    }
)


_LIST: Final = re.compile(r"\"?\$(?:[@*]|\{[@*]\}|\{(\w+)\[[@*]\]\})\"?")  # "$@", "${name[@]}"


@dataclass(slots=True)
class Words(ABC):
    """A syntax tree under reading: its text, its variables, and the words of it."""

    source: bytes
    text: str
    commands: list[Command] = field(default_factory=list)
    bombs: list[str] = field(default_factory=list)
    values: dict[str, Word] = field(default_factory=dict)
    functions: dict[str, Node] = field(default_factory=dict)
    arrays: dict[str, tuple[Word, ...]] = field(default_factory=dict)
    aliases: dict[str, list[str]] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)
    positional: tuple[Word, ...] = ()
    nested: bool = False
    chars: list[int] | None = None
    produced: int = 0

    # --- places -------------------------------------------------------------------------------------------------

    def raw(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def char(self, at: int) -> int:
        """The character that starts at a byte."""
        if len(self.source) == len(self.text):
            return at
        if self.chars is None:
            self.chars = []
            for index, character in enumerate(self.text):
                self.chars += [index] * len(character.encode("utf-8", "replace"))
            self.chars.append(len(self.text))
        return self.chars[min(at, len(self.chars) - 1)]

    @abstractmethod
    def statements(self, node: Node, depth: int) -> list[Command]:
        """Commands below a node; the one part that reads statements provides it."""

    # --- words --------------------------------------------------------------------------------------------------

    def expanded(self, node: Node, depth: int) -> list[Word]:
        """The words that one word of the text becomes: braces multiply, unquoted values split at blanks."""
        listed = self._listed_words(node)
        if listed:
            return list(listed)
        word = self.word(node, depth)
        kind = node.type
        if kind in ("word", "concatenation") and "{" in word.text and not word.quoted and len(word.text) < 4096:
            return [replace(word, text=text) for text in expand.braces(word.text)]
        marks = self._marks() if kind in ("simple_expansion", "expansion", "command_substitution") else ""
        splits = kind in ("simple_expansion", "expansion", "command_substitution") or (
            kind == "concatenation" and "$" in self.raw(node) and not word.quoted
        )
        if splits and any(c.isspace() or c in marks for c in word.text.strip()):
            text = word.text.translate(dict.fromkeys(map(ord, marks), " ")) if marks else word.text
            return [replace(word, text=part) for part in text.split()]
        if splits and word.known and not word.text.strip():
            return []
        return [word]

    def _marks(self) -> str:
        """Characters at which values are split beside blanks: what the text has put into IFS (POSIX shell, 2.6.5)."""
        marks = self.values.get("IFS")
        return marks.text[:20].strip() if marks is not None and marks.known else ""

    def _listed_words(self, node: Node) -> tuple[Word, ...]:
        """The words that `"$@"` or `"${name[@]}"` stands for, where the text settles them."""
        if node.type not in ("string", "simple_expansion", "expansion"):
            return ()
        match = _LIST.fullmatch(self.raw(node)[:200])
        if match is None:
            return ()
        words = self.arrays.get(match[1], ()) if match[1] else self.positional
        self.produced += sum(len(word.text) for word in words)
        if self.produced > MAX_PRODUCED:
            raise TooMuch
        return words

    def word(self, node: Node, depth: int) -> Word:
        """What the shell would make of one word."""
        if depth > MAX_DEPTH:
            raise TooMuch
        reader = _WORD_READERS.get(node.type)
        if reader is not None:
            return reader(self, node, depth)
        for child in node.named_children:  # arithmetic and the rest: only what runs inside matters
            self.statements(child, depth + 1)
        return Word(self.raw(node), node.type != "arithmetic_expansion")

    def _plain(self, node: Node, depth: int) -> Word:
        return Word(expand.unescape(self.raw(node)))

    def _single_quoted(self, node: Node, depth: int) -> Word:
        return Word(self.raw(node)[1:-1], quoted=True)

    def _ansi_c(self, node: Node, depth: int) -> Word:
        return Word(expand.ansi_c(self.raw(node)[2:-1]), quoted=True)

    def _simple(self, node: Node, depth: int) -> Word:
        return self._variable(self.raw(node)[1:])

    def _string(self, node: Node, depth: int) -> Word:
        if node.type == "translated_string":
            return self._string(node.named_children[0], depth) if node.named_children else Word("", quoted=True)
        parts: list[str] = []
        inner: tuple[Command, ...] = ()
        known = True
        at, end = node.start_byte + 1, node.end_byte - 1
        for child in node.named_children:
            if child.type == "string_content":
                continue
            parts.append(expand.unescape_double(self.source[at : child.start_byte].decode("utf-8", "replace")))
            word = self.word(child, depth + 1)
            parts.append(word.text)
            known, inner = known and word.known, inner + word.inner
            at = child.end_byte
        parts.append(expand.unescape_double(self.source[at:end].decode("utf-8", "replace")))
        return Word("".join(parts), known, True, inner)

    def _joined(self, node: Node, depth: int) -> Word:
        words = [self.word(child, depth + 1) for child in node.named_children]
        if node.type == "concatenation":
            # Braces are unnamed in some versions of the grammar: what no child covers is taken as written.
            text, at = "", node.start_byte
            for child, word in zip(node.named_children, words, strict=True):
                text += self.source[at : child.start_byte].decode("utf-8", "replace") + word.text
                at = child.end_byte
            text += self.source[at : node.end_byte].decode("utf-8", "replace")
        else:
            text = " ".join(word.text for word in words)
        inner = tuple(command for word in words for command in word.inner)
        quoted = bool(words) and any(word.quoted for word in words) and "{" not in text
        return Word(text, all(word.known for word in words), quoted, inner)

    def _variable(self, name: str) -> Word:
        if name in self.values:
            self.produced += len(self.values[name].text)
            if self.produced > MAX_PRODUCED:
                raise TooMuch
            return self.values[name]
        if name.isdigit() and 0 < int(name) <= len(self.positional):
            return self.positional[int(name) - 1]
        if name in ("@", "*") and self.positional:
            known = all(word.known for word in self.positional)
            return Word(" ".join(word.text for word in self.positional), known)
        fixed = expand.FIXED.get(name)
        return Word(f"${name}", False) if fixed is None else Word(fixed)

    def _parameter(self, node: Node, depth: int) -> Word:
        inner: tuple[Command, ...] = ()
        for child in node.named_children:
            if child.type in ("command_substitution", "string", "concatenation"):
                inner += self.word(child, depth + 1).inner
        body = self.raw(node)[2:-1]
        name = expand.parameter_name(body)
        value = self._variable(name)
        text = expand.parameter(body, name, value.text if value.known else None)
        return Word(value.text if text is None else text, text is not None, False, inner)

    def _substitution(self, node: Node, depth: int) -> Word:
        outer, self.nested = self.nested, True
        before = len(self.commands)
        out: list[Command] = []
        for child in node.named_children:
            out = self.statements(child, depth + 1)
        self.nested = outer
        inner = tuple(self.commands[before:])
        if node.type == "process_substitution":
            return Word("/dev/fd/63", False, True, inner)
        text = expand.output(out[-1]) if len(out) == 1 else None
        if text is None:
            return Word(_listed(out[-1]) if len(out) == 1 else "$(...)", False, False, inner)
        return Word(text.rstrip("\n"), True, False, inner)


_WORD_READERS: Final[dict[str, Callable[[Words, Node, int], Word]]] = {
    "word": Words._plain,
    "number": Words._plain,
    "variable_name": Words._plain,
    "special_variable_name": Words._plain,
    "extglob_pattern": Words._plain,
    "regex": Words._plain,
    "raw_string": Words._single_quoted,
    "ansi_c_string": Words._ansi_c,
    "string": Words._string,
    "translated_string": Words._string,
    "concatenation": Words._joined,
    "array": Words._joined,
    "simple_expansion": Words._simple,
    "expansion": Words._parameter,
    "command_substitution": Words._substitution,
    "process_substitution": Words._substitution,
}


def _listed(command: Command) -> str:
    """What the output of `find` or `ls` would name, as a pattern; `$(...)` for any other command."""
    operands = [arg for arg in command.args if not arg.startswith("-")]
    if command.name == "find":
        return below(command)
    if command.name == "ls" and operands:
        return operands[0].rstrip("/") + "/*"
    return "$(...)"


def below(find: Command) -> str:
    """The pattern of what a `find` names: its first folder and the name that it looks for."""
    args = find.args
    root = (
        next((arg for arg in args if not arg.startswith(("-", "(", "!"))), ".")
        if args and args[0][:1] not in "(!"
        else "."
    )
    root = "." if args and args[0].startswith("-") and args[0] not in ("-H", "-L", "-P") else root
    name = next((args[i + 1] for i, arg in enumerate(args[:-1]) if arg in ("-name", "-iname")), "*")
    return f"{root.rstrip('/')}/{name}"
