"""Cases kept beside a policy: a call, and what must be decided about it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from toolguard import config as configuration
from toolguard.config import Config
from toolguard.config_file import check_as
from toolguard.config_schema.policy import ScoreSection
from toolguard.config_schema.section import Section
from toolguard.config_schema.values import Globs, Text
from toolguard.core.model import Decision, EffectClass, Principal, ToolCall, ToolDefinition
from toolguard.core.policy.matching import Answer, matches
from toolguard.core.session.memory import Session
from toolguard.errors import ConfigError
from toolguard.guard.judging import judge


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    if moment is None or moment.tzinfo is None:
        raise ValueError("a moment needs its zone, like `2026-11-22T23:00:00Z`")
    return moment


Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]


class DefinitionSection(Section):
    """The tool as its server offers it."""

    description: str = ""
    input_schema: dict[str, Any] = Field(default_factory=dict)
    annotations: dict[str, Any] = Field(default_factory=dict)


class CallSection(Section):
    """The call that is judged."""

    tool: Text
    server: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)
    definition: DefinitionSection | None = None


class ExpectSection(Section):
    """What must hold of the decision; what is not named is not looked at."""

    effect: Literal["allow", "ask", "deny"]
    effect_class: EffectClass | None = Field(default=None, alias="class")
    findings: Globs | None = None
    rules: Globs | None = None
    score: ScoreSection | None = None
    need: int | None = Field(default=None, ge=1)


class Case(Section):
    """One case."""

    name: Text
    call: CallSection
    prompt: str | None = None
    at: Moment | None = None
    agent: str | None = None
    person: str | None = None
    expect: ExpectSection


class CasesFile(Section):
    """toolguard.tests.yaml."""

    model_config = ConfigDict(title="toolguard.tests.yaml")

    cases: list[Case] = Field(min_length=1)


def read_cases(path: Path) -> list[Case]:
    """The cases of a file. Raises ConfigError with the first wrong place."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            f"there are no cases in `{path}`", hint="`toolguard policy test FILE` reads another file"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", file=str(path)) from error
    section, problems = check_as(CasesFile, text, str(path))
    if section is None:
        raise problems[0]
    return section.cases


def failures(case: Case, config: Config) -> list[str]:
    """What the decision is and should not be; empty when the case holds."""
    decision = _decision(case, config)
    expect = case.expect
    found = []
    if decision.effect.word != expect.effect:
        found.append(f"effect is {decision.effect.word}, not {expect.effect}{_because(decision)}")
    if expect.effect_class is not None and decision.effect_class is not expect.effect_class:
        found.append(f"class is {decision.effect_class}, not {expect.effect_class}")
    found += _missing("finding", expect.findings, [finding.id for finding in decision.findings])
    found += _missing("rule", expect.rules, [rule.name for rule in decision.rules])
    if expect.score is not None:
        least, most = expect.score.least or 0, 100 if expect.score.most is None else expect.score.most
        if not least <= decision.score <= most:
            found.append(f"score is {decision.score}, not {least} to {most}")
    if expect.need is not None and decision.obligations.need != expect.need:
        found.append(f"needs {decision.obligations.need} approvals, not {expect.need}")
    return found


def _missing(what: str, wanted: list[str] | None, there: list[str]) -> list[str]:
    listed = ", ".join(there) or "none"
    return [
        f"no {what} `{pattern}` (there: {listed})"
        for pattern in wanted or ()
        if not any(matches(pattern, one) is Answer.YES for one in there)
    ]


def _because(decision: Decision) -> str:
    rules = ", ".join(rule.name for rule in decision.rules if rule.effect is decision.effect)
    return f" (by {rules})" if rules else ""


def _decision(case: Case, config: Config) -> Decision:
    memory = Session()
    if case.prompt:
        memory.asked(case.prompt)
    one, declared = case.call, config.servers.get(case.call.server)
    offered = one.definition or DefinitionSection()
    defined = ToolDefinition(one.tool, offered.description, offered.input_schema, offered.annotations)
    principal = Principal(case.agent or config.agent, case.person or configuration.person(), one.server)
    call = ToolCall(
        one.server,
        one.tool,
        one.arguments,
        principal,
        defined if one.definition else None,
        server_trusted=declared is not None and declared.trusted,
        prompt=case.prompt,
    )
    facts = memory.facts(call, configuration.surroundings(config))
    return judge(call, facts, config.policy, case.at or datetime.now(UTC))
