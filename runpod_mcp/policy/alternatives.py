"""The nearest requests that would pass now, each found by changing little and deciding again. Pure."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from runpod_mcp.catalog.catalog import Stock
from runpod_mcp.catalog.placement import Candidate, Placement
from runpod_mcp.errors import Code, Failure
from runpod_mcp.money import as_dollars
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.policy.decide import Case, decide, placed, terms_of, too_dear
from runpod_mcp.policy.decision import Allow, Deny
from runpod_mcp.policy.offer import Offer, Wanted
from runpod_mcp.policy.rules import judge_request

MOST_OFFERED = 3
MOST_PLACES = 3
SMALL_DISKS_GB = (50, 20, 10, 5, 1)
SMALL_VOLUMES_GB = (20, 10, 0)
VCPU_STEPS = (64, 32, 16, 8, 4, 2)
LEASE_STEPS = (24, 8, 4, 2, 1, 0.5, 0.25, 0.05)
"""Hours."""
LARGEST_POD = 16
"""GPUs; more than any machine of Runpod has, and an end to the search whatever was asked for."""

Change = dict[str, Any]
"""Arguments and their new values, under the names an agent uses; no GPU types or CPU flavors means any."""

_NO_HELP = frozenset({Code.TOO_MANY_PODS, Code.TEMPLATE_NOT_ALLOWED})
"""No other pod would pass either; or what would, has to be read first."""
BY_TIME = frozenset(
    {Code.OVER_DAILY_BUDGET, Code.OVER_MONTHLY_BUDGET, Code.OVER_TOTAL_BUDGET, Code.LEASE_TOO_LONG}
)
"""A shorter lease helps most."""
_BY_CLOUD = frozenset({Code.PRICE_UNKNOWN, Code.CLOUD_NOT_ALLOWED})
"""The other cloud may sell it."""


def with_alternatives(case: Case, wanted: Wanted, denied: Deny) -> Deny:
    """The denial with what would pass instead, and at which price; what only its rule would let pass is left out."""
    if denied.code in _NO_HELP:
        return replace(denied, alternatives=())
    found: list[Change] = []
    for series in _series(case, wanted, denied):
        passing = (whole for change in series for whole in _passing(case, wanted, change, denied.code))
        nearest = next((whole for whole in passing if not any(holds(one, whole) for one in found)), None)
        if nearest:
            found.append(nearest)
        if len(found) == MOST_OFFERED:
            break
    return replace(denied, alternatives=found or list(_smallest(case, wanted, denied.code))[:1])


def holds(nearer: Change, change: Change) -> bool:
    """Whether all that is changed by one is changed by the other too."""
    return all(change.get(name) == value for name, value in nearer.items() if name != "usdPerHour")


def applied(request: CreateRequest, change: Mapping[str, Any]) -> CreateRequest:
    """The request that an alternative stands for; its price is no argument."""
    return request.with_arguments({name: value for name, value in change.items() if name != "usdPerHour"})


def _series(case: Case, wanted: Wanted, denied: Deny) -> Iterator[Iterable[Change]]:
    """What to try, each series with its nearest change first: one of each is offered."""
    for base in _bases(case, wanted, denied):
        if base and any(_passing(case, wanted, base, denied.code)):
            yield [base]
            continue
        by_time = [_leases(case, wanted, base, denied.code)]
        by_kind = list(_kinds(case, wanted, base, denied.code))
        yield from (*by_time, *by_kind) if denied.code in BY_TIME else (*by_kind, *by_time)
        yield from _sizes(applied(wanted.request, base), base)
    if denied.code is Code.PRICE_ABOVE_MAXIMUM:
        yield [{"maxUsdPerHour": denied.requested}]


def _bases(case: Case, wanted: Wanted, denied: Deny) -> list[Change]:
    """What mends the broken rules, those of GPU types and CPU flavors aside; nothing where only a price is too high."""
    if denied.code is Code.DATA_CENTER_NOT_ALLOWED:
        return list(_places(case, wanted))
    clouds: list[Change] = []
    if denied.code in _BY_CLOUD and not denied.alternatives:
        clouds = [{"cloudType": one} for one in ("SECURE", "COMMUNITY") if one != wanted.request.cloud_type]
    others = judge_request(case.policy, applied(wanted.request, {"gpuTypeIds": None, "cpuFlavorIds": None}))
    if others and not (denied.alternatives or others.alternatives):
        return []  # nothing mends it
    mended = others.alternatives if others else [{}]
    bases = [*clouds, *(denied.alternatives or mended)]
    return [whole for base in bases for whole in _in_its_place(case, wanted, base)]


def _in_its_place(case: Case, wanted: Wanted, base: Change) -> list[Change]:
    """The change with places that are allowed, where the request may be nowhere; none where there are none."""
    request = applied(wanted.request, base)
    if judge_request(case.policy, request):
        request = applied(request, {"gpuTypeIds": None, "cpuFlavorIds": None})
    there = replace(wanted, request=request)
    try:
        nowhere = isinstance(placed(case, there), Deny)
    except Failure:
        nowhere = False
    return [{**base, **place} for place in _places(case.reading(request), there)] if nowhere else [base]


def _places(case: Case, wanted: Wanted) -> Iterator[Change]:
    """Data centers that the policy allows and where there is stock; a network volume cannot move."""
    request = wanted.request
    permitted = [
        one
        for one in case.catalog.data_centers.values()
        if case.policy.pods.permits_place(one.id, one.country)
    ]
    fit = {one.id: one.country for one in permitted if one.global_network or not request.global_networking}
    if fit and not wanted.pinned:
        yield from _stocked(case, wanted, fit)
    if permitted and request.global_networking:
        yield {"globalNetworking": False}


def _stocked(case: Case, wanted: Wanted, countries: Mapping[str, str | None]) -> Iterator[Change]:
    """The first few of these data centers that the request could be placed in, or their countries if it named some."""
    request = wanted.request
    change: Change = {"dataCenterIds": list(countries)}
    if request.country_codes:
        change["countryCodes"] = _named(countries.values())
    candidates = _candidates(case, replace(wanted, request=applied(request, change)))
    chosen = list(dict.fromkeys(one for c in candidates for one in c.data_center_ids))[:MOST_PLACES]
    if request.country_codes:
        change["countryCodes"] = _named(countries[one] for one in chosen)
    if request.asked("data_center_ids") or not request.country_codes:
        change["dataCenterIds"] = chosen
    else:
        del change["dataCenterIds"]
    if chosen:
        yield change


def _named(countries: Iterable[str | None]) -> list[str]:
    return sorted({one for one in countries if one})


def _candidates(case: Case, wanted: Wanted) -> tuple[Candidate, ...]:
    """What a request could be placed on, whatever it costs; nothing where it names something that is not sold."""
    try:
        found = placed(case, wanted)
    except Failure:
        return ()
    return () if isinstance(found, Deny) else found.candidates


def _leases(case: Case, wanted: Wanted, base: Change, code: Code) -> Iterator[Change]:
    """The longest lease that passes; a shorter one is never dearer, so it can be searched for by halves."""
    if any(_passing(case, wanted, base, code)):
        return
    request = applied(wanted.request, base)
    hours = _hours(case, request)
    step = 0.25 if hours > 1 else 0.05

    def fails(steps: int) -> bool:
        change = {**base, "leaseHours": round(steps * step, 2)}
        return not any(_passing(case, wanted, change, code))

    longest = bisect.bisect_left(range(1, math.ceil(hours / step)), True, key=fails)
    if longest:
        yield {**base, "leaseHours": round(longest * step, 2)}


def _kinds(case: Case, wanted: Wanted, base: Change, code: Code) -> Iterator[Iterable[Change]]:
    """Another type; then fewer of them; then fewer of another type, or another type for a shorter time."""
    request = applied(wanted.request, base)
    if request.compute_type == "CPU":
        any_kind = {**base, "cpuFlavorIds": None}
        yield [any_kind]
        yield ({**base, "vcpuCount": fewer} for fewer in VCPU_STEPS if fewer < request.vcpu_count)
    else:
        any_kind = {**base, "gpuTypeIds": None}
        counts = range(min(request.gpu_count - 1, LARGEST_POD), 0, -1)
        yield [any_kind]
        if code is Code.GPU_NOT_ALLOWED:
            yield [any_kind]  # the cheapest, after the nearest by its memory
        yield ({**base, "gpuCount": fewer} for fewer in counts)
        yield ({**any_kind, "gpuCount": fewer} for fewer in counts)
    yield _leases(case, wanted, any_kind, code)


def _sizes(request: CreateRequest, base: Change) -> Iterator[Iterable[Change]]:
    volume = (request.volume_in_gb or 0) if request.has_pod_volume else 0
    disk = request.container_disk_in_gb or 0
    yield ({**base, "volumeInGb": gb} for gb in SMALL_VOLUMES_GB if gb < volume)
    yield ({**base, "containerDiskInGb": gb} for gb in SMALL_DISKS_GB if gb < disk)


def _smallest(case: Case, wanted: Wanted, code: Code) -> Iterator[Change]:
    """Where no single change helps: the smallest request, with what was asked for put back as far as it passes."""
    other = "COMMUNITY" if wanted.request.cloud_type == "SECURE" else "SECURE"
    for cloud in ({}, {"cloudType": other}):
        there = applied(wanted.request, {**cloud, "gpuTypeIds": None, "cpuFlavorIds": None})
        broken = judge_request(case.policy, there)
        for remedy in broken.alternatives if broken else [{}]:
            base = {**cloud, **remedy}
            for least in _least(case, applied(wanted.request, base)):
                for whole in _in_its_place(case, wanted, {**base, **least}):
                    if any(_passing(case, wanted, whole, code)):
                        place = {name: value for name, value in whole.items() if name not in least}
                        yield _put_back(case, wanted, {**base, **place}, least, code)


def _least(case: Case, request: CreateRequest) -> tuple[Change, Change]:
    """The values of the smallest pod like the one asked for, of its own types and of any; the first is put back first."""
    cpu = request.compute_type == "CPU"
    lease = {"leaseHours": LEASE_STEPS[-1]} if _hours(case, request) > LEASE_STEPS[-1] else {}
    volume = {"volumeInGb": SMALL_VOLUMES_GB[-1]} if request.has_pod_volume else {}
    count = {"vcpuCount": VCPU_STEPS[-1]} if cpu else {"gpuCount": 1}
    least = {**lease, "containerDiskInGb": SMALL_DISKS_GB[-1], **volume, **count}
    return least, {**least, **({"cpuFlavorIds": None} if cpu else {"gpuTypeIds": None})}


def _put_back(case: Case, wanted: Wanted, base: Change, least: Change, code: Code) -> Change:
    """The smallest request with each of its values as near to what was asked for as the others let it be."""
    request = applied(wanted.request, base)
    for name in tuple(least):
        rest = {one: value for one, value in least.items() if one != name}
        options = (rest, *({**rest, name: value} for value in _nearer(case, request, name)), least)
        least = next(one for one in options if any(_passing(case, wanted, {**base, **one}, code)))
    return next(_passing(case, wanted, {**base, **least}, code))


def _nearer(case: Case, request: CreateRequest, name: str) -> Iterable[float]:
    """Values between what was asked for and the least, the nearest first."""
    if name == "gpuCount":
        return range(min(request.gpu_count - 1, LARGEST_POD), 0, -1)
    steps: Mapping[str, tuple[Iterable[float], float]] = {
        "leaseHours": (LEASE_STEPS, _hours(case, request)),
        "vcpuCount": (VCPU_STEPS, request.vcpu_count),
        "volumeInGb": (SMALL_VOLUMES_GB, request.volume_in_gb or 0),
        "containerDiskInGb": (SMALL_DISKS_GB, request.container_disk_in_gb or 0),
    }
    values, asked = steps.get(name, ((), 0))
    return (one for one in values if one < asked)


def _hours(case: Case, request: CreateRequest) -> float:
    return case.policy.lease.default_hours if request.lease_hours is None else request.lease_hours


def _passing(case: Case, wanted: Wanted, change: Change, code: Code) -> Iterator[Change]:
    """The change with its price, if it passes; any type becomes those that pass."""
    for kind, asked in (
        ("gpuTypeIds", wanted.request.gpu_type_ids),
        ("cpuFlavorIds", wanted.request.cpu_flavor_ids),
    ):
        if change.get(kind, ()) is None:
            types = _types(case, wanted, change, code)
            named = ({**change, kind: [one]} for one in types if [one] != asked)
            yield from (whole for one in named if (whole := _priced(case, wanted, one)))
            return
    if whole := _priced(case, wanted, change):
        yield whole


def _priced(case: Case, wanted: Wanted, change: Change) -> Change | None:
    """The change with its price, if it passes and something of it is in stock."""
    request = applied(wanted.request, change)
    now = case.reading(request)
    if not case.can_be_asked(request) or (wanted.pinned and request.cloud_type != "SECURE"):
        return None
    try:
        decision = decide(now, replace(wanted, request=request))
    except Failure:
        return None
    if not isinstance(decision, Allow) or not any(
        _may_be_free(now, request, c) for c in decision.offer.candidates
    ):
        return None
    return {**change, "usdPerHour": as_dollars(decision.offer.quote.usd_per_hour)}


def _types(case: Case, wanted: Wanted, change: Change, code: Code) -> list[str]:
    """The types that pass: the cheapest, and before it the one of the nearest memory where a GPU type was refused."""
    wide = replace(wanted, request=applied(wanted.request, change))
    now = case.reading(wide.request)
    candidates = _candidates(now, wide)
    offer = Offer(wide, Placement(candidates, ()), terms_of(case.policy.lease, wide))
    fit = [c for c in candidates if _may_be_free(now, wide.request, c) and not too_dear(now, offer, c)]
    by_price = sorted(fit, key=lambda c: c.usd_per_hour)
    memory = _memory(case, wanted.request)
    if code is not Code.GPU_NOT_ALLOWED or memory is None or not fit:
        return [c.type_id for c in by_price[:1]]
    nearest = min(by_price, key=lambda c: abs(now.catalog.gpus[c.type_id].memory_gb - memory))
    return list(dict.fromkeys((nearest.type_id, by_price[0].type_id)))


def _memory(case: Case, request: CreateRequest) -> int | None:
    """The memory of the first GPU type that was asked for, in GB, where it is known."""
    known = (case.catalog.gpus.get(one) for one in request.gpu_type_ids or ())
    return next((gpu.memory_gb for gpu in known if gpu), None)


def _may_be_free(case: Case, request: CreateRequest, candidate: Candidate) -> bool:
    """Whether it is in stock, or nobody looked: stock is read for one cloud and one number of GPUs."""
    return candidate.stock > Stock.NONE or not case.knows_stock(request)
