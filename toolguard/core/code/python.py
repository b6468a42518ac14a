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
from toolguard.core.code import python_whole
from toolguard.core.code.python_values import UNKNOWN, Values
from toolguard.core.model import Confidence, EffectClass, Severity

if TYPE_CHECKING:
    from toolguard.core.shell.collect import Collector

MAX_SOURCE: Final = 40_000
# Python's own parser takes about a microsecond a character.
MAX_NODES: Final = 8_000

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
            (
                "pathlib.Path.write_text pathlib.Path.write_bytes os.truncate pathlib.Path.touch os.mkdir "
                "os.makedirs pathlib.Path.mkdir os.mknod os.mkfifo numpy.save joblib.dump"
            ),
        ),
        (
            FileOp.READ,
            False,
            (
                "pathlib.Path.read_text pathlib.Path.read_bytes linecache.getlines "
                "fileinput.input numpy.load sqlite3.connect"
                "pandas.read_csv pandas.read_json pandas.read_excel os.readlink mmap.mmap"
            ),
        ),
        (
            FileOp.LIST,
            False,
            (
                "os.listdir os.scandir os.walk glob.glob glob.iglob "
                "pathlib.Path.iterdir pathlib.Path.glob pathlib.Path.rglob os.stat os.path.exists os.path.isfile"
            ),
        ),
        (FileOp.MODE, False, "os.chmod os.lchmod pathlib.Path.chmod"),
        (FileOp.OWNER, False, "os.chown os.lchown shutil.chown"),
        (FileOp.EXECUTE, False, "runpy.run_path os.startfile ctypes.CDLL ctypes.cdll.LoadLibrary ctypes.WinDLL"),
    )
    for name in names.split()
}
_OPENS: Final = frozenset(
    "open io.open codecs.open os.open pathlib.Path.open gzip.open aiofiles.open os.fdopen".split()
)
_EVALUATORS: Final = frozenset("eval exec compile runpy.run_module code.interact".split())
_QUERIES: Final = (".execute", ".executescript", ".executemany", ".read_sql", ".read_sql_query", ".raw", ".sql")
_SQL_START: Final = re.compile(
    r"\s*(?:select|insert|update|delete|drop|create|alter|truncate|grant|revoke|with)\b", re.IGNORECASE
)
_UPLOADS: Final = (".sendmail", ".send_message", ".storbinary", ".storlines", ".sendall", ".put_object", ".upload_file")
_CONNECTING: Final = (".connect", ".connect_ex", ".sendto", ".create_connection")
_TWO_FILES: Final = frozenset(
    """shutil.copy shutil.copy2 shutil.copyfile shutil.copytree shutil.move os.rename os.replace os.link os.symlink
        os.renames pathlib.Path.rename pathlib.Path.replace pathlib.Path.symlink_to""".split()
)
_MOVES: Final = frozenset(
    "shutil.move os.rename os.replace os.renames pathlib.Path.rename pathlib.Path.replace".split()
)
_SHELL_CALLS: Final = frozenset(
    """os.system os.popen subprocess.getoutput subprocess.getstatusoutput commands.getoutput popen2.popen2
        asyncio.create_subprocess_shell pexpect.run pexpect.spawn IPython.get_ipython.system""".split()
)
_ARGV_CALLS: Final = frozenset(
    """subprocess.run subprocess.call subprocess.check_call subprocess.check_output subprocess.Popen sh.Command
        asyncio.create_subprocess_exec""".split()
)
_EXEC_CALLS: Final = frozenset(
    """os.execl os.execle os.execlp os.execlpe os.execv os.execve os.execvp os.execvpe os.spawnl os.spawnle
        os.spawnlp os.spawnv os.spawnve os.spawnvp os.posix_spawn pty.spawn os.spawnlpe""".split()
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
    """ftplib.FTP ftplib.FTP_TLS smtplib.SMTP smtplib.SMTP_SSL telnetlib.Telnet paramiko.SSHClient.connect
        socket.create_connection pymongo.MongoClient websocket.create_connection imaplib.IMAP4_SSL""".split()
)
_HOST_CALLS: Final = frozenset({"http.client.HTTPConnection", "http.client.HTTPSConnection"})
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
        if name.startswith(_HTTP) or (name.endswith(_CONNECTING) and name.startswith(("socket.", "?."))):
            self._contact(node, name)
        elif name.endswith(".exec_command"):
            self._remote(node, name)
        elif name.endswith(_QUERIES):
            self._query(node)
        elif name.endswith(_UPLOADS):
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
    **dict.fromkeys(_OPENS, Program._open),
    **dict.fromkeys(_SHELL_CALLS, Program._shell),
    **dict.fromkeys(_ARGV_CALLS | _EXEC_CALLS, Program._argv),
    **dict.fromkeys(_FILE_CALLS, Program._file),
    **dict.fromkeys(_TWO_FILES, Program._two_files),
    **dict.fromkeys(_EVALUATORS, Program._evaluates),
    **dict.fromkeys(_CONNECTS | _HOST_CALLS, Program._contact),
    "os.kill": Program._kill,
}
