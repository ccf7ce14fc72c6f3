"""The nearest requests that would pass now, each found by changing one thing and deciding again. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from runpod_mcp.errors import Code, Failure
from runpod_mcp.money import as_dollars
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.policy.decide import Case, decide
from runpod_mcp.policy.decision import Allow, Deny
from runpod_mcp.policy.offer import Offer, Wanted

MOST_OFFERED = 3
LEASE_STEPS = (0.75, 0.5, 0.25, 0.125)
SMALL_VOLUMES_GB = (20, 10, 0)
VCPU_STEPS = (64, 32, 16, 8, 4, 2)
LARGEST_POD = 16
"""GPUs; more than any machine of Runpod has, and an end to the search whatever was asked for."""

Change = dict[str, Any]
"""Arguments and their new values, under the names an agent uses."""

_NO_HELP = frozenset({Code.TOO_MANY_PODS, Code.TEMPLATE_NOT_ALLOWED, Code.IMAGE_NOT_ALLOWED})


def with_alternatives(case: Case, wanted: Wanted, denied: Deny) -> Deny:
    """The denial with what would pass instead, and at which price; what only its rule would let pass is left out."""
    if denied.code in _NO_HELP:
        return denied
    found: list[Change] = []
    for change in (*denied.alternatives, *_changes(case, wanted.request)):
        passing = _passing(case, wanted, change)
        if passing and passing not in found:
            found.append(passing)
        if len(found) == MOST_OFFERED:
            break
    return replace(denied, alternatives=found)


def _passing(case: Case, wanted: Wanted, change: Change) -> Change | None:
    """The change with its price, if it passes; any type becomes the cheapest one that passes."""
    offer = _offer(case, wanted, change)
    if offer is None:
        return None
    quote = offer.quote
    for kind, asked in (
        ("gpuTypeIds", wanted.request.gpu_type_ids),
        ("cpuFlavorIds", wanted.request.cpu_flavor_ids),
    ):
        if change.get(kind, ()) is None:
            cheapest = min(offer.candidates, key=lambda candidate: candidate.usd_per_hour)
            if [cheapest.type_id] == asked:
                return None
            change, quote = {**change, kind: [cheapest.type_id]}, offer.quote_for(cheapest)
    return {**change, "usdPerHour": as_dollars(quote.usd_per_hour)}


def _offer(case: Case, wanted: Wanted, change: Change) -> Offer | None:
    try:
        decision = decide(case, replace(wanted, request=wanted.request.with_arguments(change)))
    except Failure:
        return None
    return decision.offer if isinstance(decision, Allow) else None


def _changes(case: Case, request: CreateRequest) -> Iterator[Change]:
    """One change at a time, the smallest first; a different type comes before fewer of them."""
    hours = request.lease_hours or case.policy.lease.default_hours
    yield from ({"leaseHours": shorter} for step in LEASE_STEPS if (shorter := round(hours * step, 2)))
    if request.compute_type == "GPU":
        yield {"gpuTypeIds": None}
        for fewer in range(min(request.gpu_count - 1, LARGEST_POD), 0, -1):
            yield {"gpuCount": fewer}
            yield {"gpuCount": fewer, "gpuTypeIds": None}
    else:
        yield {"cpuFlavorIds": None}
        yield from ({"vcpuCount": fewer} for fewer in VCPU_STEPS if fewer < request.vcpu_count)
    if request.has_pod_volume:
        yield from ({"volumeInGb": gb} for gb in SMALL_VOLUMES_GB if gb < (request.volume_in_gb or 0))
