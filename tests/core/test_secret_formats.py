"""The table of formats: each row finds what its issuer hands out and leaves its look-alikes alone."""

from __future__ import annotations

import base64
import random
import uuid

import pytest

from tests.made_up import LETTERS, card, example, jwt, private_key, random_text
from toolguard.core.regex import compile_bytes
from toolguard.core.secrets.formats import FORMATS, SecretFormat
from toolguard.core.secrets.personal import find_personal
from toolguard.core.secrets.spans import Span, _gate, _quick_gate, find, merged
from toolguard.core.secrets.values import looks_random

ROWS = pytest.mark.parametrize("one", FORMATS, ids=[one.id for one in FORMATS])


def secrets(text: str) -> list[str]:
    return [text[span.start : span.end] for span in merged(find(text))]


@ROWS
def test_a_secret_of_each_format_is_found_whole(one: SecretFormat) -> None:
    for seed in range(5):
        secret = example(one, seed)
        for text in (
            secret,
            f"x = '{secret}'",
            f"see {secret}, please",
            f"\\n{secret}\\n",
            f"<{secret}>",
            f"a\n{secret}\nb",
        ):
            assert secret in secrets(text), text


@ROWS
def test_a_placeholder_in_a_secrets_form_is_left_alone(one: SecretFormat) -> None:
    if not one.entropy or one.before:
        return
    filler = one.anchors[0] + "x" * max(one.length[0], 30)

    assert not secrets(filler)


@ROWS
def test_a_word_that_only_begins_like_a_secret_is_left_alone(one: SecretFormat) -> None:
    for text in (
        one.anchors[0],
        f"{one.anchors[0]} is how they start",
        f"`{one.anchors[0]}...`",
        f"{one.anchors[0]}<name>",
    ):
        assert not secrets(text)


def test_private_halves_of_keys_in_other_forms_are_found() -> None:
    lines = "\n".join(random_text(seed, 32, "0123456789abcdef") for seed in range(16))
    static = f"-----BEGIN OpenVPN Static key V1-----\n{lines}\n-----END OpenVPN Static key V1-----"
    private = random_text(3, 86)

    assert secrets(static) == [static]
    assert secrets(f'{{"kty": "EC", "crv": "P-521", "d": "{private}"}}') == [private]
    assert not secrets(f'{{"d": "{private}"}}')


def test_ids_are_unique_and_expressions_hold_no_group_of_their_own() -> None:
    assert len({one.id for one in FORMATS}) == len(FORMATS)
    for one in FORMATS:
        compiled = compile_bytes(one.before + one.body)
        assert compiled.match(b"") is None or one.length == (0, 0)
        assert "(" not in (one.before + one.body).replace("(?:", "").replace("\\(", "")


SPELLED = {
    "shell assignment": "export API_TOKEN={}",
    "quoted assignment": 'api_key = "{}"',
    "camel case": "const apiKey = '{}';",
    "go": 'clientSecret := "{}"',
    "yaml": "client-secret: {}",
    "json": '{{"access_token": "{}"}}',
    "python dict": "os.environ['SECRET_KEY'] = '{}'",
    "typed": 'auth_token: str = "{}"',
    "ruby": ":api_key => '{}'",
    "default of a lookup": 'getenv("API_TOKEN", "{}")',
    "flag": "deploy --token {} --force",
    "flag with equals sign": "deploy --api-key={}",
    "header": "X-Api-Key: {}",
    "bearer": "Authorization: Bearer {}",
    "other scheme": "authorization: Token {}",
    "query": "https://api.example.org/?access_token={}&x=1",
    "signature": "https://store.example.org/a?sv=1&sig={}",
    "xml": "<clientSecret>{}</clientSecret>",
    "list of names and values": '{{"name": "SERVICE_TOKEN", "value": "{}"}}',
    "yaml list": "- name: SERVICE_TOKEN\n  value: {}\n",
    "make": "TOKEN ?= {}",
    "npmrc": "//registry.example.org/:_authToken={}",
    "vendor's key": 'HEROKU_KEY="{}"',
    "with a stage": "TOKEN_PROD={}",
}


@pytest.mark.parametrize("text", SPELLED.values(), ids=SPELLED.keys())
@pytest.mark.parametrize(
    "value",
    [
        random_text(4, 32),
        random_text(5, 40, LETTERS + "_-"),
        random.Random(2).randbytes(20).hex(),
        str(uuid.UUID(int=random.Random(3).getrandbits(128), version=4)),
    ],
    ids=["letters and digits", "with signs", "hex", "uuid"],
)
def test_a_random_value_under_a_secrets_name_is_found(text: str, value: str) -> None:
    assert value in secrets(text.format(value))


PASSWORDS = {
    "env": "DB_PASSWORD={}",
    "json": '"password": "{}"',
    "connection string": "Server=db;User ID=sa;Password={};Encrypt=yes",
    "url": "postgres://app:{}@db.example.org/app",
    "url without user": "redis://:{}@cache.example.org:6379",
    "curl": "curl -u app:{} https://example.org",
    "curl, quoted": "curl --user 'app:{}' https://example.org",
    "flag": "mysql --password={} -h db",
    "attached flag": "mysql -u root -p{} app",
    "sshpass": "sshpass -p '{}' ssh host",
    "directory": "ldapsearch -x -D cn=admin,dc=example -w {} -b dc=example",
    "document store": "mongosh -u admin -p {} shop",
    "sql server": "sqlcmd -S db -U sa -P {}",
    "remote shell": "plink -ssh ana@host -pw {}",
    "remote desktop": "xfreerdp /v:host /u:ana /p:{}",
    "password file": "htpasswd -b .htpasswd ana {}",
    "broker": "mosquitto_pub -h broker -u ana -P {} -t a -m b",
    "archive": "7z a -p{} box.7z notes",
    "package index": "twine upload -u ana -p {} dist/*",
    "cluster": "oc login -u ana -p {}",
    "switch": "username ana password 7 {}",
    "remote service": "psexec.py corp/ana:{} ",
    "sentence": "the password is {}",
    "xml": "<password>{}</password>",
    "yaml": "password: {}",
    "netrc": "machine api.example.org login me password {}",
    "sql": "CREATE USER app IDENTIFIED BY '{}'",
    "other sql": "ALTER ROLE app WITH PASSWORD '{}'",
    "windows": "net user bob {} /add",
    "powershell": 'ConvertTo-SecureString "{}" -AsPlainText -Force',
    "redis": "redis-cli -h db -a {} ping",
    "sudo": "echo '{}' | sudo -S id",
    "openssl": "openssl rsa -in k -passin pass:{}",
    "samba": "smbclient //host/share -U app%{}",
    "registry": "docker login -u me -p {} registry.example.org",
}


@pytest.mark.parametrize("text", PASSWORDS.values(), ids=PASSWORDS.keys())
def test_a_password_need_not_look_random(text: str) -> None:
    assert secrets(text.format("hunter2!")) == ["hunter2!"]


def encoded(size: int) -> str:
    return base64.b64encode(random.Random(size).randbytes(size)).decode()


LEFT_ALONE = {
    "a commit": "git show 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "a digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "an integrity": '"integrity": "sha512-' + encoded(64) + '"',
    "a uuid": "id = 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "an image": "data:image/png;base64," + encoded(4000),
    "a public ssh key": "ssh-rsa AAAAB3NzaC1yc2E" + encoded(250) + " me@host",
    "a certificate": f"-----BEGIN CERTIFICATE-----\n{encoded(600)}\n-----END CERTIFICATE-----",
    "a public key": f"-----BEGIN PUBLIC KEY-----\n{encoded(270)}\n-----END PUBLIC KEY-----",
    "an empty private key": f"-----BEGIN {'PRIVATE'} KEY-----\n...\n-----END {'PRIVATE'} KEY-----",
    "a shell variable": "API_TOKEN=$GITHUB_TOKEN",
    "a shell default": "API_TOKEN=${API_TOKEN:-}",
    "a substitution": "TOKEN=$(vault read -field=token secret/app)",
    "a template": "password: {{ .Values.password }}",
    "a placeholder": "api_key: <YOUR_API_KEY>",
    "another": 'api_key = "your-api-key-here"',
    "a third": "token: xxxxxxxxxxxxxxxxxxxxxxxx",
    "stars": "password: ********",
    "a lookup": "password = os.environ['DB_PASSWORD']",
    "a call": "token = get_token(user)",
    "an attribute": "self.password = config.password",
    "a parameter": "def login(user: str, password: str) -> Token:",
    "a path": "password_file=/run/secrets/db",
    "a reference": "api_key: op://vault/item/field",
    "a type": "password: string",
    "prose": "The token is validated, then the password must be changed every 90 days.",
    "a rule about passwords": "password: must have at least 8 characters",
    "a translation": '"password": "Passwort"',
    "counting tokens": "max_tokens: 4096, total_tokens=12345",
    "a page token": "page_token=CAUQAA9x8s7d6f5g4h3j2k",
    "a csrf token": 'csrf_token = "8f14e45fceea167a5a36dedd4bea2543"',
    "a key of a table": "primary_key = 'user_id_2024', cache_key='a1b2c3d4e5'",
    "an identifier": "client_id = 8f14e45f-ceea-467a-9a36-dedd4bea2543",
    "a url with a port": "http://localhost:8080/a@b",
    "an address": "mailto:me@example.org or ssh://git@example.org/x.git",
    "docker's user": "docker run -u 1000:1000 image",
    "a sort": "sort -u a:b",
    "a version": "notes = 'io.jsonwebtoken:jjwt-jackson-0.11.2'",
    "a favicon": "https://example.org/favicon.ico-7a388b69018576d24b59331fd60aab0c.png",
    "a half JWT": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
    "a class": "s.SimpleHTTPRequestHandler",
    "a task name": "task-sk-runner-with-a-long-descriptive-name-in-it",
    "a test": "def test_live_reload_of_configuration_works_with_two_files(): ...",
    "a lock file": "\n".join(f"{random.Random(n).randbytes(20).hex()}  pkg-{n}.tar.gz" for n in range(50)),
}  # fmt: skip


@pytest.mark.parametrize("text", LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert secrets(text) == []


def test_random_base64_holds_secrets_by_chance_less_than_once_in_a_megabyte() -> None:
    assert secrets(encoded(1_000_000)) == []


def test_a_private_key_is_found_in_one_piece_even_without_its_end() -> None:
    key = private_key()

    assert secrets(f"a {key} b") == [key]
    assert secrets(key.replace("\n", "\\n")) == [key.replace("\n", "\\n")]
    assert secrets(key[:200]) == [key[:200]]


def test_the_rule_of_a_format_says_more_than_its_context() -> None:
    token = jwt()

    assert merged(find(f"Authorization: Bearer {token}")) == (Span(22, 22 + len(token), "jwt"),)


def test_words_are_not_random() -> None:
    for word in ("production-database", "my-service-2", "SalesResults-1.2", "a-fake-key-for-us", "2024-01-01T00:00:00"):
        assert not looks_random(word), word


@pytest.mark.parametrize("seed", range(5))
def test_a_card_number_is_found_by_its_check_digit(seed: int) -> None:
    number = card(seed)
    spaced = " ".join(number[i : i + 4] for i in range(0, 16, 4))

    for text in (number, f"card {number}.", spaced, spaced.replace(" ", "-")):
        assert [span.rule for span in find_personal(text)] == ["card-number"]
    assert find_personal(number[:-1] + str((int(number[-1]) + 1) % 10)) == []


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("DE89 3704 0044 0532 0130 00", ["iban"]),
        ("GB82WEST12345698765432", ["iban"]),
        ("DE89 3704 0044 0532 0130 01", []),
        ("SSN: 536-90-4399", ["national-id"]),
        ("part 536-90-4399", []),
        ("SSN: 000-90-4399", []),
        ("4111111111111111", []),
        ("1699999999999999", []),
        ("tel. 4929 123 456", []),
        ("id 4539148803436467001122", []),
    ],
)
def test_personal_numbers_need_their_proof(text: str, rules: list[str]) -> None:
    assert [span.rule for span in find_personal(text)] == rules


def test_the_quick_gate_says_what_the_gate_says() -> None:
    quick, gate = _quick_gate(), _gate()
    pieces = [anchor for one in FORMATS for anchor in one.anchors] + ["token", "=", ": ", "://", "@", "é", "pass", " "]
    chance = random.Random(7)
    for size in (1, 3, 10, 200, 5_000):
        for _ in range(60):
            text = "".join(
                chance.choice(pieces)[: chance.randint(1, 6)] + "".join(chance.choices(LETTERS, k=chance.randint(0, 5)))
                for _ in range(size)
            )
            assert bool(quick.found(text)) is (gate.search(text.encode()) is not None), text[:200]
