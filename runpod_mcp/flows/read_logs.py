"""A pod's log lines, few enough to be read by an agent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from runpod_mcp.flows.context import House
from runpod_mcp.flows.read_pods import not_found
from runpod_mcp.runpod.event_stream import End
from runpod_mcp.runpod.logs import LogLine, Logs, LogSource

MOST_BYTES = 8_000
"""What one reply may hold of a log; the newest lines are kept."""
MOST_LETTERS = 500

_WHY_NO_MORE = {
    End.BROKEN: "the stream broke; the newest lines may be missing",
    End.BYTES: "the log is long; ask for a smaller tail",
    End.SECONDS: "the log goes on; these are the lines of the first seconds",
}


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines as `12:00:01 container text`, oldest first, and why there are no more of them."""

    lines: tuple[str, ...]
    more: str | None = None


async def read_logs(
    house: House, pod_id: str, *, tail: int, since: datetime | None, source: LogSource | None
) -> Lines:
    """The newest lines of a pod that fit into a reply.

    Raises:
        Failure: `not_found`; the API has no logs; or they cannot be had.
    """
    since = since.replace(tzinfo=UTC) if since and since.tzinfo is None else since
    logs = await house.api.read_logs(pod_id, tail=tail, since=since, source=source)
    if logs is None:
        raise not_found(pod_id, await house.ledger.lease_of_pod(pod_id))
    return lines_of(logs)


def lines_of(logs: Logs) -> Lines:
    """The newest of these lines that fit into a reply."""
    lines = tuple(_line(line) for line in logs.lines)
    kept = _newest(lines)
    if len(kept) < len(lines):
        cut = f"{len(lines) - len(kept)} older lines left out; name since or a smaller tail"
        return Lines(kept, cut)
    return Lines(kept, _WHY_NO_MORE.get(logs.end))


def _line(line: LogLine) -> str:
    at = f"{line.at:%H:%M:%S} " if line.at else ""
    source = f"{line.source} " if line.source == "system" else ""
    text = line.text if len(line.text) <= MOST_LETTERS else f"{line.text[:MOST_LETTERS]}…"
    return f"{at}{source}{text}"


def _newest(lines: Iterable[str]) -> tuple[str, ...]:
    kept, room = list[str](), MOST_BYTES
    for line in reversed(tuple(lines)):
        room -= len(line.encode()) + 3
        if room < 0:
            break
        kept.append(line)
    return tuple(reversed(kept))
