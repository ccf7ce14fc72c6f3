"""What is sold: GPU types, CPU flavors and data centers, read once from `prices.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

CLOUDS = ("SECURE", "COMMUNITY")
CUDA_VERSIONS = (
    "13.0",
    "12.9",
    "12.8",
    "12.7",
    "12.6",
    "12.5",
    "12.4",
    "12.3",
    "12.2",
    "12.1",
    "12.0",
    "11.8",
)
SERVERLESS_FACTOR = Fraction(3, 2)
"""What a serverless GPU costs of a secure pod's price where no reading of its rate is known."""
_HOST_CUDA = ("12.8", "13.0", "12.8", "12.4", "13.0", "12.9")
_REGIONS = {"AP": "ASIA", "SEA": "ASIA", "OC": "OCEANIA", "EU": "EUROPE", "EUR": "EUROPE"}


@dataclass(frozen=True)
class Offer:
    """How one cloud sells a GPU type: dollars per GPU and hour, the largest pod, and the stock to begin with.

    Where `sold` is false the price is Runpod's placeholder, 0 or 0.50 with a maximum of 1.
    """

    sold: bool
    price: Fraction
    spot: Fraction | None
    most: int
    stock: str


@dataclass(frozen=True)
class GpuType:
    """A GPU type. `memory` is VRAM in GB; `vcpus` and `ram` (GB) are one GPU's share of its host.

    `serverless_price` is dollars per GPU and hour of a serverless worker; it means nothing without a `pool`.
    """

    id: str
    name: str
    memory: int
    maker: str
    pool: str | None
    in_v1: bool
    offers: Mapping[str, Offer]
    vcpus: int
    ram: int
    stocked_in: tuple[str, ...]
    serverless_price: Fraction


@dataclass(frozen=True)
class CpuFlavor:
    """A CPU flavor: dollars per vCPU and hour, GB of RAM per vCPU, 2 to 32 vCPUs in powers of two."""

    id: str
    name: str
    group: str
    price: Fraction
    serverless_price: Fraction
    ram: int
    least: int = 2
    most: int = 32

    def fits(self, vcpus: int) -> bool:
        """Whether it comes with this many vCPUs."""
        return self.least <= vcpus <= self.most and vcpus & (vcpus - 1) == 0


@dataclass(frozen=True)
class DataCenter:
    """A data center; `country` is ISO 3166-1, `cuda` what its NVIDIA hosts report."""

    id: str
    region: str
    country: str
    location: str
    listed: bool
    in_v1: bool
    global_network: bool
    volume_types: tuple[str, ...]
    compliance: tuple[str, ...]
    cuda: str


@dataclass(frozen=True)
class PriceList:
    """Everything that is sold, by id, in Runpod's order."""

    gpus: Mapping[str, GpuType]
    cpus: Mapping[str, CpuFlavor]
    data_centers: Mapping[str, DataCenter]

    def pool(self, pool_id: str) -> tuple[str, ...]:
        """The GPU types of a serverless pool; empty for one that is unknown."""
        return tuple(gpu.id for gpu in self.gpus.values() if gpu.pool == pool_id)

    def countries(self, codes: Sequence[str]) -> frozenset[str]:
        """The ids of the data centers in these countries."""
        return frozenset(dc.id for dc in self.data_centers.values() if dc.country in codes)


def cpu_disk_limit(vcpus: int) -> int:
    """The largest container disk of a CPU pod in GB: 20 at 2 vCPUs was seen live, taken here as 10 per vCPU."""
    return 10 * vcpus


@cache
def read_price_list() -> PriceList:
    """The price list in the package; the same object every time."""
    text = files("runpod_mcp.simulator").joinpath("prices.toml").read_text("utf-8")
    tables = tomllib.loads(text, parse_float=Fraction)
    centers = [_data_center(row, index) for index, row in enumerate(tables["data_centers"])]
    gpus = [_gpu_type(row) for row in tables["gpus"]]
    cpus = [_cpu_flavor(row) for row in tables["cpus"]]
    return PriceList(
        {gpu.id: gpu for gpu in gpus}, {cpu.id: cpu for cpu in cpus}, {dc.id: dc for dc in centers}
    )


def _gpu_type(row: Mapping[str, Any]) -> GpuType:
    return GpuType(
        id=row["id"],
        name=row["name"],
        memory=row["vram"],
        maker="AMD" if row["id"].startswith("AMD") else "NVIDIA",
        pool=row.get("pool"),
        in_v1=row.get("v1", True),
        offers={cloud: _offer(row, cloud, index) for index, cloud in enumerate(CLOUDS)},
        vcpus=row["share"][0],
        ram=row["share"][1],
        stocked_in=tuple(row.get("in", ())),
        serverless_price=Fraction(row.get("serverless", row["price"][0] * SERVERLESS_FACTOR)),
    )


def _offer(row: Mapping[str, Any], cloud: str, index: int) -> Offer:
    spots = [*row.get("spot", ()), 0, 0]
    return Offer(
        sold=cloud not in row.get("placeholder", ()),
        price=Fraction(row["price"][index]),
        spot=Fraction(spots[index]) or None,
        most=row["max"][index],
        stock=row["stock"][index],
    )


def _cpu_flavor(row: Mapping[str, Any]) -> CpuFlavor:
    return CpuFlavor(
        row["id"], row["name"], row["group"], Fraction(row["price"]), Fraction(row["serverless"]), row["ram"]
    )


def _data_center(row: Mapping[str, Any], index: int) -> DataCenter:
    return DataCenter(
        id=row["id"],
        region=_REGIONS.get(row["id"].split("-")[0], "NORTH_AMERICA"),
        country=row["country"],
        location=row["location"],
        listed=row.get("listed", True),
        in_v1=row.get("v1", False),
        global_network=row.get("net", False),
        volume_types=tuple(row.get("disk", ())),
        compliance=tuple(row.get("compliance", ())),
        cuda=_HOST_CUDA[index % len(_HOST_CUDA)],
    )
