"""Serverless endpoints in v2, which chooses GPUs by pools and takes single cards out of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from runpod_mcp.errors import Failure
from runpod_mcp.money import read_price
from runpod_mcp.runpod import parts
from runpod_mcp.runpod.collection import Collection, Words
from runpod_mcp.runpod.endpoint_gaps import holds_secrets, names_others
from runpod_mcp.runpod.endpoints import (
    CpuChoice,
    Endpoint,
    EndpointChange,
    EndpointOrder,
    Release,
    Worker,
    WorkerType,
)
from runpod_mcp.runpod.gaps import gap
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.listing import list_whole, read_whole
from runpod_mcp.runpod.logs import Logs, LogSource, read_logs
from runpod_mcp.runpod.questions import find
from runpod_mcp.runpod.reading import (
    fields,
    identifier,
    items,
    moment,
    number,
    read_all,
    segment,
    strings,
    text,
    truth,
    whole,
)
from runpod_mcp.runpod.results import EditOutcome, Gone, MakeOutcome, refused
from runpod_mcp.runpod.shelf import Shelf
from runpod_mcp.runpod.v2_endpoint_body import change_body, create_body, gaps

Wanted = TypeVar("Wanted", EndpointOrder, EndpointChange)


class V2Endpoints(Collection[Endpoint, EndpointOrder, EndpointChange]):
    """`Endpoints` in v2; see there for what each method promises."""

    def __init__(self, wire: Wire) -> None:
        """`wire` leads to a base URL ending in `/v2`."""
        shelf = Shelf(wire, "/serverless", "endpoint", read_endpoint, "endpoints")
        super().__init__(shelf, Words(gaps, create_body, change_body, holds_secrets, names_others))
        self._wire = wire

    async def create(self, order: EndpointOrder) -> MakeOutcome[Endpoint]:
        """Send one create, once, after the catalog has told which pools its GPU types are in."""
        try:
            return await super().create(await self._in_pools(order))
        except Failure as failure:
            return refused([failure])

    async def update(self, identity: str, change: EndpointChange) -> EditOutcome[Endpoint]:
        """Send one change, once, after the catalog has told which pools its GPU types are in."""
        if identifier(identity) is None:
            return Gone()
        try:
            return await super().update(identity, await self._in_pools(change))
        except Failure as failure:
            return refused([failure])

    async def workers(self, identity: str) -> list[Worker] | None:
        """The workers that are there now."""
        body = await self._below(identity, "workers")
        return None if body is None else read_whole(body.get("workers"), _worker, "workers")

    async def worker_logs(
        self,
        identity: str,
        worker_id: str,
        *,
        tail: int = 100,
        since: datetime | None = None,
        source: LogSource | None = None,
    ) -> Logs | None:
        """The newest lines of a worker, or those from `since` on."""
        if identifier(identity) is None or identifier(worker_id) is None:
            return None
        path = f"{self._shelf.at(identity)}/workers/{segment(worker_id)}/logs"
        return await read_logs(self._wire, path, "the worker's logs", tail=tail, since=since, source=source)

    async def releases(self, identity: str) -> list[Release] | None:
        """The versions of an endpoint, newest first."""
        body = await self._below(identity, "releases")
        return None if body is None else read_whole(body.get("releases"), _release, "releases")

    async def worker_types(self) -> list[WorkerType]:
        """What workers can run on, with list prices."""
        gpus = await list_whole(self._wire, "/catalog/gpus", "GPU types", _gpu_type, key="gpus")
        cpus = await list_whole(self._wire, "/catalog/cpus", "CPU flavors", _cpu_flavor, key="cpus")
        return gpus + cpus

    async def _in_pools(self, order: Wanted) -> Wanted:
        """The order with its GPU types written as pools and what to take out of them.

        Raises:
            Failure: the catalog could not be had, or a GPU type is in no pool.
        """
        if not order.gpu_type_ids or order.gpu_pools or self.gaps(order):
            return order
        listed = await list_whole(self._wire, "/catalog/gpus", "GPU types", _gpu_type, key="gpus")
        pools = {one.id: one.pool for one in listed}
        for wanted in order.gpu_type_ids:
            if not pools.get(wanted):
                raise gap(
                    "gpuTypeIds", f"Runpod has no serverless workers with {wanted!r}; name another GPU type."
                )
        chosen = dict.fromkeys(pool for one in order.gpu_type_ids if (pool := pools[one]))
        excluded = [one for one, pool in pools.items() if pool in chosen and one not in order.gpu_type_ids]
        return replace(order, gpu_pools=tuple(chosen), excluded_gpu_type_ids=tuple(excluded))

    async def _below(self, identity: str, what: str) -> Mapping[str, Any] | None:
        if identifier(identity) is None:
            return None
        body = await find(self._wire, f"{self._shelf.at(identity)}/{what}", f"the endpoint's {what}")
        return None if body is None else fields(body)


def read_endpoint(value: object) -> Endpoint | None:
    """The endpoint in a JSON value, or None when it is no object with an id; any other field may be missing or odd."""
    body = fields(value)
    endpoint_id = identifier(body.get("id"))
    if endpoint_id is None:
        return None
    gpu, workers, scaling = fields(body.get("gpu")), fields(body.get("workers")), fields(body.get("scaling"))
    return Endpoint(
        id=endpoint_id,
        name=text(body.get("name")),
        kind=text(body.get("type")),
        template_id=text(body.get("templateId")),
        gpu_pools=strings(gpu.get("pools")),
        excluded_gpu_type_ids=strings(gpu.get("excludedTypes")),
        gpu_count=whole(gpu.get("count")),
        cpus=read_all(body.get("cpu"), _cpu_choice),
        workers_min=whole(workers.get("min")),
        workers_max=whole(workers.get("max")),
        idle_timeout_seconds=whole(workers.get("idleTimeout")),
        scaler=text(scaling.get("type")),
        scaler_value=number(scaling.get("queueDelay", scaling.get("requestCount"))),
        data_center_ids=strings(body.get("dataCenterIds")),
        network_volume_ids=strings(body.get("networkVolumes")),
        flashboot=text(body.get("flashboot")),
        execution_timeout_ms=whole(body.get("timeout")),
        image=text(body.get("image")),
        container_disk_gb=whole(body.get("disk")),
        ports=strings(body.get("ports")),
        env_names=parts.env_names(body.get("env")),
        registry_id=text(body.get("registry")),
        allowed_cuda_versions=strings(gpu.get("allowedCudaVersions")),
        min_cuda_version=text(gpu.get("minCudaVersion")),
        created_at=moment(body.get("createdAt")),
        base_url=text(fields(body.get("requestUrls")).get("base")),
    )


def _cpu_choice(body: Mapping[str, Any]) -> CpuChoice | None:
    flavor = text(body.get("id"))
    return CpuChoice(flavor_id=flavor, vcpu_count=whole(body.get("vcpuCount"))) if flavor else None


def _worker(value: object) -> Worker | None:
    body = fields(value)
    worker_id = identifier(body.get("id"))
    if worker_id is None:
        return None
    return Worker(
        id=worker_id,
        status=text(body.get("status")),
        stale=truth(body.get("isStale")),
        version=whole(body.get("version")),
        gpu_type_id=text(body.get("gpuTypeId")),
        gpu_count=whole(body.get("gpuCount")),
        data_center_id=text(body.get("dataCenterId")),
        image=text(body.get("image")),
        started_at=moment(body.get("startedAt")),
        uptime_seconds=whole(body.get("uptimeSeconds")),
    )


def _release(value: object) -> Release | None:
    body = fields(value)
    release_id = identifier(body.get("id"))
    if release_id is None:
        return None
    changed = (text(fields(entry).get("field")) for entry in items(body.get("diff")))
    return Release(
        id=release_id,
        version=whole(body.get("version")),
        source=text(body.get("source")),
        created_at=moment(body.get("createdAt")),
        workers=whole(body.get("workerCount")),
        changed=tuple(name for name in changed if name),
    )


def _gpu_type(value: object) -> WorkerType | None:
    body = fields(value)
    gpu_id = text(body.get("id"))
    if gpu_id is None:
        return None
    price = read_price(fields(body.get("price")).get("serverless"))
    return WorkerType(
        id=gpu_id,
        name=text(body.get("name")) or gpu_id,
        compute="GPU",
        pool=text(body.get("pool")),
        usd_per_hour=price or None,
    )


def _cpu_flavor(value: object) -> WorkerType | None:
    body = fields(value)
    cpu_id = text(body.get("id"))
    if cpu_id is None:
        return None
    price = read_price(fields(body.get("price")).get("serverlessPerVcpu"))
    return WorkerType(
        id=parts.cpu_flavor(cpu_id),
        name=text(body.get("name")) or cpu_id,
        compute="CPU",
        usd_per_hour=price or None,
    )
