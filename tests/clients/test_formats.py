"""Broken client files are refused with the place; odd but sound ones are read."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolguard.clients.where import client
from toolguard.errors import ConfigError

BROKEN_JSON = [
    ("cut off", '{\n  "mcpServers": {', 2, "property name"),
    ("missing comma", '{"mcpServers": {"a": {"command": "x" "args": []}}}', 1, "delimiter"),
    ("single quotes", "{'mcpServers': {}}", 1, "property name"),
    ("two commas", '{"mcpServers": {"a": {"command": "x",, "args": []}}}', 1, "property name"),
    ("two commas at the end", '{"mcpServers": {"a": {"command": "x",,}}}', 1, "not valid JSON"),
    ("a comma after nothing", '{"mcpServers": {\n,}}', 2, "property name"),
    ("two documents", '{"mcpServers": {}}\n{}', 2, "extra data"),
    ("a comment that never ends", '{"mcpServers": {} /* \n }', 1, "delimiter"),
    ("a line break in a string", '{"mcpServers": {"a\nb": {}}}', 1, "control character"),
    ("no JSON value", '{"mcpServers": {},\n "x": NaN}', 2, "`NaN`"),
    (
        "the same server twice",
        '{"mcpServers": {"a": {"command": "x"},\n"a": {"command": "y"}}}',
        2,
        "`a` stands here twice",
    ),
    (
        "the same member twice",
        '{"mcpServers": {"a": {"command": "x",\n"command": "y"}}}',
        2,
        "`command` stands here twice",
    ),
    (
        "twice, once by an escape",
        '{"mcpServers": {"a": {"command": "x",\n"c\\u006fmmand": "y"}}}',
        2,
        "stands here twice",
    ),
    ("the servers twice", '{"mcpServers": {},\n"mcpServers": {"a": {"command": "x"}}}', 2, "stands here twice"),
    ("a list of servers", '{"mcpServers":\n [{"command": "x"}]}', 2, "must hold an object"),
    ("a list as the file", "[]", 1, "the file must hold an object"),
    ("too deep", '{"x": ' + "[" * 200_000 + "]" * 200_000 + "}", 1, "too deeply"),
]
BROKEN_TOML = [
    ("no value", "model = \n", 1, "not valid TOML"),
    ("a key twice", '[mcp_servers.a]\ncommand = "x"\ncommand = "y"\n', 3, "overwrite"),
    ("a table that is not closed", "x = 1\n[mcp_servers.a\n", 2, "not valid TOML"),
    ("a number for the servers", "mcp_servers = 3\n", 1, "must be a table"),
    ("a string over two lines", 'x = 1\ny = "a\nb"\n', 2, "not valid TOML"),
    ("too deep", "x = " + "[" * 5000, 1, "nested too deeply"),
]


@pytest.mark.parametrize(
    ("name", "text", "line", "what"),
    [pytest.param("cursor", *rest, id=f"json: {title}") for title, *rest in BROKEN_JSON]
    + [pytest.param("codex", *rest, id=f"toml: {title}") for title, *rest in BROKEN_TOML],
)
def test_a_broken_file_is_refused_with_its_place(name: str, text: str, line: int, what: str) -> None:
    chosen = client(name)

    with pytest.raises(ConfigError) as caught:
        chosen.format.read(text, "the file", chosen.containers)

    assert (caught.value.file, caught.value.line) == ("the file", line)
    assert caught.value.column is not None
    assert caught.value.column >= 1
    assert what in str(caught.value)


def test_the_column_counts_characters_and_not_bytes() -> None:
    with pytest.raises(ConfigError) as caught:
        client("cursor").format.read('{"é": "ü" "x"}', "f", (("mcpServers",),))

    assert caught.value.column == 11


SOUND = [
    ("an empty file", "cursor", "", []),
    ("nothing but white space", "cursor", " \n", []),
    ("nothing but a comment", "cursor", "// later\n", []),
    ("no servers", "cursor", '{"other": 1}', []),
    ("an empty object", "cursor", '{"mcpServers": {}}', []),
    ("a comma in a string before a bracket", "cursor", '{"mcpServers": {"a,]": {"command": ",}"},}}', ["a,]"]),
    ("a comment in a string", "cursor", '{"mcpServers": {"//": {"command": "/* x */"},}}', ["//"]),
    (
        "trailing commas with comments behind",
        "cursor",
        '{"mcpServers": {"a": {"command": "x", /* c */ }, // d\n}}',
        ["a"],
    ),
    ("a server that is no object", "cursor", '{"mcpServers": {"a": null}}', ["a"]),
    ("names that matter twice where they do not", "cursor", '{"mcpServers": {}, "x": {"a": 1, "a": 2}}', []),
    ("another client's members", "vscode", '{"mcpServers": {"a": {"command": "x"}}}', []),
    ("an empty TOML file", "codex", "", []),
    ("TOML without servers", "codex", 'model = "x"\n', []),
    ("an inline table of servers", "codex", 'mcp_servers = { a = { command = "x" } }\n', ["a"]),
    ("dotted keys", "codex", 'mcp_servers.a.command = "x"\nmcp_servers.a.args = []\n', ["a"]),
    ("quoted names", "codex", '[mcp_servers."a b"]\ncommand = "x"\n', ["a b"]),
]


@pytest.mark.parametrize(("name", "text", "servers"), [pytest.param(*rest, id=title) for title, *rest in SOUND])
def test_a_sound_file_is_read(name: str, text: str, servers: list[str]) -> None:
    chosen = client(name)

    assert [entry.name for entry in chosen.format.read(text, "f", chosen.containers)] == servers


@given(
    st.one_of(st.text(), st.from_regex(r'[\[\]{}:,"/*\s\\a1]{0,30}', fullmatch=True)),
    st.sampled_from(["cursor", "codex"]),
)
def test_whatever_a_file_holds_the_answer_is_entries_or_a_refusal_with_a_place(text: str, name: str) -> None:
    chosen = client(name)

    with contextlib.suppress(ConfigError):
        chosen.format.read(text, "f", chosen.containers)
        return
    with pytest.raises(ConfigError) as caught:
        chosen.format.read(text, "f", chosen.containers)
    assert caught.value.line is not None
