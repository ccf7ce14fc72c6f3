"""GPU types, CPU flavors and data centers with their prices and stock, and when they were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from runpod_mcp.money import Usd, dollars

PLACEHOLDER_PRICE = dollars("0.50")
"""With a largest pod of one GPU, this price marks a cloud the card is not sold in (seen in the live catalog)."""


class Stock(IntEnum):
    """How much is free, in Runpod's four words; UNKNOWN when the API did not say."""

    NONE = 0
    UNKNOWN = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4

    @classmethod
    def read(cls, word: object) -> Stock:
        """v2 writes `HIGH`, GraphQL `High` or null."""
        return cls.__members__.get(str(word).upper(), cls.UNKNOWN) if word is not None else cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class CloudOffer:
    """What one GPU type costs in one cloud: micro-dollars per hour for one GPU, and the largest pod in GPUs."""

    sold: bool
    usd_per_hour: Usd | None
    max_count: int

    @property
    def price(self) -> Usd | None:
        """The price if it is one: not zero, and not the placeholder of a cloud the card is not sold in."""
        if not self.sold or not self.usd_per_hour:
            return None
        if self.usd_per_hour == PLACEHOLDER_PRICE and self.max_count <= 1:
            return None
        return self.usd_per_hour


@dataclass(frozen=True, slots=True)
class GpuType:
    """A GPU type as the catalog has it; memory in GB of VRAM, stock for the cloud and count that were asked for."""

    id: str
    name: str
    memory_gb: int
    clouds: Mapping[str, CloudOffer]
    stock: Stock = Stock.UNKNOWN
    stock_by_data_center: Mapping[str, Stock] | None = None
    """None when the API did not say where it is; empty when it said nowhere."""

    def price(self, cloud: str) -> Usd | None:
        """Micro-dollars per hour for one GPU in this cloud, or None when there is no real price."""
        offer = self.clouds.get(cloud)
        return offer.price if offer else None

    def max_count(self, cloud: str) -> int:
        """The most GPUs of this type one pod can have in this cloud."""
        offer = self.clouds.get(cloud)
        return offer.max_count if offer else 0


@dataclass(frozen=True, slots=True)
class CpuFlavor:
    """A CPU flavor; price in micro-dollars per hour and vCPU, Secure Cloud only."""

    id: str
    name: str
    usd_per_hour_per_vcpu: Usd | None
    ram_gb_per_vcpu: float
    min_vcpus: int = 2
    max_vcpus: int = 32
    stock: Stock = Stock.UNKNOWN
    stock_by_data_center: Mapping[str, Stock] | None = None


@dataclass(frozen=True, slots=True)
class DataCenter:
    """A data center; country is an ISO 3166 code, or None where it is not known."""

    id: str
    name: str
    region: str = "UNKNOWN"
    country: str | None = None
    global_network: bool = False
    network_volumes: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """One reading of the catalog: `cloud` and `gpu_count` say what its stock is for, `read_at` (UTC) how old it is."""

    gpus: Mapping[str, GpuType]
    cpus: Mapping[str, CpuFlavor]
    data_centers: Mapping[str, DataCenter]
    cloud: str
    gpu_count: int
    read_at: datetime
    source: str
    notes: tuple[str, ...] = field(default=())

    def is_fresh(self, now: datetime, max_age: timedelta) -> bool:
        """Whether its prices may still be quoted; a reading from the future is not fresh."""
        return timedelta(0) <= now - self.read_at <= max_age
