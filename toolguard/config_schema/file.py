"""toolguard.yaml as a whole: the agent, its servers, approvals, people, channels and the audit log."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from toolguard.config import LOOPBACK
from toolguard.config_schema.policy import PolicySection, Separation
from toolguard.config_schema.section import Section
from toolguard.config_schema.values import (
    ADDRESS,
    ORIGIN,
    Age,
    HostPort,
    Long,
    Name,
    Names,
    Short,
    Size,
    Spell,
    Text,
)


class ServerSection(Section):
    """A tool server: a command to start, or the address of one that runs."""

    command: Text | None = None
    args: list[str] = []
    env: dict[str, str] = {}
    url: Annotated[str, Field(pattern=ADDRESS, max_length=2000)] | None = None
    auth: Literal["none"] | None = None
    trusted: bool = False

    @model_validator(mode="after")
    def _is_one_of_two_kinds(self) -> Self:
        if (self.command is None) is (self.url is None):
            raise ValueError("a server has either a `command` or a `url`")
        if self.command is None and (self.args or self.env):
            raise ValueError("`args` and `env` belong to a server with a `command`")
        if self.command is not None and self.auth is not None:
            raise ValueError("`auth` belongs to a server with a `url`")
        if self.auth == "none" and urlsplit(self.url or "").hostname not in LOOPBACK:
            raise ValueError("`auth: none` is for servers on this machine only")
        return self


class ApprovalsSection(Section):
    """Times and separation of approvals where no rule says otherwise."""

    hold: Short = 50.0
    hold_by_client: dict[Text, Short] = {}
    in_client: bool = False
    decide_within: Long = 3600.0
    use_within: Long = 900.0
    separation: Separation | None = None


class ReviewSection(Section):
    """Where `toolguard serve` listens, and the address that links name."""

    host: Text = "127.0.0.1"
    port: int = Field(default=8787, ge=1, le=65535)
    url: Annotated[str, Field(pattern=ORIGIN)] | None = None


class RedactSection(Section):
    """What counts as a secret beside the known formats."""

    keys: list[Text] = []


class ReviewerSection(Section):
    """A person who may decide. `serve` enrols who is missing; removing the entry removes nobody."""

    groups: list[Name] = []
    person: Annotated[str, Field(max_length=64)] = ""
    slack: Annotated[str, Field(pattern=r"^$|^T[A-Z0-9]{2,20}/[UW][A-Z0-9]{2,20}$")] = ""
    keys: list[Text] = []


class ChannelSection(Section):
    """A way to reach reviewers. Secrets may be written as `env:NAME` or `file:PATH`; only `serve` reads them."""

    kind: Literal["webhook", "slack", "teams", "apprise"]
    url: Text = ""
    secret: Text = ""
    token: Text = ""
    app_token: Text = ""
    channel: Text = ""
    groups: list[Name] = []
    when: Literal["always", "reminded"] = "always"
    allow: list[HostPort] = []

    @model_validator(mode="after")
    def _complete(self) -> Self:
        wanted = {"webhook": ("url", "secret"), "slack": ("token", "channel"), "teams": ("url",), "apprise": ("url",)}
        for name in wanted[self.kind]:
            if not getattr(self, name):
                raise PydanticCustomError("incomplete", f"a channel of kind `{self.kind}` needs `{name}`")
        return self


class AnchorSection(Section):
    """A witness outside that gets the log's signed checkpoint. Its secret may be `env:NAME` or `file:PATH`."""

    kind: Literal["file", "webhook", "rfc3161"]
    url: Text = ""
    path: Text = ""
    secret: Text = ""
    allow: list[HostPort] = []

    @model_validator(mode="after")
    def _complete(self) -> Self:
        wanted = {"file": {"path"}, "webhook": {"url", "secret"}, "rfc3161": {"url"}}[self.kind]
        for name in ("path", "url", "secret"):
            if bool(getattr(self, name)) is not (name in wanted):
                says = "needs" if name in wanted else "has no"
                raise PydanticCustomError("incomplete", f"an anchor of kind `{self.kind}` {says} `{name}`")
        return self


class RetentionSection(Section):
    """When contents of old events are removed by themselves; hashes and headers stay."""

    older_than: Age | None = None
    keep: Size | None = None


class TracesSection(Section):
    """An OpenTelemetry collector that gets an `execute_tool` span of every call, as OTLP/HTTP with JSON."""

    url: Annotated[str, Field(pattern=ADDRESS)]
    headers: dict[Text, Text] = {}
    arguments: bool = False
    allow: list[HostPort] = []


class AuditSection(Section):
    """The audit log: witnesses outside, how long contents stay, where spans go."""

    anchors: dict[Name, AnchorSection] = {}
    anchor_every: Spell = 3600.0
    retention: RetentionSection = RetentionSection()
    traces: TracesSection | None = None


class ReminderSection(Section):
    """Say again that a request waits: so long after it came, or so long before its time is over. It decides nothing."""

    after: Long | None = None
    before: Long | None = None
    to: Names

    @model_validator(mode="after")
    def _has_one_moment(self) -> Self:
        if (self.after is None) is (self.before is None):
            raise ValueError("a reminder comes either `after` or `before`")
        return self


class ConfigSection(Section):
    """toolguard.yaml."""

    model_config = ConfigDict(title="toolguard.yaml")

    agent: Name = "agent"
    servers: dict[Name, ServerSection] = {}
    roots: list[Text] | None = None
    policy: PolicySection = PolicySection()
    approvals: ApprovalsSection = ApprovalsSection()
    review: ReviewSection = ReviewSection()
    durability: Literal["balanced", "full"] = "balanced"
    redact: RedactSection = RedactSection()
    prompts: Literal["off", "tail", "full"] = "tail"
    reviewers: dict[Text, ReviewerSection] = {}
    channels: dict[Name, ChannelSection] = {}
    reminders: list[ReminderSection] = []
    audit: AuditSection = AuditSection()

    @model_validator(mode="after")
    def _reminders_reach_somebody(self) -> Self:
        known = {*self.channels, *(group for channel in self.channels.values() for group in channel.groups)}
        for name in (name for reminder in self.reminders for name in reminder.to):
            if name not in known:
                raise ValueError(f"`{name}` is neither a channel nor a group that a channel reaches")
        return self

    @model_validator(mode="after")
    def _identities_are_of_one_person(self) -> Self:
        seen: set[str] = set()
        for mark in (mark for one in self.reviewers.values() for mark in (one.slack, *one.keys) if mark):
            if mark in seen:
                raise ValueError("two reviewers have the same key or Slack user, so one person would count for two")
            seen.add(mark)
        return self
