"""Which argument holds which language, and what a tool's name says it does with a path or an address.

Decided by the parameter's name, the tool's name, the schema's description of the parameter and, last, the value itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from toolguard.core.acts import FileOp
from toolguard.core.model import Json, ToolCall, ToolDefinition
from toolguard.core.paths import looks_like_path
from toolguard.core.sql import spotting


class Language(StrEnum):
    """What an argument is written in."""

    SHELL = "shell"
    POWERSHELL = "powershell"
    CMD = "cmd"
    SQL = "sql"
    PYTHON = "python"
    CODE = "code"
    """Another programming language; `Fragment.dialect` names it."""
    URL = "url"
    PATH = "path"
    TEXT = "text"


_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")  # camelCase, snake_case and kebab-case alike

_SHELL_TOOL: Final = frozenset(
    """bash shell sh zsh terminal console exec execute command commands cmd cli ssh subprocess process tmux tty
        script desktop""".split()
)
_RUNNING: Final = frozenset(
    "run exec execute bash shell terminal command cmd ssh console invoke start spawn send type write eval".split()
)
_SHELL_NAMES: Final = frozenset(
    """command cmd commands shell bash command_line commandline cmdline shell_command bash_command full_command
        command_to_run argv exec keystrokes command_string""".split()
)
_SHELL_IN_TOOL: Final = frozenset(
    "input script code text line keys content args arguments stdin data executable program".split()
)
_SQL_NAMES: Final = frozenset("sql sql_query sql_statement sqlquery statement statements sql_string".split())
_SQL_IN_TOOL: Final = frozenset("query queries q statement text command script input".split())
_SQL_TOOL: Final = frozenset(
    """sql sqlite postgres postgresql pg mysql mariadb database db duckdb snowflake bigquery clickhouse redshift
        oracle mssql supabase neon query cockroachdb trino presto athena databricks""".split()
)
_CODE_NAMES: Final = frozenset(
    """code source source_code script program snippet cell python python_code javascript js function expression
        py_code code_block command""".split()
)
_CODE_TOOL: Final = frozenset(
    """python py ipython jupyter notebook repl interpreter code sandbox node js javascript typescript ts ruby perl
        php lua r eval evaluate kernel execute run browser playwright puppeteer""".split()
)
_PYTHON_TOOL: Final = frozenset("python py ipython jupyter notebook pandas numpy repl interpreter cell".split())
_URL_NAMES: Final = frozenset(
    """url uri link href endpoint website webpage page_url site base_url target_url webhook webhook_url callback
        callback_url address urls src image_url domain""".split()
)
_PATH_NAMES: Final = frozenset(
    """path paths file filename file_name filepath file_path dir directory folder dirname dir_name dir_path source
        destination src dst dest target from to old_path new_path source_path destination_path target_path
        output_path input_path local_path save_path save_dir notebook_path target_file absolute_path relative_path
        relative_workspace_path cwd workdir working_directory root repo_path output_file input_file output input
        log_file archive location attachment attachments files""".split()
)
_SURE_PATHS: Final = frozenset(
    """path paths filename file_name filepath file_path dir_path source_path destination_path target_path old_path
        new_path output_path input_path local_path save_path save_dir notebook_path target_file absolute_path
        relative_path directory folder""".split()
)
_POWERSHELL_SIGNS: Final = re.compile(
    r"(?:^|[\s;|(])(?:Get|Set|New|Remove|Invoke|Start|Stop|Add|Clear|Copy|Move|Out|Write|Test|Import|Export|Enable|Disable)-[A-Z][A-Za-z]+|\$env:|\$PSVersionTable|\[System\.|\[Convert\]|-ErrorAction|%[A-Za-z]{3,}%|\b[A-Za-z]:\\",
    re.MULTILINE,
)
_POWERSHELL_HINT: Final = re.compile(
    r"[a-z]-[A-Z]|\$env:|\[System|\[Conv|%[A-Za-z]|[A-Za-z]:\\|\$PSV"
)  # cheap; one of these stands in all of them
_HOST: Final = re.compile(r"[A-Za-z0-9_.:\[\]-]{3,253}$")
_URL_START: Final = re.compile(
    r"\s*(?:[a-z][a-z0-9+.-]{1,20}:)?//[^\s]+$|\s*(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?(?:/[^\s]*)?$|\s*(?:localhost|\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?(?:/[^\s]*)?$",
    re.IGNORECASE,
)

_OPS: Final = (
    (FileOp.DELETE, frozenset("delete remove rm unlink trash erase destroy rmdir purge wipe".split())),
    (
        FileOp.WRITE,
        frozenset(
            """write create edit save append update insert replace put touch mkdir make modify patch set upload
                download overwrite str_replace store export generate init rename move mv copy cp add""".split()
        ),
    ),
    (FileOp.LIST, frozenset("list ls find search glob tree stat exists info dir cd count wc".split())),
    (FileOp.EXECUTE, frozenset("execute run launch start source import".split())),
    (FileOp.MODE, frozenset("chmod permission permissions".split())),
    (FileOp.READ, frozenset("read get view cat open load show head tail grep fetch display parse".split())),
)
_SOURCES: Final = frozenset(
    """source src from old_path source_path file_name1 file_name2 input_path input_file old_name origin cwd workdir
        working_directory root repo_path attachments attachment""".split()
)


@dataclass(frozen=True, slots=True, eq=False)  # compared by identity: `_tool` makes each once, caches ask for it
class Tool:
    """What the name and description of a tool say about its arguments."""

    name: str
    words: tuple[str, ...]
    runs_shell: bool
    runs_powershell: bool
    runs_sql: bool
    runs_code: bool
    runs_python: bool
    http_method: str
    sql_dialect: str
    described: tuple[tuple[str, str], ...] = ()
    """(parameter, description) as the schema gives them, lower case."""

    def dialect(self, arguments: Mapping[str, Json]) -> str:
        """The programming language of a `code` argument."""
        for name in ("language", "lang", "kernel", "runtime", "interpreter", "kernel_name"):
            value = arguments.get(name)
            if isinstance(value, str) and value:
                return value.lower()[:20]
        if self.runs_python:
            return "python"
        for word in self.words:
            if word in _DIALECTS:
                return _DIALECTS[word]
        return ""


_DIALECTS: Final = {
    "node": "javascript",
    "js": "javascript",
    "javascript": "javascript",
    "typescript": "javascript",
    "ts": "javascript",
    "browser": "javascript",
    "playwright": "javascript",
    "puppeteer": "javascript",
    "evaluate": "javascript",
    "ruby": "ruby",
    "perl": "perl",
    "php": "php",
    "lua": "lua",
    "bash": "bash",
    "shell": "bash",
}


@lru_cache(maxsize=2048)
def split(name: str) -> tuple[str, ...]:
    """The words of a name, lower case."""
    return tuple(word.lower() for word in _WORDS.findall(name[:200]))


_of_definition: Final[dict[int, tuple[ToolDefinition, Tool]]] = {}
# By identity; the entry holds the definition, so that no other object can take it.


def of_call(call: ToolCall) -> Tool:
    """What the tool of this call says about its arguments."""
    definition = call.definition
    if definition is None:
        return _of_call(call)
    known = _of_definition.get(id(definition))
    if known is None or known[1].name != call.tool:
        known = (definition, _of_call(call))
        if len(_of_definition) >= 1024:
            _of_definition.clear()
        _of_definition[id(definition)] = known
    return known[1]


def _of_call(call: ToolCall) -> Tool:
    schema = call.definition.input_schema.get("properties") if call.definition else None
    described: tuple[tuple[str, str], ...] = ()
    if isinstance(schema, Mapping):
        described = tuple(
            (str(name), str(spec.get("description") or "")[:200].lower())
            for name, spec in list(schema.items())[:50]
            if isinstance(spec, Mapping)
        )
    description = call.definition.description[:300] if call.definition else ""
    return _tool(call.tool, description, described)


@lru_cache(maxsize=1024)
def _tool(name: str, description: str, described: tuple[tuple[str, str], ...]) -> Tool:
    words = split(name)
    have = set(words)
    told = description.lower()
    shell = bool(have & _SHELL_TOOL) or "shell command" in told or "bash command" in told
    method = "GET"
    for word, verb in (
        ("post", "POST"),
        ("put", "PUT"),
        ("patch", "PATCH"),
        ("delete", "DELETE"),
        ("upload", "PUT"),
        ("send", "POST"),
        ("webhook", "POST"),
    ):
        if word in have:
            method = verb
    dialect = next(
        (
            d
            for d in (
                "sqlite",
                "postgres",
                "mysql",
                "duckdb",
                "snowflake",
                "bigquery",
                "clickhouse",
                "oracle",
                "redshift",
            )
            if any(d in word for word in words)
        ),
        "",
    )
    return Tool(
        name,
        words,
        shell and not have & _PYTHON_TOOL,
        bool(
            have & {"powershell", "pwsh", "powershell7", "shell"} and ("power" in have or "powershell" in name.lower())
        )
        or "pwsh" in have,
        bool(have & _SQL_TOOL) or "sql" in told,
        bool(have & _CODE_TOOL),
        bool(have & _PYTHON_TOOL) or "python" in told,
        method,
        dialect,
        described,
    )


@lru_cache(maxsize=2048)
def of_parameter(tool: Tool, key: str) -> Language:
    """What a parameter of this name would hold in this tool, whatever its value."""
    name = "_".join(split(key))
    if tool.runs_powershell and (name in _SHELL_NAMES or name in _SHELL_IN_TOOL):
        return Language.POWERSHELL
    if name in _SHELL_NAMES and (tool.runs_shell or set(tool.words) & _RUNNING or len(tool.words) <= 1):
        return Language.SHELL
    if name in _SQL_NAMES or (tool.runs_sql and name in _SQL_IN_TOOL):
        return Language.SQL
    program = _program(tool, name)
    if program is not None:
        return program
    if name in _URL_NAMES:
        return Language.URL
    if name in _PATH_NAMES or name.endswith(("_path", "_file", "_dir", "_directory", "_folder")):
        return Language.PATH
    return _described(dict(tool.described).get(key, ""))


def _program(tool: Tool, name: str) -> Language | None:
    """The language of a parameter that holds a program, if it does."""
    if name in ("python", "python_code", "py_code") or (tool.runs_python and name in _CODE_NAMES | {"input"}):
        return Language.PYTHON
    if tool.runs_shell and name in _SHELL_IN_TOOL and not (tool.runs_code and name == "code"):
        return Language.SHELL
    if name in _CODE_NAMES and (tool.runs_code or name in ("code", "source_code", "javascript", "js")):
        return Language.CODE
    return None


_SHELL_WORDS: Final = re.compile(r"(?:shell|bash) command|command to (?:run|execute)")  # in a parameter's description


def _described(text: str) -> Language:
    """What the schema's description of a parameter says that it holds."""
    if _SHELL_WORDS.search(text):
        return Language.SHELL
    if "sql" in text and ("query" in text or "statement" in text):
        return Language.SQL
    return Language.TEXT


_BARE_CODE: Final = re.compile(r"[\w.+#/-]{0,40}")


def of_value(tool: Tool, key: str, text: str) -> Language:
    """What this value of a parameter is, now that it can be looked at."""
    language = of_parameter(tool, key)
    if language is Language.URL:
        return (
            Language.URL if is_url(text) else (Language.PATH if text.startswith(("/", "~", "file:")) else Language.TEXT)
        )
    if language is Language.PATH:
        if is_url(text) and "://" in text:
            return Language.URL
        name = "_".join(split(key))
        return (
            Language.PATH
            if name in _SURE_PATHS or looks_like_path(text) or re.fullmatch(r"[\w.-]+\.\w{1,8}", text)
            else Language.TEXT
        )
    if (
        language is Language.SQL
        and not (spotting.begins(text) or spotting.stands_in(text))
        and "_".join(split(key)) not in _SQL_NAMES
    ):
        return Language.TEXT
    if language is Language.CODE and not tool.runs_code and _BARE_CODE.fullmatch(text):
        return Language.TEXT  # a coupon, an airport, a door: `code` that is no program
    if (
        language is Language.SHELL
        and _POWERSHELL_HINT.search(text[:2000])
        and _POWERSHELL_SIGNS.search(text[:2000])
        and not re.search(r"^\s*#!|/bin/|\$\(", text[:2000])
    ):
        return Language.POWERSHELL
    if language is Language.SHELL and tool.runs_sql and spotting.begins(text) and not tool.runs_shell:
        return Language.SQL
    if (
        language is Language.TEXT
        and len(text) < 4096
        and text.startswith(("/", "~/", "file://", "../", "C:\\"))
        and looks_like_path(text)
        and not any(c.isspace() for c in text)
    ):
        return Language.PATH
    return language


def is_url(text: str) -> bool:
    return len(text) < 16_384 and _URL_START.match(text) is not None


def is_host(text: str) -> bool:
    return _HOST.match(text) is not None and ("." in text or ":" in text or text == "localhost")


@lru_cache(maxsize=4096)
def _op(words: tuple[str, ...]) -> FileOp:
    for word in words:
        for op, names in _OPS:
            if word in names:
                return op
    return FileOp.READ


def file_op(tool: Tool, key: str) -> tuple[FileOp, bool]:
    """What the tool does to the path in this parameter; `filtered` for the source of a move, which ends up
    elsewhere.
    """
    op = _op(tool.words)
    name = "_".join(split(key))
    if name in _SOURCES or (name == "path" and "copy" in tool.words):
        moves = {"move", "mv", "rename"} & set(tool.words)
        return (
            (FileOp.DELETE, True)
            if moves and name not in ("cwd", "workdir", "working_directory", "root", "repo_path")
            else (
                FileOp.READ
                if name not in ("cwd", "workdir", "working_directory", "root", "repo_path")
                else FileOp.LIST,
                False,
            )
        )
    if name in ("save_dir", "save_path", "output_path", "output_file", "output"):
        return FileOp.WRITE, False
    return op, False
