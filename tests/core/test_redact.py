"""What the redactor promises: nothing planted survives, nothing can be forged, and the call stays bound."""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.made_up import card, jwt, private_key
from tests.made_up import random_text as made_up
from toolguard.core.canonical import canonical
from toolguard.core.secrets.redact import Redactor, readable

KEY = b"k" * 32


def github(seed: int) -> str:
    return "gh" + "p_" + made_up(seed, 36)


SECRETS: dict[str, Callable[[int], str]] = {
    "github": github,
    "aws": lambda seed: "AK" + "IA" + made_up(seed, 16, string.ascii_uppercase + string.digits).upper(),
    "slack": lambda seed: "xo" + f"xb-{10**11 + seed}-{10**11 + 2 * seed}-" + made_up(seed, 24),
    "stripe": lambda seed: "sk_" + "live_" + made_up(seed, 24),
    "anthropic": lambda seed: "sk-" + "ant-api03-" + made_up(seed, 93) + "AA",
    "jwt": jwt,
    "private key": private_key,
}

PLACES = {
    "alone": "{}",
    "in a sentence": "use {} for it, please",
    "in a header": "curl -H 'Authorization: Bearer {}' https://api.example.org/v1",
    "in a query": "https://api.example.org/v1?page=2&token={}&q=x",
    "as a URL's password": "https://user:{}@example.org/repo.git",
    "in an assignment": "export DEPLOY_TOKEN='{}' && make",
    "in JSON": '{{"a": [1, {{"token": "{}"}}]}}',
    "in escaped JSON": '{{\\"token\\": \\"{}\\"}}',
    "after an escaped line break": "first line\\n{}\\nlast line",
    "percent-encoded before it": "redirect%3Ftoken%3D{}",
    "in YAML": "env:\n  - name: TOKEN\n    value: {}\n",
    "between other letters": "日本語 {} ünïcode 🔑",
    "in XML": "<token>{}</token>",
    "in brackets": "[{}]",
    "twice": "{0} {0}",
}


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(KEY)


def leaks(secret: str, value: object) -> bool:
    shown = json.dumps(value, ensure_ascii=False)
    return secret in shown or json.dumps(secret)[1:-1] in shown


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("kind", SECRETS.values(), ids=SECRETS.keys())
@pytest.mark.guarantee("redact:nothing-stored")
def test_a_planted_secret_never_survives(redactor: Redactor, kind: Any, place: str) -> None:
    secret = kind(3)
    text = place.format(secret)

    for value in (text, {"a": text}, [[text]], {"a": {"b": [1, None, text, True]}}, {text: "a"}):
        assert not leaks(secret, redactor.redact(value))
        assert not leaks(secret, readable(redactor.redact(value)))
    assert secret not in redactor.text(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def planted(value: Any, secret: str, at: list[int]) -> Any:
    """The value with the secret appended to the leaf, or put under a key, that the numbers lead to."""
    step = at.pop() if at else 0
    if isinstance(value, dict) and value:
        key = list(value)[step % len(value)]
        if step % 7 == 6:
            return {**value, f"{key} {secret}": 1}
        return {**value, key: planted(value[key], secret, at)}
    if isinstance(value, list) and value:
        index = step % len(value)
        return [*value[:index], planted(value[index], secret, at), *value[index + 1 :]]
    return f"{value if isinstance(value, str) else ''} {secret}"


@given(json_values, st.lists(st.integers(0, 50), max_size=6), st.sampled_from(list(SECRETS)), st.integers(0, 10**6))
@pytest.mark.guarantee("redact:any-place")
def test_a_secret_planted_anywhere_in_any_value_never_survives(value: Any, at: list[int], kind: str, seed: int) -> None:
    secret = SECRETS[kind](seed)

    assert not leaks(secret, Redactor(KEY).redact(planted(value, secret, at)))


@given(json_values)
def test_redaction_is_total_and_what_it_returns_is_canonical_where_the_value_was(value: Any) -> None:
    redacted = Redactor(KEY, extra_keys=["a"]).redact(value)

    try:
        canonical(value)
    except ValueError:
        return
    canonical(redacted)


marked_keys = st.sampled_from(["$redacted", "$parts", "$$redacted", "$$$parts", "rule", "mac", "password", "a"])
forged = st.recursive(
    st.text(max_size=5) | st.sampled_from([github(1), github(2), "x " + github(1)]) | st.integers(0, 3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(marked_keys, inner, max_size=3),
    max_leaves=8,
)


@given(forged, forged)
@pytest.mark.guarantee("binding:secrets-count")
def test_two_values_share_a_redacted_form_only_if_they_are_equal(one: Any, other: Any) -> None:
    redactor = Redactor(KEY)

    same = canonical(redactor.redact(one)) == canonical(redactor.redact(other))

    assert same == (canonical(one) == canonical(other))


def test_a_marker_from_outside_is_not_taken_for_one_of_ours(redactor: Redactor) -> None:
    ours = redactor.redact(github(1))

    assert redactor.redact(ours) == {"$$redacted": ours["$redacted"]}
    assert redactor.redact({"$parts": ["a"]}) == {"$$parts": ["a"]}
    assert redactor.redact({"$$redacted": 1}) == {"$$$redacted": 1}
    assert redactor.redact({"$ref": 1}) == {"$ref": 1}


def test_people_see_keys_from_outside_as_they_came(redactor: Redactor) -> None:
    value = {"$redacted": {"rule": "x"}, "$$parts": [1], "$ref": "a", "text": "plain"}

    assert readable(redactor.redact(value)) == value


def test_the_same_secret_has_the_same_marker_wherever_it_stands(redactor: Redactor) -> None:
    alone = redactor.redact(github(1))
    inside = redactor.redact(f"token {github(1)}!")

    assert inside == {"$parts": ["token ", alone, "!"]}
    assert alone["$redacted"]["mac"] == redactor.mac(github(1))
    assert Redactor(KEY).redact(github(1)) == alone


def test_different_secrets_and_different_keys_have_different_markers(redactor: Redactor) -> None:
    assert redactor.redact(github(1)) != redactor.redact(github(2))
    assert redactor.redact(github(1)) != Redactor(b"other" * 8).redact(github(1))


@pytest.mark.guarantee("binding:secrets-count")
def test_swapping_two_secrets_changes_the_redacted_form(redactor: Redactor) -> None:
    assert redactor.redact([github(1), github(2)]) != redactor.redact([github(2), github(1)])


def test_a_marker_names_rule_length_and_key(redactor: Redactor) -> None:
    marker = Redactor(KEY, "k7").redact(github(1))["$redacted"]

    assert marker["rule"] == "github-token"
    assert marker["len"] == 40
    assert marker["mac"].startswith("k7:")
    assert len(marker["mac"]) == 3 + 64


def test_people_read_a_marker_as_words(redactor: Redactor) -> None:
    value = redactor.redact({"cmd": f"push {github(1)} now", "password": "hunter2"})

    assert readable(value) == {
        "cmd": "push [redacted github-token, 40 characters] now",
        "password": "[redacted key-name, 7 characters]",
    }


def test_what_holds_no_secret_comes_back_as_the_same_object(redactor: Redactor) -> None:
    value = {"path": "/srv/project/a.py", "limit": 10, "tags": ["a", None, 1.5]}

    assert redactor.redact(value) is value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("password", "letmein"),
        ("api_key", "abc"),
        ("X-Api-Key", "abc"),
        ("clientSecret", "abc"),
        ("Authorization", "Basic abc"),
        ("db.password", "abc"),
        ("otp", 123456),
        ("accessTokens", None),
        ("refresh_token", ["a", "b"]),
    ],
)
def test_what_stands_under_the_name_of_a_secret_is_one(redactor: Redactor, key: str, value: Any) -> None:
    shown = json.dumps(redactor.redact({key: value}))

    if value is not None:
        assert "key-name" in shown
        assert json.dumps(value) not in shown


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_tokens", 4096),
        ("next_page_token", "CAUQAA9x8s7d6f"),
        ("password", True),
        ("token", None),
        ("secret", ""),
        ("tokenizer", "gpt2"),
        ("primary_key", "id"),
        ("public_key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"),
        ("password_file", "/run/secrets/db"),
        ("csrf_token", "abc"),
        ("reset_password", "monthly"),
        ("keyboard", "de"),
        ("author", "me"),
    ],
)
def test_names_that_only_speak_about_secrets_are_left_alone(redactor: Redactor, key: str, value: Any) -> None:
    assert redactor.redact({key: value}) == {key: value}


def test_the_name_may_stand_in_a_member_of_its_own(redactor: Redactor) -> None:
    value = {"env": [{"name": "DB_PASSWORD", "value": "letmein"}, {"name": "MODE", "value": "fast"}]}

    redacted = redactor.redact(value)

    assert not leaks("letmein", redacted)
    assert redacted["env"][1] == {"name": "MODE", "value": "fast"}


def test_names_from_the_configuration_count_in_every_spelling() -> None:
    redactor = Redactor(KEY, extra_keys=["employee_number"])

    assert not leaks("4711", redactor.redact({"EmployeeNumber": "4711"}))
    assert redactor.redact({"number": "4711"}) == {"number": "4711"}


VALUE = "corr3ct horse/battery+staple"


@pytest.mark.parametrize(
    "text",
    [
        VALUE,
        f"x {VALUE} y",
        quote(VALUE, safe=""),
        VALUE.encode().hex(),
        *(base64.b64encode(b"a" * n + VALUE.encode() + b"b" * m).decode() for n in range(3) for m in range(3)),
        base64.urlsafe_b64encode(b"user:" + VALUE.encode()).decode(),
        json.dumps({"v": VALUE}),
    ],
)
@pytest.mark.guarantee("redact:any-place")
def test_a_known_value_is_found_in_the_encodings_it_travels_in(text: str) -> None:
    redactor = Redactor(KEY, known_values={"SERVICE_TOKEN": VALUE})

    assert redactor.text(text) != text
    assert "known:SERVICE_TOKEN" in redactor.text(text)
    for encoding in (VALUE, quote(VALUE, safe=""), VALUE.encode().hex()):
        assert encoding not in redactor.text(text)


def test_values_of_the_environment_that_are_no_secrets_stay_readable() -> None:
    redactor = Redactor(KEY, known_values={"PROJECT_DIR": "/srv/project", "MODE": "production", "TOKEN": "on"})

    assert redactor.text("ls /srv/project in production, switched on") == "ls /srv/project in production, switched on"


def test_a_random_value_is_known_whatever_its_name() -> None:
    value = made_up(5, 24)

    assert value not in Redactor(KEY, known_values={"X": value}).text(f"print {value}")


def test_a_secret_in_a_key_takes_the_whole_object_along(redactor: Redactor) -> None:
    redacted = redactor.redact({"outer": {github(1): {"deep": "text"}}})

    assert redacted["outer"]["$redacted"]["rule"] == "key-of-object"
    assert redacted != redactor.redact({"outer": {github(1): {"deep": "other"}}})


class Broken(dict[str, Any]):
    """A mapping that fails when it is read."""

    def items(self) -> Any:
        raise RuntimeError("broken")


def nested(depth: int, leaf: Any) -> Any:
    for _ in range(depth):
        leaf = [leaf]
    return leaf


def test_what_cannot_be_walked_leaves_only_its_shape(redactor: Redactor) -> None:
    deep = redactor.redact(nested(20_000, f"deep {github(1)}"))

    assert deep["$redacted"]["rule"] == "unreadable"
    assert not leaks(github(1), deep)
    assert deep != redactor.redact(nested(20_000, f"deep {github(2)}"))
    assert len(json.dumps(deep)) < 1000


def test_a_failure_inside_leaves_nothing_of_the_value(redactor: Redactor) -> None:
    redacted = redactor.redact({"a": "visible", "b": Broken(x=1)})

    assert redacted["$redacted"]["rule"] == "unreadable"
    assert not leaks("visible", redacted)


def test_text_that_is_no_unicode_is_redacted_too(redactor: Redactor) -> None:
    text = f"\ud800 {github(1)} \udfff"

    assert github(1) not in redactor.text(text)
    assert redactor.text(text).startswith("\ud800 ")


def test_a_text_that_offers_too_many_places_is_cut_off_there(redactor: Redactor) -> None:
    text = "token: x " * 30_000 + github(1)

    assert github(1) not in redactor.text(text)
    assert redactor.text(text).endswith("[redacted unread]")


def test_the_work_is_counted_over_the_whole_call(redactor: Redactor) -> None:
    value = ["token: x"] * 10_000 + [f"token: {made_up(9, 32)}"]

    redacted = redactor.redact(value)

    assert redacted[0] == "token: x"
    assert redacted[-1]["$redacted"]["rule"] == "unread"
    assert redactor.redact(value) == redacted


@pytest.mark.parametrize("letter", ["a ", "é ", "日"])
def test_what_lies_beyond_the_largest_size_is_one_unread_secret(redactor: Redactor, letter: str) -> None:
    text = letter * (3 * 2**20 // len(letter.encode())) + github(1)

    redacted = redactor.redact({"a": "first", "b": text})

    assert not leaks(github(1), redacted)
    assert redacted["a"] == "first"
    assert [one if isinstance(one, str) else one["$redacted"]["rule"] for one in redacted["b"]["$parts"][1:]] == [
        "unread"
    ]
    assert text.startswith(redacted["b"]["$parts"][0])


def test_personal_data_are_taken_out_only_where_that_is_asked_for(redactor: Redactor) -> None:
    text = f"charge {card()} today"

    assert redactor.redact(text) == text
    assert Redactor(KEY, personal=True).text(text) == "charge [redacted card-number] today"


def test_the_digest_tells_rule_sets_apart() -> None:
    plain = Redactor(KEY)

    assert plain.digest == Redactor(b"other" * 8, "k2").digest
    assert plain.digest != Redactor(KEY, extra_keys=["x"]).digest
    assert plain.digest != Redactor(KEY, known_values={"API_TOKEN": "abcdefgh"}).digest
