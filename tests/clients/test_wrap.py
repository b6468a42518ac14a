"""Real files of every client: in behind the proxy, out again, and nothing else touched."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolguard.clients.entry import Edit, Entry, apply
from toolguard.clients.where import CLIENTS, Client, client
from toolguard.clients.wrap import Launcher, is_ours, kind, unwrap, wrap, wrapping

LAUNCHER = Launcher(("/opt/tg/bin/python", "-I", "-m", "toolguard"), {})
FILES = Path(__file__).parent / "files"


def text_of(chosen: Client) -> str:
    path = next(FILES.glob(f"{chosen.name}.*"))
    return path.read_bytes().decode()


def entries(chosen: Client, text: str) -> dict[tuple[str, ...], Entry]:
    return {entry.pointer: entry for entry in chosen.format.read(text, "file", chosen.containers)}


def installed(chosen: Client, text: str, launcher: Launcher = LAUNCHER) -> str:
    edits: list[Edit] = []
    for entry in entries(chosen, text).values():
        if kind(entry) in ("stdio", "wrapped"):
            edits += wrap(text, entry, chosen.name, launcher, chosen.format.quote)
    return apply(text, edits)


def uninstalled(chosen: Client, text: str) -> str:
    edits: list[Edit] = []
    for entry in entries(chosen, text).values():
        present = wrapping(entry)
        if present and is_ours(present, chosen.name):
            edits += unwrap(text, entry)
    return apply(text, edits)


every_client = pytest.mark.parametrize("chosen", CLIENTS, ids=lambda one: one.name)


@every_client
@pytest.mark.guarantee("install:undone-to-the-byte")
def test_uninstall_gives_back_the_file_to_the_byte(chosen: Client) -> None:
    text = text_of(chosen)

    assert installed(chosen, text) != text
    assert uninstalled(chosen, installed(chosen, text)) == text


@every_client
def test_installing_twice_changes_nothing_more(chosen: Client) -> None:
    once = installed(chosen, text_of(chosen))

    assert installed(chosen, once) == once


@every_client
def test_each_stdio_server_starts_behind_the_proxy_and_the_rest_of_it_stays(chosen: Client) -> None:
    before = entries(chosen, text_of(chosen))
    after = entries(chosen, installed(chosen, text_of(chosen)))

    assert list(before) == list(after)
    for pointer, old in before.items():
        new = after[pointer]
        if kind(old) == "remote":
            assert new.members == old.members
            continue
        assert new.argv == [*LAUNCHER.head(old.name, chosen.name), *old.argv]
        assert {k: v for k, v in new.members.items() if k not in ("command", "args")} == {
            k: v for k, v in old.members.items() if k not in ("command", "args")
        }


@every_client
def test_what_the_client_itself_parses_is_only_different_at_command_and_args(chosen: Client) -> None:
    text = text_of(chosen)
    if chosen.name == "vscode":
        return  # has comments; covered by the entries above

    def parse(source: str) -> Any:
        return tomllib.loads(source) if chosen.name == "codex" else json.loads(source)

    def without_starts(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: without_starts(v) for k, v in value.items() if k not in ("command", "args")}
        return [without_starts(one) for one in value] if isinstance(value, list) else value

    assert without_starts(parse(installed(chosen, text))) == without_starts(parse(text))


@every_client
def test_a_new_place_of_toolguard_is_brought_up_to_date(chosen: Client) -> None:
    moved = Launcher(("/new/python", "-I", "-m", "toolguard"), {"--home": "/srv/tg"})
    text = text_of(chosen)

    renewed = installed(chosen, installed(chosen, text), moved)

    assert [e.argv for e in entries(chosen, renewed).values()] == [
        e.argv for e in entries(chosen, installed(chosen, text, moved)).values()
    ]
    assert uninstalled(chosen, renewed) == text


def test_the_newest_edits_of_the_user_survive_uninstall() -> None:
    cursor = client("cursor")
    text = installed(cursor, text_of(cursor))
    edited = text.replace('"X-Key":"k"', '"X-Key":"changed"').replace('"-y",', '"-y", "--verbose",')

    after = uninstalled(cursor, edited)

    assert after == text_of(cursor).replace('"X-Key":"k"', '"X-Key":"changed"').replace('"-y",', '"-y", "--verbose",')


def test_a_file_that_its_client_wrote_anew_can_still_be_undone() -> None:
    code = client("claude-code")
    text = text_of(code)
    rewritten = json.dumps(json.loads(installed(code, text)), indent=2, ensure_ascii=False)

    assert json.loads(uninstalled(code, rewritten)) == json.loads(text)


def test_options_that_a_person_added_to_our_proxy_stay() -> None:
    cursor = client("cursor")
    text = installed(cursor, '{"mcpServers": {"a": {"command": "x"}}}').replace('"--", "x"', '"--quiet", "--", "x"')
    moved = Launcher(("/new/python", "-I", "-m", "toolguard"), {})

    (entry,) = entries(cursor, installed(cursor, text, moved)).values()

    assert entry.argv == ["/new/python", *LAUNCHER.head("a", "cursor", ("--quiet",))[1:], "x"]


BEHIND = [
    ("our own form", ["/v/bin/python", "-I", "-m", "toolguard", "proxy", "--name", "a", "--", "x"]),
    ("the executable", ["/v/bin/toolguard", "proxy", "--", "x", "-y"]),
    ("on Windows", ["C:\\v\\Scripts\\toolguard.exe", "proxy", "--", "x"]),
    ("by name", ["toolguard", "proxy", "--name", "a", "--", "x"]),
    ("an equals sign", ["toolguard", "proxy", "--name=a", "--", "x"]),
]
NOT_BEHIND = [
    ("another program", ["npx", "proxy", "--", "x"]),
    ("toolguard as an argument", ["sh", "toolguard", "proxy", "--", "x"]),
    ("another of its commands", ["toolguard", "serve", "--", "x"]),
    ("no command of its own", ["toolguard", "proxy", "--name", "a", "--"]),
    ("no dashes", ["toolguard", "proxy", "--name", "a", "x"]),
    ("a program of a similar name", ["/v/bin/toolguard-lookalike", "proxy", "--", "x"]),
    ("another module", ["python", "-m", "toolguard2", "proxy", "--", "x"]),
    ("a shell that is told so", ["sh", "-c", "x", "-m", "toolguard", "proxy", "--", "x"]),
    ("a script before the module", ["python", "x.py", "-m", "toolguard", "proxy", "--", "x"]),
    ("the proxy only further on", ["python", "-m", "toolguard", "demo", "proxy", "--", "x"]),
]


@pytest.mark.parametrize(
    ("argv", "behind"),
    [pytest.param(argv, True, id=name) for name, argv in BEHIND]
    + [pytest.param(argv, False, id=name) for name, argv in NOT_BEHIND],
)
def test_what_counts_as_behind_the_proxy(argv: list[str], behind: bool) -> None:
    entry = Entry(("mcpServers", "a"), {"command": argv[0], "args": argv[1:]}, 0)

    assert (wrapping(entry) is not None) is behind


def test_a_proxy_set_up_by_hand_is_left_alone() -> None:
    cursor = client("cursor")
    text = '{"mcpServers": {"a": {"command": "toolguard", "args": ["proxy", "--", "x"]}}}'

    assert uninstalled(cursor, text) == text


names = st.text(min_size=1, max_size=12)
words = st.text(max_size=12)
space = st.sampled_from(["", " ", "\n  ", "\r\n\t", " /* c */ ", " // c\n "])
plain_space = st.sampled_from(["", " ", "\n\t"])


@st.composite
def json_files(draw: st.DrawFn) -> str:
    """A cursor file in any layout: comments, escapes, trailing commas, members in any order."""

    def literal(text: str) -> str:
        return json.dumps(text, ensure_ascii=draw(st.booleans()))

    def between() -> str:
        return draw(space)

    def joined(parts: list[str]) -> str:
        tail = "," + between() if draw(st.booleans()) and parts else ""
        return ("," + between()).join(part + between() for part in parts) + tail

    def server() -> str:
        members = [f'"command"{between()}:{between()}{literal(draw(names))}']
        if draw(st.booleans()):
            items = [literal(one) for one in draw(st.lists(words, max_size=3))]
            members.append(f'"args"{between()}:{between()}[{between()}{joined(items)}]')
        if draw(st.booleans()):
            members.append(f'"env":{between()}{{{joined([f"{literal(draw(names))}: {literal(draw(words))}"])}}}')
        return f"{{{between()}{joined(draw(st.permutations(members)))}}}"

    servers = [f"{literal(name)}:{between()}{server()}" for name in draw(st.lists(names, max_size=4, unique=True))]
    others = [f'"other":{between()}[{joined(["1", "null"])}]'] if draw(st.booleans()) else []
    members = draw(st.permutations([*others, f'"mcpServers":{between()}{{{between()}{joined(servers)}}}']))
    return f"{between()}{{{joined(members)}}}{between()}"


@pytest.mark.guarantee("install:undone-to-the-byte")
@given(json_files())
def test_any_json_layout_survives_the_round_trip(text: str) -> None:
    cursor = client("cursor")
    before, after = entries(cursor, text), entries(cursor, installed(cursor, text))

    for pointer, entry in before.items():
        if wrapping(entry) is None:
            assert after[pointer].argv == [*LAUNCHER.head(entry.name, "cursor"), *entry.argv]
    assert uninstalled(cursor, installed(cursor, text)) == uninstalled(cursor, text)


@st.composite
def toml_files(draw: st.DrawFn) -> str:
    """A codex file in any of the layouts that TOML has for a table."""

    def literal(text: str) -> str:
        return json.dumps(text.replace("\x7f", ""), ensure_ascii=False)

    newline = draw(st.sampled_from(["\n", "\r\n"]))
    lines = ["model = 'x' # c", ""]
    for name in draw(st.lists(names, max_size=4, unique_by=lambda one: one.replace("\x7f", ""))):
        key = literal(name)
        command = f"command{draw(plain_space).strip(chr(10))}= {literal(draw(names))}"
        items = [literal(one) for one in draw(st.lists(words, max_size=3))]
        array = (
            f"[{draw(plain_space)}{', '.join(items)}{',' if draw(st.booleans()) and items else ''}{draw(plain_space)}]"
        )
        args = draw(st.sampled_from([[], [f"args = {array}"]]))
        if draw(st.booleans()):
            inline = ", ".join(draw(st.permutations([command, *args]))).replace("\n", " ")
            lines.append(f"mcp_servers.{key} = {{ {inline} }}")
        else:
            body = draw(st.permutations([f"{command} # c", *args]))
            lines = [*lines, "", f"[mcp_servers.{key}]", *(f"  {line}" for line in body), "cwd = '/'"]
    tops = [line for line in lines if line.startswith("mcp_servers.")]
    return newline.join([*tops, *(line for line in lines if line not in tops), ""]).replace("\r\r\n", "\r\n")


@pytest.mark.guarantee("install:undone-to-the-byte")
@given(toml_files())
def test_any_toml_layout_survives_the_round_trip(text: str) -> None:
    codex = client("codex")
    before, after = entries(codex, text), entries(codex, installed(codex, text))

    for pointer, entry in before.items():
        if wrapping(entry) is None:
            assert after[pointer].argv == [*LAUNCHER.head(entry.name, "codex"), *entry.argv]
    assert uninstalled(codex, installed(codex, text)) == uninstalled(codex, text)
