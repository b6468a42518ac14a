"""What comes beside a call and is not for its server: why the agent makes it, and what the person asked.

A justification is an argument that the proxy adds to the schemas of guarded tools and takes off each call, or a key of
`_meta`; the prompt is a key of `_meta`, which the client program writes and no model can. INVARIANT: both are claims,
shown and recorded as such; neither is judged nor forwarded (tests/proxy/test_asides.py).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Final

from toolguard.core.canonical import compact
from toolguard.core.model import Json

ARGUMENT: Final = "toolguard_justification"
LONGEST: Final = 500
"""Characters that a tool's schema allows; long enough for a reason, short enough to be read."""
OWN_META: Final = "dev.toolguard/"
"""Of the `_meta` keys that are ours; the server never sees them."""
JUSTIFICATION: Final = f"{OWN_META}justification"
PROMPT: Final = f"{OWN_META}prompt"

_COMPOSED: Final = frozenset({"$ref", "allOf", "anyOf", "oneOf", "if"})
"""Of a schema whose members stand elsewhere; one more property beside them could make every call invalid."""


def argument_of(schema: Mapping[str, Json]) -> str:
    """The name under which the agent says why: one that nothing in the tool's own schema mentions."""
    if ARGUMENT.encode() not in (text := compact(dict(schema))):
        return ARGUMENT
    names = (f"{ARGUMENT}_{number}" for number in itertools.count(2))
    return next(name for name in names if name.encode() not in text)


def asking(tool: dict[str, Json]) -> dict[str, Json]:
    """The tool as clients see it, with an argument for the reason where its schema has room for one."""
    schema = tool.get("inputSchema")
    if not isinstance(schema, dict) or not _COMPOSED.isdisjoint(schema):
        return tool
    own = schema.get("properties", {})
    if not isinstance(own, dict):
        return tool
    reason = {
        "type": "string",
        "maxLength": LONGEST,
        "description": "Why you make this call and what it will change, in one or two sentences, for the person who "
        "may have to approve it. A call that needs approval is refused without it. The tool does not get it.",
    }
    return {**tool, "inputSchema": {**schema, "properties": {**own, argument_of(schema): reason}}}


def taken(
    arguments: dict[str, Json], meta: Mapping[str, Json], schema: Mapping[str, Json]
) -> tuple[dict[str, Json], str | None]:
    """The arguments that are the tool's own, and what the agent says they are for."""
    said = meta.get(JUSTIFICATION)
    if any(key.startswith(ARGUMENT) for key in arguments):
        name = argument_of(schema)
        said = arguments.get(name, said)
        arguments = {key: value for key, value in arguments.items() if key != name}
    if said is not None and not isinstance(said, str):
        said = compact(said).decode()
    return arguments, said if said and said.strip() else None


def asked(meta: Mapping[str, Json]) -> str | None:
    """What the person asked, as the client says."""
    prompt = meta.get(PROMPT)
    return prompt if isinstance(prompt, str) and prompt else None


def for_server(meta: Json) -> Json:
    """The `_meta` of a request without what is ours."""
    if not isinstance(meta, dict) or not any(key.startswith(OWN_META) for key in meta):
        return meta
    return {key: value for key, value in meta.items() if not key.startswith(OWN_META)}


def how(schema: Mapping[str, Json]) -> str:
    """For the agent: where to write what a call is for."""
    return (
        f" Write it into the argument `{argument_of(schema)}` (text, at most {LONGEST} characters), whether or not the "
        "tool's schema names it; toolguard takes it off before the tool sees the call."
    )
