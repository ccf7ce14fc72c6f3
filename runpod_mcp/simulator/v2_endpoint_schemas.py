"""What the bodies of v2's serverless operations may hold, and how they become an endpoint's configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from runpod_mcp.simulator.bodies import Schema
from runpod_mcp.simulator.endpoints import Config
from runpod_mcp.simulator.price_list import PriceList
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.v2_container import CONTAINER, CUDA, NAME, TEXT, TEXTS, obj

_COUNT: Schema = {"type": "integer", "least": 0}
_SOME: Schema = {"type": "integer", "least": 1}
_TYPES: Schema = {"type": "array", "unique": True, "items": {"type": "string", "pattern": r"^\s*[^-\s]"}}
_GPU: dict[str, Schema] = {
    "pools": {"type": "array", "fewest": 1, "items": TEXT},
    "excludedTypes": _TYPES,
    "count": _SOME,
    "allowedCudaVersions": {"type": "array", "items": CUDA},
}
_CPU: Schema = {
    "type": "array",
    "fewest": 1,
    "unique": True,
    "items": obj("id", "vcpuCount", id=NAME, vcpuCount={"type": "integer", "least": 2}),
}
_SCALING: Schema = {
    "by": "type",
    "one_of": {
        "QUEUE_DELAY": obj("type", "queueDelay", type=TEXT, queueDelay={"type": "number", "least": 0.5}),
        "REQUEST_COUNT": obj("type", "requestCount", type=TEXT, requestCount=_SOME),
    },
}
_FIELDS: dict[str, Schema] = {
    **CONTAINER,
    "cpu": _CPU,
    "dataCenterIds": TEXTS,
    "flashboot": {"type": "string", "enum": ["OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT"]},
    "name": NAME,
    "networkVolumes": TEXTS,
    "scaling": _SCALING,
    "templateId": NAME,
    "timeout": {"type": "integer"},
    "workers": obj(min=_COUNT, max=_COUNT, idleTimeout={"type": "integer", "least": 1, "most": 3600}),
}
_GPU_CREATE = obj("pools", **_GPU, minCudaVersion=CUDA)
_GPU_UPDATE = obj(**_GPU, minCudaVersion={"type": "string", "pattern": r"^$|^\d+\.\d+$"})
_TYPE: Schema = {"type": "string", "enum": ["QUEUE", "LOAD_BALANCER"]}

CREATE = obj("name", "type", "scaling", **_FIELDS, gpu=_GPU_CREATE, type=_TYPE)
UPDATE = obj(**{**_FIELDS, "templateId": TEXT}, gpu=_GPU_UPDATE)


def check_create(body: Mapping[str, Any]) -> None:
    """Refuse what the schema's conditions do not allow (422), and both or neither kind of compute (400)."""
    errors = []
    if "templateId" not in body and "image" not in body:
        errors.append("$: missing property 'image'")
    if body["type"] == "LOAD_BALANCER" and body["scaling"]["type"] != "REQUEST_COUNT":
        errors.append("$.scaling.type: value must be one of 'REQUEST_COUNT'")
    if errors:
        raise Refusal(Reason.INVALID, errors=errors)
    if ("gpu" in body) == ("cpu" in body):
        raise Refusal(Reason.RULE, "exactly one of gpu or cpu must be set")


def check_update(body: Mapping[str, Any], config: Config) -> None:
    """Refuse another compute family or routing (400), and exclusions without their pools (422)."""
    if "excludedTypes" in body.get("gpu", {}) and "pools" not in body["gpu"]:
        raise Refusal(Reason.INVALID, errors=["$.gpu: missing property 'pools'"])
    if "gpu" in body and (config.is_cpu or "cpu" in body):
        raise Refusal(Reason.RULE, "the compute family of an endpoint cannot be changed")
    if "cpu" in body and not config.is_cpu:
        raise Refusal(Reason.RULE, "the compute family of an endpoint cannot be changed")
    scaling = body.get("scaling", {}).get("type")
    if config.type == "LOAD_BALANCER" and scaling == "QUEUE_DELAY":
        raise Refusal(Reason.RULE, "load-balancing endpoints scale on REQUEST_COUNT")


def read_config(body: Mapping[str, Any], before: Config, sold: PriceList) -> Config:
    """The configuration a valid body means, over the one before (the defaults, on a create)."""
    plain: dict[str, Any] = {
        "name": body.get("name"),
        "timeout_ms": body.get("timeout"),
        "flashboot": body.get("flashboot"),
        "data_center_ids": _texts(body.get("dataCenterIds")),
        "network_volume_ids": _texts(body.get("networkVolumes")),
    }
    config = replace(before, **{name: value for name, value in plain.items() if value is not None})
    config = _scaled(config, body.get("scaling", {}))
    config = _staffed(config, body.get("workers", {}))
    if "cpu" in body:
        return replace(config, cpus=tuple(_cpu(one, sold) for one in body["cpu"]))
    return _with_gpus(config, body["gpu"], sold) if "gpu" in body else config


def _texts(values: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def _scaled(config: Config, scaling: Mapping[str, Any]) -> Config:
    if not scaling:
        return config
    value = scaling.get("queueDelay", scaling.get("requestCount"))
    return replace(config, scaler_type=scaling["type"], scaler_value=value)


def _staffed(config: Config, workers: Mapping[str, Any]) -> Config:
    if "idleTimeout" in workers and config.type == "QUEUE" and config.scaler_type == "REQUEST_COUNT":
        text = "workers.idleTimeout is not applicable to queue-based endpoints scaling on REQUEST_COUNT"
        raise Refusal(Reason.RULE, text)
    return replace(
        config,
        workers_min=workers.get("min", config.workers_min),
        workers_max=workers.get("max", config.workers_max),
        idle_timeout=workers.get("idleTimeout", config.idle_timeout),
    )


def _cpu(one: Mapping[str, Any], sold: PriceList) -> tuple[str, int]:
    flavor, count = sold.cpus.get(one["id"]), one["vcpuCount"]
    if flavor is None:
        raise Refusal(Reason.RULE, f"Unknown CPU flavor: {one['id']}")
    if not flavor.fits(count):
        text = f"vcpuCount must be a power of two between {flavor.least} and {flavor.most}"
        raise Refusal(Reason.RULE, text)
    return flavor.id, count


def _with_gpus(config: Config, gpu: Mapping[str, Any], sold: PriceList) -> Config:
    exact = _texts(gpu.get("allowedCudaVersions"))
    config = replace(
        config,
        gpu_count=gpu.get("count", config.gpu_count),
        cuda_versions=config.cuda_versions if exact is None else exact,
        min_cuda_version=gpu.get("minCudaVersion", config.min_cuda_version) or None,
    )
    if "pools" not in gpu:
        return config
    pools = tuple(dict.fromkeys(gpu["pools"]))
    unknown = [pool for pool in pools if not sold.pool(pool)]
    if unknown:
        raise Refusal(Reason.RULE, f"Unknown GPU pool: {unknown[0]}")
    types = tuple(gpu_id for pool in pools for gpu_id in sold.pool(pool))
    excluded = tuple(text.strip() for text in gpu.get("excludedTypes", ()))
    if strangers := [text for text in excluded if text not in types]:
        raise Refusal(Reason.RULE, f"excludedTypes: {strangers[0]} is not a GPU type in the selected pools")
    left = tuple(gpu_id for gpu_id in types if gpu_id not in excluded)
    return replace(config, pools=pools, excluded=excluded, gpu_type_ids=left)
