"""Making a pod cheaper: stopping and deleting. Both are always allowed on managed pods."""

from __future__ import annotations

from dataclasses import dataclass

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.adopt import adopt, by_tag, stopped_entry, stopped_rate
from runpod_mcp.flows.context import House
from runpod_mcp.flows.finish import to_the_end
from runpod_mcp.flows.judge import approval_needed
from runpod_mcp.flows.outcomes import is_gone, see_stopped, trouble_ending, unconfirmed
from runpod_mcp.flows.read_pods import not_found
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseState
from runpod_mcp.money import ZERO, Usd
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.rules import asks_human
from runpod_mcp.runpod.api import Refused


@dataclass(frozen=True, slots=True)
class Changed:
    """A pod after a change: what it costs now, and its lease; None when it is not managed."""

    pod_id: str
    usd_per_hour: Usd
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
    """The pod's lease, where one still counts; None for a pod that may be changed here all the same.

    That is one that carries a tag of this ledger, or any pod where the policy says so.

    Raises:
        Failure: `not_managed`, `not_found`, `approval_required`.
    """
    policy = _policy_or_none(house)
    if policy and (reason := asks_human(policy, tool, ZERO, ZERO)):
        raise approval_needed(reason)
    lease = await house.ledger.lease_of_pod(pod_id)
    if lease and lease.still_counts:
        return lease
    pod = await house.api.get_pod(pod_id)
    if pod is None:
        raise not_found(pod_id, lease)
    lease = lease or await by_tag(house, pod)
    if lease is None and not (policy and policy.pods.manage_unmanaged):
        raise _not_managed(pod_id)
    if lease and lease.state in (LeaseState.OPEN, LeaseState.UNKNOWN):
        lease = (await adopt(house, lease.reservation, pod)).lease
    return lease if lease and lease.still_counts else None


def _not_managed(pod_id: str) -> Failure:
    return Failure(
        Code.NOT_MANAGED,
        f"Pod {clean(pod_id, 40)} was not rented through this server, so it is left alone. "
        "A person can allow it with manage_unmanaged under [pods] in the policy.",
        Retry.NEVER,
    )


def _policy_or_none(house: House) -> Policy | None:
    """Ending what is ours must work under a broken policy too."""
    try:
        return house.policies.current()
    except Failure:
        return None


async def _stop(house: House, pod_id: str, lease: Lease | None) -> Changed:
    told_at = house.now()
    outcome = await house.api.stop_pod(pod_id)
    pod = await see_stopped(house, pod_id, patiently=not isinstance(outcome, Refused))
    if pod is None and await is_gone(house, pod_id):
        await _write(house, lease, _ended(house), f"Pod {pod_id} is gone")
        raise not_found(pod_id, lease)
    if pod is None:
        raise unconfirmed(f"Stopping pod {pod_id}", outcome)
    entry = stopped_entry(house, lease, pod, told_at)
    return Changed(pod_id, stopped_rate(pod), await _write(house, lease, entry, f"Pod {pod_id} is stopped"))


async def _delete(house: House, pod_id: str, lease: Lease | None) -> Changed:
    if trouble := await trouble_ending(house, pod_id):
        raise trouble
    return Changed(pod_id, ZERO, await _write(house, lease, _ended(house), f"Pod {pod_id} is deleted"))


def _ended(house: House) -> Entry:
    return Entry(kind=EntryKind.ENDED, at=house.now())


async def _write(house: House, lease: Lease | None, entry: Entry, done: str) -> Lease | None:
    """Write down what was done, where there is a lease.

    Raises:
        Failure: the ledger cannot be written; says that it was done all the same.
    """
    try:
        return await house.ledger.write(lease.reservation.id, entry) if lease else None
    except Failure as failure:
        message = f"{done}, but that could not be written down ({failure.message}) Call again to write it."
        raise Failure(failure.code, message, Retry.LATER) from failure
