"""Reads Python: which calls a program makes, with the arguments that its text settles (constants, names, f-strings, paths).

Nothing is executed. A call is followed by its dotted name through imports and assignments; what a table knows about that
name becomes a file use, a contact, a nested shell text or an act.
"""

from __future__ import annotations

import ast
import base64
import binascii
import posixpath  # join only, which touches no file system
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from toolguard.core.acts import Contact, FileOp, FileUse, Place
from toolguard.core.model import Confidence, EffectClass, Severity

if TYPE_CHECKING:
    from toolguard.core.collect import Collector

MAX_SOURCE: Final = 200_000
MAX_NODES: Final = 20_000

UNKNOWN: Final = "\x00"
"""Stands in a string for a part that only a run could tell."""

# dotted name : what happens to its first argument. `recursive` reaches everything below.
_FILE_CALLS: Final = {
    name: (op, recursive)
    for op, recursive, names in (
        (
            FileOp.DELETE,
            False,
            "os.remove os.unlink os.rmdir pathlib.Path.unlink pathlib.Path.rmdir send2trash.send2trash",
        ),
        (FileOp.DELETE, True, "shutil.rmtree os.removedirs distutils.dir_util.remove_tree"),
        (
            FileOp.WRITE,
            False,
            "pathlib.Path.write_text pathlib.Path.write_bytes os.truncate pathlib.Path.touch os.mkdir os.makedirs pathlib.Path.mkdir os.mknod os.mkfifo numpy.save joblib.dump",
        ),
        (
            FileOp.READ,
            False,
            "pathlib.Path.read_text pathlib.Path.read_bytes linecache.getlines fileinput.input numpy.load pandas.read_csv pandas.read_json pandas.read_excel os.readlink mmap.mmap",
        ),
        (
            FileOp.LIST,
            False,
            "os.listdir os.scandir os.walk glob.glob glob.iglob pathlib.Path.iterdir pathlib.Path.glob pathlib.Path.rglob os.stat os.path.exists os.path.isfile",
        ),
        (FileOp.MODE, False, "os.chmod os.lchmod pathlib.Path.chmod"),
        (FileOp.OWNER, False, "os.chown os.lchown shutil.chown"),
        (FileOp.EXECUTE, False, "runpy.run_path os.startfile ctypes.CDLL ctypes.cdll.LoadLibrary ctypes.WinDLL"),
    )
    for name in names.split()
}
_TWO_FILES: Final = frozenset(
    "shutil.copy shutil.copy2 shutil.copyfile shutil.copytree shutil.move os.rename os.replace os.link os.symlink os.renames pathlib.Path.rename pathlib.Path.replace pathlib.Path.symlink_to".split()
)
_MOVES: Final = frozenset(
    "shutil.move os.rename os.replace os.renames pathlib.Path.rename pathlib.Path.replace".split()
)
_SHELL_CALLS: Final = frozenset(
    "os.system os.popen subprocess.getoutput subprocess.getstatusoutput commands.getoutput popen2.popen2 asyncio.create_subprocess_shell pexpect.run pexpect.spawn IPython.get_ipython.system".split()
)
_ARGV_CALLS: Final = frozenset(
    "subprocess.run subprocess.call subprocess.check_call subprocess.check_output subprocess.Popen sh.Command asyncio.create_subprocess_exec".split()
)
_EXEC_CALLS: Final = frozenset(
    "os.execl os.execle os.execlp os.execlpe os.execv os.execve os.execvp os.execvpe os.spawnl os.spawnle os.spawnlp os.spawnv os.spawnve os.spawnvp os.posix_spawn pty.spawn os.spawnlpe".split()
)
_SENDS: Final = frozenset("post put patch delete request".split())
_HTTP: Final = (
    "requests.",
    "httpx.",
    "urllib3.",
    "aiohttp.",
    "urllib.request.",
    "urllib2.",
    "urllib.urlopen",
    "http.client.",
    "wget.download",
    "cloudscraper.",
    "pycurl.",
    "treq.",
    "grequests.",
)
_CONNECTS: Final = frozenset(
    "ftplib.FTP ftplib.FTP_TLS smtplib.SMTP smtplib.SMTP_SSL telnetlib.Telnet paramiko.SSHClient.connect socket.create_connection pymongo.MongoClient websocket.create_connection imaplib.IMAP4_SSL".split()
)
_HOST_CALLS: Final = frozenset({"http.client.HTTPConnection", "http.client.HTTPSConnection"})
_ALIASES: Final = {
    "posix": "os",
    "nt": "os",
    "builtins": "",
    "__builtin__": "",
    "posixpath": "os.path",
    "pathlib2": "pathlib",
    "PosixPath": "pathlib.Path",
    "urllib2": "urllib.request",
    "SocketServer": "socketserver",
    "SimpleHTTPServer": "http.server",
    "BaseHTTPServer": "http.server",
    "commands": "subprocess",
}
# dotted name (or its start) : finding, class, sentence
_ACTS: Final[dict[str, tuple[str, EffectClass, str]]] = {
    "ctypes.": ("code.native", EffectClass.EXECUTE, "calls native code, which can do anything"),
    "cffi.": ("code.native", EffectClass.EXECUTE, "calls native code, which can do anything"),
    "pickle.load": ("code.deserialises", EffectClass.EXECUTE, "loads a pickle, which runs whatever it says"),
    "cPickle.load": ("code.deserialises", EffectClass.EXECUTE, "loads a pickle, which runs whatever it says"),
    "dill.load": ("code.deserialises", EffectClass.EXECUTE, "loads a pickle, which runs whatever it says"),
    "marshal.load": ("code.deserialises", EffectClass.EXECUTE, "loads compiled code"),
    "os.setuid": ("identity.privilege", EffectClass.GRANT, "changes the user that the program runs as"),
    "os.setgid": ("identity.privilege", EffectClass.GRANT, "changes the group that the program runs as"),
    "os.setreuid": ("identity.privilege", EffectClass.GRANT, "changes the user that the program runs as"),
    "os.setresuid": ("identity.privilege", EffectClass.GRANT, "changes the user that the program runs as"),
    "os.seteuid": ("identity.privilege", EffectClass.GRANT, "changes the user that the program runs as"),
    "os.reboot": ("system.stops-machine", EffectClass.ADMINISTER, "restarts the machine"),
    "pynput.": ("code.records", EffectClass.READ, "records keys or the pointer"),
    "keyboard.": ("code.records", EffectClass.READ, "records keys"),
    "pyxhook.": ("code.records", EffectClass.READ, "records keys"),
    "PIL.ImageGrab.": ("code.records", EffectClass.READ, "takes pictures of the screen"),
    "pyautogui.screenshot": ("code.records", EffectClass.READ, "takes pictures of the screen"),
    "mss.": ("code.records", EffectClass.READ, "takes pictures of the screen"),
    "cv2.VideoCapture": ("code.records", EffectClass.READ, "uses the camera"),
    "sounddevice.rec": ("code.records", EffectClass.READ, "uses the microphone"),
    "pyperclip.paste": ("code.records", EffectClass.READ, "reads the clipboard"),
    "browser_cookie3.": ("identity.dumps-credentials", EffectClass.READ, "reads the cookies of a browser"),
    "browsercookie.": ("identity.dumps-credentials", EffectClass.READ, "reads the cookies of a browser"),
    "win32crypt.": ("identity.dumps-credentials", EffectClass.READ, "decrypts stored passwords"),
    "keyring.get_password": ("identity.dumps-credentials", EffectClass.READ, "reads a stored password"),
    "spwd.": ("identity.dumps-credentials", EffectClass.READ, "reads password hashes"),
    "scapy.": ("network.scans", EffectClass.SEND, "sends or reads raw packets"),
    "nmap.": ("network.scans", EffectClass.SEND, "probes other machines"),
    "winreg.SetValue": ("persistence.service", EffectClass.ADMINISTER, "changes the registry"),
    "winreg.CreateKey": ("persistence.service", EffectClass.ADMINISTER, "changes the registry"),
    "winreg.DeleteKey": ("persistence.service", EffectClass.DELETE, "deletes from the registry"),
    "crontab.CronTab": ("persistence.schedule", EffectClass.EXECUTE, "changes scheduled commands"),
    "http.server.": ("network.listens", EffectClass.EXECUTE, "serves files of this machine to the network"),
    "socketserver.": ("network.listens", EffectClass.EXECUTE, "waits for connections from outside"),
    "SimpleHTTPServer.": ("network.listens", EffectClass.EXECUTE, "serves files of this machine to the network"),
    "socket.socket.bind": ("network.listens", EffectClass.EXECUTE, "waits for connections from outside"),
    "os.killpg": ("system.kills", EffectClass.ADMINISTER, "kills a group of programs"),
    "psutil.Process.kill": ("system.kills", EffectClass.ADMINISTER, "kills a program"),
    "psutil.Process.terminate": ("system.kills", EffectClass.ADMINISTER, "ends a program"),
    "sys.settrace": ("code.native", EffectClass.EXECUTE, "watches every step of the program"),
}


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
        from toolguard.core import scripts  # the rough reading of other languages is better than none

        scripts.read("python2", text, place, collector, depth)
        return
    _Program(place, collector, depth).run(tree)


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


class _Program:
    """One pass over a syntax tree."""

    def __init__(self, place: Place, collector: Collector, depth: int) -> None:
        self.place, self.collector, self.depth = place, collector, depth
        self.names: dict[str, str] = {}
        self.values: dict[str, object] = {}
        self.functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
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
        self._together(nodes)

    # --- names and values ---------------------------------------------------------------------------------------

    def _import(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = _ALIASES.get(alias.name, alias.name)
                self.names[alias.asname or alias.name.partition(".")[0]] = (
                    root if alias.asname else root.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            module = _ALIASES.get(node.module or "", node.module or "")
            for alias in node.names:
                self.names[alias.asname or alias.name] = f"{module}.{alias.name}".lstrip(".")

    def _assign_all(self, nodes: list[ast.AST]) -> None:
        for _ in range(2):  # twice, so that a name used before the line that settles it is settled too
            for node in nodes:
                if isinstance(node, ast.Assign) and len(node.targets) == 1:
                    self._assign(node.targets[0], node.value)
                elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
                    self._assign(node.target, node.value)
                elif isinstance(node, ast.With | ast.AsyncWith):
                    for item in node.items:
                        if item.optional_vars is not None:
                            self._assign(item.optional_vars, item.context_expr)
                elif isinstance(node, ast.For) and isinstance(node.iter, ast.List | ast.Tuple) and node.iter.elts:
                    self._assign(node.target, node.iter.elts[0])
                elif isinstance(node, ast.Call):
                    self._bind(node)

    def _assign(self, target: ast.AST, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for inner, part in zip(target.elts, value.elts, strict=False):
                self._assign(inner, part)
            return
        key = self._key(target)
        if not key:
            return
        settled = self.value(value)
        if settled is not None:
            self.values[key] = settled
        dotted = self.dotted(value.func) if isinstance(value, ast.Call) else self.dotted(value)
        if dotted and dotted != key:
            self.names[key] = dotted

    def _bind(self, node: ast.Call) -> None:
        """Parameters of the program's own functions get the values they are called with."""
        function = self.functions.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if function is None:
            return
        for parameter, argument in zip(function.args.args, node.args, strict=False):
            settled = self.value(argument)
            if settled is not None:
                self.values.setdefault(parameter.arg, settled)
        for keyword in node.keywords:
            settled = self.value(keyword.value)
            if keyword.arg and settled is not None:
                self.values.setdefault(keyword.arg, settled)

    def _key(self, node: ast.AST) -> str:
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute):
            return f"{self._key(node.value)}.{node.attr}"
        return ""

    def dotted(self, node: ast.AST, depth: int = 0) -> str:
        """The full name that an expression refers to, through imports, `getattr`, `__import__` and assignments."""
        if depth > 20:
            return ""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            key = self._key(node)
            if key in self.names:
                return self.names[key]
            owner = self.dotted(node.value, depth + 1)
            return f"{owner}.{node.attr}" if owner else f"?.{node.attr}"
        if isinstance(node, ast.Call):
            name = self.dotted(node.func, depth + 1)
            if name in ("__import__", "importlib.import_module") and node.args:
                module = self.value(node.args[0])
                return _ALIASES.get(module, module) if isinstance(module, str) else "?"
            if name == "getattr" and len(node.args) > 1:
                attribute = self.value(node.args[1])
                return f"{self.dotted(node.args[0], depth + 1)}.{attribute if isinstance(attribute, str) else '?'}"
            return (
                "pathlib.Path" if name in ("pathlib.Path.home", "pathlib.Path.joinpath", "pathlib.PurePath") else name
            )
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            return self.dotted(node.left, depth + 1)
        if isinstance(node, ast.Subscript):
            inner = self.dotted(node.value, depth + 1)
            key = self.value(node.slice)
            return (
                f"{inner}.{key}"
                if isinstance(key, str) and inner.endswith(("__dict__", "globals", "builtins", "modules"))
                else inner
            )
        return ""

    def value(self, node: ast.AST | None, depth: int = 0) -> object:
        """The string, number, bytes or list that an expression stands for; None when only a run could tell."""
        if node is None or depth > 30:
            return None
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name | ast.Attribute):
            return self.values.get(self._key(node), self.dotted(node) if self.dotted(node) in ("os.devnull",) else None)
        if isinstance(node, ast.JoinedStr):
            return "".join(self._part(part, depth) for part in node.values)
        if isinstance(node, ast.BinOp):
            return self._operation(node, depth)
        if isinstance(node, ast.List | ast.Tuple):
            return [self.value(item, depth + 1) for item in node.elts]
        if isinstance(node, ast.Call):
            return self._settled_call(node, depth)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            return self._reversed(node, depth)
        return None

    def _part(self, part: ast.expr, depth: int) -> str:
        settled = self.value(part.value if isinstance(part, ast.FormattedValue) else part, depth + 1)
        return str(settled) if isinstance(settled, str | int) else UNKNOWN

    def _reversed(self, node: ast.Subscript, depth: int) -> object:
        text = self.value(node.value, depth + 1)
        step = node.slice.step if isinstance(node.slice, ast.Slice) else None
        return (
            text[::-1]
            if isinstance(text, str) and step is not None and self.value(step) is None and isinstance(step, ast.UnaryOp)
            else None
        )

    def _operation(self, node: ast.BinOp, depth: int) -> object:
        left, right = self.value(node.left, depth + 1), self.value(node.right, depth + 1)
        if isinstance(node.op, ast.Add):
            if isinstance(left, list) and isinstance(right, list):
                return left + right
            if isinstance(left, str) or isinstance(right, str):
                return f"{left if isinstance(left, str) else UNKNOWN}{right if isinstance(right, str) else UNKNOWN}"
        if isinstance(node.op, ast.Div) and (isinstance(left, str) or isinstance(right, str)):
            return f"{left if isinstance(left, str) else UNKNOWN}/{right if isinstance(right, str) else UNKNOWN}"
        if isinstance(node.op, ast.Mod) and isinstance(left, str):
            for part in right if isinstance(right, list) else [right]:
                left = left.replace("%s", part if isinstance(part, str) else UNKNOWN, 1)
            return left
        return None

    def _settled_call(self, node: ast.Call, depth: int) -> object:
        name = self.dotted(node.func)
        args = [self.value(arg, depth + 1) for arg in node.args]
        texts = [arg if isinstance(arg, str) else UNKNOWN for arg in args]
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name in ("os.path.join", "pathlib.Path.joinpath"):
            return posixpath.join(*texts) if texts else None
        if (
            name in ("pathlib.Path", "str", "os.fspath", "os.path.abspath", "os.path.realpath", "pathlib.PurePath")
            and args
        ):
            return "/".join(texts) if len(texts) > 1 else args[0]
        if name in ("os.path.expanduser", "os.path.expandvars", "os.path.normpath") and args:
            return args[0]
        if name in ("pathlib.Path.home",):
            return "~"
        if name in ("os.environ.get", "os.getenv"):
            return "~" if texts[:1] in (["HOME"], ["USERPROFILE"]) else None
        if (
            name
            in (
                "base64.b64decode",
                "base64.decodebytes",
                "binascii.unhexlify",
                "bytes.fromhex",
                "base64.urlsafe_b64decode",
                "base64.b32decode",
            )
            and args
        ):
            return _decoded(name, args[0])
        if name in ("chr", "bytes", "bytearray") and args and isinstance(args[0], int | list):
            return _characters(args[0])
        owner = self.value(node.func.value, depth + 1) if isinstance(node.func, ast.Attribute) else None
        return _method(owner, method, args, texts)

    # --- calls --------------------------------------------------------------------------------------------------

    def _argument(self, node: ast.Call, index: int, *keywords: str) -> str | None:
        for keyword in node.keywords:
            if keyword.arg in keywords:
                found = self.value(keyword.value)
                return found if isinstance(found, str) else None
        found = self.value(node.args[index]) if index < len(node.args) else None
        return found if isinstance(found, str) else None

    def _call(self, node: ast.Call) -> None:
        name = self.dotted(node.func)
        if not name:
            return
        if name in (
            "open",
            "io.open",
            "codecs.open",
            "os.open",
            "pathlib.Path.open",
            "gzip.open",
            "aiofiles.open",
            "os.fdopen",
        ):
            self._open(node, name)
        elif name in _SHELL_CALLS:
            self._shell(node, name)
        elif name in _ARGV_CALLS or name in _EXEC_CALLS:
            self._argv(node, name)
        elif name in _FILE_CALLS:
            self._file(node, name)
        elif name in _TWO_FILES:
            self._two_files(node, name)
        elif name in ("eval", "exec", "compile", "runpy.run_module", "code.interact"):
            self._evaluates(node, name)
        elif (
            name.startswith(_HTTP)
            or name in _CONNECTS
            or name in _HOST_CALLS
            or name.endswith((".connect", ".connect_ex", ".sendto", ".create_connection"))
        ):
            self._contact(node, name)
        elif name == "os.kill":
            self._kill(node)
        elif name in ("os.fork",):
            self.marks.add("fork")
        elif name.endswith((".encrypt", ".encrypt_and_digest", "pyAesCrypt.encryptFile")):
            self.marks.add("encrypts")
        elif name.endswith(("dup2", ".fileno")):
            self.marks.add("dup2")
        for start, (finding, effect_class, sentence) in _ACTS.items():
            if name.startswith(start):
                self.collector.add(finding, effect_class, sentence, self.place, name)

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
        op, recursive = _FILE_CALLS[name]
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
            op = FileOp.DELETE if name in _MOVES else (FileOp.LIST if "link" in name else FileOp.READ)
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

    def _argv(self, node: ast.Call, name: str) -> None:
        from toolguard.core.collect import argv  # collect imports this module

        self.marks.add("spawns")
        first = (
            self.value(node.args[0])
            if node.args
            else self.value(next((k.value for k in node.keywords if k.arg in ("args", "cmd")), None))
        )
        if name in _EXEC_CALLS:
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
        method = verb.upper() if verb in _SENDS else ("POST" if sends else "GET")
        if verb in ("connect", "connect_ex", "sendto", "create_connection"):
            method = "RAW"
            self.marks.add("connects")
        if address is None and not (sends or verb in _SENDS):
            return
        if name in _HOST_CALLS:
            address = f"//{address}"
        contact = Contact((address or "").replace(UNKNOWN, "x"), self.place, method, program=name)
        self.sent.append(contact)
        if address:
            self.collector.contacts.append(contact)
            self.collector.saved.update(
                [self._argument(node, 1, "filename", "out") or ""] if verb in ("urlretrieve", "download") else []
            )

    def _kill(self, node: ast.Call) -> None:
        target = self.value(node.args[0]) if node.args else None
        if target in (1, -1) or isinstance(node.args[0] if node.args else None, ast.UnaryOp):
            self.collector.add(
                "system.kills",
                EffectClass.ADMINISTER,
                "kills the first program of the system or everything of the user",
                self.place,
                "os.kill",
            )

    # --- what only the whole shows ------------------------------------------------------------------------------

    def _together(self, nodes: list[ast.AST]) -> None:
        """Dangers that no single call shows."""
        if "connects" in self.marks and ("dup2" in self.marks or "spawns" in self.marks):
            self.collector.add(
                "shell.reverse-shell",
                EffectClass.GRANT,
                "runs commands for whoever is at the other end of a connection",
                self.place,
                "python",
            )
        looped = any(
            isinstance(node, ast.While)
            and isinstance(node.test, ast.Constant)
            and node.test.value
            and any(
                isinstance(n, ast.Call)
                and self.dotted(n.func) in ("os.fork", "multiprocessing.Process", "threading.Thread")
                for n in ast.walk(node)
            )
            for node in nodes
        )
        if looped:
            self.collector.add(
                "shell.fork-bomb", EffectClass.EXECUTE, "starts copies of itself without end", self.place, "python"
            )
        if "encrypts" in self.marks and any(
            use.op in (FileOp.WRITE, FileOp.LIST, FileOp.DELETE) for use in self.collector.files
        ):
            self.collector.add("code.encrypts", EffectClass.WRITE, "encrypts files", self.place, "python")
        sending = [c for c in self.sent if c.method not in ("GET", "HEAD")]
        if sending and self.read_files:
            for contact in sending[:3]:
                self.collector.contacts.append(
                    Contact(
                        contact.address or "//?",
                        self.place,
                        contact.method,
                        tuple(self.read_files[:5]),
                        program=contact.program,
                    )
                )


def _decoded(name: str, value: object) -> object:
    try:
        raw = value.encode() if isinstance(value, str) else value
        if not isinstance(raw, bytes):
            return None
        if name in ("binascii.unhexlify", "bytes.fromhex"):
            return bytes.fromhex(raw.decode())
        if name == "base64.b32decode":
            return base64.b32decode(raw)
        return base64.b64decode(raw + b"=" * (-len(raw) % 4))
    except (binascii.Error, ValueError):
        return None


def _characters(value: object) -> object:
    if isinstance(value, int):
        return chr(value) if 0 <= value < 0x110000 else None
    codes = [c for c in value if isinstance(c, int) and 0 <= c < 256] if isinstance(value, list) else []
    return bytes(codes).decode("latin-1") if codes else None


def _method(owner: object, method: str, args: list[object], texts: list[str]) -> object:
    """String methods that put a text together."""
    if isinstance(owner, bytes) and method == "decode":
        return owner.decode("utf-8", "replace")
    if not isinstance(owner, str):
        return None
    simple: dict[str, Callable[[], object]] = {
        "format": lambda: _formatted(owner, texts),
        "join": lambda: owner.join(p if isinstance(p, str) else UNKNOWN for p in args[0]) if args and isinstance(args[0], list) else None,
        "replace": lambda: owner.replace(texts[0], texts[1]) if len(texts) > 1 else None,
        "strip": owner.strip, "lower": owner.lower, "upper": owner.upper, "encode": owner.encode, "expanduser": lambda: owner, "resolve": lambda: owner, "absolute": lambda: owner,
        "split": lambda: owner.split(texts[0] if texts else None), "as_posix": lambda: owner, "joinpath": lambda: "/".join([owner, *texts]),
    }  # fmt: skip
    return simple[method]() if method in simple else None


def _formatted(text: str, values: list[str]) -> str:
    for index, value in enumerate(values):
        text = text.replace("{}", value, 1).replace(f"{{{index}}}", value)
    return text
