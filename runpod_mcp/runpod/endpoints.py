"""Serverless endpoints: workers that come and go with the jobs, between a least and a most, and cost while they run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from runpod_mcp.errors import Failure
from runpod_mcp.money import Usd
from runpod_mcp.runpod.logs import Logs, LogSource
from runpod_mcp.runpod.results import EditOutcome, MakeOutcome

EndpointKind = Literal["QUEUE", "LOAD_BALANCER"]
Scaler = Literal["QUEUE_DELAY", "REQUEST_COUNT"]
FlashBoot = Literal["OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuChoice:
    """A CPU flavor with a number of vCPUs."""

    flavor_id: str
    vcpu_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker that is there now. `status` is Runpod's word; `usd_per_hour` is told by v1 only, `stale` by v2 only."""

    id: str
    status: str | None = None
    stale: bool | None = None
    version: int | None = None
    gpu_type_id: str | None = None
    gpu_count: int | None = None
    data_center_id: str | None = None
    image: str | None = None
    started_at: datetime | None = None
    uptime_seconds: int | None = None
    usd_per_hour: Usd | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A serverless endpoint as it is; None or an empty list where Runpod does not say. Of its env only names are kept.

    GPU endpoints name their cards as `gpu_type_ids` (v1) or as `gpu_pools` without `excluded_gpu_type_ids` (v2); see
    `cards`. `scaler_value` is seconds in the queue, or requests a worker. `workers` comes with v1's answers only.
    """

    id: str
    name: str | None = None
    kind: str | None = None
    template_id: str | None = None
    gpu_type_ids: tuple[str, ...] = ()
    gpu_pools: tuple[str, ...] = ()
    excluded_gpu_type_ids: tuple[str, ...] = ()
    gpu_count: int | None = None
    cpus: tuple[CpuChoice, ...] = ()
    workers_min: int | None = None
    workers_max: int | None = None
    idle_timeout_seconds: int | None = None
    scaler: str | None = None
    scaler_value: float | None = None
    data_center_ids: tuple[str, ...] = ()
    network_volume_ids: tuple[str, ...] = ()
    flashboot: str | None = None
    execution_timeout_ms: int | None = None
    image: str | None = None
    container_disk_gb: int | None = None
    ports: tuple[str, ...] = ()
    env_names: tuple[str, ...] = ()
    registry_id: str | None = None
    allowed_cuda_versions: tuple[str, ...] = ()
    min_cuda_version: str | None = None
    version: int | None = None
    created_at: datetime | None = None
    base_url: str | None = None
    workers: tuple[Worker, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointOrder:
    """An endpoint to make: either GPU types or CPU flavors, and a template, an image, or both (v1: a template).

    What is None or empty is left out, for the template or Runpod to decide; the numbers of workers are always sent,
    since they decide what it can cost. `gpu_pools` and `excluded_gpu_type_ids` are how v2 writes `gpu_type_ids`, and
    are worked out from them where they are empty.
    """

    name: str
    workers_max: int
    workers_min: int = 0
    kind: EndpointKind = "QUEUE"
    template_id: str | None = None
    gpu_type_ids: tuple[str, ...] = ()
    gpu_pools: tuple[str, ...] = ()
    excluded_gpu_type_ids: tuple[str, ...] = ()
    gpu_count: int = 1
    cpu_flavor_ids: tuple[str, ...] = ()
    vcpu_count: int = 2
    idle_timeout_seconds: int | None = None
    scaler: Scaler = "QUEUE_DELAY"
    scaler_value: float = 4
    data_center_ids: tuple[str, ...] = ()
    network_volume_ids: tuple[str, ...] = ()
    flashboot: FlashBoot | None = None
    execution_timeout_ms: int | None = None
    image: str | None = None
    container_disk_gb: int | None = None
    ports: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    registry_id: str | None = None
    entrypoint: tuple[str, ...] = ()
    start_command: tuple[str, ...] = ()
    allowed_cuda_versions: tuple[str, ...] = ()
    min_cuda_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointChange:
    """What an endpoint is to become; None leaves it as it is. `env` replaces all variables.

    A `registry_id` or `min_cuda_version` of "" is none. GPU endpoints stay GPU endpoints.
    """

    name: str | None = None
    workers_max: int | None = None
    workers_min: int | None = None
    template_id: str | None = None
    gpu_type_ids: tuple[str, ...] | None = None
    gpu_pools: tuple[str, ...] = ()
    excluded_gpu_type_ids: tuple[str, ...] = ()
    gpu_count: int | None = None
    cpu_flavor_ids: tuple[str, ...] | None = None
    vcpu_count: int | None = None
    idle_timeout_seconds: int | None = None
    scaler: Scaler | None = None
    scaler_value: float | None = None
    data_center_ids: tuple[str, ...] | None = None
    network_volume_ids: tuple[str, ...] | None = None
    flashboot: FlashBoot | None = None
    execution_timeout_ms: int | None = None
    image: str | None = None
    container_disk_gb: int | None = None
    ports: tuple[str, ...] | None = None
    env: Mapping[str, str] | None = field(default=None, repr=False)
    registry_id: str | None = None
    entrypoint: tuple[str, ...] | None = None
    start_command: tuple[str, ...] | None = None
    allowed_cuda_versions: tuple[str, ...] | None = None
    min_cuda_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerType:
    """What a worker can run on, at list price: per GPU of a type, or per vCPU of a flavor, and hour.

    `pool` is how v2 chooses GPUs for workers; a GPU type without one is not for serverless.
    """

    id: str
    name: str
    compute: Literal["GPU", "CPU"]
    pool: str | None = None
    usd_per_hour: Usd | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One version of an endpoint and the names of the settings that it changed; their values may be secrets."""

    id: str
    version: int | None = None
    source: str | None = None
    created_at: datetime | None = None
    workers: int | None = None
    changed: tuple[str, ...] = ()


class Endpoints(Protocol):
    """Serverless endpoints, as the flows see them.

    Reads raise `Failure`; changes are sent once and answer with an outcome. Names are not unique at Runpod: whoever
    wants to find an endpoint after an `Unknown` gives it a name of its own.
    """

    def gaps(self, order: EndpointOrder | EndpointChange) -> Sequence[Failure]:
        """What this dialect cannot make of an order; `create` and `update` refuse it without sending anything."""
        ...

    async def list_all(self) -> list[Endpoint]:
        """Every endpoint of the account."""
        ...

    async def get(self, identity: str) -> Endpoint | None:
        """One endpoint, or None."""
        ...

    async def create(self, order: EndpointOrder) -> MakeOutcome[Endpoint]:
        """Send one create, once; workers above the least start with the first jobs."""
        ...

    async def update(self, identity: str, change: EndpointChange) -> EditOutcome[Endpoint]:
        """Change an endpoint; workers take over a new container as they are replaced."""
        ...

    async def delete(self, identity: str) -> EditOutcome[Endpoint]:
        """Delete an endpoint with its workers and jobs, and in v2 the template that belongs to it."""
        ...

    async def workers(self, identity: str) -> list[Worker] | None:
        """The workers that are there now; None without such an endpoint."""
        ...

    async def worker_logs(
        self,
        identity: str,
        worker_id: str,
        *,
        tail: int = 100,
        since: datetime | None = None,
        source: LogSource | None = None,
    ) -> Logs | None:
        """The newest lines of a worker, or those from `since` on; v2 only."""
        ...

    async def releases(self, identity: str) -> list[Release] | None:
        """The versions of an endpoint, newest first; v2 only."""
        ...

    async def worker_types(self) -> list[WorkerType]:
        """What workers can run on, with list prices; v2 only."""
        ...


def cards(endpoint: Endpoint, types: Iterable[WorkerType]) -> tuple[str, ...]:
    """The GPU types that an endpoint's workers may run on.

    v2 keeps pools and what is excluded from them, so a card that Runpod adds to a pool later is among them too.
    """
    if endpoint.gpu_type_ids:
        return endpoint.gpu_type_ids
    pools, left_out = set(endpoint.gpu_pools), set(endpoint.excluded_gpu_type_ids)
    return tuple(one.id for one in types if one.pool in pools and one.id not in left_out)
