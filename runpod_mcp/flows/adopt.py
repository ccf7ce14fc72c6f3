"""Tying a pod to the money that was set aside for it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from runpod_mcp.catalog.quote import Disks
from runpod_mcp.errors import Failure
from runpod_mcp.flows.context import House
from runpod_mcp.flows.outcomes import end_pod
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, Reservation
from runpod_mcp.money import Usd, show
from runpod_mcp.pods.pod import Pod

log = logging.getLogger(__name__)


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
    if billed > reservation.usd_per_hour:
        return await _end_again(house, reservation, pod, entry, billed)
    return Adopted(await house.ledger.write(reservation.id, entry), billed)


async def _end_again(house: House, reservation: Reservation, pod: Pod, entry: Entry, billed: Usd) -> Adopted:
    """End a pod that is too dear, whether or not the ledger can be written; until it is gone it is due, and it counts."""
    why = f"billed {show(billed)}/h, set aside {show(reservation.usd_per_hour)}/h"
    now = max(house.now(), reservation.opened_at)
    due = replace(entry, lease_ends_at=now, stopped_until=now, note=why)
    await _try_to_write(house, reservation, due)
    gone = await end_pod(house, pod.id)
    ended = Entry(kind=EntryKind.ENDED, at=house.now(), note="billed above its ceiling")
    lease = await _try_to_write(house, reservation, *((due, ended) if gone else (due,)))
    return Adopted(lease or Lease.read(reservation, ()), billed, why, gone)


async def _try_to_write(house: House, reservation: Reservation, *entries: Entry) -> Lease | None:
    """The lease after these entries; None where the ledger cannot be written, and more than is true stays counted."""
    lease = None
    try:
        for entry in entries:
            lease = await house.ledger.write(reservation.id, entry)
    except Failure as failure:
        log.error("reservation %s could not be brought up to date: %s", reservation.id, failure)
        return None
    return lease


async def by_tag(house: House, pod: Pod) -> Lease | None:
    """The lease whose tag a pod carries, whatever its state; None when it carries none of this ledger.

    A tag can be copied with the rest of a pod's env: a lease that is tied to another pod is not this one's.
    """
    lease = await house.ledger.lease(pod.reservation_id) if pod.reservation_id else None
    return lease if lease and lease.pod_id in (None, pod.id) else None


def billed_rate(pod: Pod, reservation: Reservation) -> Usd:
    """What a running pod costs per hour with its disks; the ceiling where Runpod does not say, or says nothing.

    Runpod's `cost` was always seen to leave the disks out, so they are added.
    """
    if not pod.usd_per_hour:
        return reservation.usd_per_hour
    if pod.container_disk_gb is None:
        return Usd(pod.usd_per_hour + reservation.disk_usd_per_hour)
    return Usd(pod.usd_per_hour + Disks(pod.container_disk_gb, pod.volume_gb or 0).running_usd_per_hour)


def stopped_rate(pod: Pod) -> Usd:
    """What a stopped pod costs per hour: its volume at the stopped price, or what Runpod still bills, if that is more."""
    return max(Disks(0, pod.volume_gb or 0).stopped_usd_per_hour, pod.usd_per_hour or Usd(0))


def stopped_entry(house: House, lease: Lease | None, pod: Pod, told_at: int, note: str = "") -> Entry:
    """That a pod was seen stopped; where its volume costs more than the pod running did, from the call to stop it on."""
    rate = stopped_rate(pod)
    dearer = lease is not None and rate > lease.usd_per_hour
    at = told_at if dearer else house.now()
    return Entry(kind=EntryKind.STOPPED, at=at, usd_per_hour=rate, note=note)
