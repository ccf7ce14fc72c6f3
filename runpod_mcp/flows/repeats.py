"""A request id used again: the same pod, never a second one."""

from __future__ import annotations

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.adopt import adopt
from runpod_mcp.flows.context import House
from runpod_mcp.flows.outcomes import tagged
from runpod_mcp.flows.rented import Rented
from runpod_mcp.flows.reserve import fingerprint
from runpod_mcp.ledger.entries import Lease, LeaseState
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.pods.words import clean


async def made_before(house: House, request: CreateRequest) -> Lease | None:
    """The lease of an earlier call with this request id, unless nothing came of that one."""
    if request.request_id is None or request.dry_run:
        return None
    return await house.ledger.lease_of_request(house.principal, request.request_id)


async def same_pod(house: House, request: CreateRequest, lease: Lease) -> Rented:
    """The pod of an earlier call with the same request id and arguments.

    Raises:
        Failure: `conflict`: other arguments, or that call is still under way; `outcome_unknown`; `not_found`: the
            pod has ended.
    """
    named = f"requestId {clean(request.request_id or '', 60)!r}"
    if lease.reservation.request_hash != fingerprint(request, lease.reservation.id):
        raise Failure(
            Code.CONFLICT, f"{named} was used before with other arguments; use a new one.", field="requestId"
        )
    if lease.state is LeaseState.OPEN:
        raise Failure(
            Code.CONFLICT,
            f"A create under {named} is under way; call again in a few minutes with the same arguments.",
            Retry.LATER,
        )
    if lease.pod_id is None:
        lease = await _looked_for(house, lease)
    pod = await house.api.get_pod(lease.pod_id) if lease.pod_id and lease.still_counts else None
    if pod is None:
        raise _no_longer(lease, named)
    return Rented(pod, lease, None, (f"This pod was made by an earlier call with {named}.",))


async def _looked_for(house: House, lease: Lease) -> Lease:
    """The lease of a create whose answer was lost, with its pod, if that shows up in the list now.

    Raises:
        Failure: `outcome_unknown`, still; or Runpod's list cannot be read.
    """
    pod = tagged(await house.api.list_pods(), lease.reservation.id)
    if pod is None:
        raise outcome_unknown(lease)
    return (await adopt(house, lease.reservation, pod)).lease


def _no_longer(lease: Lease, named: str) -> Failure:
    made = f"{named} made pod {lease.pod_id}"
    if lease.still_counts:
        message = f"{made}, which Runpod does not show now; it still counts. Call again later, or delete_pod to end it."
        return Failure(Code.NOT_FOUND, message, Retry.LATER)
    return Failure(
        Code.NOT_FOUND, f"{made}, which has ended; use a new requestId for a new pod.", field="requestId"
    )


def outcome_unknown(lease: Lease) -> Failure:
    """What to say while nobody knows whether a create made a pod."""
    asked = lease.reservation.request_id
    again = (
        "Only a call with the same requestId and arguments is safe: it looks for the pod and never makes another."
        if asked
        else "Do not call create_pod for it again: there could be two."
    )
    return Failure(
        Code.OUTCOME_UNKNOWN,
        f"Runpod's answer was lost, so a pod may have been made. {again} Its money stays set aside as "
        f"{lease.reservation.id} until that is known; list_pods shows the pod if there is one.",
        Retry.LATER if asked else Retry.NEVER,
        requested=lease.reservation.id,
    )
