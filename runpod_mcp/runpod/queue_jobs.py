"""Jobs over the wire: `/<endpoint>/run`, `runsync`, `status`, `cancel`, `purge-queue` and `health`.

The v2 document names these URLs with every queue endpoint; what their answers hold is on Runpod's page on endpoint
operations.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from runpod_mcp.errors import Code
from runpod_mcp.pods.words import clean
from runpod_mcp.runpod import outcomes
from runpod_mcp.runpod.failures import unreadable
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.jobs import (
    LONGEST_WAIT,
    MOST_DEPTH,
    MOST_INPUT,
    MOST_OUTPUT,
    Health,
    Job,
    JobOrder,
    Purged,
)
from runpod_mcp.runpod.questions import find
from runpod_mcp.runpod.reading import deeper_than, fields, identifier, segment, text, whole
from runpod_mcp.runpod.results import EditOutcome, Gone, MakeOutcome, Refused

T = TypeVar("T")

_GRACE = 10.0
"""Seconds that an answer may take beyond the wait that was asked for."""

_COUNT = re.compile(r"[A-Za-z][A-Za-z_]{0,40}")


class QueueJobs:
    """`Jobs` over one host; see there for what each method promises."""

    def __init__(self, wire: Wire) -> None:
        """`wire` leads to the base URL below which every endpoint has a path of its own."""
        self._wire = wire

    async def run(self, endpoint_id: str, order: JobOrder) -> MakeOutcome[Job]:
        """Put a job into the queue."""
        return await self._run(endpoint_id, order, "run", None, self._wire.timeouts.create)

    async def run_and_wait(self, endpoint_id: str, order: JobOrder, seconds: int) -> MakeOutcome[Job]:
        """Run a job and wait for it, as long as Runpod is asked to hold the answer back."""
        wait = max(1, min(seconds, LONGEST_WAIT))
        return await self._run(endpoint_id, order, "runsync", {"wait": str(wait * 1000)}, wait + _GRACE)

    async def status(self, endpoint_id: str, job_id: str) -> Job | None:
        """A job."""
        if identifier(endpoint_id) is None or identifier(job_id) is None:
            return None
        body = await find(self._wire, _path(endpoint_id, "status", job_id), "the job")
        if body is None:
            return None
        if (job := read_job(body)) is None:
            raise unreadable("the job")
        return job

    async def cancel(self, endpoint_id: str, job_id: str) -> EditOutcome[Job]:
        """Stop a job, or take it out of the queue."""
        if identifier(job_id) is None:
            return Gone()
        return await self._change(endpoint_id, read_job, "job", "cancel", job_id)

    async def purge(self, endpoint_id: str) -> EditOutcome[Purged]:
        """Take every waiting job out of the queue."""
        return await self._change(endpoint_id, _purged, "endpoint", "purge-queue")

    async def health(self, endpoint_id: str) -> Health | None:
        """How the endpoint is doing."""
        if identifier(endpoint_id) is None:
            return None
        body = await find(self._wire, _path(endpoint_id, "health"), "the endpoint's health")
        if body is None:
            return None
        if not (isinstance(fields(body).get("workers"), dict) and isinstance(fields(body).get("jobs"), dict)):
            raise unreadable("the endpoint's health")
        return Health(workers=_counts(body["workers"]), jobs=_counts(body["jobs"]))

    async def close(self) -> None:
        """Close connections."""
        await self._wire.close()

    async def _run(
        self, endpoint_id: str, order: JobOrder, verb: str, query: Mapping[str, str] | None, deadline: float
    ) -> MakeOutcome[Job]:
        if identifier(endpoint_id) is None:
            return Refused(Code.NOT_FOUND, "There is no such endpoint. Nothing was sent.")
        if _size(order.input) > MOST_INPUT:
            message = f"A job's input may be {MOST_INPUT:,} bytes at most. Nothing was sent."
            return Refused(Code.INVALID_ARGUMENTS, message, field="input")
        if deeper_than(MOST_DEPTH, order.input):
            message = f"A job's input may be nested {MOST_DEPTH} deep at most. Nothing was sent."
            return Refused(Code.INVALID_ARGUMENTS, message, field="input")
        body = {"input": order.input}
        sent = await self._wire.send(
            "POST", _path(endpoint_id, verb), body=body, query=query, deadline=deadline
        )
        return outcomes.made(sent, read_job, self._wire.clock.now(), what="a job", secrets_sent=True)

    async def _change(
        self, endpoint_id: str, read: Callable[[object], T | None], what: str, *steps: str
    ) -> EditOutcome[T]:
        if identifier(endpoint_id) is None:
            return Gone()
        sent = await self._wire.send_when_let("POST", _path(endpoint_id, *steps))
        return outcomes.changed(sent, read, self._wire.clock.now(), what=what)


def read_job(value: object) -> Job | None:
    """The job in a JSON value, or None when it is no object with an id; any other field may be missing or odd."""
    body = fields(value)
    job_id = identifier(body.get("id"))
    if job_id is None:
        return None
    output, cut = _bounded(body.get("output"))
    error = body.get("error")
    return Job(
        id=job_id,
        status=text(body.get("status")),
        output=output,
        output_cut=cut,
        error=None
        if error is None
        else clean(error if isinstance(error, str) else _plain(error) or "", 2000),
        delay_ms=whole(body.get("delayTime")),
        execution_ms=whole(body.get("executionTime")),
        worker_id=text(body.get("workerId")),
    )


def _bounded(output: Any) -> tuple[Any, bool]:
    """The output, or the beginning of its text where it is longer than we keep, and whether it was cut."""
    plain = _plain(output)
    if plain is None:
        return None, True
    return (json.loads(plain), False) if len(plain) <= MOST_OUTPUT else (plain[:MOST_OUTPUT], True)


def _plain(value: Any) -> str | None:
    """JSON as text without halves of surrogate pairs, which no reply can take; None when it is nested too deeply."""
    if deeper_than(MOST_DEPTH, value):
        return None
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")


def _size(value: Any) -> int:
    """Bytes as JSON; what cannot be written down is left to the wire, which refuses it."""
    try:
        return len(json.dumps(value))
    except (ValueError, TypeError, RecursionError):
        return 0


def _purged(value: object) -> Purged:
    return Purged(removed=whole(fields(value).get("removed")))


def _counts(value: Mapping[str, Any]) -> dict[str, int]:
    found = {name: whole(number) for name, number in value.items() if _COUNT.fullmatch(name)}
    return {name: number for name, number in found.items() if number is not None}


def _path(*steps: str) -> str:
    return "".join(f"/{segment(step)}" for step in steps)
