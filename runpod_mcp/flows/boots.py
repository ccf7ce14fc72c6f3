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
    """Since when a pod has had its time to boot, in seconds since 1970: rented, started, or booted anew once it was ready.

    When Runpod says it started is not asked: a pod that never is ready could be restarted for ever.
    """
    entries = await house.ledger.entries(lease.reservation.id)
    boots = (
        entry.at for entry in entries if entry.kind is EntryKind.STARTED or entry.note.startswith(_BOOTS)
    )
    return max((lease.reservation.opened_at, *boots))
