"""The v2 catalog: what exists and costs, and with `include=AVAILABILITY` what is free."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from runpod_mcp.simulator.calls import Call, Reply, Route
from runpod_mcp.simulator.placement import cuda_fits
from runpod_mcp.simulator.price_list import CLOUDS, CpuFlavor, DataCenter, GpuType
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.world import World

_REGIONS = [
    "NORTH_AMERICA",
    "SOUTH_AMERICA",
    "EUROPE",
    "ASIA",
    "MIDDLE_EAST",
    "AFRICA",
    "OCEANIA",
    "ANTARCTICA",
    "UNKNOWN",
]
_TIERS = ("STANDARD", "HIGH_PERFORMANCE")
_ONLY_WITH_INCLUDE = (
    "product",
    "count",
    "cloud",
    "countryCodes",
    "cudaVersions",
    "minCudaVersion",
    "vcpuCount",
)

_Thing = TypeVar("_Thing")


@dataclass(frozen=True)
class Look:
    """What a catalog read asks to know about stock; `wanted` is GPUs (vCPUs) per pod."""

    wanted: int
    cloud: str
    countries: tuple[str, ...]
    cuda: tuple[str, ...]
    least_cuda: str | None


class Catalog:
    """The `/v2/catalog` operations."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._list = world.price_list

    def routes(self) -> list[Route]:
        """Its operations, all named "catalog"."""
        works: Mapping[str, Callable[[Call], Reply]] = {
            "/catalog/gpus": self._gpus,
            "/catalog/gpus/{id}": self._one_gpu,
            "/catalog/cpus": self._cpus,
            "/catalog/cpus/{id}": self._one_cpu,
            "/catalog/datacenters": self._centers,
            "/catalog/datacenters/{id}": self._one_center,
        }
        return [Route("GET", path, "catalog", work) for path, work in works.items()]

    def _gpus(self, call: Call) -> Reply:
        look = _look(call, "count", 1, ("POD", "CLUSTER", "SERVERLESS"))
        shown = [self._gpu(gpu, look) for gpu in self._list.gpus.values() if self._reachable(gpu, look)]
        return Reply(200, {"gpus": shown})

    def _one_gpu(self, call: Call) -> Reply:
        look = _look(call, "count", 1, ("POD", "CLUSTER", "SERVERLESS"))
        return Reply(200, self._gpu(_known(self._list.gpus, call.ids["id"]), look))

    def _reachable(self, gpu: GpuType, look: Look | None) -> bool:
        if look is None or not look.countries:
            return True
        centers = self._world.stock.centers(gpu.id, look.cloud)
        return bool(self._list.countries(look.countries) & set(centers))

    def _gpu(self, gpu: GpuType, look: Look | None) -> dict[str, Any]:
        stock = self._world.stock
        sold = {cloud: stock.price(gpu.id, cloud) is not None for cloud in CLOUDS}
        price = {cloud.lower(): float(stock.shown_price(gpu.id, cloud)) for cloud in CLOUDS}
        if (serverless := stock.serverless_price(gpu.id)) is not None:
            price["serverless"] = float(serverless)
        return {
            "id": gpu.id,
            "name": gpu.name,
            "pool": gpu.pool,
            "manufacturer": gpu.maker,
            "memory": gpu.memory,
            "secure": sold["SECURE"],
            "community": sold["COMMUNITY"],
            "price": price,
            "maxCount": {cloud.lower(): gpu.offers[cloud].most for cloud in CLOUDS},
            **({} if look is None else self._gpu_stock(gpu, look)),
        }

    def _gpu_stock(self, gpu: GpuType, look: Look) -> dict[str, Any]:
        offered = (
            self._world.stock.centers(gpu.id, look.cloud)
            if look.wanted <= gpu.offers[look.cloud].most
            else {}
        )
        if gpu.maker != "NVIDIA":
            return self._stock(offered, look, lambda _: None)
        shown = self._stock(offered, look, lambda center: self._list.data_centers[center].cuda)
        return {**shown, "cudaVersions": self._cuda(offered, look)}

    def _cuda(self, offered: Mapping[str, int], look: Look) -> list[dict[str, Any]]:
        free: dict[str, int] = {}
        for center, count in offered.items():
            version = self._list.data_centers[center].cuda
            free[version] = max(free.get(version, 0), count)
        return [
            {"version": version, "available": count >= look.wanted}
            for version, count in sorted(free.items(), reverse=True)
            if cuda_fits(version, look.cuda, look.least_cuda)
        ]

    def _stock(
        self, offered: Mapping[str, int], look: Look, cuda: Callable[[str], str | None]
    ) -> dict[str, Any]:
        allowed = (
            self._list.countries(look.countries) if look.countries else frozenset(self._list.data_centers)
        )
        level = self._world.stock.level
        counts = {
            center: count
            for center, count in offered.items()
            if center in allowed
            and count >= look.wanted
            and cuda_fits(cuda(center), look.cuda, look.least_cuda)
        }
        centers = [_leveled(center, center, level([count], look.wanted)) for center, count in counts.items()]
        overall = level(counts.values(), look.wanted)
        return {"availability": overall, **({"dataCenters": centers} if centers else {})}

    def _cpus(self, call: Call) -> Reply:
        look = _look(call, "vcpuCount", 2, ("POD", "SERVERLESS"))
        return Reply(200, {"cpus": [self._cpu(cpu, look) for cpu in self._list.cpus.values()]})

    def _one_cpu(self, call: Call) -> Reply:
        look = _look(call, "vcpuCount", 2, ("POD", "SERVERLESS"))
        return Reply(200, self._cpu(_known(self._list.cpus, call.ids["id"]), look))

    def _cpu(self, cpu: CpuFlavor, look: Look | None) -> dict[str, Any]:
        price = self._world.stock.price(cpu.id, "SECURE") or cpu.price
        serverless = self._world.stock.serverless_price(cpu.id) or cpu.serverless_price
        stock = self._world.stock.centers(cpu.id, "SECURE")
        return {
            "id": cpu.id,
            "name": cpu.name,
            "group": cpu.group,
            "vcpu": {"min": cpu.least, "max": cpu.most},
            "ramGbPerVcpu": float(cpu.ram),
            "price": {"securePerVcpu": float(price), "serverlessPerVcpu": float(serverless)},
            **({} if look is None else self._stock(stock, look, lambda _: None)),
        }

    def _centers(self, call: Call) -> Reply:
        regions = _choices(call, "regions", _REGIONS)
        tiers = _choices(call, "networkVolumeTypes", _TIERS)
        shown = [
            self._center(center, call)
            for center in self._list.data_centers.values()
            if center.listed
            and (not regions or center.region in regions)
            and set(tiers) <= set(center.volume_types)
            and set(call.listed("compliance")) <= set(center.compliance)
            and call.asked("globalNetwork") in (None, str(center.global_network).lower())
        ]
        return Reply(200, {"dataCenters": shown})

    def _one_center(self, call: Call) -> Reply:
        return Reply(200, self._center(_known(self._list.data_centers, call.ids["id"]), call))

    def _center(self, center: DataCenter, call: Call) -> dict[str, Any]:
        include = _choices(call, "include", ("GPU_AVAILABILITY", "CPU_AVAILABILITY"))
        shown: dict[str, Any] = {
            "id": center.id,
            "name": center.id,
            "region": center.region,
            "globalNetwork": center.global_network,
            "networkVolumeTypes": list(center.volume_types),
            "compliance": list(center.compliance),
        }
        if "GPU_AVAILABILITY" in include and (levels := self._levels(center, self._list.gpus.values())):
            shown["gpuAvailability"] = levels
        if "CPU_AVAILABILITY" in include and (levels := self._levels(center, self._list.cpus.values())):
            shown["cpuAvailability"] = levels
        return shown

    def _levels(self, center: DataCenter, sold: Iterable[GpuType | CpuFlavor]) -> list[dict[str, str]]:
        stock = self._world.stock
        return [
            _leveled(thing.id, thing.name, stock.level(counts))
            for thing in sold
            if (counts := stock.at_center(thing.id, center.id))
        ]


def _leveled(thing_id: str, name: str, level: str) -> dict[str, str]:
    return {"id": thing_id, "name": name, "availability": level}


def _known(things: Mapping[str, _Thing], thing_id: str) -> _Thing:
    if thing_id not in things:
        raise Refusal(Reason.NOT_FOUND)
    return things[thing_id]


def _look(call: Call, count_name: str, least: int, products: Sequence[str]) -> Look | None:
    include = _choices(call, "include", ("AVAILABILITY",))
    asked_products = _choices(call, "product", products)
    look = Look(
        wanted=_whole(call, count_name, least),
        cloud=(_choices(call, "cloud", CLOUDS) or ("SECURE",))[0],
        countries=_shaped(call, "countryCodes", r"[A-Z]{2}"),
        cuda=_shaped(call, "cudaVersions", r"\d+\.\d+"),
        least_cuda=(_shaped(call, "minCudaVersion", r"\d+(\.\d+)?") or (None,))[0],
    )
    if not include:
        for name in _ONLY_WITH_INCLUDE:
            if name in call.query:
                raise Refusal(Reason.RULE, f"{name} is only valid with include=AVAILABILITY")
        return None
    if not asked_products:
        raise Refusal(Reason.RULE, "product is required with include=AVAILABILITY")
    if look.cuda and look.least_cuda:
        raise Refusal(Reason.RULE, "cudaVersions and minCudaVersion are mutually exclusive")
    return look


def _choices(call: Call, name: str, known: Sequence[str]) -> tuple[str, ...]:
    values = call.listed(name)
    wrong = [value for value in values if value not in known]
    if wrong:
        choices = ", ".join(repr(choice) for choice in known)
        raise Refusal(Reason.INVALID, errors=[f"query.{name}: value must be one of {choices}"])
    return values


def _shaped(call: Call, name: str, pattern: str) -> tuple[str, ...]:
    values = call.listed(name)
    if not all(re.fullmatch(pattern, value) for value in values):
        raise Refusal(Reason.INVALID, errors=[f"query.{name}: does not match pattern '^{pattern}$'"])
    return values


def _whole(call: Call, name: str, least: int) -> int:
    text = call.asked(name)
    if text is None:
        return least
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise Refusal(Reason.INVALID, errors=[f"query.{name}: must be an integer of at least {least}"])
    return int(text)
