"""How single values of toolguard.yaml are written: durations, sizes, names, patterns, and lists of one."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from toolguard.core.model import EffectClass, Reach
from toolguard.core.regex import PatternError, compile_pattern

UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION: Final = r"^[0-9]{1,6}(ms|s|m|h|d)$"
SIZES: Final = {"KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
SIZE: Final = r"^[1-9][0-9]{0,5}(KB|MB|GB)$"
NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
POINTER: Final = r"^(/([^~/]|~[01])*)+$"
ADDRESS: Final = r"^https?://[^\s]+$"
ORIGIN: Final = r"^https?://[^\s/?#]+$"
AAGUID: Final = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
PATTERNS: Final = {
    # What a pattern wants, in words for the error.
    NAME: "a name is up to 64 letters, digits, `.`, `_` and `-`",
    POINTER: "write a JSON Pointer like `/path` or `/items/*/price`",
    ADDRESS: "write an address like `https://tools.example.com/mcp`",
    AAGUID: "write an AAGUID like `ee882879-721c-4913-9775-3dfcce97072a`",
    ORIGIN: "write an origin like `https://review.example.com`",
}


def duration(value: Any) -> float:
    """Seconds of a text like `50s`. Raises ValueError."""
    if not isinstance(value, str) or not re.fullmatch(DURATION, value):
        raise ValueError("a duration is a number and a unit: `50s`, `60m`, `8h`, `2d`")
    number, unit = re.fullmatch(r"([0-9]+)([a-z]+)", value).groups()  # type: ignore[union-attr]  # DURATION matched
    return int(number) * UNITS[unit]


def size(value: Any) -> int:
    """Bytes of a text like `500MB`. Raises ValueError."""
    if not isinstance(value, str) or not re.fullmatch(SIZE, value):
        raise ValueError("a size is a number and a unit: `500MB`, `20GB`")
    return int(value[:-2]) * SIZES[value[-2:]]


def _clock(value: Any) -> time:
    if not isinstance(value, str) or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError("a time of day is written like `22:00`")
    return time.fromisoformat(value)


def _zone(value: Any) -> str:
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
        raise ValueError("not a time zone; write one like `Europe/Berlin` or `UTC`") from error


def _expression(value: Any) -> str:
    try:
        return compile_pattern(value).source
    except (PatternError, AttributeError, TypeError) as error:
        raise ValueError(f"not a regular expression of RE2: {error}") from error


def listed(value: Any) -> Any:
    """A single entry as a list of one."""
    return [value] if isinstance(value, str | dict) else value


class OneOrMore:
    """A single entry may stand without its list; the schema says so too."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, default: GetJsonSchemaHandler) -> JsonSchemaValue:
        several = default(core)
        return {"anyOf": [several["items"], several]}


SPAN: Final = {"type": "string", "pattern": DURATION, "examples": ["50s", "60m", "8h"]}
Short = Annotated[float, BeforeValidator(duration), Field(ge=0, le=3600), WithJsonSchema(SPAN)]
Long = Annotated[float, BeforeValidator(duration), Field(ge=1, le=7 * 86400), WithJsonSchema(SPAN)]
Span = Annotated[float, BeforeValidator(duration), Field(ge=1, le=366 * 86400), WithJsonSchema(SPAN)]
Spell = Annotated[float, BeforeValidator(duration), Field(ge=10, le=366 * 86400), WithJsonSchema(SPAN)]
Age = Annotated[float, BeforeValidator(duration), Field(ge=3600, le=36_600 * 86400), WithJsonSchema(SPAN)]
Size = Annotated[
    int, BeforeValidator(size), WithJsonSchema({"type": "string", "pattern": SIZE, "examples": ["500MB", "20GB"]})
]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
Name = Annotated[str, Field(pattern=NAME)]
Globs = Annotated[list[Text], BeforeValidator(listed), Field(min_length=1), OneOrMore()]
Names = Annotated[list[Name], BeforeValidator(listed), Field(min_length=1), OneOrMore()]
Classes = Annotated[list[EffectClass], BeforeValidator(listed), Field(min_length=1), OneOrMore()]
Reaches = Annotated[list[Reach], BeforeValidator(listed), Field(min_length=1), OneOrMore()]
Clock = Annotated[
    time, BeforeValidator(_clock), WithJsonSchema({"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"})
]
Zone = Annotated[str, BeforeValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Berlin"]})]
Expression = Annotated[str, BeforeValidator(_expression), WithJsonSchema({"type": "string", "format": "regex"})]
Pointer = Annotated[str, Field(pattern=POINTER)]
HostPort = Annotated[str, Field(pattern=r"^[^\s:/]+:[0-9]{1,5}$")]
