"""Tools that show what can be rented, where, and for how much."""

from __future__ import annotations

from typing import Any

from mcp_types import CallToolResult

from runpod_mcp.catalog.catalog import Catalog, GpuType
from runpod_mcp.errors import Failure
from runpod_mcp.flows.context import House
from runpod_mcp.money import as_dollars, show_dollars
from runpod_mcp.policy.document import Policy
from runpod_mcp.server.arguments import ListGpuTypes, Page, page_of
from runpod_mcp.server.replies import Reply, said
from runpod_mcp.server.tool import ToolSpec


class GpuTypesReply(Reply):
    """GPU types with price for one GPU in US dollars per hour, stock, and whether the policy allows them."""

    gpuTypes: list[dict[str, Any]]
    cloudType: str
    nextCursor: str | None = None


class DataCentersReply(Reply):
    """Data centers and whether the policy allows them."""

    dataCenters: list[dict[str, Any]]
    nextCursor: str | None = None


async def _list_gpu_types(house: House, asked: ListGpuTypes) -> CallToolResult:
    policy = _policy(house)
    catalog = await house.prices.read(asked.cloud_type, asked.gpu_count)
    rows = [_gpu_row(gpu, catalog, asked, policy) for gpu in _in_order(catalog)]
    if asked.allowed_only and policy:
        rows = [row for row in rows if row["allowed"]]
    shown, cursor = page_of(rows, "gpus", asked)
    facts: dict[str, Any] = {"gpuTypes": shown, "cloudType": asked.cloud_type}
    facts |= {"nextCursor": cursor} if cursor else {}
    head = f"{len(rows)} GPU types in {asked.cloud_type}, price for one GPU, stock for pods of {asked.gpu_count}:"
    more = [f"More: cursor {cursor}"] if cursor else []
    return said("\n".join([head, *(_gpu_words(row) for row in shown), *more]), facts)


def _policy(house: House) -> Policy | None:
    """Prices may be looked at under a broken policy; nothing is allowed then."""
    try:
        return house.policies.current()
    except Failure:
        return None


def _in_order(catalog: Catalog) -> list[GpuType]:
    def key(gpu: GpuType) -> tuple[int, int, str]:
        price = gpu.price(catalog.cloud)
        return (price is None, price or 0, gpu.id)

    return sorted(catalog.gpus.values(), key=key)


def _gpu_row(gpu: GpuType, catalog: Catalog, asked: ListGpuTypes, policy: Policy | None) -> dict[str, Any]:
    price = gpu.price(catalog.cloud)
    why_not = _why_not(gpu, catalog, asked, policy)
    row = {
        "gpuTypeId": gpu.id,
        "memoryInGb": gpu.memory_gb,
        "usdPerHour": None if price is None else as_dollars(price),
        "maxCount": gpu.max_count(catalog.cloud) if price is not None else None,
        "stock": gpu.stock.name.lower(),
        "allowed": why_not is None,
        "whyNot": why_not,
    }
    return {name: value for name, value in row.items() if value is not None}


def _why_not(gpu: GpuType, catalog: Catalog, asked: ListGpuTypes, policy: Policy | None) -> str | None:
    if policy is None:
        return "policy_broken"
    if not policy.gpus.permits(gpu.id):
        return "gpu_not_allowed"
    if policy.pods.cloud_types is not None and catalog.cloud not in policy.pods.cloud_types:
        return "cloud_not_allowed"
    price, most = gpu.price(catalog.cloud), policy.budget.usd_per_hour_per_pod
    if price is None:
        return "price_unknown"
    if asked.gpu_count > gpu.max_count(catalog.cloud) or asked.gpu_count > (
        policy.gpus.max_per_pod or asked.gpu_count
    ):
        return "too_many_gpus"
    return "over_pod_hourly_budget" if most is not None and price * asked.gpu_count > most else None


def _gpu_words(row: dict[str, Any]) -> str:
    price = (
        f"{show_dollars(row['usdPerHour'])}/h, up to {row['maxCount']}" if "usdPerHour" in row else "no price"
    )
    allowed = "" if row["allowed"] else f"; not allowed: {row['whyNot']}"
    return f"{row['gpuTypeId']}: {row['memoryInGb']} GB, {price}, stock {row['stock']}{allowed}"


async def _list_data_centers(house: House, asked: Page) -> CallToolResult:
    policy = _policy(house)
    catalog = await house.prices.read("SECURE", 1)
    rows = [
        {
            "dataCenterId": one.id,
            **({"country": one.country} if one.country else {}),
            "region": one.region,
            "networkVolumes": one.network_volumes,
            "globalNetworking": one.global_network,
            "allowed": policy is not None and policy.pods.permits_place(one.id, one.country),
        }
        for one in sorted(catalog.data_centers.values(), key=lambda one: one.id)
    ]
    shown, cursor = page_of(rows, "places", asked)
    facts: dict[str, Any] = {"dataCenters": shown, **({"nextCursor": cursor} if cursor else {})}
    more = [f"More: cursor {cursor}"] if cursor else []
    return said(
        "\n".join([f"{len(rows)} data centers:", *(_place_words(row) for row in shown), *more]), facts
    )


def _place_words(row: dict[str, Any]) -> str:
    extras = [
        row.get("country", row["region"]),
        "network volumes" if row["networkVolumes"] else "",
        "global networking" if row["globalNetworking"] else "",
        "" if row["allowed"] else "not allowed",
    ]
    return f"{row['dataCenterId']}: {', '.join(part for part in extras if part)}"


CATALOG_TOOLS = [
    ToolSpec(
        name="list_gpu_types",
        title="List GPU types",
        description="GPU types with memory, price, stock, and whether the policy allows them.",
        arguments=ListGpuTypes,
        reply=GpuTypesReply,
        handler=_list_gpu_types,
        reads_only=True,
        repeatable=True,
    ),
    ToolSpec(
        name="list_data_centers",
        title="List data centers",
        description="Data centers with country, features, and whether the policy allows them.",
        arguments=Page,
        reply=DataCentersReply,
        handler=_list_data_centers,
        reads_only=True,
        repeatable=True,
    ),
]
