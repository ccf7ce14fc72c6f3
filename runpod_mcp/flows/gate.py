"""The only gate that counts: the budgets as a question that the ledger asks inside its transaction, at its own time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runpod_mcp.errors import Code, Retry
from runpod_mcp.flows.context import House
from runpod_mcp.flows.unmanaged import unmanaged_holdings
from runpod_mcp.ledger.entries import Entry, Lease, Reservation
from runpod_mcp.ledger.store import ChangeJudge, Judge
from runpod_mcp.policy.budgets import judge_budgets
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.spending import Holding, Plan, Spending

CLOCKS_DIFFER_BY = 900
"""Seconds by which clocks may disagree. One that is further behind the ledger would end leases too late."""


def reserve_judge(policy: Policy, unmanaged: Sequence[Holding], reservation: Reservation) -> Judge:
    """Whether there is room for a reservation."""

    def judge(spending: Spending) -> Deny | None:
        if behind := clock_behind(spending.now, reservation.opened_at):
            return behind
        everything = replace(spending, holdings=(*spending.holdings, *unmanaged))
        return judge_budgets(policy, everything, reservation.moved_to(spending.now).plan())

    return judge


def change_judge(policy: Policy, unmanaged: Sequence[Holding], now: int) -> ChangeJudge:
    """Whether there is room for a lease that is to cost more or last longer from now on."""

    def judge(others: Spending, plan: Plan) -> Deny | None:
        if behind := clock_behind(others.now, now):
            return behind
        return judge_budgets(policy, replace(others, holdings=(*others.holdings, *unmanaged)), plan)

    return judge


async def let_cost_more(
    house: House, policy: Policy, lease: Lease, entry: Entry, besides: ChangeJudge | None = None
) -> Lease:
    """Write an entry that makes a lease dearer or longer, if the budgets have room and nothing else is in the way.

    Raises:
        Failure: they have not, or something is.
    """
    room = change_judge(policy, await unmanaged_holdings(house, policy), entry.at)

    def judge(others: Spending, plan: Plan) -> Deny | None:
        return (besides and besides(others, plan)) or room(others, plan)

    held = await house.ledger.amend(lease.reservation.id, entry, judge)
    if isinstance(held, Deny):
        raise held.as_failure()
    return held


def clock_behind(latest: int, now: int) -> Deny | None:
    """Why nothing new is rented while the clock is behind the latest moment the ledger has seen; seconds since 1970."""
    seconds = latest - now
    if seconds <= CLOCKS_DIFFER_BY:
        return None
    return Deny(
        code=Code.CLOCK_BEHIND,
        message=f"This machine's clock is {seconds / 3600:.1f} h behind what the ledger saw before, so leases would end "
        "too late; a person must set it right.",
        retry=Retry.NEVER,
    )
