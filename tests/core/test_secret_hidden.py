"""Secrets under cover: what joining and decoding find, what they leave alone, and that their work is counted."""

from __future__ import annotations

import pytest

from tests.made_up import named, random_text
from toolguard.core.secrets import hidden as secret_hidden
from toolguard.core.secrets import seed_phrases
from toolguard.core.secrets.hidden import encoded_secrets, split_secrets
from toolguard.core.secrets.seed_phrases import find_seed_phrases
from toolguard.core.secrets.spans import Budget

TOKEN = named("github-token")


@pytest.mark.parametrize("cut", [1, 2, 4, 5, 20, 30])
def test_a_token_is_found_wherever_it_was_cut(cut: int) -> None:
    found = list(split_secrets([("/a", "x"), ("/key", TOKEN[:cut]), ("/rest", TOKEN[cut:]), ("/z", "eu-west-1")]))

    assert [(one.pointer, one.rule) for one in found] == [("/key", "github-token")]


def test_a_token_in_single_letters_is_found() -> None:
    found = list(split_secrets([(f"/letters/{index}", letter) for index, letter in enumerate(TOKEN)]))

    assert [one.rule for one in found] == ["github-token"]


def test_a_whole_token_beside_other_strings_is_not_in_pieces() -> None:
    assert not list(split_secrets([("/token", TOKEN), ("/owner", "octavia"), ("/page", "2")]))


def test_pieces_that_are_no_neighbours_are_not_joined() -> None:
    assert not list(split_secrets([("/a/x", TOKEN[:20]), ("/b/y", TOKEN[20:])]))


def test_work_on_pieces_is_counted() -> None:
    many = [(f"/list/{index}", random_text(index, 300)) for index in range(150)]

    assert sum(len(joined) for _, joined, _ in secret_hidden._runs(many)) <= secret_hidden.JOINED


def test_work_on_encoded_text_is_counted() -> None:
    budget = Budget(secret_hidden.ENCODED)
    text = f"{named('base64-of-password')}AAAA " * 5000 + named("base64-of-github-token")

    assert not list(encoded_secrets("/text", text, budget))
    assert budget.left <= 0


def test_a_token_in_a_signed_token_is_no_encoded_secret() -> None:
    assert not list(encoded_secrets("/text", named("jwt"), Budget()))


@pytest.mark.parametrize("frame", ["{}", 'a: "{}"', "wallet=\n{}\n", "<b>{}</b>"])
def test_a_recovery_phrase_is_found_alone_in_a_text_a_line_or_quotes(frame: str) -> None:
    text = frame.format(named("phrase"))

    assert [text[one.start : one.end] for one in find_seed_phrases(text)] == [named("phrase")]


@pytest.mark.parametrize(
    "text",
    [
        named("phrase") + " lantern",
        named("phrase").replace("lemon", "the"),
        named("phrase").replace("lemon", "rivers"),
        named("phrase").title(),
        "he said " + named("phrase") + " and left",
    ],
)
def test_other_rows_of_words_are_left_alone(text: str) -> None:
    assert not find_seed_phrases(text)


def test_a_phrase_beyond_what_is_looked_at_is_not_claimed() -> None:
    assert not find_seed_phrases("x\n" * seed_phrases.LONGEST + named("phrase"))
