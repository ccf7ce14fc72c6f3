"""Jobs for queue endpoints: what goes in and comes out belongs to the agent's work, and is never logged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from runpod_mcp.runpod.results import EditOutcome, MakeOutcome

LONGEST_WAIT = 45
"""Seconds; most clients give a tool call a minute."""

MOST_INPUT = 10_000_000
"""Bytes of a job's input (Runpod's page on endpoint operations)."""

MOST_OUTPUT = 64_000
"""Characters of a job's output, as JSON, that are kept."""

MOST_DEPTH = 200
"""Levels of lists and objects in a job's input and output; every Python this runs on can read and write so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOrder:
    """A job to run: the JSON object that the endpoint's handler takes."""

    input: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it is. `status` is Runpod's word: IN_QUEUE, IN_PROGRESS, COMPLETED, FAILED, CANCELLED, TIMED_OUT.

    `output` is JSON that the worker wrote, data that nobody checked; with `output_cut` it is only the beginning of its
    text. Times are in milliseconds.
    """

    id: str
    status: str | None = None
    output: Any = field(default=None, repr=False)
    output_cut: bool = False
    error: str | None = field(default=None, repr=False)
    delay_ms: int | None = None
    execution_ms: int | None = None
    worker_id: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in ("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """A queue that was emptied: how many jobs were taken out of it, where that was told."""

    removed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How an endpoint is doing: numbers of workers and of jobs by state, in Runpod's words (`inQueue`, `throttled`)."""

    workers: Mapping[str, int] = field(default_factory=dict)
    jobs: Mapping[str, int] = field(default_factory=dict)


class Jobs(Protocol):
    """The jobs of queue endpoints, as the flows see them; the same for both dialects, on a host of its own.

    Reads raise `Failure`; changes are sent once and answer with an outcome, which holds none of Runpod's words where an
    input was sent. A job whose answer was lost is `Unknown` and never sent again: Runpod has no list to find it in.
    """

    async def run(self, endpoint_id: str, order: JobOrder) -> MakeOutcome[Job]:
        """Put a job into the queue and come back at once."""
        ...

    async def run_and_wait(self, endpoint_id: str, order: JobOrder, seconds: int) -> MakeOutcome[Job]:
        """Run a job and wait for it, 1 to 45 seconds; one that takes longer comes back unfinished, to be asked for."""
        ...

    async def status(self, endpoint_id: str, job_id: str) -> Job | None:
        """A job; None when there is none (any more): Runpod keeps results for 30 minutes, of a waited run for one."""
        ...

    async def cancel(self, endpoint_id: str, job_id: str) -> EditOutcome[Job]:
        """Stop a job, or take it out of the queue."""
        ...

    async def purge(self, endpoint_id: str) -> EditOutcome[Purged]:
        """Take every waiting job out of the queue; jobs that run go on."""
        ...

    async def health(self, endpoint_id: str) -> Health | None:
        """How the endpoint is doing; None without such an endpoint."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
