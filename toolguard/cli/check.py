"""`toolguard check`: one call, judged as the guard would, without running or recording anything."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import click

from toolguard import config as configuration
from toolguard.cli.asking import config_option, example, json_option
from toolguard.cli.frame import ASK, DENY, OK
from toolguard.cli.output import decision_json, finding_lines, print_json, print_lines
from toolguard.config import Config
from toolguard.core import strict_json
from toolguard.core.model import Decision, Effect, Json, Principal, ToolCall
from toolguard.core.score import points
from toolguard.core.session.facts import Facts
from toolguard.core.session.memory import Session
from toolguard.errors import ConfigError
from toolguard.guard.judging import judge

STATUS = {Effect.ALLOW: OK, Effect.ASK: ASK, Effect.DENY: DENY}


def call_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that describe one call."""
    for option in (
        click.option("--prompt", metavar="TEXT", help="What the person asked the agent to do."),
        click.option("--server", default="", metavar="S", help="Name of the server."),
        click.option("--arguments", required=True, metavar="JSON", help="A JSON object; `-` reads it from stdin."),
        click.option("--tool", required=True, metavar="T", help="Name of the tool."),
    ):
        command = option(command)
    return command


@click.command(
    epilog=example('toolguard check --tool run_shell --arguments \'{"command": "git push --force"}\' --json'),
)
@call_options
@config_option
@json_option
def check(tool: str, arguments: str, server: str, prompt: str | None, config: str | None, as_json: bool) -> int:
    """Judge one tool call and say why. Exit status: 0 allow, 3 ask, 4 deny, 2 bad input."""
    _, _, decision = judged_call(configuration.load(config), tool, arguments, server, prompt)
    if as_json:
        print_json(decision_json(decision))
    else:
        print_lines(explanation(decision))
    return STATUS[decision.effect]


def judged_call(
    config: Config, tool: str, arguments: str, server: str, prompt: str | None
) -> tuple[ToolCall, Facts, Decision]:
    """A call as the options describe it, with its decision at the start of a session. Raises ConfigError."""
    memory = Session()
    if prompt:
        memory.asked(prompt)
    declared = config.servers.get(server)
    call = ToolCall(
        server,
        tool,
        json_object(sys.stdin.read() if arguments == "-" else arguments, "--arguments"),
        Principal(config.agent, configuration.person(), server),
        server_trusted=declared is not None and declared.trusted,
        prompt=prompt,
    )
    facts = memory.facts(call, configuration.surroundings(config))
    return call, facts, judge(call, facts, config.policy, datetime.now(UTC))


def json_object(text: str, option: str) -> dict[str, Json]:
    """The object that an option holds. Raises ConfigError that names the option."""
    try:
        value = strict_json.parse(text)
    except strict_json.NotStrict as error:
        raise ConfigError(
            f"not JSON: {error}", field=option, hint='write an object like {"path": "notes.txt"}'
        ) from error
    if not isinstance(value, dict):
        raise ConfigError("not a JSON object", field=option, hint='write an object like {"path": "notes.txt"}')
    return value


def explanation(decision: Decision) -> Iterable[str]:
    """A decision for a person: effect and score, the findings, and the rules that spoke."""
    kind = decision.classification
    yield f"{decision.effect.word.upper()}  score {decision.score}  class {kind.effect_class}"
    if kind.headline:
        yield f"  {kind.headline}"
    if decision.findings:
        yield "findings (points combine, they do not add up):"
        for finding in sorted(decision.findings, key=points, reverse=True):
            yield from finding_lines(finding, points(finding))
    for rule in decision.rules:
        yield f"rule {rule.name}: {rule.effect.word}" + (f", {rule.why}" if rule.why else "")
