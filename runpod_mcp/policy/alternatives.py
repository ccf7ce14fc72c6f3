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

_NO_HELP = frozenset({Code.TOO_MANY_PODS, Code.TEMPLATE_NOT_ALLOWED, Code.IMAGE_NOT_ALLOWED})


def with_alternatives(case: Case, wanted: Wanted, denied: Deny) -> Deny:
    """The denial with what would pass instead; a denial that names its own remedy keeps it."""
    if denied.alternatives or denied.code in _NO_HELP:
        return denied
    found: list[dict[str, Any]] = []
    for change in _changes(case, wanted.request):
        if offer := _passes(case, wanted, change):
            found.append({**_shown(change, offer), "usdPerHour": as_dollars(offer.quote.usd_per_hour)})
        if len(found) == MOST_OFFERED:
            break
    return replace(denied, alternatives=found)


def _passes(case: Case, wanted: Wanted, change: dict[str, Any]) -> Offer | None:
    changed = replace(wanted, request=wanted.request.model_copy(update=change))
    try:
        decision = decide(case, changed)
    except Failure:
        return None
    return decision.offer if isinstance(decision, Allow) else None


def _changes(case: Case, request: CreateRequest) -> Iterator[dict[str, Any]]:
    """One change at a time, the smallest first; a different GPU comes before fewer of them."""
    hours = request.lease_hours or case.policy.lease.default_hours
    yield from ({"lease_hours": shorter} for step in LEASE_STEPS if (shorter := round(hours * step, 2)))
    if request.compute_type == "GPU":
        yield {"gpu_type_ids": None}
        for fewer in range(request.gpu_count - 1, 0, -1):
            yield {"gpu_count": fewer}
            yield {"gpu_count": fewer, "gpu_type_ids": None}
    if request.has_pod_volume:
        yield from ({"volume_in_gb": gb} for gb in SMALL_VOLUMES_GB if gb < (request.volume_in_gb or 0))


def _shown(change: dict[str, Any], offer: Offer) -> dict[str, Any]:
    """The change under the names of the arguments; any type becomes the cheapest one that passed."""
    if "gpu_type_ids" in change:
        cheapest = min(offer.candidates, key=lambda candidate: candidate.usd_per_hour)
        change = {**change, "gpu_type_ids": [cheapest.type_id]}
    return {CreateRequest.model_fields[name].alias or name: value for name, value in change.items()}
