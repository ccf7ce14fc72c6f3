"""Candidates: what a request, a policy and the catalog leave to choose from, in the order to try it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from runpod_mcp.catalog.catalog import Catalog, CpuFlavor, DataCenter, GpuType, Stock
from runpod_mcp.errors import Code, Failure
from runpod_mcp.money import Usd
from runpod_mcp.pods.create_input import PodCreateInput
from runpod_mcp.pods.values import CPU_FLAVOR_IDS, DATA_CENTER_IDS, GPU_TYPE_IDS
from runpod_mcp.pods.words import clean, nearest


@dataclass(frozen=True, slots=True)
class Permits:
    """What the policy lets through."""

    gpu: Callable[[str], bool]
    cpu: Callable[[str], bool]
    place: Callable[[str, str | None], bool]
    limits_place: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """One placeable choice. The price is micro-dollars per hour for the whole pod, disks not included.

    No data centers means that any will do.
    """

    type_id: str
    usd_per_hour: Usd
    stock: Stock
    data_center_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A choice that dropped out, and why."""

    type_id: str
    code: Code
    reason: str


@dataclass(frozen=True, slots=True)
class Placement:
    """The candidates in order, and what dropped out."""

    candidates: tuple[Candidate, ...]
    left_out: tuple[LeftOut, ...]

    def without(self, dropped: Iterable[LeftOut]) -> Placement:
        """The same without these, which are remembered as left out."""
        gone = {item.type_id: item for item in dropped}
        rest = tuple(c for c in self.candidates if c.type_id not in gone)
        return Placement(rest, (*self.left_out, *gone.values()))


def place(
    request: PodCreateInput,
    catalog: Catalog,
    permits: Permits,
    pinned: str | None = None,
    one_place_each: bool = True,
) -> Placement:
    """Narrow a request to candidates; `pinned` is the data center of its network volume.

    `one_place_each` turns a custom order of data centers into one candidate for each, for an API that takes a list
    of data centers without an order.

    Raises:
        Failure: `invalid_arguments` for an id nobody knows, naming the nearest; `data_center_not_allowed`.
    """
    places = _places(request, catalog, permits, pinned)
    chosen = (
        _gpus(request, catalog, permits)
        if request.compute_type == "GPU"
        else _cpus(request, catalog, permits)
    )
    candidates = [
        _narrowed(c, by_place, places, request.data_center_priority) for c, by_place in chosen.found
    ]
    ordered = _in_order(candidates, _custom_order(request))
    if one_place_each and places and request.data_center_priority == "custom":
        ordered = [replace(c, data_center_ids=(one,)) for c in ordered for one in c.data_center_ids]
    return Placement(tuple(ordered), tuple(chosen.left_out))


@dataclass(frozen=True, slots=True)
class _Chosen:
    found: list[tuple[Candidate, dict[str, Stock] | None]]
    left_out: list[LeftOut]


def _places(
    request: PodCreateInput, catalog: Catalog, permits: Permits, pinned: str | None
) -> tuple[str, ...]:
    """The data centers the pod may be in, in the request's order; none means any."""
    asked = request.data_center_ids if "data_center_ids" in request.model_fields_set else []
    for one in asked:
        if one not in catalog.data_centers and one not in DATA_CENTER_IDS:
            raise _not_known("dataCenterIds", "data center", one, [*catalog.data_centers, *DATA_CENTER_IDS])
    limited = asked or request.country_codes or permits.limits_place or request.global_networking or pinned
    if not limited:
        return ()
    every = list(dict.fromkeys(asked or ([pinned] if pinned else catalog.data_centers)))
    left = tuple(one for one in every if _may_be_in(one, request, catalog, permits, pinned))
    if not left:
        raise _nowhere(request, every, pinned)
    return left


def _may_be_in(
    one: str, request: PodCreateInput, catalog: Catalog, permits: Permits, pinned: str | None
) -> bool:
    known = catalog.data_centers.get(one) or DataCenter(one, one)
    return (
        permits.place(one, known.country)
        and (not request.country_codes or known.country in request.country_codes)
        and (not request.global_networking or known.global_network)
        and (pinned is None or pinned == one)
    )


def _nowhere(request: PodCreateInput, tried: Sequence[str], pinned: str | None) -> Failure:
    filters = [
        f"dataCenterIds {', '.join(request.data_center_ids)}"
        if "data_center_ids" in request.model_fields_set
        else "",
        f"countryCodes {', '.join(request.country_codes)}" if request.country_codes else "",
        "globalNetworking" if request.global_networking else "",
        f"the network volume's data center {pinned}" if pinned else "",
    ]
    named = " and ".join(part for part in filters if part) or "any place"
    return Failure(
        Code.DATA_CENTER_NOT_ALLOWED,
        f"No data center fits {named} and the policy together.",
        field="dataCenterIds",
        requested=", ".join(tried[:5]),
    )


def _gpus(request: PodCreateInput, catalog: Catalog, permits: Permits) -> _Chosen:
    chosen = _Chosen([], [])
    for one in _asked(request.gpu_type_ids, catalog.gpus, GPU_TYPE_IDS, "gpuTypeIds", "GPU type"):
        gpu = catalog.gpus.get(one)
        if not permits.gpu(one):
            if request.gpu_type_ids:
                chosen.left_out.append(LeftOut(one, Code.GPU_NOT_ALLOWED, "the policy does not allow it"))
        elif problem := _gpu_problem(gpu, request):
            chosen.left_out.append(LeftOut(one, *problem))
        elif gpu and (price := gpu.price(request.cloud_type)):
            candidate = Candidate(one, Usd(price * request.gpu_count), gpu.stock)
            chosen.found.append((candidate, _by_place(gpu)))
    return chosen


def _gpu_problem(gpu: GpuType | None, request: PodCreateInput) -> tuple[Code, str] | None:
    if gpu is None or gpu.price(request.cloud_type) is None:
        return Code.PRICE_UNKNOWN, f"no price in {request.cloud_type}"
    most = gpu.max_count(request.cloud_type)
    if request.gpu_count > most:
        return Code.TOO_MANY_GPUS, f"at most {most} in one {request.cloud_type} pod"
    return None


def _cpus(request: PodCreateInput, catalog: Catalog, permits: Permits) -> _Chosen:
    chosen = _Chosen([], [])
    for one in _asked(request.cpu_flavor_ids, catalog.cpus, CPU_FLAVOR_IDS, "cpuFlavorIds", "CPU flavor"):
        flavor = catalog.cpus.get(one)
        if not permits.cpu(one):
            if request.cpu_flavor_ids:
                chosen.left_out.append(LeftOut(one, Code.CPU_NOT_ALLOWED, "the policy does not allow it"))
        elif problem := _cpu_problem(flavor, request):
            chosen.left_out.append(LeftOut(one, *problem))
        elif flavor and flavor.usd_per_hour_per_vcpu:
            candidate = Candidate(one, Usd(flavor.usd_per_hour_per_vcpu * request.vcpu_count), flavor.stock)
            chosen.found.append((candidate, _by_place(flavor)))
    return chosen


def _cpu_problem(flavor: CpuFlavor | None, request: PodCreateInput) -> tuple[Code, str] | None:
    if request.cloud_type != "SECURE":
        return Code.CLOUD_NOT_ALLOWED, "CPU pods exist in SECURE only"
    if flavor is None or not flavor.usd_per_hour_per_vcpu:
        return Code.PRICE_UNKNOWN, "no price"
    if not flavor.min_vcpus <= request.vcpu_count <= flavor.max_vcpus:
        return Code.INVALID_ARGUMENTS, f"has {flavor.min_vcpus} to {flavor.max_vcpus} vCPUs"
    return None


def _asked(
    asked: Sequence[str] | None, sold: Iterable[str], documented: Sequence[str], field: str, kind: str
) -> list[str]:
    known = list(sold)
    for one in asked or ():
        if one not in known and one not in documented:
            raise _not_known(field, kind, one, [*known, *documented])
    return list(dict.fromkeys(asked or known))


def _not_known(field: str, kind: str, word: str, known: Sequence[str]) -> Failure:
    meant = nearest(word, known)
    hint = f"; did you mean {meant!r}?" if meant else ""
    return Failure(
        Code.INVALID_ARGUMENTS,
        f"{field}: there is no {kind} {clean(word, 60)!r}{hint}",
        field=field,
        requested=clean(word, 60),
        alternatives=[meant] if meant else (),
    )


def _by_place(item: GpuType | CpuFlavor) -> dict[str, Stock] | None:
    return None if item.stock_by_data_center is None else dict(item.stock_by_data_center)


def _narrowed(
    candidate: Candidate, by_place: dict[str, Stock] | None, places: tuple[str, ...], priority: str
) -> Candidate:
    """The candidate in these places: where it has stock, the fullest first unless the order was given."""
    if not places:
        return candidate
    if by_place is None:
        return replace(candidate, data_center_ids=places)
    stocked = [one for one in places if by_place.get(one, Stock.NONE) > Stock.NONE]
    if priority == "availability":
        stocked.sort(key=lambda one: -by_place[one])
    stock = max((by_place[one] for one in stocked), default=Stock.NONE)
    return replace(candidate, stock=stock, data_center_ids=tuple(stocked) or places)


def _custom_order(request: PodCreateInput) -> bool:
    if request.compute_type == "CPU":
        return request.cpu_flavor_priority == "custom" and bool(request.cpu_flavor_ids)
    return request.gpu_type_priority == "custom" and bool(request.gpu_type_ids)


def _in_order(candidates: list[Candidate], custom: bool) -> list[Candidate]:
    """The given order, or most stock and then cheapest; what has no stock only counts when nothing else has."""
    if custom:
        return candidates
    stocked = [c for c in candidates if c.stock > Stock.NONE] or candidates
    return sorted(stocked, key=lambda c: (-c.stock, c.usd_per_hour))
