"""What the log of a pod or a serverless worker shows, as server-sent events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from runpod_mcp.simulator.calls import Call
from runpod_mcp.simulator.refusals import Reason, Refusal

_MOST_LINES = 5000
_HEARTBEAT = timedelta(seconds=30)


@dataclass(frozen=True)
class Life:
    """The container a log is of: when it started, came up (None: never) and stopped (None: not yet).

    `numbered` event ids are `time/number`, as pods have them; a worker's are the time alone.
    """

    image: str
    started_at: datetime
    ready_at: datetime | None
    stopped_at: datetime | None = None
    numbered: bool = True


def log_events(life: Life, now: datetime, call: Call) -> str:
    """The lines written so far, each as an event with an id to resume from.

    Query: `source` container or system, `tail` 0 to 5000 lines (100), `since` or the header `Last-Event-ID`. The
    live stream stays open; this one ends after the lines there are, so that a reader need not hang up.
    """
    source = call.asked("source")
    if source not in (None, "container", "system"):
        raise Refusal(Reason.INVALID, errors=["query.source: value must be one of 'container', 'system'"])
    lines = [(number, *line) for number, line in enumerate(_lines(life, now)) if source in (None, line[1])]
    after = (call.headers.get("last-event-id") or call.asked("since") or "").partition("/")[0]
    chosen = (
        [line for line in lines if _stamp(line[1]) > after]
        if after
        else lines[-_tail(call) :]
        if _tail(call)
        else []
    )
    return "".join(_event(*line, numbered=life.numbered) for line in chosen)


def _tail(call: Call) -> int:
    text = call.asked("tail") or "100"
    if not text.isascii() or not text.isdigit() or int(text) > _MOST_LINES:
        raise Refusal(Reason.INVALID, errors=[f"query.tail: must be an integer from 0 to {_MOST_LINES}"])
    return int(text)


def _lines(life: Life, now: datetime) -> Iterator[tuple[datetime, str, str]]:
    end = min(now, life.stopped_at or now)
    return (line for line in _story(life, end) if line[0] <= end)


def _story(life: Life, end: datetime) -> Iterator[tuple[datetime, str, str]]:
    image, start = life.image, life.started_at
    boot = (life.ready_at or start + _HEARTBEAT * 2) - start
    tag = image.rpartition(":")[2]
    yield start + boot / 8, "system", f"create container {image}"
    yield start + boot / 4, "system", f"{tag} Pulling from {image.partition(':')[0]}"
    if life.ready_at is None:
        yield start + boot / 2, "system", "error creating container: context deadline exceeded"
        return
    yield start + boot * 3 / 4, "system", f"Status: Image is up to date for {image}"
    yield start + boot, "system", "start container"
    beat = life.ready_at
    for number in range(int((end - beat) / _HEARTBEAT) + 1 if end >= beat else 0):
        yield beat + number * _HEARTBEAT, "container", f"heartbeat {number}"


def _event(number: int, at: datetime, source: str, line: str, *, numbered: bool) -> str:
    data = json.dumps({"ts": _stamp(at), "source": source, "line": line}, separators=(",", ":"))
    name = f"{_stamp(at)}/{number:012d}" if numbered else _stamp(at)
    return f"id: {name}\ndata: {data}\n\n"


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
