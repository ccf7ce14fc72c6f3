"""Serverless endpoints and their workers as v1 shows them."""

from __future__ import annotations

from typing import Any

from runpod_mcp.simulator.calls import Call
from runpod_mcp.simulator.endpoints import Endpoint, Worker
from runpod_mcp.simulator.v1_views import show_template
from runpod_mcp.simulator.world import World


def show_endpoint(endpoint: Endpoint, world: World, call: Call) -> dict[str, Any]:
    """A v1 Endpoint; its template and workers only when the call asks for them.

    Ids that are newer than the v1 document are left out, as its enums demand.
    """
    config = endpoint.config
    shown: dict[str, Any] = {
        "id": endpoint.id,
        "name": config.name,
        "userId": "user_simulated",
        "createdAt": endpoint.created_at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "computeType": "CPU" if config.is_cpu else "GPU",
        "dataCenterIds": _centers(endpoint, world),
        "env": dict(world.shelf.template_of_endpoint(endpoint.template_id).env),
        "executionTimeoutMs": config.timeout_ms,
        "idleTimeout": config.idle_timeout,
        "networkVolumeIds": list(config.network_volume_ids),
        "scalerType": config.scaler_type,
        "scalerValue": int(config.scaler_value),
        "templateId": endpoint.template_id,
        "version": endpoint.version,
        "workersMax": config.workers_max,
        "workersMin": config.workers_min,
        **_compute(endpoint, world),
    }
    if config.network_volume_ids:
        shown["networkVolumeId"] = config.network_volume_ids[0]
    if call.asked("includeTemplate") == "true":
        shown["template"] = show_template(world.shelf.template_of_endpoint(endpoint.template_id))
    if call.asked("includeWorkers") == "true":
        shown["workers"] = [show_worker(each, endpoint, world) for each in endpoint.workers.values()]
    return shown


def _centers(endpoint: Endpoint, world: World) -> list[str]:
    known = [center.id for center in world.price_list.data_centers.values() if center.in_v1]
    chosen = endpoint.config.data_center_ids
    return [center for center in chosen if center in known] if chosen else known


def _compute(endpoint: Endpoint, world: World) -> dict[str, Any]:
    config = endpoint.config
    if config.is_cpu:
        flavors = world.price_list.cpus
        return {"instanceIds": [f"{name}-{count}-{count * flavors[name].ram}" for name, count in config.cpus]}
    shown: dict[str, Any] = {
        "gpuCount": config.gpu_count,
        "gpuTypeIds": [name for name in config.gpu_type_ids if world.price_list.gpus[name].in_v1],
        "allowedCudaVersions": list(config.cuda_versions),
    }
    return {**shown, "minCudaVersion": config.min_cuda_version} if config.min_cuda_version else shown


def show_worker(worker: Worker, endpoint: Endpoint, world: World) -> dict[str, Any]:
    """A worker as a v1 Pod with its endpoint's id."""
    template = world.shelf.template_of_endpoint(endpoint.template_id)
    cost = float(worker.rate)
    shown: dict[str, Any] = {
        "id": worker.id,
        "name": f"{endpoint.config.name} - serverless",
        "endpointId": endpoint.id,
        "templateId": endpoint.template_id,
        "image": worker.image,
        "desiredStatus": "RUNNING",
        "costPerHr": cost,
        "adjustedCostPerHr": cost,
        "consumerUserId": "user_simulated",
        "containerDiskInGb": template.disk,
        "env": dict(template.env),
        "interruptible": False,
        "lastStartedAt": worker.started_at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " +0000 UTC",
        "locked": False,
        "machine": {},
        "ports": list(template.ports),
        "slsVersion": worker.version,
    }
    if worker.gpus:
        shown["gpu"] = {"id": worker.resource_id, "count": worker.gpus}
    else:
        shown["cpuFlavorId"] = worker.resource_id
    return shown
