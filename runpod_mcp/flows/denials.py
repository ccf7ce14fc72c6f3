"""A refusal that helps: the nearest requests that would pass now, or what could be ended to make room."""

from __future__ import annotations

from dataclasses import replace

from runpod_mcp.catalog.catalog import Catalog
from runpod_mcp.clock import from_epoch, iso
from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.context import House
from runpod_mcp.ledger.entries import LeaseKind
from runpod_mcp.money import show
from runpod_mcp.policy.alternatives import applied, with_alternatives
from runpod_mcp.policy.decide import Case, read_as
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.offer import Wanted

MOST_ROUNDS = 3
"""Each round reads the catalog for the clouds and numbers of GPUs that were offered without a look at their stock."""
MOST_NAMED = 3
_MORE_ROOM_HELPS = frozenset({Code.TOO_MANY_PODS, Code.TOO_MANY_GPUS, Code.OVER_HOURLY_BUDGET})


async def helpful(house: House, case: Case, wanted: Wanted, denied: Deny) -> Deny:
    """The denial with at most three requests that would pass now, each decided on prices and stock of its own kind."""
    offered = with_alternatives(case, wanted, denied)
    for _ in range(MOST_ROUNDS):
        unread = _unread(case, wanted, offered)
        found = await _readings(house, unread)
        if not found:
            break
        case = replace(case, readings=(*case.readings, *found))
        offered = with_alternatives(case, wanted, denied)
    unseen = _unread(case, wanted, offered)
    seen = [one for one in offered.alternatives if read_as(applied(wanted.request, one)) not in unseen]
    return await _room_to_make(house, replace(offered, alternatives=seen))


def _unread(case: Case, wanted: Wanted, offered: Deny) -> list[tuple[str, int]]:
    requests = [applied(wanted.request, one) for one in offered.alternatives]
    return sorted({read_as(one) for one in requests if not case.reading(one).knows_stock(one)})


async def _readings(house: House, wanted: list[tuple[str, int]]) -> list[Catalog]:
    """The catalog for each cloud and number of GPUs; fewer where it cannot be read."""
    found = []
    for cloud, gpu_count in wanted:
        try:
            found.append(await house.prices.read(cloud, gpu_count))
        except Failure:
            break
    return found


async def _room_to_make(house: House, denied: Deny) -> Deny:
    """Where nothing smaller would pass but something runs, what the agent could end."""
    if denied.alternatives or not denied.used or denied.code not in _MORE_ROOM_HELPS:
        return denied
    pods = [
        f"{lease.pod_id} ({show(lease.usd_per_hour)}/h until {iso(from_epoch(lease.lease_ends_at))})"
        for lease in await house.ledger.leases()
        if lease.pod_id
        and lease.reservation.principal == house.principal
        and lease.kind is LeaseKind.POD
        and lease.runs
    ]
    if not pods:
        return denied
    return replace(denied, message=f"{denied.message} Ending one makes room: {'; '.join(pods[:MOST_NAMED])}.")
