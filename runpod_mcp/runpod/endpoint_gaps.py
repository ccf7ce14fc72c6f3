"""What neither dialect takes of an order for a serverless endpoint."""

from __future__ import annotations

from runpod_mcp.errors import Failure
from runpod_mcp.runpod.endpoints import EndpointChange, EndpointOrder
from runpod_mcp.runpod.gaps import gap, nothing_to_change

IDLE_SECONDS = range(1, 3601)
LONGEST_NAME = 191
"""v1's document; v2 names no limit."""


def endpoint_gaps(order: EndpointOrder | EndpointChange) -> list[Failure]:
    """The gaps of both dialects."""
    found = _compute(order) + _numbers(order)
    if order == EndpointChange():
        found.append(nothing_to_change())
    if order.name is not None and not (order.name.strip() and len(order.name) <= LONGEST_NAME):
        found.append(gap("name", f"An endpoint needs a name of 1 to {LONGEST_NAME} characters."))
    return found


def holds_secrets(order: EndpointOrder | EndpointChange) -> bool:
    """Whether env values go out with the order."""
    return bool(order.env)


def names_others(change: EndpointChange) -> bool:
    """Whether the change names other things, which Runpod may not find."""
    return bool(change.template_id or change.registry_id or change.network_volume_ids)


def _compute(order: EndpointOrder | EndpointChange) -> list[Failure]:
    gpus = bool(order.gpu_type_ids or order.gpu_pools)
    if gpus and order.cpu_flavor_ids:
        return [gap("cpuFlavorIds", "An endpoint has GPU workers or CPU workers; name one kind.")]
    if isinstance(order, EndpointOrder) and not (gpus or order.cpu_flavor_ids):
        return [gap("gpuTypeIds", "An endpoint needs gpuTypeIds or cpuFlavorIds.")]
    if isinstance(order, EndpointChange) and () in (order.gpu_type_ids, order.cpu_flavor_ids):
        return [gap("gpuTypeIds", "An endpoint needs something to run on; name at least one.")]
    cuda = order.allowed_cuda_versions or order.min_cuda_version
    if cuda and order.cpu_flavor_ids:
        return [gap("allowedCudaVersions", "CPU workers have no CUDA; leave the CUDA versions out.")]
    return []


def _numbers(order: EndpointOrder | EndpointChange) -> list[Failure]:
    found: list[Failure] = []
    least, most = order.workers_min, order.workers_max
    if min(least or 0, most or 0) < 0 or (least is not None and most is not None and least > most):
        found.append(gap("workersMax", "workersMax is not below workersMin, and neither is below 0."))
    if order.gpu_count is not None and order.gpu_count < 1:
        found.append(gap("gpuCount", "A GPU worker has 1 GPU or more."))
    idle = order.idle_timeout_seconds
    if idle is not None and idle not in IDLE_SECONDS:
        found.append(gap("idleTimeout", "idleTimeout is 1 to 3600 seconds."))
    value = order.scaler_value
    if value is not None and order.scaler == "REQUEST_COUNT" and not (value >= 1 and value == int(value)):
        found.append(gap("scalerValue", "REQUEST_COUNT scales by a whole number of requests, 1 or more."))
    if order.execution_timeout_ms is not None and order.execution_timeout_ms < 1:
        found.append(gap("executionTimeoutMs", "executionTimeoutMs is 1 or more."))
    return found
