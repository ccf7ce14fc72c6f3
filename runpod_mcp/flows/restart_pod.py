"""Restarting the container of a pod that runs."""

from __future__ import annotations

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.approval import need_yes_to
from runpod_mcp.flows.boots import note, note_boot
from runpod_mcp.flows.claims import changing
from runpod_mcp.flows.context import House
from runpod_mcp.flows.finish import to_the_end
from runpod_mcp.flows.leases import is_due
from runpod_mcp.flows.managed import managed
from runpod_mcp.flows.outcomes import is_gone
from runpod_mcp.flows.read_pods import Seen, not_found
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseState
from runpod_mcp.pods.pod import Pod
from runpod_mcp.runpod.api import ChangeOutcome, Done, Gone, NoCapacity, Refused


async def restart_pod(house: House, pod_id: str, *, reset: bool = False) -> Seen:
    """Restart a running pod's container in place, or `reset` it: made anew on the same host (v1 only).

    Its price and its lease stay as they are; a pod that does not run is not started by this.

    Raises:
        Failure: `not_managed`; `conflict` when it does not run or is locked; `outcome_unknown`.
    """
    policy = house.policies.current()
    lease, pod = await managed(house, pod_id)
    _refuse(house, lease, pod, reset)
    await need_yes_to(house, policy, "restart_pod")
    async with changing(house, lease):
        return await to_the_end(_call(house, lease, pod, reset))


def _refuse(house: House, lease: Lease, pod: Pod, reset: bool) -> None:
    if lease.state is not LeaseState.RUNNING or not pod.bills_compute:
        message = f"Pod {pod.id} is {pod.status.value}; start_pod starts a stopped pod."
        raise Failure(Code.CONFLICT, message)
    if is_due(lease, house.now()):
        raise Failure(Code.CONFLICT, f"The lease of pod {pod.id} is over; it is being ended.", Retry.NEVER)
    if reset and pod.locked:
        message = f"Pod {pod.id} is locked against a reset; unlock it first with update_pod, locked false."
        raise Failure(Code.CONFLICT, message)


async def _call(house: House, lease: Lease, pod: Pod, reset: bool) -> Seen:
    call = house.api.reset_pod if reset else house.api.restart_pod
    outcome = await call(pod.id)
    if isinstance(outcome, Gone) and await is_gone(house, pod.id):
        ended = Entry(kind=EntryKind.ENDED, at=house.now(), note="gone when it was to be restarted")
        raise not_found(pod.id, await house.ledger.write(lease.reservation.id, ended))
    if not isinstance(outcome, Done):
        raise _not_done(pod, outcome)
    # One that never was ready gets no new time by being restarted.
    told = note_boot if pod.is_ready else note
    lease = await told(house, lease, "reset" if reset else "restarted")
    return Seen(await _as_it_is(house, pod), lease)


async def _as_it_is(house: House, pod: Pod) -> Pod:
    """The pod now, or as it was before where it cannot be read: it was restarted all the same."""
    try:
        return await house.api.get_pod(pod.id) or pod
    except Failure:
        return pod


def _not_done(pod: Pod, outcome: ChangeOutcome) -> Failure:
    if isinstance(outcome, Refused):
        return Failure(outcome.code, f"Pod {pod.id} was not restarted: {outcome.message}", Retry.CHANGED)
    if isinstance(outcome, NoCapacity):
        return Failure(Code.NO_CAPACITY, f"Pod {pod.id} was not restarted: its host is full.", Retry.LATER)
    message = (
        f"Pod {pod.id} was told to restart, but the answer was lost; it may or may not have. Its price and lease are "
        "as before."
    )
    return Failure(Code.OUTCOME_UNKNOWN, message, Retry.LATER)
