"""What a change would make of an endpoint: which of it is new, what only takes away, and when it is seen to be so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from typing import Any

from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.endpoints_price import Sold, fleet_of
from runpod_mcp.policy.endpoint_rules import Fleet
from runpod_mcp.runpod.endpoints import CpuChoice, Endpoint, EndpointChange, cards

WORDS = {
    "workers_max": "workersMax",
    "workers_min": "workersMin",
    "template_id": "templateId",
    "gpu_type_ids": "gpuTypeIds",
    "gpu_count": "gpuCount",
    "cpu_flavor_ids": "cpuFlavorIds",
    "vcpu_count": "vcpuCount",
    "idle_timeout_seconds": "idleTimeout",
    "scaler": "scalerType",
    "scaler_value": "scalerValue",
    "data_center_ids": "dataCenterIds",
    "network_volume_ids": "networkVolumeIds",
    "execution_timeout_ms": "executionTimeoutMs",
    "image": "imageName",
    "container_disk_gb": "containerDiskInGb",
    "registry_id": "containerRegistryAuthId",
    "entrypoint": "dockerEntrypoint",
    "start_command": "dockerStartCmd",
    "allowed_cuda_versions": "allowedCudaVersions",
    "min_cuda_version": "minCudaVersion",
}
"""Runpod's spelling of a setting, where it is not the same."""

CAN_ONLY_TAKE_AWAY = frozenset({"workers_max", "workers_min", "idle_timeout_seconds", "execution_timeout_ms"})
COMPUTE = frozenset({"workers_max", "gpu_type_ids", "gpu_count", "cpu_flavor_ids", "vcpu_count"})
"""What decides what an endpoint can cost."""
RULED = {
    "image": "image_name",
    "template_id": "template_id",
    "ports": "ports",
    "container_disk_gb": "container_disk_in_gb",
}
"""Settings that have a rule of their own, and its name among the rules for pods."""
_WITHOUT_ORDER = frozenset(
    {
        "gpu_type_ids",
        "cpu_flavor_ids",
        "data_center_ids",
        "network_volume_ids",
        "ports",
        "allowed_cuda_versions",
    }
)
_UNTOLD = frozenset({"template_id", "env", "entrypoint", "start_command"})
"""What an endpoint does not show in a form that can be compared."""
_OF_THE_CLIENT = frozenset({"gpu_pools", "excluded_gpu_type_ids"})
"""How v2 writes GPU types; nobody asks for these here."""


def consistent(endpoint: Endpoint, change: EndpointChange) -> EndpointChange:
    """The change with fewer workers at least, where it leaves fewer at most."""
    most, least = change.workers_max, endpoint.workers_min or 0
    if most is None or change.workers_min is not None or least <= most:
        return change
    return replace(change, workers_min=most)


def wanted(change: EndpointChange) -> dict[str, Any]:
    """The settings that a change names, by field."""
    named = {one.name: getattr(change, one.name) for one in fields(change) if one.name not in _OF_THE_CLIENT}
    return {name: value for name, value in named.items() if value is not None}


def news(endpoint: Endpoint, change: EndpointChange, sold: Sold) -> frozenset[str]:
    """The fields that would change something; what cannot be compared counts as news."""
    return frozenset(
        name
        for name, value in wanted(change).items()
        if name in _UNTOLD or not _same(name, _shown(endpoint, name, sold), value)
    )


def is_seen(endpoint: Endpoint, change: EndpointChange, sold: Sold) -> bool:
    """Whether an endpoint shows everything that was asked for, as far as its API tells."""
    return all(_is_seen(endpoint, name, value, sold) for name, value in wanted(change).items())


def _is_seen(endpoint: Endpoint, name: str, value: Any, sold: Sold) -> bool:
    if name in _UNTOLD:
        return True
    shown = _shown(endpoint, name, sold)
    untold = shown is None and name not in COMPUTE
    return untold or _same(name, shown, value)


def _shown(endpoint: Endpoint, name: str, sold: Sold) -> Any:
    if name == "gpu_type_ids":
        return cards(endpoint, sold.types) or None
    if name == "cpu_flavor_ids":
        return tuple(one.flavor_id for one in endpoint.cpus) or None
    if name == "vcpu_count":
        counts = {one.vcpu_count for one in endpoint.cpus}
        return counts.pop() if len(counts) == 1 else None
    return getattr(endpoint, name)


def _same(name: str, shown: Any, value: Any) -> bool:
    if name in _WITHOUT_ORDER:
        return shown is not None and set(shown) == set(value)
    return bool(shown == value or (value == "" and shown is None))


def only_takes_away(endpoint: Endpoint, change: EndpointChange, new: Collection[str]) -> bool:
    """Whether nothing can become dearer, longer or wider by it: that is always allowed."""
    least = set(new) <= CAN_ONLY_TAKE_AWAY
    return least and all(_is_less(getattr(endpoint, name), getattr(change, name)) for name in new)


def _is_less(shown: float | None, value: float) -> bool:
    return value == 0 or (shown is not None and value < shown)


def fleet_after(endpoint: Endpoint, change: EndpointChange, sold: Sold) -> Fleet | None:
    """The workers it may have after a change; None where Runpod does not say enough."""
    most = endpoint.workers_max if change.workers_max is None else change.workers_max
    cpus = endpoint.cpus
    if change.cpu_flavor_ids is not None or change.vcpu_count is not None:
        flavors = change.cpu_flavor_ids or tuple(one.flavor_id for one in cpus)
        count = change.vcpu_count or _shown(endpoint, "vcpu_count", sold)
        cpus = tuple(CpuChoice(flavor_id=one, vcpu_count=count) for one in flavors)
    after = replace(
        endpoint,
        workers_max=most,
        gpu_type_ids=change.gpu_type_ids or endpoint.gpu_type_ids,
        gpu_count=change.gpu_count or endpoint.gpu_count,
        cpus=cpus,
    )
    return fleet_of(after, sold)


def refuse_other_compute(endpoint: Endpoint, change: EndpointChange) -> None:
    """GPU endpoints stay GPU endpoints, and CPU endpoints CPU endpoints.

    Raises:
        Failure: `invalid_arguments`.
    """
    cpu = bool(endpoint.cpus)
    names = ("gpu_type_ids", "gpu_count") if cpu else ("cpu_flavor_ids", "vcpu_count")
    for name in names:
        if getattr(change, name) is not None:
            kind = "CPU" if cpu else "GPU"
            message = f"Endpoint {endpoint.id} has {kind} workers, and that cannot change; make another one."
            raise Failure(Code.INVALID_ARGUMENTS, message, field=WORDS[name])
