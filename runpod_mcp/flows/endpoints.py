"""Serverless endpoints as they are: listed and shown with what they can cost, their workers, health and logs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.context import House
from runpod_mcp.flows.endpoints_price import Sold, fleet_of, sold_if_told
from runpod_mcp.flows.read_logs import Lines, lines_of
from runpod_mcp.ledger.entries import Lease, LeaseKind
from runpod_mcp.money import Usd
from runpod_mcp.pods.words import clean
from runpod_mcp.runpod.endpoints import Endpoint, Worker, cards
from runpod_mcp.runpod.jobs import Health
from runpod_mcp.runpod.logs import LogSource


@dataclass(frozen=True, slots=True)
class Seen:
    """An endpoint, the cards its workers may get, what it can cost per hour at most (None: not known), and its lease."""

    endpoint: Endpoint
    gpu_type_ids: tuple[str, ...]
    usd_per_hour: Usd | None
    lease: Lease | None


def seen_as(endpoint: Endpoint, sold: Sold, lease: Lease | None) -> Seen:
    """An endpoint with what it can cost by today's list prices."""
    fleet = fleet_of(endpoint, sold)
    worst = fleet.usd_per_hour(sold.prices) if fleet else None
    if endpoint.workers_max == 0:
        worst = Usd(0)
    return Seen(endpoint, cards(endpoint, sold.types), worst, lease)


async def list_endpoints(house: House) -> tuple[list[Seen], list[Lease]]:
    """Every endpoint of the account by name, and the leases whose endpoint Runpod does not list.

    Raises:
        Failure: Runpod or the ledger cannot be read.
    """
    listed = await house.api.resources.endpoints.list_all()
    sold = await sold_if_told(house)
    leases = [lease for lease in await house.ledger.leases() if lease.kind is LeaseKind.ENDPOINT]
    by_id = {lease.pod_id: lease for lease in leases if lease.pod_id}
    seen = [seen_as(one, sold, by_id.get(one.id)) for one in listed]
    shown = {one.id for one in listed}
    return sorted(seen, key=_place), [lease for lease in leases if lease.pod_id not in shown]


def _place(seen: Seen) -> tuple[str, str]:
    return (seen.endpoint.name or "", seen.endpoint.id)


async def get_endpoint(house: House, endpoint_id: str) -> Seen:
    """One endpoint.

    Raises:
        Failure: `not_found`.
    """
    endpoint = await house.api.resources.endpoints.get(endpoint_id)
    if endpoint is None:
        raise not_found(endpoint_id)
    return seen_as(endpoint, await sold_if_told(house), await lease_of_endpoint(house, endpoint_id))


async def lease_of_endpoint(house: House, endpoint_id: str) -> Lease | None:
    """The lease of an endpoint that was made here and still counts."""
    lease = await house.ledger.lease_of_pod(endpoint_id)
    return lease if lease and lease.still_counts and lease.kind is LeaseKind.ENDPOINT else None


async def managed_lease(house: House, endpoint_id: str) -> Lease:
    """The lease of an endpoint that was made here.

    Raises:
        Failure: `not_managed`, `not_found`.
    """
    lease = await lease_of_endpoint(house, endpoint_id)
    if lease:
        return lease
    if await house.api.resources.endpoints.get(endpoint_id) is None:
        raise not_found(endpoint_id)
    message = f"Endpoint {clean(endpoint_id, 40)} was not made through this server, so it is left alone."
    raise Failure(Code.NOT_MANAGED, message, Retry.NEVER)


def not_found(endpoint_id: str) -> Failure:
    """What to say of an endpoint that Runpod does not have."""
    message = f"There is no endpoint {clean(endpoint_id, 40)!r}. list_endpoints shows what there is."
    return Failure(Code.NOT_FOUND, message)


async def list_workers(house: House, endpoint_id: str) -> list[Worker]:
    """The workers that are there now.

    Raises:
        Failure: `not_found`.
    """
    workers = await house.api.resources.endpoints.workers(endpoint_id)
    if workers is None:
        raise not_found(endpoint_id)
    return workers


async def get_health(house: House, endpoint_id: str) -> Health:
    """How many workers and jobs there are in each state.

    Raises:
        Failure: `not_found`.
    """
    health = await house.api.resources.jobs.health(endpoint_id)
    if health is None:
        raise not_found(endpoint_id)
    return health


async def read_worker_logs(
    house: House,
    endpoint_id: str,
    worker_id: str,
    *,
    tail: int,
    since: datetime | None,
    source: LogSource | None,
) -> Lines:
    """The newest lines of a worker that fit into a reply.

    Raises:
        Failure: `not_found`; the API has no logs; or they cannot be had.
    """
    since = since.replace(tzinfo=UTC) if since and since.tzinfo is None else since
    logs = await house.api.resources.endpoints.worker_logs(
        endpoint_id, worker_id, tail=tail, since=since, source=source
    )
    if logs is None:
        what = f"Endpoint {clean(endpoint_id, 40)!r} has no worker {clean(worker_id, 40)!r}"
        raise Failure(Code.NOT_FOUND, f"{what}. list_endpoint_workers shows what there is.")
    return lines_of(logs)
