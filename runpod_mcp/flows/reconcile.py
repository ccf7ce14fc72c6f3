"""Comparing the ledger with what Runpod lists: adopt, correct, close, end what should not live, report the rest.

A pod that is not managed is never touched here, whatever it costs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from runpod_mcp.flows.adopt import adopt, billed_rate, stopped_rate
from runpod_mcp.flows.claims import alone, moved_on
from runpod_mcp.flows.context import House
from runpod_mcp.flows.correct import correct
from runpod_mcp.flows.looks import Report, not_listed, seen_again, still_waiting, write
from runpod_mcp.flows.outcomes import end_pod
from runpod_mcp.flows.reconcile_standing import reconcile_standing
from runpod_mcp.ledger.entries import EntryKind, Lease, LeaseKind, LeaseState
from runpod_mcp.money import Usd, show
from runpod_mcp.pods.pod import Pod, PodStatus

START_SETTLES_WITHIN = 120
"""Seconds for which a start that was sent and not seen counts as if it were to come."""


async def reconcile(house: House) -> Report:
    """One pass over everything that counts and everything Runpod lists.

    Raises:
        Failure: Runpod's list or the ledger cannot be read; then nothing was changed.
    """
    everything = await house.ledger.leases()
    leases = [lease for lease in everything if lease.kind is LeaseKind.POD]
    pods = await house.api.list_pods()
    listed = {pod.id: pod for pod in pods}
    tagged = {pod.reservation_id: pod for pod in pods if pod.reservation_id}
    report = Report()
    for lease in leases:
        pod = listed.get(lease.pod_id) if lease.pod_id else tagged.get(lease.reservation.id)
        await _look_after[lease.state](house, lease, pod, report)
    managed = {lease.pod_id or _id_of(tagged.get(lease.reservation.id)) for lease in leases}
    for pod in pods:
        if pod.id not in managed and pod.status is not PodStatus.TERMINATED:
            await _without_lease(house, pod, report)
    await reconcile_standing(house, everything, report)
    return report


async def _reads(house: House, pod_id: str) -> bool:
    return await house.api.get_pod(pod_id) is not None


def _id_of(pod: Pod | None) -> str | None:
    return pod.id if pod else None


async def _waiting(house: House, lease: Lease, pod: Pod | None, report: Report) -> None:
    """A create that is under way or whose answer was lost: adopted as soon as its pod shows."""
    if pod is not None:
        await _adopt(house, lease, pod, report)
    else:
        await still_waiting(house, lease, report)


async def _adopt(house: House, lease: Lease, pod: Pod, report: Report) -> None:
    adopted = await adopt(house, lease.reservation, pod)
    report.adopted.append(f"pod {pod.id} for {lease.reservation.id}")
    if adopted.too_dear:
        (report.ended if adopted.gone else report.not_ended).append(f"pod {pod.id}: {adopted.too_dear}")


async def _living(house: House, lease: Lease, pod: Pod | None, report: Report) -> None:
    """A pod with a lease: closed when it is gone, corrected when Runpod stopped, started or repriced it."""
    if pod is None:
        await not_listed(house, lease, _reads, report)
        return
    await seen_again(house, lease)
    if pod.status is PodStatus.TERMINATED:
        await write(house, lease, EntryKind.ENDED, "Runpod says it is terminated")
        report.closed.append(f"pod {pod.id}")
    elif pod.status is PodStatus.STOPPED and not await _may_yet_start(house, lease):
        await _correct(house, lease, EntryKind.STOPPED, pod, stopped_rate(pod), report)
    elif pod.status not in (PodStatus.UNKNOWN, PodStatus.STOPPED):
        kind = EntryKind.STARTED if lease.state is LeaseState.STOPPED else EntryKind.REPRICED
        await _correct(house, lease, kind, pod, billed_rate(pod, lease.reservation), report)


async def _may_yet_start(house: House, lease: Lease) -> bool:
    """Whether a start whose answer was lost may still be carried out: its money stays set aside for a while."""
    if lease.state is not LeaseState.RUNNING:
        return False
    entries = await house.ledger.entries(lease.reservation.id)
    last = next((entry for entry in reversed(entries) if entry.kind is not EntryKind.NOTED), None)
    started = last is not None and last.kind is EntryKind.STARTED
    return started and last is not None and house.now() - last.at < START_SETTLES_WITHIN


async def _correct(house: House, lease: Lease, kind: EntryKind, pod: Pod, rate: Usd, report: Report) -> None:
    """Write down what Runpod says; a pod that runs above its ceiling is due at once."""
    stands = lease.state is LeaseState.STOPPED if kind is EntryKind.STOPPED else kind is EntryKind.REPRICED
    if stands and rate == lease.usd_per_hour:
        return
    async with alone(house, lease) as mine:
        if mine and not await moved_on(house, lease):
            await correct(house, lease, kind, pod, rate, "as Runpod lists it")
            report.corrected.append(f"pod {pod.id}: {kind.value} at {show(rate)}/h")


async def _without_lease(house: House, pod: Pod, report: Report) -> None:
    """A pod that no living lease holds: ours to end if its reservation came to nothing, else somebody's own."""
    lease = await house.ledger.lease(pod.reservation_id) if pod.reservation_id else None
    if lease and lease.still_counts and lease.pod_id in (None, pod.id):
        return  # rented since the leases were read
    ours = lease is not None and (
        lease.state is LeaseState.VOID or (lease.state is LeaseState.ENDED and lease.pod_id == pod.id)
    )
    if lease is None or not ours:
        report.unmanaged.append(pod)
        return
    gone = await end_pod(house, pod.id)
    (report.ended if gone else report.not_ended).append(
        f"pod {pod.id}: its reservation is {lease.state.value}"
    )
    note = f"pod {pod.id} was found alive and {'ended' if gone else 'could not be ended'}"
    await write(house, lease, EntryKind.NOTED, note)


_Care = Callable[[House, Lease, Pod | None, Report], Awaitable[None]]

_look_after: Mapping[LeaseState, _Care] = {
    LeaseState.OPEN: _waiting,
    LeaseState.UNKNOWN: _waiting,
    LeaseState.RUNNING: _living,
    LeaseState.STOPPED: _living,
}
