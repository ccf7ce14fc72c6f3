"""A request as a v1 `POST /pods` body, and what v1 cannot express.

| field | in v1 |
|---|---|
| allowedCudaVersions | the same, without versions outside v1's list |
| cloudType, computeType, containerDiskInGb, interruptible, name, ports, volumeInGb, volumeMountPath | always |
| env | always, with our tag |
| dataCenterIds | what is left of them in the order, without ids outside v1's list; left out when any will do |
| dataCenterPriority | always |
| gpuTypeIds | GPU pods: the order's GPU types, without ids outside v1's list |
| gpuCount, gpuTypePriority | GPU pods, always |
| cpuFlavorIds | CPU pods: the order's CPU flavors, without ids outside v1's list |
| cpuFlavorPriority, vcpuCount | CPU pods, always |
| minRAMPerGPU, minVCPUPerGPU | GPU pods, when the request set them; v1 takes 8 GB and 2 vCPUs otherwise |
| containerRegistryAuthId, countryCodes, dockerEntrypoint, dockerStartCmd, globalNetworking, imageName, locked, minDiskBandwidthMBps, minDownloadMbps, minUploadMbps, networkVolumeId, supportPublicIp, templateId | when the request set them |

`volumeInGb` is sent as 0 where no pod volume is made, since v1 would make one of 20 GB. A list whose every entry v1 does
not know is a gap: v1 answers 400 to ids outside its lists, also to those of newer cards (observed live in August 2026).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from runpod_mcp.errors import Failure
from runpod_mcp.pods.create_input import PodCreateInput
from runpod_mcp.pods.values import CPU_FLAVOR_IDS, CUDA_VERSIONS, DATA_CENTER_IDS, GPU_TYPE_IDS
from runpod_mcp.pods.words import nearest
from runpod_mcp.runpod.api import PodChange, PodOrder
from runpod_mcp.runpod.gaps import gap, volume_gaps

_WHEN_SET = (
    "container_registry_auth_id",
    "country_codes",
    "docker_entrypoint",
    "docker_start_cmd",
    "global_networking",
    "image_name",
    "locked",
    "min_disk_bandwidth_mbps",
    "min_download_mbps",
    "min_upload_mbps",
    "network_volume_id",
    "support_public_ip",
    "template_id",
)


def create_body(order: PodOrder) -> dict[str, Any]:
    """The body of the one create call for everything in the order; sizes in GB.

    Raises:
        ValueError: nothing in one of the order's lists is known to v1, so that leaving it out would widen the order.
    """
    request = order.request
    return {
        "name": request.name,
        "cloudType": request.cloud_type,
        "computeType": request.compute_type,
        "containerDiskInGb": request.container_disk_in_gb,
        "volumeInGb": request.volume_in_gb if request.has_pod_volume else 0,
        "volumeMountPath": request.volume_mount_path,
        "ports": list(request.ports),
        "env": dict(order.env),
        "interruptible": request.interruptible,
        **_data_centers(order),
        **_compute(order),
        **_when_set(request),
    }


def _when_set(request: PodCreateInput) -> dict[str, Any]:
    whole = request.model_dump(by_alias=True, include=set(_WHEN_SET))
    return {name: whole[name] for name in request.asked(*_WHEN_SET) if whole[name] not in (None, "")}


def _data_centers(order: PodOrder) -> dict[str, Any]:
    priority = {"dataCenterPriority": order.request.data_center_priority}
    if not order.data_center_ids:
        return priority
    return {"dataCenterIds": _known(order.data_center_ids, DATA_CENTER_IDS, "data center"), **priority}


def _compute(order: PodOrder) -> dict[str, Any]:
    request = order.request
    if request.compute_type == "CPU":
        return {
            "cpuFlavorIds": _known(order.cpu_flavor_ids, CPU_FLAVOR_IDS, "CPU flavor"),
            "cpuFlavorPriority": request.cpu_flavor_priority,
            "vcpuCount": request.vcpu_count,
        }
    body: dict[str, Any] = {
        "gpuTypeIds": _known(order.gpu_type_ids, GPU_TYPE_IDS, "GPU type"),
        "gpuTypePriority": request.gpu_type_priority,
        "gpuCount": request.gpu_count,
    }
    if request.allowed_cuda_versions:
        body["allowedCudaVersions"] = _known(request.allowed_cuda_versions, CUDA_VERSIONS, "CUDA version")
    if request.asked("min_ram_per_gpu"):
        body["minRAMPerGPU"] = request.min_ram_per_gpu
    if request.asked("min_vcpu_per_gpu"):
        body["minVCPUPerGPU"] = request.min_vcpu_per_gpu
    return body


def _known(wanted: Iterable[str], known: tuple[str, ...], what: str) -> list[str]:
    found = [one for one in wanted if one in known]
    if not found:
        raise ValueError(f"an order for v1 names at least one {what} that v1 knows")
    return found


def _meant(wanted: Sequence[str], known: Sequence[str]) -> str:
    hint = nearest(wanted[0], known)
    return f" (did you mean {hint!r}?)" if hint else ""


def gaps(request: PodCreateInput) -> list[Failure]:
    """What of a request v1 has no words for, each with the field and what to change."""
    lists: list[tuple[str, Sequence[str], Sequence[str]]] = [
        ("dataCenterIds", request.data_center_ids, DATA_CENTER_IDS)
    ]
    if request.compute_type == "CPU":
        lists.append(("cpuFlavorIds", request.cpu_flavor_ids or (), CPU_FLAVOR_IDS))
    else:
        lists.append(("gpuTypeIds", request.gpu_type_ids or (), GPU_TYPE_IDS))
        lists.append(("allowedCudaVersions", request.allowed_cuda_versions or (), CUDA_VERSIONS))
    unknown = [
        gap(
            field,
            f"Runpod's v1 API knows none of these {field}{_meant(wanted, known)}; name one it knows, or use v2.",
        )
        for field, wanted, known in lists
        if wanted and not set(wanted) & set(known)
    ]
    return volume_gaps(request) + unknown


def change_body(change: PodChange) -> dict[str, Any]:
    """The body of an update call: what was asked for and nothing else; sizes in GB."""
    update = change.update
    body = update.model_dump(by_alias=True, include=set(update.wanted) - {"env"})
    return body if change.env is None else {**body, "env": dict(change.env)}


def change_gaps(change: PodChange) -> list[Failure]:
    """What of a change v1 has no words for."""
    wanted, found = change.update.wanted, list[Failure]()
    if "template_id" in wanted:
        message = (
            "Runpod's v1 API cannot apply a template to a pod; name imageName, ports and env themselves."
        )
        found.append(gap("templateId", message))
    if wanted.get("container_registry_auth_id") == "":
        message = "Runpod's v1 API cannot take a registry credential away; name another one."
        found.append(gap("containerRegistryAuthId", message))
    return found
