"""An endpoint as v2 writes it: bodies for creating and changing one, and what v2 cannot express."""

from __future__ import annotations

from typing import Any

from runpod_mcp.errors import Failure
from runpod_mcp.runpod.collection import filled
from runpod_mcp.runpod.endpoint_gaps import endpoint_gaps
from runpod_mcp.runpod.endpoints import EndpointChange, EndpointOrder
from runpod_mcp.runpod.gaps import gap

SHORTEST_DELAY = 0.5


def gaps(order: EndpointOrder | EndpointChange) -> list[Failure]:
    """What v2 cannot make of an order."""
    found = endpoint_gaps(order)
    if order.allowed_cuda_versions and order.min_cuda_version:
        message = "Runpod's v2 API takes allowedCudaVersions or minCudaVersion; leave one out."
        found.append(gap("minCudaVersion", message))
    if (
        order.scaler != "REQUEST_COUNT"
        and order.scaler_value is not None
        and order.scaler_value < SHORTEST_DELAY
    ):
        found.append(gap("scalerValue", f"QUEUE_DELAY scales after {SHORTEST_DELAY} seconds or more."))
    vcpus = order.vcpu_count
    if order.cpu_flavor_ids and vcpus is not None and (vcpus < 2 or vcpus & (vcpus - 1)):
        found.append(gap("vcpuCount", "vcpuCount is a power of two, 2 or more."))
    return found + (_order_gaps(order) if isinstance(order, EndpointOrder) else _change_gaps(order))


def _order_gaps(order: EndpointOrder) -> list[Failure]:
    found: list[Failure] = []
    if not order.template_id and not order.image:
        found.append(gap("imageName", "An endpoint needs an image or a serverless template."))
    if order.kind == "LOAD_BALANCER" and order.scaler != "REQUEST_COUNT":
        found.append(gap("scalerType", "A load-balancing endpoint scales by REQUEST_COUNT."))
    queue_by_count = order.kind == "QUEUE" and order.scaler == "REQUEST_COUNT"
    if queue_by_count and order.idle_timeout_seconds is not None:
        message = "Runpod's v2 API has no idleTimeout for queues that scale by REQUEST_COUNT; leave it out."
        found.append(gap("idleTimeout", message))
    return found


def _change_gaps(change: EndpointChange) -> list[Failure]:
    found: list[Failure] = []
    if (change.scaler is None) != (change.scaler_value is None):
        message = "Runpod's v2 API changes scalerType and scalerValue together; say both."
        found.append(gap("scalerType", message))
    if (change.cpu_flavor_ids is None) != (change.vcpu_count is None):
        message = "Runpod's v2 API changes cpuFlavorIds and vcpuCount together; say both."
        found.append(gap("cpuFlavorIds", message))
    return found


def create_body(order: EndpointOrder) -> dict[str, Any]:
    """The body of the create call; the GPU types are already written as pools."""
    return filled(
        name=order.name,
        type=order.kind,
        templateId=order.template_id or None,
        gpu=_gpu(order) if order.gpu_pools else None,
        cpu=_cpu(order.cpu_flavor_ids, order.vcpu_count),
        scaling=_scaling(order.scaler, order.scaler_value),
        workers=_workers(order),
        dataCenterIds=order.data_center_ids or None,
        networkVolumes=order.network_volume_ids or None,
        timeout=order.execution_timeout_ms,
        flashboot=order.flashboot,
        image=order.image or None,
        disk=order.container_disk_gb,
        ports=order.ports,
        env=dict(order.env) or None,
        registry=order.registry_id or None,
        entrypoint=order.entrypoint or None,
        cmd=order.start_command or None,
    )


def change_body(change: EndpointChange) -> dict[str, Any]:
    """The body of a PATCH: only what is to change."""
    body = filled(
        name=change.name,
        templateId=change.template_id,
        gpu=_gpu(change) or None,
        cpu=_cpu(change.cpu_flavor_ids or (), change.vcpu_count),
        scaling=_scaling(change.scaler, change.scaler_value),
        workers=_workers(change) or None,
        dataCenterIds=change.data_center_ids,
        networkVolumes=change.network_volume_ids,
        timeout=change.execution_timeout_ms,
        flashboot=change.flashboot,
        image=change.image,
        disk=change.container_disk_gb,
        ports=change.ports,
        env=None if change.env is None else dict(change.env),
        registry=change.registry_id,
        entrypoint=change.entrypoint,
        cmd=change.start_command,
    )
    return {**body, "registry": None} if change.registry_id == "" else body


def _gpu(order: EndpointOrder | EndpointChange) -> dict[str, Any]:
    """Pools with everything that was not asked for taken out of them; in a change, what is empty clears what is there."""
    found = filled(
        pools=order.gpu_pools or None,
        excludedTypes=order.excluded_gpu_type_ids if order.gpu_pools else None,
        count=order.gpu_count,
        allowedCudaVersions=order.allowed_cuda_versions,
        minCudaVersion=order.min_cuda_version,
    )
    if isinstance(order, EndpointChange):
        return found
    return {name: value for name, value in found.items() if value not in ([], "")}


def _cpu(flavors: tuple[str, ...], vcpu_count: int | None) -> list[dict[str, Any]] | None:
    return [{"id": flavor, "vcpuCount": vcpu_count} for flavor in dict.fromkeys(flavors)] or None


def _scaling(scaler: str | None, value: float | None) -> dict[str, Any] | None:
    if scaler is None or value is None:
        return None
    if scaler == "REQUEST_COUNT":
        return {"type": scaler, "requestCount": int(value)}
    return {"type": scaler, "queueDelay": value}


def _workers(order: EndpointOrder | EndpointChange) -> dict[str, Any]:
    return filled(min=order.workers_min, max=order.workers_max, idleTimeout=order.idle_timeout_seconds)
