"""The view of a call that reviewers get. The request digest covers it: what was shown is part of what was approved."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from toolguard.core.model import Confidence, Decision, EffectClass, Finding, Json, Severity, ToolCall
from toolguard.core.score import points
from toolguard.core.secrets.redact import Redactor
from toolguard.core.session.facts import Facts

HISTORY: Final = 12
"""Earlier calls of the session that a reviewer sees; enough to follow a thought, few enough to read."""
PROMPT_TAIL: Final = 4_096
"""Characters of the prompt that are kept under `prompts: tail`."""
JUSTIFICATION: Final = 2_000
"""Characters of the agent's own words about a call that are kept."""

BEFORE_BYTES: Final = 262_144
"""Of the file that a write would replace; a larger one is not read for the diff."""


def finding_as_json(finding: Finding) -> dict[str, Json]:
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "points": points(finding),
        "pointer": finding.pointer,
        "start": finding.start,
        "end": finding.end,
        "message": finding.message,
    }


def finding_from_json(value: Mapping[str, Json]) -> Finding:
    return Finding(
        value["id"],
        Severity(value["severity"]),
        Confidence(value["confidence"]),
        value["message"],
        value["pointer"],
        value["start"],
        value["end"],
    )


def view(
    call: ToolCall,
    decision: Decision,
    facts: Facts,
    redactor: Redactor,
    *,
    arguments: Json,
    params: Json,
    history: Iterable[Mapping[str, Json]],
    before: Mapping[str, str],
    prompts: str,
    earlier: str,
    edited: Mapping[str, Json] | None = None,
) -> dict[str, Json]:
    """Everything a reviewer is shown. `before` holds, by pointer, what a file to be written contains now.

    `edited` says whose arguments these are when they are no longer the agent's, and what the agent had asked for.
    """
    kind = decision.classification
    return {
        "server": call.server,
        "tool": call.tool,
        "arguments": arguments,
        "params": params,
        "principal": call.principal.as_json(),
        "client": redactor.text(call.client),
        "class": kind.effect_class.value,
        "headline": kind.headline,
        "target": kind.target,
        "reach": kind.reach.value,
        "reversible": kind.reversible,
        "environment": kind.environment,
        "score": decision.score,
        "findings": [finding_as_json(f) for f in decision.findings],
        "rules": [{"name": r.name, "effect": r.effect.word, "why": r.why} for r in decision.rules],
        "prompt": kept_prompt(call.prompt or facts.prompt, redactor, prompts),
        "justification": kept_justification(call.justification, redactor),
        "definition": {
            "description": redactor.text(call.definition.description),
            "input_schema": redactor.redact(dict(call.definition.input_schema)),
        }
        if call.definition
        else None,
        "facts": [redactor.text(sentence) for sentence in facts.sentences],
        "history": [dict(row) for row in history],
        "before": {pointer: redactor.text(text) for pointer, text in before.items()},
        "earlier": earlier,
        "place": {"cwd": facts.surroundings.cwd, "roots": list(facts.surroundings.roots)},
        "edited": dict(edited) if edited else None,
    }


def kept_prompt(prompt: str | None, redactor: Redactor, keep: str) -> str | None:
    """As much of the prompt as configuration keeps, without secrets."""
    if not prompt or keep == "off":
        return None
    return redactor.text(prompt if keep == "full" else prompt[-PROMPT_TAIL:])


def kept_justification(said: str | None, redactor: Redactor) -> str | None:
    """What the agent says the call is for, without secrets; what is cut off says so."""
    if not said:
        return None
    text = redactor.text(said)
    rest = len(text) - JUSTIFICATION
    return text if rest <= 0 else f"{text[:JUSTIFICATION]} [{rest} more characters]"


def decided(call: ToolCall, decision: Decision, redactor: Redactor, prompts: str) -> dict[str, Json]:
    """What the log says of a decision, beside the call itself."""
    kind = decision.classification
    contents: dict[str, Json] = {
        "class": kind.effect_class.value,
        "headline": kind.headline,
        "target": kind.target,
        "reach": kind.reach.value,
        "environment": kind.environment,
        "findings": [finding_as_json(f) for f in decision.findings],
        "rules": [{"name": r.name, "effect": r.effect.word, "digest": r.digest, "why": r.why} for r in decision.rules],
        "definition_fp": call.definition_fp,
        "redaction": redactor.digest,
    }
    prompt, said = kept_prompt(call.prompt, redactor, prompts), kept_justification(call.justification, redactor)
    client = redactor.text(call.client) if call.client else ""
    beside = {"prompt": prompt, "justification": said, "client": client}
    return contents | {name: value for name, value in beside.items() if value}


def replaced_text(call: ToolCall, decision: Decision, roots: Sequence[str]) -> dict[str, str]:
    """By pointer of the new content: what the written file holds now. Only below the roots, only small text."""
    path = call.arguments.get("path") or call.arguments.get("file_path")
    names = ("content", "contents", "text")
    content = next((name for name in names if isinstance(call.arguments.get(name), str)), None)
    if not isinstance(path, str) or content is None or decision.effect_class is not EffectClass.WRITE:
        return {}
    real = os.path.realpath(path)
    if not any(real.startswith(os.path.realpath(root).rstrip("/") + "/") for root in roots):
        return {}
    try:
        if os.path.getsize(real) > BEFORE_BYTES:
            return {}
        return {f"/{content}": Path(real).read_text(encoding="utf-8")}
    except (OSError, ValueError):
        return {}
