"""What would pass instead of a change that was refused: as much of it as there is room for, found by deciding it.

Nothing is written. Where that cannot be found out, the refusal stays as it is.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from dataclasses import replace

from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.context import House
from runpod_mcp.flows.gate import change_judge
from runpod_mcp.flows.unmanaged import unmanaged_holdings
from runpod_mcp.ledger.entries import Entry, Lease
from runpod_mcp.ledger.store import ChangeJudge
from runpod_mcp.money import as_dollars
from runpod_mcp.policy.alternatives import BY_TIME
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.spending import Plan, Spending

BY_SIZE = (BY_TIME - {Code.LEASE_TOO_LONG}) | {
    Code.DISK_TOO_LARGE,
    Code.OVER_POD_HOURLY_BUDGET,
    Code.OVER_HOURLY_BUDGET,
}
"""A smaller size helps."""
GRACE = 60
"""Seconds that may go by until what is offered is asked for."""
LONG_STEP, SHORT_STEP = 900, 180
"""Seconds: leases are shortened by quarters of an hour, those of up to an hour by less."""

_LOOKED = Deny(code=Code.CONFLICT, message="only looked")


async def most_that_fits(
    house: House,
    policy: Policy,
    lease: Lease,
    sizes: Sequence[int],
    entry_of: Callable[[int], Entry],
    asks: Callable[[int], object] = lambda _: None,
    besides: ChangeJudge | None = None,
) -> int | None:
    """The largest of these sizes that the budgets have room for and for which no person has to be asked.

    Each must make the lease dearer than the one before.

    Raises:
        Failure: the sums cannot be read.
    """
    if not sizes:
        return None
    room = change_judge(policy, await unmanaged_holdings(house, policy), house.now())
    fit: list[int] = []

    def look(others: Spending, _: Plan) -> Deny:
        def fails(size: int) -> bool:
            plan = lease.after(entry_of(size)).parted(others.now)[1]
            return bool(asks(size) or (besides and besides(others, plan)) or room(others, plan))

        fit.extend(sizes[: bisect.bisect_left(sizes, True, key=fails)][-1:])
        return _LOOKED

    await house.ledger.amend(lease.reservation.id, entry_of(sizes[-1]), look)
    return fit[0] if fit else None


async def with_shorter_lease(
    house: House,
    policy: Policy,
    lease: Lease,
    refused: Failure,
    seconds: range,
    entry_of: Callable[[int], Entry],
    asks: Callable[[int], object],
) -> Failure:
    """The refusal with the longest of these leases that would pass, each of so many seconds from now."""
    if refused.code not in BY_TIME:
        return refused
    try:
        most = await most_that_fits(house, policy, lease, seconds, entry_of, asks)
    except Failure:
        return refused
    if most is None:
        return refused
    rate = lease.after(entry_of(most)).usd_per_hour
    offer = {"leaseHours": round(most / 3600, 2), "usdPerHour": as_dollars(rate)}
    return replace(refused, alternatives=[offer])


def leases_between(least: int, most: int) -> range:
    """Leases longer than one and at most as long as another, in seconds."""
    step = LONG_STEP if most > 3600 else SHORT_STEP
    return range((least // step + 1) * step, most + 1, step)
