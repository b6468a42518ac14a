"""Moments as the database keeps them: ISO 8601 in UTC with milliseconds, so that their order is the order of the text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def utc_now() -> datetime:
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    m = moment.astimezone(UTC) if moment.tzinfo is not UTC else moment
    return (
        f"{m.year:04d}-{m.month:02d}-{m.day:02d}T{m.hour:02d}:{m.minute:02d}:{m.second:02d}.{m.microsecond // 1000:03d}Z"
    )


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def later(text: str, seconds: float) -> str:
    return iso(moment(text) + timedelta(seconds=seconds))
