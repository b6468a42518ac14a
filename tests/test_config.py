"""toolguard.yaml: the defaults, every key, every kind of mistake with its place, and nothing but ConfigError ever."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from toolguard import config as configuration
from toolguard.clients.where import CLIENTS, user_files, usual_file
from toolguard.config import Config, Server, load
from toolguard.config_file import check, parse_config
from toolguard.core.model import Effect, EffectClass, Obligations
from toolguard.core.policy.matching import ArgumentTest, Match
from toolguard.core.policy.policy import Preset
from toolguard.core.policy.terms import Terms
from toolguard.errors import ConfigError, PolicyError

INTERFACE = """\
# yaml-language-server: $schema=schemas/config.schema.json
servers:
  files: {command: npx, args: ["-y", "@modelcontextprotocol/server-filesystem", "/srv/data"], env: {}, trusted: false}
  remote: {url: "https://tools.example.com/mcp"}
roots: [".", "/srv/data"]
policy:
  preset: balanced            # observe | balanced | strict
  rules:
    - {name: no-prod-drops, match: {class: delete, server: "db*"}, effect: ask, need: 2, strength: passkey}
approvals: {hold: 50s, decide_within: 60m, use_within: 15m, separation: agent}
durability: balanced          # balanced | full
"""


def read(text: str) -> Config:
    return parse_config(text, "toolguard.yaml", Path("/home/of/toolguard"))


@pytest.mark.guarantee("decide:protects-without-a-file")
def test_without_a_file_the_defaults_protect(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    config = load()

    assert config.home == home
    assert config.database == home / "toolguard.db"
    assert config.file is None
    assert config.policy.preset is Preset.BALANCED
    assert config.roots == (str(tmp_path),)
    assert str(home) in configuration.protected_paths(config)
    assert not home.exists()


def test_a_file_that_says_nothing_means_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    config = read("# nothing yet\n")

    assert (config.policy, config.approvals, config.roots) == (load().policy, load().approvals, load().roots)


@pytest.mark.parametrize("folder", ["home", "above"])
def test_the_folders_where_clients_start_are_no_roots(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = tmp_path / "above" / "home"
    person.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(person))
    monkeypatch.chdir(person if folder == "home" else person.parent)

    assert load().roots == ()


@pytest.mark.guarantee("decide:protects-without-a-file")
def test_the_file_of_the_home_is_read_and_one_in_the_working_directory_is_not(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toolguard.yaml").write_text("policy: {preset: observe}", encoding="utf-8")

    assert load().policy.preset is Preset.BALANCED

    home.mkdir()
    (home / "toolguard.yaml").write_text("policy: {preset: strict}", encoding="utf-8")

    assert load().policy.preset is Preset.STRICT
    assert load("toolguard.yaml").policy.preset is Preset.OBSERVE


def test_the_documented_file_means_what_the_documentation_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    config = read(INTERFACE)

    assert config.servers["files"] == Server(
        "files", "npx", ("-y", "@modelcontextprotocol/server-filesystem", "/srv/data")
    )
    assert config.servers["remote"].url == "https://tools.example.com/mcp"
    assert config.roots == (str(tmp_path), "/srv/data")
    (rule,) = config.policy.rules
    assert (rule.name, rule.effect) == ("no-prod-drops", Effect.ASK)
    assert rule.match == Match(classes=(EffectClass.DELETE,), server=("db*",))
    assert rule.terms == Terms(need=2, strength=4)
    assert config.approvals == configuration.ApprovalSettings(50.0, 3600, 900, "agent", is_hold_set=True)


def test_every_member_of_a_rule_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    config = read(
        """
        policy:
          on_error: deny
          rules:
            - name: everything
              reason: because
              match:
                server: [db, "web*"]
                tool: "drop_*"
                class: [delete, spend]
                finding: sql.*
                score: {min: 10, max: 90}
                agent: claude
                person: alice
                session: s1
                target: /etc/**
                reach: many
                environment: production
                facts: {tainted: true, target_from: result}
                arguments:
                  /path: {under: ~/work, glob: "**.txt"}
                  /n: {min: 1, max: 2.5}
                  /kind: {in: [a, 1, null]}
                  /flag: {equals: false}
                  /gone: {present: false}
                  /text: {re2: "^a+$"}
                time: {from: "22:00", to: "06:00", days: [fri, sat], zone: Europe/Berlin}
              unless: {tool: drop_index}
              effect: ask
              each: {dba: 1, security: 2}
              strength: account
              separation: owner
              hold: 500ms
              decide_within: 8h
              use_within: 1d
              justification: true
          budgets:
            - {name: few, match: {class: send}, limit: 10, per: 1h, by: agent, effect: deny}
            - {name: money, limit: 99.5, per: 2d, amount: /amount, need: 2}
        """
    )

    (rule,) = config.policy.rules
    assert rule.match.server == ("db", "web*")
    assert (rule.match.least_score, rule.match.most_score) == (10, 90)
    assert rule.match.facts == (("tainted", True), ("target_from", "result"))
    assert rule.match.arguments == (  # in the order of their pointers, so that a digest does not hang on the file's
        ArgumentTest("/flag", one_of=(False,)),
        ArgumentTest("/gone", present=False),
        ArgumentTest("/kind", one_of=("a", 1, None)),
        ArgumentTest("/n", least=1.0, most=2.5),
        ArgumentTest("/path", glob=("**.txt",), under=("/home/alice/work",)),
        ArgumentTest("/text", re2="^a+$"),
    )
    (window,) = rule.match.windows
    assert (window.start, window.end, window.days, str(window.zone)) == (time(22), time(6), (4, 5), "Europe/Berlin")
    assert rule.unless == Match(tool=("drop_index",))
    assert rule.terms == Terms(
        each=(("dba", 1), ("security", 2)),
        strength=2,
        separation="owner",
        hold=0.5,
        decide_within=28800,
        use_within=86400,
        justification=True,
    )
    few, money = config.policy.budgets
    assert (few.limit, few.seconds, few.scope, few.effect) == (10, 3600, "agent", Effect.DENY)
    assert (money.limit, money.amount, money.terms) == (99.5, "/amount", Terms(need=2))
    assert config.policy.on_error is Effect.DENY


def test_the_times_of_approvals_are_the_terms_of_the_policy() -> None:
    config = read("approvals: {decide_within: 5m, use_within: 30s, separation: owner}")

    assert config.policy.obligations == Obligations(separation="owner", decide_within=300, use_within=30)


@pytest.mark.parametrize(
    ("text", "separation", "url"),
    [
        ("review: {port: 9000}", "agent", "http://localhost:9000"),
        ('review: {host: "::1"}', "agent", "http://localhost:8787"),
        ("review: {host: 0.0.0.0}", "owner", "http://0.0.0.0:8787"),
        ("review: {host: 0.0.0.0, url: https://review.example.com}", "owner", "https://review.example.com"),
        ("{review: {host: 0.0.0.0}, approvals: {separation: agent}}", "agent", "http://0.0.0.0:8787"),
    ],
)
def test_a_page_that_others_can_reach_means_that_nobody_approves_alone(text: str, separation: str, url: str) -> None:
    config = read(text)

    assert (config.approvals.separation, config.review.url) == (separation, url)


RULE = "policy: {rules: [{name: r, effect: ask, "


@pytest.mark.parametrize(
    ("text", "place", "field", "words"),
    [
        ("servrs: {}", "1:1", "servrs", "did you mean `servers`?"),
        ("zzz: {}", "1:1", "zzz", "allowed here: agent, servers, roots, policy"),
        ("[]", "1:1", None, "must be a mapping"),
        ("42", "1:1", None, "must be a mapping"),
        ("roots: .", "1:8", "roots", "must be a list"),
        ("roots: [1]", "1:9", "roots.0", "must be text"),
        ("agent: a b", "1:8", "agent", "a name is up to 64 letters"),
        ("durability: half", "1:13", "durability", "allowed here: `balanced` or `full`"),
        ("servers: {a: {}}", "1:14", "servers.a", "either a `command` or a `url`"),
        ("servers: {a: {command: x, url: 'http://x'}}", "1:14", "servers.a", "either a `command` or a `url`"),
        ("servers: {a: {url: 'http://x', args: [b]}}", "1:14", "servers.a", "`args` and `env` belong"),
        ("servers: {a: {url: 'http://x.example', auth: none}}", "1:14", "servers.a", "on this machine only"),
        ("servers: {a: {command: x, auth: none}}", "1:14", "servers.a", "`auth` belongs"),
        ("servers: {a: {url: ftp://x}}", "1:20", "servers.a.url", "write an address like"),
        ("servers: {a b: {command: x}}", "1:11", "servers.a b", "a name is up to"),
        ("servers: {a: {command: x, env: {A: 1}}}", "1:36", "servers.a.env.A", "must be text"),
        ("approvals: {hold: 50}", "1:19", "approvals.hold", "a number and a unit"),
        ("approvals: {hold: 2h}", "1:19", "approvals.hold", "less than or equal to 3600"),
        ("approvals: {decide_within: 0s}", "1:28", "approvals.decide_within", "greater than or equal to 1"),
        ("review: {port: 0}", "1:16", "review.port", "greater than or equal to 1"),
        ("review: {port: '80'}", "1:16", "review.port", "valid integer"),
        ("review: {url: https://a/b}", "1:15", "review.url", "write an origin"),
        ("policy: {preset: balancd}", "1:18", "policy.preset", "`observe`, `balanced` or `strict`"),
        ("policy: {on_error: allow}", "1:20", "policy.on_error", "`ask` or `deny`"),
        ("policy: {rules: [x]}", "1:18", "policy.rules.0", "must be a mapping"),
        ("policy: {rules: [{effect: ask}]}", "1:18", "policy.rules.0.name", "missing"),
        (RULE + "strength: pass}]}", "1:51", "policy.rules.0.strength", "`passkey`"),
        (RULE + "need: 0}]}", "1:47", "policy.rules.0.need", "greater than or equal to 1"),
        (RULE + "match: {clas: read}}]}", "1:49", "policy.rules.0.match.clas", "did you mean `class`?"),
        (RULE + "match: {class: reed}}]}", "1:56", "policy.rules.0.match.class", "`read`"),
        (RULE + "match: {class: []}}]}", "1:56", "policy.rules.0.match.class", "must not be empty"),
        (RULE + "match: {arguments: {path: {present: true}}}}]}", "1:61", None, "JSON Pointer"),
        (RULE + "match: {arguments: {/a: {}}}}]}", "1:65", None, "a test needs one of"),
        (RULE + "match: {arguments: {/a: {re2: '(('}}}}]}", "1:71", None, "regular expression"),
        (RULE + "match: {arguments: {/a: {re2: '(?=a)'}}}}]}", "1:71", None, "regular expression"),
        (RULE + "match: {arguments: {/a: {present: true, min: 1}}}}]}", "1:65", None, "stands alone"),
        (RULE + "match: {facts: {target_from: there}}}]}", "1:70", None, "`nowhere`"),
        (RULE + "match: {time: {from: '25:00', to: '01:00'}}}]}", "1:62", None, "like `22:00`"),
        (RULE + "match: {time: {from: '22:00', to: '01:00', zone: Mars}}}]}", "1:90", None, "time zone"),
        (RULE + "groups: [a], each: {b: 1}}]}", "1:18", "policy.rules.0", "exclude each other"),
        ("policy: {rules: [{name: r, effect: deny, need: 2}]}", "1:18", "policy.rules.0", "only a rule that asks"),
        ("policy: {rules: [{name: r, effect: ask}, {name: r, effect: deny}]}", "1:9", "policy", "two rules are named"),
        ("policy: {rules: [{name: toolguard.x, effect: ask}]}", "1:9", "policy", "name of a built-in rule"),
        ("policy: {budgets: [{name: b, limit: 0, per: 1h}]}", "1:37", "policy.budgets.0.limit", "greater than 0"),
        ("policy: {budgets: [{name: b, limit: 1, per: 1h, effect: allow}]}", "1:57", None, "`ask` or `deny`"),
        ("a: 1\na: 2", "2:1", None, "twice"),
        ("a: !!python/object:os.system {}", "1:4", None, "tags build objects"),
    ],
)
def test_a_mistake_names_its_place_and_what_is_allowed(text: str, place: str, field: str | None, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)

    error = caught.value
    assert f"{error.file}:{error.line}:{error.column}" == f"toolguard.yaml:{place}"
    assert words in str(error)
    assert field is None or error.field == field
    assert isinstance(error, PolicyError) is text.startswith("policy")


def test_all_mistakes_are_found_at_once_in_the_order_of_the_file() -> None:
    section, problems = check("zzz: 1\npolicy: {prest: strict}\nreview: {port: 0, hots: a}\n", "f.yaml")

    assert section is None
    assert [(p.line, p.field) for p in problems] == [
        (1, "zzz"),
        (2, "policy.prest"),
        (3, "review.port"),
        (3, "review.hots"),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff\xfe", "not UTF-8"), (b"a: \x00", "unacceptable character"), (None, "no such file")],
)
def test_a_file_that_cannot_be_read_is_named(content: bytes | None, words: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ConfigError, match=words) as caught:
        load(file)

    assert "mine.yaml" in str(caught.value)


keys = st.sampled_from(
    "servers roots policy approvals review agent rules budgets match class tool time arguments effect need name preset "
    "hold port command url env facts /path glob re2 min in zone from per limit \ud800 zzz".split()
)
scalars = st.sampled_from(
    ["ask", "delete", "50s", "balanced", "", ".", "22:00", "((", 0, 1, -1, 2.5, 10**30, True, None, "x" * 50]
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))


def flow(value: object) -> str:
    """A value in YAML's flow style, sometimes with words that mean something to YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(child)}" for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(child) for child in value) + "]"
    return {None: "null", True: "true"}.get(value, str(value)) if not isinstance(value, str) else f'"{value}"'  # type: ignore[call-overload]  # a scalar


@given(st.dictionaries(keys, values, max_size=4).map(flow) | st.text(max_size=60))
@example("{policy: {rules: [{match: {time: {zzz: 1}}}]}}")
@example("{policy: {rules: {match: [1]}}}")
@example("{servers: {null: 1}}")
def test_no_file_raises_anything_but_a_config_error(text: str) -> None:
    section, problems = check(text, "fuzz.yaml")

    assert (section is None) is bool(problems)
    assert all(str(problem).startswith("fuzz.yaml") for problem in problems)


@pytest.mark.guarantee("decide:own-files-denied")
@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("client", [client.name for client in CLIENTS])
def test_every_file_that_a_client_reads_is_out_of_bounds(
    client: str, platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    (chosen,) = (c for c in CLIENTS if c.name == client)
    protected = [Path(p) for p in configuration.protected_paths(Config(home=tmp_path / "h", roots=("/srv/work",)))]

    templates = [template.replace("*", "a") for template in chosen.files[platform]]
    folders = {"home": tmp_path, "config": tmp_path / ".config", "claude": tmp_path, "codex": tmp_path / ".codex"}
    files = [Path(template.format_map(folders)) for template in templates]
    files += [Path("/srv/work") / chosen.project_file] if chosen.project_file else []

    assert usual_file(chosen, {"HOME": str(tmp_path)}, platform) == files[0]
    assert user_files(chosen, {"HOME": str(tmp_path)}, platform) == ()
    for file in files:
        assert any(file == p or p in file.parents for p in protected), file


def test_a_wrapped_server_gets_our_environment_without_what_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLGUARD_REVIEWER_TOKEN", "tgr_secret")
    monkeypatch.setenv("PROJECT_TOKEN", "theirs")

    environment = configuration.wrapped_environment()

    assert "PROJECT_TOKEN" in environment
    assert not [name for name in environment if name.startswith("TOOLGUARD")]


def test_a_declared_server_gets_the_least_and_what_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECT_TOKEN", "theirs")

    environment = configuration.server_environment(Server("s", "cmd", env={"A": "b"}))

    assert environment["A"] == "b"
    assert "PATH" in environment
    assert "PROJECT_TOKEN" not in environment
    assert "TOOLGUARD_HOME" not in environment
