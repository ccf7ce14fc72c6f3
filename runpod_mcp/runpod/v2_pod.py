"""A pod as v2 writes it, read into `Pod`.

Not kept: utilization (`runtime.gpus`, `cpu`, `memory`), `ssh.*.command` (it repeats host, port and user),
`globalNetworking.ip` (the internal name is kept) and a cluster's `rank`, `role` and `ip`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runpod_mcp.money import read_price
from runpod_mcp.pods.pod import NetworkVolumeRef, Pod, PortMapping, SshEndpoint
from runpod_mcp.runpod import parts
from runpod_mcp.runpod.reading import (
    fields,
    identifier,
    items,
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
    state = parts.status(body.get("status"))
    mappings = _mappings(fields(body.get("runtime"))) if parts.has_ports(state) else ()
    direct = _endpoint(body, "direct") if parts.has_ports(state) else None
    return Pod(
        id=pod_id,
        status=state,
        raw_status=text(body.get("status")),
        name=text(body.get("name")),
        usd_per_hour=read_price(body.get("cost")),
        cloud=text(body.get("cloud")),
        data_center_id=text(body.get("dataCenterId")),
        cuda_version=text(body.get("cudaVersion")),
        mappings=mappings,
        public_ip=next(
            (one.ip for one in mappings if one.kind == "tcp" and one.ip), direct.host if direct else None
        ),
        ssh_direct=direct,
        ssh_proxy=_endpoint(body, "proxy"),
        template_id=text(body.get("template")),
        cluster_id=text(fields(body.get("cluster")).get("id")),
        locked=truth(body.get("locked")),
        global_networking=truth(fields(body.get("globalNetworking")).get("enabled")),
        internal_dns=text(fields(body.get("globalNetworking")).get("internalDns")),
        actions=strings(body.get("actions")),
        created_at=moment(body.get("createdAt")),
        started_at=moment(body.get("startedAt")),
        uptime_seconds=whole(fields(body.get("runtime")).get("uptime")),
        **_container(body),
        **_compute(body),
        **_storage(fields(body.get("mounts"))),
    )


def _container(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "image": text(body.get("image")),
        "args": text(body.get("args")),
        "entrypoint": strings(body.get("entrypoint")),
        "start_command": strings(body.get("cmd")),
        "container_disk_gb": whole(body.get("disk")),
        "ports": strings(body.get("ports")),
        "env_names": parts.env_names(body.get("env")),
        "reservation_id": parts.reservation(body.get("env")),
        "registry_id": text(body.get("registry")),
    }


def _compute(body: Mapping[str, Any]) -> dict[str, Any]:
    """GPU or CPU; `gpu.vcpuCount` and `gpu.memory` (host RAM, not VRAM) came after the August document."""
    gpu, cpu = fields(body.get("gpu")), fields(body.get("cpu"))
    return {
        "gpu_type_id": text(gpu.get("id")),
        "gpu_count": whole(gpu.get("count")),
        "cpu_flavor_id": text(cpu.get("id")),
        "vcpu_count": number((gpu or cpu).get("vcpuCount")),
        "memory_gb": number((gpu or cpu).get("memory")),
    }


def _storage(mounts: Mapping[str, Any]) -> dict[str, Any]:
    persistent = fields(mounts.get("persistent"))
    network = fields(next(iter(items(mounts.get("network"))), None))
    volume_id = text(network.get("volumeId"))
    return {
        "volume_gb": whole(persistent.get("size")),
        "volume_mount_path": text(persistent.get("path")) or text(network.get("path")),
        "network_volume": NetworkVolumeRef(volume_id) if volume_id else None,
    }


def _mappings(runtime: Mapping[str, Any]) -> tuple[PortMapping, ...]:
    return read_all(runtime.get("ports"), _mapping)


def _mapping(port: Mapping[str, Any]) -> PortMapping | None:
    private, kind = whole(port.get("private")), text(port.get("type"))
    if private is None or kind is None:
        return None
    return PortMapping(private, kind, whole(port.get("public")), text(port.get("ip")))


def _endpoint(body: Mapping[str, Any], way: str) -> SshEndpoint | None:
    endpoint = fields(fields(body.get("ssh")).get(way))
    host, port, user = text(endpoint.get("host")), whole(endpoint.get("port")), text(endpoint.get("username"))
    return SshEndpoint(host, port, user) if host and port and user else None
