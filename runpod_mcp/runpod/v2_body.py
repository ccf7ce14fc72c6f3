"""A request as a v2 `POST /v2/pods` body, and what v2 cannot express.

| field | in v2 |
|---|---|
| allowedCudaVersions | `gpu.allowedCudaVersions`, when the request has some |
| cloudType | `cloud`, always |
| computeType | decides between `gpu` and `cpu` |
| containerDiskInGb | `disk`, always; null needs a template that brings one |
| containerRegistryAuthId | `registry` |
| countryCodes | not in v2; the order's data centers are narrowed to these countries |
| cpuFlavorIds | `cpu.id`: the order's flavor, one a call |
| cpuFlavorPriority | not in v2; the order in which calls are made |
| dataCenterIds | `dataCenterIds`: what is left of them in the order |
| dataCenterPriority | not in v2; the order of the list |
| dockerEntrypoint | `entrypoint`, when not empty (newer than the August document) |
| dockerStartCmd | `cmd`, when not empty (newer than the August document) |
| env | `env` with our tag, always |
| globalNetworking | `globalNetworking`, when the request set it |
| gpuCount | `gpu.count`, always: leaving it out was refused as a lack of capacity (observed live in August 2026) |
| gpuTypeIds | `gpu.id`: the order's GPU type, one a call |
| gpuTypePriority | not in v2; the order in which calls are made |
| imageName | `image` |
| interruptible | true is a gap: v2 has no spot pods |
| locked | a PATCH after the create |
| minDiskBandwidthMBps, minDownloadMbps, minUploadMbps | a floor above 0 is a gap |
| minRAMPerGPU | `gpu.minRamPerGpu`, when the request set it (newer than the August document) |
| minVCPUPerGPU | `gpu.minVcpuCountPerGpu`, when the request set it (newer than the August document) |
| name | `name`, always |
| networkVolumeId | `mounts.network[0].volumeId` |
| ports | `ports`, always; with `22/tcp` also `startSsh`, which puts the account's public keys into the pod |
| supportPublicIp | true on COMMUNITY is a gap; SECURE pods always have one |
| templateId | `templateId` |
| vcpuCount | `cpu.vcpuCount`, always on CPU pods |
| volumeInGb | `mounts.persistent.size`; 1 to 9, and any on a CPU pod, is a gap |
| volumeMountPath | `mounts.persistent.path` or `mounts.network[0].path` |

Fields of the other compute type are left out, as the create-pod document says they are ignored.
"""

from __future__ import annotations

from typing import Any

from runpod_mcp.errors import Failure
from runpod_mcp.pods.create_input import PodCreateInput
from runpod_mcp.runpod.api import PodChange, PodOrder
from runpod_mcp.runpod.gaps import gap, volume_gaps

SMALLEST_VOLUME_GB = 10
"""v2's document: a pod volume is 10 GB or more."""

SSH_PORT = "22/tcp"


def create_body(order: PodOrder) -> dict[str, Any]:
    """The body of the create call for the order's first GPU type or CPU flavor; sizes in GB.

    Raises:
        ValueError: the order names no GPU type or CPU flavor.
    """
    request = order.request
    optional = {
        "image": request.image_name or None,
        "templateId": request.template_id or None,
        "disk": request.container_disk_in_gb,
        "registry": request.container_registry_auth_id or None,
        "dataCenterIds": list(order.data_center_ids) or None,
        "cmd": list(request.docker_start_cmd) or None,
        "entrypoint": list(request.docker_entrypoint) or None,
        "globalNetworking": request.global_networking if request.asked("global_networking") else None,
        "startSsh": True if SSH_PORT in request.ports else None,
    }
    return {
        "name": request.name,
        "cloud": request.cloud_type,
        "ports": list(request.ports),
        "env": dict(order.env),
        "mounts": _mounts(request),
        **_compute(order),
        **{name: value for name, value in optional.items() if value is not None},
    }


def _compute(order: PodOrder) -> dict[str, Any]:
    request = order.request
    choices = order.cpu_flavor_ids if request.compute_type == "CPU" else order.gpu_type_ids
    if not choices:
        raise ValueError("an order for v2 names one GPU type or CPU flavor")
    if request.compute_type == "CPU":
        return {"cpu": {"id": choices[0], "vcpuCount": request.vcpu_count}}
    gpu: dict[str, Any] = {"id": choices[0], "count": request.gpu_count}
    if request.allowed_cuda_versions:
        gpu["allowedCudaVersions"] = list(request.allowed_cuda_versions)
    if request.asked("min_ram_per_gpu"):
        gpu["minRamPerGpu"] = request.min_ram_per_gpu
    if request.asked("min_vcpu_per_gpu"):
        gpu["minVcpuCountPerGpu"] = request.min_vcpu_per_gpu
    return {"gpu": gpu}


def _mounts(request: PodCreateInput) -> dict[str, Any]:
    """Storage, written out even when there is none: a template's volume would be storage that nobody priced."""
    if request.network_volume_id:
        return {"network": [{"volumeId": request.network_volume_id, "path": request.volume_mount_path}]}
    if request.has_pod_volume:
        return {"persistent": {"size": request.volume_in_gb, "path": request.volume_mount_path}}
    return {}


def gaps(request: PodCreateInput) -> list[Failure]:
    """What of a request v2 has no words for, each with the field and what to change."""
    found = volume_gaps(request)
    if request.interruptible:
        found.append(gap("interruptible", "Runpod's v2 API has no spot pods; leave interruptible out."))
    for field, floor in (
        ("minDiskBandwidthMBps", request.min_disk_bandwidth_mbps),
        ("minDownloadMbps", request.min_download_mbps),
        ("minUploadMbps", request.min_upload_mbps),
    ):
        if floor:
            found.append(gap(field, f"Runpod's v2 API cannot choose hosts by bandwidth; leave {field} out."))
    if request.support_public_ip and request.cloud_type == "COMMUNITY":
        message = "Runpod's v2 API cannot ask for a public IP on COMMUNITY; leave it out, or use SECURE, where every pod has one."
        found.append(gap("supportPublicIp", message))
    if request.has_pod_volume and (request.volume_in_gb or 0) < SMALLEST_VOLUME_GB:
        message = f"Runpod's v2 API makes pod volumes of {SMALLEST_VOLUME_GB} GB or more; ask for 0 or at least {SMALLEST_VOLUME_GB}."
        found.append(gap("volumeInGb", message))
    if request.container_disk_in_gb is None and not request.template_id:
        found.append(gap("containerDiskInGb", "Runpod's v2 API needs a container disk; say how many GB."))
    return found


_CHANGED = {
    "container_disk_in_gb": "disk",
    "docker_entrypoint": "entrypoint",
    "docker_start_cmd": "cmd",
    "global_networking": "globalNetworking",
    "image_name": "image",
    "locked": "locked",
    "name": "name",
    "ports": "ports",
    "template_id": "templateId",
}


def change_body(change: PodChange) -> dict[str, Any]:
    """The body of an update call: what was asked for and nothing else; sizes in GB."""
    wanted = change.update.wanted
    body = {_CHANGED[name]: value for name, value in wanted.items() if name in _CHANGED}
    if "container_registry_auth_id" in wanted:
        body["registry"] = wanted["container_registry_auth_id"] or None
    if change.env is not None:
        body["env"] = dict(change.env)
    if wanted.keys() & {"volume_in_gb", "volume_mount_path"}:
        body["mounts"] = _changed_mounts(change)
    return body


def _changed_mounts(change: PodChange) -> dict[str, Any]:
    """A mount is sent whole, so what was not asked for is sent as it is."""
    pod, update = change.pod, change.update
    asked = update.wanted
    path = asked.get("volume_mount_path") or pod.volume_mount_path or update.volume_mount_path
    if pod.network_volume:
        return {"network": [{"volumeId": pod.network_volume.id, "path": path}]}
    return {"persistent": {"size": asked.get("volume_in_gb") or pod.volume_gb, "path": path}}
