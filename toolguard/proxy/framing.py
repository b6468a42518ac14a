"""Cuts a stream of bytes into lines, within a bound.

A message ends at byte 0x0A and nowhere else: `str.splitlines` also cuts at U+2028, which may stand inside a
message, and a reader that cuts elsewhere than its neighbour sees other messages.
"""

from __future__ import annotations

from collections.abc import Iterator


class Lines:
    """The lines of one stream, fed as it arrives."""

    __slots__ = ("_limit", "_parts", "_size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes | None]:
        """Complete lines without their newline; None in the place of each line over the limit.

        INVARIANT: no byte of an over-long line is ever returned. asyncio's StreamReader.readline returns the
        tail of such a line as a line of its own, which lets a call ride in unjudged
        (test_a_call_in_the_tail_of_an_over_long_line_is_not_a_message).
        """
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            self._keep(end)
            yield self._take()
        self._keep(rest)

    def unfinished(self) -> int:
        """Bytes after the last newline; at the end of the stream they are no message."""
        return self._size

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            self._parts.clear()
        elif part:
            self._parts.append(part)

    def _take(self) -> bytes | None:
        line = None if self._size > self._limit else b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return line
