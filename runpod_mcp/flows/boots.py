"""When a container was last made anew by a call of ours: until it is up again it may bill without ports."""

from __future__ import annotations

from runpod_mcp.flows.context import House
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease

_BOOTS = "boots again"


async def note_boot(house: House, lease: Lease, why: str) -> Lease:
    """Write down that a container boots again from now on, and why."""
    return await note(house, lease, f"{_BOOTS}: {why}")


async def note(house: House, lease: Lease, what: str) -> Lease:
    """Write down something that changes no sum; the time makes it differ from the same said before."""
    now = house.now()
    entry = Entry(kind=EntryKind.NOTED, at=now, note=f"{what} ({now})")
    return await house.ledger.write(lease.reservation.id, entry)


async def last_boot(house: House, lease: Lease) -> int:
    """When that was written last, in seconds since 1970; 0 when it never was."""
    entries = await house.ledger.entries(lease.reservation.id)
    return max((entry.at for entry in entries if entry.note.startswith(_BOOTS)), default=0)
