"""Which places could take an order, best first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from runpod_mcp.simulator.pods import Order
from runpod_mcp.simulator.price_list import PriceList
from runpod_mcp.simulator.stock import Place, Stock

_HOST_MBPS = {"SECURE": (3000, 5000, 3000), "COMMUNITY": (800, 500, 200)}


def places_for(order: Order, stock: Stock, price_list: PriceList, pinned_to: str | None) -> list[Place]:
    """The places with room for an order, in the order they are tried.

    `pinned_to` is the data center of its network volume. A filter nobody meets gives an empty list, exactly as
    sold-out hardware does: Runpod answers both with the same words.
    """
    wanted = order.cpu_flavor_ids or order.gpu_type_ids
    priority = order.cpu_priority if order.is_cpu else order.gpu_priority
    need = order.vcpu_count if order.is_cpu else order.gpu_count
    allowed = _allowed_centers(order, price_list, pinned_to)
    rooms = {
        resource: {
            center: free
            for center, free in stock.centers(resource, order.cloud).items()
            if free >= need and center in allowed and _host_fits(order, resource, center, price_list)
        }
        for resource in wanted
        if _sold(order, resource, stock, price_list)
    }
    resources = _ranked(rooms, {name: sum(room.values()) for name, room in rooms.items()}, priority)
    return [
        (resource, order.cloud, center)
        for resource in resources
        for center in _centers_ranked(order, rooms[resource])
    ]


def _allowed_centers(order: Order, price_list: PriceList, pinned_to: str | None) -> frozenset[str]:
    allowed = frozenset(order.data_center_ids or price_list.data_centers)
    if order.countries:
        allowed &= price_list.countries(order.countries)
    if order.global_networking:
        allowed &= {dc.id for dc in price_list.data_centers.values() if dc.global_network}
    return allowed & {pinned_to} if pinned_to else allowed


def _sold(order: Order, resource: str, stock: Stock, price_list: PriceList) -> bool:
    if stock.price(resource, order.cloud, spot=order.interruptible) is None:
        return False
    if order.is_cpu:
        return True
    gpu = price_list.gpus[resource]
    return (
        order.gpu_count <= gpu.offers[order.cloud].most
        and gpu.ram >= order.min_ram_per_gpu
        and gpu.vcpus >= order.min_vcpus_per_gpu
    )


def _host_fits(order: Order, resource: str, center: str, price_list: PriceList) -> bool:
    floors = (order.min_disk_mbps, order.min_download_mbps, order.min_upload_mbps)
    fast = all(have >= floor for have, floor in zip(_HOST_MBPS[order.cloud], floors, strict=True))
    return fast and cuda_fits(
        cuda_of(resource, center, price_list), order.cuda_versions, order.min_cuda_version
    )


def cuda_of(resource: str, center: str, price_list: PriceList) -> str | None:
    """The CUDA version the hosts of a GPU type report in a data center; None without NVIDIA hardware."""
    gpu = price_list.gpus.get(resource)
    return price_list.data_centers[center].cuda if gpu is not None and gpu.maker == "NVIDIA" else None


def cuda_fits(version: str | None, exact: Sequence[str], least: str | None) -> bool:
    """Whether a host's CUDA version is among `exact` (if any) and not below `least`, compared by number."""
    if not exact and least is None:
        return True
    if version is None or (exact and version not in exact):
        return False
    return least is None or _number(version) >= _number(least)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _ranked(asked: Iterable[str], free: Mapping[str, int], priority: str) -> list[str]:
    if priority == "custom":
        return list(asked)
    return sorted(asked, key=lambda name: -free[name])


def _centers_ranked(order: Order, room: Mapping[str, int]) -> list[str]:
    asked = [center for center in order.data_center_ids if center in room] or list(room)
    priority = order.data_center_priority if order.data_center_ids else "availability"
    return _ranked(asked, room, priority)
