"""A pod as v1 writes it, read into `Pod`.

Not kept: env values, and of `machine` the fields that repeat others (`gpuType` beside `gpuTypeId`, the parts of
`cpuType` beside its name). `aiApiId` is the legacy name of `endpointId` and stands in for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runpod_mcp.money import read_price
from runpod_mcp.pods.pod import (
    GpuPrices,
    Machine,
    NetworkVolumeRef,
    Pod,
    PodStatus,
    PortMapping,
    SavingsPlan,
    SshEndpoint,
)
from runpod_mcp.runpod import parts
from runpod_mcp.runpod.reading import (
    fields,
    identifier,
    moment,
    number,
    read_all,
    strings,
    text,
    truth,
    whole,
)


def read_pod(value: object) -> Pod | None:
    """The pod in a JSON value, or None when it is no object with an id; any other field may be missing or odd."""
    body = fields(value)
    pod_id = identifier(body.get("id"))
    if pod_id is None:
        return None
    state = parts.status(body.get("desiredStatus"))
    mappings = _mappings(body, state)
    machine, volume = (
        _machine(fields(body.get("machine"))),
        _network_volume(fields(body.get("networkVolume"))),
    )
    return Pod(
        id=pod_id,
        status=state,
        raw_status=text(body.get("desiredStatus")),
        name=text(body.get("name")),
        usd_per_hour=read_price(body.get("costPerHr")),
        adjusted_usd_per_hour=read_price(body.get("adjustedCostPerHr")),
        cloud=_cloud(machine),
        data_center_id=(machine.data_center_id if machine else None)
        or (volume.data_center_id if volume else None),
        machine_id=text(body.get("machineId")),
        machine=machine,
        network_volume=volume,
        mappings=mappings,
        ssh_direct=_ssh(mappings),
        public_ip=text(body.get("publicIp")) if parts.has_ports(state) else None,
        template_id=text(body.get("templateId")),
        endpoint_id=text(body.get("endpointId")) or text(body.get("aiApiId")),
        serverless_version=whole(body.get("slsVersion")),
        consumer_user_id=text(body.get("consumerUserId")),
        locked=truth(body.get("locked")),
        interruptible=truth(body.get("interruptible")),
        created_at=moment(body.get("createdAt")),
        started_at=moment(body.get("lastStartedAt")),
        last_change=text(body.get("lastStatusChange")),
        savings_plans=read_all(body.get("savingsPlans"), _savings_plan),
        **_container(body),
        **_compute(body, machine),
    )


def _container(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        # The document says `image`; runpodctl decodes `imageName` from the same answers.
        "image": text(body.get("image")) or text(body.get("imageName")),
        "entrypoint": strings(body.get("dockerEntrypoint")),
        "start_command": strings(body.get("dockerStartCmd")),
        "container_disk_gb": whole(body.get("containerDiskInGb")),
        "volume_gb": whole(body.get("volumeInGb")),
        "volume_mount_path": text(body.get("volumeMountPath")),
        "volume_encrypted": truth(body.get("volumeEncrypted")),
        "ports": strings(body.get("ports")),
        "env_names": parts.env_names(body.get("env")),
        "reservation_id": parts.reservation(body.get("env")),
        "registry_id": text(body.get("containerRegistryAuthId")),
    }


def _compute(body: Mapping[str, Any], machine: Machine | None) -> dict[str, Any]:
    """GPU or CPU; a fresh pod may have no `gpu` at all (observed live in August 2026), then the machine tells."""
    gpu = fields(body.get("gpu"))
    return {
        "gpu_type_id": text(gpu.get("id")) or (machine.gpu_type_id if machine else None),
        "gpu_display_name": text(gpu.get("displayName")) or (machine.gpu_display_name if machine else None),
        "gpu_count": whole(gpu.get("count")),
        "gpu_prices": _gpu_prices(gpu),
        "cpu_flavor_id": text(body.get("cpuFlavorId")),
        "vcpu_count": number(body.get("vcpuCount")),
        "memory_gb": number(body.get("memoryInGb")),
    }


def _gpu_prices(gpu: Mapping[str, Any]) -> GpuPrices | None:
    prices = GpuPrices(
        secure=read_price(gpu.get("securePrice")),
        community=read_price(gpu.get("communityPrice")),
        secure_spot=read_price(gpu.get("secureSpotPrice")),
        community_spot=read_price(gpu.get("communitySpotPrice")),
        one_week=read_price(gpu.get("oneWeekPrice")),
        one_month=read_price(gpu.get("oneMonthPrice")),
        three_month=read_price(gpu.get("threeMonthPrice")),
        six_month=read_price(gpu.get("sixMonthPrice")),
    )
    return None if prices == GpuPrices() else prices


def _machine(machine: Mapping[str, Any]) -> Machine | None:
    """The host; `{}`, which v1 sends for a pod without one and without `includeMachine`, is None."""
    found = Machine(
        gpu_type_id=text(machine.get("gpuTypeId")) or text(fields(machine.get("gpuType")).get("id")),
        gpu_display_name=text(machine.get("gpuDisplayName"))
        or text(fields(machine.get("gpuType")).get("displayName")),
        gpus_available=whole(machine.get("gpuAvailable")),
        min_gpus_per_pod=whole(machine.get("minPodGpuCount")),
        cpu_count=whole(machine.get("cpuCount")),
        cpu_type=text(fields(machine.get("cpuType")).get("displayName")) or text(machine.get("cpuTypeId")),
        location=text(machine.get("location")),
        data_center_id=text(machine.get("dataCenterId")),
        secure_cloud=truth(machine.get("secureCloud")),
        public_ip=truth(machine.get("supportPublicIp")),
        disk_mbps=whole(machine.get("diskThroughputMBps")),
        download_mbps=whole(machine.get("maxDownloadSpeedMbps")),
        upload_mbps=whole(machine.get("maxUploadSpeedMbps")),
        maintenance_start=text(machine.get("maintenanceStart")),
        maintenance_end=text(machine.get("maintenanceEnd")),
        maintenance_note=text(machine.get("maintenanceNote")),
        note=text(machine.get("note")),
        usd_per_hour=read_price(machine.get("costPerHr")),
        usd_per_hour_per_gpu=read_price(machine.get("currentPricePerGpu")),
    )
    return None if found == Machine() else found


def _cloud(machine: Machine | None) -> str | None:
    if machine is None or machine.secure_cloud is None:
        return None
    return "SECURE" if machine.secure_cloud else "COMMUNITY"


def _network_volume(volume: Mapping[str, Any]) -> NetworkVolumeRef | None:
    volume_id = text(volume.get("id"))
    if volume_id is None:
        return None
    return NetworkVolumeRef(
        volume_id, text(volume.get("name")), whole(volume.get("size")), text(volume.get("dataCenterId"))
    )


def _savings_plan(plan: Mapping[str, Any]) -> SavingsPlan | None:
    found = SavingsPlan(
        id=text(plan.get("id")),
        gpu_type_id=text(plan.get("gpuTypeId")),
        usd_per_hour=read_price(plan.get("costPerHr")),
        start=text(plan.get("startTime")),
        end=text(plan.get("endTime")),
    )
    return None if found == SavingsPlan() else found


def _mappings(body: Mapping[str, Any], state: PodStatus) -> tuple[PortMapping, ...]:
    """Where ports can be reached.

    `portMappings` holds tcp ports only; http ports go through Runpod's proxy, which has no number to show, and are
    listed without one as soon as the pod has an address or any mapped port.
    """
    if not parts.has_ports(state):
        return ()
    ip, mapped = text(body.get("publicIp")), fields(body.get("portMappings"))
    asked = [port.partition("/") for port in strings(body.get("ports"))]
    kinds = {number: kind for number, _, kind in asked}
    found = [
        PortMapping(private, kinds.get(inner, "tcp"), whole(outer), ip)
        for inner, outer in mapped.items()
        if (private := whole(inner)) is not None
    ]
    known = {mapping.private for mapping in found}
    if ip or found:
        found += [
            PortMapping(private, kind)
            for inner, _, kind in asked
            if kind == "http" and (private := whole(inner)) is not None and private not in known
        ]
    return tuple(found)


def _ssh(mappings: tuple[PortMapping, ...]) -> SshEndpoint | None:
    """The way in through a mapped port 22, as root (Runpod's page on SSH); v1 does not write it out."""
    for one in mappings:
        if one.private == 22 and one.kind == "tcp" and one.ip and one.public:
            return SshEndpoint(one.ip, one.public, "root")
    return None
