"""A small catalog to place requests in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from runpod_mcp.catalog.catalog import Catalog, CloudOffer, CpuFlavor, DataCenter, GpuType, Stock
from runpod_mcp.catalog.countries import country_of
from runpod_mcp.catalog.placement import Permits, Placement, place
from runpod_mcp.money import Usd, dollars
from runpod_mcp.pods.create_input import PodCreateInput

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
L4, RTX_4090, A40, H100 = "NVIDIA L4", "NVIDIA GeForce RTX 4090", "NVIDIA A40", "NVIDIA H100 80GB HBM3"
A30, A30_TWO_SPACES = "NVIDIA A30", "NVIDIA  A30"

ANYTHING = Permits(lambda _: True, lambda _: True, lambda _id, _country: True, limits_place=False)


def usd(amount: float) -> Usd:
    return dollars(str(amount))


def gpu(
    gpu_id: str,
    secure: float | None = 0.5,
    community: float | None = None,
    most: int = 8,
    stock: Stock = Stock.HIGH,
    places: Mapping[str, Stock] | None = None,
) -> GpuType:
    offers = {"SECURE": secure, "COMMUNITY": community}
    clouds = {
        cloud: CloudOffer(price is not None, None if price is None else usd(price), most)
        for cloud, price in offers.items()
    }
    return GpuType(gpu_id, gpu_id, 24, clouds, stock, places)


def cpu(flavor: str, price: float | None = 0.03, **more: Any) -> CpuFlavor:
    return CpuFlavor(flavor, flavor, None if price is None else usd(price), 2.0, **more)


def center(center_id: str, **more: Any) -> DataCenter:
    return DataCenter(center_id, center_id, country=country_of(center_id), **more)


GPUS = (
    gpu(L4, 0.49, 0.40, most=10, stock=Stock.MEDIUM),
    gpu(RTX_4090, 0.74, 0.34),
    gpu(A40, 0.49, stock=Stock.LOW),
    gpu(H100, 3.49, 2.69),
    gpu(A30, 0.33, stock=Stock.UNKNOWN),
    gpu(A30_TWO_SPACES, 0.34, stock=Stock.NONE),
)
CPUS = (cpu("cpu3c", 0.03, stock=Stock.LOW), cpu("cpu5c", 0.035, stock=Stock.HIGH), cpu("cpu3m", None))
CENTERS = (
    center("EU-RO-1", global_network=True),
    center("US-KS-2"),
    center("EU-CZ-1", global_network=True),
    center("XX-NEW-1"),
)


def catalog(
    gpus: tuple[GpuType, ...] = GPUS,
    cpus: tuple[CpuFlavor, ...] = CPUS,
    centers: tuple[DataCenter, ...] = CENTERS,
) -> Catalog:
    return Catalog(
        gpus={one.id: one for one in gpus},
        cpus={one.id: one for one in cpus},
        data_centers={one.id: one for one in centers},
        cloud="SECURE",
        gpu_count=1,
        read_at=NOON,
        source="test",
    )


def request(**arguments: Any) -> PodCreateInput:
    return PodCreateInput.model_validate({"imageName": "a", **arguments})


def placed(
    known: Catalog | None = None,
    permits: Permits = ANYTHING,
    pinned: str | None = None,
    one_place_each: bool = True,
    **arguments: Any,
) -> Placement:
    return place(request(**arguments), known or catalog(), permits, pinned, one_place_each)


def types(placement: Placement) -> list[str]:
    return [candidate.type_id for candidate in placement.candidates]


def places(placement: Placement) -> list[tuple[str, ...]]:
    return [candidate.data_center_ids for candidate in placement.candidates]


def left_out(placement: Placement) -> dict[str, str]:
    return {one.type_id: one.code.value for one in placement.left_out}
