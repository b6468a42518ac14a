"""What names and expressions of a Python program stand for, as far as its text settles it; nothing is executed."""

from __future__ import annotations

import ast
import base64
import binascii
import posixpath  # join only, which touches no file system
from collections.abc import Callable
from typing import Final

UNKNOWN: Final = "\x00"
"""Stands in a string for a part that only a run could tell."""

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


MAX_PRODUCED: Final = 4_000_000
MAX_VALUE: Final = 20_000
"""Characters of a value that is kept: a text that doubles itself line by line must not grow without end."""


class Values:
    """Names by the full name they refer to, and the values that assignments give them."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, object] = {}
        self.produced = 0
        self.functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}

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
                elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
                    self._iterate(node.target, node.iter)
                elif isinstance(node, ast.Call):
                    self._bind(node)

    def _iterate(self, target: ast.expr, source: ast.expr) -> None:
        """A loop's variable stands for the first thing that it would be, or for a pattern of all of them."""
        if isinstance(source, ast.List | ast.Tuple) and source.elts:
            self._assign(target, source.elts[0])
            return
        listed = self.value(source)
        if isinstance(listed, list) and listed:
            self._spread(target, listed[0])
        name = self.dotted(source.func) if isinstance(source, ast.Call) else ""
        made = _MEMBERS.get(name) or (name if name.partition(".")[0] in LIBRARIES else "")
        key = self._key(target)
        if made and key:
            self.names[key] = made

    def _spread(self, target: ast.expr, value: object) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, list):
            for inner, part in zip(target.elts, value, strict=False):
                self._spread(inner, part)
        elif isinstance(target, ast.Name) and value is not None:
            self.values[target.id] = value

    def _assign(self, target: ast.AST, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for inner, part in zip(target.elts, value.elts, strict=False):
                self._assign(inner, part)
            return
        key = self._key(target)
        if not key:
            return
        settled = self.value(value)
        if settled is not None and not (isinstance(settled, str | bytes | list) and len(settled) > MAX_VALUE):
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
            return self._member(node, depth)
        return ""

    def _member(self, node: ast.Subscript, depth: int) -> str:
        """sys.modules["os"], globals()["name"], module.__dict__["name"]; of anything else its owner."""
        owner, key = self.dotted(node.value, depth + 1), self.value(node.slice)
        if not isinstance(key, str) or not owner.endswith(
            ("modules", "globals", "locals", "vars", "builtins", "__dict__")
        ):
            return owner
        if owner.endswith(".__dict__"):
            inside = owner.removesuffix(".__dict__")
            return key if inside.endswith("__builtins__") else f"{inside}.{key}"
        return _ALIASES.get(key, self.names.get(key, key))

    def value(self, node: ast.AST | None, depth: int = 0) -> object:
        """The string, number, bytes or list that an expression stands for; None when only a run could tell."""
        if node is None or depth > 30:
            return None
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name | ast.Attribute):
            return self._named_value(node)
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

    def _named_value(self, node: ast.Name | ast.Attribute) -> object:
        found = self.values.get(self._key(node), "os.devnull" if self.dotted(node) == "os.devnull" else None)
        self.produced += len(found) if isinstance(found, str | bytes | list) else 1
        return found if self.produced < MAX_PRODUCED else None

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
        if name == "pathlib.Path.home":
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
        if name in _LISTINGS:
            return _listing(name, texts[0] if texts else self.value(getattr(node.func, "value", None)))
        if name in ("tempfile.mkdtemp", "tempfile.gettempdir", "tempfile.mktemp", "tempfile.TemporaryDirectory"):
            return "/tmp/tmp.XXXXXX"  # noqa: S108 - what it would return
        if name in ("chr", "bytes", "bytearray") and args and isinstance(args[0], int | list):
            return _characters(args[0])
        owner = self.value(node.func.value, depth + 1) if isinstance(node.func, ast.Attribute) else None
        return _method(owner, method, args, texts)


LIBRARIES: Final = frozenset(
    """boto3 botocore aioboto3 google googleapiclient azure kubernetes kubernetes_asyncio pymongo motor redis
    elasticsearch opensearchpy docker github gitlab stripe pika kafka cassandra hvac consul digitalocean openstack
    pinecone qdrant_client chromadb weaviate neo4j influxdb snowflake algoliasearch firebase_admin oci ibm_boto3
    minio aiobotocore gcloud supabase pyvmomi libvirt proxmoxer novaclient heroku3 linode_api4 hcloud tweepy
    slack_sdk twilio plaid ccxt alpaca_trade_api binance web3 shopify simple_salesforce jira zenpy atlassian""".split()
)
"""Libraries of clouds, clusters, stores and services: their methods say what they destroy."""
_MEMBERS: Final = {"psutil.process_iter": "psutil.Process"}
"""What the members of a listing are."""
_LISTINGS: Final = frozenset(
    """glob.glob glob.iglob os.listdir os.scandir os.walk pathlib.Path.glob pathlib.Path.rglob
    pathlib.Path.iterdir""".split()
)


def _listing(name: str, folder: object) -> object:
    """A pattern of what a listing of files names, in the shape that its loop takes apart."""
    place = folder if isinstance(folder, str) else UNKNOWN
    if name.startswith("glob."):
        return [place]
    if name == "os.walk":
        return [[place, ["*"], ["*"]]]
    return ["*"] if name.startswith("os.") else [f"{place}/*"]


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
    if method in _SAME:
        return owner
    if method == "format":
        return _formatted(owner, texts)
    if method == "join" and args and isinstance(args[0], list) and len(owner) * len(args[0]) < MAX_PRODUCED:
        return owner.join(part if isinstance(part, str) else UNKNOWN for part in args[0])
    if method == "replace" and len(texts) > 1 and len(owner) * len(texts[1]) < MAX_PRODUCED:
        return owner.replace(texts[0], texts[1])
    if method == "joinpath":
        return "/".join([owner, *texts])
    simple = _SIMPLE.get(method)
    return simple(owner) if simple else None


_SAME: Final = frozenset({"expanduser", "resolve", "absolute", "as_posix"})
_SIMPLE: Final[dict[str, Callable[[str], object]]] = {
    "strip": str.strip,
    "lower": str.lower,
    "upper": str.upper,
    "encode": str.encode,
    "split": str.split,
}


def _formatted(text: str, values: list[str]) -> str:
    if len(text) * max(map(len, values), default=0) > MAX_PRODUCED:
        return UNKNOWN
    for index, value in enumerate(values):
        text = text.replace("{}", value, 1).replace(f"{{{index}}}", value)
    return text
