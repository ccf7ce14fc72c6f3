"""An endpoint as v1 writes it: bodies for creating and changing one, and what v1 cannot express.

v1 makes every endpoint from a template: image, env, ports, disk and command belong to the template.
"""

from __future__ import annotations

from typing import Any

from runpod_mcp.errors import Failure
from runpod_mcp.pods.values import CUDA_VERSIONS, DATA_CENTER_IDS, GPU_TYPE_IDS
from runpod_mcp.runpod.collection import filled
from runpod_mcp.runpod.endpoint_gaps import endpoint_gaps
from runpod_mcp.runpod.endpoints import EndpointChange, EndpointOrder
from runpod_mcp.runpod.gaps import gap, unknown_to_v1

SERVERLESS_CPU_FLAVORS = ("cpu3c", "cpu3g", "cpu5c", "cpu5g")

_OF_THE_TEMPLATE = {
    "imageName": "image",
    "containerDiskInGb": "container_disk_gb",
    "ports": "ports",
    "env": "env",
    "containerRegistryAuthId": "registry_id",
    "dockerEntrypoint": "entrypoint",
    "dockerStartCmd": "start_command",
}


def gaps(order: EndpointOrder | EndpointChange) -> list[Failure]:
    """What v1 cannot make of an order."""
    found = endpoint_gaps(order)
    for name, attribute in _OF_THE_TEMPLATE.items():
        value = getattr(order, attribute)
        if value or (isinstance(order, EndpointChange) and value is not None):
            message = (
                f"In Runpod's v1 API {name} belongs to the endpoint's template; set it there, or use v2."
            )
            found.append(gap(name, message))
    if order.flashboot == "PRIORITY_FLASHBOOT":
        found.append(
            gap("flashboot", "Runpod's v1 API has flashboot on or off; ask for FLASHBOOT, or use v2.")
        )
    if order.gpu_pools or order.excluded_gpu_type_ids:
        found.append(gap("gpuTypeIds", "Runpod's v1 API has no GPU pools; name gpuTypeIds."))
    value = order.scaler_value
    if value is not None and not (value >= 1 and value == int(value)):
        found.append(gap("scalerValue", "Runpod's v1 API takes a whole scalerValue of 1 or more."))
    if isinstance(order, EndpointOrder):
        found += _order_gaps(order)
    elif order.min_cuda_version == "":
        found.append(gap("minCudaVersion", "Runpod's v1 API cannot take minCudaVersion away; use v2."))
    return found + _lists(order)


def _order_gaps(order: EndpointOrder) -> list[Failure]:
    found: list[Failure] = []
    if not order.template_id:
        found.append(
            gap("templateId", "Runpod's v1 API makes an endpoint from a template; create one first.")
        )
    if order.kind != "QUEUE":
        found.append(gap("type", "Runpod's v1 API makes queue endpoints only; ask for QUEUE, or use v2."))
    return found


def _lists(order: EndpointOrder | EndpointChange) -> list[Failure]:
    floor = (order.min_cuda_version,) if order.min_cuda_version else ()
    return [
        *unknown_to_v1("gpuTypeIds", order.gpu_type_ids or (), GPU_TYPE_IDS),
        *unknown_to_v1("cpuFlavorIds", order.cpu_flavor_ids or (), SERVERLESS_CPU_FLAVORS),
        *unknown_to_v1("dataCenterIds", order.data_center_ids or (), DATA_CENTER_IDS),
        *unknown_to_v1("allowedCudaVersions", order.allowed_cuda_versions or (), CUDA_VERSIONS),
        *unknown_to_v1("minCudaVersion", floor, CUDA_VERSIONS),
    ]


def create_body(order: EndpointOrder) -> dict[str, Any]:
    """The body of the create call."""
    cpu = bool(order.cpu_flavor_ids)
    return filled(
        name=order.name,
        templateId=order.template_id,
        computeType="CPU" if cpu else "GPU",
        gpuTypeIds=order.gpu_type_ids or None,
        gpuCount=None if cpu else order.gpu_count,
        cpuFlavorIds=order.cpu_flavor_ids or None,
        vcpuCount=order.vcpu_count if cpu else None,
        dataCenterIds=order.data_center_ids or None,
        allowedCudaVersions=order.allowed_cuda_versions or None,
        minCudaVersion=order.min_cuda_version or None,
        **_volumes(order.network_volume_ids or None),
        **_settings(order),
    )


def change_body(change: EndpointChange) -> dict[str, Any]:
    """The body of a PATCH: only what is to change."""
    return filled(
        name=change.name,
        templateId=change.template_id,
        gpuTypeIds=change.gpu_type_ids,
        gpuCount=change.gpu_count,
        cpuFlavorIds=change.cpu_flavor_ids,
        vcpuCount=change.vcpu_count,
        dataCenterIds=change.data_center_ids,
        allowedCudaVersions=change.allowed_cuda_versions,
        minCudaVersion=change.min_cuda_version,
        **_volumes(change.network_volume_ids),
        **_settings(change),
    )


def _settings(order: EndpointOrder | EndpointChange) -> dict[str, Any]:
    return {
        "workersMin": order.workers_min,
        "workersMax": order.workers_max,
        "idleTimeout": order.idle_timeout_seconds,
        "scalerType": order.scaler,
        "scalerValue": None if order.scaler_value is None else int(order.scaler_value),
        "executionTimeoutMs": order.execution_timeout_ms,
        "flashboot": None if order.flashboot is None else order.flashboot == "FLASHBOOT",
    }


def _volumes(volumes: tuple[str, ...] | None) -> dict[str, Any]:
    """One volume under the older name; the list is for endpoints in several regions."""
    if volumes is not None and len(volumes) == 1:
        return {"networkVolumeId": volumes[0]}
    return {"networkVolumeIds": volumes}
