"""Serverless endpoints, their workers and their jobs, as the cloud keeps them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

FINAL = ("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT")
KEPT = {True: timedelta(minutes=1), False: timedelta(minutes=30)}
"""How long the result of a finished job can be read: a synchronous one, and any other."""


@dataclass
class Job:
    """A unit of work. `seconds` is how long it runs, None for one that never ends by itself.

    `fails` are the words of the error it ends with, None for one that succeeds: its output echoes its input.
    `timeout` is counted from its start, `ttl` from its submission.
    """

    id: str
    input: Any
    created_at: datetime
    seconds: float | None
    fails: str | None
    timeout: timedelta
    ttl: timedelta
    sync: bool = False
    status: str = "IN_QUEUE"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    worker_id: str | None = None
    streamed: bool = False

    def due(self) -> tuple[datetime, str]:
        """When a running job ends, and how."""
        start = self.started_at or self.created_at
        limits = [(start + self.timeout, "TIMED_OUT"), (self.created_at + self.ttl, "TIMED_OUT")]
        if self.seconds is not None:
            limits.insert(
                0, (start + timedelta(seconds=self.seconds), "FAILED" if self.fails else "COMPLETED")
            )
        return min(limits, key=lambda limit: limit[0])

    def readable(self, now: datetime) -> bool:
        """Whether its result is still kept."""
        return self.ended_at is None or now < self.ended_at + KEPT[self.sync]


@dataclass
class Worker:
    """A worker: `rate` is dollars per hour from `started_at` until it ends, whether it works or idles.

    `ready_at` is None for one that never comes up. `version` is the endpoint's configuration it runs.
    """

    id: str
    endpoint_id: str
    resource_id: str
    data_center_id: str
    units: int
    gpus: int
    rate: Fraction
    image: str
    version: int
    started_at: datetime
    ready_at: datetime | None
    idle_since: datetime | None = None
    job: Job | None = None

    @property
    def placed_at(self) -> tuple[str, str, str]:
        """Its place in the stock; serverless runs on Secure Cloud."""
        return (self.resource_id, "SECURE", self.data_center_id)

    @property
    def status(self) -> str:
        """RUNNING with a job, IDLE once it is up, INITIALIZING before."""
        if self.job is not None:
            return "RUNNING"
        return "INITIALIZING" if self.idle_since is None else "IDLE"


@dataclass(frozen=True)
class Release:
    """A version of an endpoint's configuration and what changed with it: field, old, new."""

    id: str
    version: int
    created_at: datetime
    diff: Sequence[tuple[str, Any, Any]] = ()


@dataclass(frozen=True)
class Config:
    """What a caller sets on an endpoint. A GPU endpoint has `gpu_type_ids` (all eligible types), a CPU one `cpus`.

    `pools` are the GPU pools chosen and `excluded` the types taken out of them. Timeouts: `idle_timeout` in
    seconds, `timeout_ms` in milliseconds per job. No `data_center_ids` means any.
    """

    name: str
    type: str = "QUEUE"
    gpu_type_ids: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    gpu_count: int = 1
    cpus: tuple[tuple[str, int], ...] = ()
    workers_min: int = 0
    workers_max: int = 3
    idle_timeout: int = 5
    scaler_type: str = "QUEUE_DELAY"
    scaler_value: float = 4
    data_center_ids: tuple[str, ...] = ()
    network_volume_ids: tuple[str, ...] = ()
    timeout_ms: int = 300_000
    flashboot: str = "OFF"
    cuda_versions: tuple[str, ...] = ()
    min_cuda_version: str | None = None

    @property
    def is_cpu(self) -> bool:
        """Whether its workers are CPU workers."""
        return bool(self.cpus)


@dataclass
class Endpoint:
    """An endpoint with its live workers, its queue (oldest first) and every job it knows.

    `template_id` names the template with its container settings. `factor` and `broken` are scripted trouble:
    what its price is multiplied by, and that its workers never come up. `throttled` workers wait for capacity.
    """

    id: str
    config: Config
    template_id: str
    created_at: datetime
    factor: Fraction = Fraction(1)
    broken: bool = False
    version: int = 1
    releases: list[Release] = field(default_factory=list)
    workers: dict[str, Worker] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    queue: list[Job] = field(default_factory=list)
    throttled: int = 0
    retried: int = 0
    ended_at: datetime | None = None

    def rate(self) -> Fraction:
        """Dollars per hour of its workers now."""
        return sum((worker.rate for worker in self.workers.values()), Fraction(0))

    def surplus(self) -> int:
        """How many workers run beyond those that always run."""
        return len(self.workers) - min(self.config.workers_min, self.config.workers_max)

    def counts(self) -> Mapping[str, int]:
        """How many workers have each status."""
        return Counter(worker.status for worker in self.workers.values())
