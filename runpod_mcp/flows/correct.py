"""Writing down what Runpod is seen to bill for a pod."""

from __future__ import annotations

from runpod_mcp.flows.context import House
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease
from runpod_mcp.money import Usd
from runpod_mcp.pods.pod import Pod

ABOVE_CEILING = "billed above its ceiling"


async def correct(house: House, lease: Lease, kind: EntryKind, pod: Pod, rate: Usd, note: str) -> Lease:
    """Write a price down; a pod that runs above its ceiling is due at once."""
    if kind is not EntryKind.STOPPED and rate > lease.ceiling_usd_per_hour:
        # Due first, priced second: a server may die between two entries.
        await make_due(house, lease, ABOVE_CEILING)
    gpus = pod.gpu_count if kind is EntryKind.STARTED else None
    entry = Entry(kind=kind, at=house.now(), usd_per_hour=rate, gpus=gpus, note=note)
    return await house.ledger.write(lease.reservation.id, entry)


async def make_due(house: House, lease: Lease, why: str) -> None:
    """Its lease ends now; what is kept stopped after that is kept as long as before."""
    now = max(house.now(), lease.reservation.opened_at)
    kept = now + lease.stopped_until - lease.lease_ends_at
    due = Entry(kind=EntryKind.EXTENDED, at=now, lease_ends_at=now, stopped_until=kept, note=why)
    await house.ledger.write(lease.reservation.id, due)
