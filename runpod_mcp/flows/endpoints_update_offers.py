"""What would pass instead of a change of an endpoint that was refused: each is tried like the change itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from runpod_mcp.errors import Failure
from runpod_mcp.flows.endpoints_offers import FIELDS, HELPED
from runpod_mcp.policy.alternatives import BY_TIME
from runpod_mcp.runpod.endpoints import EndpointChange

Tried = Callable[[EndpointChange, int | None], Awaitable[bool]]
"""Whether a change passes, with a lease of so many seconds from now, or with the one there is."""


async def with_what_passes(
    refused: Failure,
    change: EndpointChange,
    leases: Sequence[int],
    workers: range,
    tried: Tried,
    asked: int | None,
) -> Failure:
    """The refusal with the remedy of its rule, fewer workers or a shorter lease, as far as they pass.

    `leases` are in seconds and `workers` are counts, both in order; `asked` is the lease asked for, in seconds.
    """
    if refused.code not in HELPED:
        return refused
    found: list[dict[str, Any]] = [
        one for one in refused.alternatives if await tried(changed(change, one), asked)
    ]
    if not found and workers:

        async def with_workers(count: int) -> bool:
            return await tried(changed(change, _workers(change, count)), asked)

        most = await _most(workers, with_workers)
        found += [_workers(change, most)] if most is not None else []
    if refused.code in BY_TIME:

        async def with_lease(seconds: int) -> bool:
            return await tried(change, seconds)

        longest = await _most(leases, with_lease)
        found += [{"leaseHours": round(longest / 3600, 2)}] if longest is not None else []
    return replace(refused, alternatives=found)


def changed(change: EndpointChange, arguments: Mapping[str, Any]) -> EndpointChange:
    """The change with other values, given under the names of the arguments."""
    values: dict[str, Any] = {
        FIELDS[name]: tuple(value) if isinstance(value, list) else value for name, value in arguments.items()
    }
    return replace(change, **values)


def _workers(change: EndpointChange, count: int) -> dict[str, Any]:
    fewer = {"workersMin": count} if (change.workers_min or 0) > count else {}
    return {"workersMax": count, **fewer}


async def _most(sizes: Sequence[int], passes: Callable[[int], Awaitable[bool]]) -> int | None:
    """The largest size that passes, found by halves."""
    low, high = 0, len(sizes)
    while low < high:
        middle = (low + high) // 2
        if await passes(sizes[middle]):
            low = middle + 1
        else:
            high = middle
    return sizes[low - 1] if low else None
