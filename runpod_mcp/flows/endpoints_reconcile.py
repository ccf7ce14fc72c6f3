"""Comparing what is counted of an endpoint with the workers that Runpod lets it have."""

from __future__ import annotations

from runpod_mcp.flows.claims import alone, moved_on
from runpod_mcp.flows.context import House
from runpod_mcp.flows.correct import ABOVE_CEILING, make_due
from runpod_mcp.flows.endpoints_price import Sold, count, fleet_of
from runpod_mcp.flows.looks import Report
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseState
from runpod_mcp.money import Usd, show
from runpod_mcp.policy.endpoint_rules import Fleet
from runpod_mcp.runpod.endpoints import Endpoint


async def endpoint_reads(house: House, endpoint_id: str) -> bool:
    """Whether Runpod has such an endpoint."""
    return await house.api.resources.endpoints.get(endpoint_id) is not None


async def compare_endpoint(
    house: House, lease: Lease, endpoint: Endpoint, sold: Sold, report: Report
) -> None:
    """Write down what an endpoint can cost now; one that can cost more than it was let is due at once.

    Where its price cannot be known it counts as before.
    """
    async with alone(house, lease) as mine:
        if not mine or await moved_on(house, lease):
            return
        # The list may be older than the last change; read alone, the endpoint is not.
        now = await house.api.resources.endpoints.get(endpoint.id)
        after = await _corrected(house, lease, now, sold) if now else lease
        if after is not lease:
            price = f"{show(after.usd_per_hour)}/h at most"
            report.corrected.append(f"endpoint {endpoint.id}: {after.state.value}, {price}")


async def _corrected(house: House, lease: Lease, endpoint: Endpoint, sold: Sold) -> Lease:
    if lease.state is LeaseState.STOPPED and not endpoint.workers_max:
        return lease
    fleet = fleet_of(endpoint, sold)
    rate = _worst(lease, fleet, sold)
    gpus = fleet.gpus if fleet else lease.gpus
    if lease.state is LeaseState.STOPPED:
        # Somebody gave it workers elsewhere; where nobody knows what they cost, they cost what it was let before.
        return await _above(house, lease, rate or lease.ceiling_usd_per_hour, gpus)
    if rate is not None and (rate > lease.ceiling_usd_per_hour or gpus > lease.gpus):
        return await _above(house, lease, rate, gpus)
    if rate is not None and rate > lease.usd_per_hour:
        entry = Entry(kind=EntryKind.REPRICED, at=house.now(), usd_per_hour=rate, note="as Runpod lists it")
        return await house.ledger.write(lease.reservation.id, entry)
    return await count(house, lease, endpoint, sold, lower_ceiling=False)


def _worst(lease: Lease, fleet: Fleet | None, sold: Sold) -> Usd | None:
    """What it can cost at most; where no price is known, more GPUs cost as much more as there are more of them."""
    if fleet is None:
        return None
    rate = fleet.usd_per_hour(sold.prices)
    if rate is None and lease.gpus and fleet.gpus > lease.gpus:
        return Usd(-(-lease.ceiling_usd_per_hour * fleet.gpus // lease.gpus))
    return rate


async def _above(house: House, lease: Lease, rate: Usd, gpus: int) -> Lease:
    """It is due, and counts as what it can cost; due first, since a server may die between two entries."""
    rate = max(rate, lease.usd_per_hour)
    if lease.lease_ends_at > house.now():
        await make_due(house, lease, ABOVE_CEILING)
    entry = Entry(
        kind=EntryKind.STARTED,
        at=house.now(),
        usd_per_hour=rate,
        gpus=max(gpus, lease.gpus),
        note=ABOVE_CEILING,
    )
    if (rate, entry.gpus, lease.state) == (lease.usd_per_hour, lease.gpus, LeaseState.RUNNING):
        return lease
    return await house.ledger.write(lease.reservation.id, entry)
