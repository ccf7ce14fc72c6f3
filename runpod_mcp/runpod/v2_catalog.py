"""v2's catalog, read into `Catalog`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from runpod_mcp.catalog.catalog import Catalog, CloudOffer, CpuFlavor, DataCenter, GpuType, Stock
from runpod_mcp.catalog.countries import country_of
from runpod_mcp.errors import Code, Failure
from runpod_mcp.money import read_price
from runpod_mcp.runpod.failures import unreadable
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.parts import cpu_flavor
from runpod_mcp.runpod.questions import ask, together
from runpod_mcp.runpod.reading import fields, items, number, read_all, text, truth, whole

SENTINEL = "unknown"
"""A GPU type of 0 GB at price 0 that the live catalog has been seen to list; it is no card."""

STOCK = {"include": "AVAILABILITY", "product": "POD"}
"""Without these two a catalog read is a price list (v2 document)."""


async def read_catalog(wire: Wire, *, cloud: str, gpu_count: int) -> Catalog:
    """GPU types, CPU flavors and data centers, read at the same time.

    CPU flavors that could not be read are left out, with a note; without the other two there is no catalog.

    Raises:
        Failure: GPU types or data centers could not be read.
    """
    read_at = wire.clock.now()
    wanted = {**STOCK, "count": str(gpu_count), "cloud": cloud}
    gpus, cpus, centers = await together(
        partial(_list, wire, "/catalog/gpus", "gpus", wanted),
        partial(_list, wire, "/catalog/cpus", "cpus", STOCK),
        partial(_list, wire, "/catalog/datacenters", "dataCenters", None),
    )
    for needed in (gpus, centers):
        if isinstance(needed, Failure):
            raise needed
    if isinstance(cpus, Failure) and cpus.code is Code.UNAUTHORIZED:
        raise cpus
    return Catalog(
        gpus={gpu.id: gpu for gpu in read_all(gpus, _gpu)},
        cpus={cpu.id: cpu for cpu in reversed(read_all(cpus, _cpu))},
        data_centers={center.id: center for center in read_all(centers, _data_center)},
        cloud=cloud,
        gpu_count=gpu_count,
        read_at=read_at,
        source="v2",
        notes=(f"CPU flavors could not be read: {cpus.message}",) if isinstance(cpus, Failure) else (),
    )


async def _list(wire: Wire, path: str, name: str, query: Mapping[str, str] | None) -> list[Any]:
    found = fields(await ask(wire, path, f"the catalog's {name}", query)).get(name)
    if not isinstance(found, list):
        raise unreadable(f"the catalog's {name}")
    return found


def _gpu(body: Mapping[str, Any]) -> GpuType | None:
    gpu_id = text(body.get("id"))
    if gpu_id is None or gpu_id == SENTINEL:
        return None
    return GpuType(
        id=gpu_id,
        name=text(body.get("name")) or gpu_id,
        memory_gb=whole(body.get("memory")) or 0,
        clouds={"SECURE": _offer(body, "secure"), "COMMUNITY": _offer(body, "community")},
        stock=Stock.read(text(body.get("availability"))),
        stock_by_data_center=_stock_by_data_center(body),
    )


def _offer(body: Mapping[str, Any], cloud: str) -> CloudOffer:
    return CloudOffer(
        sold=truth(body.get(cloud)) or False,
        usd_per_hour=read_price(fields(body.get("price")).get(cloud)),
        max_count=whole(fields(body.get("maxCount")).get(cloud)) or 0,
    )


def _cpu(body: Mapping[str, Any]) -> CpuFlavor | None:
    cpu_id = text(body.get("id"))
    if cpu_id is None:
        return None
    cpu_id = cpu_flavor(cpu_id)
    vcpu = fields(body.get("vcpu"))
    return CpuFlavor(
        id=cpu_id,
        name=text(body.get("name")) or cpu_id,
        usd_per_hour_per_vcpu=read_price(fields(body.get("price")).get("securePerVcpu")) or None,
        ram_gb_per_vcpu=number(body.get("ramGbPerVcpu")) or 0.0,
        min_vcpus=whole(vcpu.get("min")) or 2,
        max_vcpus=whole(vcpu.get("max")) or 32,
        stock=Stock.read(text(body.get("availability"))),
        stock_by_data_center=_stock_by_data_center(body),
    )


def _stock_by_data_center(body: Mapping[str, Any]) -> dict[str, Stock] | None:
    if not isinstance(body.get("dataCenters"), list):
        return None
    places = [fields(place) for place in items(body.get("dataCenters"))]
    return {
        found: Stock.read(text(place.get("availability")))
        for place in places
        if (found := text(place.get("id")))
    }


def _data_center(body: Mapping[str, Any]) -> DataCenter | None:
    center_id = text(body.get("id"))
    if center_id is None:
        return None
    return DataCenter(
        id=center_id,
        name=text(body.get("name")) or center_id,
        region=text(body.get("region")) or "UNKNOWN",
        country=country_of(center_id),
        global_network=truth(body.get("globalNetwork")) or False,
        network_volumes=bool(items(body.get("networkVolumeTypes"))),
    )
