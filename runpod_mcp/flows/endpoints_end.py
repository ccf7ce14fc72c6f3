"""Making an endpoint cheaper for good: taking its workers away, and deleting it. Both are always allowed here."""

from __future__ import annotations

from enum import Enum

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.approval import need_yes_to
from runpod_mcp.flows.context import House
from runpod_mcp.flows.endpoints import managed_lease, not_found
from runpod_mcp.flows.endpoints_price import billed_workers
from runpod_mcp.flows.finish import to_the_end
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease
from runpod_mcp.pods.words import clean
from runpod_mcp.runpod.endpoints import Endpoint, EndpointChange
from runpod_mcp.runpod.results import EditOutcome, Refused

NO_WORKERS = EndpointChange(workers_min=0, workers_max=0)


class Emptied(Enum):
    """What came of taking an endpoint's workers away."""

    EMPTY = "it has no workers"
    GONE = "it is not there any more"
    STILL_BILLED = "workers still bill, or it cannot be seen"


async def delete_endpoint(house: House, endpoint_id: str) -> None:
    """Delete an endpoint that was made here, with its workers and jobs, and read until it is gone.

    Raises:
        Failure: `not_managed`, `not_found`, `approval_required`; or its end could not be confirmed.
    """
    lease = await managed_lease(house, endpoint_id)
    policy = house.policy_or_none()
    if policy:
        await need_yes_to(house, policy, "delete_endpoint")
    await to_the_end(_delete(house, lease, endpoint_id))


async def _delete(house: House, lease: Lease, endpoint_id: str) -> None:
    if trouble := await delete_for_good(house, endpoint_id):
        raise trouble
    await house.ledger.write(lease.reservation.id, Entry(kind=EntryKind.ENDED, at=house.now()))


async def delete_for_good(house: House, endpoint_id: str) -> Failure | None:
    """Delete an endpoint and read until it is gone; what is in the way, where that could not be confirmed.

    One that Runpod refuses to delete loses its workers first.
    """
    outcome: EditOutcome[Endpoint] | None = None
    endpoints = house.api.resources.endpoints
    for wait in (0.0, *house.confirm_after):
        if wait:
            await house.clock.sleep(wait)
        outcome = await endpoints.delete(endpoint_id)
        if await is_gone(house, endpoint_id):
            return None
        if isinstance(outcome, Refused):
            if outcome.code is Code.UNAUTHORIZED:
                break
            await endpoints.update(endpoint_id, NO_WORKERS)
    return _unconfirmed(endpoint_id, outcome)


def _unconfirmed(endpoint_id: str, outcome: EditOutcome[Endpoint] | None) -> Failure:
    if isinstance(outcome, Refused):
        retry = Retry.NEVER if outcome.code is Code.UNAUTHORIZED else Retry.LATER
        return Failure(outcome.code, f"{outcome.message} The endpoint still counts as before.", retry)
    return Failure(
        Code.RUNPOD_UNAVAILABLE,
        f"The end of endpoint {clean(endpoint_id, 40)} could not be confirmed, so it still counts as before. Calling "
        "again in a moment is safe.",
        Retry.LATER,
    )


async def is_gone(house: House, endpoint_id: str) -> bool:
    """Whether both reading it and the list say that it is not there; False when they cannot be read."""
    endpoints = house.api.resources.endpoints
    try:
        if await endpoints.get(endpoint_id) is not None:
            return False
        return all(one.id != endpoint_id for one in await endpoints.list_all())
    except Failure:
        return False


async def gone(house: House, lease: Lease) -> Failure:
    """Write down that an endpoint is not there any more, and what to say of it."""
    ended = Entry(kind=EntryKind.ENDED, at=house.now(), note="gone when it was to be changed")
    await house.ledger.write(lease.reservation.id, ended)
    return not_found(lease.pod_id or "")


async def take_workers(house: House, endpoint_id: str) -> Emptied:
    """Allow an endpoint no workers, and look until none is left; those with a job may take until that is done."""
    await house.api.resources.endpoints.update(endpoint_id, NO_WORKERS)
    for wait in (0.0, *house.confirm_after):
        if wait:
            await house.clock.sleep(wait)
        found = await _look(house, endpoint_id)
        if found is not Emptied.STILL_BILLED:
            return found
    return Emptied.STILL_BILLED


async def _look(house: House, endpoint_id: str) -> Emptied:
    try:
        endpoint = await house.api.resources.endpoints.get(endpoint_id)
    except Failure:
        return Emptied.STILL_BILLED
    if endpoint is None:
        return Emptied.GONE if await is_gone(house, endpoint_id) else Emptied.STILL_BILLED
    none_left = endpoint.workers_max == 0 and await billed_workers(house, endpoint_id) == []
    return Emptied.EMPTY if none_left else Emptied.STILL_BILLED
