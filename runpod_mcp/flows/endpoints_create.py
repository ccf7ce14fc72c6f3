"""Making a serverless endpoint: judged and paid for as if all its workers ran all the time, then called once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.approval import need_yes
from runpod_mcp.flows.context import House
from runpod_mcp.flows.correct import ABOVE_CEILING, make_due
from runpod_mcp.flows.endpoints import Seen, seen_as
from runpod_mcp.flows.endpoints_end import delete_for_good
from runpod_mcp.flows.endpoints_offers import (
    HELPED,
    TOOL,
    Scene,
    Wish,
    fleet_of_order,
    with_what_passes,
)
from runpod_mcp.flows.endpoints_price import Sold, fleet_of, read_sold
from runpod_mcp.flows.endpoints_settings import (
    DEFAULT_DISK_GB,
    judged_as,
    placed,
    read_template,
    refuse_place,
    refuse_unsold,
    written_out,
)
from runpod_mcp.flows.finish import to_the_end
from runpod_mcp.flows.gate import reserve_judge
from runpod_mcp.flows.remembered import without_secrets
from runpod_mcp.flows.standing import Terms, asked_of, make, naming, reservation_of, set_aside
from runpod_mcp.flows.unmanaged import unmanaged_holdings
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease
from runpod_mcp.money import Usd, as_dollars, cost, limit, show
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.endpoint_rules import Fleet, judge_workers
from runpod_mcp.policy.rules import asks_human
from runpod_mcp.policy.spending import windows_between
from runpod_mcp.runpod.endpoints import Endpoint, EndpointOrder, cards


@dataclass(frozen=True, slots=True)
class Quote:
    """What an endpoint can cost: one worker and all of them per hour, and the whole lease; `asks` is why a person must
    say yes first."""

    order: EndpointOrder
    fleet: Fleet
    usd_per_worker: Usd
    usd_per_hour: Usd
    lease_seconds: int
    asks: str | None

    @property
    def usd_per_lease(self) -> Usd:
        """The most it can cost until its lease ends."""
        return cost(self.usd_per_hour, self.lease_seconds)


async def quote_endpoint(
    house: House, order: EndpointOrder, lease_hours: float | None = None, most: float | None = None
) -> Quote:
    """Judge an order and say what it can cost; `most` are dollars per hour. Nothing is made.

    Raises:
        Failure: the policy or the budgets say no; `price_unknown`; `invalid_arguments`.
    """
    return await _judged(house, house.policies.current(), order, lease_hours, most, await read_sold(house))


async def create_endpoint(
    house: House, order: EndpointOrder, lease_hours: float | None = None, most: float | None = None
) -> Seen:
    """Make an endpoint whose workers are taken away at the end of its lease; `most` are dollars per hour.

    Raises:
        Failure: the policy or the budgets say no; `price_unknown`; `conflict`: the name is taken; `outcome_unknown`;
            `price_above_quote`: Runpod made one that can cost more, and it was deleted again.
    """
    policy, sold = house.policies.current(), await read_sold(house)
    quote = await _judged(house, policy, order, lease_hours, most, sold)
    listed = await house.api.resources.endpoints.list_all()
    if quote.asks:
        await need_yes(house, policy, quote.asks, quote.usd_per_hour, quote.usd_per_lease)
    async with naming(house, TOOL, order.name, listed):
        lease = await set_aside(house, policy, TOOL, _remembered(quote), _terms(house, quote))
        return await to_the_end(_make(house, lease, quote.order, sold))


async def _judged(
    house: House, policy: Policy, order: EndpointOrder, hours: float | None, most: float | None, sold: Sold
) -> Quote:
    """The quote, or the refusal with what would pass.

    Raises:
        Failure: rules or budgets say no.
    """
    try:
        quote = await _quote(house, policy, order, hours, most, sold)
        if denied := (await _room(house, policy, quote.lease_seconds))(
            quote.usd_per_hour, quote.fleet.gpus, quote.lease_seconds
        ):
            raise denied.as_failure()
        return quote
    except Failure as refused:
        if refused.code not in HELPED:
            raise
        raise await _with_offers(house, policy, order, hours, most, sold, refused) from None


async def _with_offers(
    house: House,
    policy: Policy,
    order: EndpointOrder,
    hours: float | None,
    most: float | None,
    sold: Sold,
    refused: Failure,
) -> Failure:
    try:
        template = await read_template(house, order.template_id)
        order = await placed(house, policy, written_out(house, order, template))
        places = tuple((await house.prices.read("SECURE")).data_centers) if policy.pods.limits_place else ()
        room = await _room(house, policy, policy.lease.seconds(hours))
    except Failure:
        return replace(refused, alternatives=())
    wish = Wish(order=order, template=template, hours=hours, most=most)
    return with_what_passes(Scene(house, policy, sold, places, room), wish, refused)


async def _quote(
    house: House, policy: Policy, order: EndpointOrder, hours: float | None, most: float | None, sold: Sold
) -> Quote:
    order = await _resolved(house, policy, order, hours)
    refuse_unsold(sold, order.gpu_type_ids, order.cpu_flavor_ids)
    fleet = fleet_of_order(order)
    worker, rate = fleet.usd_per_worker(sold.prices), fleet.usd_per_hour(sold.prices)
    if worker is None or rate is None:
        message = "Runpod tells no serverless price for one of these types now, so nothing is made."
        raise Failure(Code.PRICE_UNKNOWN, message)
    if most is not None and rate > limit(most):
        raise _above_own_ceiling(rate, limit(most))
    seconds = policy.lease.seconds(hours)
    asks = asks_human(policy, TOOL, rate, cost(rate, seconds))
    return Quote(order, fleet, worker, rate, seconds, asks)


async def _resolved(house: House, policy: Policy, order: EndpointOrder, hours: float | None) -> EndpointOrder:
    """The order with all that it refers to, once the rules let it through.

    Raises:
        Failure: they do not, or the API cannot express it.
    """
    for gap in house.api.resources.endpoints.gaps(order):
        raise gap
    template = await read_template(house, order.template_id)
    order = written_out(house, order, template)
    order = replace(order, container_disk_gb=order.container_disk_gb or DEFAULT_DISK_GB)
    request = judged_as(order, template).model_copy(update={"lease_hours": hours})
    if denied := judge_workers(policy, request, fleet_of_order(order)):
        raise denied.as_failure()
    order = await placed(house, policy, order)
    refuse_place(policy, order.data_center_ids)
    return order


def _above_own_ceiling(rate: Usd, most: Usd) -> Failure:
    message = f"With all its workers it can cost {show(rate)}/h; maxUsdPerHour is {show(most)}."
    return Failure(
        Code.PRICE_ABOVE_MAXIMUM,
        message,
        field="maxUsdPerHour",
        limit=as_dollars(most),
        requested=as_dollars(rate),
    )


async def _room(house: House, policy: Policy, longest: int) -> Callable[[Usd, int, int], Deny | None]:
    """Whether there is room for a rate, so many GPUs and seconds, up to the longest.

    Raises:
        Failure: the sums cannot be read.
    """
    now, unmanaged = house.now(), await unmanaged_holdings(house, policy)
    spending = await house.ledger.spending(now, windows_between(now, now + longest))

    def denied(rate: Usd, gpus: int, seconds: int) -> Deny | None:
        terms = Terms(usd_per_hour=rate, ends_at=now + seconds, gpus=gpus)
        return reserve_judge(policy, unmanaged, reservation_of(house, TOOL, {}, terms))(spending)

    return denied


def _terms(house: House, quote: Quote) -> Terms:
    ends = house.now() + quote.lease_seconds
    return Terms(usd_per_hour=quote.usd_per_hour, ends_at=ends, gpus=quote.fleet.gpus)


def _remembered(quote: Quote) -> dict[str, Any]:
    """What the ledger may remember: of the env only the names."""
    order = quote.order
    asked = {
        "name": order.name,
        "type": order.kind,
        "imageName": order.image,
        "templateId": order.template_id,
        "gpuTypeIds": list(order.gpu_type_ids) or None,
        "gpuCount": order.gpu_count if order.gpu_type_ids else None,
        "cpuFlavorIds": list(order.cpu_flavor_ids) or None,
        "vcpuCount": order.vcpu_count if order.cpu_flavor_ids else None,
        "workersMin": order.workers_min,
        "workersMax": order.workers_max,
        "env": order.env or None,
    }
    return without_secrets(asked)


def made_as_asked(lease: Lease, endpoint: Endpoint, sold: Sold) -> bool:
    """Whether an endpoint can be what a create asked for, as far as Runpod tells; its name is not looked at."""
    asked = asked_of(lease)
    image, template = asked.get("imageName"), asked.get("templateId")
    in_v1 = endpoint.gpu_type_ids or endpoint.workers is not None  # where every endpoint reads as a QUEUE
    kind = None if in_v1 else endpoint.kind
    if (endpoint.workers_max or 0) > asked["workersMax"] or _differs(kind, asked.get("type")):
        return False
    # An image that was named decides; Runpod may keep it in a template of the endpoint's own.
    container = _differs(endpoint.image, image) if image else _differs(endpoint.template_id, template)
    return not container and _has_cards(endpoint, asked, sold)


def _has_cards(endpoint: Endpoint, asked: Mapping[str, Any], sold: Sold) -> bool:
    """Whether its workers run on what was asked for: no more kinds of cards or CPUs, no fewer, and as many of them."""
    if flavors := asked.get("cpuFlavorIds"):
        on_gpus = endpoint.gpu_pools or endpoint.gpu_type_ids
        told = {one.flavor_id for one in endpoint.cpus}
        as_many = {one.vcpu_count for one in endpoint.cpus} <= {asked["vcpuCount"], None}
        return not on_gpus and as_many and told in (set(), set(flavors))
    found, as_many = cards(endpoint, sold.types), not _differs(endpoint.gpu_count, asked["gpuCount"])
    return not endpoint.cpus and as_many and set(found) in (set(), set(asked["gpuTypeIds"]))


def _differs(told: object, asked: object) -> bool:
    return None not in (told, asked) and told != asked


async def _make(house: House, lease: Lease, order: EndpointOrder, sold: Sold) -> Seen:
    """Call, settle, and see that what was made cannot cost more than what was set aside for it."""
    endpoints = house.api.resources.endpoints

    def matches(seen: Endpoint) -> bool:
        return made_as_asked(lease, seen, sold)

    endpoint, settled = await make(house, lease, lambda: endpoints.create(order), endpoints.list_all, matches)
    lease = settled
    fleet = fleet_of(endpoint, sold)
    rate = fleet.usd_per_hour(sold.prices) if fleet else None
    above = rate is not None and rate > lease.ceiling_usd_per_hour
    if fleet and (above or fleet.gpus > lease.gpus):
        raise await _too_dear(house, lease, endpoint.id, max(rate or lease.usd_per_hour, lease.usd_per_hour))
    return seen_as(endpoint, sold, lease)


async def _too_dear(house: House, lease: Lease, endpoint_id: str, rate: Usd) -> Failure:
    await make_due(house, lease, ABOVE_CEILING)
    dearer = Entry(kind=EntryKind.REPRICED, at=house.now(), usd_per_hour=rate, note=ABOVE_CEILING)
    await house.ledger.write(lease.reservation.id, dearer)
    trouble = await delete_for_good(house, endpoint_id)
    if trouble is None:
        ended = Entry(kind=EntryKind.ENDED, at=house.now(), note=ABOVE_CEILING)
        await house.ledger.write(lease.reservation.id, ended)
    ceiling = lease.ceiling_usd_per_hour
    ending = "It was deleted." if trouble is None else "Its end is not confirmed and goes on being tried."
    return Failure(
        Code.PRICE_ABOVE_QUOTE,
        f"Runpod made endpoint {endpoint_id} so that it can cost {show(rate)}/h; asked for was {show(ceiling)}/h. {ending}",
        Retry.CHANGED,
        limit=as_dollars(ceiling),
        requested=as_dollars(rate),
    )
