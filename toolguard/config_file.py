"""Reading toolguard.yaml: text to `Config`, or errors that each name their place.

Imported only where a file exists: it brings pydantic and the YAML parser.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from toolguard import config
from toolguard.config import LOOPBACK, ApprovalSettings, Config, ReviewSettings, Server, with_obligations
from toolguard.config_audit import AnchorSettings, AuditSettings, RetentionSettings, TraceSettings
from toolguard.config_channels import ChannelSettings, Reminder, ReviewerSettings
from toolguard.config_schema.file import (
    AuditSection,
    ChannelSection,
    ConfigSection,
    ReminderSection,
    ReviewerSection,
    ServerSection,
)
from toolguard.config_schema.policy import (
    DAYS,
    STRENGTHS,
    ArgumentSection,
    BudgetSection,
    MatchSection,
    PolicySection,
    RuleSection,
    TermsSection,
    TimeSection,
)
from toolguard.config_schema.section import Section
from toolguard.config_schema.values import PATTERNS
from toolguard.core.canonical import canonical
from toolguard.core.grants import GrantLimits
from toolguard.core.model import Effect, Json, pointer
from toolguard.core.policy.breakers import Breaker
from toolguard.core.policy.budgets import Budget
from toolguard.core.policy.matching import ArgumentTest, Match, Window
from toolguard.core.policy.policy import Policy, Rule
from toolguard.core.policy.terms import Terms
from toolguard.core.yaml import Document, parse
from toolguard.errors import ConfigError, PolicyError

WORDINGS: Final = {
    "missing": "missing",
    "model_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "list_type": "must be a list",
    "too_short": "must not be empty",
    "string_type": "must be text",
    "bool_type": "must be `true` or `false`",
}
S = TypeVar("S", bound=Section)
EFFECTS: Final = {"allow": Effect.ALLOW, "ask": Effect.ASK, "deny": Effect.DENY}


def read_config(file: Path, home: Path) -> Config:
    """The configuration that a file says. Raises ConfigError or PolicyError with the first wrong place."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"not UTF-8 at byte {error.start}", file=str(file)) from error
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(file)) from error
    return parse_config(text, str(file), home)


def parse_config(text: str, file: str, home: Path) -> Config:
    """As `read_config`, of a text."""
    section, problems = check(text, file)
    if section is None:
        problems[0].hint = f"`toolguard policy validate {file}` shows all that is wrong in it"
        raise problems[0]
    return _config(section, Path(file), home)


def check(text: str, file: str) -> tuple[ConfigSection | None, list[ConfigError]]:
    """What toolguard.yaml says, or everything that is wrong with it, in the order of the file."""
    return check_as(ConfigSection, text, file)


def check_as(kind: type[S], text: str, file: str) -> tuple[S | None, list[ConfigError]]:
    """The same for another kind of file."""
    try:
        document = parse(text, file)
    except ConfigError as error:
        return None, [error]
    value = {} if document.value is None else document.value
    problems: list[ConfigError] = []
    while True:
        try:
            section = kind.model_validate_json(canonical(value))
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
        else:
            return (None if problems else section), sorted(problems, key=_place)
        unknown = [detail for detail in details if detail["type"] == "unknown_key"]
        problems += [_placed(detail, document, file) for detail in unknown or details]
        if not unknown:
            return None, sorted(problems, key=_place)
        # A mapping with an unknown key hides what else is wrong in it, so look again without that key.
        for detail in unknown:
            _remove(value, [*detail["loc"], detail["ctx"]["key"]])


def _remove(value: Json, steps: list[str | int]) -> None:
    *above, last = _existing(value, steps)
    for step in above:
        value = value[step]
    value.pop(last, None)


def _existing(value: Json, steps: Sequence[str | int]) -> list[str | int]:
    """The steps as the file has them: a single entry may stand without its list, so its index leads nowhere."""
    found: list[str | int] = []
    for step in steps:
        if isinstance(step, int) and not isinstance(value, list):
            continue
        found.append(step)
        inside = isinstance(value, dict) and step in value
        inside = inside or (isinstance(value, list) and isinstance(step, int) and step < len(value))
        value = value[step] if inside else None
    return found


def _place(problem: ConfigError) -> tuple[int, bool, int]:
    """In the order of the file; what is missing comes after a misspelt key on its line, which may be the reason."""
    return problem.line or 0, problem.args[0] == WORDINGS["missing"], problem.column or 0


def _placed(detail: ErrorDetails, document: Document, file: str) -> ConfigError:
    steps = _existing(document.value, [step for step in detail["loc"] if step != "[key]"])
    context = detail.get("ctx", {})
    if detail["type"] == "unknown_key":
        steps.append(context["key"])
    at = pointer(*steps)
    marks = document.keys if "key" in context or detail["loc"][-1:] == ("[key]",) else document.values
    while at and at not in marks and at not in document.values:
        at = at.rpartition("/")[0]
    mark = marks.get(at) or document.values.get(at)
    kind = PolicyError if steps[:1] == ["policy"] else ConfigError
    return kind(
        _wording(detail),
        file=file,
        line=mark.line if mark else None,
        column=mark.column if mark else None,
        field=".".join(str(step) for step in steps) or None,
    )


def _wording(detail: ErrorDetails) -> str:
    """pydantic's message as one of ours: lower case, no full stop, in the words of the file."""
    if detail["type"] in WORDINGS:
        return WORDINGS[detail["type"]]
    if detail["type"] in ("literal_error", "enum"):
        return f"allowed here: {detail['ctx']['expected']}".replace("'", "`")
    if detail["type"] == "string_pattern_mismatch":
        wanted = str(detail["ctx"]["pattern"])
        return PATTERNS.get(wanted, f"must match `{wanted}`")
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ").rstrip(".")
    return message[:1].lower() + message[1:]


def _config(section: ConfigSection, file: Path, home: Path) -> Config:
    review = section.review
    # By name where that is the same machine: browsers take no IP address for a passkey.
    host = "localhost" if review.host in LOOPBACK else review.host
    host = f"[{host}]" if ":" in host else host
    # Who listens beyond this machine has more than one person in front of the page.
    separation = section.approvals.separation or ("agent" if review.host in LOOPBACK else "owner")
    roots = None if section.roots is None else tuple(config.root(folder) for folder in section.roots)
    return with_obligations(
        Config(
            home=home,
            file=file,
            agent=section.agent,
            servers={name: _server(name, s) for name, s in section.servers.items()},
            roots=config.default_roots() if roots is None else roots,
            policy=policy(section.policy),
            approvals=ApprovalSettings(
                section.approvals.hold,
                int(section.approvals.decide_within),
                int(section.approvals.use_within),
                separation,
                tuple(section.approvals.hold_by_client.items()),
                section.approvals.in_client,
                "hold" in section.approvals.model_fields_set,
            ),
            durability=section.durability,
            review=ReviewSettings(review.host, review.port, review.url or f"http://{host}:{review.port}"),
            redact_keys=tuple(section.redact.keys),
            prompts=section.prompts,
            reviewers=tuple(_reviewer(name, s) for name, s in section.reviewers.items()),
            channels=tuple(_channel(name, s) for name, s in section.channels.items()),
            reminders=tuple(_reminder(one, section.channels) for one in section.reminders),
            audit=_audit(section.audit),
        )
    )


def _reviewer(name: str, section: ReviewerSection) -> ReviewerSettings:
    return ReviewerSettings(name, tuple(section.groups), section.person, section.slack, tuple(section.keys))


def _channel(name: str, section: ChannelSection) -> ChannelSettings:
    return ChannelSettings(
        name,
        section.kind,
        section.url,
        section.secret,
        section.token,
        section.app_token,
        section.channel,
        tuple(section.allow),
        tuple(section.groups),
        section.when,
    )


def _reminder(section: ReminderSection, channels: Mapping[str, ChannelSection]) -> Reminder:
    reached = [name for name, one in channels.items() if name in section.to or {*one.groups} & {*section.to}]
    return Reminder(section.after, section.before, tuple(sorted(reached)))


def _audit(section: AuditSection) -> AuditSettings:
    kept, traces = section.retention, section.traces
    return AuditSettings(
        tuple(
            AnchorSettings(name, one.kind, one.url, one.path and config.root(one.path), one.secret, tuple(one.allow))
            for name, one in section.anchors.items()
        ),
        section.anchor_every,
        RetentionSettings(int(kept.older_than or 0), kept.keep or 0),
        None if traces is None else TraceSettings(traces.url, traces.headers, traces.arguments, tuple(traces.allow)),
    )


def _server(name: str, section: ServerSection) -> Server:
    return Server(
        name,
        section.command or "",
        tuple(section.args),
        dict(section.env),
        section.url or "",
        section.auth or "",
        section.trusted,
    )


def policy(section: PolicySection) -> Policy:
    """The policy that a section says."""
    return Policy(
        section.preset,
        tuple(rule(one) for one in section.rules),
        tuple(_budget(budget) for budget in section.budgets),
        on_error=EFFECTS[section.on_error],
        grants=GrantLimits(int(section.grants.longest), section.grants.uses),
        passkey_models=tuple(model.lower() for model in section.passkey_models),
        breakers=tuple(
            Breaker(one.name, one.limit, int(one.per), tuple(dict.fromkeys(one.count)), one.by)
            for one in section.breakers
        ),
    )


def rule(section: RuleSection) -> Rule:
    """The rule that a section says."""
    return Rule(
        section.name,
        EFFECTS[section.effect],
        _match(section.match),
        None if section.unless is None else _match(section.unless),
        _terms(section),
        section.reason or "",
    )


def _budget(section: BudgetSection) -> Budget:
    return Budget(
        section.name,
        section.limit,
        int(section.per),
        section.by,
        _match(section.match),
        section.amount or "",
        EFFECTS[section.effect],
        _terms(section),
    )


def _terms(section: TermsSection) -> Terms:
    return Terms(
        need=section.need,
        groups=tuple(section.groups or ()),
        each=tuple(sorted((section.each or {}).items())),
        strength=None if section.strength is None else STRENGTHS.index(section.strength),
        separation=section.separation,
        hold=section.hold,
        decide_within=None if section.decide_within is None else int(section.decide_within),
        use_within=None if section.use_within is None else int(section.use_within),
        justification=section.justification,
        in_client=section.in_client,
    )


def _match(section: MatchSection) -> Match:
    facts = section.facts.model_dump(exclude_none=True) if section.facts else {}
    return Match(
        server=_tuple(section.server),
        tool=_tuple(section.tool),
        classes=tuple(section.classes or ()),
        findings=_tuple(section.finding),
        least_score=section.score.least if section.score else None,
        most_score=section.score.most if section.score else None,
        agent=_tuple(section.agent),
        person=_tuple(section.person),
        session=_tuple(section.session),
        target=_tuple(section.target),
        reach=tuple(section.reach or ()),
        environment=_tuple(section.environment),
        facts=tuple(sorted(facts.items())),
        arguments=tuple(_test(at, test) for at, test in (section.arguments or {}).items()),
        windows=tuple(_window(window) for window in section.windows or ()),
        closed=section.no_other_arguments,
    )


def _test(at: str, section: ArgumentSection) -> ArgumentTest:
    wanted: tuple[Json, ...] | None = None if section.one_of is None else tuple(section.one_of)
    if "equals" in section.model_fields_set:
        wanted = (section.equals,)
    return ArgumentTest(
        at,
        glob=_tuple(section.glob),
        re2=section.re2 or "",
        one_of=wanted,
        least=section.least,
        most=section.most,
        under=tuple(config.root(folder) for folder in section.under or ()),
        present=section.present,
    )


def _window(section: TimeSection) -> Window:
    zone: tzinfo = ZoneInfo(section.zone)
    return Window(section.start, section.end, tuple(DAYS.index(day) for day in section.days), zone)


def _tuple(words: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(words or ())
