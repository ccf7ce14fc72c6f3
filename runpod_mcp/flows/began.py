"""When a lease began."""

from __future__ import annotations

from runpod_mcp.flows.context import House
from runpod_mcp.ledger.entries import EntryKind, Lease


async def began_at(house: House, lease: Lease) -> int:
    """When its money was set aside, or when it was last started after it had been stopped (seconds since 1970).

    Raises:
        Failure: the ledger cannot be read.
    """
    since, running = lease.reservation.opened_at, True
    for entry in await house.ledger.entries(lease.reservation.id):
        if entry.kind is EntryKind.STARTED and not running:
            since, running = entry.at, True
        running = running and entry.kind is not EntryKind.STOPPED
    return since
