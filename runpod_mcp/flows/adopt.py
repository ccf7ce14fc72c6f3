"""Tying a pod to the money that was set aside for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from runpod_mcp.catalog.quote import Disks
from runpod_mcp.flows.context import House
from runpod_mcp.flows.outcomes import end_pod
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, Reservation
from runpod_mcp.money import Usd, show
from runpod_mcp.pods.pod import Pod


@dataclass(frozen=True, slots=True)
class Adopted:
    """A pod that has a lease now; `too_dear` says in numbers why it was ended again, `gone` whether that is certain."""

    lease: Lease
    billed: Usd
    too_dear: str | None = None
    gone: bool = False


async def adopt(house: House, reservation: Reservation, pod: Pod) -> Adopted:
    """Start the lease of a pod at its billed price; one dearer than what was set aside is ended at once.

    Raises:
        Failure: the ledger cannot be written.
    """
    billed = billed_rate(pod, reservation)
    entry = Entry(kind=EntryKind.SETTLED, at=reservation.opened_at, pod_id=pod.id, usd_per_hour=billed)
    if billed <= reservation.usd_per_hour:
        return Adopted(await house.ledger.write(reservation.id, entry), billed)
    why = f"billed {show(billed)}/h, set aside {show(reservation.usd_per_hour)}/h"
    now = max(house.now(), reservation.opened_at)
    lease = await house.ledger.write(
        reservation.id, replace(entry, lease_ends_at=now, stopped_until=now, note=why)
    )
    gone = await end_pod(house, pod.id)
    if gone:
        ended = Entry(kind=EntryKind.ENDED, at=house.now(), note="billed above its ceiling")
        lease = await house.ledger.write(reservation.id, ended)
    return Adopted(lease, billed, why, gone)


def billed_rate(pod: Pod, reservation: Reservation) -> Usd:
    """What a running pod costs per hour with its disks; the ceiling where Runpod does not say.

    Runpod's `cost` was always seen to leave the disks out, so they are added.
    """
    if pod.usd_per_hour is None:
        return reservation.usd_per_hour
    if pod.container_disk_gb is None:
        return Usd(pod.usd_per_hour + reservation.disk_usd_per_hour)
    return Usd(pod.usd_per_hour + Disks(pod.container_disk_gb, pod.volume_gb or 0).running_usd_per_hour)
