"""A request id used again: the same pod, never a second one."""

from __future__ import annotations

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.context import House
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
    if lease.reservation.request_hash != fingerprint(request):
        raise Failure(
            Code.CONFLICT, f"{named} was used before with other arguments; use a new one.", field="requestId"
        )
    if lease.state is LeaseState.OPEN:
        raise Failure(
            Code.CONFLICT,
            f"A create under {named} is under way; call again in a minute with the same arguments.",
            Retry.LATER,
        )
    if lease.state is LeaseState.UNKNOWN or lease.pod_id is None:
        raise outcome_unknown(lease)
    pod = await house.api.get_pod(lease.pod_id)
    if lease.state is LeaseState.ENDED or pod is None:
        raise Failure(
            Code.NOT_FOUND,
            f"{named} made pod {lease.pod_id}, which has ended; use a new requestId.",
            field="requestId",
        )
    return Rented(pod, lease, None, (f"This pod was made by an earlier call with {named}.",))


def outcome_unknown(lease: Lease) -> Failure:
    """What to say while nobody knows whether a create made a pod."""
    return Failure(
        Code.OUTCOME_UNKNOWN,
        "Runpod's answer was lost, so a pod may have been made. Do not repeat the call: the money for it stays set "
        f"aside as {lease.reservation.id}, and if the pod shows up it will be listed by list_pods.",
        Retry.NEVER,
        requested=lease.reservation.id,
    )
