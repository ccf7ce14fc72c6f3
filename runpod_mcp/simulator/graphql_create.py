"""The input of a GraphQL pod mutation, read into an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runpod_mcp.simulator.graphql_query import QueryError
from runpod_mcp.simulator.pods import Order
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.world import World

_KNOWN = frozenset(
    [
        "allowedCudaVersions",
        "bidPerGpu",
        "cloudType",
        "computeType",
        "containerDiskInGb",
        "containerRegistryAuthId",
        "countryCode",
        "dataCenterId",
        "deployCost",
        "dockerArgs",
        "env",
        "globalNetwork",
        "gpuCount",
        "gpuTypeId",
        "gpuTypeIdList",
        "imageName",
        "minCudaVersion",
        "minDisk",
        "minDownload",
        "minMemoryInGb",
        "minUpload",
        "minVcpuCount",
        "name",
        "networkVolumeId",
        "ports",
        "startJupyter",
        "startSsh",
        "stopAfter",
        "supportPublicIp",
        "templateId",
        "terminateAfter",
        "volumeInGb",
        "volumeKey",
        "volumeMountPath",
    ]
)


def read_order(given: Mapping[str, Any], world: World, *, spot: bool) -> Order:
    """The order a mutation means. `terminateAfter` and `stopAfter` are accepted and forgotten, as observed live.

    Raises:
        QueryError: a key is unknown, which fails the whole call.
        Refusal: the price passes `deployCost`, or a template is unknown.
    """
    unknown = sorted(set(given) - _KNOWN)
    if unknown:
        raise QueryError(f'Field "{unknown[0]}" is not defined by type "PodFindAndDeployOnDemandInput".')
    cloud = "SECURE" if given.get("cloudType") in (None, "ALL", "SECURE") else "COMMUNITY"
    types = tuple(given.get("gpuTypeIdList") or [given.get("gpuTypeId")])
    if not all(name in world.price_list.gpus for name in types):
        raise Refusal(Reason.NO_CAPACITY)
    count = given.get("gpuCount") or 1
    _check_cost(given, types, cloud, world)
    template = world.shelf.template(given["templateId"]) if given.get("templateId") else None
    image = given.get("imageName") or (template.image if template else None)
    if not image:
        raise Refusal(Reason.RULE, "imageName is required")
    return Order(
        name=given.get("name") or "my pod",
        image=image,
        cloud=cloud,
        gpu_type_ids=types,
        gpu_count=count,
        data_center_ids=tuple(filter(None, [given.get("dataCenterId")])),
        countries=tuple((given.get("countryCode") or "").split(",")) if given.get("countryCode") else (),
        cuda_versions=tuple(given.get("allowedCudaVersions") or ()),
        min_cuda_version=given.get("minCudaVersion"),
        min_ram_per_gpu=(given.get("minMemoryInGb") or 0) // count,
        min_vcpus_per_gpu=(given.get("minVcpuCount") or 0) // count,
        disk=given.get("containerDiskInGb") or (template.disk if template else 20),
        volume=0 if given.get("networkVolumeId") else given.get("volumeInGb") or 0,
        mount_path=given.get("volumeMountPath") or "/workspace",
        network_volume_id=given.get("networkVolumeId"),
        env={pair["key"]: pair["value"] for pair in given.get("env") or []},
        ports=tuple(filter(None, (given.get("ports") or "").split(","))),
        args=given.get("dockerArgs") or "",
        public_ip=cloud == "SECURE" or bool(given.get("supportPublicIp")),
        interruptible=spot,
    )


def _check_cost(given: Mapping[str, Any], types: tuple[str, ...], cloud: str, world: World) -> None:
    ceiling = given.get("deployCost")
    prices = [world.stock.price(name, cloud) for name in types]
    if ceiling is not None and any(price is not None and price > ceiling for price in prices):
        raise Refusal(Reason.NO_CAPACITY)
