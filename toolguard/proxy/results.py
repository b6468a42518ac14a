"""What the answer to a tool call says: how the call ended, and the text that the agent reads. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from toolguard.core.model import Json, Outcome, OutcomeKind, strings

ERROR_LENGTH: Final = 500
"""Characters of a server's error that the log keeps; it is the server's word and only tells people where to look."""


def outcome(response: dict[str, Json], size: int, duration_ms: float) -> Outcome:
    """The outcome that a response to `tools/call` reports."""
    if "error" in response:
        return Outcome(OutcomeKind.FAILED, "", size, _message(response["error"]), duration_ms)
    return outcome_of_result(response.get("result"), size, duration_ms)


def outcome_of_result(result: Json, size: int, duration_ms: float) -> Outcome:
    """The outcome that a tool result reports; `isError` means that the tool ran and failed."""
    text = text_of(result)
    if isinstance(result, dict) and result.get("isError") is True:
        return Outcome(OutcomeKind.FAILED, text, size, text[:ERROR_LENGTH], duration_ms)
    return Outcome(OutcomeKind.SUCCEEDED, text, size, "", duration_ms)


def noted(response: dict[str, Json], note: str) -> dict[str, Json]:
    """The response with a sentence for the agent before what the server says."""
    result, error = response.get("result"), response.get("error")
    if isinstance(result, dict):
        return {**response, "result": _with_note(result, note)}
    if isinstance(error, dict):
        return {**response, "error": {**error, "message": f"{note}\n{_message(error)}"}}
    return response


def _with_note(result: dict[str, Json], note: str) -> dict[str, Json]:
    """A tool result, or a task with its tool result inside; anything else as it is."""
    if isinstance(result.get("content"), list):
        return {**result, "content": [{"type": "text", "text": note}, *result["content"]]}
    if isinstance(result.get("result"), dict):
        return {**result, "result": _with_note(result["result"], note)}
    return result


def text_of(result: Json) -> str:
    """Everything in a tool result that a model may read, as one text."""
    if not isinstance(result, dict):
        return ""
    parts = list(_texts(result.get("content")))
    parts.extend(text for _, text in strings(result.get("structuredContent")))
    return "\n".join(parts)


def _texts(content: Json) -> Iterator[str]:
    """Texts of content blocks, and of resources inside them; images and sound are not read."""
    for block in content if isinstance(content, list) else ():
        if not isinstance(block, dict):
            continue
        resource = block.get("resource")
        for holder in (block, resource if isinstance(resource, dict) else {}):
            for member in ("text", "description", "title", "uri"):
                if isinstance(holder.get(member), str):
                    yield holder[member]


def _message(error: Json) -> str:
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        message: str = error["message"]
        return message[:ERROR_LENGTH]
    return "the server answered with an error"
