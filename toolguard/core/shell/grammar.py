"""The door to tree-sitter-bash: a shell text becomes a flat list of commands with their words as the shell would see
them.

It follows what the text itself settles (quotes, escapes, assigned variables, loops over words, functions called with
arguments, output of `echo` and its kin) and marks as not `known` what only a running shell could tell. It executes
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from toolguard.core.shell import expand
from toolguard.core.shell.words import MAX_DEPTH, WORDS, Command, Redirect, TooMuch, Word, Words

MAX_BYTES: Final = 524_288
# Measured: 512 KiB of plain words parse in 12 ms; these three make the parser's work grow with their square.
MAX_COSTLY: Final = {b">": 2000, b"=(": 600, b"${": 4000}
# The parser reports about every hundred steps; 400 reports are 25 ms of its worst input.
MAX_REPORTS: Final = 400
MAX_COMMANDS: Final = 800
MAX_VALUE: Final = 65_536
# Characters of a variable: a text that doubles itself must not grow without end.

# `for x do`, which stands for `for x in "$@"; do`; the grammar does not know it.
_FOR_ARGUMENTS: Final = re.compile(rb"\bfor\s+(\w+)\s*;?\s*do\b")

# `{rm,-rf,x}` where a command begins: the words of one command.
_BRACED_COMMAND: Final = re.compile(rb"(^\s*|[;&|\n(]\s*)\{([^\s{};|&]+,[^\s{};|&]*)\}(?=[\s;|&)]|$)")

_TEST: Final = re.compile(rb"(^|[\s;&|(])\[ ([^\[\]\n;&|]{1,200}?) \](?=$|[\s;&|)])")
# `[ -e / ]`, which the grammar takes for the beginning of an expression.
_CUT_WORD: Final = re.compile(rb"(?<=[^\s\\'\"])\\\n(?=[^\s\\'\"])")

_PARSER: Final = Parser(Language(tree_sitter_bash.language()))


@dataclass(frozen=True, slots=True)
class Script:
    """A shell text, read."""

    commands: tuple[Command, ...]
    unread: str = ""
    """Why some of it was not read: `too-large` or `not-parsed`; empty when all of it was."""
    bombs: tuple[str, ...] = ()
    """Functions that call themselves twice or in the background: they multiply without end."""


def _mended(source: bytes) -> bytes:
    """Valid shell that the grammar does not know, in words that it knows."""
    source = _TEST.sub(rb"\1test \2 ", source)
    source = _FOR_ARGUMENTS.sub(rb'for \1 in "$@"; do', source)
    return _BRACED_COMMAND.sub(lambda m: m[1] + m[2].replace(b",", b" "), source)


def parse(text: str) -> Script:
    """Read a shell text. Total: what cannot be read is said in `unread`."""
    source = text.encode("utf-8", "replace")
    if len(source) > MAX_BYTES or any(source.count(c) > most for c, most in MAX_COSTLY.items()):
        return Script((), "too-large")
    if b"\\\n" in source:  # a backslash at the end of a line joins it with the next, inside a word, too
        source = _CUT_WORD.sub(b"", source)
        text = source.decode("utf-8", "replace")
    reports = 0

    def stop(*_: object) -> bool:
        nonlocal reports
        reports += 1
        return reports > MAX_REPORTS

    try:
        tree = _PARSER.parse(lambda at, _: source[at:], progress_callback=stop)
        if tree.root_node.has_error and (mended := _mended(source)) != source:
            source, text = mended, mended.decode("utf-8", "replace")
            tree = _PARSER.parse(lambda at, _: source[at:], progress_callback=stop)
    except ValueError:  # how this library says that it was stopped
        _PARSER.reset()
        return Script((), "too-large")
    walk = _Walk(source, text)
    try:
        walk.statements(tree.root_node, 0)
        walk.uncalled()
    except (TooMuch, RecursionError):
        return Script(tuple(walk.commands), "too-large", tuple(walk.bombs))
    unread = "not-parsed" if tree.root_node.has_error else ""
    return Script(tuple(walk.commands), unread, tuple(walk.bombs))


@dataclass(slots=True)
class _Walk(Words):
    """One pass over a syntax tree, in the order of the text."""

    # --- statements ---------------------------------------------------------------------------------------------

    def statements(self, node: Node, depth: int) -> list[Command]:
        """Read everything below a node; returns the commands whose output is the node's output."""
        if depth > MAX_DEPTH or len(self.commands) > MAX_COMMANDS:
            raise TooMuch
        reader = _READERS.get(node.type)
        if reader is not None:
            return reader(self, node, depth)
        if node.type in WORDS:  # a word outside a command: a `case` subject, a condition
            self.word(node, depth)
            return []
        out: list[Command] = []
        for child in node.named_children:
            out += self.statements(child, depth + 1)
        return out

    def _nothing(self, node: Node, depth: int) -> list[Command]:
        return []

    def _piped(self, node: Node, depth: int) -> list[Command]:
        return self._pipeline(node.named_children, depth)

    def _unset(self, node: Node, depth: int) -> list[Command]:
        words = [Word("unset"), *(word for child in node.named_children for word in self.expanded(child, depth))]
        start, end = self.char(node.start_byte), self.char(node.end_byte)
        return self._run(Command(tuple(words), start, end, nested=self.nested), depth)

    def _conditions(self, node: Node, depth: int) -> list[Command]:
        for child in node.named_children:
            if child.type in WORDS:
                self.word(child, depth)
            else:
                self._conditions(child, depth + 1)
        return []

    def _pipeline(self, parts: list[Node], depth: int, upstream: Command | None = None) -> list[Command]:
        out: list[Command] = []
        for part in parts:
            if part.type == "comment":
                continue
            before = len(self.commands)
            out = self.statements(part, depth + 1)
            if upstream is not None:
                out = self._feed(before, out, upstream)
            upstream = out[-1] if out else None
        return out

    def _feed(self, before: int, out: list[Command], upstream: Command) -> list[Command]:
        """Connect the first commands of a pipe's right side with its left side."""
        stdin = expand.output(upstream)
        fed: dict[int, Command] = {}
        for index in range(before, len(self.commands)):
            command = self.commands[index]
            if command.upstream is None and command.stdin is None:
                fed[id(command)] = self.commands[index] = replace(command, upstream=upstream, stdin=stdin)
        return [fed.get(id(command), command) for command in out]

    def _redirected(self, node: Node, depth: int) -> list[Command]:
        redirects: list[Redirect] = []
        stdin: str | None = None
        tails: list[Node] = []
        before = len(self.commands)
        out: list[Command] = []
        at = node.start_byte
        for child in node.named_children:
            if child.type == "file_redirect" and self._new_line(at, child):
                bare = self._file_redirect(child, depth)
                self.commands.append(Command((), self.char(at), self.char(child.end_byte), redirects=tuple(bare)))
            elif child.type == "heredoc_redirect":
                text, rest = self._heredoc(child, redirects, depth)
                stdin, tails = text, tails + rest
            elif child.type == "herestring_redirect":
                word = self.word(child.named_children[-1], depth)
                stdin = word.text + "\n" if word.known else None
                redirects.append(Redirect("<<<", word))
            elif child.type == "file_redirect":
                redirects += self._file_redirect(child, depth)
            else:
                out = self.statements(child, depth + 1)
            at = child.end_byte
        out = self._apply(before, out, redirects, stdin, self.char(node.end_byte) if not tails else None)
        for tail in tails:
            if tail.type == "pipeline" and out:
                out = self._pipeline(tail.named_children, depth, out[-1])
            else:
                out = self.statements(tail, depth + 1)
        return out

    def _apply(
        self, before: int, out: list[Command], redirects: list[Redirect], stdin: str | None, end: int | None
    ) -> list[Command]:
        if before == len(self.commands) and redirects:  # `> file` alone empties the file
            first = Command((), 0, end or 0, redirects=tuple(redirects), stdin=stdin, nested=self.nested)
            self.commands.append(first)
            return [first]
        for index in range(before, len(self.commands)):
            old = self.commands[index]
            if old.nested and not self.nested:
                continue
            new = replace(
                old,
                redirects=old.redirects + tuple(redirects),
                stdin=stdin if stdin is not None and old.upstream is None else old.stdin,
                end=end if end is not None and old in out else old.end,
            )
            self.commands[index] = new
            out = [new if command is old else command for command in out]
        return out

    def _heredoc(self, node: Node, redirects: list[Redirect], depth: int) -> tuple[str | None, list[Node]]:
        """The text of a here-document, and what stands after its marker on the same line."""
        text: str | None = ""
        quoted = False
        tails: list[Node] = []
        for child in node.named_children:
            if child.type == "heredoc_start":
                quoted = any(c in self.raw(child) for c in "'\"\\")
            elif child.type == "heredoc_body":
                text = self.raw(child)
                if not quoted:
                    text = self._heredoc_text(child, depth)
            elif child.type == "file_redirect":
                redirects += self._file_redirect(child, depth)
            elif child.type in WORDS:  # more arguments after the marker: rare, and read as words of the command
                self.word(child, depth)
            elif child.type != "heredoc_end":
                tails.append(child)
        redirects.append(Redirect("<<", Word(text or "", text is not None, quoted=True)))
        return text, tails

    def _heredoc_text(self, node: Node, depth: int) -> str:
        """The body with its expansions; whatever is not known stays as written."""
        parts: list[str] = []
        at = node.start_byte
        for child in node.named_children:
            if child.type == "heredoc_content":
                continue
            parts.append(self.source[at : child.start_byte].decode("utf-8", "replace"))
            parts.append(self.word(child, depth).text)
            at = child.end_byte
        parts.append(self.source[at : node.end_byte].decode("utf-8", "replace"))
        return "".join(parts)

    def _file_redirect(self, node: Node, depth: int) -> list[Redirect]:
        fd, op, found = "", "", []
        for child in node.children:
            if child.type == "file_descriptor":
                fd = self.raw(child)
            elif child.type in WORDS:
                found += [Redirect(op, word, fd) for word in self.expanded(child, depth)]
            elif not child.is_named:
                op = child.type
        return found

    def _assignments(self, node: Node, depth: int) -> list[Command]:
        nodes = [node] if node.type == "variable_assignment" else node.named_children
        env = tuple(pair for child in nodes for pair in self._assigned(child, depth))
        head: tuple[Word, ...] = ()
        if node.type == "declaration_command":
            head = tuple(Word(part) for part in (node.children[0].type,))
        command = Command(head, self.char(node.start_byte), self.char(node.end_byte), env, nested=self.nested)
        self.commands.append(command)
        return []

    def _assigned(self, node: Node, depth: int) -> Iterator[tuple[str, Word]]:
        if node.type != "variable_assignment":
            return
        name, _, _ = self.raw(node).partition("=")
        name = name.rstrip("+")
        value = Word("")
        children = node.named_children
        if len(children) > 1:
            value = self.word(children[-1], depth)
            if children[-1].type == "array":
                self.arrays[name] = tuple(self.word(child, depth) for child in children[-1].named_children)
        self.values[name] = value if len(value.text) <= MAX_VALUE else Word(f"${name}", False)
        yield name, value

    def _function(self, node: Node, depth: int) -> list[Command]:
        name = self.raw(node.named_children[0])
        body = node.named_children[-1]
        self.functions[name] = body
        inner = self.raw(body)
        if _multiplies(name, body, self):
            self.bombs.append(name)
        elif "$" not in inner:
            self.called.discard(name)
        return []

    def uncalled(self) -> None:
        """Functions that are only defined are read too: another call may use them."""
        for name, body in list(self.functions.items()):
            if name not in self.called:
                self.called.add(name)
                self.statements(body, MAX_DEPTH // 2)

    def _loop(self, node: Node, depth: int) -> list[Command]:
        words: list[Word] = []
        name = ""
        out: list[Command] = []
        for child in node.named_children:
            if child.type == "variable_name" and not name:
                name = self.raw(child)
            elif child.type == "do_group":
                if name:
                    known = bool(words) and all(word.known for word in words)
                    self.values[name] = Word(" ".join(word.text for word in words), known)
                out = self.statements(child, depth + 1)
            elif child.type in WORDS:
                words += self.expanded(child, depth)
        return out

    # --- commands -----------------------------------------------------------------------------------------------

    def _command(self, node: Node, depth: int) -> list[Command]:
        parts: list[list[Node]] = [[]]
        at = node.start_byte
        for child in node.named_children:
            if self._new_line(at, child):
                parts.append([])
            parts[-1].append(child)
            at = child.end_byte
        out: list[Command] = []
        for part in parts:
            out = self._command_of(part, depth)
        return out

    def _new_line(self, at: int, node: Node) -> bool:
        """A line ends between a byte and a node: the grammar joins lines when the next one starts with `$(`, `{` or
        `>`.
        """
        gap = self.source[at : node.start_byte]
        return b"\n" in gap and b"\\\n" not in gap

    def _command_of(self, children: list[Node], depth: int) -> list[Command]:
        words: list[Word] = []
        env: list[tuple[str, Word]] = []
        redirects: list[Redirect] = []
        stdin: str | None = None
        saved = dict(self.values) if children and children[0].type == "variable_assignment" else None
        for child in children:
            kind = child.type
            if kind == "variable_assignment":
                env += self._assigned(child, depth)
            elif kind == "command_name":
                for part in child.named_children or [child]:
                    words += self.expanded(part, depth)
            elif kind == "herestring_redirect":
                word = self.word(child.named_children[-1], depth)
                stdin = word.text + "\n" if word.known else None
                redirects.append(Redirect("<<<", word))
            elif kind == "file_redirect":
                redirects += self._file_redirect(child, depth)
            else:
                words += self.expanded(child, depth)
        if saved is not None:  # `A=1 command` sets A for that command only
            self.values = saved
        if words and words[0].text in self.aliases:
            words[:1] = [Word(part) for part in self.aliases[words[0].text]]
        start = self.char(children[0].start_byte) if children else 0
        end = self.char(children[-1].end_byte) if children else 0
        return self._run(
            Command(tuple(words), start, end, tuple(env), tuple(redirects), None, self.nested, stdin), depth
        )

    def _run(self, command: Command, depth: int) -> list[Command]:
        """Note a command, and follow it into what the text defined under its name."""
        name = command.words[0].text if command.words else ""
        if name in ("trap", "eval") and self.values and any("$" in word.text for word in command.words[1:]):
            command = replace(command, words=(command.words[0], *map(self._later, command.words[1:])))
        self.commands.append(command)
        if name == "alias":
            for arg in command.args:
                alias, eq, value = arg.partition("=")
                if eq:
                    self.aliases[alias] = value.split()
        elif name in ("read", "mapfile", "readarray"):
            text = command.stdin
            self._read_list(command, text)
            for variable in [arg for arg in command.args if not arg.startswith("-")]:
                self.values[variable] = Word(text.strip(), True) if text else Word(f"${variable}", False)
        elif name == "set" and command.args[:1] == ("--",):
            self.positional = command.words[2:]
        elif name in self.functions and name not in self.called:
            self.called.add(name)
            outer, self.positional = self.positional, command.words[1:]
            out = self.statements(self.functions[name], depth + 1)
            self.positional = outer
            return out
        return [command]

    def _read_list(self, command: Command, text: str | None) -> None:
        """`IFS=, read -ra NAME <<< TEXT`: the parts of the text become a list."""
        options = [index for index, arg in enumerate(command.args) if _INTO_LIST.fullmatch(arg)]
        if text is not None and options and options[-1] + 1 < len(command.args):
            marks = next((value.text for name, value in command.env if name == "IFS"), self._marks())
            parts = text.translate(dict.fromkeys(map(ord, marks[:20]), " ")).split()
            self.arrays[command.args[options[-1] + 1]] = tuple(Word(part) for part in parts)

    def _later(self, word: Word) -> Word:
        """A quoted text that the shell reads again later, with the variables that are known now."""
        if not word.known or not word.quoted or len(word.text) > MAX_VALUE:
            return word
        return replace(word, text=_VARIABLE.sub(self._value, word.text)[:MAX_VALUE])

    def _value(self, match: re.Match[str]) -> str:
        known = self.values.get(match[1] or match[2])
        return known.text if known is not None and known.known and len(known.text) < 1024 else match[0]


_INTO_LIST: Final = re.compile(r"-[rdst]*a")  # -a, -ra
_VARIABLE: Final = re.compile(r"\$(?:(\w+)|\{(\w+)\})")

_READERS: Final[dict[str, Callable[[_Walk, Node, int], list[Command]]]] = {
    "comment": _Walk._nothing,
    "heredoc_body": _Walk._nothing,
    "test_command": _Walk._conditions,
    "command": _Walk._command,
    "redirected_statement": _Walk._redirected,
    "pipeline": _Walk._piped,
    "variable_assignment": _Walk._assignments,
    "variable_assignments": _Walk._assignments,
    "declaration_command": _Walk._assignments,
    "unset_command": _Walk._unset,
    "function_definition": _Walk._function,
    "for_statement": _Walk._loop,
    "select_statement": _Walk._loop,
}
"""How each kind of node is read; what is not here is read through its parts."""


def _multiplies(name: str, body: Node, walk: _Walk) -> bool:
    """The body calls its own name twice in a pipe, or in the background: a fork bomb."""
    calls = 0
    stack = [body]
    while stack:
        node = stack.pop()
        if node.type == "command_name" and walk.raw(node) == name:
            calls += 1
        stack.extend(node.named_children)
    return calls >= 2 or (calls == 1 and "&" in [child.type for child in body.children])
