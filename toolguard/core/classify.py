"""What a call does to the world: from its arguments where they hold a language, else from the tool's definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolguard.core.model import Classification, EffectClass

if TYPE_CHECKING:
    from toolguard.core.reading import Reading


def classify(reading: Reading) -> Classification:
    """The effect class, target, reach and headline of a call. Total."""
    return Classification(EffectClass.UNKNOWN, headline=f"Run {reading.call.tool}")
