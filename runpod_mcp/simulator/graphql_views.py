"""What the GraphQL catalogue and account answer: every field clients were seen to ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runpod_mcp.simulator.placement import cuda_fits
from runpod_mcp.simulator.pods import Pod
from runpod_mcp.simulator.price_list import CLOUDS, DataCenter, GpuType
from runpod_mcp.simulator.v2_views import private_ip, proxy_user
from runpod_mcp.simulator.world import World

Node = Mapping[str, Any]

_UNKNOWN = "unknown"


def gpu_types(world: World, arguments: Node) -> list[Node]:
    """The GPU types, or the one `input.id` names, ending in the entry `unknown` that the live list has."""
    wanted = (arguments.get("input") or {}).get("id")
    every = [*(_gpu_type(gpu, world) for gpu in world.price_list.gpus.values()), _unknown_type()]
    return [node for node in every if wanted in (None, node["id"])]


def _gpu_type(gpu: GpuType, world: World) -> dict[str, Any]:
    secure, community = (gpu.offers[cloud] for cloud in CLOUDS)
    price = {cloud: float(world.stock.shown_price(gpu.id, cloud)) for cloud in CLOUDS}
    return {
        "id": gpu.id,
        "displayName": gpu.name,
        "manufacturer": gpu.maker,
        "memoryInGb": gpu.memory,
        "cudaCores": 0,
        "secureCloud": world.stock.price(gpu.id, "SECURE") is not None,
        "communityCloud": world.stock.price(gpu.id, "COMMUNITY") is not None,
        "securePrice": price["SECURE"],
        "communityPrice": price["COMMUNITY"],
        "secureSpotPrice": float(secure.spot or 0),
        "communitySpotPrice": float(community.spot or 0),
        **dict.fromkeys(
            ("oneWeekPrice", "oneMonthPrice", "threeMonthPrice", "sixMonthPrice", "oneYearPrice"), None
        ),
        "clusterPrice": None,
        "maxGpuCount": max(secure.most, community.most),
        "maxGpuCountSecureCloud": secure.most,
        "maxGpuCountCommunityCloud": community.most,
        "minPodGpuCount": 1,
        "nodeGroupGpuSizes": [],
        "lowestPrice": lambda arguments: _lowest_price(gpu, world, arguments.get("input") or {}),
    }


def _unknown_type() -> dict[str, Any]:
    zero = "securePrice communityPrice secureSpotPrice communitySpotPrice memoryInGb cudaCores maxGpuCount"
    none = "oneWeekPrice oneMonthPrice threeMonthPrice sixMonthPrice oneYearPrice clusterPrice lowestPrice"
    return {
        "id": _UNKNOWN,
        "displayName": _UNKNOWN,
        "manufacturer": "Unknown",
        **dict.fromkeys(zero.split(), 0),
        **dict.fromkeys(none.split(), None),
        "secureCloud": False,
        "communityCloud": False,
        "maxGpuCountSecureCloud": 0,
        "maxGpuCountCommunityCloud": 0,
        "minPodGpuCount": 0,
        "nodeGroupGpuSizes": [],
    }


def _lowest_price(gpu: GpuType, world: World, asked: Node) -> Node:
    """The cheaper cloud's price, which under-quotes the secure one, exactly as the live field does."""
    secure = asked.get("secureCloud")
    clouds = CLOUDS if secure is None else ("SECURE",) if secure else ("COMMUNITY",)
    count = asked.get("gpuCount") or 1
    free = [amount for cloud in clouds for amount in _free(gpu, world, cloud, asked)]
    prices = [price for cloud in clouds if (price := world.stock.price(gpu.id, cloud)) is not None]
    spots = [spot for cloud in clouds if (spot := gpu.offers[cloud].spot) is not None]
    level = world.stock.level(free, count)
    return {
        "minimumBidPrice": float(min(spots)) if spots else None,
        "uninterruptablePrice": float(min(prices)) if prices else None,
        "minVcpu": gpu.vcpus,
        "minMemory": gpu.ram,
        "stockStatus": level.capitalize() if free else None,
        "maxUnreservedGpuCount": max(free, default=0),
        "availableGpuCounts": list(range(1, min(max(free, default=0), 8) + 1)),
        "rentedCount": 0,
        "totalCount": sum(free),
        "gpuTypeCudaVersions": [],
    }


def _free(gpu: GpuType, world: World, cloud: str, asked: Node) -> list[int]:
    centers = world.price_list.data_centers
    countries = (asked.get("countryCode") or "").split(",") if asked.get("countryCode") else None
    exact, least = asked.get("allowedCudaVersions") or (), asked.get("minCudaVersion")
    return [
        amount
        for center, amount in world.stock.centers(gpu.id, cloud).items()
        if asked.get("dataCenterId") in (None, center)
        and (countries is None or centers[center].country in countries)
        and cuda_fits(centers[center].cuda if gpu.maker == "NVIDIA" else None, exact, least)
    ]


def data_centers(world: World) -> list[Node]:
    """Every data center, the unlisted ones too."""
    return [_data_center(center, world) for center in world.price_list.data_centers.values()]


def _data_center(center: DataCenter, world: World) -> Node:
    return {
        "id": center.id,
        "name": center.id,
        "location": center.location,
        "region": center.region,
        "listed": center.listed,
        "storageSupport": bool(center.volume_types),
        "globalNetwork": center.global_network,
        "compliance": list(center.compliance),
        "gpuAvailability": lambda _: _availability(center, world),
    }


def _availability(center: DataCenter, world: World) -> list[Node]:
    return [
        _availability_of(gpu, center, world.stock.level(counts))
        for gpu in world.price_list.gpus.values()
        if (counts := world.stock.at_center(gpu.id, center.id))
    ]


def _availability_of(gpu: GpuType, center: DataCenter, level: str) -> Node:
    return {
        "id": f"{center.id}:{gpu.id}",
        "gpuTypeId": gpu.id,
        "gpuTypeDisplayName": gpu.name,
        "displayName": gpu.name,
        "available": level != "NONE",
        "stockStatus": level.capitalize(),
    }


def cpu_flavors(world: World) -> list[Node]:
    """The CPU flavors; prices are per vCPU and hour."""
    return [
        {
            "id": cpu.id,
            "groupId": cpu.group,
            "groupName": cpu.group,
            "displayName": cpu.name,
            "minVcpu": cpu.least,
            "maxVcpu": cpu.most,
            "ramMultiplier": cpu.ram,
            "vcpuBurstable": False,
            "diskLimitPerVcpu": 10,
            "securePrice": float(cpu.price),
            "serverlessPrice": float(cpu.serverless_price),
            "specifics": lambda _, price=cpu.price: {
                "stockStatus": "High",
                "securePrice": float(price),
                "slsPrice": None,
            },
        }
        for cpu in world.price_list.cpus.values()
    ]


def myself(world: World) -> Node:
    """The account: its balance and spend per hour in dollars, network volumes included, and its pods."""
    now = world.now()
    balance = world.balance(now)
    return {
        "id": "user_simulated",
        "email": "simulator@example.com",
        "clientBalance": float(balance),
        "currentSpendPerHr": float(world.spend_rate()),
        "spendLimit": world.settings.spend_limit_usd,
        "minBalance": 0,
        "underBalance": balance <= 0,
        "pubKey": "",
        "pods": lambda _: [pod_node(pod, world) for pod, _ in world.listed()],
        "networkVolumes": lambda _: [
            {"id": each.id, "name": each.name, "size": each.size, "dataCenterId": each.data_center_id}
            for each in world.shelf.volumes.values()
        ],
    }


def pod_node(pod: Pod, world: World) -> Node:
    """A GraphQL Pod: env as "K=V", ports as one string, `uptimeSeconds` always 0."""
    now = world.now()
    order = pod.order
    status = pod.status(now)
    cost = float(world.shown_cost(pod))
    return {
        "id": pod.id,
        "name": order.name,
        "imageName": order.image,
        "desiredStatus": status if status in ("EXITED", "TERMINATED") else "RUNNING",
        "costPerHr": cost,
        "adjustedCostPerHr": cost,
        "dockerArgs": order.args,
        "env": [f"{name}={value}" for name, value in order.env.items()],
        "ports": ",".join(order.ports),
        "gpuCount": pod.gpus,
        "gpuTypeId": None if order.is_cpu else pod.resource_id,
        "vcpuCount": pod.vcpus,
        "memoryInGb": pod.ram,
        "containerDiskInGb": order.disk,
        "volumeInGb": order.volume,
        "volumeMountPath": order.mount_path,
        "networkVolumeId": order.network_volume_id,
        "machineId": pod.machine_id if pod.machine_known(now) else None,
        "machine": _machine(pod, world) if pod.machine_known(now) else None,
        "runtime": _runtime(pod, world) if pod.ready(now) else None,
        "createdAt": pod.created_at.isoformat(),
        "lastStartedAt": pod.started_at.isoformat(),
        "lastStatusChange": pod.last_change,
        "locked": order.locked,
        "podType": "INTERRUPTABLE" if order.interruptible else "RESERVED",
        "uptimeSeconds": 0,
    }


def _machine(pod: Pod, world: World) -> Node:
    gpu = world.price_list.gpus.get(pod.resource_id)
    return {
        "podHostId": proxy_user(pod),
        "gpuDisplayName": gpu.name if gpu else None,
        "gpuTypeId": gpu.id if gpu else None,
        "gpuAvailable": world.stock.free(pod.placed_at),
        "dataCenterId": pod.data_center_id,
        "location": world.price_list.data_centers[pod.data_center_id].country,
        "secureCloud": pod.order.cloud == "SECURE",
        "costPerHr": float(pod.compute),
    }


def _runtime(pod: Pod, world: World) -> Node:
    up = world.now() - (pod.ready_at or world.now())
    return {
        "uptimeInSeconds": int(up.total_seconds()),
        "ports": [
            {
                "ip": pod.public_ip if spec.endswith("/tcp") else private_ip(pod),
                "isIpPublic": spec.endswith("/tcp") and bool(pod.public_ip),
                "privatePort": int(spec.partition("/")[0]) if spec.partition("/")[0].isdigit() else 0,
                "publicPort": public,
                "type": spec.partition("/")[2],
            }
            for spec, public in pod.public_ports.items()
        ],
        "gpus": [
            {"id": str(number), "gpuUtilPercent": 0, "memoryUtilPercent": 0} for number in range(pod.gpus)
        ],
        "container": {"cpuPercent": 1, "memoryPercent": 2},
    }
