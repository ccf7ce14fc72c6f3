"""Serverless endpoints of v1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from runpod_mcp.simulator.bodies import Schema
from runpod_mcp.simulator.calls import Call, Reply, Route
from runpod_mcp.simulator.endpoint_care import (
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    find_endpoint,
    listed_endpoints,
)
from runpod_mcp.simulator.endpoints import Config, Endpoint
from runpod_mcp.simulator.price_list import CUDA_VERSIONS
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.templates import Template
from runpod_mcp.simulator.v1_body import FLAG, TEXT, TEXTS, read_body
from runpod_mcp.simulator.v1_endpoint_views import show_endpoint
from runpod_mcp.simulator.world import World

_CPU_FLAVORS = ("cpu3c", "cpu3g", "cpu5c", "cpu5g")
_COUNT: Schema = {"type": "integer", "least": 0}
_SOME: Schema = {"type": "integer", "least": 1}
_NAMES = {
    "name": "name",
    "workersMin": "workers_min",
    "workersMax": "workers_max",
    "idleTimeout": "idle_timeout",
    "scalerType": "scaler_type",
    "scalerValue": "scaler_value",
    "executionTimeoutMs": "timeout_ms",
    "gpuCount": "gpu_count",
    "dataCenterIds": "data_center_ids",
    "networkVolumeIds": "network_volume_ids",
    "allowedCudaVersions": "cuda_versions",
    "minCudaVersion": "min_cuda_version",
}
_EXECUTION_TIMEOUT_MS = 600_000


def _fields(world: World) -> dict[str, Schema]:
    sold = world.price_list
    gpus = [gpu.id for gpu in sold.gpus.values() if gpu.in_v1]
    centers = [center.id for center in sold.data_centers.values() if center.in_v1]
    return {
        "allowedCudaVersions": _enum_list(CUDA_VERSIONS),
        "cpuFlavorIds": _enum_list(_CPU_FLAVORS),
        "dataCenterIds": _enum_list(centers),
        "executionTimeoutMs": {"type": "integer"},
        "flashboot": FLAG,
        "gpuCount": _SOME,
        "gpuTypeIds": _enum_list(gpus),
        "idleTimeout": {"type": "integer", "least": 1, "most": 3600},
        "minCudaVersion": {"type": "string", "enum": CUDA_VERSIONS},
        "name": TEXT,
        "networkVolumeId": TEXT,
        "networkVolumeIds": TEXTS,
        "scalerType": {"type": "string", "enum": ("QUEUE_DELAY", "REQUEST_COUNT")},
        "scalerValue": _SOME,
        "templateId": TEXT,
        "vcpuCount": {"type": "integer"},
        "workersMax": _COUNT,
        "workersMin": _COUNT,
    }


def _enum_list(choices: Sequence[str]) -> Schema:
    return {"type": "array", "items": {"type": "string", "enum": choices}}


class Endpoints:
    """The operations under `/v1/endpoints`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[Route]:
        """List, create, get, update (by two ways), delete."""
        one = "/endpoints/{id}"
        return [
            Route("GET", "/endpoints", "endpoint_list", self._list),
            Route("POST", "/endpoints", "endpoint_create", self._create),
            Route("GET", one, "endpoint_get", self._get),
            Route("PATCH", one, "endpoint_update", self._update),
            Route("POST", f"{one}/update", "endpoint_update", self._update),
            Route("DELETE", one, "endpoint_delete", self._delete),
        ]

    def _list(self, call: Call) -> Reply:
        shown = [show_endpoint(each, self._world, call) for each in listed_endpoints(self._world)]
        return Reply(200, shown)

    def _get(self, call: Call) -> Reply:
        return Reply(200, show_endpoint(self._find(call), self._world, call))

    def _find(self, call: Call) -> Endpoint:
        return find_endpoint(self._world, call.ids["id"])

    def _create(self, call: Call) -> Reply:
        fields = {**_fields(self._world), "computeType": {"type": "string", "enum": ("GPU", "CPU")}}
        body = read_body(call, fields, ("templateId",))
        template = self._template(body["templateId"])
        start = Config(body.get("name", template.name), timeout_ms=_EXECUTION_TIMEOUT_MS)
        is_cpu = body.get("computeType", "GPU") == "CPU"
        config = self._read(body, start, is_cpu=is_cpu, fresh=True)
        endpoint = create_endpoint(self._world, config, template)
        return Reply(200, show_endpoint(endpoint, self._world, call))

    def _template(self, template_id: str) -> Template:
        template = self._world.shelf.templates.get(template_id)
        if template is None or not template.serverless:
            raise Refusal(Reason.RULE, f"serverless template {template_id} not found")
        return template

    def _update(self, call: Call) -> Reply:
        endpoint = self._find(call)
        body = read_body(call, _fields(self._world))
        template = self._template(body["templateId"]) if "templateId" in body else None
        config = self._read(body, endpoint.config, is_cpu=endpoint.config.is_cpu, fresh=False)
        change_endpoint(self._world, endpoint, config, template)
        return Reply(200, show_endpoint(endpoint, self._world, call))

    def _delete(self, call: Call) -> Reply:
        delete_endpoint(self._world, self._find(call))
        return Reply(204)

    def _read(self, body: Mapping[str, Any], before: Config, *, is_cpu: bool, fresh: bool) -> Config:
        named = {_NAMES[name]: value for name, value in body.items() if name in _NAMES}
        wanted: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in named.items()
        }
        if "networkVolumeId" in body and "networkVolumeIds" not in body:
            wanted["network_volume_ids"] = (body["networkVolumeId"],) if body["networkVolumeId"] else ()
        if "flashboot" in body:
            wanted["flashboot"] = "FLASHBOOT" if body["flashboot"] else "OFF"
        config = replace(before, **wanted)
        if is_cpu:
            return self._with_cpus(config, body, fresh=fresh)
        return self._with_gpus(config, body) if fresh or "gpuTypeIds" in body else config

    def _with_cpus(self, config: Config, body: Mapping[str, Any], *, fresh: bool) -> Config:
        if not fresh and not {"cpuFlavorIds", "vcpuCount"} & set(body):
            return config
        known = tuple(dict.fromkeys(name for name, _ in config.cpus)) or _CPU_FLAVORS
        count = body.get("vcpuCount", config.cpus[0][1] if config.cpus else 2)
        flavors = body.get("cpuFlavorIds") or known
        if not all(self._world.price_list.cpus[name].fits(count) for name in flavors):
            raise Refusal(Reason.RULE, f"vcpuCount {count} is not available for these CPU flavors")
        return replace(config, cpus=tuple((name, count) for name in flavors), gpu_type_ids=())

    def _with_gpus(self, config: Config, body: Mapping[str, Any]) -> Config:
        gpus = self._world.price_list.gpus
        everything = [gpu.id for gpu in gpus.values() if gpu.in_v1 and gpu.pool]
        wanted = tuple(body.get("gpuTypeIds") or everything)
        if strangers := [name for name in wanted if gpus[name].pool is None]:
            raise Refusal(Reason.RULE, f"GPU type {strangers[0]} is not available for serverless")
        pools = tuple(dict.fromkeys(gpus[name].pool or "" for name in wanted))
        members = [name for pool in pools for name in self._world.price_list.pool(pool)]
        excluded = tuple(name for name in members if name not in wanted)
        return replace(config, gpu_type_ids=wanted, pools=pools, excluded=excluded)
