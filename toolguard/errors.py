"""Exceptions, sorted by whose fault they are; a refusal is not one of them, it is a value.

Messages are one lower-case line without a full stop, with what the user wrote in backticks and the cause
after a colon. `hint` says what to do next, for the second line of the command line's answer.
"""

from __future__ import annotations


class ToolguardError(Exception):
    """Parent of the four below; never raised itself."""

    hint: str = ""

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").splitlines()[0].rstrip("."))
        self.hint = hint


class ConfigError(ToolguardError):
    """The configuration cannot be used."""

    def __init__(
        self,
        message: str = "",
        *,
        hint: str = "",
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.file, self.line, self.column, self.field = file, line, column, field

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        named = f"`{self.field}`: " if self.field else ""
        return f"{place}: {named}{self.args[0]}" if place else f"{named}{self.args[0]}"


class PolicyError(ConfigError):
    """The policy cannot be used."""


class UpstreamError(ToolguardError):
    """The tool server failed."""


class StoreError(ToolguardError):
    """The database cannot be written, so nothing may run."""
