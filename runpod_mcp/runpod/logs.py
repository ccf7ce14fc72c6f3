"""Lines that a pod or a worker wrote, from Runpod's log streams; only v2 has them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from runpod_mcp.pods.words import clean
from runpod_mcp.runpod.event_stream import End, Heard, Limits
from runpod_mcp.runpod.failures import is_no_such_thing, unreadable
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.questions import good_body
from runpod_mcp.runpod.reading import fields, moment, text

LogSource = Literal["container", "system"]

MOST_LINES = 5000
"""v2's document: the largest `tail`."""

LINE_LENGTH = 2000

_COLORS = re.compile(r"\x1b\[[0-9;:?]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line: when (UTC), from where (`container` or `system`), and its text, which somebody else wrote.

    The text is without control characters, at most 2,000 characters long, and not in the repr: programs print secrets.
    """

    at: datetime | None
    source: str | None
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Logs:
    """Lines, oldest first, and why there are no more of them."""

    lines: tuple[LogLine, ...]
    end: End


async def read_logs(
    wire: Wire,
    path: str,
    what: str,
    *,
    tail: int = 100,
    since: datetime | None = None,
    source: LogSource | None = None,
    limits: Limits | None = None,
) -> Logs | None:
    """Up to `tail` lines (1 to 5,000): the newest, or from `since` on; None when Runpod has no such thing.

    The stream stays open at Runpod for lines still to come; reading stops when none came for a few seconds.

    Raises:
        Failure: the stream could not be had, or holds no lines that can be read.
    """
    limits, most = limits or Limits(), max(1, min(tail, MOST_LINES))
    query = {"tail": str(most)} if since is None else {"since": _rfc3339(since)}
    if source is not None:
        query["source"] = source
    within = Limits(most, limits.bytes, limits.seconds, limits.quiet)
    answer = await wire.listen(path, query=query, limits=within)
    if is_no_such_thing(answer):
        return None
    heard = good_body(wire, answer, what)
    if not isinstance(heard, Heard):
        raise unreadable(what)
    lines = tuple(line for event in heard.events if (line := _line(event)) is not None)
    if heard.events and not lines:
        raise unreadable(what)
    return Logs(lines, heard.end)


def _line(event: str) -> LogLine | None:
    try:
        body = fields(json.loads(event))
    except (ValueError, RecursionError):
        return None
    line = body.get("line")
    if not isinstance(line, str):
        return None
    return LogLine(
        moment(body.get("ts")), text(body.get("source")), clean(_COLORS.sub("", line), LINE_LENGTH)
    )


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
