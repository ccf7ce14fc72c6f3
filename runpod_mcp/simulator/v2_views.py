"""The world's things as v2 shows them."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

from runpod_mcp.simulator.pods import ACTIONS, Pod
from runpod_mcp.simulator.world import World


def show_pod(pod: Pod, world: World, status: str | None = None) -> dict[str, Any]:
    """A pod object of the v2 document; `status` where a lagging list believes in another one.

    `cost` is dollars per hour now: what was seen live equals GPU price times count, 0.0 when stopped.
    """
    now = world.now()
    order = pod.order
    status = status or pod.status(now)
    return {
        "id": pod.id,
        "name": order.name,
        "status": status,
        "actions": list(ACTIONS[status]),
        "image": order.image,
        "args": order.args,
        "cmd": list(order.cmd),
        "entrypoint": list(order.entrypoint),
        "disk": order.disk,
        "mounts": _mounts(pod),
        "ports": list(order.ports),
        "env": dict(order.env),
        "registry": order.registry,
        "cloud": order.cloud,
        "dataCenterId": pod.data_center_id if pod.machine_at else None,
        "cudaVersion": pod.cuda,
        "ssh": _ssh(pod, now),
        "template": None,
        "cost": float(world.shown_cost(pod)),
        "locked": order.locked,
        "runtime": _runtime(pod, now) if pod.ready(now) else None,
        "createdAt": _date(pod.created_at),
        "startedAt": _date(pod.started_at),
        "globalNetworking": _global_network(pod),
        **_compute(pod),
    }


def _compute(pod: Pod) -> dict[str, Any]:
    if pod.order.is_cpu:
        return {"cpu": {"id": pod.resource_id, "vcpuCount": pod.vcpus, "memory": pod.ram}}
    return {"gpu": {"id": pod.resource_id, "count": pod.gpus, "vcpuCount": pod.vcpus, "memory": pod.ram}}


def _mounts(pod: Pod) -> dict[str, Any]:
    order = pod.order
    if order.network_volume_id:
        return {"network": [{"volumeId": order.network_volume_id, "path": order.mount_path}]}
    return {"persistent": {"size": order.volume, "path": order.mount_path}} if order.volume else {}


def proxy_user(pod: Pod) -> str:
    """The user name the SSH proxy routes by: the pod's id and eight hex digits."""
    return f"{pod.id}-{sha256(pod.id.encode()).hexdigest()[:8]}"


def _ssh(pod: Pod, now: datetime) -> dict[str, Any]:
    user = proxy_user(pod)
    proxy = {"host": "ssh.runpod.io", "port": 22, "username": user, "command": f"ssh {user}@ssh.runpod.io"}
    return {"proxy": proxy if pod.machine_at else None, "direct": _direct_ssh(pod, now)}


def _direct_ssh(pod: Pod, now: datetime) -> dict[str, Any] | None:
    port = pod.public_ports.get("22/tcp")
    if port is None or not pod.ready(now) or not pod.public_ip:
        return None
    command = f"ssh root@{pod.public_ip} -p {port}"
    return {"host": pod.public_ip, "port": port, "username": "root", "command": command}


def _runtime(pod: Pod, now: datetime) -> dict[str, Any]:
    up = now - (pod.ready_at or now)
    return {
        "uptime": int(up.total_seconds()),
        "gpus": [{"util": 0, "memoryUtil": 0}] * pod.gpus,
        "cpu": {"util": 1},
        "memory": {"util": 2},
        "ports": [_port(pod, spec, public) for spec, public in pod.public_ports.items()],
    }


def _port(pod: Pod, spec: str, public: int) -> dict[str, Any]:
    number, _, kind = spec.partition("/")
    ip = pod.public_ip or None if kind == "tcp" else private_ip(pod)
    return {
        "private": int(number) if number.isdigit() else 0,
        "public": public,
        "type": kind or "tcp",
        "ip": ip,
    }


def private_ip(pod: Pod) -> str:
    """The address http ports show: inside the host's network, not public."""
    return f"100.65.{pod.public_ip.rpartition('.')[2] or '7'}.21"


def _global_network(pod: Pod) -> dict[str, Any]:
    if not pod.order.global_networking:
        return {"enabled": False}
    return {"enabled": True, "ip": "10.2.14.7", "internalDns": f"{pod.id}.runpod.internal"}


def _date(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
