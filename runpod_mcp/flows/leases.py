"""The end of leases: whoever is awake ends what is due, makes sure that it is gone, and says so when it is not."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from runpod_mcp.flows.adopt import stopped_entry
from runpod_mcp.flows.boots import last_boot
from runpod_mcp.flows.claims import alone, moved_on
from runpod_mcp.flows.context import House
from runpod_mcp.flows.endpoints_end import Emptied, delete_for_good, take_workers
from runpod_mcp.flows.endpoints_price import stopped
from runpod_mcp.flows.outcomes import end_pod, is_gone, see_stopped
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseKind, LeaseState
from runpod_mcp.pods.pod import Pod
from runpod_mcp.policy.document import LeaseTerms
from runpod_mcp.runpod.api import Refused

log = logging.getLogger(__name__)

LEAD_SECONDS = 10
"""A lease is ended so much before its end (less for short ones), so that ending it is paid from the promise."""
STOP_TRIED_FOR = 600
"""Seconds past its end for which a pod is tried to be stopped before it is deleted to stop the bill."""
CLAIMED_FOR = 60
"""Seconds for which one process ends a lease while the others leave it alone; then it is anybody's again."""


@dataclass(slots=True)
class Ended:
    """What a round did, as sentences."""

    stopped: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    not_ready: list[str] = field(default_factory=list)


async def reap(house: House) -> Ended:
    """End every lease that is due: stopped at its end, deleted after its stopped time, deleted at once without a volume.

    Raises:
        Failure: the ledger cannot be read.
    """
    done, now = Ended(), await _latest(house)
    for lease in await house.ledger.leases():
        if is_due(lease, now) and await _mine(house, lease):
            await _end(house, lease, now, done)
    return done


async def _latest(house: House) -> int:
    """Now, or the latest moment that any server told the ledger: the clock that is ahead ends a lease."""
    return max(house.now(), (await house.ledger.spending(0, ())).now)


async def reap_not_ready(house: House, done: Ended) -> None:
    """Report pods that bill without ports for longer than the policy waits, and end them if it says so.

    Raises:
        Failure: the policy is broken, or Runpod or the ledger cannot be read.
    """
    terms = house.policies.current().lease
    leases = [
        one
        for one in await house.ledger.leases()
        if one.state is LeaseState.RUNNING and one.kind is LeaseKind.POD
    ]
    pods = {pod.id: pod for pod in await house.api.list_pods()} if leases else {}
    for lease in leases:
        pod = pods.get(lease.pod_id or "")
        if pod and pod.bills_compute and not pod.is_ready and await _waited(house, lease, terms):
            await _not_ready(house, lease, terms, done)


def is_due(lease: Lease, now: int) -> bool:
    """Whether it is time to end it; a create without a known pod is reconciled, not ended."""
    if lease.kind is LeaseKind.VOLUME or lease.state not in (LeaseState.RUNNING, LeaseState.STOPPED):
        return False
    if lease.kind is LeaseKind.ENDPOINT and lease.state is LeaseState.STOPPED:
        return False  # without workers it costs nothing and is kept
    length = lease.due_at - lease.reservation.opened_at
    return now >= lease.due_at - min(LEAD_SECONDS, length // 60)


async def _waited(house: House, lease: Lease, terms: LeaseTerms) -> bool:
    """Whether it has had its time to boot, from its latest boot on."""
    return await last_boot(house, lease) <= house.now() - terms.ready_minutes * 60


async def _not_ready(house: House, lease: Lease, terms: LeaseTerms, done: Ended) -> None:
    done.not_ready.append(f"pod {lease.pod_id} bills without ports for more than {terms.ready_minutes:g} min")
    log.warning("%s", done.not_ready[-1])
    if terms.on_not_ready == "end" and await _mine(house, lease):
        await _delete(house, lease, "it never became ready", done)


async def _mine(house: House, lease: Lease) -> bool:
    return await house.ledger.claim(f"end {lease.reservation.id}", house.holder, house.now(), CLAIMED_FOR)


async def _end(house: House, lease: Lease, now: int, done: Ended) -> None:
    if lease.kind is LeaseKind.ENDPOINT:
        await _end_endpoint(house, lease, now, done)
        return
    keeps = lease.state is LeaseState.RUNNING and lease.stopped_until > max(now, lease.lease_ends_at)
    if not keeps:
        await _delete(house, lease, "its time is over", done)
    elif not await _stop(house, lease, done) and now > lease.lease_ends_at + STOP_TRIED_FOR:
        await _delete(house, lease, "it could not be stopped", done)


async def _end_endpoint(house: House, lease: Lease, now: int, done: Ended) -> None:
    """Take its workers away; where one goes on working, the endpoint is deleted in the end to stop the bill."""
    async with alone(house, lease) as mine:
        if mine and await moved_on(house, lease):
            return
        endpoint_id, found = lease.pod_id or "", await take_workers(house, lease.pod_id or "")
        late = now > lease.lease_ends_at + STOP_TRIED_FOR
        if found is Emptied.EMPTY:
            if mine:
                await stopped(house, lease, "its lease ended")
            done.stopped.append(f"endpoint {endpoint_id}")
        elif found is Emptied.GONE or (late and await delete_for_good(house, endpoint_id) is None):
            why = "it was gone already" if found is Emptied.GONE else "its workers could not be taken away"
            await _write(house, lease, Entry(kind=EntryKind.ENDED, at=house.now(), note=why))
            done.deleted.append(f"endpoint {endpoint_id}: {why}")
        else:
            _shout(
                done,
                f"endpoint {endpoint_id} still has workers after the end of its lease; they are still billed",
            )


async def _stop(house: House, lease: Lease, done: Ended) -> bool:
    """Stop a pod whose lease is over; while it is being changed, the next look writes down what came of that."""
    async with alone(house, lease) as mine:
        told_at = house.now()
        pod = await _told_to_stop(house, lease.pod_id or "")
        if pod is None:
            return await _not_stopped(house, lease, done)
        if mine:
            await _write(house, lease, stopped_entry(house, lease, pod, told_at, "its lease ended"))
        done.stopped.append(f"pod {lease.pod_id}")
        return True


async def _told_to_stop(house: House, pod_id: str) -> Pod | None:
    """The stopped pod, or None when that cannot be seen; a lock is no way to stay."""
    outcome = await house.api.stop_pod(pod_id)
    if isinstance(outcome, Refused):
        await house.api.unlock_pod(pod_id)
        await house.api.stop_pod(pod_id)
    return await see_stopped(house, pod_id)


async def _not_stopped(house: House, lease: Lease, done: Ended) -> bool:
    """Whether that is because it was gone already."""
    if await is_gone(house, lease.pod_id or ""):
        ended = Entry(kind=EntryKind.ENDED, at=house.now(), note="gone at the end of its lease")
        await _write(house, lease, ended)
        done.deleted.append(f"pod {lease.pod_id}: it was gone already")
        return True
    _shout(done, f"pod {lease.pod_id} could not be stopped at the end of its lease; it is still billed")
    return False


async def _delete(house: House, lease: Lease, why: str, done: Ended) -> None:
    pod_id = lease.pod_id or ""
    if await end_pod(house, pod_id):
        await _write(house, lease, Entry(kind=EntryKind.ENDED, at=house.now(), note=why))
        done.deleted.append(f"pod {pod_id}: {why}")
    else:
        _shout(done, f"pod {pod_id} could not be deleted ({why}); it is still billed")


async def _write(house: House, lease: Lease, entry: Entry) -> None:
    await house.ledger.write(lease.reservation.id, entry)


def _shout(done: Ended, what: str) -> None:
    done.failed.append(what)
    log.error("%s", what)
