"""Reads Python: which calls a program makes, with the arguments that its text settles (constants, names, f-strings,
paths).

Nothing is executed. A call is followed by its dotted name through imports and assignments; what a table knows about
that name becomes a file use, a contact, a nested shell text or an act.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from toolguard.core.acts import Contact, FileOp, FileUse, Place
from toolguard.core.code import python_names, python_whole
from toolguard.core.code.python_values import UNKNOWN, Values
from toolguard.core.model import Confidence, EffectClass, Severity
from toolguard.core.shell.commands.names import is_in

if TYPE_CHECKING:
    from toolguard.core.shell.collect import Collector

MAX_SOURCE: Final = 40_000
"""Characters; Python's own parser takes about a microsecond for each."""
MAX_NODES: Final = 8_000
_SQL_START: Final = re.compile(
    r"\s*(?:select|insert|update|delete|drop|create|alter|truncate|grant|revoke|with)\b", re.IGNORECASE
)


def read(text: str, place: Place, collector: Collector, depth: int) -> None:
    """Add what a Python program does to the collector. Total: a text that does not parse is said to be unread."""
    if len(text) > MAX_SOURCE:
        collector.unread.append(("too-large", "the program is too long to be read", place))
        return
    source = (
        "\n".join(_plain(line, place, collector, depth) for line in text.split("\n"))
        if "!" in text or "%" in text
        else text
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a hostile text may hold odd escapes; they are its business
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        collector.unread.append(("not-parsed", "the program cannot be parsed as Python", place))
        from toolguard.core.code import scripts  # the rough reading of other languages is better than none

        scripts.read("python2", text, place, collector, depth)
        return
    Program(place, collector, depth).run(tree)


def _plain(line: str, place: Place, collector: Collector, depth: int) -> str:
    """A notebook's `!command` and `%magic` lines, which are no Python."""
    stripped = line.lstrip()
    if stripped.startswith("!") and not stripped.startswith("!="):
        collector.text("shell", stripped.lstrip("!"), place, depth + 1)
        return line[: len(line) - len(stripped)] + "pass"
    if (
        stripped.startswith("%")
        and not stripped.startswith(("%=", "%("))
        and stripped[1:2].isalpha()
        and stripped[:2] != "%s"
    ):
        return line[: len(line) - len(stripped)] + "pass"
    return line


class Program(Values):
    """One pass over a syntax tree."""

    def __init__(self, place: Place, collector: Collector, depth: int) -> None:
        super().__init__()
        self.place, self.collector, self.depth = place, collector, depth
        self.read_files: list[str] = []
        self.sent: list[Contact] = []
        self.marks: set[str] = set()

    def run(self, tree: ast.Module) -> None:
        nodes = []
        for node in ast.walk(tree):
            nodes.append(node)
            if len(nodes) > MAX_NODES:
                self.collector.unread.append(("too-large", "the program is too long to be read", self.place))
                return
        for node in nodes:
            self._import(node)
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.functions[node.name] = node
        self._assign_all(nodes)
        for node in nodes:
            if isinstance(node, ast.Call):
                self._call(node)
        python_whole.judge(self, nodes)

    # --- calls --------------------------------------------------------------------------------------------------

    def _argument(self, node: ast.Call, index: int, *keywords: str) -> str | None:
        for keyword in node.keywords:
            if keyword.arg in keywords:
                found = self.value(keyword.value)
                return found if isinstance(found, str) else None
        found = self.value(node.args[index]) if index < len(node.args) else None
        return found if isinstance(found, str) else None

    def _by_ending(self, node: ast.Call, name: str) -> None:
        """Methods of objects that only their names tell apart."""
        if name.startswith(python_names.HTTP) or (
            name.endswith(python_names.CONNECTING) and name.startswith(("socket.", "?."))
        ):
            self._contact(node, name)
        elif name.endswith(".exec_command"):
            self._remote(node, name)
        elif name.endswith(python_names.QUERIES):
            self._query(node)
        elif name.endswith(python_names.UPLOADS):
            self.sent.append(Contact("//?", self.place, "RAW", program=name))
        elif name.endswith((".encrypt", ".encrypt_and_digest", "encryptFile")):
            self.marks.add("encrypts")
        elif name.endswith(("dup2", ".fileno")):
            self.marks.add("dup2")

    def _call(self, node: ast.Call) -> None:
        name = self.dotted(node.func)
        if not name:
            return
        reader = _CALL_READERS.get(name)
        if reader is not None:
            reader(self, node, name)
        else:
            self._by_ending(node, name)
        for start, (finding, effect_class, sentence) in python_names.ACTS.items():
            if name.startswith(start) and not (finding == "network.listens" and self._stays_here(node)):
                self.collector.add(finding, effect_class, sentence, self.place, name)

    def _stays_here(self, node: ast.Call) -> bool:
        """A server at an address that only this machine can reach, or a later step of one that was judged when made."""
        address = node.args[0] if node.args else None
        if isinstance(address, ast.Tuple) and address.elts:
            host = self.value(address.elts[0])
            return isinstance(host, str) and is_in("here", host)
        return isinstance(node.func, ast.Attribute) and node.func.attr in ("serve_forever", "handle_request")

    def _open(self, node: ast.Call, name: str) -> None:
        method = name.startswith("pathlib.")
        path = self._receiver(node) if method else self._argument(node, 0, "file", "name", "path")
        mode = self._argument(node, 0 if method else 1, "mode") or "r"
        if path is None:
            return
        if any(letter in mode for letter in "wax+") or (name == "os.open" and len(node.args) > 1):
            self.collector.use(FileUse(FileOp.WRITE, path, self.place, append="a" in mode, program="python"))
        else:
            self._reads(path)

    def _reads(self, path: str) -> None:
        self.read_files.append(path)
        self.collector.use(FileUse(FileOp.READ, path, self.place, program="python"))

    def _receiver(self, node: ast.Call) -> str | None:
        found = self.value(node.func.value) if isinstance(node.func, ast.Attribute) else None
        return found if isinstance(found, str) else None

    def _file(self, node: ast.Call, name: str) -> None:
        op, recursive = python_names.FILE_CALLS[name]
        path = (
            self._receiver(node)
            if name.startswith("pathlib.")
            else self._argument(node, 0, "path", "name", "file", "src")
        )
        if path is None:
            if op is FileOp.DELETE and recursive:
                self.collector.use(FileUse(op, UNKNOWN, self.place, recursive, program=name))
            return
        if op is FileOp.READ:
            self._reads(path)
            return
        mode = node.args[-1] if op is FileOp.MODE and node.args else None
        content = oct(mode.value) if isinstance(mode, ast.Constant) and isinstance(mode.value, int) else None
        if op is FileOp.WRITE:
            content = self._argument(node, 0, "data") if name.startswith("pathlib.Path.write") else content
        append = name.rpartition(".")[2] in ("touch", "mkdir", "makedirs")
        self.collector.use(FileUse(op, path, self.place, recursive, append=append, content=content, program=name))

    def _two_files(self, node: ast.Call, name: str) -> None:
        method = name.startswith("pathlib.")
        source = self._receiver(node) if method else self._argument(node, 0, "src")
        target = self._argument(node, 0 if method else 1, "dst", "target")
        if source is not None:
            op = FileOp.DELETE if name in python_names.MOVES else (FileOp.LIST if "link" in name else FileOp.READ)
            self.collector.use(FileUse(op, source, self.place, name == "shutil.copytree", filtered=True, program=name))
        if target is not None:
            self.collector.use(FileUse(FileOp.WRITE, target, self.place, program=name))

    def _shell(self, node: ast.Call, name: str) -> None:
        self.marks.add("spawns")
        text = self._argument(node, 0, "cmd", "command", "args")
        if text is None:
            self.collector.add(
                "code.spawns",
                EffectClass.EXECUTE,
                "runs a shell command that is put together only when it runs",
                self.place,
                name,
            )
            return
        self.collector.text("shell", text.replace(UNKNOWN, "$UNKNOWN"), self.place, self.depth + 1)
        if UNKNOWN in text and text.index(UNKNOWN) == 0:
            self.collector.add(
                "code.spawns",
                EffectClass.EXECUTE,
                "runs a shell command whose program is known only when it runs",
                self.place,
                name,
            )

    def _remote(self, node: ast.Call, name: str) -> None:
        outer, self.collector.via = self.collector.via, (*self.collector.via, "ssh")
        self._shell(node, name)
        self.collector.via = outer

    def _query(self, node: ast.Call) -> None:
        text = self._argument(node, 0, "sql", "query", "statement")
        wrapped = node.args[0] if node.args else None
        if text is None and isinstance(wrapped, ast.Call) and self.dotted(wrapped.func).endswith(("text", "SQL")):
            text = self._argument(wrapped, 0)  # sqlalchemy.text("..."), psycopg.sql.SQL("...")
        if text and _SQL_START.match(text):
            self.collector.text("sql", text.replace(UNKNOWN, "x"), self.place, self.depth + 1)

    def _argv(self, node: ast.Call, name: str) -> None:
        from toolguard.core.shell.collect import argv  # collect imports this module

        self.marks.add("spawns")
        first = (
            self.value(node.args[0])
            if node.args
            else self.value(next((k.value for k in node.keywords if k.arg in ("args", "cmd")), None))
        )
        if name in python_names.EXEC_CALLS:
            words = [w if isinstance(w, str) else UNKNOWN for w in map(self.value, node.args)]
            listed = next((v for v in map(self.value, node.args[1:]) if isinstance(v, list)), None)
            first = (
                [words[0], *[w if isinstance(w, str) else UNKNOWN for w in (listed or words[1:])[1:]]]
                if words
                else None
            )
            if isinstance(self.value(node.args[0]) if node.args else None, list):
                first = self.value(node.args[0])
        if isinstance(first, str):
            self.collector.text("shell", first.replace(UNKNOWN, "$UNKNOWN"), self.place, self.depth + 1)
        elif isinstance(first, list) and first:
            words = [w.replace(UNKNOWN, "$UNKNOWN") if isinstance(w, str) else "$UNKNOWN" for w in first]
            self.collector.command(argv(words), self.place, self.depth + 1)
        else:
            self.collector.add(
                "code.spawns", EffectClass.EXECUTE, "runs a program that is chosen only when it runs", self.place, name
            )

    def _evaluates(self, node: ast.Call, name: str) -> None:
        argument = node.args[0] if node.args else None
        text = self.value(argument)
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        if isinstance(text, str) and UNKNOWN not in text:
            if name != "compile":
                self.collector.text("python", text, self.place, self.depth + 1)
            if not isinstance(argument, ast.Constant):
                self.collector.add(
                    "code.evaluates",
                    EffectClass.EXECUTE,
                    "runs a text as code",
                    self.place,
                    name,
                    Severity.MEDIUM,
                    Confidence.MEDIUM,
                )
            return
        source = ast.unparse(argument) if argument is not None else ""
        hidden = any(
            word in source
            for word in (
                "b64decode",
                "decompress",
                "fromhex",
                "unhexlify",
                "urlopen",
                "requests.",
                "recv",
                "marshal",
                "decrypt",
                "codecs.decode",
                "chr(",
                "[::-1]",
            )
        )
        self.collector.add(
            "code.evaluates",
            EffectClass.EXECUTE,
            "runs a text as code that is known only when it runs",
            self.place,
            name,
            Severity.HIGH if hidden else Severity.MEDIUM,
            Confidence.HIGH if hidden else Confidence.MEDIUM,
        )

    def _contact(self, node: ast.Call, name: str) -> None:
        verb = name.rpartition(".")[2].lower()
        address = self._argument(
            node, 1 if verb == "request" and len(node.args) > 1 else 0, "url", "host", "uri", "address"
        )
        if verb == "urlopen" or verb == "urlretrieve" or (verb == "request" and name.startswith("urllib")):
            address = self._argument(node, 0, "url", "fullurl")
        if address is None and node.args:
            pair = self.value(node.args[-1])
            if isinstance(pair, list) and pair and isinstance(pair[0], str):
                address = f"//{pair[0]}:{pair[1] if len(pair) > 1 and isinstance(pair[1], int) else ''}".rstrip(":")
        sends = any(k.arg in ("data", "json", "files", "body", "content") for k in node.keywords) or (
            verb == "urlopen" and len(node.args) > 1
        )
        method = verb.upper() if verb in python_names.SENDS else ("POST" if sends else "GET")
        if verb in ("connect", "connect_ex", "sendto", "create_connection"):
            method = "RAW"
            self.marks.add("connects")
        if address is None and not (sends or verb in python_names.SENDS):
            return
        if name in python_names.HOST_CALLS:
            address = f"//{address}"
        contact = Contact((address or "").replace(UNKNOWN, "x"), self.place, method, program=name)
        self.sent.append(contact)
        if address:
            words = (one.value for one in ast.walk(node) if isinstance(one, ast.Constant))
            self.collector.use(contact, tuple(word for word in words if isinstance(word, str)))
            self.collector.saved.update(
                [(self._argument(node, 1, "filename", "out") or "").rpartition("/")[2]]
                if verb in ("urlretrieve", "download")
                else []
            )

    def _kill(self, node: ast.Call, name: str) -> None:
        target = self.value(node.args[0]) if node.args else None
        if target in (1, -1) or isinstance(node.args[0] if node.args else None, ast.UnaryOp):
            self.collector.add(
                "system.kills",
                EffectClass.ADMINISTER,
                "kills the first program of the system or everything of the user",
                self.place,
                "os.kill",
            )


_CALL_READERS: Final[dict[str, Callable[[Program, ast.Call, str], None]]] = {
    **dict.fromkeys(python_names.OPENS, Program._open),
    **dict.fromkeys(python_names.SHELL_CALLS, Program._shell),
    **dict.fromkeys(python_names.ARGV_CALLS | python_names.EXEC_CALLS, Program._argv),
    **dict.fromkeys(python_names.FILE_CALLS, Program._file),
    **dict.fromkeys(python_names.TWO_FILES, Program._two_files),
    **dict.fromkeys(python_names.EVALUATORS, Program._evaluates),
    **dict.fromkeys(python_names.CONNECTS | python_names.HOST_CALLS, Program._contact),
    "os.kill": Program._kill,
}
