"""The shape of the code, read from its imports: the direction, what may be pure, and one door for each library."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "toolguard"
PROJECT = PACKAGE.parent

# From the outside in. A part imports itself and what stands in later rows, nothing else; ARCHITECTURE.md draws this.
ROWS: tuple[tuple[str, ...], ...] = (
    ("toolguard.__main__",),
    ("toolguard.schemas",),
    ("toolguard.cli",),
    ("toolguard.demo",),
    (
        "toolguard.proxy",
        "toolguard.bridge",
        "toolguard.hooks",
        "toolguard.langchain",
        "toolguard.review",
        "toolguard.clients",
    ),
    ("toolguard.channels",),
    ("toolguard.guard",),
    ("toolguard.detectors", "toolguard.store", "toolguard.config_file"),
    ("toolguard.config_schema",),
    ("toolguard.config",),
    ("toolguard.config_channels", "toolguard.config_audit"),
    ("toolguard.core",),
    ("toolguard.errors",),
)

# Where an arrow points outwards on purpose: importing part, imported part, and why.
EXCEPTIONS = {
    # The files are read only where one exists, so config.py imports their reader inside `load`.
    ("toolguard.config", "toolguard.config_file"),
    # The convenience methods of Guard import their adapter inside their bodies.
    ("toolguard.guard", "toolguard.langchain"),
    # Public names, imported on first use.
    ("toolguard", "toolguard.guard"),
}

# core and detectors compute. No disk, clock, randomness, threads or network, and none of these libraries hides any.
PURE = {
    "abc", "ada_url", "ast", "base64", "binascii", "bisect", "codecs", "collections", "contextlib", "copy",
    "dataclasses", "datetime", "difflib", "enum", "functools", "hashlib", "heapq", "hmac", "html",
    "html.parser", "ipaddress", "itertools", "json", "math", "operator", "orjson", "posixpath", "pydantic",
    "re", "re2", "ruamel.yaml", "shlex", "string", "textwrap", "tree_sitter", "tree_sitter_bash", "types",
    "typing", "unicodedata", "urllib.parse", "warnings", "zlib",
}  # fmt: skip

# Each outside library has one door (a file or a folder); who wants its power asks there.
DOORS: dict[str, tuple[str, ...]] = {
    "ada_url": ("core/urls.py",),
    "apprise": ("channels/apprise.py",),
    "click": ("cli",),
    "cryptography": ("store/signing.py",),
    "fastmcp": (),
    "httpx": ("channels/sender.py", "demo/reviewer.py"),
    "jinja2": ("review/answers.py",),
    "langchain": ("langchain",),
    "langchain_core": ("langchain",),
    "langgraph": ("langchain",),
    "mcp": ("demo", "cli/demo.py"),
    "mcp_types": ("demo", "cli/demo.py"),
    "orjson": ("core/canonical.py", "core/strict_json.py"),
    "platformdirs": ("config.py",),
    "psycopg": ("store",),
    # The borders: what comes in becomes a frozen model once.
    "pydantic": ("config_schema", "config_file.py", "cli/policy_cases.py", "guard/replaying.py", "schemas.py"),
    "pydantic_core": ("config_schema", "config_file.py"),
    "pysqlite3": ("store/sqlite.py",),
    "rfc3161_client": ("store/timestamps.py",),
    "re2": ("core/regex.py",),
    "ruamel.yaml": ("core/yaml.py",),
    "slack_sdk": ("channels/slack.py",),
    # The demonstration's tool server has a database of its own; toolguard's is spoken to in store/ only.
    "sqlite3": ("store/sqlite.py", "demo"),
    "sqlite_utils": ("store/migrations.py",),
    "sqlglot": (),
    "starlette": ("review",),
    "tomlkit": ("clients/toml.py",),
    "tree_sitter": ("core/shell/grammar.py", "clients/jsonc.py"),
    "tree_sitter_bash": ("core/shell/grammar.py",),
    "tree_sitter_json": ("clients/jsonc.py",),
    "uvicorn": ("review/server.py", "demo"),
    "webauthn": ("review/passkeys.py",),
}

BANNED_WORDS = {
    "verdict", "manager", "handler", "helper", "helpers", "util", "utils", "common", "misc", "service", "data", "info",
    "whitelist", "blacklist", "perform", "handle", "process", "manage",
}  # fmt: skip
# Where the word is the thing itself, or somebody else's: by name, the part of the package where it may stand.
NAMED_SO = {
    "INFO": "core",  # a severity, in everybody's words
    "process": "",  # a process of the operating system
    "this_process": "",
    "_this_process": "",
    "handler": "langchain",  # what LangChain's middleware calls the next step
    "_service": "core/exports",  # a member of OCSF
}

SOURCES = sorted(path for path in PACKAGE.rglob("*.py"))
TESTS = sorted(path for path in (PROJECT / "tests").rglob("*.py") if "node_modules" not in path.parts)


@dataclass(frozen=True, slots=True)
class Import:
    module: str
    """What is imported, as a dotted name."""
    line: int
    is_relative: bool
    is_for_types: bool
    """It stands under TYPE_CHECKING, so nothing is imported when the program runs."""


def module_of(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typed = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, False, id(node) in typed)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            for alias in node.names:
                name = f"{base}.{alias.name}" if _is_module(f"{base}.{alias.name}") else base
                yield Import(name, node.lineno, node.level > 0, id(node) in typed)


def _is_module(name: str) -> bool:
    path = PROJECT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def part_of(module: str) -> str:
    """The part of the picture that a module belongs to."""
    parts = [part for row in ROWS for part in row]
    return next((part for part in parts if module == part or module.startswith(part + ".")), "toolguard")


def row_of(part: str) -> int:
    return next((number for number, row in enumerate(ROWS) if part in row), -1)


def wrong(path: Path, one: Import, why: str) -> str:
    return f"{path.relative_to(PROJECT)}:{one.line}: {one.module}: {why}"


def test_every_folder_and_file_has_its_place_in_the_picture() -> None:
    parts = {part for row in ROWS for part in row}
    there = {
        f"toolguard.{path.stem}"
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }

    assert there - {"toolguard.__init__"} <= parts


def test_imports_point_inwards() -> None:
    found = []
    for path in SOURCES:
        here = part_of(module_of(path))
        for one in imports(path):
            if one.module.split(".")[0] != "toolguard" or one.is_for_types:
                continue
            there = part_of(one.module)
            allowed = here == there or row_of(here) < row_of(there) or there == "toolguard"
            if not allowed and (here, there) not in EXCEPTIONS:
                found.append(wrong(path, one, f"{here} may not import {there}"))

    assert not found, "\n".join(found)


@pytest.mark.parametrize(("here", "there"), sorted(EXCEPTIONS))
def test_an_exception_to_the_direction_stands_inside_a_function(here: str, there: str) -> None:
    for path in SOURCES:
        if part_of(module_of(path)) != here:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom):
                assert part_of(node.module or "") != there, f"{path}:{node.lineno} imports {there} at once"


def test_core_and_detectors_are_pure() -> None:
    found = []
    for path in SOURCES:
        if path.relative_to(PACKAGE).parts[0] not in ("core", "detectors"):
            continue
        for one in imports(path):
            top = one.module.split(".")[0]
            if top in ("__future__", "toolguard"):
                continue
            if top not in PURE and not any(f"{one.module}.".startswith(f"{pure}.") for pure in PURE):
                found.append(wrong(path, one, "not among the pure modules"))
        found += [
            f"{path.relative_to(PROJECT)}:{number}: reads the clock"
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
            if re.search(r"\b(datetime|date)\.(now|utcnow|today)\(", line)
        ]

    assert not found, "\n".join(found)


def test_every_library_has_one_door() -> None:
    found = []
    for path in SOURCES:
        inside = path.relative_to(PACKAGE).as_posix()
        for one in imports(path):
            library = next((name for name in DOORS if one.module == name or one.module.startswith(name + ".")), None)
            if one.module.split(".")[0] in sys.stdlib_module_names | {"__future__", "toolguard"} and library is None:
                continue
            if library is None:
                found.append(wrong(path, one, "a library without a door; name one in DOORS"))
            elif not one.is_for_types and not any(inside == d or inside.startswith(d + "/") for d in DOORS[library]):
                found.append(wrong(path, one, f"goes through {', '.join(DOORS[library]) or 'nothing'} only"))

    assert not found, "\n".join(found)


def test_only_config_reads_the_environment() -> None:
    found = []
    for path in SOURCES:
        if path == PACKAGE / "config.py":
            continue
        found += [
            f"{path.relative_to(PROJECT)}:{node.lineno}: {ast.unparse(node)}"
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.environb", "os.getenv")
        ]

    assert not found, "\n".join(found)


def test_imports_are_absolute() -> None:
    assert not [wrong(p, one, "is relative") for p in [*SOURCES, *TESTS] for one in imports(p) if one.is_relative]


def names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Names that we gave: of functions, classes, arguments, variables and fields."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_name_says_nothing(path: Path) -> None:
    found = [f"{path.stem}: the file itself"] if path.stem in BANNED_WORDS else []
    for name, line in names(ast.parse(path.read_text(encoding="utf-8"))):
        words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
        where = NAMED_SO.get(name)
        if words & BANNED_WORDS and (where is None or not path.relative_to(PACKAGE).as_posix().startswith(where)):
            found.append(f"{path.relative_to(PROJECT)}:{line}: {name}")

    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_file_says_first_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


CALL_PATH = """
import sys
from toolguard.guard import Guard
import toolguard.proxy
print(" ".join(sorted(name.split(".")[0] for name in sys.modules)))
"""
KEPT_OUT = ("starlette", "jinja2", "click", "mcp", "langchain_core", "httpx", "apprise", "webauthn", "uvicorn",
            "sqlglot", "sqlite_utils", "pydantic", "ruamel")  # fmt: skip


def test_the_path_of_a_call_loads_no_web_command_line_or_sdk_code() -> None:
    ran = subprocess.run([sys.executable, "-c", CALL_PATH], capture_output=True, text=True, check=True, cwd=PROJECT)

    assert not set(ran.stdout.split()) & set(KEPT_OUT)
