"""What a serverless endpoint can cost at most, and what of it is counted while its workers come and go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.context import House
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseState
from runpod_mcp.money import ZERO, Usd
from runpod_mcp.policy.endpoint_rules import Fleet
from runpod_mcp.runpod.endpoints import Endpoint, Worker, WorkerType, cards

BILLS_NOTHING = frozenset({"THROTTLED", "EXITED", "TERMINATED"})
"""What is said of a worker that has no machine: it waits for one (v2), or is not there any more (v1)."""


@dataclass(frozen=True, slots=True)
class Sold:
    """What workers can run on, and the list prices per hour of a GPU or a vCPU that are known."""

    types: Sequence[WorkerType] = ()
    prices: Mapping[str, Usd] = field(default_factory=dict)

    @classmethod
    def of(cls, types: Sequence[WorkerType]) -> Sold:
        """From what Runpod lists."""
        return cls(types, {one.id: one.usd_per_hour for one in types if one.usd_per_hour})

    @property
    def gpus(self) -> list[str]:
        """The GPU types that there are serverless workers with."""
        return [one.id for one in self.types if one.pool]

    @property
    def cpus(self) -> list[str]:
        """The CPU flavors that there are serverless workers with."""
        return [one.id for one in self.types if one.compute == "CPU"]


async def read_sold(house: House) -> Sold:
    """The list prices of serverless workers.

    Raises:
        Failure: `price_unknown`, the API does not tell them; or they cannot be read now.
    """
    try:
        return Sold.of(await house.api.resources.endpoints.worker_types())
    except Failure as failure:
        if failure.retry is not Retry.NEVER or failure.code is not Code.INVALID_REQUEST:
            raise
        message = (
            "Only Runpod's v2 API tells what serverless workers cost; a person can set RUNPOD_API_URL to it."
        )
        raise Failure(Code.PRICE_UNKNOWN, message, Retry.NEVER) from failure


async def sold_if_told(house: House) -> Sold:
    """The same, or nothing: for what must be done whatever it costs."""
    try:
        return await read_sold(house)
    except Failure:
        return Sold()


def fleet_of(endpoint: Endpoint, sold: Sold) -> Fleet | None:
    """The workers an endpoint may have; None where Runpod does not say."""
    if endpoint.workers_max is None:
        return None
    if endpoint.cpus:
        cpus = tuple((one.flavor_id, one.vcpu_count) for one in endpoint.cpus if one.vcpu_count)
        whole = len(cpus) == len(endpoint.cpus)
        return Fleet(workers_max=endpoint.workers_max, cpus=cpus) if whole else None
    found = cards(endpoint, sold.types)
    if not found or endpoint.gpu_count is None:
        return None
    return Fleet(workers_max=endpoint.workers_max, gpu_type_ids=found, gpu_count=endpoint.gpu_count)


async def billed_workers(house: House, endpoint_id: str) -> list[Worker] | None:
    """The workers that have a machine and bill; None when they cannot be read."""
    try:
        found = await house.api.resources.endpoints.workers(endpoint_id)
    except Failure:
        return None
    return None if found is None else [one for one in found if one.status not in BILLS_NOTHING]


def usd_of(worker: Worker, prices: Mapping[str, Usd]) -> Usd | None:
    """What a worker costs per hour at list price; None where its card, or that card's price, is not told."""
    price = prices.get(worker.gpu_type_id or "")
    return None if price is None or not worker.gpu_count else Usd(price * worker.gpu_count)


async def count(house: House, lease: Lease, endpoint: Endpoint, sold: Sold, *, lower_ceiling: bool) -> Lease:
    """Count less of an endpoint once nothing dearer runs any more; what works on a job goes on until that is done.

    `lower_ceiling` is for a change that was asked for here: what it freed is not given back without being judged.
    """
    fleet = fleet_of(endpoint, sold)
    if lease.state is not LeaseState.RUNNING or (fleet and _is_counted(lease, fleet, sold)):
        return lease
    workers = await billed_workers(house, endpoint.id)
    if endpoint.workers_max == 0:
        return lease if workers != [] else await stopped(house, lease, "it has no workers")
    rate = None if fleet is None or workers is None else _rate(lease, fleet, sold, workers)
    if fleet is None or rate is None or (rate, fleet.gpus) == (lease.usd_per_hour, lease.gpus):
        return lease
    entry = Entry(
        kind=EntryKind.STARTED,
        at=house.now(),
        usd_per_hour=rate,
        gpus=fleet.gpus,
        ceiling_usd_per_hour=rate if lower_ceiling else None,
        note="as its workers are",
    )
    return await house.ledger.write(lease.reservation.id, entry)


def _is_counted(lease: Lease, fleet: Fleet, sold: Sold) -> bool:
    return (fleet.usd_per_hour(sold.prices), fleet.gpus) == (lease.usd_per_hour, lease.gpus)


def _rate(lease: Lease, fleet: Fleet, sold: Sold, workers: Sequence[Worker]) -> Usd | None:
    """What is to be counted, never more than before; None while workers run that the settings no longer speak of.

    Workers that run were started at the price of then, so what was counted for so many GPUs is not undercut.
    """
    if fleet.gpus > lease.gpus:
        return None
    worst = fleet.usd_per_hour(sold.prices)
    if worst is not None and not workers:
        return min(worst, lease.usd_per_hour)
    if not all(_belongs(one, fleet) for one in workers) or len(workers) > fleet.workers_max:
        return None
    share = Usd(-(-lease.usd_per_hour * fleet.gpus // lease.gpus)) if lease.gpus else lease.usd_per_hour
    return min(max(worst or ZERO, share), lease.usd_per_hour)


def _belongs(worker: Worker, fleet: Fleet) -> bool:
    told = worker.gpu_type_id in (None, *fleet.gpu_type_ids)
    return told and not worker.stale and (worker.gpu_count or 0) <= fleet.gpus_per_worker


async def stopped(house: House, lease: Lease, note: str) -> Lease:
    """An endpoint without workers costs nothing and is kept; its lease is over."""
    now = max(house.now(), lease.reservation.opened_at)
    ends = min(now, lease.lease_ends_at)
    entry = Entry(
        kind=EntryKind.STOPPED,
        at=now,
        usd_per_hour=ZERO,
        lease_ends_at=ends,
        stopped_until=ends,
        note=note,
    )
    return await house.ledger.write(lease.reservation.id, entry)
