"""Calling Runpod for money that is set aside, and reading one of four outcomes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.adopt import Adopted, adopt
from runpod_mcp.flows.context import House
from runpod_mcp.flows.outcomes import find_by_tag
from runpod_mcp.flows.rented import Held, Rented
from runpod_mcp.flows.repeats import outcome_unknown
from runpod_mcp.ledger.entries import Entry, EntryKind
from runpod_mcp.money import as_dollars
from runpod_mcp.pods.pod import Pod
from runpod_mcp.pods.values import RESERVATION_TAG
from runpod_mcp.runpod.api import Created, CreateOutcome, PodOrder, Refused, Unknown

log = logging.getLogger(__name__)


async def place_pod(house: House, held: Held) -> Rented:
    """Try the candidates in order until one is placed.

    Raises:
        Failure: nothing was made and the money is free again; or `outcome_unknown`, and it stays set aside.
    """
    for order in _orders(house, held):
        outcome = await _settled_outcome(house, held, await house.api.create_pod(order))
        if isinstance(outcome, Created):
            return await _settle(house, held, _with_hardware(outcome.pod, order))
        if isinstance(outcome, Unknown):
            await _try_to_write(house, held, EntryKind.UNKNOWN, outcome.reason)
            raise outcome_unknown(held.lease)
        if isinstance(outcome, Refused):
            raise await _nothing_made(house, held, _refusal(outcome))
    raise await _nothing_made(house, held, _no_capacity(held))


def _orders(house: House, held: Held) -> Iterator[PodOrder]:
    """One order for each candidate, or one with all of them for an API that takes lists."""
    request = held.offer.request
    gpu = request.compute_type == "GPU"
    order = PodOrder(request=request, env={**request.env, RESERVATION_TAG: held.id})
    groups = [(c,) for c in held.offer.candidates] if house.api.places_one else [held.offer.candidates]
    for group in groups:
        types = tuple(dict.fromkeys(c.type_id for c in group))
        places = tuple(dict.fromkeys(one for c in group for one in c.data_center_ids))
        chosen = replace(order, gpu_type_ids=types) if gpu else replace(order, cpu_flavor_ids=types)
        yield replace(chosen, data_center_ids=places)


def _with_hardware(pod: Pod, order: PodOrder) -> Pod:
    """The pod with the GPUs that were ordered, where a new one does not show them yet (v1)."""
    if pod.gpu_type_id or len(order.gpu_type_ids) != 1:
        return pod
    return replace(pod, gpu_type_id=order.gpu_type_ids[0], gpu_count=order.request.gpu_count)


async def _settled_outcome(house: House, held: Held, outcome: CreateOutcome) -> CreateOutcome:
    """The outcome, with a lost answer looked up: found by its tag, or believed to be the refusal it looks like."""
    if not isinstance(outcome, Unknown):
        return outcome
    if pod := await find_by_tag(house, held.id):
        return Created(pod)
    return outcome.looks_like or outcome


async def _settle(house: House, held: Held, pod: Pod) -> Rented:
    """Start the lease at the billed price; a pod dearer than what was set aside is ended at once."""
    try:
        adopted = await adopt(house, held.lease.reservation, pod)
    except Failure as failure:
        raise _made_but_not_written(pod, failure) from failure
    if adopted.too_dear:
        raise _too_dear(pod, adopted)
    return Rented(pod, adopted.lease, held.offer)


def _made_but_not_written(pod: Pod, failure: Failure) -> Failure:
    """The money stays set aside, and the tag leads back to the pod once the ledger can be written again."""
    return Failure(
        Code.OUTCOME_UNKNOWN,
        f"Pod {pod.id} was rented but could not be written down ({failure.message}) Do not repeat the call: the pod "
        "bills, list_pods shows it, and delete_pod ends it once the ledger can be written.",
        Retry.NEVER,
        requested=pod.id,
    )


def _too_dear(pod: Pod, adopted: Adopted) -> Failure:
    """What to say of a pod that was ended because of its price; until it is gone it is due, and it counts."""
    ending = (
        "It was ended at once." if adopted.gone else "Ending it is not confirmed yet and goes on being tried."
    )
    return Failure(
        Code.PRICE_ABOVE_QUOTE,
        f"Runpod billed pod {pod.id} above the quote: {adopted.too_dear}. {ending}",
        Retry.CHANGED if adopted.gone else Retry.NEVER,
        limit=as_dollars(adopted.lease.reservation.usd_per_hour),
        requested=as_dollars(adopted.billed),
    )


async def _nothing_made(house: House, held: Held, failure: Failure) -> Failure:
    """Free the money. Where the ledger cannot be written it stays set aside, and the failure says so."""
    freed = await _try_to_write(house, held, EntryKind.VOIDED, str(failure))
    kept = f"The ledger could not be written, so the money for it stays set aside as {held.id}."
    return failure if freed else replace(failure, message=f"{failure.message} {kept}")


async def _try_to_write(house: House, held: Held, kind: EntryKind, note: str) -> bool:
    """Whether it could be written; where it could not, the money stays set aside."""
    try:
        await house.ledger.write(held.id, Entry(kind=kind, at=house.now(), note=note))
    except Failure as failure:
        log.error("reservation %s could not be brought up to date: %s", held.id, failure)
        return False
    return True


_RETRIES = {
    Code.UNAUTHORIZED: Retry.NEVER,
    Code.INSUFFICIENT_BALANCE: Retry.LATER,
    Code.RATE_LIMITED: Retry.LATER,
    Code.RUNPOD_UNAVAILABLE: Retry.LATER,
}


def _refusal(outcome: Refused) -> Failure:
    message = f"{outcome.message} Nothing was rented."
    return Failure(outcome.code, message, outcome.retry or _RETRIES.get(outcome.code, Retry.CHANGED))


def _no_capacity(held: Held) -> Failure:
    request = held.offer.request
    tried = ", ".join(dict.fromkeys(candidate.type_id for candidate in held.offer.candidates))
    filters = request.asked(
        "data_center_ids",
        "country_codes",
        "allowed_cuda_versions",
        "min_ram_per_gpu",
        "min_vcpu_per_gpu",
        "min_disk_bandwidth_mbps",
        "min_download_mbps",
        "min_upload_mbps",
        "global_networking",
        "network_volume_id",
        "support_public_ip",
    )
    narrow = f" Filters that narrow the choice: {', '.join(filters)}; drop one." if filters else ""
    return Failure(
        Code.NO_CAPACITY,
        f"Runpod has no free machine for {tried} in {request.cloud_type} right now; nothing was rented.{narrow} "
        "Try another GPU type (list_gpu_types shows stock) or later; if every type is refused, look at the "
        "request itself.",
        Retry.LATER,
        requested=tried,
    )
