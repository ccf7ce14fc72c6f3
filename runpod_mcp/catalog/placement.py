"""Candidates: what a request, a policy and the catalog leave to choose from, in the order to try it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from runpod_mcp.catalog.catalog import Catalog, DataCenter, Stock
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
    found = [
        _narrowed(one, places, request.data_center_priority) for one in chosen if isinstance(one, _Found)
    ]
    ordered = _in_order(found, _custom_order(request))
    left_out = [one for one in chosen if isinstance(one, LeftOut)]
    left_out += [LeftOut(c.type_id, Code.NO_CAPACITY, "no stock") for c in found if c not in ordered]
    if one_place_each and places and request.data_center_priority == "custom":
        ordered = [replace(c, data_center_ids=(one,)) for c in ordered for one in c.data_center_ids]
    return Placement(tuple(ordered), tuple(left_out))


@dataclass(frozen=True, slots=True)
class _Found:
    candidate: Candidate
    by_place: Mapping[str, Stock] | None


def _places(
    request: PodCreateInput, catalog: Catalog, permits: Permits, pinned: str | None
) -> tuple[str, ...]:
    """The data centers the pod may be in, in the request's order; none means any."""
    asked = request.data_center_ids if request.asked("data_center_ids") else []
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
    asked = request.data_center_ids if request.asked("data_center_ids") else []
    filters = [
        f"dataCenterIds {', '.join(asked)}" if asked else "",
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


def _gpus(request: PodCreateInput, catalog: Catalog, permits: Permits) -> list[_Found | LeftOut]:
    asked = _asked(request.gpu_type_ids, catalog.gpus, GPU_TYPE_IDS, "gpuTypeIds", "GPU type")
    refused = LeftOut("", Code.GPU_NOT_ALLOWED, "the policy does not allow it")
    return [
        _gpu(one, request, catalog) if permits.gpu(one) else replace(refused, type_id=one)
        for one in asked
        if request.gpu_type_ids or permits.gpu(one)
    ]


def _gpu(one: str, request: PodCreateInput, catalog: Catalog) -> _Found | LeftOut:
    gpu = catalog.gpus.get(one)
    price = gpu.price(request.cloud_type) if gpu else None
    if gpu is None or price is None:
        return LeftOut(one, Code.PRICE_UNKNOWN, f"no price in {request.cloud_type}")
    most = gpu.max_count(request.cloud_type)
    if request.gpu_count > most:
        return LeftOut(one, Code.TOO_MANY_GPUS, f"at most {most} in one {request.cloud_type} pod")
    candidate = Candidate(one, Usd(price * request.gpu_count), gpu.stock)
    return _Found(candidate, gpu.stock_by_data_center)


def _cpus(request: PodCreateInput, catalog: Catalog, permits: Permits) -> list[_Found | LeftOut]:
    asked = _asked(request.cpu_flavor_ids, catalog.cpus, CPU_FLAVOR_IDS, "cpuFlavorIds", "CPU flavor")
    refused = LeftOut("", Code.CPU_NOT_ALLOWED, "the policy does not allow it")
    return [
        _cpu(one, request, catalog) if permits.cpu(one) else replace(refused, type_id=one)
        for one in asked
        if request.cpu_flavor_ids or permits.cpu(one)
    ]


def _cpu(one: str, request: PodCreateInput, catalog: Catalog) -> _Found | LeftOut:
    flavor = catalog.cpus.get(one)
    if request.cloud_type != "SECURE":
        return LeftOut(one, Code.CLOUD_NOT_ALLOWED, "CPU pods exist in SECURE only")
    if flavor is None or not flavor.usd_per_hour_per_vcpu:
        return LeftOut(one, Code.PRICE_UNKNOWN, "no price")
    if not flavor.min_vcpus <= request.vcpu_count <= flavor.max_vcpus:
        return LeftOut(one, Code.INVALID_ARGUMENTS, f"has {flavor.min_vcpus} to {flavor.max_vcpus} vCPUs")
    candidate = Candidate(one, Usd(flavor.usd_per_hour_per_vcpu * request.vcpu_count), flavor.stock)
    return _Found(candidate, flavor.stock_by_data_center)


def _asked(
    asked: Sequence[str] | None, sold: Iterable[str], documented: Sequence[str], field: str, kind: str
) -> list[str]:
    known = list(sold)
    for one in asked or ():
        if one not in known and one not in documented:
            raise _not_known(field, kind, one, [*known, *documented])
    return list(dict.fromkeys(asked or known or documented))


def _not_known(field: str, kind: str, word: str, known: Sequence[str]) -> Failure:
    meant = nearest(word, known)
    hint = f"; did you mean {meant!r}?" if meant else "."
    return Failure(
        Code.INVALID_ARGUMENTS,
        f"{field}: there is no {kind} {clean(word, 60)!r}{hint}",
        field=field,
        requested=clean(word, 60),
    )


def _narrowed(found: _Found, places: tuple[str, ...], priority: str) -> Candidate:
    """The candidate in these places: where it has stock, the fullest first unless the order was given."""
    candidate, by_place = found.candidate, found.by_place
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
    """The given order, or most stock and then cheapest; what has no stock is only tried when nothing else has any."""
    if custom:
        return candidates
    stocked = [c for c in candidates if c.stock > Stock.NONE] or candidates
    return sorted(stocked, key=lambda c: (-c.stock, c.usd_per_hour))
