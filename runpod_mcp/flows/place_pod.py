"""Calling Runpod for money that is set aside, and reading one of four outcomes."""

from __future__ import annotations

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
from runpod_mcp.runpod.api import Created, CreateOutcome, NoCapacity, PodOrder, Refused, Unknown


async def place_pod(house: House, held: Held) -> Rented:
    """Try the candidates in order until one is placed.

    Raises:
        Failure: nothing was made and the money is free again; or `outcome_unknown`, and it stays set aside.
    """
    refused: list[NoCapacity] = []
    for order in _orders(house, held):
        outcome = await _settled_outcome(house, held, await house.api.create_pod(order))
        if isinstance(outcome, Created):
            return await _settle(house, held, outcome.pod)
        if isinstance(outcome, Unknown):
            await _write(house, held, EntryKind.UNKNOWN, outcome.reason)
            raise outcome_unknown(held.lease)
        if isinstance(outcome, Refused):
            await _write(house, held, EntryKind.VOIDED, f"{outcome.code}: {outcome.message}")
            raise _refusal(outcome)
        refused.append(outcome)
    await _write(house, held, EntryKind.VOIDED, f"no capacity for {len(refused)} candidates")
    raise _no_capacity(held)


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
        f"Pod {pod.id} was rented but could not be written down ({failure.message}) Do not repeat the call; the pod "
        "is adopted by its tag once the ledger can be written.",
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


async def _write(house: House, held: Held, kind: EntryKind, note: str) -> None:
    await house.ledger.write(held.id, Entry(kind=kind, at=house.now(), note=note))


def _refusal(outcome: Refused) -> Failure:
    later = outcome.code in (Code.RATE_LIMITED, Code.RUNPOD_UNAVAILABLE)
    return Failure(outcome.code, outcome.message, Retry.LATER if later else Retry.CHANGED)


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
