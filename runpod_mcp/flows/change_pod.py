"""Making a pod cheaper: stopping and deleting. Both are always allowed on managed pods."""

from __future__ import annotations

from dataclasses import dataclass

from runpod_mcp.catalog.quote import Disks
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.context import House
from runpod_mcp.flows.finish import to_the_end
from runpod_mcp.flows.outcomes import end_pod, is_gone, see_stopped
from runpod_mcp.flows.read_pods import not_found
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseState
from runpod_mcp.money import ZERO
from runpod_mcp.pods.pod import Pod, PodStatus
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.rules import asks_human
from runpod_mcp.runpod.api import NoCapacity, Refused


@dataclass(frozen=True, slots=True)
class Changed:
    """A pod after a change; `pod` is None when it is gone, `lease` when it is not managed."""

    pod_id: str
    pod: Pod | None
    lease: Lease | None


async def stop_pod(house: House, pod_id: str) -> Changed:
    """Stop a pod: the GPUs are released, the pod volume is kept and billed.

    Raises:
        Failure: `not_managed`, `not_found`, `conflict` when it cannot be stopped now, or Runpod cannot be had.
    """
    lease = await _may_touch(house, "stop_pod", pod_id)
    return await to_the_end(_stop(house, pod_id, lease))


async def delete_pod(house: House, pod_id: str) -> Changed:
    """Delete a pod for good, and read until it is gone.

    Raises:
        Failure: `not_managed`, `not_found`, `runpod_unavailable` when its end could not be confirmed.
    """
    lease = await _may_touch(house, "delete_pod", pod_id)
    return await to_the_end(_delete(house, pod_id, lease))


async def _may_touch(house: House, tool: str, pod_id: str) -> Lease | None:
    """The pod's lease; None for a pod made elsewhere that the policy lets be changed here.

    Raises:
        Failure: `not_managed`, `not_found`, `approval_required`.
    """
    policy = _policy_or_none(house)
    lease = await house.ledger.lease_of_pod(pod_id)
    if policy and (reason := asks_human(policy, tool, ZERO, ZERO)):
        raise Failure(Code.APPROVAL_REQUIRED, f"A person must allow this first: {reason}.", Retry.NEVER)
    if lease and lease.still_counts:
        return lease
    if await house.api.get_pod(pod_id) is None:
        raise not_found(pod_id, lease)
    if not (policy and policy.pods.manage_unmanaged):
        raise Failure(
            Code.NOT_MANAGED,
            f"Pod {clean(pod_id, 40)} was not rented through this server, so it is left alone "
            "(pods.manage_unmanaged in the policy decides).",
            Retry.NEVER,
        )
    return None


def _policy_or_none(house: House) -> Policy | None:
    """Ending what is ours must work under a broken policy too."""
    try:
        return house.policies.current()
    except Failure:
        return None


async def _stop(house: House, pod_id: str, lease: Lease | None) -> Changed:
    outcome = await house.api.stop_pod(pod_id)
    pod = await see_stopped(house, pod_id)
    if pod is None and await is_gone(house, pod_id):
        await _write_ended(house, lease)
        raise not_found(pod_id, lease)
    if pod is None and isinstance(outcome, Refused | NoCapacity):
        why = outcome.message if isinstance(outcome, Refused) else "no capacity"
        raise Failure(outcome.code if isinstance(outcome, Refused) else Code.CONFLICT, why, Retry.LATER)
    if pod is None:
        raise _unconfirmed(f"Stopping pod {clean(pod_id, 40)} could not be confirmed")
    if lease and lease.state is not LeaseState.STOPPED:
        lease = await house.ledger.write(lease.reservation.id, _stopped(house, pod))
    return Changed(pod_id, pod, lease)


def _stopped(house: House, pod: Pod) -> Entry:
    if pod.status is PodStatus.TERMINATED:
        return Entry(kind=EntryKind.ENDED, at=house.now())
    rate = Disks(0, pod.volume_gb or 0).stopped_usd_per_hour
    return Entry(kind=EntryKind.STOPPED, at=house.now(), usd_per_hour=rate)


async def _delete(house: House, pod_id: str, lease: Lease | None) -> Changed:
    if not await end_pod(house, pod_id):
        raise _unconfirmed(f"The end of pod {clean(pod_id, 40)} could not be confirmed")
    return Changed(pod_id, None, await _write_ended(house, lease))


async def _write_ended(house: House, lease: Lease | None) -> Lease | None:
    if lease is None:
        return None
    return await house.ledger.write(lease.reservation.id, Entry(kind=EntryKind.ENDED, at=house.now()))


def _unconfirmed(what: str) -> Failure:
    return Failure(
        Code.RUNPOD_UNAVAILABLE,
        f"{what}; it still counts as before. Call again in a moment, repeating this is safe.",
        Retry.LATER,
    )
