"""When a lease began, and what it can cost from there to its end."""

from __future__ import annotations

from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.context import House
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease
from runpod_mcp.money import Usd
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.spending import Window


async def began_at(house: House, lease: Lease) -> int:
    """When its money was set aside, or when it was last started after it had been stopped (seconds since 1970).

    Raises:
        Failure: the ledger cannot be read.
    """
    since, running = lease.reservation.opened_at, True
    for entry in await house.ledger.entries(lease.reservation.id):
        if entry.kind is EntryKind.STARTED and not running:
            since, running = entry.at, True
        running = running and entry.kind is not EntryKind.STOPPED
    return since


async def whole_cost(house: House, lease: Lease, entry: Entry) -> Usd:
    """What a lease can cost from its beginning to its end once an entry is written, what it has cost already included.

    Raises:
        Failure: the ledger cannot be read.
    """
    return cost_since(await began_at(house, lease), lease, entry)


def cost_since(began: int, lease: Lease, entry: Entry) -> Usd:
    """The same for a lease that began then (seconds since 1970)."""
    return Window("lease", began, None).cost_of(lease.after(entry).stretches(entry.at))


def lease_too_long(policy: Policy, whole: float) -> Failure:
    """The refusal of a lease of so many hours in all: `max_hours` bounds it from its start on, or it could be extended for ever."""
    most = policy.lease.max_hours
    return Failure(
        Code.LEASE_TOO_LONG,
        f"The lease would be {whole:.4g} h long in all; the policy allows {most:g} h from its start.",
        field="leaseHours",
        limit=most,
        requested=round(whole, 4),
    )
