"""Comparing the ledger with what Runpod lists: adopt, correct, close, end what should not live, report the rest.

A pod that is not managed is never touched here, whatever it costs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from runpod_mcp.flows.adopt import adopt, billed_rate, stopped_rate
from runpod_mcp.flows.claims import being_changed
from runpod_mcp.flows.context import House
from runpod_mcp.flows.outcomes import end_pod
from runpod_mcp.flows.unmanaged import rate_of
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseState
from runpod_mcp.money import Usd, show
from runpod_mcp.pods.pod import Pod, PodStatus

CREATE_SETTLES_WITHIN = 600
"""Seconds after which no create can still be under way; an open reservation that old lost its server."""
LISTED_WITHIN = 120
"""Seconds for which a new pod may be missing from Runpod's list (60 were seen)."""
SIGHTING_APART = 60
"""Seconds between two looks that count as two."""
LOOKS_TO_GIVE_UP = 5
GIVE_UP_AFTER = 900
"""Seconds an unknown create is looked for at least before its money is freed."""
LOOKS_TO_CLOSE = 3

NOT_LISTED = "not listed by Runpod"
SEEN_AGAIN = "listed again"


@dataclass(slots=True)
class Report:
    """What a pass found and did, as sentences; `unmanaged` are pods that nobody here rented."""

    adopted: list[str] = field(default_factory=list)
    corrected: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    not_ended: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    unmanaged: list[Pod] = field(default_factory=list)

    @property
    def unmanaged_usd_per_hour(self) -> Usd:
        """What the unmanaged pods cost per hour together, as far as Runpod says."""
        return Usd(sum(rate_of(pod) or 0 for pod in self.unmanaged))


async def reconcile(house: House) -> Report:
    """One pass over everything that counts and everything Runpod lists.

    Raises:
        Failure: Runpod's list or the ledger cannot be read; then nothing was changed.
    """
    leases = await house.ledger.leases()
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
    return report


def _id_of(pod: Pod | None) -> str | None:
    return pod.id if pod else None


async def _open(house: House, lease: Lease, pod: Pod | None, report: Report) -> None:
    """A create under way, or one whose server died: adopted as soon as its pod shows, unknown once it is old."""
    if pod is not None:
        await _adopt(house, lease, pod, report)
    elif house.now() - lease.reservation.opened_at > CREATE_SETTLES_WITHIN:
        await _write(house, lease, EntryKind.UNKNOWN, "the server that made the call did not finish it")
        report.waiting.append(f"{lease.reservation.id}: outcome unknown")


async def _unknown(house: House, lease: Lease, pod: Pod | None, report: Report) -> None:
    """A create whose answer was lost: adopted once its pod shows, given up after several clean listings."""
    if pod is not None:
        await _adopt(house, lease, pod, report)
        return
    looks, since = await _looks(house, lease)
    if looks >= LOOKS_TO_GIVE_UP and since >= GIVE_UP_AFTER:
        await _write(house, lease, EntryKind.VOIDED, f"given up: not listed in {looks} looks over {since} s")
        report.given_up.append(f"{lease.reservation.id}: no pod came of it")
    else:
        report.waiting.append(f"{lease.reservation.id}: outcome unknown, looked for {looks} times")


async def _adopt(house: House, lease: Lease, pod: Pod, report: Report) -> None:
    adopted = await adopt(house, lease.reservation, pod)
    report.adopted.append(f"pod {pod.id} for {lease.reservation.id}")
    if adopted.too_dear:
        (report.ended if adopted.gone else report.not_ended).append(f"pod {pod.id}: {adopted.too_dear}")


async def _living(house: House, lease: Lease, pod: Pod | None, report: Report) -> None:
    """A pod with a lease: closed when it is gone, corrected when Runpod stopped, started or repriced it."""
    if pod is None:
        await _missing(house, lease, report)
        return
    await _seen(house, lease)
    if pod.status is PodStatus.TERMINATED:
        await _write(house, lease, EntryKind.ENDED, "Runpod says it is terminated")
        report.closed.append(f"pod {pod.id}")
    elif pod.status is PodStatus.STOPPED:
        await _correct(house, lease, EntryKind.STOPPED, pod, stopped_rate(pod), report)
    elif pod.status is not PodStatus.UNKNOWN:
        kind = EntryKind.STARTED if lease.state is LeaseState.STOPPED else EntryKind.REPRICED
        await _correct(house, lease, kind, pod, billed_rate(pod, lease.reservation), report)


async def _seen(house: House, lease: Lease) -> None:
    """Looks in vain start over once the pod was seen: three lies in a week are no proof."""
    if lease.notes and lease.notes[-1].startswith(NOT_LISTED):
        await _write(house, lease, EntryKind.NOTED, SEEN_AGAIN)


async def _correct(house: House, lease: Lease, kind: EntryKind, pod: Pod, rate: Usd, report: Report) -> None:
    """Write down what Runpod says; a pod that runs above its ceiling is due at once."""
    stands = lease.state is LeaseState.STOPPED if kind is EntryKind.STOPPED else kind is EntryKind.REPRICED
    if (stands and rate == lease.usd_per_hour) or await being_changed(house, lease):
        return
    if kind is not EntryKind.STOPPED and rate > lease.ceiling_usd_per_hour:
        # Due first, priced second: a server may die between two entries.
        await _make_due(house, lease, "billed above its ceiling")
    gpus = pod.gpu_count if kind is EntryKind.STARTED else None
    entry = Entry(kind=kind, at=house.now(), usd_per_hour=rate, gpus=gpus, note="as Runpod lists it")
    await house.ledger.write(lease.reservation.id, entry)
    report.corrected.append(f"pod {pod.id}: {kind.value} at {show(rate)}/h")


async def _make_due(house: House, lease: Lease, why: str) -> None:
    """Its lease ends now; what is kept stopped after that is kept as long as before."""
    now = max(house.now(), lease.reservation.opened_at)
    kept = now + lease.stopped_until - lease.lease_ends_at
    due = Entry(kind=EntryKind.EXTENDED, at=now, lease_ends_at=now, stopped_until=kept, note=why)
    await house.ledger.write(lease.reservation.id, due)


async def _missing(house: House, lease: Lease, report: Report) -> None:
    """A pod that Runpod does not list: closed after several looks, because a list may lag and a 404 may lie."""
    pod_id = lease.pod_id or ""
    if house.now() - lease.reservation.opened_at < LISTED_WITHIN:
        return
    if await house.api.get_pod(pod_id) is not None:
        await _seen(house, lease)
        return
    looks, _ = await _looks(house, lease)
    if looks >= LOOKS_TO_CLOSE:
        await _write(house, lease, EntryKind.ENDED, f"gone: neither listed nor found in {looks} looks")
        report.closed.append(f"pod {pod_id}")
    else:
        report.waiting.append(f"pod {pod_id}: {NOT_LISTED}, looked for {looks} times")


async def _looks(house: House, lease: Lease) -> tuple[int, int]:
    """Note that it was looked for in vain; how often now, and over how many seconds. Looks too close are one."""
    entries = await house.ledger.entries(lease.reservation.id)
    looks: list[Entry] = []
    for entry in entries:
        looks = [*looks, entry] if entry.note.startswith(NOT_LISTED) else []
    now = house.now()
    if not looks or now - looks[-1].at >= SIGHTING_APART:
        number = 1 + sum(
            entry.note.startswith(NOT_LISTED) for entry in entries
        )  # a note said twice is not written
        note = Entry(kind=EntryKind.NOTED, at=now, note=f"{NOT_LISTED} ({number})")
        await house.ledger.write(lease.reservation.id, note)
        looks.append(note)
    return len(looks), now - looks[0].at


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
    await _write(house, lease, EntryKind.NOTED, note)


async def _write(house: House, lease: Lease, kind: EntryKind, note: str) -> None:
    await house.ledger.write(lease.reservation.id, Entry(kind=kind, at=house.now(), note=note))


_Care = Callable[[House, Lease, Pod | None, Report], Awaitable[None]]

_look_after: Mapping[LeaseState, _Care] = {
    LeaseState.OPEN: _open,
    LeaseState.UNKNOWN: _unknown,
    LeaseState.RUNNING: _living,
    LeaseState.STOPPED: _living,
}
