"""Serverless endpoints in v1: named by GPU types, made from a template, and without logs, releases or prices."""

from __future__ import annotations

import re
from datetime import datetime

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
from runpod_mcp.runpod.failures import unreadable
from runpod_mcp.runpod.gaps import only_in_v2
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.logs import Logs, LogSource
from runpod_mcp.runpod.reading import fields, identifier, items, moment, number, strings, text, whole
from runpod_mcp.runpod.shelf import Shelf
from runpod_mcp.runpod.v1_endpoint_body import change_body, create_body, gaps
from runpod_mcp.runpod.v1_pod import read_pod
from runpod_mcp.runpod.v1_templates import read_template

WHOLE = {"includeTemplate": "true", "includeWorkers": "true"}
"""Without these neither is in the answer (v1 document)."""


class V1Endpoints(Collection[Endpoint, EndpointOrder, EndpointChange]):
    """`Endpoints` in v1; see there for what each method promises."""

    def __init__(self, wire: Wire) -> None:
        """`wire` leads to a base URL ending in `/v1`."""
        shelf = Shelf(wire, "/endpoints", "endpoint", read_endpoint, query=WHOLE)
        super().__init__(shelf, Words(gaps, create_body, change_body, holds_secrets, names_others), WHOLE)

    async def workers(self, identity: str) -> list[Worker] | None:
        """The workers that are there now, which v1 tells with the endpoint."""
        endpoint = await self.get(identity)
        if endpoint is None:
            return None
        if endpoint.workers is None:
            raise unreadable("workers")
        return list(endpoint.workers)

    async def worker_logs(
        self,
        identity: str,  # noqa: ARG002
        worker_id: str,  # noqa: ARG002
        *,
        tail: int = 100,  # noqa: ARG002
        since: datetime | None = None,  # noqa: ARG002
        source: LogSource | None = None,  # noqa: ARG002
    ) -> Logs | None:
        """Always a failure: v1 has no logs."""
        raise only_in_v2("logs")

    async def releases(self, identity: str) -> list[Release] | None:  # noqa: ARG002
        """Always a failure: v1 has no releases."""
        raise only_in_v2("releases")

    async def worker_types(self) -> list[WorkerType]:
        """Always a failure: neither v1 nor the GraphQL catalog tells what a worker costs."""
        raise only_in_v2("prices of serverless workers")


def read_endpoint(value: object) -> Endpoint | None:
    """The endpoint in a JSON value, or None when it is no object with an id; any other field may be missing or odd."""
    body = fields(value)
    endpoint_id = identifier(body.get("id"))
    if endpoint_id is None:
        return None
    template = read_template(body.get("template"))
    single = text(body.get("networkVolumeId"))
    return Endpoint(
        id=endpoint_id,
        name=text(body.get("name")),
        kind="QUEUE",
        template_id=text(body.get("templateId")),
        gpu_type_ids=strings(body.get("gpuTypeIds")),
        gpu_count=whole(body.get("gpuCount")),
        cpus=tuple(map(_cpu_choice, strings(body.get("instanceIds")))),
        workers_min=whole(body.get("workersMin")),
        workers_max=whole(body.get("workersMax")),
        idle_timeout_seconds=whole(body.get("idleTimeout")),
        scaler=text(body.get("scalerType")),
        scaler_value=number(body.get("scalerValue")),
        data_center_ids=strings(body.get("dataCenterIds")),
        network_volume_ids=strings(body.get("networkVolumeIds")) or ((single,) if single else ()),
        execution_timeout_ms=whole(body.get("executionTimeoutMs")),
        image=template.image if template else None,
        container_disk_gb=template.container_disk_gb if template else None,
        ports=(template.ports or ()) if template else (),
        env_names=parts.env_names(body.get("env")) or (template.env_names if template else ()),
        registry_id=template.registry_id if template else None,
        allowed_cuda_versions=strings(body.get("allowedCudaVersions")),
        min_cuda_version=text(body.get("minCudaVersion")),
        version=whole(body.get("version")),
        created_at=moment(body.get("createdAt")),
        workers=_workers(body.get("workers")),
    )


def _cpu_choice(instance: str) -> CpuChoice:
    """`cpu3c-8-16` is 8 vCPUs and 16 GB of flavor cpu3c."""
    vcpus = re.fullmatch(r"cpu\d+[a-z]+-(\d{1,3})-\d+", instance)
    return CpuChoice(flavor_id=parts.cpu_flavor(instance), vcpu_count=int(vcpus[1]) if vcpus else None)


def _workers(value: object) -> tuple[Worker, ...] | None:
    """The workers, or None when there is no list of them or one cannot be read."""
    found = [worker for one in items(value) if (worker := _worker(one)) is not None]
    return tuple(found) if isinstance(value, list) and len(found) == len(value) else None


def _worker(value: object) -> Worker | None:
    pod = read_pod(value)
    if pod is None:
        return None
    return Worker(
        id=pod.id,
        status=pod.raw_status,
        gpu_type_id=pod.gpu_type_id,
        gpu_count=pod.gpu_count,
        data_center_id=pod.data_center_id,
        image=pod.image,
        started_at=pod.started_at,
        usd_per_hour=pod.usd_per_hour,
    )
