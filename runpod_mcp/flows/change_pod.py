"""Making a pod cheaper: stopping and deleting. Both are always allowed on managed pods.

They work, too, while the ledger cannot be read, on pods that carry a tag. Then nobody can look up whether it is a tag
of this ledger, and no lease is ended by anybody, so a refusal would leave a bill without an end. It is safe enough:
a tag shows that a server of this kind rented the pod with this account's key, ending never makes anything dearer, and
without a ledger no tool shows ids, so an agent knows only those it was given before. What it costs is that a pod of
another ledger on the same account is not told apart until the ledger can be read again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.adopt import adopt, by_tag, stopped_entry, stopped_rate
from runpod_mcp.flows.approval import need_yes_to
from runpod_mcp.flows.claims import alone
from runpod_mcp.flows.context import House
from runpod_mcp.flows.finish import to_the_end
from runpod_mcp.flows.outcomes import is_gone, see, see_stopped, trouble_ending, unconfirmed
from runpod_mcp.flows.read_pods import lease_of_pod, not_found
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseState
from runpod_mcp.money import ZERO, Usd
from runpod_mcp.pods.pod import Pod
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.document import Policy
from runpod_mcp.runpod.api import Refused


@dataclass(frozen=True, slots=True)
class Changed:
    """A pod after a change: what it costs now, and its lease; None when it is not managed."""

    pod_id: str
    usd_per_hour: Usd
    lease: Lease | None


@dataclass(frozen=True, slots=True)
class Right:
    """A pod may be ended: its lease, where one counts, or why the ledger cannot tell."""

    lease: Lease | None
    no_ledger: Failure | None = None


async def stop_pod(house: House, pod_id: str) -> Changed:
    """Stop a pod: the GPUs are released, the pod volume is kept and billed.

    Raises:
        Failure: `not_managed`, `not_found`, `conflict` when it cannot be stopped now, or Runpod cannot be had;
            `ledger_unavailable`, which says so where it was stopped all the same.
    """
    right = await _may_touch(house, "stop_pod", pod_id)
    return await to_the_end(_stop(house, pod_id, right))


async def delete_pod(house: House, pod_id: str) -> Changed:
    """Delete a pod for good, and read until it is gone.

    Raises:
        Failure: `not_managed`, `not_found`, `runpod_unavailable` when its end could not be confirmed;
            `ledger_unavailable`, which says so where it was deleted all the same.
    """
    right = await _may_touch(house, "delete_pod", pod_id)
    return await to_the_end(_delete(house, pod_id, right))


async def _may_touch(house: House, tool: str, pod_id: str) -> Right:
    """The right to change a pod: it has a lease here or a tag, or the policy allows any pod.

    Raises:
        Failure: `not_managed`, `not_found`, `approval_required`, `ledger_unavailable`.
    """
    policy = house.policy_or_none()
    right = await _right(house, policy, pod_id)
    if policy:
        await need_yes_to(house, policy, tool)
    return right


async def _right(house: House, policy: Policy | None, pod_id: str) -> Right:
    try:
        return Right(await _lease_to_end(house, policy, pod_id))
    except Failure as failure:
        if failure.code is not Code.LEDGER_UNAVAILABLE or failure.retry is Retry.LATER:
            raise
        return Right(None, await _tagged_all_the_same(house, policy, pod_id, failure))


async def _tagged_all_the_same(house: House, policy: Policy | None, pod_id: str, failure: Failure) -> Failure:
    """Why the ledger cannot tell whose pod this is; raised where the pod itself does not either."""
    pod = await house.api.get_pod(pod_id)
    if pod is None or not (pod.reservation_id or (policy and policy.pods.manage_unmanaged)):
        raise failure
    return failure


async def _lease_to_end(house: House, policy: Policy | None, pod_id: str) -> Lease | None:
    """The pod's lease, where one still counts; None for a pod that may be changed here all the same.

    That is one that carries a tag of this ledger, or any pod where the policy says so.

    Raises:
        Failure: `not_managed`, `not_found`, `ledger_unavailable`.
    """
    lease = await lease_of_pod(house, pod_id)
    if lease and lease.still_counts:
        return lease
    pod = await house.api.get_pod(pod_id)
    if pod is None:
        raise not_found(pod_id, lease)
    lease = lease or await by_tag(house, pod)
    if lease is None and not (policy and policy.pods.manage_unmanaged):
        raise _not_managed(pod)
    if lease and lease.state in (LeaseState.OPEN, LeaseState.UNKNOWN):
        lease = (await adopt(house, lease.reservation, pod)).lease
    return lease if lease and lease.still_counts else None


def _not_managed(pod: Pod) -> Failure:
    how = (
        "is not in this server's ledger but in another"
        if pod.reservation_id
        else "was not rented through this server"
    )
    return Failure(
        Code.NOT_MANAGED,
        f"Pod {clean(pod.id, 40)} {how}, so it is left alone. "
        "A person can allow it with manage_unmanaged under [pods] in the policy.",
        Retry.NEVER,
    )


async def _stop(house: House, pod_id: str, right: Right) -> Changed:
    async with alone(house, right.lease) as mine:
        told_at = house.now()
        outcome = await house.api.stop_pod(pod_id)
        pod = await see_stopped(house, pod_id, patiently=not isinstance(outcome, Refused))
        if pod is None and await is_gone(house, pod_id):
            await _write(house, right, _ended(house), f"Pod {pod_id} is gone")
            raise not_found(pod_id, right.lease)
        if pod is None and isinstance(outcome, Refused):
            await _refuse_locked(house, pod_id)
        if pod is None:
            raise unconfirmed(f"Stopping pod {pod_id}", outcome)
        if not mine:
            return Changed(pod_id, stopped_rate(pod), None)
        entry = stopped_entry(house, right.lease, pod, told_at)
        lease = await _write(house, right, entry, f"Pod {pod_id} is stopped")
        return Changed(pod_id, stopped_rate(pod), lease)


async def _refuse_locked(house: House, pod_id: str) -> None:
    if await see(house, pod_id, lambda pod: bool(pod.locked), patiently=False):
        message = (
            f"Pod {pod_id} is locked, so Runpod does not stop it; unlock it first with update_pod, locked false. It still "
            "counts as before."
        )
        raise Failure(Code.CONFLICT, message, Retry.CHANGED)


async def _delete(house: House, pod_id: str, right: Right) -> Changed:
    if trouble := await trouble_ending(house, pod_id):
        raise trouble
    return Changed(pod_id, ZERO, await _write(house, right, _ended(house), f"Pod {pod_id} is deleted"))


def _ended(house: House) -> Entry:
    return Entry(kind=EntryKind.ENDED, at=house.now())


async def _write(house: House, right: Right, entry: Entry, done: str) -> Lease | None:
    """Write down what was done, where there is a lease.

    Raises:
        Failure: the ledger cannot be read or written; says that it was done all the same.
    """
    if right.no_ledger:
        message = f"{done}, but that could not be written down, so it still counts. {right.no_ledger.message}"
        raise replace(right.no_ledger, message=message)
    if right.lease is None:
        return None
    try:
        return await house.ledger.write(right.lease.reservation.id, entry)
    except Failure as failure:
        message = f"{done}, but that could not be written down ({failure.message}) Call again to write it."
        raise Failure(failure.code, message, Retry.LATER) from failure
