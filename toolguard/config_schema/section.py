"""What every mapping of toolguard.yaml has in common."""

from __future__ import annotations

import difflib
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A mapping of the file; knows its own keys, so that a misspelt one can be answered with the nearest."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _knows_its_keys(cls, value: Any) -> Any:
        allowed = [field.alias or name for name, field in cls.model_fields.items()]
        for key in value if isinstance(value, dict) else ():
            if key not in allowed:
                near = difflib.get_close_matches(key, allowed, 1, 0.6)
                meant = f"did you mean `{near[0]}`? " if near else ""
                raise PydanticCustomError(
                    "unknown_key",
                    "unknown key; {meant}allowed here: {allowed}",
                    {"key": key, "meant": meant, "allowed": ", ".join(allowed)},
                )
        return value
