"""The world's things as v1 shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runpod_mcp.simulator.pods import Pod
from runpod_mcp.simulator.price_list import CLOUDS
from runpod_mcp.simulator.shelf import NetworkVolume, Template
from runpod_mcp.simulator.world import World

_DESIRED = {"EXITED": "EXITED", "TERMINATED": "TERMINATED"}


def show_pod(
    pod: Pod, world: World, include: frozenset[str] = frozenset(), status: str | None = None
) -> dict[str, Any]:
    """A v1 Pod. `include` holds the answers wished for: machine, networkVolume, template, savingsPlans.

    `desiredStatus` is the intent, so RUNNING from the first moment. As seen live, `machine` is `{}` unless asked
    for, and a fresh pod has no `gpu` at all until its machine is known.
    """
    now = world.now()
    order = pod.order
    cost = float(world.shown_cost(pod))
    shown: dict[str, Any] = {
        "id": pod.id,
        "name": order.name,
        "image": order.image,
        "desiredStatus": _DESIRED.get(status or pod.status(now), "RUNNING"),
        "costPerHr": cost,
        "adjustedCostPerHr": cost,
        "consumerUserId": "user_simulated",
        "containerDiskInGb": order.disk,
        "dockerEntrypoint": list(order.entrypoint),
        "dockerStartCmd": list(order.cmd),
        "env": dict(order.env),
        "interruptible": order.interruptible,
        "lastStartedAt": pod.started_at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " +0000 UTC",
        "lastStatusChange": pod.last_change,
        "locked": order.locked,
        "machine": _machine(pod, world, now) if "machine" in include else {},
        "machineId": pod.machine_id if pod.machine_known(now) else "",
        "memoryInGb": pod.ram,
        "ports": list(order.ports),
        "savingsPlans": [],
        "vcpuCount": pod.vcpus,
        "volumeEncrypted": False,
        "volumeInGb": order.volume,
        "volumeMountPath": order.mount_path,
        **_network(pod, now),
        **_optional(pod, world, include),
    }
    if pod.machine_known(now) and not order.is_cpu:
        shown["gpu"] = {"count": pod.gpus, **_gpu_type(pod, world)}
    return shown


def _network(pod: Pod, now: datetime) -> dict[str, Any]:
    ready = pod.ready(now)
    tcp = {
        spec.partition("/")[0]: public for spec, public in pod.public_ports.items() if spec.endswith("/tcp")
    }
    return {
        "publicIp": pod.public_ip if ready else "",
        "portMappings": tcp if ready and pod.public_ip else None,
    }


def _optional(pod: Pod, world: World, include: frozenset[str]) -> dict[str, Any]:
    order = pod.order
    names: Mapping[str, str | None] = {
        "templateId": order.template_id,
        "containerRegistryAuthId": order.registry,
        "cpuFlavorId": pod.resource_id if order.is_cpu else None,
        "networkVolumeId": order.network_volume_id,
    }
    shown: dict[str, Any] = {name: value for name, value in names.items() if value}
    if order.network_volume_id in world.shelf.volumes and "networkVolume" in include:
        shown["networkVolume"] = show_volume(world.shelf.volumes[order.network_volume_id or ""])
    if order.template_id in world.shelf.templates and "template" in include:
        shown["template"] = show_template(world.shelf.templates[order.template_id or ""])
    return shown


def _gpu_type(pod: Pod, world: World) -> dict[str, Any]:
    gpu = world.price_list.gpus[pod.resource_id]
    price = {f"{cloud.lower()}Price": float(world.stock.shown_price(gpu.id, cloud)) for cloud in CLOUDS}
    spot = {f"{cloud.lower()}SpotPrice": float(gpu.offers[cloud].spot or 0) for cloud in CLOUDS}
    return {"id": gpu.id, "displayName": gpu.name, **price, **spot}


def _machine(pod: Pod, world: World, now: datetime) -> dict[str, Any]:
    if not pod.machine_known(now):
        return {}
    center = world.price_list.data_centers[pod.data_center_id]
    machine: dict[str, Any] = {
        "dataCenterId": center.id,
        "location": center.country,
        "secureCloud": pod.order.cloud == "SECURE",
        "supportPublicIp": bool(pod.public_ip),
        "cpuCount": 128,
        "costPerHr": float(pod.compute),
        "maintenanceStart": "",
        "maintenanceEnd": "",
        "maintenanceNote": "",
        "note": "",
    }
    return machine if pod.order.is_cpu else {**machine, **_machine_gpu(pod, world)}


def _machine_gpu(pod: Pod, world: World) -> dict[str, Any]:
    gpu = _gpu_type(pod, world)
    return {
        "gpuTypeId": pod.resource_id,
        "gpuType": gpu,
        "gpuDisplayName": gpu["displayName"],
        "gpuAvailable": world.stock.free(pod.placed_at),
        "currentPricePerGpu": float(pod.compute / max(pod.gpus, 1)),
        "minPodGpuCount": 1,
    }


def show_volume(volume: NetworkVolume) -> dict[str, Any]:
    """A v1 NetworkVolume."""
    return {"id": volume.id, "name": volume.name, "size": volume.size, "dataCenterId": volume.data_center_id}


def show_template(template: Template) -> dict[str, Any]:
    """A v1 Template."""
    return {
        "id": template.id,
        "name": template.name,
        "imageName": template.image,
        "containerDiskInGb": template.disk,
        "volumeInGb": template.volume,
        "volumeMountPath": template.mount_path,
        "ports": list(template.ports),
        "env": dict(template.env),
        "category": template.category,
        "dockerEntrypoint": list(template.entrypoint),
        "dockerStartCmd": list(template.cmd),
        "isPublic": template.public,
        "isRunpod": template.official,
        "isServerless": template.serverless,
        "readme": template.readme,
        **({"containerRegistryAuthId": template.registry} if template.registry else {}),
    }
