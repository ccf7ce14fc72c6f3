"""A v1 create body, read into an order: loose about names it does not know, with defaults for everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runpod_mcp.simulator.bodies import Schema, violations
from runpod_mcp.simulator.pods import Order
from runpod_mcp.simulator.price_list import CLOUDS, CUDA_VERSIONS, cpu_disk_limit
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.shelf import Template
from runpod_mcp.simulator.world import World

_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_FLAG: Schema = {"type": "boolean"}
_NUMBER: Schema = {"type": "number"}
_SIZE: Schema = {"type": ["integer", "null"], "least": 0}
_PRIORITY: Schema = {"type": "string", "enum": ["availability", "custom"]}

_UPDATE: dict[str, Schema] = {
    "containerDiskInGb": _SIZE,
    "containerRegistryAuthId": {"type": ["string", "null"]},
    "dockerEntrypoint": _TEXTS,
    "dockerStartCmd": _TEXTS,
    "env": {"type": "object", "additional": _TEXT},
    "globalNetworking": _FLAG,
    "imageName": _TEXT,
    "locked": _FLAG,
    "name": _TEXT,
    "ports": _TEXTS,
    "volumeInGb": _SIZE,
    "volumeMountPath": _TEXT,
}
_DEFAULT_PORTS = ("8888/http", "22/tcp")


def _create_schema(world: World) -> dict[str, Schema]:
    sold = world.price_list
    return {
        **_UPDATE,
        "allowedCudaVersions": _enum_list(CUDA_VERSIONS),
        "cloudType": {"type": "string", "enum": CLOUDS},
        "computeType": {"type": "string", "enum": ("GPU", "CPU")},
        "countryCodes": _TEXTS,
        "cpuFlavorIds": _enum_list(tuple(sold.cpus)),
        "cpuFlavorPriority": _PRIORITY,
        "dataCenterIds": _enum_list([center.id for center in sold.data_centers.values() if center.in_v1]),
        "dataCenterPriority": _PRIORITY,
        "gpuCount": {"type": "integer", "least": 1},
        "gpuTypeIds": _enum_list([gpu.id for gpu in sold.gpus.values() if gpu.in_v1]),
        "gpuTypePriority": _PRIORITY,
        "interruptible": _FLAG,
        "minDiskBandwidthMBps": _NUMBER,
        "minDownloadMbps": _NUMBER,
        "minRAMPerGPU": {"type": "integer"},
        "minUploadMbps": _NUMBER,
        "minVCPUPerGPU": {"type": "integer"},
        "networkVolumeId": _TEXT,
        "supportPublicIp": _FLAG,
        "templateId": _TEXT,
        "vcpuCount": {"type": "integer", "least": 1},
    }


def _enum_list(choices: Sequence[str]) -> Schema:
    return {"type": "array", "items": {"type": "string", "enum": choices}}


def read_order(body: Any, world: World) -> Order:
    """The order a v1 create means; 400 for a value its document does not allow, such as a newer GPU id."""
    _check(body, _create_schema(world))
    template = world.shelf.template(body["templateId"]) if body.get("templateId") else None
    if template is None and not body.get("imageName"):
        raise Refusal(Reason.RULE, "create pod: imageName is required")
    is_cpu = body.get("computeType", "GPU") == "CPU"
    given = {**(_lent(template) if template else {}), **{k: v for k, v in body.items() if v is not None}}
    given["env"] = {**(template.env if template else {}), **body.get("env", {})}
    compute = _cpu(given, world) if is_cpu else _gpu(given, world)
    return Order(**_container(given), **compute, **_where(given), template_id=body.get("templateId"))


def _check(body: object, schema: Mapping[str, Schema]) -> None:
    known = (
        {name: value for name, value in body.items() if name in schema} if isinstance(body, dict) else body
    )
    errors = violations(known, {"type": "object", "properties": schema})
    if isinstance(body, dict) and len(str(body.get("name", ""))) > 191:
        errors.append("$.name: maxLength: want at most 191")
    if errors:
        raise Refusal(Reason.INVALID, errors=errors)


def _lent(template: Template) -> dict[str, Any]:
    return {
        "imageName": template.image,
        "containerDiskInGb": template.disk,
        "volumeInGb": template.volume,
        "volumeMountPath": template.mount_path,
        "ports": list(template.ports),
        "dockerStartCmd": list(template.cmd),
        "dockerEntrypoint": list(template.entrypoint),
        "containerRegistryAuthId": template.registry,
    }


def _container(given: Mapping[str, Any]) -> dict[str, Any]:
    cmd = tuple(given.get("dockerStartCmd", ()))
    return {
        "name": given.get("name", "my pod"),
        "image": given["imageName"],
        "env": given["env"],
        "ports": tuple(given.get("ports", _DEFAULT_PORTS)),
        "cmd": cmd,
        "args": " ".join(cmd),
        "entrypoint": tuple(given.get("dockerEntrypoint", ())),
        "registry": given.get("containerRegistryAuthId"),
        "locked": given.get("locked", False),
        "mount_path": given.get("volumeMountPath", "/workspace"),
        "network_volume_id": given.get("networkVolumeId") or None,
    }


def _where(given: Mapping[str, Any]) -> dict[str, Any]:
    cloud = given.get("cloudType", "SECURE")
    return {
        "cloud": cloud,
        "data_center_ids": tuple(given.get("dataCenterIds", ())),
        "data_center_priority": given.get("dataCenterPriority", "availability"),
        "countries": tuple(given.get("countryCodes", ())),
        "min_disk_mbps": given.get("minDiskBandwidthMBps", 0),
        "min_download_mbps": given.get("minDownloadMbps", 0),
        "min_upload_mbps": given.get("minUploadMbps", 0),
        "public_ip": cloud == "SECURE" or given.get("supportPublicIp", False),
    }


def _gpu(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    every = [gpu.id for gpu in world.price_list.gpus.values() if gpu.in_v1]
    return {
        "gpu_type_ids": tuple(given.get("gpuTypeIds") or every),
        "gpu_count": given.get("gpuCount", 1),
        "gpu_priority": given.get("gpuTypePriority", "availability"),
        "cuda_versions": tuple(given.get("allowedCudaVersions", ())),
        "min_ram_per_gpu": given.get("minRAMPerGPU", 8),
        "min_vcpus_per_gpu": given.get("minVCPUPerGPU", 2),
        "interruptible": given.get("interruptible", False),
        "global_networking": given.get("globalNetworking", False),
        "disk": given.get("containerDiskInGb", 50),
        "volume": 0 if given.get("networkVolumeId") else given.get("volumeInGb", 20),
    }


def _cpu(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    count = given.get("vcpuCount", 2)
    limit = cpu_disk_limit(count)
    disk = given.get("containerDiskInGb", min(50, limit))
    asked = given.get("cpuFlavorIds") or world.price_list.cpus
    flavors = [name for name in asked if world.price_list.cpus[name].fits(count)]
    if not flavors:
        raise Refusal(Reason.NO_CAPACITY)
    if disk > limit:
        text = f"create pod: Container Disk must be less than or equal to {limit} GB for this instance"
        raise Refusal(Reason.RULE, text)
    return {
        "cpu_flavor_ids": tuple(flavors),
        "cpu_priority": given.get("cpuFlavorPriority", "availability"),
        "vcpu_count": count,
        "disk": disk,
    }


def read_changes(body: Any, order: Order) -> dict[str, Any]:
    """The fields of an order that a v1 update names; a volume may only grow."""
    _check(body, _UPDATE)
    names = {
        "name": "name",
        "imageName": "image",
        "env": "env",
        "locked": "locked",
        "globalNetworking": "global_networking",
        "containerDiskInGb": "disk",
        "containerRegistryAuthId": "registry",
        "volumeInGb": "volume",
        "volumeMountPath": "mount_path",
        "ports": "ports",
        "dockerStartCmd": "cmd",
        "dockerEntrypoint": "entrypoint",
    }
    wanted = {names[name]: value for name, value in body.items() if name in names and value is not None}
    if wanted.get("volume", order.volume) < order.volume:
        raise Refusal(Reason.RULE, "update pod: volume size can only be increased")
    return {name: tuple(value) if isinstance(value, list) else value for name, value in wanted.items()}
