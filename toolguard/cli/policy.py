"""`toolguard policy`: is it written right, what does it decide and why, and what would another one change."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from toolguard import config as configuration
from toolguard.cli.asking import config_option, example, json_option
from toolguard.cli.check import STATUS, explanation, judged_call
from toolguard.cli.frame import BAD_INPUT, FAILED, OK, line, report
from toolguard.cli.history import changes, recorded
from toolguard.cli.output import decision_json, print_json, print_lines
from toolguard.cli.policy_cases import Case, failures, read_cases
from toolguard.config import Config
from toolguard.config_file import check as check_text
from toolguard.core.canonical import text as compact
from toolguard.core.decide import covers
from toolguard.core.model import Json
from toolguard.core.policy.learning import Learned, as_source
from toolguard.core.policy.learning import learn as learn_rules
from toolguard.core.policy.matching import Answer, Situation, names_finding
from toolguard.core.policy.policy import Rule
from toolguard.detectors import kinds
from toolguard.errors import ConfigError

sessions_argument = click.argument("sessions", nargs=-1, metavar="[SESSIONS...]")


@click.group(epilog=example("toolguard policy validate"))
def policy() -> None:
    """Validate, explain, test, compare and learn policies."""


@policy.command(epilog=example("toolguard policy validate toolguard.yaml"))
@click.argument("file", required=False)
@json_option
def validate(file: str | None, as_json: bool) -> int:
    """Check a toolguard.yaml and name everything that is wrong in it. Exit status 2 when something is."""
    path = Path(file) if file else configuration.home() / configuration.FILE_NAME
    if not file and not path.is_file():
        if as_json:
            print_json({"ok": True, "file": None, "problems": [], "notes": []})
        else:
            click.echo(f"there is no {path}: the defaults hold, and they are sound")
        return OK
    problems = _problems(path)
    notes = [] if problems else list(_notes(configuration.load(path)))
    if as_json:
        listed = [{"line": p.line, "column": p.column, "field": p.field, "what": str(p.args[0])} for p in problems]
        print_json({"ok": not problems, "file": str(path), "problems": listed, "notes": notes})
    else:
        for problem in problems:
            report(str(problem))
        print_lines(f"note: {note}" for note in notes)
        if not problems:
            print_lines([f"{path} is sound"])
    return BAD_INPUT if problems else OK


def _problems(path: Path) -> list[ConfigError]:
    try:
        return check_text(path.read_text(encoding="utf-8"), str(path))[1]
    except UnicodeDecodeError as error:
        return [ConfigError(f"not UTF-8 at byte {error.start}", file=str(path))]
    except OSError as error:
        return [ConfigError(f"cannot be read: {error.strerror}", file=str(path))]


def _notes(config: Config) -> Iterator[str]:
    """What is allowed but probably not meant."""
    known = kinds()
    for rule in config.policy.rules:
        for pattern in rule.match.findings:
            if not any(names_finding(pattern, one) for one in known):
                near = difflib.get_close_matches(pattern, known, 1)
                meant = f"; did you mean `{near[0]}`?" if near else ""
                yield f"rule `{rule.name}`: no detector reports `{pattern}`{meant}"
        for server in rule.match.server:
            if "*" not in server and "?" not in server and config.servers and server not in config.servers:
                yield f"rule `{rule.name}`: no server is called `{server}` here"
        if not rule.match.findings and rule.effect is rule.effect.ALLOW and config.policy.preset == "balanced":
            yield f"rule `{rule.name}`: it allows and names no finding, so under `balanced` it changes nothing"


@policy.command(epilog=example('toolguard policy explain --tool delete_file --arguments \'{"path": "/etc/hosts"}\''))
@click.option("--tool", required=True, metavar="T", help="Name of the tool.")
@click.option(
    "--arguments", required=True, metavar="JSON", help="The arguments, a JSON object; `-` reads it from stdin."
)
@click.option("--server", default="", metavar="S", help="Name of the server.")
@click.option("--prompt", metavar="TEXT", help="What the person asked the agent to do.")
@config_option
@json_option
def explain(tool: str, arguments: str, server: str, prompt: str | None, config: str | None, as_json: bool) -> int:
    """Show which rule and which finding decide a call, and for every other rule why it does not speak.

    Exit status as of `toolguard check`: 0 allow, 3 ask, 4 deny.
    """
    loaded = configuration.load(config)
    call, facts, decision = judged_call(loaded, tool, arguments, server, prompt)
    situation = Situation(call, decision.classification, decision.findings, decision.score, facts, datetime.now(UTC))
    silent = [(rule.name, why) for rule in loaded.policy.rules if (why := _why_silent(rule, situation))]
    if as_json:
        print_json(decision_json(decision) | {"silent": [{"name": name, "why": why} for name, why in silent]})
    else:
        print_lines([*explanation(decision), *(f"rule {name}: silent, {why}" for name, why in silent)])
    return STATUS[decision.effect]


def _why_silent(rule: Rule, situation: Situation) -> str:
    """Why a rule has no voice here; empty when it has one."""
    if covers(rule, situation) is not Answer.NO:
        return ""
    lenient = rule.effect is rule.effect.ALLOW
    name, _ = rule.match.objection(situation, every=lenient)
    return f"its `{name}` does not match" if name else "its `unless` matches"


@policy.command("test", epilog=example("toolguard policy test toolguard.tests.yaml"))
@click.argument("cases", required=False)
@config_option
@json_option
def run_cases(cases: str | None, config: str | None, as_json: bool) -> int:
    """Run the cases kept beside the policy (toolguard.tests.yaml by default). Exit status 1 when one fails."""
    loaded = configuration.load(config)
    beside = (loaded.file or configuration.home() / configuration.FILE_NAME).with_suffix(".tests.yaml")
    path = Path(cases) if cases else beside
    results = [(case, failures(case, loaded)) for case in read_cases(path)]
    failed = [(case, found) for case, found in results if found]
    if as_json:
        listed: list[Json] = [{"name": case.name, "ok": not found, "failures": found} for case, found in results]
        print_json({"ok": not failed, "cases": listed})
    else:
        print_lines(_told(results))
        print_lines([f"{len(results) - len(failed)} of {len(results)} cases hold"])
    return FAILED if failed else OK


def _told(results: list[tuple[Case, list[str]]]) -> Iterator[str]:
    for case, found in results:
        yield f"{'FAILS' if found else 'holds'}  {case.name}"
        yield from (f"       {one}" for one in found)


@policy.command(epilog=example("toolguard policy diff new.yaml sessions.jsonl.gz"))
@click.argument("new")
@sessions_argument
@config_option
@json_option
def diff(new: str, sessions: tuple[str, ...], config: str | None, as_json: bool) -> int:
    """Show which recorded calls NEW would decide differently than the policy in force.

    SESSIONS are files as `toolguard replay` reads them; without any, the audit log is used.
    """
    old, other = configuration.load(config), configuration.load(new)
    counts: dict[str, int] = {}
    listed: list[Json] = []
    calls = 0
    for change in changes(old, other.policy, sessions):
        calls += 1
        if change.is_same:
            continue
        counts[change.kind] = counts.get(change.kind, 0) + 1
        if as_json:
            listed.append(change.as_json())
        else:
            print_lines([change.told()])
    if as_json:
        print_json({"calls": calls, "counts": counts, "changed": listed})
    else:
        summary = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "nothing changes"
        print_lines([f"{calls} calls: {summary}"])
    return OK


@policy.command(epilog=example("toolguard policy learn --at-least 5 >> rules.yaml"))
@sessions_argument
@click.option("--at-least", type=click.IntRange(1), default=3, show_default=True, help="Approvals that a rule takes.")
@config_option
@json_option
def learn(sessions: tuple[str, ...], at_least: int, config: str | None, as_json: bool) -> int:
    """Propose the narrowest rules that would have let through what people approved, as YAML for `policy.rules`.

    SESSIONS are files as `toolguard replay` reads them, whose steps say `"answer": "approve"` or `"deny"`; without any,
    the audit log is used. A call that was denied is never covered by a proposal. Nothing is changed: read, then copy.
    """
    loaded = configuration.load(config)
    learned = learn_rules(recorded(loaded, sessions), loaded.policy, at_least=at_least)
    if as_json:
        proposals = [{"rule": as_source(one.rule), "approved": list(one.approved)} for one in learned.proposals]
        print_json({"proposals": proposals, "left_out": list(learned.left_out)})
    else:
        print_lines(_yaml(learned))
        for reason in learned.left_out:
            print(line(f"# no rule: {reason}"), file=sys.stderr)
    return OK


def _yaml(learned: Learned) -> Iterator[str]:
    """JSON is YAML 1.2, so each part of a rule stands on a line of its own and needs no YAML writer."""
    if not learned.proposals:
        yield "# nothing to propose"
    for one in learned.proposals:
        source = as_source(one.rule)
        yield f"# approved {len(one.approved)} times, last {one.approved[-1]}"
        yield f"- name: {source['name']}"
        yield "  match:"
        yield from (f"    {key}: {compact(value)}" for key, value in source["match"].items())
        yield f"  effect: {source['effect']}"
