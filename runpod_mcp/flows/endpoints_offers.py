"""What would pass instead of an endpoint that was refused, each judged as the order itself is. Nothing is made."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.context import House
from runpod_mcp.flows.endpoints_price import Sold
from runpod_mcp.flows.endpoints_settings import judged_as
from runpod_mcp.flows.offers import BY_SIZE, leases_between
from runpod_mcp.money import Usd, as_dollars, cost, limit
from runpod_mcp.policy.alternatives import MOST_OFFERED, MOST_PLACES, Change, holds
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.endpoint_rules import Fleet, allowed_places, judge_places, judge_workers
from runpod_mcp.policy.rules import asks_human
from runpod_mcp.runpod.endpoints import EndpointOrder
from runpod_mcp.runpod.templates import Template

TOOL = "create_endpoint"
HELPED = BY_SIZE | {
    Code.LEASE_TOO_LONG,
    Code.GPU_NOT_ALLOWED,
    Code.CPU_NOT_ALLOWED,
    Code.TOO_MANY_GPUS,
    Code.IMAGE_NOT_ALLOWED,
    Code.PORT_NOT_ALLOWED,
    Code.DATA_CENTER_NOT_ALLOWED,
    Code.PRICE_ABOVE_MAXIMUM,
}
FIELDS = {
    "gpuTypeIds": "gpu_type_ids",
    "gpuCount": "gpu_count",
    "cpuFlavorIds": "cpu_flavor_ids",
    "vcpuCount": "vcpu_count",
    "workersMax": "workers_max",
    "workersMin": "workers_min",
    "containerDiskInGb": "container_disk_gb",
    "ports": "ports",
    "imageName": "image",
    "dataCenterIds": "data_center_ids",
}
"""Where an order or a change keeps an argument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An order with its template read, for so many hours, at most so many dollars an hour."""

    order: EndpointOrder
    template: Template | None
    hours: float | None
    most: float | None

    def changed(self, change: Mapping[str, Any]) -> Wish:
        """The same with these arguments."""
        values: dict[str, Any] = {
            FIELDS[name]: tuple(value) if isinstance(value, list) else value
            for name, value in change.items()
            if name in FIELDS
        }
        return replace(self, order=replace(self.order, **values), hours=change.get("leaseHours", self.hours))

    @property
    def fleet(self) -> Fleet:
        """The workers it may have."""
        return fleet_of_order(self.order)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a wish is judged on; `room` says no where a budget has none for a rate, so many GPUs and seconds."""

    house: House
    policy: Policy
    sold: Sold
    known_places: tuple[str, ...]
    room: Callable[[Usd, int, int], Deny | None]


def fleet_of_order(order: EndpointOrder) -> Fleet:
    """The workers that an order asks for."""
    return Fleet(
        workers_max=order.workers_max,
        gpu_type_ids=order.gpu_type_ids,
        gpu_count=order.gpu_count,
        cpus=tuple((flavor, order.vcpu_count) for flavor in order.cpu_flavor_ids),
    )


def with_what_passes(scene: Scene, wish: Wish, refused: Failure) -> Failure:
    """The refusal with the nearest orders that would pass now."""
    found: list[Change] = []
    for base in _bases(scene, wish, refused):
        for whole in _passing(scene, wish, base, refused.code):
            if not any(holds(one, whole) for one in found):
                found.append(whole)
    return replace(refused, alternatives=found[:MOST_OFFERED])


def _broken(scene: Scene, wish: Wish) -> Deny | None:
    request = judged_as(wish.order, wish.template).model_copy(update={"lease_hours": wish.hours})
    return judge_workers(scene.policy, request, wish.fleet)


def _bases(scene: Scene, wish: Wish, refused: Failure) -> Iterator[Change]:
    """What mends the rules that are broken; nothing where only a price is too high."""
    for remedy in list(refused.alternatives) or [{}]:
        whole = dict(remedy)
        while denied := _broken(scene, wish.changed(whole)):
            mends = list(denied.alternatives) or _another_kind(scene, denied.field or "")
            if not mends:
                break
            whole |= mends[0]
        else:
            yield from _in_its_place(scene, wish, whole)


def _in_its_place(scene: Scene, wish: Wish, change: Change) -> list[Change]:
    """The change with data centers that are allowed, where others were asked for; none where there are none."""
    asked = wish.order.data_center_ids
    if judge_places(scene.policy, asked) is None:
        return [change]
    left = (
        allowed_places(scene.policy, asked) or allowed_places(scene.policy, scene.known_places)[:MOST_PLACES]
    )
    movable = left and not wish.order.network_volume_ids
    return [{**change, "dataCenterIds": list(left)}] if movable else []


def _another_kind(scene: Scene, field: str) -> list[Change]:
    """The cheapest card or flavor that workers may have."""
    permits = {"gpuTypeIds": scene.policy.gpus.permits, "cpuFlavorIds": scene.policy.cpus.permits}
    if field not in permits:
        return []
    sold = scene.sold.gpus if field == "gpuTypeIds" else scene.sold.cpus
    fit = [one for one in sold if permits[field](one) and one in scene.sold.prices]
    return [{field: [min(fit, key=lambda one: scene.sold.prices[one])]}] if fit else []


def _passing(scene: Scene, wish: Wish, base: Change, code: Code) -> list[Change]:
    """The change if it passes; or fewer workers, a shorter lease, another card; or all of these together."""
    if whole := _priced(scene, wish, base):
        return [whole]
    field = "cpuFlavorIds" if wish.order.cpu_flavor_ids else "gpuTypeIds"
    cheaper = {**base, **next(iter(_another_kind(scene, field)), {})}
    shorter, fewer = _shorter(scene, wish, base), _fewer_workers(scene, wish, base)
    found = [*shorter, *fewer] if code is Code.LEASE_TOO_LONG else [*fewer, *shorter]
    whole = _priced(scene, wish, cheaper)
    found += [whole] if whole else _fewer_workers(scene, wish, cheaper)
    return found or list(_shorter(scene, wish, {**cheaper, **_workers(wish, 1)}))


def _fewer_workers(scene: Scene, wish: Wish, base: Change) -> Iterator[Change]:
    counts = range(1, wish.order.workers_max)
    yield from _most(scene, wish, counts, lambda count: {**base, **_workers(wish, count)})


def _workers(wish: Wish, count: int) -> Change:
    """So many workers; those that are always on cannot be more."""
    order = wish.order
    fewer = {"workersMax": count} if order.workers_max > count else {}
    return fewer | ({"workersMin": count} if order.workers_min > count else {})


def _shorter(scene: Scene, wish: Wish, base: Change) -> Iterator[Change]:
    asked = scene.policy.lease.seconds(wish.changed(base).hours)
    leases = leases_between(0, asked - 1)
    yield from _most(scene, wish, leases, lambda one: {**base, "leaseHours": round(one / 3600, 2)})


def _most(
    scene: Scene, wish: Wish, sizes: Sequence[int], change_of: Callable[[int], Change]
) -> Iterator[Change]:
    """The largest size that passes; a smaller one is never dearer, so it can be searched for by halves."""
    fit = bisect.bisect_left(sizes, True, key=lambda one: _priced(scene, wish, change_of(one)) is None)
    if fit and (whole := _priced(scene, wish, change_of(sizes[fit - 1]))):
        yield whole


def _priced(scene: Scene, wish: Wish, change: Change) -> Change | None:
    """The change with the price of all workers, if it passes and no person would be asked."""
    now = wish.changed(change)
    fleet, seconds = now.fleet, scene.policy.lease.seconds(now.hours)
    rate = fleet.usd_per_hour(scene.sold.prices)
    if (
        rate is None
        or _broken(scene, now)
        or (now.most is not None and rate > limit(now.most))
        or asks_human(scene.policy, TOOL, rate, cost(rate, seconds))
        or scene.room(rate, fleet.gpus, seconds)
        or scene.house.api.resources.endpoints.gaps(now.order)
    ):
        return None
    return {**change, "usdPerHour": as_dollars(rate)}
