"""What the policy and the budgets say of network volumes, and the size that would pass where they say no.

A volume has no end, so beside what is promised all of them together must fit into any day and any month.
"""

from __future__ import annotations

import bisect
from dataclasses import replace
from datetime import timedelta
from typing import Any

from runpod_mcp.catalog.countries import country_of
from runpod_mcp.catalog.quote import network_volume_usd_per_hour
from runpod_mcp.clock import epoch, from_epoch
from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.context import House
from runpod_mcp.flows.gate import reserve_judge
from runpod_mcp.flows.offers import BY_SIZE, most_that_fits
from runpod_mcp.flows.standing import Fits, Terms, raised, reservation_of
from runpod_mcp.flows.unmanaged import unmanaged_holdings
from runpod_mcp.ledger.entries import Entry, Lease, LeaseKind
from runpod_mcp.money import Usd, as_dollars, cost, show, total
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Budget, Policy
from runpod_mcp.policy.rules import asks_human
from runpod_mcp.policy.spending import Plan, Spending
from runpod_mcp.runpod.volumes import NetworkVolume, VolumeOrder

TOOL = "create_network_volume"
DAY, LONGEST_MONTH = 86_400, 31 * 86_400
"""Seconds into which all volumes together must fit, whichever day or month it is."""


def counted_until(now: int) -> int:
    """Until when a volume is promised: the end of the next calendar month (UTC), so that a whole one is always judged."""
    this_month = from_epoch(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return epoch((this_month + timedelta(days=62)).replace(day=1))


def terms_of(house: House, size_gb: int) -> Terms:
    """What a new volume of this size is promised."""
    return Terms(usd_per_hour=network_volume_usd_per_hour(size_gb), ends_at=counted_until(house.now()))


def denied_by_rule(policy: Policy, size_gb: int, data_center_id: str) -> Deny | None:
    """Why there may be no such volume, whatever it costs."""
    pods = policy.pods
    if not pods.permits_place(data_center_id, country_of(data_center_id)):
        message = f"The policy does not allow data center {clean(data_center_id, 30)}."
        return Deny(code=Code.DATA_CENTER_NOT_ALLOWED, message=message, field="dataCenterId")
    return too_large(policy, size_gb)


def too_large(policy: Policy, size_gb: int) -> Deny | None:
    """Why a volume may not have this size."""
    most = policy.pods.max_volume_gb
    if most is None or size_gb <= most:
        return None
    return Deny(
        code=Code.DISK_TOO_LARGE,
        message=f"sizeGb {size_gb} is above the {most} GB the policy allows for a volume.",
        field="sizeGb",
        limit=most,
        requested=size_gb,
    )


def asks_about(policy: Policy, tool: str, rate: Usd) -> str | None:
    """Why a person must say yes to a volume at this rate."""
    return asks_human(policy, tool, rate, cost(rate, LONGEST_MONTH))


async def fit_for_good(house: House, policy: Policy) -> Fits:
    """Whether a rate fits beside the volumes there are, whatever of them is promised now: a month goes by, they stay.

    The sums do not say what is a volume, so the other leases are read before; what came since counts unless it runs.
    """
    leases = await house.ledger.leases()
    others = {lease.reservation.id for lease in leases if lease.kind is not LeaseKind.VOLUME}

    def fits(spending: Spending, rate: Usd) -> Deny | None:
        volumes = (one for one in spending.holdings if not one.running and one.reservation_id not in others)
        return _over(policy.budget, total(one.usd_per_hour_from(spending.now) for one in volumes), rate)

    return fits


def _over(budget: Budget, there: Usd, rate: Usd) -> Deny | None:
    """The day or month that volumes do not fit into, where `there` are so many micro-dollars per hour of them."""
    day = (budget.usd_per_day, Code.OVER_DAILY_BUDGET, DAY, "usd_per_day", "a day")
    month = (
        budget.usd_per_month,
        Code.OVER_MONTHLY_BUDGET,
        LONGEST_MONTH,
        "usd_per_month",
        "a month of 31 days",
    )
    for limit, code, seconds, key, name in (day, month):
        if limit is not None and cost(Usd(there + rate), seconds) > limit:
            used, needed = cost(there, seconds), cost(rate, seconds)
            return Deny(
                code=code,
                message=f"A volume costs until it is deleted: {show(needed)} in {name}, beside {show(used)} of the other "
                f"volumes; {key} is {show(limit)}.",
                limit=as_dollars(limit),
                used=as_dollars(used),
                requested=as_dollars(needed),
            )
    return None


async def with_smaller(house: House, policy: Policy, order: VolumeOrder, refused: Failure) -> Failure:
    """The refusal with the largest volume that could be made, in an allowed place where another was asked for."""
    elsewhere = refused.code is Code.DATA_CENTER_NOT_ALLOWED
    if not elsewhere and refused.code not in BY_SIZE:
        return refused
    try:
        place = await _allowed_place(house, policy) if elsewhere else order.data_center_id
        most = await _largest(house, policy, order.size_gb) if place else None
    except Failure:
        return refused
    if not place or not most:
        return refused
    nearest = replace(order, size_gb=most, data_center_id=place)
    if house.api.resources.volumes.gaps(nearest):
        return refused
    changed = {"sizeGb": most} if most != order.size_gb else {}
    there = {"dataCenterId": place} if elsewhere else {}
    return replace(refused, alternatives=[{**there, **changed, **_price(most)}])


async def _allowed_place(house: House, policy: Policy) -> str | None:
    known = (await house.prices.read("SECURE")).data_centers.values()
    fit = (one.id for one in known if one.network_volumes and policy.pods.permits_place(one.id, one.country))
    return next(fit, None)


async def _largest(house: House, policy: Policy, asked: int) -> int | None:
    """The largest new volume up to a size that rules and budgets have room for, without a person's yes."""
    limit = policy.pods.max_volume_gb
    sizes = range(1, (asked if limit is None else min(asked, limit)) + 1)
    fits, unmanaged = await fit_for_good(house, policy), await unmanaged_holdings(house, policy)
    windows = reservation_of(house, TOOL, {}, terms_of(house, asked)).plan().windows()
    spending = await house.ledger.spending(house.now(), windows)

    def fails(size: int) -> bool:
        terms = terms_of(house, size)
        room = reserve_judge(policy, unmanaged, reservation_of(house, TOOL, {}, terms))
        denied = fits(spending, terms.usd_per_hour) or room(spending)
        return bool(denied or asks_about(policy, TOOL, terms.usd_per_hour))

    return bisect.bisect_left(sizes, True, key=fails) or None


async def with_less_growth(
    house: House, policy: Policy, lease: Lease, volume: NetworkVolume, asked: int, refused: Failure
) -> Failure:
    """The refusal with the largest size below the one asked for that the volume could grow to."""
    if refused.code not in BY_SIZE:
        return refused
    limit = policy.pods.max_volume_gb
    sizes = range((volume.size_gb or 0) + 1, min(asked, asked if limit is None else limit + 1))

    def entry_of(size: int) -> Entry:
        return raised(house, max(network_volume_usd_per_hour(size), lease.usd_per_hour))

    def asks(size: int) -> str | None:
        return asks_about(policy, "update_network_volume", network_volume_usd_per_hour(size))

    try:
        fits = await fit_for_good(house, policy)

        def besides(others: Spending, plan: Plan) -> Deny | None:
            return fits(others, plan.usd_per_hour)

        most = await most_that_fits(house, policy, lease, sizes, entry_of, asks, besides)
    except Failure:
        return refused
    return replace(refused, alternatives=[{"sizeGb": most, **_price(most)}]) if most else refused


def _price(size_gb: int) -> dict[str, Any]:
    return {"usdPerHour": as_dollars(network_volume_usd_per_hour(size_gb))}
