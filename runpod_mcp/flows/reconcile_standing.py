"""Comparing the ledger with what Runpod lists of volumes and endpoints: found by name and facts, closed when gone, repriced."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from runpod_mcp.flows.claims import alone, moved_on
from runpod_mcp.flows.context import House
from runpod_mcp.flows.endpoints_create import made_as_asked
from runpod_mcp.flows.endpoints_price import sold_if_told
from runpod_mcp.flows.endpoints_reconcile import compare_endpoint, endpoint_reads
from runpod_mcp.flows.looks import Report, not_listed, seen_again, still_waiting
from runpod_mcp.flows.network_volumes import is_as_asked, rate_of
from runpod_mcp.flows.standing import Named, Thing, is_called, name_of, settle
from runpod_mcp.flows.volume_rules import counted_until
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseKind, LeaseState
from runpod_mcp.money import Usd, show
from runpod_mcp.runpod.endpoints import Endpoint
from runpod_mcp.runpod.volumes import NetworkVolume

WAITING = (LeaseState.OPEN, LeaseState.UNKNOWN)


async def reconcile_standing(house: House, leases: Sequence[Lease], report: Report) -> None:
    """One pass over the leases of volumes and endpoints; Runpod is asked only for what there are leases of.

    Raises:
        Failure: a list or the ledger cannot be read.
    """
    volumes = [lease for lease in leases if lease.kind is LeaseKind.VOLUME]
    if volumes:
        listed = await house.api.resources.volumes.list_all()
        await _each(house, volumes, listed, is_as_asked, _volume_reads, _volume, report)
    endpoints = [lease for lease in leases if lease.kind is LeaseKind.ENDPOINT]
    if endpoints:
        there, sold = await house.api.resources.endpoints.list_all(), await sold_if_told(house)

        async def compare(house: House, lease: Lease, endpoint: Endpoint, report: Report) -> None:
            await compare_endpoint(house, lease, endpoint, sold, report)

        def matches(lease: Lease, endpoint: Endpoint) -> bool:
            return made_as_asked(lease, endpoint, sold)

        await _each(house, endpoints, there, matches, endpoint_reads, compare, report)


async def _each(
    house: House,
    leases: Sequence[Lease],
    things: Sequence[Thing],
    matches: Callable[[Lease, Thing], bool],
    reads: Callable[[House, str], Awaitable[bool]],
    living: Callable[[House, Lease, Thing, Report], Awaitable[None]],
    report: Report,
) -> None:
    held = {lease.pod_id for lease in leases}
    for lease in leases:
        if lease.state in WAITING:
            free = [thing for thing in things if thing.id not in held and matches(lease, thing)]
            await _waiting(house, lease, _called(lease, free), report)
            continue
        thing = next((thing for thing in things if thing.id == lease.pod_id), None)
        if thing is None:
            await not_listed(house, lease, reads, report)
        else:
            await seen_again(house, lease)
            await living(house, lease, thing, report)


def _called(lease: Lease, things: Sequence[Thing]) -> Thing | None:
    """The thing that bears the name a create asked for."""
    name = name_of(lease)
    return next((thing for thing in things if is_called(thing, name)), None)


async def _waiting(house: House, lease: Lease, thing: Named | None, report: Report) -> None:
    if thing is None:
        await still_waiting(house, lease, report)
        return
    await settle(house, lease, thing.id)
    report.adopted.append(f"{lease.kind.value} {thing.id} for {lease.reservation.id}")


async def _volume_reads(house: House, volume_id: str) -> bool:
    return await house.api.resources.volumes.get(volume_id) is not None


async def _volume(house: House, lease: Lease, volume: NetworkVolume, report: Report) -> None:
    """What it costs by its size now, and promised on once a month has turned; that a month fits was judged before."""
    rate = rate_of(volume)
    if rate is not None and rate != lease.usd_per_hour:
        await _repriced(house, lease, volume, rate, report)
    ends = counted_until(house.now())
    if lease.lease_ends_at < ends:
        on = Entry(kind=EntryKind.EXTENDED, at=house.now(), lease_ends_at=ends, stopped_until=ends)
        await house.ledger.write(lease.reservation.id, on)


async def _repriced(house: House, lease: Lease, volume: NetworkVolume, rate: Usd, report: Report) -> None:
    async with alone(house, lease) as mine:
        if mine and not await moved_on(house, lease):
            entry = Entry(
                kind=EntryKind.REPRICED, at=house.now(), usd_per_hour=rate, note="as Runpod lists it"
            )
            await house.ledger.write(lease.reservation.id, entry)
            report.corrected.append(f"network volume {volume.id}: {show(rate)}/h")
