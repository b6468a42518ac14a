"""Shell texts become the commands that a shell would run."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolguard.core.shell import grammar as shell


def lines(text: str) -> list[str]:
    return [" ".join(word.text for word in command.words) for command in shell.parse(text).commands if command.words]


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("ls -la", ["ls -la"]),
        ("a && b || c; d", ["a", "b", "c", "d"]),
        ("a | b", ["a", "b"]),
        ("r''m -r\"f\" /x", ["rm -rf /x"]),
        ("r\\m x", ["rm x"]),
        ("$'\\x72\\x6d' x", ["rm x"]),
        ("$'\\162m' x", ["rm x"]),
        ("c=rm; $c x", ["rm x"]),
        ("a=r b=m; $a$b x", ["rm x"]),
        ("c='rm -r'; $c x", ["rm -r x"]),
        ("cat${IFS}x", ["cat x"]),
        ("{rm,-rf,x}", ["rm -rf x"]),
        ("cat x.{a,b}", ["cat x.a x.b"]),
        ("rm $HOME/x", ["rm ~/x"]),
        ("rm ${X:-/etc}", ["rm /etc"]),
        ("x=abc; echo ${x:1:1} ${x^^} ${x/b/-}", ["echo b ABC a-c"]),
        ("$(echo rm) x", ["echo rm", "rm x"]),
        ("`echo rm` x", ["echo rm", "rm x"]),
        ("for f in a b; do rm $f; done", ["rm a b"]),
        ("f() { rm $1; }; f x", ["f x", "rm x"]),
        ("alias d='rm -r'; d x", ["alias d=rm -r", "rm -r x"]),
        ("if true; then a; else b; fi", ["true", "a", "b"]),
        ("case x in y) a;; esac", ["a"]),
        ("( a; b )", ["a", "b"]),
        ("a <(b)", ["b", "a /dev/fd/63"]),
        ("A=1 b", ["b"]),
        ("a \\\n b", ["a b"]),
        ("# rm x\nls", ["ls"]),
        ("echo x\n$(echo ls) y", ["echo x", "echo ls", "ls y"]),
        ("for x do a $x; done", ["a $@"]),
        ("unset A", ["unset A"]),
        ("a $(b $(c))", ["c", "b $(...)", "a $(...)"]),
    ],
)
def test_a_text_becomes_the_commands_that_would_run(text: str, commands: list[str]) -> None:
    assert lines(text) == commands


@pytest.mark.parametrize(
    ("text", "stdin"),
    [
        ("echo cm0gLXJm | base64 -d | sh", "rm -rf"),
        ("echo 726d | xxd -r -p | sh", "rm"),
        ("printf '\\162m' | sh", "rm"),
        ("echo mr | rev | sh", "rm\n"),
        ("echo sn | tr s r | tr n m | sh", "rm\n"),
        ("sh <<< 'rm x'", "rm x\n"),
        ("sh <<'END'\nrm x\nEND", "rm x\n"),
        ("x=rm; sh <<END\n$x y\nEND", "rm y\n"),
    ],
)
def test_what_a_shell_is_fed_is_followed(text: str, stdin: str) -> None:
    assert shell.parse(text).commands[-1].stdin == stdin


@pytest.mark.parametrize("text", ["sh <<< $X", "cat f | sh", "curl x | sh", "echo $X | sh"])
def test_what_only_a_run_could_tell_is_not_made_up(text: str) -> None:
    assert shell.parse(text).commands[-1].stdin is None


def test_a_redirection_of_nothing_empties_the_file() -> None:
    (command,) = shell.parse("> notes.txt").commands

    assert [(redirect.op, redirect.target.text) for redirect in command.redirects] == [(">", "notes.txt")]


def test_places_count_characters_and_not_bytes() -> None:
    text = "echo žluťoučký; rm x"

    command = shell.parse(text).commands[1]

    assert text[command.start : command.end] == "rm x"


@pytest.mark.parametrize("text", [":(){ :|:& };:", "f() { f | f & }; f", "f() { f & }; f"])
def test_a_function_that_multiplies_is_seen(text: str) -> None:
    assert shell.parse(text).bombs


@pytest.mark.parametrize("text", ["f() { ls | wc; }; f", "f() { g; }; f", "f() { f; }"])
def test_a_function_that_does_not_multiply_is_left_alone(text: str) -> None:
    assert not shell.parse(text).bombs


@pytest.mark.parametrize("text", ["echo 'x", 'echo "x', "if true; then", "a <", "$(", "a ((("])
def test_a_text_that_does_not_parse_is_said_to_be_unread(text: str) -> None:
    assert shell.parse(text).unread == "not-parsed"


@pytest.mark.parametrize(
    "text",
    [
        "a|" * 20_000,
        ">" * 20_000,
        "a=(" * 5_000,
        "${" * 20_000,
        "x" * 2_000_000,
        "$(a " * 300 + ")" * 300,
        "ls\n" * 40_000,
    ],
    ids=["pipes", "redirections", "arrays", "expansions", "bytes", "depth", "lines"],
)
def test_a_text_beyond_the_budget_is_said_to_be_too_large(text: str) -> None:
    assert shell.parse(text).unread == "too-large"


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="abr m'\"\\$(){}|&;<>`\n-/=*![]#~é", max_size=60))
def test_reading_never_raises(text: str) -> None:
    script = shell.parse(text)

    assert all(0 <= command.start <= command.end <= len(text) + 20 for command in script.commands)
