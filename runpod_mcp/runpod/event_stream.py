"""A stream of Server-Sent Events, read for a while: it stops after so many events, bytes or seconds, and never hangs."""

from __future__ import annotations

import codecs
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import StrEnum

import anyio

_LINE_ENDS = re.compile(r"\r\n|\n|\r(?!\Z)")
"""A carriage return at the very end may be half of a line end whose other half has not come yet."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where listening stops: events, decoded bytes, seconds in all, and seconds without an event."""

    events: int = 100
    bytes: int = 500_000
    seconds: float = 10.0
    quiet: float = 3.0


class End(StrEnum):
    """Why listening stopped: the stream ended or broke, or one of the limits was reached."""

    ENDED = "ended"
    BROKEN = "broken"
    EVENTS = "events"
    BYTES = "bytes"
    SECONDS = "seconds"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Heard:
    """The `data` of each event, oldest first; it may hold secrets, so it is not in the repr."""

    events: tuple[str, ...] = field(repr=False)
    end: End


async def hear(
    chunks: AsyncIterator[bytes], limits: Limits, blot: Callable[[str], str] = lambda data: data
) -> Heard:
    """The events in a stream until it ends or a limit is reached; `blot` takes secrets out of each.

    A stream that breaks after its first event was read well until then; one that breaks before it raises what broke it.
    """
    reader, events, left = _Reader(), list[str](), limits.bytes
    last = anyio.current_time() + limits.seconds
    quiet = anyio.current_time() + limits.quiet
    while True:
        with anyio.CancelScope(deadline=min(last, quiet)) as scope:
            try:
                chunk = await anext(chunks, None)
            except Exception:
                if events:
                    return Heard(tuple(events), End.BROKEN)
                raise
        if scope.cancelled_caught:
            return Heard(tuple(events), End.SECONDS if last <= quiet else End.QUIET)
        found = reader.close() if chunk is None else reader.feed(chunk[:left])
        events += map(blot, found)
        left -= len(chunk or b"")
        if found:
            quiet = anyio.current_time() + limits.quiet
        if (end := _end(limits, chunk, len(events), left, last)) is not None:
            return Heard(tuple(events[: limits.events]), end)


def _end(limits: Limits, chunk: bytes | None, events: int, left: int, last: float) -> End | None:
    if events >= limits.events:
        return End.EVENTS
    if chunk is None:
        return End.ENDED
    if left <= 0:
        return End.BYTES
    return End.SECONDS if anyio.current_time() >= last else None


class _Reader:
    """Bytes in, the `data` of whole events out; comments and other fields are passed over."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest: list[str] = []
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[str]:
        """The events that these bytes complete."""
        decoded = self._decoder.decode(chunk)
        self._rest.append(decoded)
        if not ("\n" in decoded or "\r" in "".join(self._rest[-2:])):
            return []  # joining only at line ends keeps a stream of tiny pieces cheap
        *lines, rest = _LINE_ENDS.split("".join(self._rest))
        self._rest = [rest]
        return [event for line in lines if (event := self._take(line)) is not None]

    def close(self) -> list[str]:
        """The event that the end of the stream completes."""
        self._take("".join(self._rest).rstrip("\r"))
        event = self._take("")
        return [] if event is None else [event]

    def _take(self, line: str) -> str | None:
        if line:
            name, _, value = line.partition(":")
            if name == "data":
                self._data.append(value.removeprefix(" "))
            return None
        event = "\n".join(self._data) if self._data else None
        self._data = []
        return event
