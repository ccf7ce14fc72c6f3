"""What is free where, and at which price: GPUs and vCPUs per resource, cloud and data center."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

from runpod_mcp.simulator.price_list import CLOUDS, GpuType, PriceList

Place = tuple[str, str, str]
"""GPU type or CPU flavor id, cloud, data center id."""

_AMOUNTS = {"plenty": (6, 16), "some": (3, 8), "few": (1, 3), "none": (0, 0)}
_CPU_CENTERS = ("EU-RO-1", "US-IL-1", "US-KS-2", "EUR-IS-1", "US-TX-3", "EU-SE-1")
_CPU_FREE = 256


class Stock:
    """Free GPUs (vCPUs for a CPU flavor) per place, and list prices in dollars per GPU (vCPU) and hour.

    `factor` is what a price rise multiplies the list price of an id by.
    """

    def __init__(
        self, price_list: PriceList, factor: Callable[[str], Fraction] = lambda _: Fraction(1)
    ) -> None:
        self._list = price_list
        self._factor = factor
        self.reset()

    def reset(self) -> None:
        """Everything as it was at the start."""
        self._free: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        self._prices: dict[tuple[str, str], Fraction] = {}
        for index, gpu in enumerate(self._list.gpus.values()):
            self._fill(gpu, index)
        for cpu_id in self._list.cpus:
            self._free[cpu_id, "SECURE"] = dict.fromkeys(_CPU_CENTERS, _CPU_FREE)

    def _fill(self, gpu: GpuType, index: int) -> None:
        for cloud in CLOUDS:
            centers, amount = _AMOUNTS[gpu.offers[cloud].stock]
            for center in self._centers_for(gpu, index)[:centers]:
                self._free[gpu.id, cloud][center] = amount

    def _centers_for(self, gpu: GpuType, index: int) -> tuple[str, ...]:
        known = [dc.id for dc in self._list.data_centers.values() if dc.in_v1]
        spread = tuple(known[(index + 5 * step) % len(known)] for step in range(6))
        return gpu.stocked_in or spread

    def free(self, place: Place) -> int:
        """How many are free at a place; 0 where it is not offered."""
        resource, cloud, center = place
        return self._free[resource, cloud].get(center, 0)

    def take(self, place: Place, count: int) -> None:
        """Take some out of the stock."""
        resource, cloud, center = place
        self._free[resource, cloud][center] = self.free(place) - count

    def give(self, place: Place, count: int) -> None:
        """Put some back."""
        self.take(place, -count)

    def centers(self, resource_id: str, cloud: str) -> Mapping[str, int]:
        """The data centers that offer this, with what is free in each."""
        return self._free[resource_id, cloud]

    def at_center(self, resource_id: str, center_id: str) -> list[int]:
        """What is free in one data center, a number for each cloud that offers this there."""
        rooms = (self._free[resource_id, cloud] for cloud in CLOUDS)
        return [room[center_id] for room in rooms if center_id in room]

    def price(self, resource_id: str, cloud: str, *, spot: bool = False) -> Fraction | None:
        """The list price for one, or None when this cloud does not sell it (a placeholder counts as not sold)."""
        listed = self._listed(resource_id, cloud, spot=spot)
        return None if listed is None else listed * self._factor(resource_id)

    def _listed(self, resource_id: str, cloud: str, *, spot: bool) -> Fraction | None:
        if resource_id in self._list.cpus:
            return self._list.cpus[resource_id].price if cloud == "SECURE" and not spot else None
        offer = self._list.gpus[resource_id].offers[cloud]
        if spot:
            return offer.spot
        return self._prices.get((resource_id, cloud), offer.price if offer.sold else None)

    def serverless_price(self, resource_id: str) -> Fraction | None:
        """What a serverless worker costs per GPU (vCPU) and hour, idle or busy; None for a GPU type in no pool.

        Runpod's flex rate where a reading of it is in the price list (H200, H100 SXM, PRO 6000, L40S, 4090), else
        `SERVERLESS_FACTOR` times the secure price. It moves with the secure price. Always-on workers were said to
        be cheaper in v1; no number was, so they cost the same here.
        """
        if resource_id in self._list.cpus:
            return self._list.cpus[resource_id].serverless_price * self._factor(resource_id)
        gpu, secure = self._list.gpus[resource_id], self.price(resource_id, "SECURE")
        if gpu.pool is None or secure is None:
            return None
        return secure * (gpu.serverless_price / gpu.offers["SECURE"].price)

    def shown_price(self, gpu_id: str, cloud: str) -> Fraction:
        """What a catalog shows: the list price, or the placeholder where this cloud does not sell it."""
        price = self.price(gpu_id, cloud)
        return self._list.gpus[gpu_id].offers[cloud].price if price is None else price

    def level(self, counts: Iterable[int], wanted: int = 1) -> str:
        """The availability of a pod of `wanted` GPUs over places with these free counts: NONE, LOW, MEDIUM or HIGH."""
        pods = sum(free // wanted for free in counts)
        if pods == 0:
            return "NONE"
        return "LOW" if pods < 4 else "MEDIUM" if pods < 12 else "HIGH"

    def set(
        self,
        gpu_type_id: str,
        *,
        data_center_id: str | None = None,
        cloud: str | None = None,
        free: int | None = None,
        secure_price: Fraction | None = None,
        community_price: Fraction | None = None,
    ) -> None:
        """Change what is free, or list prices in dollars; a GPU type given a price is sold in that cloud.

        Without a data center `free` applies to every one that offers it; without a cloud, to both.
        """
        for tier, price in zip(CLOUDS, (secure_price, community_price), strict=True):
            if price is not None:
                self._prices[gpu_type_id, tier] = price
        if free is None:
            return
        for tier in CLOUDS if cloud is None else (cloud,):
            for center in [data_center_id] if data_center_id else list(self.centers(gpu_type_id, tier)):
                self._free[gpu_type_id, tier][center] = free
